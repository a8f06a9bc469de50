use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::past_updates::{parse_past_updates, press_row_button};
use super::{
    Fields, InitialUpdate, NextUpdate, NextUpdateForm, PastUpdateForm, parse_body, parse_component_statuses,
    parse_line, parse_lines, parse_required_line,
};
use crate::domain::incident::{MAX_DETECTED_BY, MAX_NOTE, MAX_TITLE};
use crate::domain::parse_time::{parse_local, parse_zone};
use crate::domain::template::PlaceholderValues;
use crate::domain::{
    AffectedComponent, Component, ComponentId, Impact, Incident, IncidentId, Invalid, Phase, Reminder, Status,
    Template, Update, UpdateId, Visibility,
};

#[derive(Clone, Debug, Default)]
pub struct IncidentForm {
    /// The id of the new incident, so that a form submitted twice creates one incident; if invalid, a random one.
    pub id: String,
    pub title: String,
    pub phase: String,
    pub body: String,
    /// The updates of a past incident, instead of `phase` and `body`; empty for an incident that begins now.
    pub past: Vec<PastUpdateForm>,
    pub components: BTreeMap<String, String>,
    pub next_update: NextUpdateForm,
    /// Whether subscribers are notified although the incident is over.
    pub notify_backfill: bool,
    pub details: IncidentDetailsForm,
}

/// The fields of an incident other than its updates.
#[derive(Clone, Debug, Default)]
pub struct IncidentDetailsForm {
    pub title: String,
    /// Empty for the computed impact.
    pub impact: String,
    pub started_at: String,
    pub ended_at: String,
    /// The time zone of the two times.
    pub zone: String,
    pub detected_by: String,
    pub internal_note: String,
    /// A key of [`Visibility`]; empty if the form has no such field.
    pub visibility: String,
    /// The end of the embargo, in `publish_zone`.
    pub publish_at: String,
    pub publish_zone: String,
    /// As in [`Reminder::from_text`]; empty for the default.
    pub reminder: String,
    pub version: i64,
}

#[derive(Clone, Debug)]
pub struct NewIncident {
    /// In order, at least one.
    pub updates: Vec<InitialUpdate>,
    pub components: Vec<(ComponentId, Status)>,
    pub next_update: NextUpdate,
    pub details: IncidentDetails,
}

#[derive(Clone, Debug)]
pub struct IncidentDetails {
    pub title: String,
    pub impact_override: Option<Impact>,
    /// `None` for now.
    pub started_at: Option<DateTime<Utc>>,
    /// `None` for the time of the resolving update.
    pub ended_at: Option<DateTime<Utc>>,
    pub detected_by: Option<String>,
    pub internal_note: Option<String>,
    /// `None` if the form has no such field: a new incident is public, an existing one keeps its visibility.
    pub visibility: Option<Visibility>,
    pub reminder: Reminder,
}

