//! Sample data for the tests of the public pages: a company with open incidents.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::uptime_bars::DayIncident;
use super::{DAYS, ErrorPage, HistoryPage, IncidentPage, MaintenancePage, StatusPage, UptimeBars};
use crate::domain::history::{HistoryFilter, Neighbours, Totals};
use crate::domain::maintenance::{PlannedComponent, tests::maintenance};
use crate::domain::page::Link;
use crate::domain::page_status::Banner;
use crate::domain::uptime::{self, StatusInterval};
use crate::domain::{
    AffectedComponent, Component, ComponentId, Group, GroupId, Impact, Incident, IncidentId, Maintenance,
    MaintenanceId, Page, Phase, Reminder, Status, Update, UpdateId, Visibility,
};
use crate::ui::public_layout::PublicContext;
use crate::ui::social_tags::SocialPicture;

/// Becomes a script if not escaped.
pub const SCRIPT: &str = "<script>alert(1)</script>";

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn now() -> DateTime<Utc> {
    at("2026-11-23T14:32:00Z")
}

pub fn shell(path: &str) -> PublicContext {
    let page = Page {
        id: "harbormail01".into(),
        name: "Harbor Mail".into(),
        url: "https://harbormail.example".into(),
        time_zone: Tz::Europe__Lisbon,
        logo_text: String::new(),
        embedders: Vec::new(),
        brand: crate::domain::PageBrand::default(),
        links: vec![Link { label: "Help".into(), url: "https://help.harbormail.example".into() }],
        updated_at: now(),
        version: 1,
    };
    let tone = banner(&components(), &[delayed()]).tone;
    let picture = Some(SocialPicture { path: "/social.png?v=1".into(), alt: "All systems operational".into() });
    let base_url = "https://status.harbormail.example/".into();
    PublicContext { page, base_url, path: path.into(), tone, is_empty: false, picture, now: now() }
}

fn banner(components: &[Component], open: &[Incident]) -> Banner {
    let rows: Vec<(&Component, Status)> = components.iter().map(|c| (c, c.effective_status(open, &[]))).collect();
    Banner::new(&rows, open)
}

pub fn group(id: &str, position: i64) -> Group {
    Group {
        id: GroupId::parse(id).unwrap(),
        name: id.into(),
        description: String::new(),
        position,
        created_at: now(),
        updated_at: now(),
        version: 1,
    }
}

pub fn component(id: &str, group: Option<&str>, position: i64) -> Component {
    Component {
        id: ComponentId::parse(id).unwrap(),
        group_id: group.and_then(GroupId::parse),
        name: id.into(),
        description: String::new(),
        status: Status::Operational,
        position,
        start_date: None,
        only_show_if_degraded: false,
        created_at: now(),
        updated_at: now(),
        version: 1,
    }
}

fn named(id: &str, group: Option<&str>, position: i64, name: &str, description: &str) -> Component {
    Component { name: name.into(), description: description.into(), ..component(id, group, position) }
}

pub fn components() -> Vec<Component> {
    vec![
        named("in", Some("flow"), 1, "Inbound delivery", "Mail from the world to your mailboxes"),
        named("out", Some("flow"), 2, "Outbound delivery", ""),
        named("spam", Some("flow"), 3, "Spam and virus filter", ""),
        named("web", None, 2, "Website", ""),
        named("signin", Some("console"), 1, "Sign-in", ""),
        named("queue", Some("console"), 2, "Queue dashboard", ""),
        named("archive", Some("console"), 3, "Archive search", "Read-only during the storage upgrade"),
    ]
}

pub fn groups() -> Vec<Group> {
    let named = |id, position, name: &str| Group { name: name.into(), ..group(id, position) };
    vec![named("flow", 1, "Mail flow"), named("console", 3, "Console")]
}

pub fn update(time: &str, phase: Phase, body: &str, components: &[(&str, &str, Status)]) -> Update {
    let affected = |(id, name, status): &(&str, &str, Status)| AffectedComponent {
        id: ComponentId::parse(id).unwrap(),
        name: (*name).into(),
        status: *status,
    };
    Update {
        id: UpdateId::parse(&format!("u{}", at(time).timestamp())).unwrap(),
        phase,
        body: body.into(),
        posted_at: at(time),
        created_at: at(time),
        edited_at: None,
        version: 1,
        components: components.iter().map(affected).collect(),
    }
}

pub fn incident(id: &str, title: &str, updates: Vec<Update>) -> Incident {
    let started_at = updates[0].posted_at;
    let mut incident = Incident {
        id: IncidentId::parse(id).unwrap(),
        title: title.into(),
        computed_impact: Impact::None,
        impact_override: None,
        phase: Phase::Investigating,
        started_at,
        ended_at: None,
        detected_by: None,
        internal_note: Some("never shown".into()),
        visibility: Visibility::Public,
        reminder: Reminder::Usual,
        next_update_at: None,
        postmortem_published_at: None,
        created_at: started_at,
        updated_at: started_at,
        version: 1,
        updates,
    };
    incident.recompute();
    incident
}

