//! Incidents and the rules of their life cycle.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{ComponentId, Impact, IncidentId, Phase, Reminder, Status, Update, Visibility};

/// In characters; Statuspage's limit.
pub const MAX_TITLE: usize = 255;
/// In characters.
pub const MAX_DETECTED_BY: usize = 100;
/// In characters.
pub const MAX_NOTE: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    pub title: String,
    /// Computed from the components of the updates; [`Incident::impact`] is what the page shows.
    pub computed_impact: Impact,
    pub impact_override: Option<Impact>,
    /// The phase of the newest update.
    pub phase: Phase,
    pub started_at: DateTime<Utc>,
    /// Never before `started_at`; `None` while the incident is open.
    pub ended_at: Option<DateTime<Utc>>,
    pub detected_by: Option<String>,
    /// For managers only: never part of a public page, feed or document.
    pub internal_note: Option<String>,
    #[serde(default)]
    pub visibility: Visibility,
    #[serde(default)]
    pub reminder: Reminder,
    /// When the next update is due, as promised in the newest one. `None` if nothing is promised or it is resolved.
    #[serde(default)]
    pub next_update_at: Option<DateTime<Utc>>,
    /// When the postmortem was published; see [`super::Postmortem`].
    #[serde(default)]
    pub postmortem_published_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
    /// Oldest first, never empty.
    pub updates: Vec<Update>,
}

impl Incident {
    /// The worst impact ever reached, as the page shows it.
    pub fn impact(&self) -> Impact {
        self.impact_override.unwrap_or(self.computed_impact)
    }

    /// The impact of an open incident now. It falls when components recover, but an incident that had an impact has at
    /// least a minor one until it is resolved.
    pub fn present_impact(&self) -> Impact {
        match self.impact_override {
            Some(impact) => impact,
            None if self.computed_impact == Impact::None || !self.is_open() => self.computed_impact,
            None => Impact::from_worst(self.statuses().into_values().max().unwrap_or_default()).max(Impact::Minor),
        }
    }

    /// The impact in the API, by Statuspage's rule.
    pub fn api_impact(&self) -> Impact {
        self.impact_override.unwrap_or_else(|| worst_impact(&self.updates, Impact::from_counts))
    }

    pub fn is_open(&self) -> bool {
        self.phase.is_open()
    }

    /// Whether it was entered after it was over: the first update resolves it, or one with a time before the entry does.
    pub fn is_backfilled(&self) -> bool {
        let first_resolved = self.updates.iter().position(|update| !update.phase.is_open());
        first_resolved.is_some_and(|index| index == 0 || self.updates[index].posted_at < self.created_at)
    }

    pub fn duration(&self) -> Option<TimeDelta> {
        self.ended_at.map(|end| end - self.started_at)
    }

    /// How many reminders to post an update are due; 0 once the incident is resolved.
    pub fn reminders_due(&self, now: DateTime<Utc>) -> i64 {
        let silence = self.newest_update().filter(|_| self.is_open()).map(|update| now - update.posted_at);
        silence.map_or(0, |silence| self.reminder.count_due(silence))
    }

    /// Whether the promised update is late.
    pub fn is_update_overdue(&self, now: DateTime<Utc>) -> bool {
        self.next_update_at.is_some_and(|due| due <= now)
    }

    pub fn newest_update(&self) -> Option<&Update> {
        self.updates.last()
    }

    /// Each from the newest update that names the component. Resolving clears all.
    pub fn statuses(&self) -> BTreeMap<ComponentId, Status> {
        let mut statuses = BTreeMap::new();
        for update in &self.updates {
            if update.phase == Phase::Resolved {
                statuses.clear();
            } else {
                statuses.extend(update.components.iter().map(|c| (c.id.clone(), c.status)));
            }
        }
        statuses
    }

    /// The worst status that the incident ever gave a component.
    pub fn worst_status(&self, id: &ComponentId) -> Status {
        let named = self.updates.iter().flat_map(|update| &update.components).filter(|component| component.id == *id);
        named.map(|component| component.status).max().unwrap_or_default()
    }

    /// Every component ever named, in the order of first mention.
    pub fn affected_components(&self) -> Vec<(&ComponentId, &str)> {
        let mut affected: Vec<(&ComponentId, &str)> = Vec::new();
        for component in self.updates.iter().flat_map(|update| &update.components) {
            if !affected.iter().any(|(id, _)| *id == &component.id) {
                affected.push((&component.id, &component.name));
            }
        }
        affected
    }