impl IncidentForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            id: fields.text("new_id"),
            title: fields.text("title"),
            phase: fields.text("phase"),
            body: fields.text("body"),
            past: PastUpdateForm::read_all(fields),
            components: fields.components(),
            next_update: NextUpdateForm::read(fields),
            notify_backfill: fields.has("notify_backfill"),
            details: IncidentDetailsForm::read(fields),
        }
    }

    pub fn apply_template(&mut self, template: &Template, meanings: &PlaceholderValues) {
        let (title, body) = template.filled(meanings);
        self.details.title.clone_from(&title);
        (self.title, self.body) = (title, body);
        self.phase = template.phase.key().to_owned();
        self.components = template.statuses();
    }

    /// Turns the form into that of a past incident, whose first update has the status and message so far.
    pub fn begin_past(&mut self) {
        let (phase, body) = (self.phase.clone(), std::mem::take(&mut self.body));
        self.past = vec![PastUpdateForm { phase, body, ..PastUpdateForm::first() }];
    }

    pub fn is_past(&self) -> bool {
        !self.past.is_empty()
    }

    /// Adds or removes an update of a past incident if the button for it was pressed. Returns the index of the update to
    /// continue with.
    pub fn press_row_button(&mut self, fields: &Fields) -> Option<usize> {
        press_row_button(&mut self.past, fields)
    }

    /// The status of the newest update.
    pub fn newest_phase(&mut self) -> &mut String {
        match self.past.last_mut() {
            Some(newest) => &mut newest.phase,
            None => &mut self.phase,
        }
    }

    /// The message of every update.
    pub fn bodies(&self) -> Vec<&str> {
        match self.is_past() {
            true => self.past.iter().map(|row| row.body.as_str()).collect(),
            false => vec![&self.body],
        }
    }

    pub fn parse(&self) -> Result<NewIncident, Invalid> {
        let mut invalid = Invalid::new();
        let components = parse_component_statuses(&self.components, &mut invalid);
        let details = self.details.parse_into(&mut invalid);
        let updates = match self.is_past() {
            true => self.parse_past(details.as_ref(), &mut invalid),
            false => self.parse_first(&mut invalid),
        };
        let phase = Phase::from_key(self.past.last().map_or(&self.phase, |newest| &newest.phase));
        let next_update = parse_next_update(phase, &self.next_update, &mut invalid);
        if phase.is_some_and(Phase::is_open) && !self.details.ended_at.trim().is_empty() {
            invalid.add("ended_at", "Only resolved incidents have an end time.");
        }
        match details {
            Some(details) if invalid.is_empty() => Ok(NewIncident { updates, components, next_update, details }),
            _ => Err(invalid),
        }
    }

    fn parse_first(&self, invalid: &mut Invalid) -> Vec<InitialUpdate> {
        let phase = Phase::from_key(&self.phase).ok_or_else(|| "Choose a status.".to_owned());
        let phase = invalid.take("phase", phase);
        let body = invalid.take("body", parse_body(&self.body));
        phase.zip(body).map(|(phase, body)| InitialUpdate { phase, body, at: None }).into_iter().collect()
    }

    fn parse_past(&self, details: Option<&IncidentDetails>, invalid: &mut Invalid) -> Vec<InitialUpdate> {
        let zone = invalid.take("zone", parse_zone(&self.details.zone));
        parse_past_updates(&self.past, zone, details.and_then(|details| details.started_at), invalid)
    }
}

