//! Who is logged in, what he may do, and the declarations of the objects he may read. There is one per log-in.

use std::sync::Arc;

use aplomb_model::{Action, Currency, Object, Schema};
use leptos::prelude::*;

use crate::api::Session;

#[derive(Clone)]
pub struct Signed {
    pub session: Arc<Session>,
    pub schema: Schema,
}

impl Signed {
    pub fn new(session: Session, objects: Vec<Object>) -> Signed {
        Signed { session: Arc::new(session), schema: Schema::new(1, objects) }
    }

    pub fn object(&self, name: &str) -> Option<Arc<Object>> {
        self.schema.by_name(name).cloned()
    }

    pub fn may(&self, object: &str, action: Action) -> bool {
        self.session.may(object, action)
    }

    /// Objects that have pages of their own, in the order of their codes.
    pub fn objects(&self) -> Vec<Arc<Object>> {
        let visible = |o: &&Arc<Object>| !o.internal && self.may(&o.name, Action::Read);
        self.schema.objects().filter(visible).cloned().collect()
    }

    pub fn currency(&self) -> Currency {
        self.session.organisation.currency.parse().unwrap_or(Currency::EUR)
    }
}

/// The log-in that the page runs under. Only pages inside the frame may ask.
pub fn signed() -> Signed {
    use_context::<Signed>().unwrap_or_else(|| Signed::new(Session::default(), Vec::new()))
}
