//! Parts used by several public pages: incident card, facts, timeline.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::domain::{Impact, Incident, Phase, Update};
use crate::format::duration;
use crate::format::markdown;
use crate::format::time;
use crate::ui::time::Time;

/// Whether the timeline of a card can be folded, and its initial state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineFold {
    Never,
    Open,
    Closed,
}

#[component]
pub fn IncidentCard(incident: Incident, fold: TimelineFold, zone: Tz, now: DateTime<Utc>) -> AnyView {
    let timeline = incident_timeline(&incident, zone, now);
    let timeline = match fold {
        TimelineFold::Never => timeline,
        _ => {
            let summary = format!("Show {}", count_words(incident.updates.len() as i64, "update"));
            view! { <details open=fold == TimelineFold::Open><summary>{summary}</summary>{timeline}</details> }
                .into_any()
        }
    };
    view! {
        <article class=format!("card {}", state_class(&incident)) id=incident_anchor(&incident)>
            <div class="head">
                <h3 dir="auto"><a href=incident_href(&incident)>{incident.title.clone()}</a></h3>
                <p class="chip">{state_words(&incident, now)}</p>
            </div>
            <Facts incident=incident.clone() words=incident_span(&incident, now, zone) />
            {timeline}
            {incident.is_open().then(|| view! { <p class="back">{subscribe_link(&incident)}</p> })}
        </article>
    }
    .into_any()
}

/// To the form that subscribes to one incident.
pub fn subscribe_link(incident: &Incident) -> AnyView {
    let href = format!("/subscribe?incident={}", incident.id);
    view! { <a href=href>"Get updates on this incident"</a> }.into_any()
}

/// When (`words`), how long, the severity once resolved, affected components, detection.
#[component]
pub fn Facts(incident: Incident, words: String) -> AnyView {
    let lasted = incident.duration().and_then(duration::format_duration).map(|words| view! { <li>{words}</li> });
    // While the incident is open, its chip says it.
    let severity = (!incident.is_open() && incident.impact() != Impact::None)
        .then(|| view! { <li>{incident.impact().words().to_lowercase()}</li> });
    let afterwards = incident.is_backfilled().then(|| view! { <li>"added retroactively"</li> });
    let affected = affected_names(&incident).map(|names| view! { <li dir="auto">{names}</li> });
    let detected = incident.detected_by.clone().map(|who| view! { <li>"detected by "<bdi>{who}</bdi></li> });
    let reviewed = incident.postmortem_published_at.map(|_| {
        view! { <li><a href=format!("{}#postmortem", incident_href(&incident))>"postmortem"</a></li> }
    });
    view! {
        <ul class="facts">
            <li><Time at=incident.started_at words=words /></li>
            {lasted}{severity}{afterwards}{affected}{detected}{reviewed}
        </ul>
    }
    .into_any()
}

/// Newest update first.
pub fn incident_timeline(incident: &Incident, zone: Tz, now: DateTime<Utc>) -> AnyView {
    timeline(&incident.updates, Phase::words, TimelineTimes { began: incident.started_at, now, zone })
}

/// How the times of a timeline are written: without a date only if it is all of today.
#[derive(Clone, Copy, Debug)]
pub struct TimelineTimes {
    pub began: DateTime<Utc>,
    pub now: DateTime<Utc>,
    pub zone: Tz,
}

impl TimelineTimes {
    fn words(self, at: DateTime<Utc>) -> String {
        let today = time::today(self.now, self.zone);
        if time::today(self.began, self.zone) == today {
            short_time(at, self.now, self.zone)
        } else {
            dated_time(at, self.now, self.zone)
        }
    }
}

/// For incidents and maintenances; `words` returns the label of a phase.
pub fn timeline<P: Copy>(updates: &[Update<P>], words: fn(P) -> &'static str, times: TimelineTimes) -> AnyView {
    let items: Vec<_> = updates.iter().rev().map(|update| timeline_item(update, words(update.phase), times)).collect();
    view! { <ol class="timeline">{items}</ol> }.into_any()
}

pub fn fact_row(term: &'static str, words: AnyView) -> AnyView {
    view! { <div><dt>{term}</dt><dd dir="auto">{words}</dd></div> }.into_any()
}

fn timeline_item<P>(update: &Update<P>, phase: &'static str, times: TimelineTimes) -> AnyView {
    let edited =
        update.edited_at.map(|at| view! { <span class="edited">"edited "<Time at=at words=times.words(at) /></span> });
    view! {
        <li>
            <p class="said">
                <strong>{phase}</strong>
                " "
                <Time at=update.posted_at words=times.words(update.posted_at) />
                " "
                {edited}
            </p>
            <div class="text" dir="auto" inner_html=markdown::render_markdown(&update.body)></div>
        </li>
    }
    .into_any()
}

/// `Resolved`, or `Partial outage · open for 1h 27m`.
pub fn state_words(incident: &Incident, now: DateTime<Utc>) -> String {
    if incident.is_open() {
        format!("{} · {}", incident.present_impact().words(), open_words(incident, now))
    } else {
        Phase::Resolved.words().to_owned()
    }
}

/// `open for 1h 27m`
pub fn open_words(incident: &Incident, now: DateTime<Utc>) -> String {
    let length = now - incident.started_at;
    match duration::format_duration(length) {
        Some(words) if length >= TimeDelta::minutes(1) => format!("open for {words}"),
        _ => "started just now".to_owned(),
    }
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

/// `Since 13:05 UTC` while open, otherwise start and end.
fn incident_span(incident: &Incident, now: DateTime<Utc>, zone: Tz) -> String {
    match incident.ended_at {
        None => format!("Since {}", short_time(incident.started_at, now, zone)),
        ended_at => time::format_span(incident.started_at, ended_at, zone),
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

    #[test]
    fn times_omit_redundant_parts() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-11-23T14:32:00Z");
        assert_eq!(short_time(at("2026-11-23T13:05:00Z"), now, Tz::UTC), "13:05 UTC");
        assert_eq!(short_time(at("2026-11-22T13:05:00Z"), now, Tz::UTC), "22 Nov, 13:05 UTC");
        assert_eq!(short_time(at("2025-11-22T13:05:00Z"), now, Tz::UTC), "22 Nov 2025, 13:05 UTC");
    }
}
