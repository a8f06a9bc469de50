//! A notice: what one publishing tells subscribers. It becomes one message for each subscriber that it matches.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ComponentId, Incident, Maintenance, MaintenancePhase, NoticeId, Status, UpdateId, Visibility};

/// The events that subscribers are notified of. An edit of an earlier text is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    IncidentOpened,
    IncidentUpdated,
    IncidentResolved,
    PostmortemPublished,
    MaintenanceScheduled,
    MaintenanceReminder,
    MaintenanceStarted,
    MaintenanceUpdated,
    MaintenanceCompleted,
    MaintenanceCancelled,
    /// For webhooks only, as at Statuspage.
    ComponentUpdated,
}

impl Event {
    pub const ALL: [Self; 11] = [
        Self::IncidentOpened,
        Self::IncidentUpdated,
        Self::IncidentResolved,
        Self::PostmortemPublished,
        Self::MaintenanceScheduled,
        Self::MaintenanceReminder,
        Self::MaintenanceStarted,
        Self::MaintenanceUpdated,
        Self::MaintenanceCompleted,
        Self::MaintenanceCancelled,
        Self::ComponentUpdated,
    ];

    /// What a change to an incident tells; `None` for an edit of what was told, and for what visitors can't see.
    pub fn of_incident(before: Option<&Incident>, after: &Incident) -> Option<Self> {
        if after.visibility != Visibility::Public {
            return None;
        }
        let before = before.filter(|before| before.visibility == Visibility::Public);
        let newest = |incident: &Incident| incident.newest_update().map(|update| update.id.clone());
        match before {
            Some(before) if newest(before) == newest(after) || after.updates.len() <= before.updates.len() => None,
            _ if !after.is_open() => Some(Self::IncidentResolved),
            // A reopened incident notifies like a new one.
            Some(before) if before.is_open() => Some(Self::IncidentUpdated),
            _ => Some(Self::IncidentOpened),
        }
    }

    /// What a change to a maintenance tells. What was recorded when it was over is not told.
    pub fn of_maintenance(before: Option<&Maintenance>, after: &Maintenance) -> Option<Self> {
        let Some(before) = before else {
            return match after.phase {
                MaintenancePhase::Scheduled => Some(Self::MaintenanceScheduled),
                MaintenancePhase::InProgress | MaintenancePhase::Verifying => Some(Self::MaintenanceStarted),
                MaintenancePhase::Completed | MaintenancePhase::Cancelled => None,
            };
        };
        if after.updates.len() <= before.updates.len() {
            return None;
        }
        let reminds = before.remind_at.is_some() && after.remind_at.is_none();
        Some(match after.phase {
            phase if phase == before.phase && phase == MaintenancePhase::Scheduled && reminds => {
                Self::MaintenanceReminder
            }
            phase if phase == before.phase => Self::MaintenanceUpdated,
            MaintenancePhase::InProgress => Self::MaintenanceStarted,
            MaintenancePhase::Completed => Self::MaintenanceCompleted,
            MaintenancePhase::Cancelled => Self::MaintenanceCancelled,
            MaintenancePhase::Scheduled | MaintenancePhase::Verifying => Self::MaintenanceUpdated,
        })
    }

    /// In the form of Standard Webhooks: `incident.resolved`.
    pub fn key(self) -> &'static str {
        match self {
            Self::IncidentOpened => "incident.opened",
            Self::IncidentUpdated => "incident.updated",
            Self::IncidentResolved => "incident.resolved",
            Self::PostmortemPublished => "incident.postmortem",
            Self::MaintenanceScheduled => "maintenance.scheduled",
            Self::MaintenanceReminder => "maintenance.reminder",
            Self::MaintenanceStarted => "maintenance.started",
            Self::MaintenanceUpdated => "maintenance.updated",
            Self::MaintenanceCompleted => "maintenance.completed",
            Self::MaintenanceCancelled => "maintenance.cancelled",
            Self::ComponentUpdated => "component.updated",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::IncidentOpened => "New incident",
            Self::IncidentUpdated => "Update",
            Self::IncidentResolved => "Resolved",
            Self::PostmortemPublished => "Postmortem",
            Self::MaintenanceScheduled => "Maintenance scheduled",
            Self::MaintenanceReminder => "Maintenance reminder",
            Self::MaintenanceStarted => "Maintenance started",
            Self::MaintenanceUpdated => "Maintenance update",
            Self::MaintenanceCompleted => "Maintenance completed",
            Self::MaintenanceCancelled => "Maintenance cancelled",
            Self::ComponentUpdated => "Component status",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.key() == key)
    }

    pub fn is_of_incident(self) -> bool {
        matches!(
            self,
            Self::IncidentOpened | Self::IncidentUpdated | Self::IncidentResolved | Self::PostmortemPublished
        )
    }

    pub fn is_of_maintenance(self) -> bool {
        !self.is_of_incident() && self != Self::ComponentUpdated
    }

    /// Whether a newer notice of the same incident or maintenance may replace it before it is sent.
    pub fn is_replaceable(self) -> bool {
        matches!(
            self,
            Self::IncidentOpened
                | Self::IncidentUpdated
                | Self::MaintenanceScheduled
                | Self::MaintenanceReminder
                | Self::MaintenanceStarted
                | Self::MaintenanceUpdated
        )
    }

    /// Whether subscribers who asked for the first and the last word of an incident get it.
    pub fn opens_or_resolves(self) -> bool {
        matches!(self, Self::IncidentOpened | Self::IncidentResolved)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub id: NoticeId,
    pub event: Event,
    /// The id of the incident, the maintenance or, for [`Event::ComponentUpdated`], the component.
    pub subject_id: String,
    /// The update that the messages show, if there is one.
    pub update_id: Option<UpdateId>,
    /// The affected components: whose subscribers are notified.
    pub components: Vec<ComponentId>,
    /// For [`Event::ComponentUpdated`]: the status before and after.
    pub change: Option<(Status, Status)>,
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_word_of_an_incident_is_never_replaced() {
        for event in [Event::IncidentResolved, Event::MaintenanceCompleted, Event::MaintenanceCancelled] {
            assert!(!event.is_replaceable());
        }
    }

    #[test]
    fn keys_lead_back_to_their_events() {
        assert!(Event::ALL.into_iter().all(|event| Event::from_key(event.key()) == Some(event)));
    }
}