impl IncidentDetailsForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            title: fields.text("title"),
            impact: fields.text("impact"),
            started_at: fields.text("started_at"),
            ended_at: fields.text("ended_at"),
            zone: fields.text("zone"),
            detected_by: fields.text("detected_by"),
            internal_note: fields.text("internal_note"),
            visibility: fields.text("visibility"),
            publish_at: fields.text("publish_at"),
            publish_zone: fields.text("publish_zone"),
            reminder: fields.text("reminder"),
            version: fields.version(),
        }
    }

    /// Shows the times in `zone`.
    pub fn from_incident(incident: &Incident, zone: Tz) -> Self {
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string();
        Self {
            title: incident.title.clone(),
            impact: incident.impact_override.map_or("", Impact::key).to_owned(),
            started_at: local(incident.started_at),
            ended_at: incident.ended_at.map(local).unwrap_or_default(),
            zone: zone.name().to_owned(),
            detected_by: incident.detected_by.clone().unwrap_or_default(),
            internal_note: incident.internal_note.clone().unwrap_or_default(),
            visibility: incident.visibility.key().to_owned(),
            publish_at: incident.visibility.publish_at().map(local).unwrap_or_default(),
            publish_zone: zone.name().to_owned(),
            reminder: incident.reminder.to_field(),
            version: incident.version,
        }
    }

    pub fn parse(&self) -> Result<IncidentDetails, Invalid> {
        let mut invalid = Invalid::new();
        let details = self.parse_into(&mut invalid);
        match details {
            Some(details) if invalid.is_empty() => Ok(details),
            _ => Err(invalid),
        }
    }

    fn parse_into(&self, invalid: &mut Invalid) -> Option<IncidentDetails> {
        let title = invalid.take("title", parse_required_line(&self.title, MAX_TITLE, "Enter a title."));
        let impact = match self.impact.as_str() {
            "" => Ok(None),
            key => Impact::from_key(key).map(Some).ok_or_else(|| "Choose an impact from the list.".to_owned()),
        };
        let impact_override = invalid.take("impact", impact);
        let started_at = self.parse_time("started_at", &self.started_at, invalid);
        let ended_at = self.parse_time("ended_at", &self.ended_at, invalid);
        if let (Some(start), Some(end)) = (started_at, ended_at)
            && end < start
        {
            invalid.add("ended_at", "The end is before the start.");
        }
        let detected_by = invalid.take("detected_by", parse_line(&self.detected_by, MAX_DETECTED_BY));
        let internal_note = invalid.take("internal_note", parse_lines(&self.internal_note, MAX_NOTE));
        let visibility = self.parse_visibility(invalid);
        let reminder = invalid.take("reminder", parse_reminder(&self.reminder));
        let filled = |text: String| (!text.is_empty()).then_some(text);
        Some(IncidentDetails {
            title: title?,
            impact_override: impact_override?,
            started_at,
            ended_at,
            detected_by: detected_by.and_then(filled),
            internal_note: internal_note.and_then(filled),
            visibility,
            reminder: reminder?,
        })
    }

    fn parse_visibility(&self, invalid: &mut Invalid) -> Option<Visibility> {
        let publish_at = match self.visibility.as_str() {
            "" => return None,
            "embargoed" if self.publish_at.trim().is_empty() => {
                invalid.add("publish_at", "Choose when to publish.");
                return None;
            }
            "embargoed" => {
                let zone = invalid.take("publish_zone", parse_zone(&self.publish_zone))?;
                Some(invalid.take("publish_at", parse_local(&self.publish_at, zone))?)
            }
            _ => None,
        };
        let known = Visibility::from_parts(&self.visibility, publish_at);
        invalid.take("visibility", known.ok_or_else(|| "Choose a visibility.".to_owned()))
    }

    fn parse_time(&self, field: &str, text: &str, invalid: &mut Invalid) -> Option<DateTime<Utc>> {
        if text.trim().is_empty() {
            return None;
        }
        let zone = invalid.take("zone", parse_zone(&self.zone))?;
        invalid.take(field, parse_local(text, zone))
    }
}

impl NewIncident {
    /// Creates the incident with the current names of `components`, which the first update names. A past incident begins
    /// with its first update unless it has a start. Rejects unknown components, future times and an end before the start.
    pub fn open(
        self,
        id: IncidentId,
        fresh_update_id: impl FnMut() -> UpdateId,
        components: &[Component],
        now: DateTime<Utc>,
    ) -> Result<Incident, Invalid> {
        let details = self.details;
        let first_at = self.updates.first().and_then(|first| first.at);
        let started_at = details.started_at.or(first_at).unwrap_or(now);
        let mut invalid = Invalid::new();
        check_times(started_at, details.ended_at, now, &mut invalid);
        for (index, update) in self.updates.iter().enumerate() {
            if update.at.is_some_and(|at| at > now) {
                invalid.add(PastUpdateForm::field(index, "at"), "This time is in the future.");
            }
        }
        let visibility = details.visibility.unwrap_or_default();
        check_embargo(visibility, now, &mut invalid);
        let affected = resolve_components(&self.components, components, &mut invalid);
        let next_update_at = resolve_next_update(self.next_update, now, &mut invalid);
        invalid.check()?;
        let mut incident = Incident {
            id,
            title: details.title,
            computed_impact: Impact::None,
            impact_override: details.impact_override,
            phase: Phase::default(),
            started_at,
            ended_at: details.ended_at,
            detected_by: details.detected_by,
            internal_note: details.internal_note,
            visibility,
            reminder: details.reminder,
            next_update_at,
            postmortem_published_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
            updates: initial_updates(self.updates, affected, fresh_update_id, now),
        };
        incident.recompute();
        Ok(incident)
    }
}

