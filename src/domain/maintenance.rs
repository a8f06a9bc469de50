//! Scheduled maintenance and the rules of its life cycle.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::uptime::StatusInterval;
use super::{
    AffectedComponent, ComponentId, Impact, MaintenanceId, MaintenancePhase, SeriesId, Status, Update, UpdateId,
};

pub const REMIND_BEFORE: TimeDelta = TimeDelta::minutes(60);

pub type MaintenanceUpdate = Update<MaintenancePhase>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Automation {
    /// Post a reminder one hour before the start ([`REMIND_BEFORE`]).
    pub reminds: bool,
    pub starts: bool,
    pub completes: bool,
    /// Set the components to under maintenance between start and end.
    pub marks: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedComponent {
    pub id: ComponentId,
    pub name: String,
}

/// Links a maintenance to its recurring maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    pub series_id: SeriesId,
    /// The start from the rule, in local time of the series' time zone. The maintenance may have been rescheduled
    /// since.
    pub start: NaiveDateTime,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    pub id: MaintenanceId,
    pub title: String,
    /// The phase of the newest update.
    pub phase: MaintenancePhase,
    pub scheduled_for: DateTime<Utc>,
    /// Always after `scheduled_for`.
    pub scheduled_until: DateTime<Utc>,
    /// The time zone in which the times were entered.
    pub zone: Tz,
    /// The actual start.
    pub started_at: Option<DateTime<Utc>>,
    /// The actual end, by completion or cancellation.
    pub ended_at: Option<DateTime<Utc>>,
    pub switches: Automation,
    /// `None` if no reminder is pending.
    pub remind_at: Option<DateTime<Utc>>,
    /// In page order.
    pub components: Vec<PlannedComponent>,
    /// `None` if the maintenance does not recur.
    pub occurrence: Option<Occurrence>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
    /// Set by an API client; [`Maintenance::api_impact`] is what documents show.
    #[serde(default)]
    pub impact_override: Option<Impact>,
    /// Oldest first, never empty.
    pub updates: Vec<MaintenanceUpdate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutomaticStep {
    Remind,
    Begin,
    Complete,
}

impl Maintenance {
    pub fn is_planned(&self) -> bool {
        !self.phase.is_over()
    }

    /// The impact in the API.
    pub fn api_impact(&self) -> Impact {
        self.impact_override.unwrap_or(Impact::Maintenance)
    }

    pub fn newest_update(&self) -> Option<&MaintenanceUpdate> {
        self.updates.last()
    }

    /// The actual start, else the scheduled one.
    pub fn starts_at(&self) -> DateTime<Utc> {
        self.started_at.unwrap_or(self.scheduled_for)
    }

    /// The actual start and end, or the scheduled ones as far as it has not begun or ended. The end is never before the
    /// start.
    pub fn window(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let from = self.starts_at();
        let to = self.started_at.and(self.ended_at).unwrap_or(self.scheduled_until);
        (from, to.max(from))
    }

    /// The current component statuses, each from the newest update that names the component. Empty before the start and
    /// after the end.
    pub fn statuses(&self) -> BTreeMap<ComponentId, Status> {
        let mut statuses = BTreeMap::new();
        if self.phase.is_active() {
            let active = self.updates.iter().filter(|update| update.phase.is_active());
            statuses.extend(active.flat_map(|update| &update.components).map(|named| (named.id.clone(), named.status)));
        }
        statuses
    }

    /// The intervals of maintenance per component. Every non-operational status counts as maintenance: a failure beyond
    /// the plan needs an incident.
    pub fn status_intervals(&self) -> Vec<StatusInterval> {
        let mut effects: Vec<StatusInterval> = Vec::new();
        for update in self.updates.iter().filter(|update| update.phase.is_active()) {
            let at = update.posted_at;
            for named in &update.components {
                let open = effects.iter_mut().find(|effect| effect.component_id == named.id && effect.to.is_none());
                match (open, named.status) {
                    (Some(effect), Status::Operational) => effect.to = Some(at),
                    (Some(_), _) | (None, Status::Operational) => {}
                    (None, _) => effects.push(StatusInterval {
                        component_id: named.id.clone(),
                        incident_id: None,
                        from: at,
                        to: None,
                        status: Status::UnderMaintenance,
                    }),
                }
            }
        }
        for effect in &mut effects {
            effect.to = effect.to.or(self.ended_at);
        }
        effects.retain(|effect| effect.to.is_none_or(|to| to > effect.from));
        effects
    }

    pub fn next_step(&self) -> Option<(DateTime<Utc>, AutomaticStep)> {
        match self.phase {
            MaintenancePhase::Scheduled => {
                let reminder = self.remind_at.map(|at| (at, AutomaticStep::Remind));
                let begin = self.switches.starts.then_some((self.scheduled_for, AutomaticStep::Begin));
                reminder.into_iter().chain(begin).min_by_key(|(at, _)| *at)
            }
            phase if phase.is_active() => {
                self.switches.completes.then_some((self.scheduled_until, AutomaticStep::Complete))
            }
            _ => None,
        }
    }

    /// Takes the next step if it is due. The update is dated at the due time, not `now`. A late reminder is skipped.
    pub fn take_step(&mut self, id: UpdateId, now: DateTime<Utc>) -> Option<AutomaticStep> {
        let (at, step) = self.next_step().filter(|(at, _)| *at <= now)?;
        match step {
            AutomaticStep::Remind => self.remind(id, now),
            AutomaticStep::Begin => self.enter_phase(MaintenancePhase::InProgress, id, at, now),
            AutomaticStep::Complete => self.enter_phase(MaintenancePhase::Completed, id, at, now),
        }
        Some(step)
    }

    fn remind(&mut self, id: UpdateId, now: DateTime<Utc>) {
        self.remind_at = None;
        let minutes = ((self.scheduled_for - now).num_seconds() + 59) / 60;
        if minutes > 0 {
            let body = format!("Maintenance will begin as scheduled in {minutes} minutes.");
            self.push_update(MaintenancePhase::Scheduled, body, Vec::new(), id, now, now);
        }
    }

    /// Fails after the start, or if the window has passed.
    pub fn begin(&mut self, id: UpdateId, now: DateTime<Utc>) -> Result<(), &'static str> {
        match self.phase {
            MaintenancePhase::Scheduled if self.ends_immediately(now) => {
                Err("The window has passed. Reschedule it first.")
            }
            MaintenancePhase::Scheduled => {
                self.enter_phase(MaintenancePhase::InProgress, id, now, now);
                Ok(())
            }
            _ => Err("This maintenance has already started or is over."),
        }
    }

    /// Undoes a start ahead of the schedule. Fails if the start has come, or after further updates.
    pub fn undo_start(&mut self, now: DateTime<Utc>) -> Result<(), &'static str> {
        let active = self.updates.iter().filter(|update| update.phase != MaintenancePhase::Scheduled).count();
        if self.phase != MaintenancePhase::InProgress || active != 1 || self.updates.len() == 1 {
            return Err("This maintenance was changed after its start; the start can't be undone.");
        }
        if self.scheduled_for <= now {
            return Err("Its scheduled start has passed; the start can't be undone.");
        }
        self.updates.pop();
        self.recompute();
        self.plan_reminder(now);
        Ok(())
    }

    /// Whether a start at `now` would complete automatically at once.
    pub fn ends_immediately(&self, now: DateTime<Utc>) -> bool {
        self.switches.completes && self.scheduled_until <= now
    }

    /// Fails unless the maintenance is in progress.
    pub fn complete(&mut self, id: UpdateId, now: DateTime<Utc>) -> Result<(), &'static str> {
        if !self.phase.is_active() {
            return Err("Start the maintenance before completing it.");
        }
        self.enter_phase(MaintenancePhase::Completed, id, now, now);
        Ok(())
    }

    /// Fails if the maintenance is over. `body` is the text of the update.
    pub fn cancel(&mut self, body: String, id: UpdateId, now: DateTime<Utc>) -> Result<(), &'static str> {
        if self.phase.is_over() {
            return Err("This maintenance is already over.");
        }
        let components = self.named_components(Status::Operational);
        self.push_update(MaintenancePhase::Cancelled, body, components, id, now, now);
        Ok(())
    }

    /// Fails unless the maintenance is in progress and `until` is later than the scheduled end and now.
    pub fn extend(
        &mut self,
        until: DateTime<Utc>,
        body: String,
        id: UpdateId,
        now: DateTime<Utc>,
    ) -> Result<(), &'static str> {
        if !self.phase.is_active() {
            return Err("Only maintenance in progress can be extended.");
        }
        if until <= self.scheduled_until || until <= now {
            return Err("The new end must be after the scheduled end and in the future.");
        }
        self.scheduled_until = until;
        self.push_update(self.phase, body, Vec::new(), id, now, now);
        Ok(())
    }

    /// Fails unless the maintenance is scheduled and the window ends after its start.
    pub fn reschedule(
        &mut self,
        window: (DateTime<Utc>, DateTime<Utc>),
        zone: Tz,
        body: String,
        id: UpdateId,
        now: DateTime<Utc>,
    ) -> Result<(), &'static str> {
        if self.phase != MaintenancePhase::Scheduled {
            return Err("It has already started or is over; it can't be rescheduled.");
        }
        if window.1 <= window.0 {
            return Err("The end must be after the start.");
        }
        (self.scheduled_for, self.scheduled_until) = window;
        self.zone = zone;
        self.plan_reminder(now);
        self.push_update(MaintenancePhase::Scheduled, body, Vec::new(), id, now, now);
        Ok(())
    }

    /// Sets or clears the reminder from the start and the automation. There is none if its time has passed.
    pub fn plan_reminder(&mut self, now: DateTime<Utc>) {
        let at = self.scheduled_for - REMIND_BEFORE;
        let wanted = self.switches.reminds && self.phase == MaintenancePhase::Scheduled;
        self.remind_at = (wanted && at > now).then_some(at);
    }

    pub fn named_components(&self, status: Status) -> Vec<AffectedComponent> {
        let named = |it: &PlannedComponent| AffectedComponent { id: it.id.clone(), name: it.name.clone(), status };
        self.components.iter().map(named).collect()
    }

    pub fn default_statuses(&self, phase: MaintenancePhase) -> Vec<AffectedComponent> {
        match phase {
            MaintenancePhase::InProgress if self.switches.marks => self.named_components(Status::UnderMaintenance),
            MaintenancePhase::InProgress | MaintenancePhase::Completed => self.named_components(Status::Operational),
            _ => Vec::new(),
        }
    }

    fn enter_phase(&mut self, phase: MaintenancePhase, id: UpdateId, at: DateTime<Utc>, now: DateTime<Utc>) {
        let components = self.default_statuses(phase);
        self.push_update(phase, phase.default_text().to_owned(), components, id, at, now);
    }

    /// Adds an update at `at`, or at the newest update's time if that is later.
    pub fn push_update(
        &mut self,
        phase: MaintenancePhase,
        body: String,
        components: Vec<AffectedComponent>,
        id: UpdateId,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) {
        let newest = self.newest_update().map_or(at, |update| update.posted_at);
        self.updates.push(Update {
            id,
            phase,
            body,
            posted_at: at.max(newest),
            created_at: now,
            edited_at: None,
            version: 1,
            components,
        });
        self.recompute();
    }

    /// Changes the displayed time of an update. Fails for a time in the future or one that changes the order of
    /// updates.
    pub fn change_time(&mut self, id: &UpdateId, at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), &'static str> {
        super::update::change_update_time(&mut self.updates, id, at, now)?;
        self.recompute();
        Ok(())
    }

    /// Derives phase, start and end from the updates. Call it after every change to them.
    pub fn recompute(&mut self) {
        self.updates.sort_by_key(|update| (update.posted_at, update.created_at));
        self.phase = self.updates.last().map_or(self.phase, |update| update.phase);
        let first = |is_it: fn(MaintenancePhase) -> bool| {
            self.updates.iter().find(|update| is_it(update.phase)).map(|update| update.posted_at)
        };
        let ended = first(MaintenancePhase::is_over);
        // A completed maintenance without a start update began as scheduled.
        let untold = ended.filter(|_| self.phase == MaintenancePhase::Completed).map(|end| end.min(self.scheduled_for));
        self.started_at = first(MaintenancePhase::is_active).or(untold);
        self.ended_at = ended.filter(|_| self.phase.is_over());
        if self.phase != MaintenancePhase::Scheduled {
            self.remind_at = None;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn minute(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn id(text: &str) -> UpdateId {
        UpdateId::parse(text).unwrap()
    }

    /// A maintenance announced one day before the epoch, with start and end in minutes after the epoch and full
    /// automation.
    pub(crate) fn maintenance(from: i64, until: i64, components: &[&str]) -> Maintenance {
        let announced_at = minute(-1440);
        let component = |id: &&str| PlannedComponent { id: ComponentId::parse(id).unwrap(), name: id.to_uppercase() };
        let mut it = Maintenance {
            id: MaintenanceId::parse("maintenance").unwrap(),
            title: "Storage upgrade".into(),
            phase: MaintenancePhase::Scheduled,
            scheduled_for: minute(from),
            scheduled_until: minute(until),
            zone: Tz::UTC,
            started_at: None,
            ended_at: None,
            switches: Automation { reminds: true, starts: true, completes: true, marks: true },
            remind_at: None,
            components: components.iter().map(component).collect(),
            occurrence: None,
            created_at: announced_at,
            updated_at: announced_at,
            version: 1,
            impact_override: None,
            updates: Vec::new(),
        };
        it.push_update(
            MaintenancePhase::Scheduled,
            "Told.".into(),
            it.named_components(Status::Operational),
            id("told"),
            announced_at,
            announced_at,
        );
        it.plan_reminder(announced_at);
        it
    }

    fn steps(it: &mut Maintenance, now: DateTime<Utc>) -> Vec<AutomaticStep> {
        let mut taken = Vec::new();
        while let Some(step) = it.take_step(id(&format!("step{}", taken.len())), now) {
            taken.push(step);
        }
        taken
    }

    #[test]
    fn automatic_steps_happen_exactly_once() {
        let mut it = maintenance(600, 660, &["api"]);
        assert_eq!(it.next_step(), Some((minute(540), AutomaticStep::Remind)));
        assert_eq!(steps(&mut it, minute(540) - TimeDelta::microseconds(1)), []);
        assert_eq!(steps(&mut it, minute(540)), [AutomaticStep::Remind]);
        assert_eq!(it.newest_update().unwrap().body, "Maintenance will begin as scheduled in 60 minutes.");
        assert_eq!(steps(&mut it, minute(600)), [AutomaticStep::Begin]);
        assert_eq!(steps(&mut it, minute(600)), []);
        assert_eq!(it.statuses().into_values().collect::<Vec<_>>(), [Status::UnderMaintenance]);
        assert_eq!(steps(&mut it, minute(660)), [AutomaticStep::Complete]);
        assert_eq!((it.started_at, it.ended_at), (Some(minute(600)), Some(minute(660))));
        assert!(it.statuses().is_empty() && it.next_step().is_none());
    }

    #[test]
    fn missed_steps_are_caught_up_at_their_due_time() {
        let mut it = maintenance(600, 660, &["api"]);
        let late = minute(5000);
        assert_eq!(steps(&mut it, late), [AutomaticStep::Remind, AutomaticStep::Begin, AutomaticStep::Complete]);
        let said: Vec<_> = it.updates.iter().map(|update| (update.phase, update.posted_at)).collect();
        assert_eq!(
            said,
            [
                (MaintenancePhase::Scheduled, minute(-1440)),
                (MaintenancePhase::InProgress, minute(600)),
                (MaintenancePhase::Completed, minute(660)),
            ],
            "a reminder that comes too late is left out"
        );
        assert!(it.updates[1..].iter().all(|update| update.created_at == late));
    }

    #[test]
    fn late_reminder_states_remaining_time() {
        let mut it = maintenance(600, 660, &[]);
        assert_eq!(steps(&mut it, minute(580) + TimeDelta::seconds(10)), [AutomaticStep::Remind]);
        assert!(it.newest_update().unwrap().body.contains("in 20 minutes"));
    }

    #[test]
    fn no_automation_without_settings() {
        let mut it = maintenance(600, 660, &["api"]);
        it.switches = Automation::default();
        it.plan_reminder(minute(0));
        assert_eq!(it.next_step(), None);
        it.begin(id("begun"), minute(601)).unwrap();
        assert_eq!(it.next_step(), None);
        assert_eq!(it.statuses().into_values().collect::<Vec<_>>(), [Status::Operational]);
        assert!(it.status_intervals().is_empty());
    }

    #[test]
    fn maintenance_starts_once_and_before_its_end() {
        let mut it = maintenance(600, 660, &[]);
        assert!(it.begin(id("late"), minute(660)).unwrap_err().contains("Reschedule it"));
        it.begin(id("begun"), minute(590)).unwrap();
        assert!(it.begin(id("again"), minute(591)).is_err());
        assert_eq!(it.started_at, Some(minute(590)));
        assert_eq!(it.window(), (minute(590), minute(660)));
        it.complete(id("done"), minute(630)).unwrap();
        assert_eq!(it.window(), (minute(590), minute(630)));
    }

    #[test]
    fn extended_maintenance_ends_later() {
        let mut it = maintenance(600, 660, &[]);
        assert!(it.extend(minute(700), "More.".into(), id("soon"), minute(0)).is_err());
        it.begin(id("begun"), minute(600)).unwrap();
        assert!(it.extend(minute(660), "More.".into(), id("same"), minute(650)).is_err());
        it.extend(minute(700), "More.".into(), id("more"), minute(650)).unwrap();
        assert_eq!(it.next_step(), Some((minute(700), AutomaticStep::Complete)));
    }

    #[test]
    fn rescheduled_maintenance_reminds_again() {
        let mut it = maintenance(600, 660, &[]);
        steps(&mut it, minute(545));
        it.reschedule((minute(1600), minute(1660)), Tz::UTC, "Moved.".into(), id("moved"), minute(550)).unwrap();
        assert_eq!(it.next_step(), Some((minute(1540), AutomaticStep::Remind)));
        it.reschedule((minute(580), minute(640)), Tz::UTC, "Moved.".into(), id("again"), minute(551)).unwrap();
        assert_eq!(it.next_step(), Some((minute(580), AutomaticStep::Begin)), "the time of the reminder has passed");
        assert!(it.reschedule((minute(9), minute(9)), Tz::UTC, "No.".into(), id("no"), minute(552)).is_err());
    }

    #[test]
    fn cancelled_maintenance_releases_components_and_stops() {
        let mut it = maintenance(600, 660, &["api"]);
        it.begin(id("begun"), minute(600)).unwrap();
        it.cancel("Off.".into(), id("off"), minute(610)).unwrap();
        assert!(it.statuses().is_empty() && it.next_step().is_none());
        assert_eq!(it.status_intervals()[0].to, Some(minute(610)));
        assert!(it.cancel("Off.".into(), id("again"), minute(611)).is_err());
        let mut never = maintenance(600, 660, &["api"]);
        never.cancel("Off.".into(), id("off"), minute(10)).unwrap();
        assert_eq!((never.started_at, never.ended_at), (None, Some(minute(10))));
        assert!(never.status_intervals().is_empty());
        assert_eq!(never.window(), (minute(600), minute(660)), "the planned one");
    }

    #[test]
    fn component_completed_early_is_released() {
        let mut it = maintenance(600, 660, &["api", "db"]);
        it.begin(id("begun"), minute(600)).unwrap();
        let done = vec![AffectedComponent {
            status: Status::Operational,
            ..it.named_components(Status::Operational)[0].clone()
        }];
        it.push_update(MaintenancePhase::Verifying, "API done.".into(), done, id("api"), minute(620), minute(620));
        let spans: Vec<_> = it.status_intervals().iter().map(|e| (e.component_id.to_string(), e.to)).collect();
        assert_eq!(spans, [("api".to_owned(), Some(minute(620))), ("db".to_owned(), None)]);
        it.complete(id("done"), minute(650)).unwrap();
        assert_eq!(it.status_intervals()[1].to, Some(minute(650)));
    }

    #[test]
    fn unposted_start_counts_as_planned_start() {
        let mut it = maintenance(600, 660, &[]);
        it.push_update(MaintenancePhase::Completed, "Over.".into(), Vec::new(), id("over"), minute(655), minute(655));
        assert_eq!((it.started_at, it.ended_at), (Some(minute(600)), Some(minute(655))));
    }
}