    /// Deletes the newest update with its promise and returns to the phase before it. Fails for any other update and for the only one.
    pub fn delete_newest_update(&mut self, update: &super::UpdateId) -> Result<(), &'static str> {
        if self.updates.len() == 1 {
            return Err("This is the only update: delete the incident instead.");
        }
        if self.newest_update().is_none_or(|newest| newest.id != *update) {
            return Err("Only the latest update can be deleted.");
        }
        self.updates.pop();
        self.next_update_at = None;
        self.ended_at = None;
        self.recompute();
        Ok(())
    }

    /// Changes the displayed time of an update, and the end if the end was that time. Fails for a time in the future or
    /// one that changes the order of updates.
    pub fn change_time(
        &mut self,
        id: &super::UpdateId,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), &'static str> {
        let stood = self.updates.iter().find(|update| update.id == *id).map(|update| update.posted_at);
        super::update::change_update_time(&mut self.updates, id, at, now)?;
        if self.ended_at == stood && self.newest_update().is_some_and(|newest| newest.id == *id) {
            self.ended_at = None;
        }
        self.recompute();
        Ok(())
    }

    /// Derives phase, impact and end from the updates. Call it after every change to them.
    ///
    /// Updates are sorted by `posted_at`, then by `created_at`. The impact is the worst ever reached and survives
    /// resolving. An end set by a manager stays while the incident is resolved, but is never before the start.
    pub fn recompute(&mut self) {
        self.updates.sort_by(|a, b| (a.posted_at, a.created_at, &a.id).cmp(&(b.posted_at, b.created_at, &b.id)));
        self.computed_impact =
            worst_impact(&self.updates, |now| Impact::from_worst(now.iter().copied().max().unwrap_or_default()));
        self.phase = self.updates.last().map_or(self.phase, |update| update.phase);
        self.ended_at = match self.updates.last() {
            Some(last) if !last.phase.is_open() => Some(self.ended_at.unwrap_or(last.posted_at).max(self.started_at)),
            _ => None,
        };
        if !self.is_open() {
            self.next_update_at = None;
        }
    }
}

