//! The server as whoever looks after it sees it.

use aplomb_model::Result;
use serde_json::{Value as Json, json};

use crate::call::Call;
use crate::config::Tls;
use crate::http::answer::Answer;

pub fn show(call: &Call) -> Result<Answer> {
    let mut system = call.open.crm.system(&call.ctx)?;
    let config = &call.app.config;
    let free = fs4::available_space(&config.data).ok();
    if let Some(Json::Object(store)) = system.get_mut("store") {
        store.insert("freeBytes".to_owned(), json!(free));
    }
    if let Json::Object(members) = &mut system {
        let started = call.app.started_at;
        let streams = call.app.streams.count();
        let own = [
            ("version", json!(env!("CARGO_PKG_VERSION"))),
            ("startedAt", json!(started)),
            ("uptimeSeconds", json!(call.now.seconds().saturating_sub(started.seconds()).max(0))),
            ("memory", json!({"bytes": memory()})),
            ("streams", json!(streams)),
            ("tls", json!(tls(&config.tls))),
        ];
        members.extend(own.map(|(name, value)| (name.to_owned(), value)));
    }
    Answer::json(&system)
}

fn tls(tls: &Tls) -> &'static str {
    match tls {
        Tls::Auto => "auto",
        Tls::Off => "off",
        Tls::Files { .. } => "files",
        Tls::Acme(_) => "acme",
    }
}

/// Resident memory of the process; `None` where the system does not tell.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
