//! Parts used by several public pages: incident card, pill, timeline.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::domain::{ComponentId, Incident, Phase, Status, Update};
use crate::format::duration;
use crate::format::markdown;
use crate::format::time;
use crate::ui::icon::Icon;
use crate::ui::pill::pill;
use crate::ui::time::Time;

/// How much of the timeline a card shows at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineFold {
    Never,
    Open,
    Closed,
    /// The newest update is shown, the others fold.
    Older,
}

#[component]
pub fn IncidentCard(incident: Incident, fold: TimelineFold, zone: Tz, now: DateTime<Utc>) -> AnyView {
    let times = TimelineTimes::of_incident(&incident, now, zone);
    let timeline = folded_timeline(&incident.updates, Phase::words, times, fold);
    view! {
        <article class=format!("card {}", state_class(&incident)) id=incident_anchor(&incident)>
            <div class="head">
                <h3 dir="auto"><a href=incident_href(&incident)>{incident.title.clone()}</a></h3>
                {incident_pill(&incident, now)}
            </div>
            {incident_facts(&incident, now, zone)}
            {timeline}
            {incident.is_open().then(|| card_foot(&incident, now, zone))}
        </article>
    }
    .into_any()
}

/// `Identified · 55 min`, or `Resolved`. Its tone is the incident's; once every component has recovered, blue.
pub fn incident_pill(incident: &Incident, now: DateTime<Utc>) -> AnyView {
    let has_recovered = incident.phase == Phase::Monitoring
        && !incident.affected_components().is_empty()
        && incident.statuses().into_values().all(|status| status == Status::Operational);
    let class = if has_recovered { "planned".to_owned() } else { state_class(incident) };
    let icon = Icon::from(incident.phase);
    if !incident.is_open() {
        return pill(&class, icon, incident.phase.words());
    }
    let words = view! { {incident.phase.words()}" · "{elapsed_time(incident.started_at, now, "")} };
    pill(&class, icon, words)
}

/// The time since `at`, which the script of the page lets grow.
pub fn elapsed_time(at: DateTime<Utc>, now: DateTime<Utc>, suffix: &str) -> AnyView {
    let words = match duration::spell_duration(now - at) {
        Some(words) if now - at >= TimeDelta::minutes(1) => format!("{words}{suffix}"),
        _ => "just now".to_owned(),
    };
    let stamp = at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    view! { <time class="ago" datetime=stamp>{words}</time> }.into_any()
}

/// What is affected and how badly, and since when.
fn incident_facts(incident: &Incident, now: DateTime<Utc>, zone: Tz) -> AnyView {
    let statuses = incident.statuses();
    let mut affected = incident.affected_components();
    affected.sort_by_key(|(id, _)| std::cmp::Reverse(statuses.get(*id).copied()));
    let component = |(id, name): (&ComponentId, &str)| {
        let status = statuses.get(id).copied().unwrap_or_default();
        let class = format!("state status-{}", status.key());
        view! {
            <li class=class>
                {Icon::from(status).view()}
                <span><bdi>{name.to_owned()}</bdi>": "{status.words().to_lowercase()}</span>
            </li>
        }
        .into_any()
    };
    let affected = if incident.is_open() {
        affected.into_iter().map(component).collect_view().into_any()
    } else {
        affected_names(incident).map(|names| view! { <li dir="auto">{names}</li> }).into_any()
    };
    let time = match incident.ended_at {
        None => {
            let words = short_time(incident.started_at, now, zone);
            view! { <li>"Started "<Time at=incident.started_at words=words /></li> }
        }
        ended_at => {
            let words = time::format_span(incident.started_at, ended_at, zone);
            view! { <li>{""}<Time at=incident.started_at words=words /></li> }
        }
    };
    view! { <ul class="facts">{affected}{time}</ul> }.into_any()
}

fn card_foot(incident: &Incident, now: DateTime<Utc>, zone: Tz) -> AnyView {
    let next =
        next_update(incident, now, zone).map(|words| view! { <p>{Icon::Scheduled.view()}<span>{words}</span></p> });
    view! { <div class="foot">{next}{subscribe_link(incident)}</div> }.into_any()
}