fn initial_updates(
    updates: Vec<InitialUpdate>,
    mut affected: Vec<AffectedComponent>,
    mut fresh_id: impl FnMut() -> UpdateId,
    now: DateTime<Utc>,
) -> Vec<Update> {
    // Each was created a microsecond later than the previous one, so that their order is unambiguous.
    let created = std::iter::successors(Some(now), |at| Some(*at + TimeDelta::microseconds(1)));
    let update = |(update, created_at): (InitialUpdate, DateTime<Utc>)| Update {
        id: fresh_id(),
        phase: update.phase,
        body: update.body,
        posted_at: update.at.unwrap_or(now),
        created_at,
        edited_at: None,
        version: 1,
        components: std::mem::take(&mut affected),
    };
    updates.into_iter().zip(created).map(update).collect()
}

impl IncidentDetails {
    /// Without a start, the old one stays; without an end, the resolving update's time counts. Rejects future times, an
    /// end before the start, and an end of an open incident.
    pub fn apply(self, incident: &mut Incident, now: DateTime<Utc>) -> Result<(), Invalid> {
        let started_at = keep_seconds(self.started_at, Some(incident.started_at)).unwrap_or(incident.started_at);
        let ended_at = keep_seconds(self.ended_at, incident.ended_at);
        let visibility = keep_embargo_seconds(self.visibility, incident.visibility);
        let mut invalid = Invalid::new();
        check_times(started_at, ended_at, now, &mut invalid);
        if visibility != incident.visibility {
            check_embargo(visibility, now, &mut invalid);
        }
        if incident.is_open() && ended_at.is_some() {
            invalid.add("ended_at", "Resolve the incident first.");
        }
        invalid.check()?;
        incident.title = self.title;
        incident.impact_override = self.impact_override;
        incident.started_at = started_at;
        incident.ended_at = ended_at;
        incident.detected_by = self.detected_by;
        incident.internal_note = self.internal_note;
        incident.visibility = visibility;
        incident.reminder = self.reminder;
        incident.recompute();
        Ok(())
    }
}

/// Keeps the seconds of an embargo whose minute was not changed.
fn keep_embargo_seconds(chosen: Option<Visibility>, current: Visibility) -> Visibility {
    match (chosen, current) {
        (None, current) => current,
        (Some(Visibility::Embargoed(at)), Visibility::Embargoed(until)) => {
            Visibility::Embargoed(keep_seconds(Some(at), Some(until)).unwrap_or(at))
        }
        (Some(chosen), _) => chosen,
    }
}

fn check_embargo(visibility: Visibility, now: DateTime<Utc>, invalid: &mut Invalid) {
    if visibility.is_due(now) {
        invalid.add("publish_at", "Choose a time in the future.");
    }
}

/// The promise of an update with this `phase`. A resolving update promises nothing, whatever the field says.
pub(super) fn parse_next_update(phase: Option<Phase>, form: &NextUpdateForm, invalid: &mut Invalid) -> NextUpdate {
    match phase {
        Some(Phase::Resolved) => NextUpdate::None,
        _ => invalid.take("next_update", form.parse()).unwrap_or_default(),
    }
}

pub(super) fn resolve_next_update(
    promise: NextUpdate,
    now: DateTime<Utc>,
    invalid: &mut Invalid,
) -> Option<DateTime<Utc>> {
    invalid.take("next_update", promise.resolve(now).map_err(str::to_owned)).flatten()
}

fn parse_reminder(text: &str) -> Result<Reminder, String> {
    Reminder::from_text(text).ok_or_else(|| "Choose a reminder interval.".to_owned())
}

/// Forms show whole minutes: keeps the stored seconds if the minute was not changed.
pub(super) fn keep_seconds(entered: Option<DateTime<Utc>>, current: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (entered, current) {
        (Some(entered), Some(current)) if entered.timestamp().div_euclid(60) == current.timestamp().div_euclid(60) => {
            Some(current)
        }
        _ => entered,
    }
}

fn check_times(started_at: DateTime<Utc>, ended_at: Option<DateTime<Utc>>, now: DateTime<Utc>, invalid: &mut Invalid) {
    if started_at > now {
        invalid.add("started_at", "The start is in the future.");
    }
    match ended_at {
        Some(end) if end > now => invalid.add("ended_at", "The end is in the future."),
        Some(end) if end < started_at => invalid.add("ended_at", "The end is before the start."),
        _ => {}
    }
}

