//! The decision itself, and the proof that it was made.

use std::collections::BTreeSet;

use aplomb_model::{Action, Capability, Id, Object, ObjectCode, Scope};

use crate::{Actor, Via};

/// Which records of an object an action may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowFilter {
    All,
    None,
    /// those owned by one of these users
    Owners(BTreeSet<Id>),
}

/// Proof that an actor may do something with an object, and with which of its records. Only [`decide`] makes one.
#[derive(Debug, Clone)]
pub struct Permit {
    object: ObjectCode,
    action: Action,
    rows: RowFilter,
}

/// The actor may not do this with any record of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{action:?} is not allowed")]
pub struct Denied {
    pub action: Action,
    /// whether he may at least know that the object exists
    pub visible: bool,
}

impl RowFilter {
    pub fn admits(&self, owner: Option<Id>) -> bool {
        match self {
            RowFilter::All => true,
            RowFilter::None => false,
            RowFilter::Owners(owners) => owner.is_some_and(|id| owners.contains(&id)),
        }
    }
}

impl Permit {
    pub fn object(&self) -> ObjectCode {
        self.object
    }

    pub fn action(&self) -> Action {
        self.action
    }

    pub fn rows(&self) -> &RowFilter {
        &self.rows
    }

    pub fn admits(&self, owner: Option<Id>) -> bool {
        self.rows.admits(owner)
    }
}

/// The widest scope any role gives, cut down by the scopes of the API key.
pub fn scope(actor: &Actor, object: &str, action: Action) -> Scope {
    let from_roles = || actor.roles.iter().map(|r| r.scope(object, action)).max().unwrap_or_default();
    match &actor.via {
        Via::System => Scope::All,
        Via::Session(_) => from_roles(),
        Via::Token { scopes, .. } if scopes.iter().any(|s| s.covers(object, action)) => from_roles(),
        Via::Token { .. } => Scope::None,
    }
}

pub fn allows(actor: &Actor, object: &Object, action: Action, owner: Option<Id>) -> bool {
    read_filter(actor, object, action).admits(owner)
}

/// Which records of the object the actor may do this with; compiled into every query.
pub fn read_filter(actor: &Actor, object: &Object, action: Action) -> RowFilter {
    match scope(actor, &object.name, action) {
        Scope::None => RowFilter::None,
        Scope::Own => RowFilter::Owners(BTreeSet::from([actor.user])),
        Scope::Team => {
            let mut owners = (*actor.mates).clone();
            owners.insert(actor.user);
            RowFilter::Owners(owners)
        }
        Scope::All => RowFilter::All,
    }
}

pub fn can(actor: &Actor, capability: Capability) -> bool {
    let from_roles = || actor.roles.iter().any(|r| r.capabilities.contains(&capability));
    match &actor.via {
        Via::System => true,
        Via::Session(_) => from_roles(),
        Via::Token { scopes, .. } => scopes.iter().any(|s| s.covers_capability(capability)) && from_roles(),
    }
}

/// A permit when the action is allowed with at least some records.
pub fn decide(actor: &Actor, object: &Object, action: Action) -> Result<Permit, Denied> {
    match read_filter(actor, object, action) {
        RowFilter::None => Err(Denied { action, visible: scope(actor, &object.name, Action::Read) != Scope::None }),
        rows => Ok(Permit { object: object.code, action, rows }),
    }
}
