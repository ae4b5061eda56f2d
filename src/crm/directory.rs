//! Users, teams and roles as they are needed at every request: kept in memory, reloaded when one of them changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aplomb_access::{Actor, Via, standard_roles};
use aplomb_model::{FieldCode, Id, Object, Record, Result, Role, Schema, Value, fold};
use aplomb_store::View;

use crate::errors::{OrInternal, OrStore};

/// Documents: roles made or changed by admins, by key.
pub(crate) const ROLE: &str = "role";
const PAGE: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub users: BTreeMap<Id, User>,
    by_email: HashMap<String, Id>,
    pub teams: BTreeMap<Id, Team>,
    pub roles: BTreeMap<String, Arc<Role>>,
}

#[derive(Debug)]
pub(crate) struct User {
    pub name: String,
    pub email: String,
    pub active: bool,
    pub roles: Vec<String>,
    pub teams: Vec<Id>,
    pub mates: Arc<BTreeSet<Id>>,
    pub time_zone: Option<String>,
    pub language: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Team {
    pub name: String,
    pub members: BTreeSet<Id>,
    pub parent: Option<Id>,
}

impl Directory {
    pub fn load(view: &View, schema: &Schema) -> Result<Directory> {
        let mut directory = Directory { roles: load_roles(view)?, ..Directory::default() };
        if let Some(object) = schema.by_name("team") {
            for record in all(view, object)? {
                directory.teams.insert(record.id, Team::read(object, &record));
            }
        }
        if let Some(object) = schema.by_name("user") {
            for record in all(view, object)? {
                let user = directory.user(object, &record);
                directory.by_email.insert(fold(&user.email), record.id);
                directory.users.insert(record.id, user);
            }
        }
        Ok(directory)
    }

    pub fn find(&self, email: &str) -> Option<Id> {
        self.by_email.get(&fold(email.trim())).copied()
    }

    pub fn name(&self, id: Id) -> Option<&str> {
        if id.is_nil() {
            return Some("System");
        }
        self.users.get(&id).map(|u| u.name.as_str())
    }

    /// `None` for somebody who is not there or not active.
    pub fn actor(&self, id: Id, via: Via) -> Option<Actor> {
        let user = self.users.get(&id).filter(|u| u.active)?;
        let roles = user.roles.iter().filter_map(|key| self.roles.get(key).cloned()).collect();
        Some(Actor { user: id, roles, teams: user.teams.clone(), mates: user.mates.clone(), via })
    }

    fn user(&self, object: &Object, record: &Record) -> User {
        let text = |name: &str| code(object, name).and_then(|c| record.get(c)).map(Value::text);
        let roles = match code(object, "roles").and_then(|c| record.get(c)) {
            Some(Value::Texts(keys)) => keys.clone(),
            _ => Vec::new(),
        };
        let teams: Vec<Id> =
            self.teams.iter().filter(|(_, t)| t.members.contains(&record.id)).map(|(id, _)| *id).collect();
        let active = !matches!(code(object, "active").and_then(|c| record.get(c)), Some(Value::Bool(false)));
        User {
            name: text("name").unwrap_or_default(),
            email: text("email").unwrap_or_default(),
            active,
            roles,
            mates: Arc::new(self.mates(record.id, &teams)),
            teams,
            time_zone: text("timeZone"),
            language: text("language"),
        }
    }

    /// Everybody in his teams and in the teams below them.
    fn mates(&self, user: Id, teams: &[Id]) -> BTreeSet<Id> {
        let mut mates = BTreeSet::from([user]);
        let below = |id: Id| {
            let mut at = Some(id);
            // as many steps as there are teams: a circle of parents ends
            for _ in 0..self.teams.len() {
                let Some(team) = at else { return false };
                if teams.contains(&team) {
                    return true;
                }
                at = self.teams.get(&team).and_then(|t| t.parent);
            }
            false
        };
        for (id, team) in &self.teams {
            if below(*id) {
                mates.extend(&team.members);
            }
        }
        mates
    }
}

impl Team {
    fn read(object: &Object, record: &Record) -> Team {
        let links = |name: &str| {
            let value = code(object, name).and_then(|c| record.get(c));
            value.map(|v| v.links().iter().map(|l| l.id).collect::<Vec<_>>()).unwrap_or_default()
        };
        let members = links("members").into_iter().chain(links("lead")).collect();
        Team { name: object.title_of(record), members, parent: links("parent").first().copied() }
    }
}

fn code(object: &Object, name: &str) -> Option<FieldCode> {
    object.field(name).map(|f| f.code)
}

fn all(view: &View, object: &Object) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    loop {
        let after = records.last().map(|r: &Record| r.id);
        let page = view.scan(object.code, after, false, PAGE).or_store()?;
        let more = page.len() == PAGE;
        records.extend(page);
        if !more {
            return Ok(records);
        }
    }
}

/// The standard roles, replaced and extended by those an admin wrote.
fn load_roles(view: &View) -> Result<BTreeMap<String, Arc<Role>>> {
    let mut roles: BTreeMap<_, _> = standard_roles().into_iter().map(|r| (r.key.clone(), Arc::new(r))).collect();
    for (_, bytes) in view.docs(ROLE, b"", None, 10_000).or_store()? {
        let role: Role = serde_json::from_slice(&bytes).or_internal("a role")?;
        roles.insert(role.key.clone(), Arc::new(role));
    }
    Ok(roles)
}
