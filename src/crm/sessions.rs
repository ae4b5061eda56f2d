//! Sessions of browsers: opaque tokens of which only the SHA-256 is kept, with an idle and an absolute end.

use std::collections::HashMap;
use std::sync::Arc;

use aplomb_access::{Actor, Via};
use aplomb_model::{Code, Error, Id, Result, Timestamp};
use aplomb_store::{Op, View};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::crm::{Crm, Inner};
use crate::errors::{OrInternal, OrStore};
use crate::{Ctx, Login, Random, Session};

/// Documents: sessions, by the SHA-256 of their token.
const SESSION: &str = "session";
const IDLE_SECONDS: i64 = 12 * 3_600;
const LONGEST_SECONDS: i64 = 30 * 86_400;
/// How stale the stored time of last use may get.
const TOUCH_SECONDS: i64 = 600;

pub(crate) type Hash = [u8; 32];

/// Those in use, so that a request reads no document.
#[derive(Default)]
pub(crate) struct Sessions(RwLock<HashMap<Hash, Stored>>);

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stored {
    id: Id,
    user: Id,
    csrf: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    used_at: Timestamp,
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
    /// `address` is where the request came from, for the throttle.
    pub fn login(&self, now: Timestamp, random: &Random, email: &str, password: &str, address: &str) -> Result<Login> {
        let inner = &self.inner;
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
        let login = inner.open_session(now, random, user)?;
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
            self.inner.sessions.0.write().insert(key, session.clone());
            let ctx = Ctx::system(now, Random::seeded(0), "session");
            self.inner.keep_sessions(&ctx, "session", vec![session.op(&key)?])?;
        }
        Ok((Arc::new(actor), session.public()))
    }

    /// An unknown token is no error: he is logged out.
    pub fn logout(&self, ctx: &Ctx, token: &str) -> Result<()> {
        let key = hash(token);
        self.inner.sessions.0.write().remove(&key);
        let op = Op::Doc { kind: SESSION, key: key.to_vec(), value: None, logged: false };
        self.inner.commit_docs(ctx, "logout", vec![op], vec![])?;
        Ok(())
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
    pub fn open_session(&self, now: Timestamp, random: &Random, user: Id) -> Result<Login> {
        let token = hex(&random.bytes::<32>());
        let stored = Stored {
            id: Id::new(now, random.bytes()),
            user,
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

    fn load_session(&self, key: &Hash) -> Result<Option<Stored>> {
        let Some(bytes) = self.view()?.doc(SESSION, key).or_store()? else { return Ok(None) };
        let session: Stored = serde_json::from_slice(&bytes).or_internal("the session")?;
        self.sessions.0.write().insert(*key, session.clone());
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

    /// Ends every session of a user: his password changed or he was deactivated.
    pub fn end_sessions(&self, view: &View, user: Id) -> Result<Vec<Op>> {
        self.sessions.0.write().retain(|_, s| s.user != user);
        let mut ops = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = view.docs(SESSION, b"", after.as_deref(), 500).or_store()?;
            let Some((last, _)) = page.last() else { return Ok(ops) };
            after = Some(last.clone());
            for (key, bytes) in page {
                if serde_json::from_slice::<Stored>(&bytes).is_ok_and(|s| s.user == user) {
                    ops.push(Op::Doc { kind: SESSION, key, value: None, logged: false });
                }
            }
        }
    }
}

pub(crate) fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
