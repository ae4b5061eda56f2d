//! Quotes, orders, invoices and contracts: totals, and when something was sent, accepted or paid.

use aplomb_model::{FieldError, Money, Value};

use super::{Form, Occasion};
use crate::records::plan::Origin;

pub(super) fn amounts(form: &mut Form<'_>, occasion: &Occasion<'_>, errors: &mut Vec<FieldError>) {
    let parts = ["subtotal", "discount", "tax"];
    let changed = parts.iter().any(|name| form.differs(occasion, name));
    if changed && !form.given(occasion, "total") {
        match total(form) {
            Ok(Some(total)) => form.set("total", Some(Value::Money(total))),
            Ok(None) => {}
            Err(e) => errors.push(e),
        }
    }
    if occasion.origin != Origin::Import && form.differs(occasion, "status") {
        let stamp = match form.text("status") {
            Some("sent") => Some("sentAt"),
            Some("accepted") => Some("acceptedAt"),
            Some("paid") => Some("paidAt"),
            _ => None,
        };
        if let Some(stamp) = stamp {
            form.set(stamp, Some(Value::Time(occasion.now)));
        }
    }
}

/// Subtotal less discount plus tax.
fn total(form: &Form<'_>) -> Result<Option<Money>, FieldError> {
    let Some(Value::Money(subtotal)) = form.get("subtotal") else { return Ok(None) };
    let percent = match form.get("discount") {
        Some(Value::Number(percent)) => *percent,
        _ => 0.0,
    };
    let tax = match form.get("tax") {
        Some(Value::Money(tax)) if tax.currency == subtotal.currency => tax.minor,
        Some(Value::Money(_)) => {
            return Err(FieldError::new("tax", "currency", "must have the currency of the subtotal"));
        }
        _ => 0,
    };
    let net = (subtotal.minor as f64 * (1.0 - percent / 100.0)).round() as i64;
    Ok(Some(Money::new(net.saturating_add(tax), subtotal.currency)))
}

pub(super) fn contract(form: &Form<'_>, errors: &mut Vec<FieldError>) {
    if let (Some(Value::Date(begins)), Some(Value::Date(ends))) = (form.get("startDate"), form.get("endDate"))
        && ends < begins
    {
        errors.push(FieldError::new("endDate", "out_of_range", "is before the beginning"));
    }
}
