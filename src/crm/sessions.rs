//! Sessions of browsers: opaque tokens of which only the SHA-256 is kept, with an idle and an absolute end.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aplomb_access::{Actor, TokenScope, Via, can};
use aplomb_model::{Capability, Code, Error, Id, Result, Timestamp};
use aplomb_store::{Assert, Op, View};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::crm::{Crm, Inner};
use crate::errors::{OrInternal, OrStore, forbidden};
use crate::{Ctx, Login, LoginFrom, Random, Session};

/// Documents: sessions, by the SHA-256 of their token.
pub(crate) const SESSION: &str = "session";
const IDLE_SECONDS: i64 = 12 * 3_600;
const LONGEST_SECONDS: i64 = 30 * 86_400;
/// How stale the stored time of last use may get.
const TOUCH_SECONDS: i64 = 600;

/// Sessions that a list shows.
const MOST_LISTED: usize = 500;
/// Characters kept of a device and an address.
const MOST_TEXT: usize = 80;

pub(crate) type Hash = [u8; 32];

/// Those in use, so that a request reads no document.
#[derive(Default)]
pub(crate) struct Sessions(RwLock<HashMap<Hash, Stored>>);

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stored {
    id: Id,
    user: Id,
    /// what it was opened on, for its owner to recognise
    #[serde(default)]
    device: String,
    /// where the log-in came from
    #[serde(default)]
    address: String,
    csrf: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    used_at: Timestamp,
}

/// Whether a stored session can still be used.
pub(crate) fn is_alive(bytes: &[u8], now: Timestamp) -> bool {
    serde_json::from_slice::<Stored>(bytes).is_ok_and(|session| session.alive(now))
}

impl Stored {
    fn alive(&self, now: Timestamp) -> bool {
        now < self.expires_at && now < self.used_at.plus_seconds(IDLE_SECONDS)
    }

    fn op(&self, key: &Hash) -> Result<Op> {
        let value = serde_json::to_vec(self).or_internal("the session")?;
        Ok(Op::Doc { kind: SESSION, key: key.to_vec(), value: Some(value), logged: false })
    }

    fn public(&self) -> Session {
        Session {
            id: self.id,
            user: self.user,
            csrf: self.csrf.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
        }
    }
}

impl Crm {
    /// Errors: `bad_credentials`, `too_many_requests`.
    pub fn login(
        &self,
        now: Timestamp,
        random: &Random,
        email: &str,
        password: &str,
        from: &LoginFrom,
    ) -> Result<Login> {
        let inner = &self.inner;
        let address = from.address.as_str();
        inner.throttle.check(now, email, address)?;
        let directory = inner.directory()?;
        let user = directory.find(email).filter(|id| directory.users.get(id).is_some_and(|u| u.active));
        if !inner.passwords.verify(&inner.view()?, user, password)? {
            inner.throttle.failed(now, email, address);
            return Err(Error::new(Code::BadCredentials, "the e-mail address or the password is wrong"));
        }
        let user =
            user.ok_or_else(|| Error::new(Code::BadCredentials, "the e-mail address or the password is wrong"))?;
        inner.throttle.succeeded(email);
        let login = inner.open_session(now, random, user, from)?;
        inner.note_login(now, random, user);
        Ok(login)
    }

    /// The holder of a session cookie; using it keeps it alive.
    pub fn session(&self, now: Timestamp, token: &str) -> Result<(Arc<Actor>, Session)> {
        let none = || Error::new(Code::Unauthenticated, "log in first");
        let key = hash(token);
        let known = self.inner.sessions.0.read().get(&key).cloned();
        let mut session = match known {
            Some(session) => session,
            None => self.inner.load_session(&key)?.ok_or_else(none)?,
        };
        if !session.alive(now) {
            self.inner.sessions.0.write().remove(&key);
            return Err(none());
        }
        let actor = self.inner.directory()?.actor(session.user, Via::Session(session.id)).ok_or_else(none)?;
        if now.seconds() - session.used_at.seconds() >= TOUCH_SECONDS {
            session.used_at = now;
            self.inner.sessions.0.write().get_mut(&key).ok_or_else(none)?.used_at = now;
            self.inner.touch(&key, &session)?;
        }
        Ok((Arc::new(actor), session.public()))
    }

    /// Whether a session in use has not ended. Reads nothing and keeps nothing alive.
    pub fn is_logged_in(&self, now: Timestamp, token: &str) -> bool {
        let known = self.inner.sessions.0.read().get(&hash(token)).map(|s| (s.alive(now), s.user));
        known.is_some_and(|(alive, user)| {
            let is_active = |d: Arc<crate::directory::Directory>| d.users.get(&user).is_some_and(|u| u.active);
            alive && self.inner.directory().is_ok_and(is_active)
        })
    }

