//! What a message says, independent of the channel.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::fit::cut_text;
use super::markup::{Markup, convert_markdown};
use super::{NoticeContent, Subject};
use crate::domain::notice::Event;
use crate::domain::page_status::Tone;
use crate::domain::{AffectedComponent, ComponentId, Impact, Incident, Maintenance, MaintenancePhase, Status, Update};
use crate::format::duration::format_duration;
use crate::format::markdown::without_comments;
use crate::format::time;

/// In components; the page lists the others.
const MAX_COMPONENTS: usize = 100;
/// Of a component's name with its group.
const MAX_NAME: usize = 120;
/// In updates.
const MAX_EARLIER: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One line: the title of the incident or the name of the component.
    pub title: String,
    pub page_title: String,
    /// `Identified`, `Reminder`, `Postmortem`; for a component the words of its status.
    pub phase: String,
    /// When it was posted, in the time zone of the page.
    pub when: String,
    pub at: DateTime<Utc>,
    /// Markdown without comments, which a cut could open; empty for a component.
    pub body: String,
    /// The affected components after the update, with their groups; scheduled maintenance has no statuses.
    pub components: Vec<(String, Option<Status>)>,
    /// The number of affected components that are not in the list.
    pub more_components: usize,
    /// The window of a maintenance.
    pub window: Option<String>,
    /// When the next update is due, if this message promises one.
    pub next_update: Option<String>,
    /// How long the incident lasted, once it is resolved.
    pub duration: Option<String>,
    /// Phase and time of earlier updates, newest first.
    pub earlier: Vec<String>,
    pub link: String,
    /// `View incident`
    pub link_words: &'static str,
    pub tone: Tone,
    /// Whether nothing more is expected: resolved, completed, cancelled.
    pub is_over: bool,
    /// The same for all messages of an incident or maintenance.
    pub thread_key: String,
}

impl Message {
    pub fn new(content: &NoticeContent) -> Self {
        match &content.subject {
            Subject::Incident(incident, _) => incident_message(content, incident),
            Subject::Maintenance(maintenance) => maintenance_message(content, maintenance),
            Subject::Component(component) => {
                let status = content.notice.change.map_or(component.status, |(_, new)| new);
                let named = [(component.id.clone(), component.name.clone(), Some(status))];
                let message = Self {
                    phase: status.words().to_owned(),
                    tone: status.into(),
                    is_over: status == Status::Operational,
                    ..Self::empty(content, &component.name, component.id.as_str())
                };
                message.with_components(content, named)
            }
        }
    }

    fn empty(content: &NoticeContent, title: &str, id: &str) -> Self {
        let at = content.notice.created_at;
        let page_title = single_line(&content.page.title());
        let title = single_line(title);
        Self {
            title: if title.is_empty() { page_title.clone() } else { title },
            page_title,
            phase: String::new(),
            when: time::format_clock_with_zone(at, content.page.time_zone),
            at,
            body: String::new(),
            components: Vec::new(),
            more_components: 0,
            window: None,
            next_update: None,
            duration: None,
            earlier: Vec::new(),
            link: content.permalink(),
            link_words: "View status page",
            tone: Tone::default(),
            is_over: false,
            thread_key: format!("{}-{id}", content.page.id),
        }
    }

    /// `Identified · 22:13 WET`
    pub fn heading(&self) -> String {
        format!("{} · {}", self.phase, self.when)
    }

    /// `API: Partial outage` for each component.
    pub fn component_lines(&self) -> Vec<String> {
        let line = |(name, status): &(String, Option<Status>)| match status {
            Some(status) => format!("{name}: {}", status.words()),
            None => name.clone(),
        };
        let more = (self.more_components > 0).then(|| format!("and {} more", self.more_components));
        self.components.iter().map(line).chain(more).collect()
    }

