//! Tasks, meetings and tickets: when they were done.

use aplomb_model::{FieldError, Value};

use super::{Form, Occasion};

pub(super) fn task(form: &mut Form<'_>, occasion: &Occasion<'_>) {
    form.stamp(occasion, "status", &["done"], "completedAt");
}

pub(super) fn ticket(form: &mut Form<'_>, occasion: &Occasion<'_>) {
    form.stamp(occasion, "status", &["done"], "resolvedAt");
    let answered = form.text("status").is_some_and(|s| s != "new");
    if answered && form.get("firstResponseAt").is_none() {
        form.set("firstResponseAt", Some(Value::Time(occasion.now)));
    }
}

pub(super) fn meeting(form: &Form<'_>, errors: &mut Vec<FieldError>) {
    if let (Some(Value::Time(begins)), Some(Value::Time(ends))) = (form.get("at"), form.get("endAt"))
        && ends < begins
    {
        errors.push(FieldError::new("endAt", "out_of_range", "is before the beginning"));
    }
}
