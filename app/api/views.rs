//! Saved views: a list's address under a name, for oneself or for everybody who may read the object.

use serde::Deserialize;
use serde_json::json;

use super::{Abort, Call, Person, Result, list_of};

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SavedView {
    pub id: String,
    pub object: String,
    pub name: String,
    /// what stands behind the `?` of the list's address
    pub query: String,
    pub shared: bool,
    /// opens when the list is opened without a wish
    pub is_default: bool,
    /// stands in the sidebar
    pub pinned: bool,
    pub owner: Option<Person>,
    pub mine: bool,
}

/// All that the caller may see; of one object, or of every one when `object` is empty.
pub async fn views(object: &str, abort: &Abort) -> Result<Vec<SavedView>> {
    list_of(Call::get("/views").query("object", object).abort(abort).send().await?.json, "views")
}

pub async fn save_view(view: &SavedView) -> Result<SavedView> {
    let mut body = json!({
        "name": view.name, "query": view.query, "shared": view.shared, "isDefault": view.is_default, "pinned": view.pinned,
    });
    if view.id.is_empty() {
        body["object"] = json!(view.object);
        return Call::post("/views", body).json().await;
    }
    Call::patch(format!("/views/{}", view.id), body).json().await
}

pub async fn delete_view(id: &str) -> Result<()> {
    Call::delete(format!("/views/{id}")).done().await
}