/// `Next update due by 22:45 WET`, or `Update was due at 22:45 WET` once that time has passed.
pub fn next_update(incident: &Incident, now: DateTime<Utc>, zone: Tz) -> Option<AnyView> {
    let due = incident.next_update_at.filter(|_| incident.is_open())?;
    let time = view! { <Time at=due words=short_time(due, now, zone) /> };
    Some(if due <= now {
        view! { <span class="due status-degraded_performance">"Update was due at "<b>{time}</b></span> }.into_any()
    } else {
        view! { "Next update due by "<b>{time}</b> }.into_any()
    })
}

/// To the form that subscribes to one incident.
pub fn subscribe_link(incident: &Incident) -> AnyView {
    let href = format!("/subscribe?incident={}", incident.id);
    view! { <a class="btn" href=href>{Icon::Bell.view()}"Get updates on this incident"</a> }.into_any()
}

/// How the times of a timeline are written.
#[derive(Clone, Copy, Debug)]
pub struct TimelineTimes {
    pub now: DateTime<Utc>,
    pub zone: Tz,
    /// Whether the newest update shows its age.
    pub shows_age: bool,
}

impl TimelineTimes {
    fn of_incident(incident: &Incident, now: DateTime<Utc>, zone: Tz) -> Self {
        Self { now, zone, shows_age: incident.is_open() }
    }

    /// Without a date if the update above, or for the newest one now, is of the same day.
    fn words(self, at: DateTime<Utc>, above: DateTime<Utc>) -> String {
        if time::today(at, self.zone) == time::today(above, self.zone) {
            time::format_clock(at, self.zone)
        } else if time::same_year(at, self.now, self.zone) {
            format!("{}, {}", at.with_timezone(&self.zone).format("%-d %b"), time::format_clock(at, self.zone))
        } else {
            format!("{}, {}", time::format_day(at, self.zone), time::format_clock(at, self.zone))
        }
    }
}

/// For incidents and maintenances; `words` returns the label of a phase.
pub fn timeline<P: Copy>(updates: &[Update<P>], words: fn(P) -> &'static str, times: TimelineTimes) -> AnyView {
    timeline_part(updates, words, times, times.now)
}

/// `above` is the time of the update above the newest of `updates`.
fn timeline_part<P: Copy>(
    updates: &[Update<P>],
    words: fn(P) -> &'static str,
    times: TimelineTimes,
    above: DateTime<Utc>,
) -> AnyView {
    let newer = std::iter::once(above).chain(updates.iter().rev().map(|update| update.posted_at));
    let items = updates.iter().rev().zip(newer).enumerate();
    let items = items.map(|(place, (update, above))| {
        let is_newest = place == 0 && above == times.now;
        timeline_item(update, words(update.phase), times, (above, is_newest && times.shows_age))
    });
    view! { <ol class="timeline">{items.collect_view()}</ol> }.into_any()
}

/// A timeline of which `fold` hides a part until asked for.
pub fn folded_timeline<P: Copy>(
    updates: &[Update<P>],
    words: fn(P) -> &'static str,
    times: TimelineTimes,
    fold: TimelineFold,
) -> AnyView {
    let count = updates.len();
    match (fold, updates.split_last()) {
        (TimelineFold::Open | TimelineFold::Closed, _) => {
            let summary = format!("Show {}", count_words(count as i64, "update"));
            let all = timeline(updates, words, times);
            view! { <details open=fold == TimelineFold::Open><summary>{summary}</summary>{all}</details> }.into_any()
        }
        (TimelineFold::Older, Some((newest, older))) if !older.is_empty() => {
            let summary = format!("Show {}", count_words(older.len() as i64, "earlier update"));
            let first = timeline(std::slice::from_ref(newest), words, times);
            let rest = timeline_part(older, words, times, newest.posted_at);
            view! { {first}<details><summary>{summary}</summary>{rest}</details> }.into_any()
        }
        _ => timeline(updates, words, times),
    }
}

