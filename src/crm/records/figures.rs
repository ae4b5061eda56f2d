//! `groupBy` and `aggregates`: the answer of the index, with money brought to one currency and keys made readable.

use std::collections::BTreeMap;

use aplomb_model::query::{AggregateOp, Bucket, Kind, Part, Path, Scalar};
use aplomb_model::schema::{FieldType, system};
use aplomb_model::value::Link;
use aplomb_model::{Code, Currency, Date, Error, Id, Money, ObjectCode, Query, Result, Timestamp};
use aplomb_search::{AggValue, AggregateQuery, Group};
use serde_json::{Map, Value as Json, json};

use super::query::{Asked, wants_records};
use super::{Render, scan_figures};
use crate::crm::Inner;
use crate::settings::Settings;
use crate::{Ctx, QueryPage};

const MAX_GROUPS: usize = 1_000;
const MAX_KEYS: usize = 4;
const MAX_AGGREGATES: usize = 20;

/// One aggregate of the request.
struct Wanted {
    label: String,
    op: AggregateOp,
    path: Option<Path>,
    percents: Vec<f64>,
}

impl Wanted {
    fn money(&self) -> bool {
        self.path.as_ref().is_some_and(is_money)
    }
}

fn is_money(path: &Path) -> bool {
    path.field_type == Some(FieldType::Money) && path.part.is_none()
}

impl Inner {
    pub(super) fn figures(&self, ctx: &Ctx, asked: &Asked, query: &Query, at: Option<Timestamp>) -> Result<QueryPage> {
        if query.group_by.len() > MAX_KEYS || query.aggregates.len() > MAX_AGGREGATES {
            let detail = format!("at most {MAX_KEYS} keys and {MAX_AGGREGATES} aggregates");
            return Err(Error::new(Code::BadFilter, detail));
        }
        let keys = self.keys(ctx, asked, query)?;
        let wanted = self.wanted(ctx, asked, query)?;
        let currencies = self.currency_paths(&wanted);
        let mut group_by = keys.clone();
        group_by.extend(currencies.iter().map(|p| (p.clone(), None)));
        let mut aggregates: Vec<_> = wanted.iter().map(|w| (w.op, w.path.clone(), w.percents.clone())).collect();
        // an average over currencies needs the sum and the count of each
        for w in wanted.iter().filter(|w| w.op == AggregateOp::Avg && w.money()) {
            aggregates.push((AggregateOp::Sum, w.path.clone(), vec![]));
            aggregates.push((AggregateOp::Count, w.path.clone(), vec![]));
        }
        let question = AggregateQuery {
            object: asked.access.object.code,
            pred: asked.pred.clone(),
            rights: asked.access.rights(),
            text: asked.text.clone(),
            group_by,
            aggregates,
            limit: MAX_GROUPS,
            zone_offset: ctx.offset,
        };
        let from_records = at.is_some() || self.follower.rebuilding();
        let seq = self.index.seq();
        let indexed = if from_records { None } else { self.ask_index(|index| index.aggregate(&question))? };
        let (groups, seq) = match indexed {
            Some(groups) => (groups, seq),
            None => {
                let view = self.view()?;
                (scan_figures::aggregate(&view, asked, &question, at)?, view.seq())
            }
        };
        let settings = self.settings();
        let single = self.currencies.read().first().copied().unwrap_or(settings.organisation.currency);
        let merge = Merge { keys: keys.len(), wanted: &wanted, currencies: &currencies, settings: &settings, single };
        let merged = merge.run(groups);
        let schema = self.schema();
        let view = self.view()?;
        let render = Render::new(self, &schema, &ctx.actor, &view)?;
        let of_groups = query.limit.filter(|limit| *limit > 0 && !wants_records(query));
        let limit = of_groups.map_or(MAX_GROUPS, |limit| (limit as usize).min(MAX_GROUPS));
        let target = |path: &Path| self.target(asked, path);
        let groups = merged
            .into_iter()
            .take(limit)
            .map(|(key, values)| {
                let names = query.group_by.iter().map(|g| g.field().to_owned());
                let shown = key
                    .iter()
                    .zip(&keys)
                    .map(|(k, (path, bucket))| show_key(k, path, *bucket, ctx.offset, &render, &target));
                json!({"key": names.zip(shown).collect::<Map<_, _>>(), "values": values})
            })
            .collect();
        Ok(QueryPage { records: vec![], next: None, total: None, groups: Some(groups), seq })
    }

    fn keys(&self, ctx: &Ctx, asked: &Asked, query: &Query) -> Result<Vec<(Path, Option<Bucket>)>> {
        let key = |g: &aplomb_model::query::GroupBy| {
            let path = self.path(ctx, &asked.access, g.field())?;
            let dated = matches!(path.field_type, Some(FieldType::Date | FieldType::DateTime));
            if path.kind == Kind::Opaque || (g.bucket().is_some() && !dated) {
                return Err(Error::field(g.field(), "not_groupable", "cannot be grouped like this"));
            }
            Ok((path, g.bucket()))
        };
        query.group_by.iter().map(key).collect()
    }