    /// Lists `all` with their groups, up to a limit.
    fn with_components(
        self,
        content: &NoticeContent,
        all: impl IntoIterator<Item = (ComponentId, String, Option<Status>)>,
    ) -> Self {
        let scene = content.scene();
        let named = |(id, name, status): (ComponentId, String, Option<Status>)| {
            (cut_text(&single_line(&scene.full_name(&id, &name)), MAX_NAME), status)
        };
        let mut components: Vec<_> = all.into_iter().map(named).collect();
        let more_components = components.len().saturating_sub(MAX_COMPONENTS);
        components.truncate(MAX_COMPONENTS);
        Self { components, more_components, ..self }
    }

    /// The window of a maintenance, or the promise or the duration of an incident, with its label.
    pub fn time_lines(&self) -> Vec<String> {
        let window = self.window.iter().map(|words| format!("Scheduled for {words}"));
        let promise = self.next_update.iter().map(|words| format!("Next update due by {words}"));
        window.chain(promise).chain(self.duration.iter().map(|words| format!("Duration: {words}"))).collect()
    }

    /// The fill colour of the status on the page, as RGB. It has the same contrast on light and dark grounds.
    pub fn fill_colour(&self) -> u32 {
        match self.tone {
            Tone::Operational => 0x2a_96_60,
            Tone::Notice => 0x86_8e_89,
            Tone::Maintenance => 0x3f_78_d0,
            Tone::Degraded => 0xb0_7d_00,
            Tone::PartialOutage => 0xd0_5a_0a,
            Tone::MajorOutage => 0xc2_2a_22,
        }
    }

    /// Title, phase and the beginning of the text in one line, for notifications.
    pub fn summary(&self, max: usize) -> String {
        let beginning: String = self.body.chars().take(4 * max).collect();
        let body = single_line(&convert_markdown(&beginning, Markup::Plain));
        let start = if self.phase.is_empty() { self.title.clone() } else { format!("{}: {}", self.title, self.phase) };
        cut_text(&if body.is_empty() { start } else { format!("{start}. {body}") }, max)
    }
}

/// Control characters and line breaks become spaces. Marks that reverse the text after them are left out.
pub fn single_line(text: &str) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let words = text.split(is_break).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    words.replace(|c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'), "").trim().to_owned()
}

fn incident_message(content: &NoticeContent, incident: &Incident) -> Message {
    let zone = content.page.time_zone;
    let empty =
        Message { link_words: "View incident", ..Message::empty(content, &incident.title, incident.id.as_str()) };
    let update_id = content.notice.update_id.as_ref();
    let index = incident.updates.iter().position(|update| Some(&update.id) == update_id);
    let updates = &incident.updates[..index.map_or(incident.updates.len(), |index| index + 1)];
    let Some(update) = updates.last() else { return empty };
    let statuses = statuses_after(updates, |update| !update.phase.is_open());
    let is_over = !update.phase.is_open();
    // The promise is that of the newest update.
    let is_newest = incident.newest_update().is_some_and(|newest| newest.id == update.id);
    let promise = incident.next_update_at.filter(|_| is_newest);
    let message = Message {
        phase: update.phase.words().to_owned(),
        when: format_when(update.posted_at, content.notice.created_at, zone),
        at: update.posted_at,
        body: without_comments(&update.body).into_owned(),
        tone: if is_over { Tone::Operational } else { incident_tone(incident, &statuses) },
        next_update: promise.map(|due| format_when(due, content.notice.created_at, zone)),
        duration: incident.duration().filter(|_| is_over).and_then(format_duration),
        earlier: earlier_updates(updates, |update| update.phase.words(), content),
        is_over,
        ..empty
    }
    .with_components(content, statuses);
    match (&content.subject, content.notice.event) {
        (Subject::Incident(_, Some(postmortem)), Event::PostmortemPublished) => Message {
            phase: "Postmortem".to_owned(),
            when: format_when(postmortem.at, content.notice.created_at, zone),
            at: postmortem.at,
            body: without_comments(&postmortem.body).into_owned(),
            link: format!("{}#postmortem", message.link),
            link_words: "View postmortem",
            earlier: Vec::new(),
            ..message
        },
        _ => message,
    }
}

