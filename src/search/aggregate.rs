//! Figures over groups of records, computed on columns. Sums of whole numbers are exact.

use std::collections::{HashMap, HashSet};

use aplomb_model::Timestamp;
use aplomb_model::query::{AggregateOp, Bucket, Kind, Path, Scalar};
use aplomb_model::schema::FieldType;

use crate::bits::Bits;
use crate::bucket::Buckets;
use crate::columns::{Segment, number_of};
use crate::cursor::Place;
use crate::error::SearchError;
use crate::filter::Views;
use crate::join::{Source, Values};
use crate::layout::{from_number, from_sortable, from_text, is_text};
use crate::types::{AggValue, AggregateQuery, Group};

/// Most fields to group by.
const MAX_DIMENSIONS: usize = 3;
/// Most groups that are kept while counting.
const MAX_GROUPS: usize = 200_000;
const MISSING: u64 = u64::MAX;

/// A field to group or to compute by.
struct Column {
    source: Source,
    kind: Kind,
    bucket: Option<(Bucket, bool)>,
}

struct Measure {
    op: AggregateOp,
    column: Option<Column>,
    percents: Vec<f64>,
}

#[derive(Default)]
struct Sums {
    count: u64,
    /// by measure
    totals: Vec<Total>,
}

#[derive(Default, Clone)]
struct Total {
    values: u64,
    whole: i128,
    float: f64,
    least: Option<Place>,
    most: Option<Place>,
    /// for percentiles, as the column has them
    all: Vec<u64>,
    distinct: HashSet<Place>,
}

pub(crate) struct Aggregation<'a> {
    query: &'a AggregateQuery,
    dimensions: Vec<Column>,
    measures: Vec<Measure>,
    groups: HashMap<Vec<Place>, usize>,
    sums: Vec<Sums>,
}

/// What is found within one segment by ordinals, before they are turned into text.
#[derive(Default)]
struct Ordinals {
    least: HashMap<(usize, usize), u64>,
    most: HashMap<(usize, usize), u64>,
    distinct: HashSet<(usize, usize, u64)>,
}

impl<'a> Aggregation<'a> {
    pub fn new(query: &'a AggregateQuery, views: Views) -> Result<Aggregation<'a>, SearchError> {
        if query.group_by.len() > MAX_DIMENSIONS {
            return Err(SearchError::BadQuery("grouped by too many fields"));
        }
        let dimension = |(path, bucket): &(Path, Option<Bucket>)| Column::new(path, *bucket, views);
        let measure = |(op, path, percents): &(AggregateOp, Option<Path>, Vec<f64>)| {
            let column = path.as_ref().map(|p| Column::new(p, None, views)).transpose()?;
            if column.is_none() && *op != AggregateOp::Count {
                return Err(SearchError::BadQuery("an aggregate without a field"));
            }
            Ok(Measure { op: *op, column, percents: percents.clone() })
        };
        let mut this = Aggregation {
            query,
            dimensions: query.group_by.iter().map(dimension).collect::<Result<_, _>>()?,
            measures: query.aggregates.iter().map(measure).collect::<Result<_, _>>()?,
            groups: HashMap::new(),
            sums: vec![],
        };
        if this.dimensions.is_empty() {
            this.group(vec![])?;
        }
        Ok(this)
    }

    fn group(&mut self, key: Vec<Place>) -> Result<usize, SearchError> {
        if let Some(at) = self.groups.get(&key) {
            return Ok(*at);
        }
        if self.sums.len() >= MAX_GROUPS {
            return Err(SearchError::BadQuery("too many groups"));
        }
        self.groups.insert(key, self.sums.len());
        self.sums.push(Sums { count: 0, totals: vec![Total::default(); self.measures.len()] });
        Ok(self.sums.len() - 1)
    }

    pub fn add(&mut self, segment: &Segment, docs: &Bits) -> Result<(), SearchError> {
        let dimensions = self.open(segment, self.dimensions.iter().map(Some))?;
        let measured = self.open(segment, self.measures.iter().map(|m| m.column.as_ref()))?;
        let mut found = Ordinals::default();
        let mut known: HashMap<[u64; MAX_DIMENSIONS], usize> = HashMap::new();
        let buckets: Vec<_> = self.dimensions.iter().map(|d| d.buckets(self.query.zone_offset)).collect();
        let mut failed = None;
        docs.blocks(false, |block| {
            if failed.is_some() {
                return;
            }
            let keys = keys_of(block, &dimensions, &buckets);
            match self.assign(keys, &dimensions, &mut known) {
                Ok(rows) => self.measure(block, &rows, &measured, &mut found),
                Err(e) => failed = Some(e),
            }
        });
        match failed {
            Some(e) => Err(e),
            None => self.keep_ordinals(found, &measured),
        }
    }

    fn open<'c>(
        &self,
        segment: &Segment,
        columns: impl Iterator<Item = Option<&'c Column>>,
    ) -> Result<Vec<Values>, SearchError> {
        columns.map(|c| c.map_or(Ok(Values::None), |c| c.source.open(segment))).collect()
    }

