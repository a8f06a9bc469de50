//! Entries of the audit log: who did what, when, from where, with the values before and after.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::audit_action::{Action, Effect};
use super::{Manager, ManagerId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub manager_id: Option<ManagerId>,
    /// The name at that time, or the source: "shell", "import".
    pub name: String,
    /// The client's IP address, or a word such as "shell" or "server".
    pub address: String,
}

impl Actor {
    pub fn from_manager(manager: &Manager, address: impl ToString) -> Self {
        Self { manager_id: Some(manager.id.clone()), name: manager.name.clone(), address: address.to_string() }
    }

    /// A client without a session.
    pub fn anonymous(address: impl ToString) -> Self {
        Self { manager_id: None, name: "anonymous".into(), address: address.to_string() }
    }

    /// A subscriber, who acts by a signed link. The address stays out of the log, so that it can be erased.
    pub fn subscriber() -> Self {
        Self { manager_id: None, name: "subscriber".into(), address: "link".into() }
    }

    /// The command line on the server.
    pub fn shell() -> Self {
        Self { manager_id: None, name: "shell".into(), address: "shell".into() }
    }

    /// The server's own scheduled work.
    pub fn server() -> Self {
        Self { manager_id: None, name: "Candor".into(), address: "server".into() }
    }
}

/// The newest row of the audit log. Its hash covers every row before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub id: i64,
    /// SHA-256, in hexadecimal.
    pub hash: String,
    pub at: DateTime<Utc>,
}

/// The public digest of the audit log, as of the last full hour. It contains neither the number of rows nor the time of
/// one, because both would reveal when managers work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicDigest {
    /// The full hour; every earlier row is covered.
    pub until: DateTime<Utc>,
    /// SHA-256, in hexadecimal.
    pub hash: String,
}

pub fn start_of_hour(now: DateTime<Utc>) -> DateTime<Utc> {
    now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now)
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub action: Action,
    /// Empty for the page.
    pub subject_id: String,
    /// The title or name at that time.
    pub subject_name: String,
    /// `None` if the action created the subject.
    pub before: Option<Value>,
    /// `None` if the action deleted the subject.
    pub after: Option<Value>,
}

impl Entry {
    pub fn new(action: Action, id: impl ToString, name: impl Into<String>) -> Self {
        Self { action, subject_id: id.to_string(), subject_name: name.into(), before: None, after: None }
    }

    pub fn before(mut self, thing: &impl Serialize) -> Self {
        self.before = serde_json::to_value(thing).ok();
        self
    }

    pub fn after(mut self, thing: &impl Serialize) -> Self {
        self.after = serde_json::to_value(thing).ok();
        self
    }
}

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Increases by one per row; the cursor of the list.
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor: Actor,
    /// The key of an [`Action`]; may be a key of another version.
    pub action: String,
    pub subject_id: String,
    pub subject_name: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub revision: i64,
}

impl Record {
    pub fn is_denial(&self) -> bool {
        Action::from_key(&self.action).is_some_and(|action| action.effect() == Effect::Denied)
    }

    /// Whether visitors may have lost something they could read before. Unknown actions of another version count as
    /// such.
    pub fn may_withdraw(&self) -> bool {
        match Action::from_key(&self.action).map(Action::effect) {
            Some(Effect::Denied | Effect::Private | Effect::Adds) => false,
            Some(Effect::Posts) => !self.preserves_texts(),
            Some(Effect::MayWithdraw) | None => true,
        }
    }

    /// Whether the title and all earlier updates are unchanged.
    fn preserves_texts(&self) -> bool {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return false };
        let updates = |of: &Value| of.get("updates").and_then(Value::as_array).cloned();
        let (Some(old), Some(new)) = (updates(before), updates(after)) else { return false };
        before.get("title") == after.get("title") && old.iter().all(|update| new.contains(update))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(action: &str, before: Option<Value>, after: Option<Value>) -> Record {
        Record {
            id: 1,
            at: DateTime::UNIX_EPOCH,
            actor: Actor::shell(),
            action: action.into(),
            subject_id: String::new(),
            subject_name: String::new(),
            before,
            after,
            revision: 1,
        }
    }

    #[test]
    fn unknown_actions_count_as_withdrawals() {
        for action in ["incident.delete", "incident.edit", "postmortem.withdraw", "page.edit", "whatever.new", ""] {
            assert!(record(action, None, None).may_withdraw(), "{action}");
        }
        for action in ["manager.login", "manager.deny-login", "token.add", "draft.edit", "incident.open"] {
            assert!(!record(action, None, None).may_withdraw(), "{action}");
        }
    }

    #[test]
    fn update_that_edits_older_texts_counts_as_withdrawal() {
        let incident = |title: &str, bodies: &[&str]| {
            let updates: Vec<Value> = bodies.iter().map(|body| json!({ "body": body })).collect();
            Some(json!({ "title": title, "updates": updates }))
        };
        let posts = |before, after| !record("incident.update", before, after).may_withdraw();
        assert!(posts(incident("Mail", &["a"]), incident("Mail", &["a", "b"])));
        assert!(!posts(incident("Mail", &["a"]), incident("Mails", &["a", "b"])));
        assert!(!posts(incident("Mail", &["a"]), incident("Mail", &["A", "b"])));
        assert!(!posts(None, incident("Mail", &["a"])));
    }
}
