//! What becomes of a field when a row brings a value for it and there is one already.

use aplomb_model::value::Link;
use aplomb_model::{Field, FieldType, Value, fold};

/// A field's new value, `None` when it stays. Lists grow; parts of an address are filled in; with `fill`, only what is
/// empty is written.
pub fn merge(field: &Field, have: Option<&Value>, new: &Value, fill: bool) -> Option<Value> {
    match (have, new) {
        (None, new) => Some(new.clone()),
        (Some(Value::Texts(have)), Value::Texts(new)) if field.many || field.kind == FieldType::MultiChoice => {
            let folded: Vec<String> = have.iter().map(|h| fold(h)).collect();
            let more: Vec<String> = new.iter().filter(|n| !folded.contains(&fold(n))).cloned().collect();
            (!more.is_empty()).then(|| Value::Texts(have.iter().cloned().chain(more).collect()))
        }
        (Some(Value::Refs(have)), Value::Refs(new)) => {
            let more: Vec<Link> = new.iter().filter(|n| !have.contains(n)).copied().collect();
            (!more.is_empty()).then(|| Value::Refs(have.iter().copied().chain(more).collect()))
        }
        (Some(Value::Address(have)), Value::Address(new)) => {
            let mut all = have.clone();
            for (to, from) in [
                (&mut all.street, &new.street),
                (&mut all.city, &new.city),
                (&mut all.region, &new.region),
                (&mut all.postal_code, &new.postal_code),
                (&mut all.country, &new.country),
            ] {
                if !from.is_empty() && (to.is_empty() || !fill) {
                    *to = from.clone();
                }
            }
            (all != *have).then_some(Value::Address(all))
        }
        (Some(_), _) if fill => None,
        (Some(have), new) => (have != new).then(|| new.clone()),
    }
}