fn maintenance_message(content: &NoticeContent, it: &Maintenance) -> Message {
    let zone = content.page.time_zone;
    let empty = Message { link_words: "View maintenance", ..Message::empty(content, &it.title, it.id.as_str()) };
    let update_id = content.notice.update_id.as_ref();
    let index = it.updates.iter().position(|update| Some(&update.id) == update_id);
    let updates = &it.updates[..index.map_or(it.updates.len(), |index| index + 1)];
    let Some(update) = updates.last() else { return empty };
    let statuses = statuses_after(updates, |update| update.phase.is_over());
    let has_begun = updates.iter().any(|update| update.phase.is_active());
    let planned = it.components.iter().map(|component| (component.id.clone(), component.name.clone(), None));
    let components = if has_begun { statuses } else { planned.collect() };
    let is_reminder = content.notice.event == Event::MaintenanceReminder;
    Message {
        phase: if is_reminder { "Reminder".to_owned() } else { update.phase.words().to_owned() },
        when: format_when(update.posted_at, content.notice.created_at, zone),
        at: update.posted_at,
        body: without_comments(&update.body).into_owned(),
        window: Some(time::format_window(it.scheduled_for, it.scheduled_until, content.notice.created_at, zone)),
        earlier: earlier_updates(updates, |update| update.phase.words(), content),
        tone: match update.phase {
            MaintenancePhase::Completed => Tone::Operational,
            MaintenancePhase::Cancelled => Tone::Notice,
            _ => Tone::Maintenance,
        },
        is_over: update.phase.is_over(),
        ..empty
    }
    .with_components(content, components)
}

/// `22:13 WET`, with the date if it was not posted on the day of the notice.
fn format_when(at: DateTime<Utc>, notice_at: DateTime<Utc>, zone: Tz) -> String {
    if time::today(at, zone) == time::today(notice_at, zone) {
        time::format_clock_with_zone(at, zone)
    } else {
        time::format_full(at, zone)
    }
}

/// All but the last of `updates`.
fn earlier_updates<P>(
    updates: &[Update<P>],
    words: impl Fn(&Update<P>) -> &'static str,
    content: &NoticeContent,
) -> Vec<String> {
    let when = |update| format_when(update, content.notice.created_at, content.page.time_zone);
    let earlier = updates.iter().rev().skip(1).take(MAX_EARLIER);
    earlier.map(|update| format!("{} {}", words(update), when(update.posted_at))).collect()
}

/// The components that the updates name, each with its last name and status. An update that ends the incident sets
/// those it does not name to operational, except the first update of a retroactive incident.
fn statuses_after<P>(
    updates: &[Update<P>],
    ends: impl Fn(&Update<P>) -> bool,
) -> Vec<(ComponentId, String, Option<Status>)> {
    let mut all: Vec<AffectedComponent> = Vec::new();
    for (index, update) in updates.iter().enumerate() {
        if index > 0 && ends(update) {
            all.iter_mut().for_each(|component| component.status = Status::Operational);
        }
        for named in &update.components {
            match all.iter_mut().find(|component| component.id == named.id) {
                Some(component) => component.clone_from(named),
                None => all.push(named.clone()),
            }
        }
    }
    all.into_iter().map(|component| (component.id, component.name, Some(component.status))).collect()
}

fn incident_tone(incident: &Incident, statuses: &[(ComponentId, String, Option<Status>)]) -> Tone {
    let worst = statuses.iter().filter_map(|(.., status)| *status).max().unwrap_or_default();
    match (incident.impact_override, incident.computed_impact) {
        (Some(impact), _) => impact.into(),
        (None, Impact::None) => Tone::Notice,
        (None, _) => Tone::from(Impact::from_worst(worst).max(Impact::Minor)),
    }
}
