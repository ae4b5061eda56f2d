//! Deals: the stage says how probable a deal is; an end needs a time, and a loss a reason.

use aplomb_model::{FieldError, Money, Value};

use super::{Form, Occasion};
use crate::records::plan::Origin;

pub(super) fn rules(form: &mut Form<'_>, occasion: &Occasion<'_>, errors: &mut Vec<FieldError>) {
    if form.differs(occasion, "stage") {
        stage_changed(form, occasion);
    }
    let outcome = form.outcome("stage").to_owned();
    let outcome = ending(&outcome);
    form.set("outcome", Some(Value::Text(outcome.to_owned())));
    close(form, occasion, outcome);
    if outcome == "lost" && occasion.origin == Origin::Api && form.get("lostReason").is_none() {
        errors.push(FieldError::new("lostReason", "required", "is required for a lost deal"));
    }
    weigh(form);
}

fn stage_changed(form: &mut Form<'_>, occasion: &Occasion<'_>) {
    if !form.given(occasion, "stageChangedAt") {
        form.set("stageChangedAt", Some(Value::Time(occasion.now)));
    }
    let key = form.text("stage").map(str::to_owned);
    let stage = form.object.field("stage").and_then(|f| f.choices.iter().find(|c| Some(&c.key) == key.as_ref()));
    let Some(stage) = stage else { return };
    if let Some(percent) = stage.probability.filter(|_| !form.given(occasion, "probability")) {
        form.set("probability", Some(Value::Number(percent)));
    }
    let category = match stage.outcome.as_deref() {
        Some("won") => Some("closed"),
        Some("lost") => Some("omitted"),
        _ if matches!(form.text("forecast"), None | Some("closed" | "omitted")) => Some("pipeline"),
        _ => None,
    };
    if let Some(category) = category.filter(|_| !form.given(occasion, "forecast")) {
        form.set("forecast", Some(Value::Text(category.to_owned())));
    }
}

fn close(form: &mut Form<'_>, occasion: &Occasion<'_>, outcome: &str) {
    let was = occasion.before.map_or("open", |before| ending(super::outcome(form.object, before, "stage")));
    let ended = outcome != "open" && outcome != was;
    if ended && (form.get("closedAt").is_none() || was != "open") {
        let at = match (occasion.origin, form.get("closeDate")) {
            (Origin::Import, Some(Value::Date(day))) if day.start() < occasion.now => day.start(),
            _ => occasion.now,
        };
        form.set("closedAt", Some(Value::Time(at)));
    }
    if outcome == "open" {
        form.set("closedAt", None);
    }
    for (ending, reason) in [("won", "wonReason"), ("lost", "lostReason")] {
        if was == ending && outcome != ending {
            form.set(reason, None);
        }
    }
}

/// A pipeline of an admin's own may end with `done`.
fn ending(outcome: &str) -> &str {
    if outcome == "done" { "won" } else { outcome }
}

fn weigh(form: &mut Form<'_>) {
    let weighted = match (form.get("amount"), form.get("probability")) {
        (Some(Value::Money(m)), Some(Value::Number(percent))) => {
            Some(Value::Money(Money::new((m.minor as f64 * percent / 100.0).round() as i64, m.currency)))
        }
        _ => None,
    };
    form.set("weightedAmount", weighted);
}