    /// An unknown token is no error: he is logged out.
    pub fn logout(&self, ctx: &Ctx, token: &str) -> Result<()> {
        let key = hash(token);
        let op = Op::Doc { kind: SESSION, key: key.to_vec(), value: None, logged: false };
        let done = self.inner.commit_docs(ctx, "logout", vec![op], vec![]);
        // only now nobody reads it into memory again
        self.inner.sessions.0.write().remove(&key);
        done.map(drop)
    }

    /// The caller's sessions, or as somebody who manages users those of another; the latest used first.
    /// `{id, createdAt, usedAt, expiresAt, device, address, current}`; `usedAt` is up to ten minutes old.
    ///
    /// Errors: `forbidden`; `not_found` for a user that there is not.
    pub fn sessions_list(&self, ctx: &Ctx, user: Id) -> Result<Vec<Json>> {
        self.may_end_sessions(ctx, user)?;
        let mut own: Vec<Stored> = self.inner.open_sessions(ctx.now, user)?.into_values().collect();
        own.sort_by_key(|s| std::cmp::Reverse((s.used_at, s.id)));
        own.truncate(MOST_LISTED);
        let is_current = |s: &Stored| ctx.actor.via == Via::Session(s.id);
        let shown = own.iter().map(|s| {
            let expires_at = s.expires_at.min(s.used_at.plus_seconds(IDLE_SECONDS));
            json!({
                "id": s.id, "createdAt": s.created_at, "usedAt": s.used_at, "expiresAt": expires_at,
                "device": s.device, "address": s.address, "current": is_current(s),
            })
        });
        Ok(shown.collect())
    }

    /// Ends those of a user that `which` chooses, and gives their ids. Whoever uses one of them has to log in again.
    pub fn sessions_end(&self, ctx: &Ctx, user: Id, which: impl Fn(Id) -> bool) -> Result<Vec<Id>> {
        self.may_end_sessions(ctx, user)?;
        let mut ended = self.inner.open_sessions(ctx.now, user)?;
        ended.retain(|_, session| which(session.id));
        if ended.is_empty() {
            return Ok(Vec::new());
        }
        let ops = ended.keys().map(|key| Op::Doc { kind: SESSION, key: key.clone(), value: None, logged: false });
        self.inner.keep_sessions(ctx, "logout", ops.collect())?;
        self.inner.sessions.0.write().retain(|key, _| !ended.contains_key(key.as_slice()));
        Ok(ended.into_values().map(|session| session.id).collect())
    }

    /// A key of limited scope leaves sessions alone.
    fn may_end_sessions(&self, ctx: &Ctx, user: Id) -> Result<()> {
        let limited = |scopes: &[TokenScope]| !scopes.contains(&TokenScope::Admin);
        let allowed = user == ctx.actor.user || can(&ctx.actor, Capability::ManageUsers);
        match &ctx.actor.via {
            Via::Token { scopes, .. } if limited(scopes) => Err(forbidden()),
            _ if !allowed => Err(forbidden()),
            _ if !self.inner.directory()?.users.contains_key(&user) => Err(Error::not_found("user")),
            _ => Ok(()),
        }
    }

    /// The actor that a session of this user would have, for the command line next to the data.
    pub fn actor_of(&self, user: Id) -> Result<Arc<Actor>> {
        let actor = self.inner.directory()?.actor(user, Via::Session(Id::NIL));
        actor.map(Arc::new).ok_or_else(|| Error::not_found("user"))
    }

    pub fn user_by_email(&self, email: &str) -> Result<Option<Id>> {
        Ok(self.inner.directory()?.find(email))
    }
}

impl Inner {
    fn open_session(&self, now: Timestamp, random: &Random, user: Id, from: &LoginFrom) -> Result<Login> {
        let token = hex(&random.bytes::<32>());
        let stored = Stored {
            id: Id::new(now, random.bytes()),
            user,
            device: cut(&from.device),
            address: cut(&from.address),
            csrf: hex(&random.bytes::<24>()),
            created_at: now,
            expires_at: now.plus_seconds(LONGEST_SECONDS),
            used_at: now,
        };
        let key = hash(&token);
        let mut ops = self.outlived(now)?;
        ops.push(stored.op(&key)?);
        let ctx =
            Ctx { actor: Arc::new(Actor { user, ..Actor::system() }), ..Ctx::system(now, random.clone(), "login") };
        self.keep_sessions(&ctx, "login", ops)?;
        self.sessions.0.write().insert(key, stored.clone());
        Ok(Login { token, session: stored.public() })
    }