/// The named components with their current names, in the order of `components`.
pub(super) fn resolve_components(
    named: &[(ComponentId, Status)],
    components: &[Component],
    invalid: &mut Invalid,
) -> Vec<AffectedComponent> {
    let mut affected = Vec::new();
    for (id, status) in named {
        match components.iter().find(|component| component.id == *id) {
            Some(component) => {
                affected.push(AffectedComponent { id: id.clone(), name: component.name.clone(), status: *status });
            }
            None => invalid.add("components", format!("Component {id} was deleted.")),
        }
    }
    affected.sort_by_key(|named| components.iter().position(|component| component.id == named.id));
    affected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> IncidentForm {
        let details =
            IncidentDetailsForm { title: "Mail is late".into(), zone: "Europe/Lisbon".into(), ..Default::default() };
        IncidentForm { phase: "resolved".into(), body: "It was late.".into(), details, ..Default::default() }
    }

    fn open(form: &IncidentForm, now: DateTime<Utc>) -> Result<Incident, Invalid> {
        let id = IncidentId::parse("incident").unwrap();
        let mut ids = (0..).map(|count| UpdateId::parse(&format!("update{count}")).unwrap());
        form.parse()?.open(id, || ids.next().unwrap(), &[], now)
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn all_errors_are_reported_together() {
        let invalid = IncidentForm::default().parse().unwrap_err();
        let fields: Vec<&str> = invalid.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["body", "phase", "title"]);
    }

    #[test]
    fn backfilled_incident_keeps_its_times() {
        let mut form = form();
        form.details.started_at = "2026-07-01T10:00".into();
        form.details.ended_at = "2026-07-01T11:30".into();
        let incident = open(&form, at("2026-07-05T00:00:00Z")).unwrap();
        assert_eq!(incident.started_at, at("2026-07-01T09:00:00Z"));
        assert_eq!(incident.duration(), Some(TimeDelta::minutes(90)));
        assert_eq!(incident.updates[0].posted_at, at("2026-07-05T00:00:00Z"));
    }

    fn past_form() -> IncidentForm {
        let row = |phase: &str, at: &str| PastUpdateForm {
            phase: phase.into(),
            at: format!("2026-07-01T{at}"),
            body: format!("It is {phase}."),
        };
        let past = vec![row("investigating", "10:00"), row("identified", "10:20"), row("resolved", "11:30")];
        IncidentForm { past, ..form() }
    }

    #[test]
    fn updates_of_past_incident_keep_their_times() {
        let now = at("2026-07-05T00:00:00Z");
        let incident = open(&past_form(), now).unwrap();
        let times: Vec<_> = incident.updates.iter().map(|update| update.posted_at).collect();
        assert_eq!(times, ["09:00", "09:20", "10:30"].map(|time| at(&format!("2026-07-01T{time}:00Z"))));
        assert_eq!((incident.started_at, incident.ended_at), (times[0], Some(times[2])));
        assert_eq!((incident.phase, incident.created_at), (Phase::Resolved, now));
        assert!(incident.updates.iter().all(|update| update.created_at >= now));
        assert!(incident.is_backfilled());
    }

    #[test]
    fn past_incident_may_start_earlier_and_still_be_open() {
        let mut form = past_form();
        form.details.started_at = "2026-07-01T09:45".into();
        form.past.pop();
        let incident = open(&form, at("2026-07-05T00:00:00Z")).unwrap();
        assert_eq!((incident.started_at, incident.ended_at), (at("2026-07-01T08:45:00Z"), None));
        assert!(incident.is_open() && !incident.is_backfilled());
        form.details.ended_at = "2026-07-01T12:00".into();
        assert!(form.parse().unwrap_err().get("ended_at").is_some());
    }

    #[test]
    fn update_of_past_incident_is_not_in_future() {
        let invalid = open(&past_form(), at("2026-07-01T10:29:00Z")).unwrap_err();
        let fields: Vec<&str> = invalid.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["update.2.at"]);
        assert!(invalid.get("update.2.at").unwrap().contains("future"));
    }

    #[test]
    fn past_incident_needs_a_zone() {
        let mut form = past_form();
        form.details.zone = "Atlantis".into();
        let invalid = form.parse().unwrap_err();
        let fields: Vec<&str> = invalid.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["zone"], "the times are not wrong");
    }

    #[test]
    fn end_is_after_start_and_not_in_future() {
        let mut form = form();
        form.details.started_at = "2026-07-01T10:00".into();
        form.details.ended_at = "2026-07-01T09:59".into();
        assert!(form.parse().unwrap_err().get("ended_at").is_some());
        form.details.ended_at = "2026-07-09T09:59".into();
        let invalid = open(&form, at("2026-07-05T00:00:00Z")).unwrap_err();
        assert!(invalid.get("ended_at").unwrap().contains("future"));
    }

    #[test]
    fn embargo_ends_in_future_in_its_own_zone() {
        let now = at("2026-07-05T12:00:00Z");
        let mut form = form();
        form.details.visibility = "embargoed".into();
        assert!(form.parse().unwrap_err().get("publish_at").is_some());
        form.details.publish_at = "2026-07-05T14:30".into();
        form.details.publish_zone = "Atlantis".into();
        assert!(form.parse().unwrap_err().get("publish_zone").is_some());
        form.details.publish_zone = "Europe/Berlin".into();
        let incident = open(&form, now).unwrap();
        assert_eq!(incident.visibility, Visibility::Embargoed(at("2026-07-05T12:30:00Z")));
        form.details.publish_at = "2026-07-05T14:00".into();
        assert!(open(&form, now).unwrap_err().get("publish_at").unwrap().contains("in the future"));
    }

    #[test]
    fn visibility_is_unchanged_when_form_omits_it() {
        let now = at("2026-07-05T12:00:00Z");
        let mut form = form();
        assert_eq!(open(&form, now).unwrap().visibility, Visibility::Public);
        form.details.visibility = "internal".into();
        let mut incident = open(&form, now).unwrap();
        form.details.visibility.clear();
        form.details.parse().unwrap().apply(&mut incident, now).unwrap();
        assert_eq!(incident.visibility, Visibility::Internal);
        form.details.visibility = "unlisted".into();
        assert!(form.details.parse().unwrap_err().get("visibility").is_some());
    }

    #[test]
    fn expired_embargo_does_not_block_edits() {
        let until = at("2026-07-05T12:30:59Z");
        let mut incident = open(&form(), at("2026-07-05T12:00:00Z")).unwrap();
        incident.visibility = Visibility::Embargoed(until);
        let details = IncidentDetailsForm::from_incident(&incident, Tz::UTC).parse().unwrap();
        details.apply(&mut incident, at("2026-07-05T13:00:00Z")).unwrap();
        assert_eq!(incident.visibility, Visibility::Embargoed(until));
    }

    #[test]
    fn an_open_incident_has_no_end() {
        let mut form = form();
        form.phase = "identified".into();
        form.details.ended_at = "2026-07-01T10:00".into();
        assert!(form.parse().unwrap_err().get("ended_at").is_some());
    }

    #[test]
    fn first_update_may_promise_the_next_one() {
        let now = at("2026-07-05T12:00:00Z");
        let mut form = form();
        form.next_update.choice = "30".into();
        assert_eq!(open(&form, now).unwrap().next_update_at, None, "it is resolved");
        form.phase = "identified".into();
        assert_eq!(open(&form, now).unwrap().next_update_at, Some(at("2026-07-05T12:30:00Z")));
        form.next_update = NextUpdateForm::from_text(Some("2026-07-05T12:00:00Z"), Tz::UTC);
        assert!(open(&form, now).unwrap_err().get("next_update").unwrap().contains("future"));
    }

    #[test]
    fn unchanged_times_keep_their_seconds() {
        let now = at("2026-07-05T12:34:56Z");
        let mut incident = open(&form(), now).unwrap();
        let zone: Tz = "Asia/Kolkata".parse().unwrap();
        let details = IncidentDetailsForm::from_incident(&incident, zone).parse().unwrap();
        details.apply(&mut incident, now).unwrap();
        assert_eq!((incident.started_at, incident.ended_at), (now, Some(now)));
    }
}
