//! The same figures as the index gives, by reading records.

use std::collections::{BTreeMap, BTreeSet};

use aplomb_model::query::{AggregateOp, Bucket, Path, Scalar};
use aplomb_model::schema::FieldType;
use aplomb_model::{Date, Record, Result, Timestamp};
use aplomb_search::{AggValue, AggregateQuery, Group};
use aplomb_store::View;

use super::query::Asked;
use super::scan;
use crate::errors::OrStore;

/// Most values kept for percentiles and distinct counts.
const MOST_VALUES: usize = 1_000_000;

#[derive(Default)]
struct Sums {
    count: u64,
    columns: Vec<Vec<Scalar>>,
}

pub(super) fn aggregate(view: &View, asked: &Asked, q: &AggregateQuery, at: Option<Timestamp>) -> Result<Vec<Group>> {
    let mut groups: BTreeMap<Vec<OrdKey>, Sums> = BTreeMap::new();
    let mut values = 0usize;
    scan::every(view, asked, at, |record| {
        let mut keys: Vec<Vec<OrdKey>> = vec![vec![]];
        for (path, bucket) in &q.group_by {
            let found = scalars(view, &record, path, at)?;
            let found: BTreeSet<OrdKey> =
                found.iter().map(|s| OrdKey(Some(bucketed(s, path, *bucket, q.zone_offset)))).collect();
            let found = if found.is_empty() { BTreeSet::from([OrdKey(None)]) } else { found };
            keys = keys
                .iter()
                .flat_map(|k| found.iter().map(|f| [k.as_slice(), std::slice::from_ref(f)].concat()))
                .collect();
        }
        let columns: Vec<Vec<Scalar>> = q
            .aggregates
            .iter()
            .map(|(_, path, _)| path.as_ref().map_or(Ok(vec![]), |p| scalars(view, &record, p, at)))
            .collect::<Result<_>>()?;
        for key in keys {
            let group = groups.entry(key).or_default();
            group.count += 1;
            group.columns.resize(columns.len(), vec![]);
            for (into, from) in group.columns.iter_mut().zip(&columns) {
                values += from.len();
                if values <= MOST_VALUES {
                    into.extend(from.iter().cloned());
                }
            }
        }
        Ok(())
    })?;
    if groups.is_empty() && q.group_by.is_empty() {
        groups.insert(vec![], Sums { count: 0, columns: vec![vec![]; q.aggregates.len()] });
    }
    let figures = |sums: Sums| {
        let columns = sums.columns.into_iter().zip(&q.aggregates);
        columns
            .map(|(column, (op, path, percents))| figure(*op, path.is_some(), percents, sums.count, column))
            .collect()
    };
    Ok(groups
        .into_iter()
        .take(q.limit)
        .map(|(key, sums)| Group {
            key: key.into_iter().map(|k| k.0).collect(),
            count: sums.count,
            values: figures(sums),
        })
        .collect())
}

fn scalars(view: &View, record: &Record, path: &Path, at: Option<Timestamp>) -> Result<Vec<Scalar>> {
    let mut records = vec![record.clone()];
    for (field, _) in &path.steps {
        let mut next = Vec::new();
        for link in records.iter().filter_map(|r| r.get(*field)).flat_map(|v| v.links()) {
            next.extend(match at {
                Some(at) => view.as_of(link.object, link.id, at).or_store()?,
                None => view.get(link.object, link.id).or_store()?.filter(|r| r.trashed_at.is_none()),
            });
        }
        records = next;
    }
    Ok(records.iter().flat_map(|r| path.own_scalars(r)).collect())
}

fn bucketed(scalar: &Scalar, path: &Path, bucket: Option<Bucket>, offset: i32) -> Scalar {
    let (Some(bucket), Scalar::Int(n)) = (bucket, scalar) else { return scalar.clone() };
    match path.field_type {
        Some(FieldType::Date) => {
            let day = i32::try_from(*n).ok().and_then(Date::from_days);
            day.map_or(scalar.clone(), |d| Scalar::Int(i64::from(first_day(d, bucket).days())))
        }
        _ => {
            let local = Timestamp::from_micros(*n).plus_seconds(i64::from(offset)).date();
            Scalar::Int(first_day(local, bucket).start().plus_seconds(-i64::from(offset)).micros())
        }
    }
}

fn first_day(day: Date, bucket: Bucket) -> Date {
    let (year, month, _) = day.ymd();
    let first = |month| Date::new(year, month, 1).unwrap_or(day);
    match bucket {
        Bucket::Day => day,
        // day 0 was a Thursday; weeks begin on Monday
        Bucket::Week => day.plus_days(-(day.days() + 3).rem_euclid(7)),
        Bucket::Month => first(month),
        Bucket::Quarter => first((month - 1) / 3 * 3 + 1),
        Bucket::Year => first(1),
    }
}

