//! API keys: shown once, kept as SHA-256, with scopes that cut down the rights of the user they act for.

use std::collections::HashMap;
use std::sync::Arc;

use aplomb_access::{Actor, TokenScope, Via, can};
use aplomb_model::{Capability, Code, Error, FieldError, Id, Result, Timestamp};
use aplomb_store::{Op, View};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::crm::Crm;
use crate::errors::{OrInternal, OrStore, forbidden};
use crate::sessions::{Hash, hash, hex};
use crate::{Ctx, NewToken, Random};

/// Documents: API keys, by the SHA-256 of their text.
const TOKEN: &str = "token";
const PREFIX: &str = "apl_";
/// How stale the stored time of last use may get.
const TOUCH_SECONDS: i64 = 3_600;
const MOST_PER_USER: usize = 100;

/// All of them: there are few.
pub(crate) struct Tokens(RwLock<HashMap<Hash, Stored>>);

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stored {
    id: Id,
    name: String,
    user: Id,
    scopes: Vec<TokenScope>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
}

impl Tokens {
    pub fn load(view: &View) -> Result<Tokens> {
        let mut all = HashMap::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = view.docs(TOKEN, b"", after.as_deref(), 500).or_store()?;
            let Some((last, _)) = page.last() else { return Ok(Tokens(RwLock::new(all))) };
            after = Some(last.clone());
            for (key, bytes) in page {
                let key = Hash::try_from(key.as_slice()).or_internal("an API key")?;
                all.insert(key, serde_json::from_slice(&bytes).or_internal("an API key")?);
            }
        }
    }
}

impl Stored {
    fn op(&self, key: &Hash) -> Result<Op> {
        let value = serde_json::to_vec(self).or_internal("the API key")?;
        Ok(Op::Doc { kind: TOKEN, key: key.to_vec(), value: Some(value), logged: true })
    }

    fn json(&self, user: &str) -> Json {
        json!({
            "id": self.id, "name": self.name, "user": {"id": self.user, "name": user}, "scopes": self.scopes,
            "createdAt": self.created_at, "expiresAt": self.expires_at, "lastUsedAt": self.last_used_at,
        })
    }
}

impl Crm {
    /// The holder of an API key.
    pub fn token_actor(&self, now: Timestamp, bearer: &str) -> Result<Arc<Actor>> {
        let none = || Error::new(Code::Unauthenticated, "the API key is not valid");
        let key = hash(bearer.trim());
        let stored = self.inner.tokens.0.read().get(&key).cloned().ok_or_else(none)?;
        if stored.expires_at.is_some_and(|end| now >= end) {
            return Err(none());
        }
        let via = Via::Token { id: stored.id, scopes: stored.scopes.clone() };
        let actor = self.inner.directory()?.actor(stored.user, via).ok_or_else(none)?;
        if stored.last_used_at.is_none_or(|at| now.seconds() - at.seconds() >= TOUCH_SECONDS) {
            let stored = Stored { last_used_at: Some(now), ..stored };
            let Op::Doc { kind, key: doc, value, .. } = stored.op(&key)? else { return Err(none()) };
            self.inner.tokens.0.write().insert(key, stored);
            let op = Op::Doc { kind, key: doc, value, logged: false };
            self.inner.commit_docs(&Ctx::system(now, Random::seeded(0), "token"), "token", vec![op], vec![])?;
        }
        Ok(Arc::new(actor))
    }

    /// Whether an API key can still be used.
    pub(crate) fn token_is_valid(&self, id: Id, now: Timestamp) -> bool {
        let known = self.inner.tokens.0.read();
        known.values().any(|token| token.id == id && token.expires_at.is_none_or(|end| now < end))
    }

    /// One's own; everybody's for those who manage them.
    pub fn tokens_list(&self, ctx: &Ctx) -> Result<Vec<Json>> {
        let all = can(&ctx.actor, Capability::ManageTokens);
        let directory = self.inner.directory()?;
        let mut tokens: Vec<Stored> = self.inner.tokens.0.read().values().cloned().collect();
        tokens.retain(|t| all || t.user == ctx.actor.user);
        tokens.sort_by_key(|t| t.id);
        Ok(tokens.iter().map(|t| t.json(directory.name(t.user).unwrap_or_default())).collect())
    }

    /// The key itself is in the answer (`key`, also as `token`) and nowhere else.
    pub fn token_create(&self, ctx: &Ctx, new: NewToken) -> Result<Json> {
        let user = new.user.unwrap_or(ctx.actor.user);
        let widest = match &ctx.actor.via {
            Via::Token { scopes, .. } => scopes.contains(&TokenScope::Admin),
            _ => true,
        };
        if !widest || (user != ctx.actor.user && !can(&ctx.actor, Capability::ManageTokens)) {
            return Err(forbidden());
        }
        let directory = self.inner.directory()?;
        let holder = directory.users.get(&user).filter(|u| u.active);
        let holder = holder.ok_or_else(|| Error::field("user", "not_found", "there is no such active user"))?;
        let name = new.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 200 {
            return Err(Error::field("name", "value", "must have 1 to 200 characters"));
        }
        if new.expires_at.is_some_and(|end| end <= ctx.now) {
            return Err(Error::field("expiresAt", "value", "must be in the future"));
        }
        if self.inner.tokens.0.read().values().filter(|t| t.user == user).count() >= MOST_PER_USER {
            return Err(Error::new(Code::Conflict, "this user has too many API keys; revoke some"));
        }
        let key = format!("{PREFIX}{}", hex(&ctx.random.bytes::<32>()));
        let stored = Stored {
            id: ctx.new_id(),
            name,
            user,
            scopes: parse_scopes(&new.scopes)?,
            created_at: ctx.now,
            expires_at: new.expires_at,
            last_used_at: None,
        };
        self.inner.commit_docs(ctx, "token", vec![stored.op(&hash(&key))?], vec![])?;
        self.inner.tokens.0.write().insert(hash(&key), stored.clone());
        let mut answer = stored.json(&holder.name);
        answer["key"] = json!(key);
        answer["token"] = json!(key);
        Ok(answer)
    }

    pub fn token_revoke(&self, ctx: &Ctx, id: Id) -> Result<()> {
        let found = self.inner.tokens.0.read().iter().find(|(_, t)| t.id == id).map(|(key, t)| (*key, t.user));
        let may = |user: Id| user == ctx.actor.user || can(&ctx.actor, Capability::ManageTokens);
        let (key, _) = found.filter(|(_, user)| may(*user)).ok_or_else(|| Error::not_found("API key"))?;
        let op = Op::Doc { kind: TOKEN, key: key.to_vec(), value: None, logged: true };
        self.inner.commit_docs(ctx, "token", vec![op], vec![])?;
        self.inner.tokens.0.write().remove(&key);
        Ok(())
    }
}

fn parse_scopes(texts: &[String]) -> Result<Vec<TokenScope>> {
    if texts.is_empty() {
        return Ok(vec![TokenScope::Admin]);
    }
    let parse = |text: &String| {
        text.parse::<TokenScope>().map_err(|e| Error::invalid(vec![FieldError::new("scopes", "value", e.to_string())]))
    };
    texts.iter().map(parse).collect()
}
