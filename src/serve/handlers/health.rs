//! For monitoring: alive, ready, figures.

use aplomb_model::{Capability, Code, Error, Result};

use crate::call::Door;
use crate::http::answer::Answer;

pub fn alive(_: &Door) -> Result<Answer> {
    Ok(Answer::new(200, "text/plain; charset=utf-8", "ok\n"))
}

pub fn ready(door: &Door) -> Result<Answer> {
    let ready = door.app.open()?.crm.ready();
    if ready.ready {
        return Answer::json(&ready);
    }
    let state = serde_json::to_value(&ready).map_err(|e| Error::internal(e.to_string()))?;
    Err(Error::new(Code::NotReady, "the index is catching up; lists and records work meanwhile")
        .with("readiness", state))
}

/// On the machine itself without a key, else for whoever may read them.
pub fn metrics(door: &Door) -> Result<Answer> {
    let allowed =
        door.client.local || door.caller().is_some_and(|ctx| aplomb_access::can(&ctx.actor, Capability::ReadMetrics));
    if !allowed {
        return Err(Error::new(Code::Forbidden, "figures are shown on the machine itself, or for readMetrics"));
    }
    let ready = door.app.open().ok().map(|open| open.crm.ready());
    Ok(Answer::new(200, "text/plain; version=0.0.4; charset=utf-8", door.app.metrics.render(ready.as_ref())))
}
