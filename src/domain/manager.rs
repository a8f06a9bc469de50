//! Managers: the people who may log in, and what their role lets them do.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ManagerId;

/// The longest name of a manager, in characters.
pub const MAX_NAME: usize = 100;
/// The longest e-mail address, in bytes (RFC 5321, 4.5.3.1.3, less the brackets).
pub const MAX_EMAIL: usize = 254;

/// What a manager may do; each role includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads the admin.
    Viewer,
    /// Publishes incidents and sets the status of components.
    Publisher,
    /// Everything.
    Owner,
}

impl Role {
    /// Every role, from least to most.
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Publisher, Role::Owner];

    /// The name that stands in the database and in forms.
    pub fn key(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Publisher => "publisher",
            Role::Owner => "owner",
        }
    }

    /// The role called `key`.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.key() == key)
    }

    /// The word a manager reads.
    pub fn words(self) -> &'static str {
        match self {
            Role::Viewer => "Viewer",
            Role::Publisher => "Publisher",
            Role::Owner => "Owner",
        }
    }
}

/// Somebody who may log in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manager {
    pub id: ManagerId,
    /// Lower case; unique.
    pub email: String,
    pub name: String,
    pub role: Role,
    /// Whether a password is set; an invited manager has none yet.
    pub has_password: bool,
    /// Whether a login at an identity provider belongs to them.
    #[serde(default)]
    pub has_identity: bool,
    /// Since when the manager may not log in, if so.
    pub disabled_at: Option<DateTime<Utc>>,
    pub last_login_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Grows with every change; an edit of an older version is a conflict.
    pub version: i64,
}

impl Manager {
    /// Whether the manager may log in at all.
    pub fn is_active(&self) -> bool {
        self.disabled_at.is_none()
    }

    /// Whether they are active and nothing about them has changed since they were `known`.
    pub fn is_unchanged(&self, known: &Self) -> bool {
        self.is_active() && self.version == known.version
    }

    /// Whether theirs may be the only password that counts: an owner's who can log in with it.
    pub fn can_own_break_glass(&self) -> bool {
        self.role == Role::Owner && self.is_active() && self.has_password
    }

    /// Whether nobody has come to log in as this manager yet.
    pub fn is_invited(&self) -> bool {
        !self.has_password && !self.has_identity
    }
}

/// What a one-time link is for. All are single use and valid for 30 minutes, but invitations for 3 days and new
/// addresses for 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// Creates the first owner.
    Setup,
    /// Lets an invited manager choose a password.
    Invite,
    /// Lets a manager choose a new password.
    Reset,
    /// Confirms a manager's new address.
    Email,
}

impl LinkPurpose {
    /// The name that stands in the database.
    pub fn key(self) -> &'static str {
        match self {
            LinkPurpose::Setup => "setup",
            LinkPurpose::Invite => "invite",
            LinkPurpose::Reset => "reset",
            LinkPurpose::Email => "email",
        }
    }

    /// The purpose called `key`.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Setup, Self::Invite, Self::Reset, Self::Email].into_iter().find(|purpose| purpose.key() == key)
    }
}

/// An address as it is compared: ASCII letters in lower case. Other letters stay as they are, because folding them makes two
/// addresses equal that mail servers tell apart (U+212A, the Kelvin sign, becomes `k`).
pub fn normalize_email(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

/// The e-mail address in `text`, folded. Only its shape is judged: one `@` with something on
/// both sides and no spaces; whether it takes mail is not ours to know.
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
