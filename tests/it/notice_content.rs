//! Contents of notices for the tests of their messages.

use candor::domain::maintenance::{Automation, PlannedComponent};
use candor::domain::notice::Event;
use candor::domain::postmortem::PublishedPostmortem;
use candor::domain::{
    Component, ComponentId, Group, GroupId, Incident, Maintenance, MaintenanceId, MaintenancePhase, Notice, NoticeId,
    Page, Phase, Status, UpdateId,
};
use candor::publish::notices::{Links, NoticeContent, Subject};
use chrono::{DateTime, TimeDelta, Utc};

use crate::support::fixtures;

pub const ORIGIN: &str = "https://status.tidewater.example";
pub const INCIDENT_LINK: &str = "https://status.tidewater.example/incidents/q9s3e7u1a5lh";

pub fn links() -> Links {
    Links {
        manage_url: format!("{ORIGIN}/subscribers/s1?token=m-token"),
        unsubscribe_url: format!("{ORIGIN}/unsubscribe/u-token?a=1&b=2"),
    }
}

/// 10 November 2026, 22:13 in Lisbon.
pub fn at(minute: i64) -> DateTime<Utc> {
    "2026-11-10T22:13:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
}

fn page() -> Page {
    Page {
        id: "k2v7xq0m4c9z".into(),
        name: "Tidewater Maps".into(),
        url: String::new(),
        time_zone: chrono_tz::Tz::Europe__Lisbon,
        logo_text: String::new(),
        links: Vec::new(),
        embedders: Vec::new(),
        brand: candor::domain::PageBrand::default(),
        updated_at: at(-9000),
        version: 1,
    }
}

pub fn component(id: &str, name: &str, position: i64) -> Component {
    Component {
        id: ComponentId::parse(id).unwrap(),
        group_id: None,
        name: name.into(),
        description: String::new(),
        status: Status::Operational,
        position,
        start_date: None,
        only_show_if_degraded: false,
        created_at: at(-9000),
        updated_at: at(-9000),
        version: 1,
    }
}

pub fn incident() -> Incident {
    let mut incident = fixtures::incident("q9s3e7u1a5lh", at(-43));
    incident.title = "Satellite tiles load slowly".into();
    let text = |id: &str, minute, phase, components: &[(&str, Status)], body: &str| {
        let mut update = fixtures::update(id, at(minute), phase, components);
        update.body = body.into();
        for component in &mut update.components {
            component.name = if component.id.as_str() == "geo" { "Geocoding" } else { "Satellite tiles" }.into();
        }
        update
    };
    incident.updates = vec![
        text("u1", -43, Phase::Investigating, &[("tiles", Status::DegradedPerformance)], "Tiles take long to load."),
        text(
            "u2",
            0,
            Phase::Identified,
            &[("tiles", Status::PartialOutage), ("geo", Status::DegradedPerformance)],
            "A **disk** of the tile store fails. We copy its data:\n\n- zoom 1 to 9: done\n- zoom 10 to 18: by 23:00\n\n\
             Follow `tile-7` in [the log](https://log.tidewater.example/?disk=7&all).",
        ),
        text("u3", 95, Phase::Resolved, &[], "All tiles load again."),
    ];
    incident.recompute();
    incident
}

pub fn maintenance() -> Maintenance {
    let mut it = fixtures::maintenance("mw3", at(3000), at(3120), &["geo"]);
    it.id = MaintenanceId::parse("m1t2w3n4a5e6").unwrap();
    it.title = "New index for places".into();
    it.created_at = at(-60);
    it.updated_at = at(-60);
    it.components = vec![PlannedComponent { id: ComponentId::parse("geo").unwrap(), name: "Geocoding".into() }];
    it.switches = Automation { reminds: true, starts: true, completes: false, marks: true };
    it.updates[0].id = UpdateId::parse("mu1").unwrap();
    it.updates[0].body = "Searches may be slow.".into();
    it.updates[0].components[0].name = "Geocoding".into();
    (it.updates[0].posted_at, it.updates[0].created_at) = (at(-60), at(-60));
    it
}

fn notice(event: Event, subject_id: &str, update_id: Option<&str>, created_at: DateTime<Utc>) -> Notice {
    Notice {
        id: NoticeId::parse("n1o2t3i4c5e6").unwrap(),
        event,
        subject_id: subject_id.into(),
        update_id: update_id.map(|id| UpdateId::parse(id).unwrap()),
        components: Vec::new(),
        change: None,
        created_at,
    }
}

