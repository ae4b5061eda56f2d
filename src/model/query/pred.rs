//! The checked form of a filter, and its meaning on a single record. Text compares folded, money in minor units.

use std::cmp::Ordering;
use std::ops::Bound;

use crate::schema::{FieldType, system};
use crate::value::Link;
use crate::{FieldCode, Id, ObjectCode, Record, Value, fold};

/// What a value is compared as.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Bool(bool),
    /// money in minor units, date in days, time in microseconds, version
    Int(i64),
    Number(f64),
    /// folded
    Text(String),
    /// the key of a choice, as it is
    Key(String),
    Id(Id),
}

/// How a field's values are compared and indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int,
    Number,
    Text,
    Key,
    Id,
    /// may be tested for emptiness only
    Opaque,
}

/// A part of a composite value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    First,
    Last,
    Street,
    City,
    Region,
    PostalCode,
    Country,
    Currency,
}

/// A field of the record, or of a record reached over references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// the reference field to follow and the object it leads to
    pub steps: Vec<(FieldCode, ObjectCode)>,
    pub field: FieldCode,
    pub part: Option<Part>,
    pub kind: Kind,
    /// the declared type; `None` for system fields
    pub field_type: Option<FieldType>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Pred {
    Const(bool),
    And(Vec<Pred>),
    Or(Vec<Pred>),
    Not(Box<Pred>),
    Test(Test),
}

/// True when any value of the path passes.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    pub path: Path,
    pub check: Check,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    Eq(Scalar),
    In(Vec<Scalar>),
    Range(Bound<Scalar>, Bound<Scalar>),
    /// folded
    Contains(String),
    /// folded
    StartsWith(String),
    Empty,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    pub path: Path,
    pub descending: bool,
}

impl Kind {
    pub fn of(kind: FieldType) -> Kind {
        use FieldType::*;
        match kind {
            Text | LongText | Email | Phone | Url | Address | PersonName => Kind::Text,
            Choice | MultiChoice => Kind::Key,
            Number | Duration | Rating | Formula | RollUp => Kind::Number,
            Money | Date | DateTime => Kind::Int,
            YesNo => Kind::Bool,
            Reference | References => Kind::Id,
            File | GeoPoint => Kind::Opaque,
        }
    }
}

impl Part {
    pub fn parse(kind: FieldType, name: &str) -> Option<Part> {
        Some(match (kind, name) {
            (FieldType::PersonName, "first") => Part::First,
            (FieldType::PersonName, "last") => Part::Last,
            (FieldType::Address, "street") => Part::Street,
            (FieldType::Address, "city") => Part::City,
            (FieldType::Address, "region") => Part::Region,
            (FieldType::Address, "postalCode") => Part::PostalCode,
            (FieldType::Address, "country") => Part::Country,
            (FieldType::Money, "currency") => Part::Currency,
            _ => return None,
        })
    }

    pub fn of_type(kind: FieldType) -> &'static [Part] {
        match kind {
            FieldType::PersonName => &[Part::First, Part::Last],
            FieldType::Address => &[Part::Street, Part::City, Part::Region, Part::PostalCode, Part::Country],
            FieldType::Money => &[Part::Currency],
            _ => &[],
        }
    }
}