    /// From keys of this segment to groups; pairs of position in the block and group.
    fn assign(
        &mut self,
        keys: Vec<(usize, [u64; MAX_DIMENSIONS])>,
        columns: &[Values],
        known: &mut HashMap<[u64; MAX_DIMENSIONS], usize>,
    ) -> Result<Vec<(usize, usize)>, SearchError> {
        let mut rows = Vec::with_capacity(keys.len());
        let mut last = None;
        for (at, key) in keys {
            let group = match last {
                Some((k, group)) if k == key => group,
                _ => match known.get(&key) {
                    Some(group) => *group,
                    None => {
                        let place = |(key, values): (&u64, &Values)| place(*key, values);
                        let global = key.iter().zip(columns).map(place).collect::<Result<_, _>>()?;
                        let group = self.group(global)?;
                        known.insert(key, group);
                        group
                    }
                },
            };
            last = Some((key, group));
            self.sums[group].count += 1;
            rows.push((at, group));
        }
        Ok(rows)
    }

    fn measure(&mut self, block: &[u32], rows: &[(usize, usize)], columns: &[Values], found: &mut Ordinals) {
        let mut firsts = Vec::new();
        for (at, (measure, values)) in self.measures.iter().zip(columns).enumerate() {
            let Some(column) = &measure.column else { continue };
            let many = values.many();
            if !many {
                values.firsts(block, &mut firsts);
            }
            for (position, group) in rows {
                let total = &mut self.sums[*group].totals[at];
                let mut take = |value| match is_text(column.kind) {
                    true => {
                        total.values += 1;
                        found.take(measure.op, (*group, at), value);
                    }
                    false => total.take(measure.op, column.kind, value),
                };
                match many {
                    true => values.each(block[*position], &mut take),
                    false => firsts[*position].into_iter().for_each(&mut take),
                }
            }
        }
    }

    fn keep_ordinals(&mut self, found: Ordinals, columns: &[Values]) -> Result<(), SearchError> {
        let text = |at: usize, ord| place(ord, &columns[at]);
        for ((group, at), ord) in found.least {
            self.sums[group].totals[at].lower(text(at, ord)?);
        }
        for ((group, at), ord) in found.most {
            self.sums[group].totals[at].raise(text(at, ord)?);
        }
        for (group, at, ord) in found.distinct {
            self.sums[group].totals[at].distinct.insert(text(at, ord)?);
        }
        Ok(())
    }

