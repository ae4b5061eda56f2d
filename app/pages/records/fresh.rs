//! The quiet mark that somebody else has just changed what is shown.

use leptos::{prelude::*, task::spawn_local};
use serde_json::Value as Json;

use crate::api::{Record, pause};
use crate::state::signed;

/// Milliseconds that the mark stays.
const FRESH: i32 = 2_500;

/// True for a moment after a newer version of the same record has come that somebody else wrote.
pub fn freshness(record: Memo<Option<Record>>) -> RwSignal<bool> {
    let fresh = RwSignal::new(false);
    let me = signed().session.user.id.clone();
    Effect::new(move |before: Option<Option<(String, u32)>>| {
        let now = record.with(|r| r.as_ref().map(|r| (r.id.clone(), r.version)));
        let by = |r: &Record| r.updated_by.get("id").and_then(Json::as_str) == Some(me.as_str());
        let by_me = record.with(|r| r.as_ref().is_some_and(by));
        if let (Some(Some((old, then))), Some((id, version))) = (&before, &now)
            && old == id
            && then < version
            && !by_me
        {
            fresh.set(true);
            spawn_local(async move {
                pause(FRESH).await;
                fresh.try_set(false);
            });
        }
        now
    });
    fresh
}
