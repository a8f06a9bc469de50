//! Generated histories, and the Snapshot of the page that has one.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use crate::db::DatabaseState;
use crate::domain::component::tests::component;
use crate::domain::history::Totals;
use crate::domain::incident::tests::incident;
use crate::domain::maintenance::tests::maintenance;
use crate::domain::uptime::{StatusInterval, baselines_outside_maintenance};
use crate::domain::{
    AffectedComponent, Component, ComponentId, Impact, Incident, IncidentId, Maintenance, MaintenanceId, Page, Phase,
    Status, Update, UpdateId,
};
use crate::format::time::today;
use crate::publish::Snapshot;
use crate::ui::pages::public::status::past_days_start;

#[derive(Clone, Debug)]
pub(super) struct ComponentModel {
    age_minutes: i64,
    /// Days before today.
    start_date: Option<u64>,
    manual: Status,
    manual_minutes: i64,
}

#[derive(Clone, Debug)]
pub(super) struct IncidentModel {
    age_minutes: i64,
    /// Minutes after the previous update, phase, and the status of each component that it names.
    updates: Vec<(i64, usize, Vec<Option<Status>>)>,
    /// Minutes until it was resolved, if it was.
    resolved: Option<i64>,
    impact_override: Option<Impact>,
    /// Entered at once, now.
    is_backfilled: bool,
}

#[derive(Clone, Debug)]
pub(super) struct MaintenanceModel {
    /// From now to the scheduled start.
    start_minutes: i64,
    length_minutes: i64,
    /// Minutes from the start, possibly before the scheduled one, to now.
    begun: Option<i64>,
    /// 0: not over, 1: completed, 2: cancelled.
    end: usize,
    components: Vec<bool>,
}

pub(super) fn status() -> impl Strategy<Value = Status> {
    (0..Status::ALL.len()).prop_map(|index| Status::ALL[index])
}

pub(super) fn component_model() -> impl Strategy<Value = ComponentModel> {
    let age = prop_oneof![0_i64..3_000, 0_i64..200_000];
    let manual = prop_oneof![3 => Just(Status::Operational), 1 => status()];
    (age, proptest::option::weighted(0.3, 0_u64..200), manual, 0_i64..4_000).prop_map(
        |(age_minutes, start_date, manual, manual_minutes)| ComponentModel {
            age_minutes,
            start_date,
            manual,
            manual_minutes: manual_minutes.min(age_minutes),
        },
    )
}

pub(super) fn incident_model() -> impl Strategy<Value = IncidentModel> {
    let statuses = proptest::collection::vec(proptest::option::weighted(0.5, status()), 3);
    let updates = proptest::collection::vec((0_i64..300, 0_usize..3, statuses), 1..4);
    let impact = proptest::option::weighted(0.3, (0..Impact::ALL.len()).prop_map(|index| Impact::ALL[index]));
    let age = prop_oneof![0_i64..2_000, 0_i64..150_000];
    let resolved = proptest::option::weighted(0.6, 0_i64..600);
    (age, updates, resolved, impact, proptest::bool::weighted(0.2)).prop_map(
        |(age_minutes, updates, resolved, impact_override, is_backfilled)| IncidentModel {
            age_minutes,
            updates,
            resolved,
            impact_override,
            is_backfilled,
        },
    )
}

pub(super) fn maintenance_model() -> impl Strategy<Value = MaintenanceModel> {
    let begun = proptest::option::weighted(0.6, 0_i64..20_000);
    (-20_000_i64..20_000, 1_i64..600, begun, 0_usize..3, proptest::collection::vec(any::<bool>(), 3)).prop_map(
        |(start_minutes, length_minutes, begun, end, components)| MaintenanceModel {
            start_minutes,
            length_minutes,
            begun,
            end,
            components,
        },
    )
}

pub(super) fn now() -> DateTime<Utc> {
    "2026-11-23T14:32:00Z".parse().unwrap()
}

pub(super) fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}

pub(super) fn component_id(index: usize) -> ComponentId {
    ComponentId::parse(&format!("c{index}")).unwrap()
}

pub(super) fn build_component(index: usize, model: &ComponentModel, zone: Tz) -> Component {
    Component {
        id: component_id(index),
        name: format!("Service {index}"),
        position: index as i64 + 1,
        start_date: model.start_date.map(|days| today(now(), zone) - Days::new(days)),
        created_at: ago(model.age_minutes),
        updated_at: ago(model.manual_minutes),
        ..component(model.manual)
    }
}

pub(super) fn build_update(id: String, at: DateTime<Utc>, phase: Phase, statuses: &[Option<Status>]) -> Update {
    let named = |(index, status): (usize, &Option<Status>)| {
        let status = (*status)?;
        Some(AffectedComponent { id: component_id(index), name: format!("Service {index}"), status })
    };
    Update {
        id: UpdateId::parse(&id).unwrap(),
        phase,
        body: "Text.".into(),
        posted_at: at,
        created_at: at,
        edited_at: None,
        version: 1,
        components: statuses.iter().enumerate().filter_map(named).collect(),
    }
}