fn timeline_item<P>(
    update: &Update<P>,
    phase: &'static str,
    times: TimelineTimes,
    (above, shows_age): (DateTime<Utc>, bool),
) -> AnyView {
    let edited = update.edited_at.map(|at| {
        view! { <span class="edited">"edited "<Time at=at words=times.words(at, update.posted_at) /></span> }
    });
    let age = shows_age.then(|| {
        view! { <span class="edited">"· "{elapsed_time(update.posted_at, times.now, " ago")}</span> }
    });
    view! {
        <li>
            <p class="said">
                <strong>{phase}</strong>
                " "
                <Time at=update.posted_at words=times.words(update.posted_at, above) />
                " "
                {age}
                {edited}
            </p>
            <div class="text" dir="auto" inner_html=markdown::render_markdown(&update.body)></div>
        </li>
    }
    .into_any()
}

/// `14:05 UTC` today, `7 Oct, 14:05 UTC` this year, otherwise with the year.
pub fn short_time(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    if time::today(at, zone) == time::today(now, zone) {
        time::format_clock_with_zone(at, zone)
    } else {
        dated_time(at, now, zone)
    }
}

/// `7 Oct, 14:05 UTC` this year, otherwise with the year.
fn dated_time(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    if time::same_year(at, now, zone) {
        format!("{}, {}", at.with_timezone(&zone).format("%-d %b"), time::format_clock_with_zone(at, zone))
    } else {
        time::format_full(at, zone)
    }
}

/// All components ever named, separated by commas.
pub fn affected_names(incident: &Incident) -> Option<String> {
    let names: Vec<&str> = incident.affected_components().into_iter().map(|(_, name)| name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The style class: green once resolved, whatever the impact was.
pub fn state_class(incident: &Incident) -> String {
    if incident.is_open() { format!("impact-{}", incident.present_impact().key()) } else { "resolved".to_owned() }
}

pub fn incident_href(incident: &Incident) -> String {
    format!("/incidents/{}", incident.id)
}

pub fn incident_anchor(incident: &Incident) -> String {
    format!("incident-{}", incident.id)
}

/// `1 update`, `3 updates`
pub fn count_words(n: i64, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures;

    #[test]
    fn timeline_names_a_day_once() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let times = TimelineTimes { now: at("2026-11-23T14:32:00Z"), zone: Tz::UTC, shows_age: true };
        let words = |at_text, above| times.words(at(at_text), at(above));
        assert_eq!(words("2026-11-23T13:05:00Z", "2026-11-23T14:32:00Z"), "13:05");
        assert_eq!(words("2026-11-22T23:50:00Z", "2026-11-23T00:10:00Z"), "22 Nov, 23:50");
        assert_eq!(words("2026-11-22T22:50:00Z", "2026-11-22T23:50:00Z"), "22:50");
        assert_eq!(words("2025-11-22T22:50:00Z", "2026-11-22T23:50:00Z"), "22 Nov 2025, 22:50");
    }

    #[test]
    fn overdue_promise_is_stated() {
        let mut incident = fixtures::delayed();
        incident.next_update_at = Some(fixtures::at("2026-11-23T14:45:00Z"));
        let words =
            |now: &str| crate::ui::render_fragment(|| next_update(&incident, fixtures::at(now), Tz::UTC).unwrap());
        assert!(words("2026-11-23T14:44:59Z").starts_with("Next update due by <b><time"));
        let late = words("2026-11-23T14:45:00Z");
        assert!(late.contains("status-degraded_performance") && late.contains("Update was due at <b><time"), "{late}");
        incident.phase = Phase::Resolved;
        assert!(next_update(&incident, fixtures::now(), Tz::UTC).is_none());
    }

    #[test]
    fn times_omit_redundant_parts() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-11-23T14:32:00Z");
        assert_eq!(short_time(at("2026-11-23T13:05:00Z"), now, Tz::UTC), "13:05 UTC");
        assert_eq!(short_time(at("2026-11-22T13:05:00Z"), now, Tz::UTC), "22 Nov, 13:05 UTC");
        assert_eq!(short_time(at("2025-11-22T13:05:00Z"), now, Tz::UTC), "22 Nov 2025, 13:05 UTC");
    }
}