/// Open since 13:05, with a manual impact of major.
pub fn delayed() -> Incident {
    let names = [
        ("out", "Outbound delivery", Status::PartialOutage),
        ("queue", "Queue dashboard", Status::DegradedPerformance),
    ];
    let mut incident = incident(
        "delayed00001",
        "Delayed delivery to external recipients",
        vec![
            update(
                "2026-11-23T13:05:00Z",
                Phase::Investigating,
                "Some outbound mail is queued for more than ten minutes. Inbound mail is not affected.",
                &names,
            ),
            update(
                "2026-11-23T14:18:00Z",
                Phase::Identified,
                "A DNS resolver in the **eu-west** region returns stale MX records. We are moving outbound traffic to \
                 the second resolver pool; queued mail is delivered late, none is lost.",
                &[],
            ),
        ],
    );
    incident.updates[1].edited_at = Some(at("2026-11-23T14:25:00Z"));
    incident.impact_override = Some(Impact::Major);
    incident
}

pub fn past() -> Vec<Incident> {
    let signin = ("signin", "Sign-in", Status::MajorOutage);
    let queue = ("queue", "Queue dashboard", Status::DegradedPerformance);
    let mut first = incident(
        "signin000001",
        "Sign-in fails for tenants on the second cluster",
        vec![
            update("2026-11-21T08:12:00Z", Phase::Investigating, "Sign-in answers with an error.", &[signin]),
            update("2026-11-21T08:30:00Z", Phase::Monitoring, "- Restarted\n- Watching", &[]),
            update("2026-11-21T08:49:00Z", Phase::Resolved, "Sign-in works again.", &[]),
        ],
    );
    first.detected_by = Some("on-call".into());
    let second = incident(
        "queue0000001",
        "Slow queue dashboard",
        vec![
            update("2026-11-21T06:40:00Z", Phase::Identified, "The dashboard is slow.", &[queue]),
            update("2026-11-21T07:02:00Z", Phase::Resolved, "It is quick again.", &[]),
        ],
    );
    let third = incident(
        "held00000001",
        "Outbound mail held too eagerly",
        vec![update("2026-10-10T19:30:00Z", Phase::Resolved, "Some mail was held without need; it was released.", &[])],
    );
    vec![first, second, third]
}

pub fn status_page() -> StatusPage {
    let open = vec![delayed()];
    StatusPage {
        shell: shell("/"),
        banner: banner(&components(), &open),
        announcements: Vec::new(),
        groups: groups(),
        components: components(),
        open,
        past: past(),
        planned: Vec::new(),
        finished: Vec::new(),
        bars: components().iter().map(|component| bars(&component.id)).collect(),
        baselines: Vec::new(),
    }
}

/// Scheduled for the night after next.
pub fn upgrade() -> Maintenance {
    let mut it = maintenance(0, 1, &["archive"]);
    it.id = MaintenanceId::parse("upgrade00001").unwrap();
    it.title = "Storage upgrade, archive search read-only".into();
    it.scheduled_for = at("2026-11-26T02:00:00Z");
    it.scheduled_until = at("2026-11-26T04:00:00Z");
    it.components = vec![PlannedComponent { name: "Archive search".into(), ..it.components[0].clone() }];
    it.updates[0].body = "Searching works, filing new mail waits until the morning.".into();
    it.updates[0].posted_at = at("2026-11-20T09:00:00Z");
    it
}

/// Started this afternoon.
pub fn upgrade_under_way() -> Maintenance {
    let mut it = upgrade();
    it.scheduled_for = at("2026-11-23T13:30:00Z");
    it.scheduled_until = at("2026-11-23T15:30:00Z");
    it.begin(UpdateId::parse("begun").unwrap(), at("2026-11-23T13:30:00Z")).unwrap();
    it
}

pub fn maintenance_page(maintenance: Maintenance) -> MaintenancePage {
    MaintenancePage { shell: shell(&format!("/incidents/{}", maintenance.id)), maintenance }
}

/// Three days without data, then quiet days and a partial outage yesterday.
fn bars(component: &ComponentId) -> UptimeBars {
    let out = StatusInterval {
        component_id: component.clone(),
        incident_id: IncidentId::parse("held00000001"),
        from: at("2026-11-22T10:00:00Z"),
        to: Some(at("2026-11-22T10:32:00Z")),
        status: Status::PartialOutage,
    };
    let start = at("2026-08-29T00:00:00Z");
    let days = uptime::uptime_days(std::slice::from_ref(&out), start, DAYS, Tz::UTC, at("2026-11-23T14:32:00Z"));
    let titles = past().into_iter().map(|it| (it.id, it.title)).collect();
    UptimeBars { component: component.clone(), days, incidents: DayIncident::from_intervals(&[out], &titles) }
}

pub fn quiet_page() -> StatusPage {
    let banner = banner(&components(), &[]);
    let shell = PublicContext { tone: banner.tone, ..shell("/") };
    StatusPage { shell, banner, open: Vec::new(), past: Vec::new(), ..status_page() }
}

