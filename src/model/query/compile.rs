//! From what a caller wrote to what is run: names become codes, JSON becomes typed values, `withinLast` becomes a range.

use std::ops::Bound;

use serde_json::Value as Json;

use super::pred::{Check, Kind, Part, Path, Pred, Scalar, SortKey, Test};
use super::{Condition, Filter, Op, Sort};
use crate::json::parse_time;
use crate::schema::{FieldType, Object, Schema, system};
use crate::{Currency, Date, Error, FieldError, Id, Money, Result, Timestamp, fold};

/// Deepest nesting of a filter.
const MAX_DEPTH: usize = 16;
/// Most conditions in one filter.
const MAX_CONDITIONS: usize = 500;
/// Most values of one `in`.
const MAX_VALUES: usize = 10_000;
/// Most references followed by one path.
const MAX_STEPS: usize = 3;

/// What relative dates are relative to.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    pub now: Timestamp,
    /// today in the caller's zone
    pub today: Date,
    /// seconds east of UTC of the caller's zone now
    pub offset: i32,
}

pub struct Compiler<'a> {
    pub schema: &'a Schema,
    pub clock: Clock,
    pub currency: Currency,
    /// what `"me"` means in a condition on a reference
    pub me: Id,
}

impl Compiler<'_> {
    pub fn filter(&self, object: &Object, filter: &Filter) -> Result<Pred> {
        let mut budget = MAX_CONDITIONS;
        self.node(object, filter, MAX_DEPTH, &mut budget).map_err(bad_filter)
    }

    pub fn sort(&self, object: &Object, sort: &[Sort]) -> Result<Vec<SortKey>> {
        let key = |s: &Sort| {
            let path = self.path(object, &s.field)?;
            let id_of_another = path.field == system::ID && !path.steps.is_empty();
            if path.kind == Kind::Opaque || id_of_another {
                return Err(FieldError::new(&s.field, "not_sortable", "cannot be sorted by"));
            }
            Ok(SortKey { path, descending: s.descending })
        };
        sort.iter().map(key).collect::<Result<_, _>>().map_err(bad_filter)
    }

    /// Resolves `amount`, `name.last`, `company.industry`, `createdAt`.
    pub fn path(&self, object: &Object, text: &str) -> Result<Path, FieldError> {
        let unknown = || FieldError::new(text, "unknown_field", format!("{} has no such field", object.name));
        let mut names = text.split('.');
        let mut steps = Vec::new();
        let mut at = object;
        loop {
            let name = names.next().ok_or_else(unknown)?;
            let rest = names.clone().next();
            if let (Some(code), None) = (system::by_name(name), rest) {
                let kind = match code {
                    system::ID | system::CREATED_BY | system::UPDATED_BY => Kind::Id,
                    _ => Kind::Int,
                };
                let field_type = matches!(code, system::CREATED_AT | system::UPDATED_AT).then_some(FieldType::DateTime);
                return Ok(Path { steps, field: code, part: None, kind, field_type });
            }
            let field = at.field(name).ok_or_else(unknown)?;
            let mut path =
                Path { steps, field: field.code, part: None, kind: Kind::of(field.kind), field_type: Some(field.kind) };
            let Some(next) = rest else { return Ok(path) };
            if let Some(part) = Part::parse(field.kind, next) {
                path.part = Some(part);
                path.kind = if part == Part::Currency { Kind::Key } else { Kind::Text };
                return if names.nth(1).is_none() { Ok(path) } else { Err(unknown()) };
            }
            steps = path.steps;
            let (FieldType::Reference | FieldType::References, [target]) = (field.kind, field.target.as_slice()) else {
                return Err(FieldError::new(text, "not_a_path", format!("{name} does not lead to one kind of record")));
            };
            at = self.schema.by_name(target).ok_or_else(unknown)?;
            steps.push((field.code, at.code));
            if steps.len() > MAX_STEPS {
                return Err(FieldError::new(text, "too_deep", format!("follows more than {MAX_STEPS} references")));
            }
        }
    }

    fn node(&self, object: &Object, filter: &Filter, depth: usize, budget: &mut usize) -> Result<Pred, FieldError> {
        if depth == 0 {
            return Err(FieldError::new("filter", "too_deep", format!("is nested deeper than {MAX_DEPTH}")));
        }
        let many = |list: &[Filter], budget: &mut usize| {
            list.iter().map(|f| self.node(object, f, depth - 1, budget)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match filter {
            Filter::And { and } => Pred::And(many(and, budget)?),
            Filter::Or { or } => Pred::Or(many(or, budget)?),
            Filter::Not { not } => Pred::Not(Box::new(self.node(object, not, depth - 1, budget)?)),
            Filter::Condition(c) => {
                *budget = budget.checked_sub(1).ok_or_else(|| {
                    FieldError::new("filter", "too_many", format!("has more than {MAX_CONDITIONS} conditions"))
                })?;
                self.condition(object, c)?
            }
        })
    }

    fn condition(&self, object: &Object, c: &Condition) -> Result<Pred, FieldError> {
        let path = self.path(object, &c.field)?;
        if path.kind == Kind::Opaque && c.op != Op::IsEmpty {
            return Err(FieldError::new(&c.field, "operator", "can only be tested with isEmpty"));
        }
        let one = |v: &Json| self.scalar(&c.field, &path, v);
        let (check, negate) = match c.op {
            Op::Eq | Op::Ne if c.value.is_null() => (Check::Empty, c.op == Op::Ne),
            Op::Eq => (self.equal(&c.field, &path, &c.value)?, false),
            Op::Ne => (self.equal(&c.field, &path, &c.value)?, true),
            Op::In | Op::NotIn => {
                let list = c.value.as_array().ok_or_else(|| value_error(&c.field, "a list of values"))?;
                if list.len() > MAX_VALUES {
                    return Err(value_error(&c.field, &format!("at most {MAX_VALUES} values")));
                }
                (Check::In(list.iter().map(one).collect::<Result<_, _>>()?), c.op == Op::NotIn)
            }
            Op::Gt => (Check::Range(Bound::Excluded(self.upper(&c.field, &path, &c.value)?), Bound::Unbounded), false),
            Op::Gte => (Check::Range(Bound::Included(one(&c.value)?), Bound::Unbounded), false),
            Op::Lt => (Check::Range(Bound::Unbounded, Bound::Excluded(one(&c.value)?)), false),
            Op::Lte => (Check::Range(Bound::Unbounded, Bound::Included(self.upper(&c.field, &path, &c.value)?)), false),
            Op::Between => match c.value.as_array().map(Vec::as_slice) {
                Some([from, to]) => {
                    let (from, to) = (one(from)?, self.upper(&c.field, &path, to)?);
                    (Check::Range(Bound::Included(from), Bound::Included(to)), false)
                }
                _ => return Err(value_error(&c.field, "a list [from, to]")),
            },
            Op::Contains | Op::StartsWith => {
                if !matches!(path.kind, Kind::Text | Kind::Key) {
                    return Err(FieldError::new(&c.field, "operator", "is not text"));
                }
                let text = fold(c.value.as_str().ok_or_else(|| value_error(&c.field, "text"))?);
                (if c.op == Op::Contains { Check::Contains(text) } else { Check::StartsWith(text) }, false)
            }
            Op::IsEmpty => (Check::Empty, c.value == Json::Bool(false)),
            Op::WithinLast | Op::WithinNext => (self.within(&c.field, &path, &c.value, c.op == Op::WithinLast)?, false),
        };
        let test = Pred::Test(Test { path, check });
        Ok(if negate { Pred::Not(Box::new(test)) } else { test })
    }

    /// A day given for a date-time means the whole day.
    fn equal(&self, name: &str, path: &Path, value: &Json) -> Result<Check, FieldError> {
        let from = self.scalar(name, path, value)?;
        let to = self.upper(name, path, value)?;
        Ok(if from == to { Check::Eq(from) } else { Check::Range(Bound::Included(from), Bound::Included(to)) })
    }

    fn upper(&self, name: &str, path: &Path, value: &Json) -> Result<Scalar, FieldError> {
        let scalar = self.scalar(name, path, value)?;
        let day = path.field_type == Some(FieldType::DateTime) && value.as_str().is_some_and(|t| self.day(t).is_some());
        Ok(match scalar {
            Scalar::Int(start) if day => Scalar::Int(start + Timestamp::DAY - 1),
            other => other,
        })
    }

    fn scalar(&self, name: &str, path: &Path, value: &Json) -> Result<Scalar, FieldError> {
        let wrong = |expect: &str| value_error(name, expect);
        Ok(match (path.kind, path.field_type) {
            (Kind::Bool, _) => Scalar::Bool(value.as_bool().ok_or_else(|| wrong("true or false"))?),
            (Kind::Number, _) => {
                Scalar::Number(value.as_f64().filter(|n| n.is_finite()).ok_or_else(|| wrong("a number"))?)
            }
            (Kind::Int, Some(FieldType::Money)) => Scalar::Int(self.minor(value).ok_or_else(|| wrong("an amount"))?),
            (Kind::Int, Some(FieldType::Date)) => {
                let day = value.as_str().and_then(|t| self.day(t)).ok_or_else(|| wrong("a date, or today, or -7d"))?;
                Scalar::Int(i64::from(day.days()))
            }
            (Kind::Int, Some(FieldType::DateTime)) => {
                let time = value.as_str().and_then(|t| self.time(t)).ok_or_else(|| wrong("a time, a date, or -7d"))?;
                Scalar::Int(time.micros())
            }
            (Kind::Int, _) => Scalar::Int(value.as_i64().ok_or_else(|| wrong("a whole number"))?),
            (Kind::Id, _) => {
                let text = value.as_str().or_else(|| value.get("id").and_then(Json::as_str));
                match text {
                    Some("me") => Scalar::Id(self.me),
                    text => Scalar::Id(text.and_then(|t| t.parse().ok()).ok_or_else(|| wrong("the id of a record"))?),
                }
            }
            (Kind::Key, _) => Scalar::Key(value.as_str().ok_or_else(|| wrong("the key of a choice"))?.to_owned()),
            (Kind::Text | Kind::Opaque, _) => match value {
                Json::String(s) => Scalar::Text(fold(s.trim())),
                Json::Number(n) => Scalar::Text(n.to_string()),
                _ => return Err(wrong("text")),
            },
        })
    }

    fn minor(&self, value: &Json) -> Option<i64> {
        let (amount, currency) = match value {
            Json::Object(o) => (o.get("amount")?, o.get("currency").and_then(Json::as_str).map(str::parse::<Currency>)),
            other => (other, None),
        };
        let text = match amount {
            Json::String(s) => s.clone(),
            Json::Number(n) => n.to_string(),
            _ => return None,
        };
        let currency = currency.transpose().ok()?.unwrap_or(self.currency);
        Money::parse(&text, currency).ok().map(|m| m.minor)
    }

    /// `2026-03-31`, `today`, `yesterday`, `tomorrow`, or a span from today such as `-7d`.
    fn day(&self, text: &str) -> Option<Date> {
        match text {
            "today" => Some(self.clock.today),
            "yesterday" => Some(self.clock.today.plus_days(-1)),
            "tomorrow" => Some(self.clock.today.plus_days(1)),
            _ => text.parse().ok().or_else(|| {
                let (sign, span) = signed(text)?;
                let span = parse_span(span).filter(|s| s.micros == 0)?;
                Some(span.shift(self.clock.today, sign))
            }),
        }
    }

    fn time(&self, text: &str) -> Option<Timestamp> {
        if text == "now" {
            return Some(self.clock.now);
        }
        if let Some(day) = self.day(text) {
            return Some(day.start().plus_seconds(-i64::from(self.clock.offset)));
        }
        parse_time(text).or_else(|| {
            let (sign, span) = signed(text)?;
            Some(self.clock.now.plus_seconds(i64::from(sign) * parse_span(span)?.micros / 1_000_000))
        })
    }

    fn within(&self, name: &str, path: &Path, value: &Json, last: bool) -> Result<Check, FieldError> {
        let expect = "a span such as \"30d\", \"12h\", \"3mo\" or {\"days\": 30}";
        let text = match value {
            Json::String(s) => s.clone(),
            Json::Object(o) if o.len() == 1 => {
                let (unit, n) = o.iter().next().ok_or_else(|| value_error(name, expect))?;
                let n = n.as_u64().ok_or_else(|| value_error(name, expect))?;
                let unit = match unit.trim_end_matches('s') {
                    "hour" => "h",
                    "day" => "d",
                    "week" => "w",
                    "month" => "mo",
                    "year" => "y",
                    _ => return Err(value_error(name, expect)),
                };
                format!("{n}{unit}")
            }
            Json::Number(n) => format!("{n}d"),
            _ => return Err(value_error(name, expect)),
        };
        let span = parse_span(&text).ok_or_else(|| value_error(name, expect))?;
        let sign = if last { -1 } else { 1 };
        let (a, b) = match path.field_type {
            Some(FieldType::Date) => {
                let today = self.clock.today;
                (i64::from(today.days()), i64::from(span.shift(today, sign).days()))
            }
            Some(FieldType::DateTime) => {
                let now = self.clock.now;
                let days = span.shift(self.clock.today, sign).days() - self.clock.today.days();
                let other = now.plus_days(i64::from(days)).micros() + i64::from(sign) * span.micros;
                (now.micros(), other)
            }
            _ => return Err(FieldError::new(name, "operator", "is not a date or time")),
        };
        Ok(Check::Range(Bound::Included(Scalar::Int(a.min(b))), Bound::Included(Scalar::Int(a.max(b)))))
    }
}

