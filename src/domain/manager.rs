//! Managers, their roles and their one-time links.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ManagerId;

/// In characters.
pub const MAX_NAME: usize = 100;
/// In bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
pub const MAX_EMAIL: usize = 254;

/// Each role includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    /// Publishes incidents and sets component statuses.
    Publisher,
    Owner,
}

impl Role {
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Publisher, Role::Owner];

    pub fn key(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Publisher => "publisher",
            Role::Owner => "owner",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.key() == key)
    }

    pub fn words(self) -> &'static str {
        match self {
            Role::Viewer => "Viewer",
            Role::Publisher => "Publisher",
            Role::Owner => "Owner",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manager {
    pub id: ManagerId,
    /// Lower case, unique.
    pub email: String,
    pub name: String,
    pub role: Role,
    pub has_password: bool,
    /// Whether a login at the identity provider is connected.
    #[serde(default)]
    pub has_identity: bool,
    /// `None` if the manager is active.
    pub disabled_at: Option<DateTime<Utc>>,
    pub last_login_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

impl Manager {
    pub fn is_active(&self) -> bool {
        self.disabled_at.is_none()
    }

    /// Whether the manager is active and unchanged since `known` was read.
    pub fn is_unchanged(&self, known: &Self) -> bool {
        self.is_active() && self.version == known.version
    }

    /// Whether the manager may be the break-glass owner.
    pub fn can_own_break_glass(&self) -> bool {
        self.role == Role::Owner && self.is_active() && self.has_password
    }

    pub fn is_invited(&self) -> bool {
        !self.has_password && !self.has_identity
    }
}

/// One-time links work once. They expire after 30 minutes, invitations after 3 days, e-mail confirmations after 24
/// hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    Setup,
    Invite,
    Reset,
    Email,
}

impl LinkPurpose {
    pub fn key(self) -> &'static str {
        match self {
            LinkPurpose::Setup => "setup",
            LinkPurpose::Invite => "invite",
            LinkPurpose::Reset => "reset",
            LinkPurpose::Email => "email",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Setup, Self::Invite, Self::Reset, Self::Email].into_iter().find(|purpose| purpose.key() == key)
    }
}

/// Lower-cases ASCII only. Folding other letters would make addresses equal that mail servers distinguish (U+212A, the
/// Kelvin sign, becomes `k`).
pub fn normalize_email(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

/// Returns the normalized address. Checks only the shape: one `@` with text on both sides, no spaces.
pub fn parse_email(text: &str) -> Result<String, String> {
    let email = normalize_email(text);
    let shaped =
        email.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
    let clean = email.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>\"(),;:".contains(c));
    if email.is_empty() {
        Err("Enter an e-mail address.".into())
    } else if email.len() > MAX_EMAIL {
        Err(format!("An e-mail address has at most {MAX_EMAIL} bytes."))
    } else if !shaped || !clean {
        Err("Enter a valid e-mail address, like name@example.org.".into())
    } else {
        Ok(email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_includes_all_other_roles() {
        assert!(Role::Owner > Role::Publisher && Role::Publisher > Role::Viewer);
    }

    #[test]
    fn email_is_lowercase_with_one_at_sign() {
        assert_eq!(parse_email(" Ines@Example.ORG ").as_deref(), Ok("ines@example.org"));
        // The Kelvin sign is not the letter k.
        assert_eq!(parse_email("\u{212A}ai@example.org").as_deref(), Ok("\u{212A}ai@example.org"));
        for bad in ["", "ines", "@x", "x@", "a@b@c", "a b@c.d", "<a@b.c>", "a@b.c\r\nBcc: x@y.z"] {
            assert!(parse_email(bad).is_err(), "{bad}");
        }
    }
}