    fn wanted(&self, ctx: &Ctx, asked: &Asked, query: &Query) -> Result<Vec<Wanted>> {
        if query.aggregates.is_empty() {
            return Ok(vec![Wanted { label: "count".into(), op: AggregateOp::Count, path: None, percents: vec![] }]);
        }
        let one = |a: &aplomb_model::query::Aggregate| {
            let path = a.field.as_deref().map(|f| self.path(ctx, &asked.access, f)).transpose()?;
            let numeric = path.as_ref().is_some_and(|p| matches!(p.kind, Kind::Number) || is_money(p));
            let refuse =
                |detail: &str| Err(Error::field(a.field.clone().unwrap_or_else(|| a.label()), "aggregate", detail));
            match a.op {
                AggregateOp::Count => {}
                _ if path.is_none() => return refuse("needs a field"),
                AggregateOp::Sum | AggregateOp::Avg | AggregateOp::Percentiles if !numeric => {
                    return refuse("is not a number or money");
                }
                AggregateOp::Min | AggregateOp::Max | AggregateOp::Distinct
                    if path.as_ref().is_some_and(|p| p.kind == Kind::Opaque) =>
                {
                    return refuse("cannot be compared");
                }
                _ => {}
            }
            let percents = if a.percents.is_empty() { vec![50.0] } else { a.percents.clone() };
            if percents.len() > 20 || percents.iter().any(|p| !(0.0..=100.0).contains(p)) {
                return refuse("percents go from 0 to 100, at most 20 of them");
            }
            Ok(Wanted { label: a.label(), op: a.op, path, percents })
        };
        query.aggregates.iter().map(one).collect()
    }

    /// By which currencies to group besides, so that no euros are added to yen. None while there is only one.
    fn currency_paths(&self, wanted: &[Wanted]) -> Vec<Path> {
        let mut paths: Vec<Path> = Vec::new();
        if self.currencies.read().len() > 1 {
            for path in wanted.iter().filter(|w| w.money()).filter_map(|w| w.path.as_ref()) {
                let path = Path { part: Some(Part::Currency), kind: Kind::Key, ..path.clone() };
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        paths
    }

    fn target(&self, asked: &Asked, path: &Path) -> Option<ObjectCode> {
        let schema = self.schema();
        let object = match path.steps.last() {
            Some((_, code)) => schema.by_code(*code)?.clone(),
            None => asked.access.object.clone(),
        };
        if matches!(path.field, system::CREATED_BY | system::UPDATED_BY) {
            return schema.by_name("user").map(|o| o.code);
        }
        match object.by_code(path.field)?.target.as_slice() {
            [only] => schema.by_name(only).map(|o| o.code),
            _ => None,
        }
    }
}

/// Brings groups that differ only in currency together.
struct Merge<'a> {
    keys: usize,
    wanted: &'a [Wanted],
    currencies: &'a [Path],
    settings: &'a Settings,
    /// of all money, while there is only one
    single: Currency,
}

type Key = Vec<Option<Scalar>>;

impl Merge<'_> {
    fn run(&self, groups: Vec<Group>) -> Vec<(Key, Json)> {
        let mut order: Vec<Key> = Vec::new();
        let mut parts: Vec<Vec<Group>> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for group in groups {
            let key: Key = group.key[..self.keys.min(group.key.len())].to_vec();
            let at = *known.entry(format!("{key:?}")).or_insert_with(|| {
                order.push(key);
                parts.push(Vec::new());
                parts.len() - 1
            });
            parts[at].push(group);
        }
        order.into_iter().zip(parts).map(|(key, groups)| (key, self.values(&groups))).collect()
    }

    fn values(&self, groups: &[Group]) -> Json {
        let mut out = Map::new();
        let mut extra = self.wanted.len();
        for (at, wanted) in self.wanted.iter().enumerate() {
            let helpers = (wanted.op == AggregateOp::Avg && wanted.money()).then_some((extra, extra + 1));
            extra += if helpers.is_some() { 2 } else { 0 };
            out.insert(wanted.label.clone(), self.value(wanted, at, helpers, groups));
        }
        Json::Object(out)
    }

    fn value(&self, wanted: &Wanted, at: usize, helpers: Option<(usize, usize)>, groups: &[Group]) -> Json {
        let home = self.settings.organisation.currency;
        if !wanted.money() || wanted.op == AggregateOp::Count || wanted.op == AggregateOp::Distinct {
            return plain(wanted, at, groups);
        }
        let [only] = groups else { return self.converted(wanted, at, helpers, groups, home) };
        let currency = self.currency(wanted, only).unwrap_or(self.single);
        match only.values.get(at) {
            Some(AggValue::Int(minor)) => money(*minor as f64, currency),
            Some(AggValue::Number(minor)) => money(*minor, currency),
            Some(AggValue::Scalar(Scalar::Int(minor))) => money(*minor as f64, currency),
            Some(AggValue::List(list)) => {
                list.iter().map(|(p, v)| json!({"percent": p, "value": money(*v, currency)})).collect()
            }
            _ => Json::Null,
        }
    }