fn figure(op: AggregateOp, has_path: bool, percents: &[f64], count: u64, mut column: Vec<Scalar>) -> AggValue {
    let numbers = || column.iter().map(as_number);
    match op {
        AggregateOp::Count if has_path => AggValue::Int(column.len() as i64),
        AggregateOp::Count => AggValue::Int(count as i64),
        AggregateOp::Distinct => {
            column.sort_by(Scalar::order);
            column.dedup_by(|a, b| a.order(b).is_eq());
            AggValue::Int(column.len() as i64)
        }
        _ if column.is_empty() => AggValue::None,
        AggregateOp::Sum => {
            match column.iter().try_fold(0i64, |sum, s| if let Scalar::Int(n) = s { sum.checked_add(*n) } else { None })
            {
                Some(sum) => AggValue::Int(sum),
                None => AggValue::Number(numbers().sum()),
            }
        }
        AggregateOp::Avg => AggValue::Number(numbers().sum::<f64>() / column.len() as f64),
        AggregateOp::Min | AggregateOp::Max => {
            column.sort_by(Scalar::order);
            let found = if op == AggregateOp::Min { column.first() } else { column.last() };
            match found {
                Some(Scalar::Int(n)) => AggValue::Int(*n),
                Some(Scalar::Number(n)) => AggValue::Number(*n),
                Some(other) => AggValue::Scalar(other.clone()),
                None => AggValue::None,
            }
        }
        AggregateOp::Percentiles => {
            let mut sorted: Vec<f64> = numbers().collect();
            sorted.sort_by(f64::total_cmp);
            let at = |p: f64| sorted[((p / 100.0 * (sorted.len() - 1) as f64).round() as usize).min(sorted.len() - 1)];
            AggValue::List(percents.iter().map(|p| (*p, at(*p))).collect())
        }
    }
}

fn as_number(scalar: &Scalar) -> f64 {
    match scalar {
        Scalar::Int(n) => *n as f64,
        Scalar::Number(n) => *n,
        Scalar::Bool(b) => f64::from(u8::from(*b)),
        _ => 0.0,
    }
}

/// Sorted by value, missing last.
#[derive(Debug, Clone, PartialEq)]
struct OrdKey(Option<Scalar>);

impl Eq for OrdKey {}

impl PartialOrd for OrdKey {
    fn partial_cmp(&self, other: &OrdKey) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OrdKey {
    fn cmp(&self, other: &OrdKey) -> std::cmp::Ordering {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => a.order(b),
            (None, None) => std::cmp::Ordering::Equal,
            (None, _) => std::cmp::Ordering::Greater,
            (_, None) => std::cmp::Ordering::Less,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_begin_on_their_first_day() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        for (date, bucket, expect) in [
            ("2026-03-18", Bucket::Day, "2026-03-18"),
            ("2026-03-18", Bucket::Week, "2026-03-16"),
            ("2026-03-16", Bucket::Week, "2026-03-16"),
            ("2026-03-22", Bucket::Week, "2026-03-16"),
            ("1969-12-31", Bucket::Week, "1969-12-29"),
            ("2026-03-18", Bucket::Month, "2026-03-01"),
            ("2026-06-30", Bucket::Quarter, "2026-04-01"),
            ("2026-12-31", Bucket::Year, "2026-01-01"),
        ] {
            assert_eq!(first_day(day(date), bucket), day(expect), "{date} {bucket:?}");
        }
    }

    #[test]
    fn figures_of_a_column() {
        let ints = || vec![Scalar::Int(3), Scalar::Int(1), Scalar::Int(1)];
        let of = |op, percents: &[f64]| figure(op, true, percents, 4, ints());
        assert_eq!(of(AggregateOp::Sum, &[]), AggValue::Int(5));
        assert_eq!(of(AggregateOp::Distinct, &[]), AggValue::Int(2));
        assert_eq!(of(AggregateOp::Max, &[]), AggValue::Int(3));
        assert_eq!(
            of(AggregateOp::Percentiles, &[0.0, 50.0, 100.0]),
            AggValue::List(vec![(0.0, 1.0), (50.0, 1.0), (100.0, 3.0)])
        );
        assert_eq!(figure(AggregateOp::Avg, true, &[], 0, vec![]), AggValue::None);
        assert_eq!(figure(AggregateOp::Count, false, &[], 4, vec![]), AggValue::Int(4));
    }
}