    /// The groups with the highest counts, by key; missing values last.
    pub fn finish(self) -> Vec<Group> {
        let mut all: Vec<(Vec<Place>, usize)> = self.groups.into_iter().collect();
        all.sort_by(|a, b| self.sums[b.1].count.cmp(&self.sums[a.1].count).then_with(|| compare(&a.0, &b.0)));
        all.truncate(self.query.limit.max(1));
        all.sort_by(|a, b| compare(&a.0, &b.0));
        let scalar = |(place, dimension): (&Place, &Column)| scalar_of(place, dimension.kind);
        let group = |(key, at): (Vec<Place>, usize)| {
            let sums = &self.sums[at];
            Group {
                key: key.iter().zip(&self.dimensions).map(scalar).collect(),
                count: sums.count,
                values: self.measures.iter().zip(&sums.totals).map(|(m, t)| t.value(m, sums.count)).collect(),
            }
        };
        all.into_iter().map(group).collect()
    }
}

impl Column {
    fn new(path: &Path, bucket: Option<Bucket>, views: Views) -> Result<Column, SearchError> {
        let bucket = match (bucket, path.field_type) {
            (None, _) => None,
            (Some(bucket), Some(FieldType::Date)) => Some((bucket, false)),
            (Some(bucket), Some(FieldType::DateTime)) => Some((bucket, true)),
            _ => return Err(SearchError::BadQuery("buckets of something that is no date")),
        };
        Ok(Column { source: Source::new(path, views)?, kind: path.kind, bucket })
    }

    fn buckets(&self, zone_offset: i32) -> Option<Buckets> {
        let (bucket, time) = self.bucket?;
        Some(Buckets::new(bucket, time.then_some(i64::from(zone_offset) * 1_000_000), Timestamp::DAY))
    }
}

/// Positions in the block with their keys; several for a record with several values.
fn keys_of(block: &[u32], columns: &[Values], buckets: &[Option<Buckets>]) -> Vec<(usize, [u64; MAX_DIMENSIONS])> {
    let mut rows: Vec<(usize, [u64; MAX_DIMENSIONS])> =
        (0..block.len()).map(|at| (at, [MISSING; MAX_DIMENSIONS])).collect();
    let mut firsts = Vec::new();
    for (dimension, (column, bucket)) in columns.iter().zip(buckets).enumerate() {
        let into = |value| bucket.as_ref().map_or(value, |b| b.start(value));
        if !column.many() {
            column.firsts(block, &mut firsts);
            for (at, key) in &mut rows {
                key[dimension] = firsts[*at].map_or(MISSING, into);
            }
            continue;
        }
        let mut spread = Vec::with_capacity(rows.len());
        for (at, key) in rows {
            let mut values: Vec<u64> = Vec::new();
            column.each(block[at], |value| values.push(into(value)));
            values.sort_unstable();
            values.dedup();
            if values.is_empty() {
                values.push(MISSING);
            }
            spread.extend(values.into_iter().map(|value| {
                let mut key = key;
                key[dimension] = value;
                (at, key)
            }));
        }
        rows = spread;
    }
    rows
}

fn place(key: u64, values: &Values) -> Result<Place, SearchError> {
    if key == MISSING { Ok(Place::Missing) } else { values.place(key) }
}

fn scalar_of(place: &Place, kind: Kind) -> Option<Scalar> {
    match place {
        Place::Missing => None,
        Place::Number(n) => Some(from_number(kind, number_of(*n))),
        Place::Text(text) => Some(from_text(kind, text)),
    }
}

fn compare(a: &[Place], b: &[Place]) -> std::cmp::Ordering {
    let rank = |p: &Place| matches!(p, Place::Missing);
    let one = |(a, b): (&Place, &Place)| match (a, b) {
        (Place::Number(a), Place::Number(b)) => a.cmp(b),
        (Place::Text(a), Place::Text(b)) => a.cmp(b),
        (a, b) => rank(a).cmp(&rank(b)),
    };
    a.iter().zip(b).map(one).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
}

