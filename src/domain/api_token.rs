//! API tokens. A token acts in a manager's name, with at most the manager's rights.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ManagerId, Role, TokenId};

/// In characters.
pub const MAX_NAME: usize = 100;
/// The lifetimes on offer, in days.
pub const LIFETIMES: [i64; 4] = [7, 30, 90, 365];
pub const DEFAULT_LIFETIME: i64 = 365;
pub const MAX_TOKENS: usize = 50;

/// What a token may do; each scope includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Read,
    Publish,
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Publish, Scope::Admin];

    pub fn key(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Publish => "publish",
            Scope::Admin => "admin",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.key() == key)
    }

    /// The role whose rights the scope grants.
    pub fn role(self) -> Role {
        match self {
            Scope::Read => Role::Viewer,
            Scope::Publish => Role::Publisher,
            Scope::Admin => Role::Owner,
        }
    }
}

/// A stored token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    pub id: TokenId,
    pub manager_id: ManagerId,
    pub manager_name: String,
    pub name: String,
    pub scope: Scope,
    /// The last four characters of the secret, to recognize the token.
    pub ending: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// Updated at most once a minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl ApiToken {
    /// Whether the token may do what requires `role`, when its manager has the role `own`.
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
