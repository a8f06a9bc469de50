//! API tokens: what a program acts with, in a manager's name and at most with the manager's rights.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ManagerId, Role, TokenId};

/// The longest name of a token, in characters.
pub const MAX_NAME: usize = 100;
/// For how many days a token may be good, and for how many it is where nothing else is chosen.
pub const LIFETIMES: [i64; 4] = [7, 30, 90, 365];
pub const DEFAULT_LIFETIME: i64 = 365;
/// The most tokens of one manager.
pub const MAX_TOKENS: usize = 50;

/// What a token may be used for; each scope includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Read,
    Publish,
    Admin,
}

impl Scope {
    /// Every scope, from least to most.
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Publish, Scope::Admin];

    /// The name that stands in the database, in forms and in the API.
    pub fn key(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Publish => "publish",
            Scope::Admin => "admin",
        }
    }

    /// The scope called `key`.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.key() == key)
    }

    /// The role whose rights it gives.
    pub fn role(self) -> Role {
        match self {
            Scope::Read => Role::Viewer,
            Scope::Publish => Role::Publisher,
            Scope::Admin => Role::Owner,
        }
    }
}

/// A token as it is kept: without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    pub id: TokenId,
    pub manager_id: ManagerId,
    /// The manager's name, for a list of everybody's.
    pub manager_name: String,
    pub name: String,
    pub scope: Scope,
    /// The last four characters of the secret, to know it by.
    pub ending: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// When it was last used, at most a minute behind.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl ApiToken {
    /// Whether a program that holds it may do what asks for `role`, the manager being in `own`.
    pub fn allows(&self, role: Role, own: Role) -> bool {
        self.scope.role() >= role && own >= role
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_limited_by_scope_and_manager_role() {
        let token = |scope| ApiToken {
            id: TokenId::from_random([7; 12]),
            manager_id: ManagerId::from_random([7; 12]),
            manager_name: "Ines".into(),
            name: "Deploy".into(),
            scope,
            ending: "aB3d".into(),
            created_at: DateTime::UNIX_EPOCH,
            expires_at: DateTime::UNIX_EPOCH,
            last_used_at: None,
        };
        assert!(token(Scope::Publish).allows(Role::Publisher, Role::Owner));
        assert!(!token(Scope::Read).allows(Role::Publisher, Role::Owner), "the scope is too small");
        assert!(!token(Scope::Admin).allows(Role::Publisher, Role::Viewer), "the manager's role is");
    }
}
