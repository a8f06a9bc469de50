//! `/incidents/{id}` of a maintenance, and its card on other pages.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::event_page::{EventBanner, event_timeline, fact, fact_card, month_link};
use super::incident_card::{TimelineFold, TimelineTimes, count_words, short_time, timeline};
use crate::domain::{Maintenance, MaintenancePhase, Status};
use crate::format::duration;
use crate::format::markdown;
use crate::format::time;
use crate::ui::icon::Icon;
use crate::ui::public_layout::{PageHead, PageKind, PageStyle, PublicContext, PublicLayout};
use crate::ui::time::Time;

/// In characters; the start of the newest update is the page description.
const MAX_SUMMARY: usize = 160;

#[derive(Clone, Debug)]
pub struct MaintenancePage {
    pub shell: PublicContext,
    pub maintenance: Maintenance,
}

pub fn render_maintenance_page(page: MaintenancePage) -> String {
    crate::ui::render_page(|| view! { <MaintenanceView page=page /> })
}

#[component]
pub fn MaintenanceView(page: MaintenancePage) -> AnyView {
    let MaintenancePage { shell, maintenance } = page;
    let (zone, now) = (shell.zone(), shell.now);
    let said = maintenance
        .newest_update()
        .map(|update| markdown::plain_summary(&update.body, MAX_SUMMARY))
        .unwrap_or_default();
    let head = PageHead {
        title: maintenance.title.clone(),
        description: said,
        kind: PageKind::Regular,
        style: PageStyle::History,
    };
    let here = shell.canonical();
    view! {
        <PublicLayout shell=shell head=head>
            {month_link(maintenance.starts_at(), zone)}
            <article>
                {maintenance_banner(&maintenance, now, zone).view()}
                {maintenance_facts(&maintenance, zone)}
                {event_timeline(&maintenance.updates, MaintenancePhase::words, now, zone)}
            </article>
            <p class="back">
                <a class="share" href=here>{Icon::Link.view()}"Link to this maintenance"</a>
                " "
                <a href=format!("{}.ics", maintenance_href(&maintenance))>{Icon::Scheduled.view()}"Add to calendar"</a>
            </p>
        </PublicLayout>
    }
    .into_any()
}

fn maintenance_banner(maintenance: &Maintenance, now: DateTime<Utc>, zone: Tz) -> EventBanner {
    let (from, to) = maintenance.window();
    let window = time::format_window(from, to, now, zone);
    let time = view! { <Time at=from words=window /> };
    let lasted = || duration::spell_duration(to - from).map(|words| format!(", {words}"));
    let (icon, lede) = match maintenance.phase {
        MaintenancePhase::Completed => (Icon::Operational, view! { {time}{lasted()}"." }.into_any()),
        MaintenancePhase::Cancelled => (Icon::Notice, view! { "Was scheduled for "{time}"." }.into_any()),
        phase if phase.is_active() => {
            let until = short_time(maintenance.scheduled_until, now, zone);
            let until = view! { <Time at=maintenance.scheduled_until words=until /> };
            let since = view! { <Time at=from words=short_time(from, now, zone) /> };
            (Icon::Maintenance, view! { "Since "{since}", until "{until}"." }.into_any())
        }
        _ => (Icon::Maintenance, view! { {time}{lasted()}"." }.into_any()),
    };
    EventBanner {
        class: state_class(maintenance).to_owned(),
        icon,
        state: phase_words(maintenance.phase).to_owned(),
        title: maintenance.title.clone(),
        lede,
        action: None,
    }
}

/// The phase with the word maintenance.
pub fn phase_words(phase: MaintenancePhase) -> &'static str {
    match phase {
        MaintenancePhase::Scheduled => "Scheduled maintenance",
        MaintenancePhase::InProgress => "Maintenance in progress",
        MaintenancePhase::Verifying => "Maintenance: verifying",
        MaintenancePhase::Completed => "Maintenance completed",
        MaintenancePhase::Cancelled => "Maintenance cancelled",
    }
}