    fn currency(&self, wanted: &Wanted, group: &Group) -> Option<Currency> {
        let field = wanted.path.as_ref()?;
        let at = self.currencies.iter().position(|p| p.field == field.field && p.steps == field.steps)?;
        match group.key.get(self.keys + at)? {
            Some(Scalar::Key(code)) => code.parse().ok(),
            _ => None,
        }
    }

    fn converted(
        &self,
        wanted: &Wanted,
        at: usize,
        helpers: Option<(usize, usize)>,
        groups: &[Group],
        home: Currency,
    ) -> Json {
        let mut figures = Vec::new();
        for group in groups {
            let Some(currency) = self.currency(wanted, group) else { continue };
            let take = |at: usize| number(group.values.get(at));
            let raw = match helpers {
                Some((sum, count)) => take(sum).zip(take(count)),
                None => take(at).map(|v| (v, 1.0)),
            };
            let Some((minor, count)) = raw else { continue };
            // without a rate there is no honest figure
            let Some(minor) = self.settings.convert(minor, currency) else { return Json::Null };
            figures.push((minor, count));
        }
        let values = figures.iter().map(|(v, _)| *v);
        let result = match wanted.op {
            AggregateOp::Sum => Some(values.sum()),
            AggregateOp::Min => values.reduce(f64::min),
            AggregateOp::Max => values.reduce(f64::max),
            AggregateOp::Avg => {
                let count: f64 = figures.iter().map(|(_, c)| *c).sum();
                (count > 0.0).then(|| values.sum::<f64>() / count)
            }
            _ => None,
        };
        result.map_or(Json::Null, |minor| money(minor, home))
    }
}

fn number(value: Option<&AggValue>) -> Option<f64> {
    match value? {
        AggValue::Int(n) => Some(*n as f64),
        AggValue::Number(n) => Some(*n),
        AggValue::Scalar(Scalar::Int(n)) => Some(*n as f64),
        _ => None,
    }
}

fn money(minor: f64, currency: Currency) -> Json {
    json!({"amount": Money::new(minor.round() as i64, currency).amount(), "currency": currency})
}

fn plain(wanted: &Wanted, at: usize, groups: &[Group]) -> Json {
    let mut values = groups.iter().filter_map(|g| g.values.get(at));
    if groups.len() > 1 {
        return json!(values.filter_map(|v| number(Some(v))).sum::<f64>() as i64);
    }
    match values.next() {
        Some(AggValue::Int(n)) => json!(n),
        Some(AggValue::Number(n)) if n.fract() == 0.0 && n.abs() < 9e15 => json!(*n as i64),
        Some(AggValue::Number(n)) => json!(n),
        Some(AggValue::List(list)) => list.iter().map(|(p, v)| json!({"percent": p, "value": v})).collect(),
        Some(AggValue::Scalar(scalar)) => wanted.path.as_ref().map_or(Json::Null, |p| show_scalar(scalar, p)),
        Some(AggValue::None) | None => Json::Null,
    }
}

fn show_scalar(scalar: &Scalar, path: &Path) -> Json {
    match (scalar, path.field_type) {
        (Scalar::Bool(b), _) => json!(b),
        (Scalar::Int(days), Some(FieldType::Date)) => json!(i32::try_from(*days).ok().and_then(Date::from_days)),
        (Scalar::Int(micros), Some(FieldType::DateTime)) => json!(Timestamp::from_micros(*micros)),
        (Scalar::Int(n), _) => json!(n),
        (Scalar::Number(n), _) => json!(n),
        (Scalar::Text(s) | Scalar::Key(s), _) => json!(s),
        (Scalar::Id(id), _) => json!(id),
    }
}

fn show_key(
    key: &Option<Scalar>,
    path: &Path,
    bucket: Option<Bucket>,
    offset: i32,
    render: &Render<'_>,
    target: &dyn Fn(&Path) -> Option<ObjectCode>,
) -> Json {
    let Some(scalar) = key else { return Json::Null };
    match (scalar, path.field_type, bucket) {
        (Scalar::Int(micros), Some(FieldType::DateTime), Some(_)) => {
            json!(Timestamp::from_micros(*micros).plus_seconds(i64::from(offset)).date())
        }
        (Scalar::Int(minor), Some(FieldType::Money), _) => json!(minor),
        (Scalar::Id(id), _, _) => show_id(*id, target(path), render),
        _ => show_scalar(scalar, path),
    }
}

fn show_id(id: Id, object: Option<ObjectCode>, render: &Render<'_>) -> Json {
    match object {
        Some(object) => render.link(Link { object, id }),
        None => json!({"id": id}),
    }
}