pub fn history_page() -> HistoryPage {
    let mut incidents = vec![delayed()];
    incidents.extend(past());
    HistoryPage {
        shell: shell("/history"),
        month: None,
        filter: HistoryFilter::default(),
        unsearched: None,
        components: components().into_iter().map(|c| (c.id, c.name)).collect(),
        totals: Totals {
            count: 41,
            resolved_seconds: 13 * 3600 + 27 * 60,
            first_started_at: Some(at("2024-07-10T09:00:00Z")),
            ..Totals::default()
        },
        incidents,
        maintenances: Vec::new(),
        has_more_maintenances: false,
        newer: None,
        older: Some(("Older incidents".into(), "/history?before=1_a".into())),
    }
}

pub fn incident_page(incident: Incident) -> IncidentPage {
    IncidentPage {
        shell: shell(&format!("/incidents/{}", incident.id)),
        incident,
        postmortem: None,
        neighbours: Neighbours::default(),
    }
}

pub fn error_page(status: u16) -> ErrorPage {
    ErrorPage::new(shell("/nowhere"), status)
}

/// 124 components, some with very long, right-to-left or hostile names, and an incident like them.
pub fn long_page() -> StatusPage {
    let mut page = status_page();
    page.components = (1..=124)
        .map(|n| named(&format!("c{n}"), (n % 3 == 0).then_some("flow"), n, &format!("Service number {n}"), ""))
        .collect();
    page.components[0].name = "x".repeat(300);
    page.components[1].name = "خدمة البريد الإلكتروني".into();
    page.components[1].description = "وصف قصير للخدمة".into();
    page.components[3].name = SCRIPT.into();
    page.components[3].status = Status::UnderMaintenance;
    page.components[4].status = Status::DegradedPerformance;
    page.open[0].title = "Very long words ".repeat(16).trim_end().to_owned();
    page.open[0].updates[1].body =
        format!("{}\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n```\ncode\n```\n\n> said", "y".repeat(300));
    let mut arabic = delayed();
    arabic.id = IncidentId::parse("arabic000001").unwrap();
    arabic.title = "تأخر تسليم البريد إلى مستلمين خارجيين".into();
    arabic.impact_override = Some(Impact::Critical);
    page.open.push(arabic);
    page
}

/// Also writes the pages to the folder `CANDOR_LOOK_DIR`, if set, for visual checks.
#[test]
fn fixture_pages_render() {
    let mut filtered = history_page();
    filtered.filter = HistoryFilter {
        component: ComponentId::parse("spam"),
        impact: Some(Impact::Major),
        text: Some("s3".into()),
        range: crate::domain::history::HistoryRange::LastTwoYears,
    };
    filtered.incidents.clear();
    filtered.totals = Totals::default();
    let mut empty = quiet_page();
    empty.components.clear();
    let pages = [
        ("status", super::status::render_status_page(status_page())),
        ("quiet", super::status::render_status_page(quiet_page())),
        ("empty", super::status::render_status_page(empty)),
        ("long", super::status::render_status_page(long_page())),
        ("history", super::history::render_history(history_page())),
        ("filtered", super::history::render_history(filtered)),
        ("incident", super::incident::render_incident_page(incident_page(delayed()))),
        ("past", super::incident::render_incident_page(incident_page(past().remove(0)))),
        ("maintenance", super::maintenance::render_maintenance_page(maintenance_page(upgrade()))),
        ("error", super::error::render_error_page(error_page(404))),
    ];
    for (name, html) in pages {
        check(&html);
        if let Ok(folder) = std::env::var("CANDOR_LOOK_DIR") {
            std::fs::write(format!("{folder}/{name}.html"), html).unwrap();
        }
    }
}

/// Checks that apply to every public page.
pub fn check(html: &str) {
    // Only error pages lack a canonical URL and the live script.
    let follows = usize::from(html.contains("<link rel=\"canonical\""));
    check_script(html, crate::ui::live_script::live_script_url(), follows);
    assert!(html.contains(&format!("<style>{}</style>", crate::ui::public_layout::stylesheet())));
    check_markup(html);
}

/// As [`check`], for the forms of subscribers.
pub fn check_form(html: &str) {
    check_script(html, crate::ui::live_script::subscribe_script_url(), 1);
    assert!(html.contains(&format!("<style>{}</style>", crate::ui::public_layout::form_stylesheet())));
    assert!(html.contains("<meta name=\"robots\" content=\"noindex\">"));
    check_markup(html);
}

/// The only scripts are `count` of this one.
fn check_script(html: &str, url: &str, count: usize) {
    let script = format!("<script src=\"{url}\" defer></script>");
    assert_eq!((html.matches("<script").count(), html.matches(&script).count()), (count, count), "{html}");
}

fn check_markup(html: &str) {
    assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{html}");
    assert_eq!(html.matches("<h1").count(), 1, "{html}");
    assert!(!html.contains(" style=") && !html.contains(" onclick"), "{html}");
    assert!(!html.contains("never shown") && !html.contains("<textarea"));
    let levels: Vec<u8> = html.split("<h").skip(1).map(|rest| rest.as_bytes()[0]).filter(u8::is_ascii_digit).collect();
    assert!(levels.first() == Some(&b'1') && levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
    let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "every id occurs once");
}