    /// Where nothing can be written sessions live in memory, so that whoever wants to look, or to make room, gets in.
    fn keep_sessions(&self, ctx: &Ctx, reason: &str, ops: Vec<Op>) -> Result<()> {
        match self.commit_docs(ctx, reason, ops, vec![]) {
            Err(e) if matches!(e.code, Code::DiskFull | Code::ReadOnly) => {
                tracing::warn!(code = e.code.name(), "a session is kept in memory only");
                Ok(())
            }
            done => done.map(drop),
        }
    }

    /// Stores when it was used, unless it was ended meanwhile: then it must not come back.
    fn touch(&self, key: &Hash, session: &Stored) -> Result<()> {
        let Some(before) = self.view()?.doc(SESSION, key).or_store()? else { return Ok(()) };
        let unchanged = Assert::DocIs { kind: SESSION, key: key.to_vec(), hash_or_value: Some(before) };
        let ctx = Ctx::system(session.used_at, Random::seeded(0), "session");
        match self.commit_docs(&ctx, "session", vec![session.op(key)?], vec![unchanged]) {
            Err(e) if matches!(e.code, Code::Conflict | Code::DiskFull | Code::ReadOnly) => Ok(()),
            done => done.map(drop),
        }
    }

    fn load_session(&self, key: &Hash) -> Result<Option<Stored>> {
        let Some(bytes) = self.view()?.doc(SESSION, key).or_store()? else { return Ok(None) };
        let session: Stored = serde_json::from_slice(&bytes).or_internal("the session")?;
        self.sessions.0.write().insert(*key, session.clone());
        // whoever ended it before it came into memory did not find it there
        if self.view()?.doc(SESSION, key).or_store()?.is_none() {
            self.sessions.0.write().remove(key);
            return Ok(None);
        }
        Ok(Some(session))
    }

    /// Removals of sessions that are over, some at each login.
    fn outlived(&self, now: Timestamp) -> Result<Vec<Op>> {
        let start = now.micros().to_le_bytes()[0];
        let page = self.view()?.docs(SESSION, &[start], None, 50).or_store()?;
        let over = |bytes: &[u8]| serde_json::from_slice::<Stored>(bytes).map_or(true, |s| !s.alive(now));
        let removals = page.into_iter().filter(|(_, bytes)| over(bytes));
        Ok(removals.map(|(key, _)| Op::Doc { kind: SESSION, key, value: None, logged: false }).collect())
    }

    /// No session of a user is used any more, once what [`Inner::end_sessions`] gave is committed.
    pub fn forget_sessions(&self, user: Id) {
        self.sessions.0.write().retain(|_, s| s.user != user);
    }

    /// Removals of every session of a user: his password changed or he was deactivated.
    pub fn end_sessions(&self, view: &View, user: Id) -> Result<Vec<Op>> {
        let own = sessions_of(view, user)?;
        Ok(own.into_iter().map(|(key, _)| Op::Doc { kind: SESSION, key, value: None, logged: false }).collect())
    }

    /// Those that are alive, by key; also those that only memory knows, and with the latest time of use.
    fn open_sessions(&self, now: Timestamp, user: Id) -> Result<BTreeMap<Vec<u8>, Stored>> {
        let mut own: BTreeMap<Vec<u8>, Stored> = sessions_of(&self.view()?, user)?.into_iter().collect();
        let used = self.sessions.0.read();
        own.extend(used.iter().filter(|(_, s)| s.user == user).map(|(key, s)| (key.to_vec(), s.clone())));
        own.retain(|_, session| session.alive(now));
        Ok(own)
    }
}

/// Stored ones, also those that are over.
fn sessions_of(view: &View, user: Id) -> Result<Vec<(Vec<u8>, Stored)>> {
    let (mut own, mut after) = (Vec::new(), None::<Vec<u8>>);
    loop {
        let page = view.docs(SESSION, b"", after.as_deref(), 500).or_store()?;
        let Some((last, _)) = page.last() else { return Ok(own) };
        after = Some(last.clone());
        let read = |(key, bytes): (Vec<u8>, Vec<u8>)| Some((key, serde_json::from_slice::<Stored>(&bytes).ok()?));
        own.extend(page.into_iter().filter_map(read).filter(|(_, session)| session.user == user));
    }
}

/// What a caller says about himself, kept short.
fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MOST_TEXT).collect()
}

pub(crate) fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
