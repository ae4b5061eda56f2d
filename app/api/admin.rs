//! Administration: users, roles, API keys, the organisation, the sample data.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Call, Organisation, Result, list_of};
use crate::state::format::Formats;

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    pub id: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub name: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub email: String,
    /// keys, or objects that hold one
    pub roles: Vec<Json>,
    pub active: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RoleView {
    pub key: String,
    pub label: String,
    pub description: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Token {
    pub id: String,
    pub name: String,
    pub scopes: Vec<String>,
    pub created_at: Option<String>,
    pub last_used_at: Option<String>,
}

pub async fn users() -> Result<Vec<User>> {
    list_of(Call::get("/users").send().await?.json, "users")
}

pub async fn create_user(name: &str, email: &str, password: &str, role: &str) -> Result<()> {
    let body = json!({ "name": name, "email": email, "password": password, "roles": [role] });
    Call::post("/users", body).done().await
}

pub async fn roles() -> Result<Vec<RoleView>> {
    list_of(Call::get("/roles").send().await?.json, "roles")
}

pub async fn tokens() -> Result<Vec<Token>> {
    list_of(Call::get("/tokens").send().await?.json, "tokens")
}

/// The key itself, which the server shows this once.
pub async fn create_token(name: &str, scopes: &[String]) -> Result<String> {
    let answer = Call::post("/tokens", json!({ "name": name, "scopes": scopes })).send().await?;
    let key = ["token", "key", "secret"].into_iter().find_map(|k| answer.json.get(k).and_then(Json::as_str));
    Ok(key.unwrap_or_default().to_owned())
}

pub async fn revoke_token(id: &str) -> Result<()> {
    Call::delete(format!("/tokens/{id}")).done().await
}

/// What holds for everybody: who the organisation is, and how it writes numbers and times.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub organisation: Organisation,
    pub formats: Formats,
}

pub async fn settings() -> Result<Settings> {
    Call::get("/settings").json().await
}

pub async fn set_settings(settings: &Settings) -> Result<()> {
    let o = &settings.organisation;
    let organisation =
        json!({ "name": o.name, "currency": o.currency, "timeZone": o.time_zone, "language": o.language });
    Call::patch("/settings", json!({ "organisation": organisation, "formats": settings.formats })).done().await
}

pub async fn set_formats(formats: &Formats) -> Result<()> {
    Call::patch("/settings", json!({ "formats": formats })).done().await
}

/// Whether the sample data are there.
pub async fn sample_loaded() -> Result<bool> {
    let answer = Call::get("/sample").send().await?;
    Ok(answer.json.get("loaded").and_then(Json::as_bool).unwrap_or(false))
}

pub async fn load_sample() -> Result<()> {
    Call::post("/sample", json!({})).done().await
}

pub async fn remove_sample() -> Result<()> {
    Call::delete("/sample").done().await
}