fn content(notice: Notice, subject: Subject) -> NoticeContent {
    let group = Group {
        id: GroupId::parse("maps").unwrap(),
        name: "Maps".into(),
        description: String::new(),
        position: 1,
        created_at: at(-9000),
        updated_at: at(-9000),
        version: 1,
    };
    let mut tiles = component("tiles", "Satellite tiles", 1);
    tiles.group_id = Some(group.id.clone());
    let open = match &subject {
        Subject::Incident(incident, _) if incident.is_open() => vec![(**incident).clone()],
        _ => Vec::new(),
    };
    let planned = match &subject {
        Subject::Maintenance(maintenance) if maintenance.is_planned() => vec![(**maintenance).clone()],
        _ => Vec::new(),
    };
    NoticeContent {
        page: page(),
        origin: ORIGIN.into(),
        groups: vec![group],
        components: vec![tiles, component("geo", "Geocoding", 2)],
        open,
        planned,
        notice,
        subject,
    }
}

/// The incident after its first `updates` updates, and the notice of the last of them.
pub fn incident_content(updates: usize) -> NoticeContent {
    let mut incident = incident();
    incident.updates.truncate(updates);
    incident.recompute();
    incident.updated_at = incident.updates[updates - 1].posted_at;
    let last = &incident.updates[updates - 1];
    let event = match (updates, last.phase) {
        (_, Phase::Resolved) => Event::IncidentResolved,
        (1, _) => Event::IncidentOpened,
        _ => Event::IncidentUpdated,
    };
    let notice = notice(event, incident.id.as_str(), Some(last.id.as_str()), last.posted_at);
    content(notice, Subject::Incident(Box::new(incident), None))
}

pub fn postmortem_content() -> NoticeContent {
    let mut incident = incident();
    let postmortem =
        PublishedPostmortem { body: "## Cause\n\nA worn disk.".into(), at: at(4000), update_id: UpdateId::parse("pm") };
    incident.postmortem_published_at = Some(postmortem.at);
    let notice = notice(Event::PostmortemPublished, incident.id.as_str(), None, postmortem.at);
    content(notice, Subject::Incident(Box::new(incident), Some(postmortem)))
}

pub fn maintenance_content(event: Event) -> NoticeContent {
    let mut it = maintenance();
    let id = UpdateId::parse("mu2").unwrap();
    match event {
        Event::MaintenanceStarted => it.begin(id, at(2990)).unwrap(),
        Event::MaintenanceCancelled => it.cancel("We do it next week.".into(), id, at(100)).unwrap(),
        _ => {}
    }
    let last = it.updates.last().unwrap();
    let created_at = if event == Event::MaintenanceReminder { at(2940) } else { last.posted_at };
    let mut notice = notice(event, it.id.as_str(), Some(last.id.as_str()), created_at);
    notice.components = it.components.iter().map(|component| component.id.clone()).collect();
    assert!(event != Event::MaintenanceCompleted && it.phase != MaintenancePhase::Completed);
    content(notice, Subject::Maintenance(Box::new(it)))
}

pub fn component_content() -> NoticeContent {
    let mut geo = component("geo", "Geocoding", 2);
    (geo.status, geo.updated_at) = (Status::MajorOutage, at(0));
    let mut notice = notice(Event::ComponentUpdated, "geo", None, at(0));
    notice.change = Some((Status::Operational, Status::MajorOutage));
    let mut content = content(notice, Subject::Component(Box::new(geo.clone())));
    content.components[1] = geo;
    content
}

/// `text` as title, body, page name, group name and component names of an incident with `count` components.
pub fn content_of_text(title: &str, body: &str, count: usize) -> NoticeContent {
    let mut content = incident_content(2);
    content.page.name = title.to_owned();
    content.groups[0].name = title.to_owned();
    let group = content.groups[0].id.clone();
    let parts = 1_i64..=i64::try_from(count).unwrap();
    content.components = parts.map(|number| component(&format!("c{number}"), title, number)).collect();
    content.components.iter_mut().for_each(|component| component.group_id = Some(group.clone()));
    if let Subject::Incident(incident, _) = &mut content.subject {
        incident.title = title.to_owned();
        let names: Vec<String> = content.components.iter().map(|component| component.id.to_string()).collect();
        let statuses: Vec<(&str, Status)> = names.iter().map(|name| (name.as_str(), Status::PartialOutage)).collect();
        let mut update = fixtures::update("u2", at(0), Phase::Identified, &statuses);
        update.body = body.to_owned();
        update.components.iter_mut().for_each(|component| component.name = title.to_owned());
        incident.updates[1] = update;
        incident.recompute();
        content.open = vec![(**incident).clone()];
    }
    content
}
