//! Setting up, unsealing, logging in and out; who am I.

use std::collections::BTreeMap;

use aplomb_model::rights::Grants;
use aplomb_model::{Action, Object, Scope};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Call, Failure, Result, set_csrf};
use crate::state::format::Formats;

/// Where the server stands before anybody logs in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// the first-run wizard has not been completed
    pub required: bool,
    pub sealed: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Organisation {
    pub name: String,
    pub currency: String,
    pub time_zone: String,
    pub language: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Person {
    #[serde(deserialize_with = "super::or_empty")]
    pub id: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub name: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub email: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Session {
    pub user: Person,
    pub csrf: String,
    pub organisation: Organisation,
    pub formats: Formats,
    pub permissions: BTreeMap<String, Grants>,
    pub capabilities: Vec<String>,
}

impl Session {
    pub fn may(&self, object: &str, action: Action) -> bool {
        let grants = self.permissions.get(object).or_else(|| self.permissions.get("*"));
        grants.is_some_and(|g| g.get(action) > Scope::None)
    }

    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|c| c == capability)
    }
}

/// What the first run gives back, shown once.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Founded {
    pub recovery_kit: RecoveryKit,
    pub unseal_passphrase: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RecoveryKit {
    pub identity: String,
    pub text: String,
}

pub async fn standing() -> Result<Standing> {
    Call::get("/setup").quiet().json().await
}

/// Whether this is the set-up code. A server that cannot say so yet will say it at the end.
pub async fn check_code(code: &str) -> Result<()> {
    match Call::post("/setup/check", json!({ "code": code })).quiet().done().await {
        Err(failure) if matches!(failure.status, 404 | 405) => Ok(()),
        answer => answer,
    }
}

/// `setup` is the body that DESIGN names: code, organisation, admin, unseal, start.
pub async fn set_up(setup: Json) -> Result<Founded> {
    let answer = Call::post("/setup", setup).quiet().send().await?;
    if let Some(csrf) = answer.json.pointer("/session/csrf").or_else(|| answer.json.get("csrf")).and_then(Json::as_str)
    {
        set_csrf(csrf);
    }
    serde_json::from_value(answer.json).map_err(|e| Failure::unreadable(&e.to_string()))
}

pub async fn unseal(secret: &str) -> Result<()> {
    Call::post("/unseal", json!({ "secret": secret })).quiet().done().await
}

pub async fn log_in(email: &str, password: &str) -> Result<Session> {
    Call::post("/session", json!({ "email": email, "password": password })).quiet().done().await?;
    session().await
}

pub async fn log_out() -> Result<()> {
    Call::delete("/session").quiet().done().await
}

pub async fn session() -> Result<Session> {
    let session: Session = Call::get("/session").quiet().json().await?;
    set_csrf(&session.csrf);
    Ok(session)
}

/// The declarations of the objects that the session may read.
pub async fn objects() -> Result<Vec<Object>> {
    let answer = Call::get("/objects").send().await?;
    super::list_of(answer.json, "objects")
}

/// Asks who one is; when the session has ended, the page is told and asks for the log-in.
pub async fn knock() -> Result<()> {
    let answer = Call::get("/session").send().await?;
    if let Some(csrf) = answer.json.get("csrf").and_then(Json::as_str) {
        set_csrf(csrf);
    }
    Ok(())
}

/// A browser or program that is logged in.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Device {
    pub id: String,
    pub created_at: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub used_at: String,
    /// such as `Chrome on Linux`
    #[serde(deserialize_with = "super::or_empty")]
    pub device: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub address: String,
    pub current: bool,
}

/// Where one is logged in, or where a user is, for whoever manages users.
pub async fn devices(user: Option<&str>) -> Result<Vec<Device>> {
    let path = user.map_or_else(|| "/sessions".to_owned(), |id| format!("/users/{id}/sessions"));
    super::list_of(Call::get(path).send().await?.json, "sessions")
}

pub async fn end_device(id: &str) -> Result<()> {
    Call::delete(format!("/sessions/{id}")).done().await
}

/// Ends every session but this one; of another user, all.
pub async fn end_devices(user: Option<&str>) -> Result<()> {
    let path = user.map_or_else(|| "/sessions".to_owned(), |id| format!("/users/{id}/sessions"));
    Call::delete(path).done().await
}

/// Changes one's own name or password; the members that are not empty.
pub async fn change_self(id: &str, change: Json) -> Result<()> {
    Call::patch(format!("/users/{id}"), change).done().await
}
