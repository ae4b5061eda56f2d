//! Users: records of the internal object `user`, with a password beside them.

use std::sync::Arc;

use aplomb_access::can;
use aplomb_model::{Capability, Code, Error, Field, Id, Object, Record, Result, Value};
use serde_json::{Value as Json, json};

use crate::crm::{Crm, Inner};
use crate::directory::Directory;
use crate::errors::{OrStore, forbidden};
use crate::records::plan::{Origin, Plan};
use crate::{Ctx, Map, Random, passwords};
use aplomb_model::Timestamp;

const ADMIN: &str = "systemAdmin";
/// What everybody may change about himself.
const OWN: [&str; 7] = ["name", "title", "phone", "language", "timeZone", "password", "currentPassword"];

impl Crm {
    /// Names, e-mail addresses and roles: whoever assigns work must know whom to.
    pub fn users_list(&self, _ctx: &Ctx) -> Result<Vec<Json>> {
        let object = self.inner.internal("user")?;
        let directory = self.inner.directory()?;
        let view = self.inner.view()?;
        let ids: Vec<Id> = directory.users.keys().copied().collect();
        let records = view.get_many(object.code, &ids).or_store()?;
        let mut users: Vec<Json> = records.into_iter().flatten().map(|r| show(&object, &directory, &r)).collect();
        users.sort_by_key(|u| u["name"].as_str().map(aplomb_model::fold));
        Ok(users)
    }

    pub fn user_get(&self, _ctx: &Ctx, id: Id) -> Result<Json> {
        let object = self.inner.internal("user")?;
        let record = self.inner.view()?.get(object.code, id).or_store()?;
        let record = record.ok_or_else(|| Error::not_found("user"))?;
        Ok(show(&object, &*self.inner.directory()?, &record))
    }

    /// `{name, email, password, roles, title?, phone?, language?, timeZone?, active?}`
    pub fn user_create(&self, ctx: &Ctx, mut fields: Map) -> Result<Json> {
        if !can(&ctx.actor, Capability::ManageUsers) {
            return Err(forbidden());
        }
        let password = take_text(&mut fields, "password")?;
        let object = self.inner.internal("user")?;
        self.inner.check_roles(ctx, &fields, &[])?;
        if !fields.contains_key("roles") {
            return Err(Error::field("roles", "required", "is required"));
        }
        let password = password.ok_or_else(|| Error::field("password", "required", "is required"))?;
        self.inner.check_password(&password, &fields, None)?;
        let id = ctx.new_id();
        let hash = self.inner.passwords.set(id, &password, &ctx.random)?;
        self.inner.write(ctx, "user", |plan| {
            let given = plan.read_fields(&object, &fields)?;
            let record = plan.create(&object, Some(id), given, Origin::Api)?;
            plan.ops.push(hash.clone());
            Ok(record)
        })?;
        self.user_get(ctx, id)
    }

    /// Oneself: name, title, phone, language, zone, and the password with `currentPassword`. Others, roles, e-mail and
    /// `active` need the right to manage users.
    pub fn user_update(&self, ctx: &Ctx, id: Id, mut fields: Map) -> Result<Json> {
        let manages = can(&ctx.actor, Capability::ManageUsers);
        let myself = ctx.actor.user == id;
        if !manages && (!myself || fields.keys().any(|k| !OWN.contains(&k.as_str()))) {
            return Err(forbidden());
        }
        let object = self.inner.internal("user")?;
        let directory = self.inner.directory()?;
        let user = directory.users.get(&id).ok_or_else(|| Error::not_found("user"))?;
        let password = take_text(&mut fields, "password")?;
        let current = take_text(&mut fields, "currentPassword")?;
        self.inner.check_roles(ctx, &fields, &user.roles)?;
        if let Some(password) = &password {
            let checked =
                !myself || self.inner.passwords.verify(&self.inner.view()?, Some(id), &current.unwrap_or_default())?;
            if !checked {
                return Err(Error::field("currentPassword", "wrong", "is not the current password"));
            }
            self.inner.check_password(password, &fields, Some((&user.name, &user.email)))?;
        }
        let loses_admin = user.active && user.roles.iter().any(|r| r == ADMIN) && !stays_admin(&fields);
        if loses_admin && admins(&directory).all(|other| other == id) {
            return Err(Error::new(Code::Conflict, "the last System Admin must stay"));
        }
        let hash = password.map(|p| self.inner.passwords.set(id, &p, &ctx.random)).transpose()?;
        let ends = hash.is_some() || fields.get("active") == Some(&Json::Bool(false));
        self.inner.write(ctx, "user", |plan| {
            let record = plan.live(object.code, id)?.ok_or_else(|| Error::not_found("user"))?;
            let given = plan.read_fields(&object, &fields)?;
            plan.update(&object, &record, given, Origin::Api)?;
            plan.ops.extend(hash.clone());
            if ends {
                let over = self.inner.end_sessions(&plan.view, id)?;
                plan.ops.extend(over);
            }
            Ok(())
        })?;
        if ends {
            self.inner.forget_sessions(id);
        }
        self.user_get(ctx, id)
    }

