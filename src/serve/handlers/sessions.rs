//! Logging in and out, and who one is.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use aplomb_crm::{Crm, Ctx, LoginFrom, Session, Via};
use aplomb_model::{Error, Id, Result, Timestamp};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::call::{Call, Door};
use crate::http::answer::Answer;
use crate::http::device;
use crate::live;
use crate::state::App;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogIn {
    email: String,
    password: String,
    /// of a second factor; none is asked for yet
    #[serde(default, rename = "code")]
    _code: Option<String>,
}

pub fn log_in(door: &Door) -> Result<Answer> {
    door.app.open()?;
    let given: LogIn = door.json()?;
    let (session, cookie) = start(door, &given.email, &given.password)?;
    Ok(Answer::json(&session)?.cookie(cookie).secret())
}

/// A new session: what `GET /session` says, and its cookie.
pub fn start(door: &Door, email: &str, password: &str) -> Result<(Json, Cookie<'static>)> {
    let crm = &door.app.open()?.crm;
    let device = device::describe(door.head.agent.as_deref().unwrap_or_default());
    let from = LoginFrom { address: door.client.address.to_string(), device };
    let login = crm.login(door.now, &door.app.random, email, password, &from)?;
    let (actor, session) = crm.session(door.now, &login.token)?;
    let ctx = crm.ctx(actor, door.now, door.app.random.clone(), &door.request_id);
    let cookie = cookie(&door.app, login.token.clone(), Some(session.expires_at), door.now);
    Ok((describe(crm, &ctx, Some(&session))?, cookie))
}

pub fn show(call: &Call) -> Result<Answer> {
    Ok(Answer::json(&describe(&call.open.crm, &call.ctx, call.session.as_ref())?)?.secret())
}

pub fn log_out(call: &Call) -> Result<Answer> {
    if let (Some(token), Some(_)) = (&call.head.cookie, &call.session) {
        call.open.crm.logout(&call.ctx, token)?;
        live::end(&call.app, call.session.as_ref().map(|session| session.id).as_slice());
    }
    Ok(Answer::empty().cookie(cookie(&call.app, String::new(), None, call.now)))
}

pub fn list(call: &Call) -> Result<Answer> {
    listed(call, call.user())
}

pub fn list_of(call: &Call) -> Result<Answer> {
    listed(call, call.id()?)
}

fn listed(call: &Call, user: Id) -> Result<Answer> {
    Answer::json(&json!({"sessions": call.open.crm.sessions_list(&call.ctx, user)?}))
}

pub fn end(call: &Call) -> Result<Answer> {
    let id = call.id()?;
    match ended(call, call.user(), |session| session == id)? {
        true => Ok(Answer::empty()),
        false => Err(Error::not_found("session")),
    }
}

/// All others; with `?current=true` this one too.
pub fn end_all(call: &Call) -> Result<Answer> {
    let current = call.query.parsed("current", "true or false")?.unwrap_or(false);
    ended(call, call.user(), |session| current || call.ctx.actor.via != Via::Session(session))?;
    Ok(Answer::empty())
}

pub fn end_all_of(call: &Call) -> Result<Answer> {
    ended(call, call.id()?, |_| true)?;
    Ok(Answer::empty())
}

/// Their streams end as well.
fn ended(call: &Call, user: Id, which: impl Fn(Id) -> bool) -> Result<bool> {
    let ended = call.open.crm.sessions_end(&call.ctx, user, which)?;
    live::end(&call.app, &ended);
    Ok(!ended.is_empty())
}

fn describe(crm: &Crm, ctx: &Ctx, session: Option<&Session>) -> Result<Json> {
    let mut me = crm.who_am_i(ctx)?;
    if let (Json::Object(me), Some(session)) = (&mut me, session) {
        me.insert("csrf".to_owned(), json!(session.csrf));
        me.insert("expiresAt".to_owned(), json!(session.expires_at));
    }
    Ok(me)
}

/// `until` none: the browser forgets it.
fn cookie(app: &App, token: String, until: Option<Timestamp>, now: Timestamp) -> Cookie<'static> {
    let seconds = until.map_or(0, |until| (until.seconds() - now.seconds()).max(0));
    Cookie::build(app.site.cookie_name(), token)
        .path("/")
        .http_only(true)
        .secure(app.site.secure)
        .same_site(SameSite::Strict)
        .max_age(Duration::seconds(seconds))
        .finish()
}
