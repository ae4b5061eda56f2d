//! The typed client of `/api/v1`. One error type, made from problem+json; nothing here draws.

mod abort;
mod admin;
mod client;
mod edit;
mod failure;
mod files;
mod imports;
mod jobs;
mod notices;
mod presence;
mod records;
mod schema;
mod search;
mod session;
mod views;

pub use abort::{Abort, pause};
pub use admin::*;
pub use client::{Call, set_csrf, waiting, when_refused};
pub use edit::*;
pub use failure::Failure;
pub use files::*;
pub use imports::*;
pub use jobs::*;
pub use notices::*;
pub use presence::*;
pub use records::*;
pub use schema::*;
pub use search::*;
pub use session::*;
pub use views::*;

pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// `null` as the empty value, for members that the server leaves without one.
fn or_empty<'de, D: serde::Deserializer<'de>, T: Default + serde::Deserialize<'de>>(d: D) -> Result<T, D::Error> {
    <Option<T> as serde::Deserialize>::deserialize(d).map(Option::unwrap_or_default)
}

/// The list in an answer: the array itself, or the array under `key`, `items` or `records`.
fn list_of<T: serde::de::DeserializeOwned>(mut json: serde_json::Value, key: &str) -> Result<Vec<T>> {
    let at = [key, "items", "records"].into_iter().find(|k| json.get(k).is_some_and(|v| v.is_array()));
    let list = match at {
        Some(k) => json[k].take(),
        None => json,
    };
    serde_json::from_value(list).map_err(|e| Failure::unreadable(&e.to_string()))
}
