//! The card of an open incident.

use chrono_tz::Tz;
use leptos::prelude::*;

use crate::domain::{Impact, Incident, Visibility};
use crate::format::duration::format_duration;
use crate::format::time::{format_age, format_full};
use crate::ui::admin_layout::AdminContext;
use crate::ui::time::Time;

pub fn open_incident_card(incident: &Incident, shell: &AdminContext, action: Option<AnyView>) -> AnyView {
    view! {
        <li class=format!("panel card {}", incident.impact().key())>
            <h3>
                <a href=format!("/admin/incidents/{}", incident.id) dir="auto">
                    {incident.title.clone()}
                </a>
            </h3>
            <p class="soft">{incident_state(incident, shell)}</p>
            {reminder_line(incident, shell)}
            {action}
        </li>
    }
    .into_any()
}

/// `No update for 7h, 2 reminders`
fn reminder_line(incident: &Incident, shell: &AdminContext) -> Option<AnyView> {
    let silence =
        incident.newest_update().and_then(|update| format_duration(shell.now - update.posted_at)).unwrap_or_default();
    let times = match incident.reminders_due(shell.now) {
        0 => return None,
        1 => "first reminder".to_owned(),
        count => format!("{count} reminders"),
    };
    Some(view! { <p class="waiting">{format!("No update for {silence}, {times}")}</p> }.into_any())
}

/// `Partial outage · open for 1h 27m · Identified 14m ago`
pub fn incident_state(incident: &Incident, shell: &AdminContext) -> AnyView {
    let age = format_duration(shell.now - incident.started_at).unwrap_or_else(|| "under 1m".into());
    let newest = incident.newest_update().map(|update| {
        view! { " · "{update.phase.words()}" "<Time at=update.posted_at words=format_age(update.posted_at, shell.now)/> }
    });
    let seen = visibility_badge(incident.visibility, shell.zone).map(|seen| view! { {seen}" · " });
    view! { {seen}{impact_words(incident.impact())}" · open for "{age}{newest} }.into_any()
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