fn maintenance_facts(maintenance: &Maintenance, zone: Tz) -> AnyView {
    let full = |at| view! { <Time at=at words=time::format_full(at, zone) /> }.into_any();
    let planned = time::format_span(maintenance.scheduled_for, Some(maintenance.scheduled_until), zone);
    let planned = view! { <Time at=maintenance.scheduled_for words=planned /> }.into_any();
    let cancelled = maintenance.phase == MaintenancePhase::Cancelled;
    let facts = [
        Some(fact("Scheduled for", planned)),
        maintenance.started_at.map(|at| fact("Started", full(at))),
        maintenance.ended_at.map(|at| fact(if cancelled { "Cancelled" } else { "Completed" }, full(at))),
        (!maintenance.components.is_empty()).then(|| fact("Affected", affected_components(maintenance))),
    ];
    fact_card(facts.into_iter().flatten().collect())
}

/// The affected components; during the maintenance, with their current status.
fn affected_components(maintenance: &Maintenance) -> AnyView {
    let now = maintenance.statuses();
    let item = |component: &crate::domain::maintenance::PlannedComponent| {
        let status = now.get(&component.id).copied().filter(|status| *status != Status::Operational);
        let status = status.map(|status| format!(": {}", status.words().to_lowercase()));
        view! { <li><bdi>{component.name.clone()}</bdi>{status}</li> }
    };
    view! { <ul>{maintenance.components.iter().map(item).collect_view()}</ul> }.into_any()
}

#[component]
pub fn MaintenanceCard(maintenance: Maintenance, fold: TimelineFold, zone: Tz, now: DateTime<Utc>) -> AnyView {
    let timeline = maintenance_timeline(&maintenance, zone, now);
    let said = match fold {
        TimelineFold::Never => timeline,
        _ => {
            let summary = if maintenance.updates.len() == 1 {
                "Details".to_owned()
            } else {
                format!("Show {}", count_words(maintenance.updates.len() as i64, "update"))
            };
            view! { <details open=fold == TimelineFold::Open><summary>{summary}</summary>{timeline}</details> }
                .into_any()
        }
    };
    view! {
        <article class=format!("card {}", state_class(&maintenance)) id=maintenance_anchor(&maintenance)>
            <div class="head">
                <h3 dir="auto"><a href=maintenance_href(&maintenance)>{maintenance.title.clone()}</a></h3>
                <p class="chip">{state_words(&maintenance, now, zone)}</p>
            </div>
            {window_and_components(&maintenance, now, zone)}
            {said}
        </article>
    }
    .into_any()
}

fn maintenance_timeline(maintenance: &Maintenance, zone: Tz, now: DateTime<Utc>) -> AnyView {
    let times = TimelineTimes { now, zone, shows_age: false };
    timeline(&maintenance.updates, MaintenancePhase::words, times)
}

/// The window and the affected components. The window is the actual one once begun; before, the chip shows it.
fn window_and_components(maintenance: &Maintenance, now: DateTime<Utc>, zone: Tz) -> Option<AnyView> {
    let window = (maintenance.phase != MaintenancePhase::Scheduled).then(|| {
        let (from, to) = maintenance.window();
        let words = match maintenance.phase {
            phase if phase.is_active() => format!("since {}", short_time(from, now, zone)),
            _ if maintenance.started_at.is_none() => {
                format!("scheduled for {}", time::format_window(from, to, now, zone))
            }
            _ => time::format_window(from, to, now, zone),
        };
        view! { <li><Time at=from words=words /></li> }
    });
    let names = affected_names(maintenance).map(|names| view! { <li dir="auto">{names}</li> });
    (window.is_some() || names.is_some()).then(|| view! { <ul class="facts">{window}{names}</ul> }.into_any())
}

