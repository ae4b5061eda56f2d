//! Leads and companies: since when a lead has its status; a company's domain from its website.

use aplomb_model::{FieldError, Value};

use super::{Form, Occasion};
use crate::records::plan::Origin;

pub(super) fn rules(form: &mut Form<'_>, occasion: &Occasion<'_>, errors: &mut Vec<FieldError>) {
    if !form.differs(occasion, "status") {
        return;
    }
    form.set("statusChangedAt", Some(Value::Time(occasion.now)));
    let conversion = form.text("status") == Some("converted") || form.get("convertedAt").is_some();
    if conversion && occasion.origin == Origin::Api {
        let detail = "follows from converting the lead; use POST /records/lead/{id}/convert";
        errors.push(FieldError::new("status", "conversion", detail));
    }
}

pub(super) fn company(form: &mut Form<'_>) {
    if form.get("domain").is_some() {
        return;
    }
    let host = form
        .text("website")
        .and_then(|url| url.split("://").nth(1))
        .and_then(|rest| rest.split(['/', '?', '#', ':']).next());
    let domain = host.map(|h| h.trim_start_matches("www.").to_lowercase()).filter(|h| h.contains('.'));
    if let Some(domain) = domain {
        form.set("domain", Some(Value::Text(domain)));
    }
}
