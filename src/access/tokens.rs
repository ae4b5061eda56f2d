//! What an API key may be used for, at most: `read`, `write`, `admin`, `backup`, or one action on one object
//! (`contact:read`, `*:export`).

use std::fmt;
use std::str::FromStr;

use aplomb_model::{Action, Capability};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenScope {
    /// reading every object
    Read,
    /// reading, creating, updating, deleting and importing
    Write,
    /// everything the user may do
    Admin,
    /// making backups and nothing else: for the key that lies on the machine that keeps them
    Backup,
    /// `None` for every object; `None` for every action but export
    On { object: Option<String>, action: Option<Action> },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a scope: give read, write, admin, backup, or object:action such as contact:read or *:export")]
pub struct ScopeError;

impl TokenScope {
    pub fn covers(&self, object: &str, action: Action) -> bool {
        match self {
            TokenScope::Admin => true,
            TokenScope::Backup => false,
            TokenScope::Read => action == Action::Read,
            TokenScope::Write => action != Action::Export,
            TokenScope::On { object: of, action: only } => {
                of.as_deref().is_none_or(|name| name == object)
                    && only.map_or(action != Action::Export, |only| only == action)
            }
        }
    }

    pub fn covers_capability(&self, capability: Capability) -> bool {
        match self {
            TokenScope::Admin => true,
            TokenScope::Backup => capability == Capability::Backup,
            TokenScope::Write => matches!(capability, Capability::Import | Capability::ReadMetrics),
            TokenScope::Read => capability == Capability::ReadMetrics,
            TokenScope::On { .. } => false,
        }
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenScope::Read => f.write_str("read"),
            TokenScope::Write => f.write_str("write"),
            TokenScope::Admin => f.write_str("admin"),
            TokenScope::Backup => f.write_str("backup"),
            TokenScope::On { object, action } => {
                let object = object.as_deref().unwrap_or("*");
                let action = match action {
                    None => "write",
                    Some(Action::Read) => "read",
                    Some(Action::Create) => "create",
                    Some(Action::Update) => "update",
                    Some(Action::Delete) => "delete",
                    Some(Action::Export) => "export",
                };
                write!(f, "{object}:{action}")
            }
        }
    }
}

impl FromStr for TokenScope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<TokenScope, ScopeError> {
        let Some((object, action)) = text.split_once(':') else {
            return match text {
                "read" => Ok(TokenScope::Read),
                "write" => Ok(TokenScope::Write),
                "admin" => Ok(TokenScope::Admin),
                "backup" => Ok(TokenScope::Backup),
                _ => Err(ScopeError),
            };
        };
        let action = match action {
            "read" => Some(Action::Read),
            "create" => Some(Action::Create),
            "update" => Some(Action::Update),
            "delete" => Some(Action::Delete),
            "export" => Some(Action::Export),
            "write" => None,
            _ => return Err(ScopeError),
        };
        let named = !object.is_empty() && object.chars().all(|c| c.is_ascii_alphanumeric());
        match object {
            "*" => Ok(TokenScope::On { object: None, action }),
            name if named => Ok(TokenScope::On { object: Some(name.to_owned()), action }),
            _ => Err(ScopeError),
        }
    }
}

impl Serialize for TokenScope {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenScope {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<TokenScope, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_and_print() {
        for text in
            ["read", "write", "admin", "backup", "contact:read", "*:export", "deal:write", "lead:create", "x:delete"]
        {
            assert_eq!(text.parse::<TokenScope>().map(|s| s.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "root", "contact:", ":read", "contact:fly", "a b:read", "contact:read:all", "READ"] {
            assert_eq!(text.parse::<TokenScope>(), Err(ScopeError), "{text}");
        }
    }

    #[test]
    fn scopes_cover() {
        let covers = |scope: &str, object: &str, action| scope.parse::<TokenScope>().unwrap().covers(object, action);
        assert!(covers("read", "contact", Action::Read));
        assert!(!covers("read", "contact", Action::Update));
        assert!(covers("write", "contact", Action::Delete));
        assert!(!covers("write", "contact", Action::Export));
        assert!(covers("contact:read", "contact", Action::Read));
        assert!(!covers("contact:read", "deal", Action::Read));
        assert!(covers("*:export", "deal", Action::Export));
        assert!(!covers("*:export", "deal", Action::Read));
        for capability in Capability::ALL {
            assert_eq!(TokenScope::Backup.covers_capability(capability), capability == Capability::Backup);
        }
        assert!(Action::ALL.iter().all(|action| !covers("backup", "contact", *action)));
    }
}
