//! Who is at a record besides oneself, and who follows it.

use serde::Deserialize;
use serde_json::json;

use super::{Abort, Call, Person, Result};

/// Somebody else who looks at the same record.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Present {
    pub id: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub name: String,
    /// the field that he is changing
    pub field: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Others {
    others: Vec<Present>,
}

/// Says that one is at a record, and perhaps in a field of it; to be said again every 20 seconds.
pub async fn be_present(object: &str, id: &str, field: Option<&str>) -> Result<Vec<Present>> {
    let body = json!({ "object": object, "id": id, "field": field });
    let others: Others = Call::tell("/presence", body).quiet().json().await?;
    Ok(others.others)
}

pub async fn be_gone(object: &str, id: &str) -> Result<()> {
    Call::tell("/presence", json!({ "object": object, "id": id, "leave": true })).quiet().done().await
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Followers {
    pub followers: Vec<Person>,
    pub following: bool,
}

pub async fn followers(object: &str, id: &str, abort: &Abort) -> Result<Followers> {
    Call::get(format!("/records/{object}/{id}/followers")).abort(abort).json().await
}

pub async fn follow(object: &str, id: &str, on: bool) -> Result<Followers> {
    let path = format!("/records/{object}/{id}/follow");
    let call = if on { Call::post(path, json!({})) } else { Call::delete(path) };
    call.json().await
}
