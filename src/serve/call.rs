//! One request as handlers see it: parsed, and, where the route asks for it, with its caller.

use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use actix_web::web::Bytes;
use aplomb_crm::{Ctx, Map, Session, Via};
use aplomb_model::{Code, Error, Id, Result, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::data::Open;
use crate::edge;
use crate::http::head::Head;
use crate::http::params::Params;
use crate::rates::Caller;
use crate::routes::Route;
use crate::secure::Client;
use crate::setup_code::same;
use crate::state::App;

/// A request at the door: nobody has asked yet who is there.
pub struct Door {
    pub app: Arc<App>,
    pub route: &'static Route,
    /// names and values from the path
    pub path: Vec<(String, String)>,
    pub query: Params,
    /// path and query as they came, for comparing repeated requests
    pub uri: String,
    pub head: Head,
    pub body: Bytes,
    pub client: Client,
    pub request_id: String,
    pub now: Timestamp,
}

/// A request of somebody known, on an open store.
pub struct Call {
    door: Door,
    pub open: Arc<Open>,
    pub ctx: Ctx,
    /// `None` for an API key
    pub session: Option<Session>,
}

impl Deref for Call {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

impl Door {
    /// Finds out who is calling, counts the request, and checks the CSRF token where a cookie came along.
    ///
    /// Errors: `sealed`, `setup_required`, `unauthenticated`, `csrf_missing`, `too_many_requests`.
    pub fn enter(self) -> Result<Call> {
        let open = self.app.open()?;
        let (actor, session) = match self.identify(&open) {
            Ok(known) => known,
            Err(error) => {
                self.count(Caller::Address(self.client.address))?;
                return Err(error);
            }
        };
        let key = match (&session, &actor.via) {
            (Some(session), _) => session.id,
            (None, Via::Token { id, .. } | Via::Session(id)) => *id,
            (None, Via::System) => return Err(unauthenticated()),
        };
        self.count(Caller::Known(key))?;
        if let Some(session) = session.as_ref().filter(|_| !self.route.is_safe()) {
            let given = self.head.csrf.as_deref().unwrap_or_default();
            if !same(given, &session.csrf) {
                return Err(Error::new(Code::CsrfMissing, "send the session's csrf value as x-csrf-token"));
            }
        }
        let mut ctx = open.crm.ctx(actor, self.now, self.app.random.clone(), &self.request_id);
        ctx.reason = self.head.reason.clone();
        Ok(Call { open, ctx, session, door: self })
    }

    fn identify(&self, open: &Open) -> Result<(Arc<aplomb_crm::Actor>, Option<Session>)> {
        match (&self.head.bearer, &self.head.cookie) {
            (Some(key), _) => Ok((open.crm.token_actor(self.now, key)?, None)),
            (None, Some(token)) => {
                let (actor, session) = open.crm.session(self.now, token)?;
                Ok((actor, Some(session)))
            }
            (None, None) => Err(unauthenticated()),
        }
    }

    /// The caller, if he is known, where nobody has to be.
    pub fn caller(&self) -> Option<Ctx> {
        let open = self.app.open().ok()?;
        let (actor, _) = self.identify(&open).ok()?;
        Some(open.crm.ctx(actor, self.now, self.app.random.clone(), &self.request_id))
    }

    /// Programs on this very machine are counted only when asked for: who runs there could stop the server anyway.
    pub fn count(&self, caller: Caller) -> Result<()> {
        let counted = !self.client.local || self.app.config.limits.count_local;
        if counted { self.app.rates.request(caller) } else { Ok(()) }
    }

    /// A part of the path. Errors: `not_found`, because a value that cannot be meant names nothing.
    pub fn arg<T: FromStr>(&self, name: &str) -> Result<T> {
        let value = self.path.iter().find(|(n, _)| n == name).and_then(|(_, value)| value.parse().ok());
        value.ok_or_else(|| Error::not_found(name))
    }

    pub fn id(&self) -> Result<Id> {
        self.arg("id")
    }

    pub fn object(&self) -> Result<String> {
        self.arg("object")
    }

    /// The body as a type. Errors: `malformed` for what is no JSON, `invalid` naming the member that does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        parse(self.any_json()?)
    }

    fn any_json(&self) -> Result<Json> {
        if self.body.is_empty() {
            return Err(Error::new(Code::Malformed, "a JSON body is needed"));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::new(Code::Malformed, format!("the body is not valid JSON: {error}")))
    }

    /// The body as a type, or the type's default when there is none.
    pub fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// The body as an object.
    pub fn map(&self) -> Result<Map> {
        match self.any_json()? {
            Json::Object(map) => Ok(map),
            _ => Err(Error::new(Code::Invalid, "the body must be a JSON object")),
        }
    }

    /// `since`, `after` and other sequence numbers.
    pub fn seq(&self, name: &str) -> Result<Option<u64>> {
        self.query.parsed(name, "a sequence number")
    }
}

impl Call {
    pub fn user(&self) -> Id {
        self.ctx.actor.user
    }
}

/// JSON as a type. Errors: `invalid` naming the member that does not fit and what would.
pub fn parse<T: DeserializeOwned>(json: Json) -> Result<T> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        let text = error.inner().to_string();
        let named = |prefix: &str| Some(text.strip_prefix(prefix)?.split('`').next()?.to_owned());
        let below = |name: String| if path == "." { name } else { format!("{path}.{name}") };
        if let Some(name) = named("missing field `") {
            return Error::field(below(name), "required", "is required");
        }
        if let Some(name) = named("unknown field `") {
            let known = text.split_once("expected ").map_or(String::new(), |(_, known)| format!("; known are {known}"));
            let known = known.replace("known are one of ", "known are ");
            let field =
                if path == "." || path.ends_with(&name) { path.replace("?", &name) } else { below(name.clone()) };
            let field = if field == "." { name } else { field };
            return Error::field(field, "unknown_field", format!("is not known here{known}"));
        }
        let field = if path == "." { "body".to_owned() } else { path };
        Error::field(field, "type", text)
    })
}

fn unauthenticated() -> Error {
    Error::new(Code::Unauthenticated, "send the session cookie, or `Authorization: Bearer KEY`")
}

/// A fresh request's time and id.
pub fn stamp(app: &App, given: Option<&str>) -> String {
    let allowed = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    given.filter(allowed).map(str::to_owned).unwrap_or_else(|| edge::request_id(&app.random))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it parses counts")]
    struct Outer {
        first_name: String,
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it parses counts")]
    struct Inner {
        count: u32,
    }

    #[test]
    fn errors_name_the_member() {
        for (json, field, code) in [
            (json!({}), "firstName", "required"),
            (json!({"firstName": 1}), "firstName", "type"),
            (json!({"firstName": "a", "other": 1}), "other", "unknown_field"),
            (json!({"firstName": "a", "list": [{"count": 1}, {}]}), "list[1].count", "required"),
            (json!({"firstName": "a", "list": [{"count": -1}]}), "list[0].count", "type"),
            (json!({"firstName": "a", "list": [{"count": 1, "x": 2}]}), "list[0].x", "unknown_field"),
            (json!([]), "body", "type"),
            (json!("x"), "body", "type"),
        ] {
            let error = parse::<Outer>(json.clone()).unwrap_err();
            assert_eq!(
                (error.fields[0].field.as_str(), error.fields[0].code.as_str()),
                (field, code),
                "{json} {error}"
            );
        }
    }
}