/// The worst impact over `updates`, each by `rule`. If the first update is already resolved, the incident was entered retroactively,
/// and the components of that update count.
fn worst_impact(updates: &[Update], rule: fn(&[Status]) -> Impact) -> Impact {
    let mut statuses = BTreeMap::new();
    let mut worst = Impact::None;
    for (index, update) in updates.iter().enumerate() {
        if update.phase == Phase::Resolved && index > 0 {
            statuses.clear();
            continue;
        }
        statuses.extend(update.components.iter().map(|c| (&c.id, c.status)));
        let now: Vec<Status> = statuses.values().copied().collect();
        worst = worst.max(rule(&now));
    }
    worst
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::{AffectedComponent, UpdateId};

    /// An update `minute` minutes after the epoch.
    pub(crate) fn update(minute: i64, phase: Phase, components: &[(&str, Status)]) -> Update {
        let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let affected = |(id, status): &(&str, Status)| AffectedComponent {
            id: ComponentId::parse(id).unwrap(),
            name: id.to_uppercase(),
            status: *status,
        };
        Update {
            id: UpdateId::parse(&format!("update{minute}")).unwrap(),
            phase,
            body: "Text".into(),
            posted_at: at,
            created_at: at,
            edited_at: None,
            version: 1,
            components: components.iter().map(affected).collect(),
        }
    }

    pub(crate) fn incident(updates: Vec<Update>) -> Incident {
        let mut incident = Incident {
            id: IncidentId::parse("incident").unwrap(),
            title: "Title".into(),
            computed_impact: Impact::None,
            impact_override: None,
            phase: Phase::Investigating,
            started_at: DateTime::UNIX_EPOCH,
            ended_at: None,
            detected_by: None,
            internal_note: None,
            visibility: Visibility::Public,
            reminder: Reminder::Usual,
            next_update_at: None,
            postmortem_published_at: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            version: 1,
            updates,
        };
        incident.recompute();
        incident
    }

    #[test]
    fn unnamed_components_keep_their_status() {
        let it = incident(vec![
            update(0, Phase::Investigating, &[("api", Status::MajorOutage), ("db", Status::PartialOutage)]),
            update(5, Phase::Identified, &[("api", Status::DegradedPerformance)]),
        ]);
        let statuses: Vec<Status> = it.statuses().into_values().collect();
        assert_eq!(statuses, [Status::DegradedPerformance, Status::PartialOutage]);
    }

    #[test]
    fn resolving_clears_components_and_reopening_starts_empty() {
        let mut it = incident(vec![
            update(0, Phase::Investigating, &[("api", Status::MajorOutage)]),
            update(5, Phase::Resolved, &[]),
        ]);
        assert!(it.statuses().is_empty());
        assert_eq!(it.duration(), Some(TimeDelta::minutes(5)));
        it.updates.push(update(9, Phase::Investigating, &[("db", Status::PartialOutage)]));
        it.recompute();
        assert!(it.is_open());
        assert_eq!(it.ended_at, None);
        assert_eq!(it.statuses().len(), 1);
    }

    #[test]
    fn impact_is_the_worst_ever_reached_and_survives_resolving() {
        let it = incident(vec![
            update(0, Phase::Investigating, &[("api", Status::DegradedPerformance)]),
            update(1, Phase::Identified, &[("api", Status::MajorOutage)]),
            update(2, Phase::Resolved, &[("api", Status::Operational)]),
        ]);
        assert_eq!(it.impact(), Impact::Critical);
    }

    #[test]
    fn another_component_never_lowers_the_impact() {
        let partial = ("api", Status::PartialOutage);
        for status in Status::ALL {
            let it = incident(vec![update(0, Phase::Identified, &[partial, ("db", status)])]);
            assert!(it.impact() >= Impact::Major, "{status:?}");
        }
        let it = incident(vec![update(0, Phase::Identified, &[partial, ("db", Status::DegradedPerformance)])]);
        assert_eq!((it.impact(), it.api_impact()), (Impact::Major, Impact::Minor), "the API keeps Statuspage's rule");
    }

    #[test]
    fn present_impact_falls_to_minor_until_resolved() {
        let updates = [
            update(0, Phase::Investigating, &[("api", Status::MajorOutage)]),
            update(5, Phase::Identified, &[("api", Status::PartialOutage)]),
            update(9, Phase::Monitoring, &[("api", Status::Operational)]),
            update(12, Phase::Resolved, &[]),
        ];
        let present = |count: usize| incident(updates[..count].to_vec()).present_impact();
        assert_eq!([1, 2, 3, 4].map(present), [Impact::Critical, Impact::Major, Impact::Minor, Impact::Critical]);
        assert_eq!(incident(vec![update(0, Phase::Identified, &[])]).present_impact(), Impact::None);
    }

    #[test]
    fn an_override_wins_over_the_computed_impact() {
        let mut it = incident(vec![update(0, Phase::Identified, &[("api", Status::MajorOutage)])]);
        it.impact_override = Some(Impact::None);
        assert_eq!(it.impact(), Impact::None);
    }

    #[test]
    fn backfilled_impact_comes_from_its_only_update() {
        let it = incident(vec![update(0, Phase::Resolved, &[("api", Status::MajorOutage)])]);
        assert_eq!(it.impact(), Impact::Critical);
        assert!(it.statuses().is_empty());
    }

    #[test]
    fn deleting_the_newest_update_rolls_the_phase_back() {
        let mut it = incident(vec![
            update(0, Phase::Investigating, &[]),
            update(1, Phase::Identified, &[]),
            update(2, Phase::Resolved, &[]),
        ]);
        assert!(it.delete_newest_update(&UpdateId::parse("update1").unwrap()).is_err());
        it.delete_newest_update(&UpdateId::parse("update2").unwrap()).unwrap();
        assert_eq!((it.phase, it.ended_at), (Phase::Identified, None));
        it.delete_newest_update(&UpdateId::parse("update1").unwrap()).unwrap();
        assert!(it.delete_newest_update(&UpdateId::parse("update0").unwrap()).is_err());
    }

    #[test]
    fn reminders_are_counted_from_the_newest_update_while_it_is_open() {
        let mut it = incident(vec![update(0, Phase::Investigating, &[]), update(60, Phase::Identified, &[])]);
        let at = |hours| DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
        assert_eq!((it.reminders_due(at(3)), it.reminders_due(at(4)), it.reminders_due(at(7))), (0, 1, 2));
        it.updates.push(update(70, Phase::Resolved, &[]));
        it.recompute();
        assert_eq!(it.reminders_due(at(100)), 0);
    }

    #[test]
    fn resolving_and_deleting_the_newest_update_end_the_promise() {
        let due = DateTime::UNIX_EPOCH + TimeDelta::minutes(30);
        let mut it = incident(vec![update(0, Phase::Investigating, &[]), update(1, Phase::Identified, &[])]);
        it.next_update_at = Some(due);
        it.recompute();
        assert_eq!(it.next_update_at, Some(due));
        assert!(!it.is_update_overdue(due - TimeDelta::seconds(1)) && it.is_update_overdue(due));
        let mut deleted = it.clone();
        deleted.delete_newest_update(&UpdateId::parse("update1").unwrap()).unwrap();
        assert_eq!(deleted.next_update_at, None);
        it.updates.push(update(2, Phase::Resolved, &[]));
        it.recompute();
        assert_eq!(it.next_update_at, None);
    }

    #[test]
    fn end_is_never_before_start() {
        let mut it = incident(vec![update(3, Phase::Resolved, &[])]);
        it.started_at = DateTime::UNIX_EPOCH + TimeDelta::minutes(10);
        it.recompute();
        assert_eq!(it.ended_at, Some(it.started_at));
    }

    #[test]
    fn affected_components_are_in_first_named_order() {
        let it = incident(vec![
            update(0, Phase::Investigating, &[("web", Status::MajorOutage)]),
            update(1, Phase::Identified, &[("api", Status::MajorOutage), ("web", Status::Operational)]),
        ]);
        let names: Vec<&str> = it.affected_components().into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["WEB", "API"]);
    }
}
