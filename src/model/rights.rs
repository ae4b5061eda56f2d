//! Roles as data: what somebody may do with which records, and which parts of the administration he may use.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    Read,
    Create,
    Update,
    Delete,
    Export,
}

impl Action {
    pub const ALL: [Action; 5] = [Action::Read, Action::Create, Action::Update, Action::Delete, Action::Export];
}

/// Whose records: those one owns, those one's teams own, or all. Ordered from least to most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    #[default]
    None,
    Own,
    Team,
    All,
}

/// A right that is not about records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Capability {
    ManageUsers,
    ManageRoles,
    ManageTeams,
    ManageSchema,
    ManageSettings,
    ManageTokens,
    ReadAudit,
    Import,
    Backup,
    ReadMetrics,
}

impl Capability {
    pub const ALL: [Capability; 10] = [
        Capability::ManageUsers,
        Capability::ManageRoles,
        Capability::ManageTeams,
        Capability::ManageSchema,
        Capability::ManageSettings,
        Capability::ManageTokens,
        Capability::ReadAudit,
        Capability::Import,
        Capability::Backup,
        Capability::ReadMetrics,
    ];
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// stable, e.g. `salesRep`
    pub key: String,
    pub label: String,
    #[serde(default)]
    pub description: String,
    /// by object name; `*` for every object not named
    pub objects: BTreeMap<String, Grants>,
    #[serde(default)]
    pub capabilities: BTreeSet<Capability>,
    #[serde(default)]
    pub custom: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Grants {
    pub read: Scope,
    pub create: Scope,
    pub update: Scope,
    pub delete: Scope,
    pub export: Scope,
}

impl Grants {
    pub fn get(&self, action: Action) -> Scope {
        match action {
            Action::Read => self.read,
            Action::Create => self.create,
            Action::Update => self.update,
            Action::Delete => self.delete,
            Action::Export => self.export,
        }
    }
}

impl Role {
    pub fn scope(&self, object: &str, action: Action) -> Scope {
        let grants = self.objects.get(object).or_else(|| self.objects.get("*"));
        grants.map(|g| g.get(action)).unwrap_or_default()
    }
}