pub(super) fn build_incident(index: usize, model: &IncidentModel) -> Incident {
    let started_at = ago(model.age_minutes);
    let mut at = started_at;
    let mut updates = Vec::new();
    for (place, (gap, phase, statuses)) in model.updates.iter().enumerate() {
        at = if place == 0 { at } else { (at + TimeDelta::minutes(*gap)).min(now()) };
        updates.push(build_update(format!("i{index}u{place}"), at, Phase::ALL[*phase], statuses));
    }
    let end = model.resolved.map(|minutes| (at + TimeDelta::minutes(minutes)).min(now()));
    if model.is_backfilled {
        updates.truncate(1);
        (updates[0].phase, updates[0].posted_at, updates[0].created_at) = (Phase::Resolved, now(), now());
    } else if let Some(end) = end {
        updates.push(build_update(format!("i{index}end"), end, Phase::Resolved, &[]));
    }
    let mut built = Incident {
        id: IncidentId::parse(&format!("i{index}")).unwrap(),
        title: format!("Incident {index}"),
        started_at,
        impact_override: model.impact_override,
        ended_at: end.filter(|_| model.is_backfilled),
        created_at: updates[0].created_at,
        updated_at: now(),
        ..incident(updates)
    };
    built.recompute();
    built
}

pub(super) fn build_maintenance(index: usize, model: &MaintenanceModel) -> Maintenance {
    let chosen = (0..model.components.len()).filter(|place| model.components[*place]);
    let names: Vec<String> = chosen.map(|place| component_id(place).to_string()).collect();
    let mut it = maintenance(0, 1, &names.iter().map(String::as_str).collect::<Vec<_>>());
    (it.id, it.title) = (MaintenanceId::parse(&format!("m{index}")).unwrap(), format!("Work {index}"));
    it.scheduled_for = now() + TimeDelta::minutes(model.start_minutes);
    it.scheduled_until = it.scheduled_for + TimeDelta::minutes(model.length_minutes);
    it.switches.completes = false;
    let id = |name: &str| UpdateId::parse(&format!("m{index}{name}")).unwrap();
    it.updates[0].id = id("told");
    if let Some(minutes) = model.begun {
        it.begin(id("begun"), ago(minutes)).unwrap();
    }
    let end = model.begun.map_or(now(), |minutes| ago(minutes / 2));
    match model.end {
        1 if model.begun.is_some() => it.complete(id("done"), end).unwrap(),
        2 => it.cancel("Off.".into(), id("off"), end).unwrap(),
        _ => {}
    }
    it
}

pub(super) fn build_page(zone: Tz) -> Page {
    Page {
        id: "page".into(),
        name: "Harbor".into(),
        url: String::new(),
        time_zone: zone,
        logo_text: String::new(),
        embedders: Vec::new(),
        brand: crate::domain::PageBrand::default(),
        links: Vec::new(),
        updated_at: ago(300_000),
        version: 1,
    }
}

pub(super) fn build_intervals(
    components: &[Component],
    models: &[ComponentModel],
    incidents: &[Incident],
    maintenances: &[Maintenance],
) -> Vec<StatusInterval> {
    let manual = components.iter().zip(models).filter(|(component, _)| component.status != Status::Operational);
    let manual = manual.map(|(component, model)| StatusInterval {
        component_id: component.id.clone(),
        incident_id: None,
        from: ago(model.manual_minutes),
        to: None,
        status: component.status,
    });
    let planned: Vec<StatusInterval> = maintenances.iter().flat_map(Maintenance::status_intervals).collect();
    let mut all = baselines_outside_maintenance(&manual.collect::<Vec<_>>(), &planned);
    all.extend(planned);
    all.extend(incidents.iter().flat_map(Incident::status_intervals));
    all
}

pub(super) fn build_snapshot(
    zone: Tz,
    models: &[ComponentModel],
    incidents: &[IncidentModel],
    maintenances: &[MaintenanceModel],
) -> Snapshot {
    let page = build_page(zone);
    let components: Vec<Component> =
        models.iter().enumerate().map(|(index, model)| build_component(index, model, zone)).collect();
    let mut incidents: Vec<Incident> =
        incidents.iter().enumerate().map(|(index, model)| build_incident(index, model)).collect();
    incidents.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
    let mut maintenances: Vec<Maintenance> =
        maintenances.iter().enumerate().map(|(index, model)| build_maintenance(index, model)).collect();
    maintenances.sort_by_key(|it| it.scheduled_for);
    let latest_first: Vec<Maintenance> = maintenances.iter().rev().cloned().collect();
    let open: Vec<Incident> = incidents.iter().filter(|it| it.is_open()).cloned().collect();
    let totals = Totals {
        count: incidents.len() as i64,
        resolved_seconds: incidents.iter().filter_map(Incident::duration).map(|length| length.num_seconds()).sum(),
        first_started_at: incidents.iter().map(|it| it.started_at).min(),
        ..Totals::default()
    };
    let since = past_days_start(now(), zone);
    Snapshot {
        revision: 1,
        database: DatabaseState::default(),
        groups: Vec::new(),
        status_intervals: build_intervals(&components, models, &incidents, &maintenances),
        titles: incidents.iter().map(|it| (it.id.clone(), it.title.clone())).collect(),
        recent: incidents.iter().filter(|it| it.started_at >= since).cloned().collect(),
        totals: totals.with_open(open.iter().map(|it| it.started_at)),
        planned: maintenances.iter().filter(|it| it.is_planned()).cloned().collect(),
        finished: latest_first.iter().filter(|it| !it.is_planned()).cloned().collect(),
        cancelled: Vec::new(),
        latest_maintenances: latest_first.clone(),
        listed_maintenances: latest_first,
        newest: incidents.clone(),
        listed: incidents,
        feed_ids: BTreeMap::new(),
        announcements: Vec::new(),
        next_announcement_change: None,
        next_step: None,
        audit: None,
        corrections: Vec::new(),
        postmortems: BTreeMap::new(),
        neighbours: BTreeMap::new(),
        components,
        open,
        page,
    }
}
