//! Pages about incidents and their updates, with sample data.

use super::*;
use crate::domain::subscriber::Channel;

pub fn pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let shell = || world.shell.clone();
    let text = world.text.clone();
    let mut written = UpdateForm::from_incident(&world.open);
    written.phase = "monitoring".into();
    written.body = format!("{text}\n\nOutbound traffic uses the second pool. The queue is **shrinking**.");
    let mut conflict = world.view(&world.open, written.clone());
    conflict.conflict = world.conflict(());
    let mut asking = world.view(&world.open, written.clone());
    asking.suggested_phase = Some(Phase::Resolved);
    let notice = AdminContext { notice: Some(format!("Published: {text}")), ..shell() };
    vec![
        (
            "dashboard",
            Dashboard {
                queue: QueueState::default(),
                shell: notice,
                open: vec![world.open.clone()],
                older: Some("1_m".into()),
                planned: vec![world.under_way(), world.planned()],
                board: world.board(),
                recent: vec![world.over.clone()],
                drafts: vec![world.draft()],
                readers: vec![world.reader()],
                checklist: None,
                subscribers: vec![(Channel::Email, 1204)],
                activity: people::records(world),
            }
            .html(),
        ),
        (
            "dashboard-empty",
            Dashboard {
                queue: QueueState::default(),
                shell: AdminContext { tone: Tone::Operational, ..shell() },
                open: vec![],
                older: None,
                planned: vec![],
                board: ComponentBoard::default(),
                recent: vec![],
                drafts: vec![],
                readers: vec![],
                checklist: None,
                subscribers: vec![],
                activity: vec![],
            }
            .html(),
        ),
        (
            "incidents",
            IncidentList {
                shell: shell(),
                search: IncidentSearch { text: text.clone(), ..Default::default() },
                incidents: vec![world.open.clone(), world.over.clone()],
                older: Some("late".into()),
            }
            .html(),
        ),
        ("incident", world.view(&world.open, written).html()),
        ("incident-untouched", world.view(&world.open, UpdateForm::from_incident(&world.open)).html()),
        ("incident-resolved", world.view(&world.over, UpdateForm::from_incident(&world.over)).html()),
        ("incident-conflict", conflict.html()),
        ("incident-asking", asking.html()),
        (
            "incident-delete",
            IncidentDeletion {
                shell: shell(),
                incident: world.open.clone(),
                typed: text,
                invalid: Invalid::field("title", "The title does not match."),
            }
            .html(),
        ),
    ]
    .into_iter()
    .chain(incident_forms(world))
    .collect()
}

fn incident_forms(world: &Gallery) -> Vec<(&'static str, String)> {
    let shell = || world.shell.clone();
    let new = |form, invalid| {
        let (board, extras) = (world.board(), world.extras());
        IncidentNew { shell: shell(), form, invalid, board, extras, suggested_phase: None, focus_update: None }.html()
    };
    let wrong = IncidentForm {
        phase: "investigating".into(),
        details: IncidentDetailsForm {
            ended_at: "2026-11-23T14:00".into(),
            detected_by: world.text.clone(),
            ..Default::default()
        },
        ..Default::default()
    };
    let row =
        |phase: Phase, at: &str| PastUpdateForm { phase: phase.key().into(), at: at.into(), body: world.text.clone() };
    let past = IncidentForm {
        title: "Logins failed".into(),
        past: vec![
            row(Phase::Investigating, "2026-11-20T09:00"),
            row(Phase::Identified, "2026-11-20T08:25"),
            PastUpdateForm { body: String::new(), ..row(Phase::Resolved, "") },
        ],
        details: IncidentDetailsForm { zone: "Europe/Lisbon".into(), ..Default::default() },
        ..Default::default()
    };
    let past_invalid = past.parse().unwrap_err();
    let mut mine = IncidentDetailsForm::from_incident(&world.open, Tz::UTC);
    mine.title = "My title".into();
    mine.version = 5;
    let theirs = IncidentDetailsForm { title: "Their title".into(), ..mine.clone() };
    let edit = |form, conflict| {
        IncidentEdit { shell: shell(), incident: world.open.clone(), form, invalid: Invalid::new(), conflict }.html()
    };
    let invalid = wrong.parse().unwrap_err();
    vec![
        ("incident-new", new(IncidentForm::default(), Invalid::new())),
        ("incident-new-wrong", new(wrong, invalid)),
        ("incident-past", new(past.clone(), Invalid::new())),
        ("incident-past-wrong", new(past, past_invalid)),
        ("incident-edit", edit(IncidentDetailsForm::from_incident(&world.open, Tz::UTC), None)),
        ("incident-edit-conflict", edit(mine, world.conflict(theirs))),
    ]
}

pub fn update_pages(world: &Gallery) -> Vec<(&'static str, String)> {
    let shell = || world.shell.clone();
    let update = world.open.updates[0].clone();
    let form = UpdateEditForm::from_update(&update);
    let theirs = UpdateEditForm { body: format!("{} They said more.", world.text), version: 2 };
    let edit = UpdateEditView {
        shell: shell(),
        incident: world.open.clone(),
        update: update.clone(),
        form,
        invalid: Invalid::new(),
        conflict: world.conflict(theirs),
    };
    vec![
        ("update-edit-conflict", edit.html()),
        ("update-delete", UpdateDeletion { shell: shell(), incident: world.open.clone(), update }.html()),
    ]
}