pub fn affected_names(maintenance: &Maintenance) -> Option<String> {
    let names: Vec<&str> = maintenance.components.iter().map(|component| component.name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// `Scheduled · Thu 26 Nov, 02:00 to 04:00 WET`, `Maintenance in progress · until 04:00 WET`
pub fn state_words(maintenance: &Maintenance, now: DateTime<Utc>, zone: Tz) -> String {
    let until = || short_time(maintenance.scheduled_until, now, zone);
    match maintenance.phase {
        MaintenancePhase::Scheduled => {
            let window = time::format_window(maintenance.scheduled_for, maintenance.scheduled_until, now, zone);
            format!("Scheduled · {window}")
        }
        MaintenancePhase::InProgress => format!("Maintenance in progress · until {}", until()),
        MaintenancePhase::Verifying => format!("Verifying · ends {}", until()),
        phase => phase_words(phase).to_owned(),
    }
}

/// The style class: green once completed, neutral once cancelled.
pub fn state_class(maintenance: &Maintenance) -> &'static str {
    match maintenance.phase {
        MaintenancePhase::Completed => "resolved",
        MaintenancePhase::Cancelled => "impact-none",
        _ => "planned",
    }
}

pub fn maintenance_href(maintenance: &Maintenance) -> String {
    format!("/incidents/{}", maintenance.id)
}

pub fn maintenance_anchor(maintenance: &Maintenance) -> String {
    format!("maintenance-{}", maintenance.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures::{self, SCRIPT, check};

    #[test]
    fn planned_maintenance_shows_window_and_calendar_link() {
        let html = render_maintenance_page(fixtures::maintenance_page(fixtures::upgrade()));
        check(&html);
        for words in [
            "class=\"banner tint planned\"",
            "<p class=\"phase\">Scheduled maintenance</p>",
            ">Thu 26 Nov, 02:00 to 04:00 WET</time>, 2 h.",
            "<p class=\"up\"><a href=\"/history/2026-11\">",
            "href=\"#update-",
            ">Storage upgrade, archive search read-only</h1>",
            "<dt>Scheduled for</dt>",
            "26 Nov 2026, 02:00 to 04:00 WET",
            "<bdi>Archive search</bdi></li>",
            "<strong>Scheduled</strong>",
            "href=\"/incidents/upgrade00001.ics\"",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
        assert!(!html.contains("Started") && !html.contains("Completed"));
    }

    #[test]
    fn finished_maintenance_is_green_and_shows_its_actual_time() {
        let mut it = fixtures::upgrade_under_way();
        it.complete(crate::domain::UpdateId::parse("done").unwrap(), fixtures::at("2026-11-23T14:00:00Z")).unwrap();
        let html = render_maintenance_page(fixtures::maintenance_page(it.clone()));
        assert!(html.contains("class=\"banner tint resolved\"") && !html.contains("planned\""), "{html}");
        let card = crate::ui::render_page(|| {
            view! { <MaintenanceCard maintenance=it fold=TimelineFold::Closed zone=chrono_tz::UTC now=fixtures::now() /> }
        });
        assert!(card.contains("Mon 23 Nov, 13:30 to 14:00 UTC"), "{card}");
    }

    #[test]
    fn unmarked_component_has_no_status() {
        let mut it = fixtures::upgrade();
        it.switches.marks = false;
        it.begin(crate::domain::UpdateId::parse("begun").unwrap(), fixtures::at("2026-11-23T13:30:00Z")).unwrap();
        let html = render_maintenance_page(fixtures::maintenance_page(it));
        assert!(html.contains("<bdi>Archive search</bdi></li>"), "{html}");
    }

    #[test]
    fn active_maintenance_shows_end_and_components() {
        let html = render_maintenance_page(fixtures::maintenance_page(fixtures::upgrade_under_way()));
        check(&html);
        for words in [
            ">Maintenance in progress</p>",
            "until <time datetime=\"2026-11-23T15:30:00Z\">15:30 WET</time>.",
            "<bdi>Archive search</bdi>: under maintenance",
        ] {
            assert!(html.contains(words), "{words} in {html}");
        }
    }

    #[test]
    fn every_text_is_escaped() {
        let mut it = fixtures::upgrade();
        it.title = SCRIPT.into();
        it.components[0].name = SCRIPT.into();
        it.updates[0].body = format!("{SCRIPT}\"'>");
        check(&render_maintenance_page(fixtures::maintenance_page(it)));
    }
}
