//! Who is asking: a user with his roles and teams, and by which door he came in.

use std::collections::BTreeSet;
use std::sync::Arc;

use aplomb_model::{Id, Role};

use crate::TokenScope;

#[derive(Debug, Clone)]
pub struct Actor {
    /// [`Id::NIL`] for the system itself
    pub user: Id,
    pub roles: Vec<Arc<Role>>,
    pub teams: Vec<Id>,
    /// users who share a team with him, himself included
    pub mates: Arc<BTreeSet<Id>>,
    pub via: Via,
}

/// How the actor proved who he is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    Session(Id),
    /// an API key: the user's rights cut down to the scopes
    Token {
        id: Id,
        scopes: Vec<TokenScope>,
    },
    /// followers, jobs and the command line next to the data: everything is allowed
    System,
}

impl Actor {
    pub fn system() -> Actor {
        Actor { user: Id::NIL, roles: Vec::new(), teams: Vec::new(), mates: Arc::default(), via: Via::System }
    }

    pub fn is_system(&self) -> bool {
        self.via == Via::System
    }
}