impl Ordinals {
    fn take(&mut self, op: AggregateOp, at: (usize, usize), ord: u64) {
        match op {
            AggregateOp::Min => {
                self.least.entry(at).and_modify(|o| *o = ord.min(*o)).or_insert(ord);
            }
            AggregateOp::Max => {
                self.most.entry(at).and_modify(|o| *o = ord.max(*o)).or_insert(ord);
            }
            AggregateOp::Distinct => {
                self.distinct.insert((at.0, at.1, ord));
            }
            _ => {}
        }
    }
}

impl Total {
    fn take(&mut self, op: AggregateOp, kind: Kind, value: u64) {
        self.values += 1;
        match op {
            AggregateOp::Count => {}
            AggregateOp::Sum | AggregateOp::Avg if kind == Kind::Number => {
                self.float += from_sortable(number_of(value))
            }
            AggregateOp::Sum | AggregateOp::Avg => self.whole += i128::from(number_of(value)),
            AggregateOp::Min => self.lower(Place::Number(value)),
            AggregateOp::Max => self.raise(Place::Number(value)),
            AggregateOp::Percentiles => self.all.push(value),
            AggregateOp::Distinct => {
                self.distinct.insert(Place::Number(value));
            }
        }
    }

    fn lower(&mut self, place: Place) {
        if self.least.as_ref().is_none_or(|l| compare(std::slice::from_ref(&place), std::slice::from_ref(l)).is_lt()) {
            self.least = Some(place);
        }
    }

    fn raise(&mut self, place: Place) {
        if self.most.as_ref().is_none_or(|m| compare(std::slice::from_ref(&place), std::slice::from_ref(m)).is_gt()) {
            self.most = Some(place);
        }
    }

    fn value(&self, measure: &Measure, records: u64) -> AggValue {
        let Some(column) = &measure.column else { return int(records.into()) };
        let number = |value: u64| match column.kind {
            Kind::Number => from_sortable(number_of(value)),
            _ => number_of(value) as f64,
        };
        match measure.op {
            AggregateOp::Count => int(self.values.into()),
            AggregateOp::Distinct => int(self.distinct.len() as i128),
            AggregateOp::Sum | AggregateOp::Avg | AggregateOp::Percentiles
                if self.values == 0 || is_text(column.kind) =>
            {
                AggValue::None
            }
            AggregateOp::Sum if column.kind == Kind::Number => AggValue::Number(self.float),
            AggregateOp::Sum => int(self.whole),
            AggregateOp::Avg if column.kind == Kind::Number => AggValue::Number(self.float / self.values as f64),
            AggregateOp::Avg => AggValue::Number(self.whole as f64 / self.values as f64),
            AggregateOp::Min => extreme(self.least.as_ref(), column.kind),
            AggregateOp::Max => extreme(self.most.as_ref(), column.kind),
            AggregateOp::Percentiles => {
                let mut all = self.all.clone();
                all.sort_unstable();
                AggValue::List(measure.percents.iter().map(|p| (*p, percentile(&all, *p, number))).collect())
            }
        }
    }
}

fn int(n: i128) -> AggValue {
    i64::try_from(n).map_or(AggValue::Number(n as f64), AggValue::Int)
}

fn extreme(place: Option<&Place>, kind: Kind) -> AggValue {
    match place.and_then(|p| scalar_of(p, kind)) {
        None => AggValue::None,
        Some(Scalar::Int(n)) => AggValue::Int(n),
        Some(Scalar::Number(n)) => AggValue::Number(n),
        Some(other) => AggValue::Scalar(other),
    }
}

/// Linear between the two nearest ranks (Hyndman and Fan 1996, definition 7). `sorted` is not empty.
fn percentile(sorted: &[u64], percent: f64, number: impl Fn(u64) -> f64) -> f64 {
    let at = (percent / 100.0).clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (below, above) = (number(sorted[at.floor() as usize]), number(sorted[at.ceil() as usize]));
    below + (above - below) * at.fract()
}