struct Span {
    months: i32,
    days: i32,
    micros: i64,
}

impl Span {
    fn shift(&self, day: Date, sign: i32) -> Date {
        let moved = day.plus_months(self.months.saturating_mul(sign));
        moved.plus_days(self.days * sign)
    }
}

fn signed(text: &str) -> Option<(i32, &str)> {
    text.strip_prefix('-').map(|s| (-1, s)).or_else(|| text.strip_prefix('+').map(|s| (1, s)))
}

fn parse_span(text: &str) -> Option<Span> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let n: i32 = text[..split].parse().ok().filter(|n| *n <= 100_000)?;
    Some(match &text[split..] {
        "m" | "min" => Span { months: 0, days: 0, micros: i64::from(n) * 60_000_000 },
        "h" => Span { months: 0, days: 0, micros: i64::from(n) * 3_600_000_000 },
        "d" => Span { months: 0, days: n, micros: 0 },
        "w" => Span { months: 0, days: n.checked_mul(7)?, micros: 0 },
        "mo" => Span { months: n, days: 0, micros: 0 },
        "q" => Span { months: n.checked_mul(3)?, days: 0, micros: 0 },
        "y" => Span { months: n.checked_mul(12)?, days: 0, micros: 0 },
        _ => return None,
    })
}

fn value_error(field: &str, expect: &str) -> FieldError {
    FieldError::new(field, "value", format!("the value must be {expect}"))
}

fn bad_filter(e: FieldError) -> Error {
    let detail = format!("{}: {}", e.field, e.detail);
    Error { code: crate::Code::BadFilter, detail, ..Error::invalid(vec![e]) }
}
