//! The audit: who did what, when, from where, with what before and after.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::audit_action::{Action, Effect};
use super::{Manager, ManagerId};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The manager, where one is logged in.
    pub manager_id: Option<ManagerId>,
    /// The name at this time, or what acted: "shell", "import".
    pub name: String,
    /// The address of the client, or "shell".
    pub address: String,
}

impl Actor {
    /// The manager, acting from `address`.
    pub fn from_manager(manager: &Manager, address: impl ToString) -> Self {
        Self { manager_id: Some(manager.id.clone()), name: manager.name.clone(), address: address.to_string() }
    }

    /// Somebody at `address` who has not shown who they are.
    pub fn anonymous(address: impl ToString) -> Self {
        Self { manager_id: None, name: "nobody".into(), address: address.to_string() }
    }

    /// Whoever sits at the server's own shell.
    pub fn shell() -> Self {
        Self { manager_id: None, name: "shell".into(), address: "shell".into() }
    }

    /// The server itself, doing what was planned.
    pub fn server() -> Self {
        Self { manager_id: None, name: "Candor".into(), address: "server".into() }
    }
}

/// The newest row of the audit with its hash, in which every row before it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub id: i64,
    /// SHA-256, in hexadecimal.
    pub hash: String,
    pub at: DateTime<Utc>,
}

/// What anybody may know of the audit: its digest as of the last full hour. Neither the number of rows nor the time of one
/// is in it, because both would say when managers work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicDigest {
    /// The full hour; every row before it counts.
    pub until: DateTime<Utc>,
    /// SHA-256, in hexadecimal.
    pub hash: String,
}

/// The last full hour at `now`.
pub fn start_of_hour(now: DateTime<Utc>) -> DateTime<Utc> {
    now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now)
}

/// What was done to what.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub action: Action,
    /// The id of the thing, empty for the page itself.
    pub subject_id: String,
    /// Its title or name at this time.
    pub subject_name: String,
    /// The thing before; nothing where it was made.
    pub before: Option<Value>,
    /// The thing after; nothing where it is gone.
    pub after: Option<Value>,
}

impl Entry {
    /// An entry for the thing `id`, called `name`.
    pub fn new(action: Action, id: impl ToString, name: impl Into<String>) -> Self {
        Self { action, subject_id: id.to_string(), subject_name: name.into(), before: None, after: None }
    }

    /// With the thing as it was.
    pub fn before(mut self, thing: &impl Serialize) -> Self {
        self.before = serde_json::to_value(thing).ok();
        self
    }

    /// With the thing as it is.
    pub fn after(mut self, thing: &impl Serialize) -> Self {
        self.after = serde_json::to_value(thing).ok();
        self
    }
}

/// A row of the audit as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Grows by one; the cursor of the list.
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor: Actor,
    /// The key of an [`Action`], or of one that another version knows.
    pub action: String,
    pub subject_id: String,
    pub subject_name: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
    /// The revision this change made.
    pub revision: i64,
}

impl Record {
    /// Whether an attempt was denied, which changed nothing.
    pub fn is_denial(&self) -> bool {
        Action::from_key(&self.action).is_some_and(|action| action.effect() == Effect::Denied)
    }

    /// Whether visitors may have lost something they could read before. An action of another version counts as one.
    pub fn may_withdraw(&self) -> bool {
        match Action::from_key(&self.action).map(Action::effect) {
            Some(Effect::Denied | Effect::Private | Effect::Adds) => false,
            Some(Effect::Posts) => !self.preserves_texts(),
            Some(Effect::MayWithdraw) | None => true,
        }
    }

    /// Whether the title and every update from before are there afterwards, unchanged.
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