    /// Logs him out everywhere and lets him in no more; his records stay his.
    pub fn user_deactivate(&self, ctx: &Ctx, id: Id) -> Result<Json> {
        if !can(&ctx.actor, Capability::ManageUsers) {
            return Err(forbidden());
        }
        self.user_update(ctx, id, [("active".to_owned(), Json::Bool(false))].into_iter().collect())
    }
}

impl Inner {
    pub fn internal(&self, name: &str) -> Result<Arc<Object>> {
        self.schema().by_name(name).cloned().ok_or_else(|| Error::not_found("object"))
    }

    /// When he was last here. Not worth failing a log-in for.
    pub fn note_login(&self, now: Timestamp, random: &Random, user: Id) {
        let note = || {
            let object = self.internal("user")?;
            let ctx = Ctx::system(now, random.clone(), "login");
            self.write(&ctx, "login", |plan: &mut Plan<'_>| {
                let (Some(field), Some(record)) = (object.field("lastLoginAt"), plan.live(object.code, user)?) else {
                    return Ok(());
                };
                plan.derive(&object, &record, vec![(field.code, Some(Value::Time(now)))]);
                Ok(())
            })
        };
        if let Err(e) = note() {
            tracing::warn!(code = e.code.name(), "the time of a log-in was not kept");
        }
    }

    fn check_password(&self, password: &str, fields: &Map, known: Option<(&str, &str)>) -> Result<()> {
        let text = |name: &str| fields.get(name).and_then(Json::as_str);
        let organisation = self.settings().organisation.name.clone();
        let mut about = vec![organisation.as_str()];
        about.extend(text("name").or(known.map(|k| k.0)));
        about.extend(text("email").or(known.map(|k| k.1)));
        passwords::check_strength(password, &about)
    }

    /// Roles must exist, and nobody gives a role away that he neither has nor manages.
    fn check_roles(&self, ctx: &Ctx, fields: &Map, before: &[String]) -> Result<()> {
        let Some(roles) = fields.get("roles") else { return Ok(()) };
        let wrong = |detail: &str| Err(Error::field("roles", "value", detail));
        let Some(keys) = roles.as_array().filter(|r| !r.is_empty()) else {
            return wrong("must be a list of roles, at least one");
        };
        let directory = self.directory()?;
        for key in keys {
            let Some(key) = key.as_str().filter(|k| directory.roles.contains_key(*k)) else {
                return wrong("contains a role that does not exist");
            };
            let mine = ctx.actor.roles.iter().any(|r| r.key == key);
            if !mine && !before.iter().any(|b| b == key) && !can(&ctx.actor, Capability::ManageRoles) {
                return Err(forbidden());
            }
        }
        Ok(())
    }
}

fn stays_admin(fields: &Map) -> bool {
    let active = fields.get("active") != Some(&Json::Bool(false));
    let keeps = fields.get("roles").is_none_or(|r| r.as_array().is_some_and(|r| r.contains(&json!(ADMIN))));
    active && keeps
}

fn admins(directory: &Directory) -> impl Iterator<Item = Id> {
    directory.users.iter().filter(|(_, u)| u.active && u.roles.iter().any(|r| r == ADMIN)).map(|(id, _)| *id)
}

fn take_text(fields: &mut Map, name: &str) -> Result<Option<String>> {
    match fields.shift_remove(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::field(name, "type", "must be text")),
    }
}

fn show(object: &Object, directory: &Directory, record: &Record) -> Json {
    let value = |field: &Field| record.get(field.code).map(aplomb_model::json::write);
    let mut user: Map = [
        ("id".to_owned(), json!(record.id)),
        ("version".to_owned(), json!(record.version)),
        ("createdAt".to_owned(), json!(record.created_at)),
    ]
    .into_iter()
    .collect();
    for field in object.live() {
        user.insert(field.name.clone(), value(field).unwrap_or(Json::Null));
    }
    user.insert("roles".into(), json!(directory.users.get(&record.id).map(|u| u.roles.as_slice()).unwrap_or_default()));
    let teams = directory.users.get(&record.id).map(|u| u.teams.as_slice()).unwrap_or_default();
    let named = |id: &Id| Some(json!({"id": id, "name": directory.teams.get(id)?.name}));
    user.insert("teams".into(), teams.iter().filter_map(named).collect());
    Json::Object(user)
}
