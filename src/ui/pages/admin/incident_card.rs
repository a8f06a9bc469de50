//! The card of an active incident.

use chrono_tz::Tz;
use leptos::prelude::*;

use crate::domain::page_status::Tone;
use crate::domain::{Impact, Incident, Visibility};
use crate::format::duration::spell_duration;
use crate::format::time::{format_age, format_clock_with_zone, format_full, today};
use crate::ui::admin_icon::{AdminIcon, admin_pill, tone_class};
use crate::ui::admin_layout::AdminContext;
use crate::ui::time::Time;

/// In names; the incident's page lists the others.
const MAX_NAMES: usize = 4;

pub fn open_incident_card(incident: &Incident, shell: &AdminContext, action: Option<AnyView>) -> AnyView {
    let tone = incident_tone(incident);
    view! {
        <li class=format!("card {}", tone_class(tone))>
            <div class="card-main">
                {AdminIcon::from(tone).view()}
                <div>
                    <h3>
                        <a href=format!("/admin/incidents/{}", incident.id) dir="auto">
                            {incident.title.clone()}
                        </a>
                    </h3>
                    {incident_state(incident, shell)}
                </div>
                {action}
            </div>
            {reminder_strip(incident, shell)}
        </li>
    }
    .into_any()
}

/// The tone of the present impact; green once it is resolved.
pub fn incident_tone(incident: &Incident) -> Tone {
    if incident.is_open() { incident.present_impact().into() } else { Tone::Operational }
}

/// `Identified · 55m`
pub fn incident_pill(incident: &Incident, shell: &AdminContext) -> AnyView {
    let age = incident.is_open().then(|| spell_duration(shell.now - incident.started_at)).flatten();
    let words =
        age.map_or_else(|| incident.phase.words().to_owned(), |age| format!("{} · {age}", incident.phase.words()));
    admin_pill(incident.phase.into(), words, incident_tone(incident))
}

/// What is due: the promised update first, then a reminder. The script counts the minutes and moves the strip to
/// `late` when the promise is due.
fn reminder_strip(incident: &Incident, shell: &AdminContext) -> Option<AnyView> {
    if let Some(due) = incident.next_update_at {
        let at = if today(due, shell.zone) == today(shell.now, shell.zone) {
            format_clock_with_zone(due, shell.zone)
        } else {
            format_full(due, shell.zone)
        };
        let stamp = due.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        // The browser's clock may be wrong, so the script counts from here.
        let left = (due - shell.now).num_seconds();
        let class = if incident.is_update_overdue(shell.now) { "strip late" } else { "strip" };
        return Some(
            view! {
                <p class=class>
                    <span class="in-time">{AdminIcon::Bell.view()}</span>
                    <span class="when-late">{AdminIcon::Clock.view()}</span>
                    <span>
                        <strong data-due=stamp data-left=left>{due_words(incident, shell)}</strong>" "
                        {format!("You promised an update by {at}.")}
                    </span>
                </p>
            }
            .into_any(),
        );
    }
    let silence =
        incident.newest_update().and_then(|update| spell_duration(shell.now - update.posted_at)).unwrap_or_default();
    let times = match incident.reminders_due(shell.now) {
        0 => return None,
        1 => "First reminder.".to_owned(),
        count => format!("{count} reminders."),
    };
    Some(
        view! {
            <p class="strip">
                {AdminIcon::Bell.view()}<span><strong>{format!("No update for {silence}")}</strong>" "{times}</span>
            </p>
        }
        .into_any(),
    )
}

/// `Next update due in 20 min` or `Overdue by 4 min`.
pub fn due_words(incident: &Incident, shell: &AdminContext) -> String {
    let Some(due) = incident.next_update_at else { return String::new() };
    let late = (shell.now - due).num_minutes();
    if due <= shell.now {
        return format!("Overdue by {}", minutes_words(late.max(1)));
    }
    // Rounded up, so that a promise of 30 minutes begins with 30.
    format!("Next update due in {}", minutes_words(((due - shell.now).num_seconds() + 59) / 60))
}

/// `20 min`, `1 h 20 min`
fn minutes_words(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Status, age, affected components and the last update.
pub fn incident_state(incident: &Incident, shell: &AdminContext) -> AnyView {
    let age = spell_duration(shell.now - incident.started_at).unwrap_or_else(|| "under 1 min".into());
    view! {
        <p class=format!("facts {}", tone_class(incident_tone(incident)))>
            <span class="phase">{incident.phase.words()}</span>
            <span>{age}</span>
            {fact_spans(incident, shell)}
        </p>
    }
    .into_any()
}

/// Affected components and the last update, below a pill with status and age.
pub fn incident_facts(incident: &Incident, shell: &AdminContext) -> AnyView {
    view! { <p class="facts">{fact_spans(incident, shell)}</p> }.into_any()
}

fn fact_spans(incident: &Incident, shell: &AdminContext) -> AnyView {
    let newest = incident.newest_update().map(|update| {
        view! { <span>"Last update "<Time at=update.posted_at words=format_age(update.posted_at, shell.now)/></span> }
    });
    let seen = visibility_badge(incident.visibility, shell.zone).map(|seen| view! { <span>{seen}</span> });
    let affected = affected_words(incident).map(|names| view! { <span dir="auto">{names}</span> });
    view! { {affected}{seen}{newest} }.into_any()
}

fn affected_words(incident: &Incident) -> Option<String> {
    let names: Vec<&str> = incident.affected_components().into_iter().map(|(_, name)| name).collect();
    let more = names.len().saturating_sub(MAX_NAMES);
    let shown = names.iter().take(MAX_NAMES).copied().collect::<Vec<_>>().join(", ");
    match (names.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(shown),
        (false, more) => Some(format!("{shown} and {more} more")),
    }
}

/// `None` for public incidents.
pub fn visibility_badge(visibility: Visibility, zone: Tz) -> Option<AnyView> {
    let words = match visibility {
        Visibility::Public => return None,
        Visibility::Embargoed(at) => view! { "Publishes at "<Time at words=format_full(at, zone)/> }.into_any(),
        Visibility::Internal => "Internal".into_any(),
    };
    Some(view! { <span class="hidden-yet">{words}</span> }.into_any())
}

pub fn impact_words(impact: Impact) -> AnyView {
    view! { <span class=format!("impact {}", impact.key())>{impact.words()}</span> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_grouped_into_hours() {
        assert_eq!([4, 60, 80].map(minutes_words), ["4 min", "1 h", "1 h 20 min"]);
    }
}