impl Scalar {
    /// Same kinds compare; different kinds order by kind. Total: NaN never occurs.
    pub fn order(&self, other: &Scalar) -> Ordering {
        use Scalar::*;
        match (self, other) {
            (Bool(a), Bool(b)) => a.cmp(b),
            (Int(a), Int(b)) => a.cmp(b),
            (Number(a), Number(b)) => a.total_cmp(b),
            (Int(a), Number(b)) => (*a as f64).total_cmp(b),
            (Number(a), Int(b)) => a.total_cmp(&(*b as f64)),
            (Text(a), Text(b)) | (Key(a), Key(b)) => a.cmp(b),
            (Id(a), Id(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Scalar::Bool(_) => 0,
            Scalar::Int(_) | Scalar::Number(_) => 1,
            Scalar::Text(_) => 2,
            Scalar::Key(_) => 3,
            Scalar::Id(_) => 4,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Scalar::Text(s) | Scalar::Key(s) => Some(s),
            _ => None,
        }
    }
}

/// What a value is compared as; several for lists. A person name is compared as it is shown, first
/// name first; `name.last` sorts by the last.
pub fn scalars(value: &Value, part: Option<Part>, kind: Kind) -> Vec<Scalar> {
    let text = |s: &str| match kind {
        Kind::Key => Scalar::Key(s.to_owned()),
        _ => Scalar::Text(fold(s)),
    };
    let non_empty = |s: &str| if s.is_empty() { vec![] } else { vec![Scalar::Text(fold(s))] };
    match (value, part) {
        (Value::Name(n), Some(Part::First)) => non_empty(&n.first),
        (Value::Name(n), Some(Part::Last)) => non_empty(&n.last),
        (Value::Name(n), _) => non_empty(&n.full()),
        (Value::Address(a), part) => non_empty(match part {
            Some(Part::Street) => &a.street,
            Some(Part::City) => &a.city,
            Some(Part::Region) => &a.region,
            Some(Part::PostalCode) => &a.postal_code,
            Some(Part::Country) => &a.country,
            _ => return non_empty(&a.line()),
        }),
        (Value::Money(m), Some(Part::Currency)) => vec![Scalar::Key(m.currency.as_str().to_owned())],
        (Value::Money(m), _) => vec![Scalar::Int(m.minor)],
        (Value::Text(s), _) => vec![text(s)],
        (Value::Texts(list), _) => list.iter().map(|s| text(s)).collect(),
        (Value::Number(n), _) => vec![Scalar::Number(*n)],
        (Value::Bool(b), _) => vec![Scalar::Bool(*b)],
        (Value::Date(d), _) => vec![Scalar::Int(i64::from(d.days()))],
        (Value::Time(t), _) => vec![Scalar::Int(t.micros())],
        (Value::Ref(_) | Value::Refs(_), _) => value.links().iter().map(|l| Scalar::Id(l.id)).collect(),
        (Value::Geo(_) | Value::Files(_), _) => vec![],
    }
}

impl Path {
    /// The scalars of a field of this very record, system fields included.
    pub fn own_scalars(&self, record: &Record) -> Vec<Scalar> {
        match self.field {
            system::ID => vec![Scalar::Id(record.id)],
            system::CREATED_AT => vec![Scalar::Int(record.created_at.micros())],
            system::UPDATED_AT => vec![Scalar::Int(record.updated_at.micros())],
            system::CREATED_BY => vec![Scalar::Id(record.created_by)],
            system::UPDATED_BY => vec![Scalar::Id(record.updated_by)],
            system::VERSION => vec![Scalar::Int(i64::from(record.version))],
            code => record.get(code).map(|v| scalars(v, self.part, self.kind)).unwrap_or_default(),
        }
    }

    fn is_empty_in(&self, record: &Record) -> bool {
        match self.kind {
            Kind::Opaque => record.get(self.field).is_none(),
            _ => self.own_scalars(record).is_empty(),
        }
    }
}

impl Check {
    pub fn passes(&self, scalar: &Scalar) -> bool {
        match self {
            Check::Eq(want) => scalar.order(want).is_eq(),
            Check::In(list) => list.iter().any(|want| scalar.order(want).is_eq()),
            Check::Range(min, max) => {
                let above = match min {
                    Bound::Included(m) => scalar.order(m).is_ge(),
                    Bound::Excluded(m) => scalar.order(m).is_gt(),
                    Bound::Unbounded => true,
                };
                let below = match max {
                    Bound::Included(m) => scalar.order(m).is_le(),
                    Bound::Excluded(m) => scalar.order(m).is_lt(),
                    Bound::Unbounded => true,
                };
                above && below
            }
            Check::Contains(part) => scalar.text().is_some_and(|s| fold(s).contains(part.as_str())),
            Check::StartsWith(start) => scalar.text().is_some_and(|s| fold(s).starts_with(start.as_str())),
            Check::Empty => false,
        }
    }
}

impl Pred {
    /// `look_up` gives the record behind a reference, if there is one the caller may see.
    pub fn matches(&self, record: &Record, look_up: &dyn Fn(Link) -> Option<Record>) -> bool {
        match self {
            Pred::Const(b) => *b,
            Pred::And(all) => all.iter().all(|p| p.matches(record, look_up)),
            Pred::Or(any) => any.iter().any(|p| p.matches(record, look_up)),
            Pred::Not(p) => !p.matches(record, look_up),
            Pred::Test(test) => test.matches(record, &test.path.steps, look_up),
        }
    }

    pub fn and(self, other: Pred) -> Pred {
        match (self, other) {
            (Pred::Const(true), p) | (p, Pred::Const(true)) => p,
            (Pred::And(mut all), p) => {
                all.push(p);
                Pred::And(all)
            }
            (a, b) => Pred::And(vec![a, b]),
        }
    }
}

impl Test {
    fn matches(
        &self,
        record: &Record,
        steps: &[(FieldCode, ObjectCode)],
        look_up: &dyn Fn(Link) -> Option<Record>,
    ) -> bool {
        let Some(((field, _), rest)) = steps.split_first() else {
            return match self.check {
                Check::Empty => self.path.is_empty_in(record),
                _ => self.path.own_scalars(record).iter().any(|s| self.check.passes(s)),
            };
        };
        let links = record.get(*field).map(Value::links).unwrap_or_default();
        if links.is_empty() {
            return self.check == Check::Empty;
        }
        links.iter().filter_map(|l| look_up(*l)).any(|r| self.matches(&r, rest, look_up))
    }
}
