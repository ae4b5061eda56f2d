//! The rules of the trade: what follows from a change of a record, in the record itself and in others.
//!
//! A rule sees the record before and after and what the caller gave, and changes the one that will be written.
//! [`rules`] runs before the checks, [`effects`] after the record is staged.

mod convert;
mod deals;
mod leads;
mod service;
mod touch;
mod trade;

use aplomb_model::{FieldCode, FieldError, Object, Record, Result, Timestamp, Value};

use crate::records::plan::{Origin, Plan};

/// A record with its declaration, so that rules read and write fields by name.
pub(crate) struct Form<'r> {
    object: &'r Object,
    record: &'r mut Record,
}

/// What a rule needs to know beside the record.
pub(crate) struct Occasion<'r> {
    before: Option<&'r Record>,
    given: &'r [(FieldCode, Option<Value>)],
    origin: Origin,
    now: Timestamp,
}

/// Consequences within the record, and what is wrong with it.
pub(crate) fn rules(
    plan: &mut Plan<'_>,
    object: &Object,
    before: Option<&Record>,
    after: &mut Record,
    given: &[(FieldCode, Option<Value>)],
    origin: Origin,
    errors: &mut Vec<FieldError>,
) -> Result<()> {
    let occasion = Occasion { before, given, origin, now: plan.ctx.now };
    let mut form = Form { object, record: after };
    match object.name.as_str() {
        "deal" => deals::rules(&mut form, &occasion, errors),
        "lead" => leads::rules(&mut form, &occasion, errors),
        "company" => leads::company(&mut form),
        "task" => service::task(&mut form, &occasion),
        "ticket" => service::ticket(&mut form, &occasion),
        "meeting" => service::meeting(&form, errors),
        "quote" | "order" | "invoice" => trade::amounts(&mut form, &occasion, errors),
        "contract" => trade::contract(&form, errors),
        _ => {}
    }
    Ok(())
}

/// Whether new records of the object are numbered without gaps, so that each waits for the one before.
pub fn is_numbered(object: &str) -> bool {
    ["ticket", "quote", "order", "invoice", "contract"].contains(&object)
}

/// Numbers a new record of a series that was not given a number.
pub(crate) fn number(plan: &mut Plan<'_>, object: &Object, record: &mut Record) -> Result<()> {
    if !is_numbered(&object.name) {
        return Ok(());
    }
    let Some(field) = object.field("number").filter(|f| record.get(f.code).is_none()) else { return Ok(()) };
    let number = plan.number(&object.name)?;
    record.fields.set(field.code, Some(Value::Text(number)));
    Ok(())
}

/// Consequences in other records of the same batch.
pub(crate) fn effects(plan: &mut Plan<'_>, object: &Object, before: Option<&Record>, after: &Record) -> Result<()> {
    touch::effects(plan, object, before, after)
}

impl Form<'_> {
    fn code(&self, name: &str) -> Option<FieldCode> {
        self.object.field(name).filter(|f| !f.retired).map(|f| f.code)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.record.get(self.code(name)?)
    }

    fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn set(&mut self, name: &str, value: Option<Value>) {
        if let Some(code) = self.code(name) {
            self.record.fields.set(code, value);
        }
    }

    /// `open`, `won`, `lost` or `done`, as the choice that the field holds says.
    fn outcome(&self, name: &str) -> &str {
        outcome(self.object, self.record, name)
    }

    fn differs(&self, occasion: &Occasion<'_>, name: &str) -> bool {
        let Some(code) = self.code(name) else { return false };
        occasion.before.and_then(|b| b.get(code)) != self.record.get(code)
    }

    fn given(&self, occasion: &Occasion<'_>, name: &str) -> bool {
        self.code(name).is_some_and(|code| occasion.given.iter().any(|(c, _)| *c == code))
    }

    /// Sets a time when the choice gets to this outcome, clears it when it leaves it again.
    fn stamp(&mut self, occasion: &Occasion<'_>, choice: &str, outcomes: &[&str], stamp: &str) {
        let there = outcomes.contains(&self.outcome(choice));
        let was = occasion.before.is_some_and(|b| outcomes.contains(&outcome(self.object, b, choice)));
        if there && !was && !self.given(occasion, stamp) {
            self.set(stamp, Some(Value::Time(occasion.now)));
        } else if !there && was {
            self.set(stamp, None);
        }
    }
}

fn outcome<'o>(object: &'o Object, record: &Record, name: &str) -> &'o str {
    let Some(field) = object.field(name) else { return "open" };
    let Some(Value::Text(key)) = record.get(field.code) else { return "open" };
    let choice = field.choices.iter().find(|c| &c.key == key);
    choice.and_then(|c| c.outcome.as_deref()).unwrap_or("open")
}
