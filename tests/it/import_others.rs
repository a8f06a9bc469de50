//! Imports from Cachet, cState and Uptime Kuma: previews and warnings match, and a second import changes nothing.

use std::path::PathBuf;

use candor::db::{admin_incidents, components, incidents, maintenances, page_settings};
use candor::domain::{
    Component, Incident, IncidentId, Maintenance, MaintenanceId, MaintenancePhase, Phase, Status, Visibility,
};
use candor::import::{CState, Cachet, Format, ImportOptions, ImportReport, Kuma, SourceFiles, import, preview};
use chrono_tz::Tz;

use crate::cli::{candor, stderr_text, stdout_text};
use crate::support::TestDb;

const LISBON: Tz = Tz::Europe__Lisbon;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures")).join(name)
}

/// Previews and imports a fixture, which must agree, and imports it again, which must change nothing.
async fn preview_and_import(test: &TestDb, format: &dyn Format, name: &str) -> ImportReport {
    let files = SourceFiles::open(format, &[fixture(name)]).unwrap();
    let sum = |reports: Vec<ImportReport>| {
        let mut all = ImportReport::default();
        reports.into_iter().for_each(|report| all.extend(report));
        all
    };
    let (options, now) = (ImportOptions::default(), test.clock.now());
    let before = test.read().await.unwrap().revision().await.unwrap();
    let previewed = sum(preview(test, &files, &options, now, || {}).await.unwrap());
    assert_eq!(test.read().await.unwrap().revision().await.unwrap(), before);
    let imported = sum(import(test, &files, &options, now, || {}).await.unwrap());
    assert_eq!(imported, previewed);
    let again = sum(import(test, &files, &options, now, || {}).await.unwrap());
    assert!(again.changes_nothing(), "{again:#?}");
    imported
}

async fn list_components(test: &TestDb) -> Vec<Component> {
    components::list(&mut test.read().await.unwrap()).await.unwrap()
}

async fn find_incident(test: &TestDb, id: &str) -> Incident {
    admin_incidents::find(&mut test.read().await.unwrap(), &IncidentId::parse(id).unwrap()).await.unwrap()
}

async fn find_maintenance(test: &TestDb, id: &str) -> Maintenance {
    maintenances::find(&mut test.read().await.unwrap(), &MaintenanceId::parse(id).unwrap()).await.unwrap()
}

fn has_warning(report: &ImportReport, words: &[&str]) -> bool {
    let all = report.warnings.iter().chain(&report.refusals);
    all.into_iter().any(|sentence| words.iter().all(|word| sentence.contains(word)))
}

#[apply(on_both_databases!)]
async fn cachet_responses_are_imported(test: TestDb) {
    let report = preview_and_import(&test, &Cachet { zone: LISBON }, "cachet").await;
    assert_eq!((report.groups.created, report.components.created, report.incidents.created), (1, 3, 4), "{report:#?}");
    assert_eq!((report.maintenances.created, report.refusals.len()), (2, 0), "{:#?}", report.refusals);
    let parts = list_components(&test).await;
    let (shop, webcam) = (&parts[0], parts.iter().find(|part| part.name == "Webcam").unwrap());
    assert_eq!((shop.name.as_str(), shop.group_id.as_ref().unwrap().as_str()), ("Ticket shop", "group-1"));
    assert_eq!(webcam.status, Status::MajorOutage, "nothing explains it");
    let stuck = find_incident(&test, "1").await;
    let phases: Vec<Phase> = stuck.updates.iter().map(|update| update.phase).collect();
    assert_eq!(phases, [Phase::Investigating, Phase::Identified, Phase::Resolved]);
    // Lisbon is at UTC+1 in October until the clock change.
    assert_eq!(stuck.started_at.to_rfc3339(), "2026-10-24T09:00:00+00:00");
    assert_eq!(stuck.ended_at.unwrap().to_rfc3339(), "2026-10-24T10:30:00+00:00");
    assert_eq!(stuck.updates[2].edited_at.unwrap().to_rfc3339(), "2026-10-24T10:50:00+00:00");
    assert_eq!((stuck.affected_components()[0].1, stuck.updates[1].id.as_str()), ("Turnstiles", "update-11"));
    // An open incident affects its component; the baseline stays operational.
    let slow = find_incident(&test, "2").await;
    assert!(slow.is_open() && slow.phase == Phase::Monitoring);
    assert_eq!(slow.statuses().into_values().collect::<Vec<_>>(), [Status::PartialOutage]);
    assert_eq!(shop.status, Status::Operational);
    assert_eq!(find_incident(&test, "3").await.visibility, Visibility::Internal);
    assert!(incidents::find(&mut test.read().await.unwrap(), &IncidentId::parse("3").unwrap()).await.is_err());
    assert_eq!(find_incident(&test, "5").await.phase, Phase::Investigating);
    let lamp = find_maintenance(&test, "schedule-1").await;
    assert_eq!((lamp.phase, lamp.components[0].name.as_str()), (MaintenancePhase::Completed, "Webcam"));
    assert_eq!(lamp.scheduled_until.to_rfc3339(), "2026-08-04T00:15:00+00:00");
    let stairs = find_maintenance(&test, "schedule-2").await;
    assert_eq!((stairs.scheduled_until - stairs.scheduled_for).num_minutes(), 60);
    for words in [&["page 1 of 2"][..], &["Old guestbook", "not enabled"], &["incident 5", "no text"]] {
        assert!(has_warning(&report, words), "{words:?}: {:#?}", report.warnings);
    }
}

#[apply(on_both_databases!)]
async fn cstate_files_are_imported(test: TestDb) {
    let report = preview_and_import(&test, &CState { zone: LISBON }, "cstate").await;
    assert_eq!((report.groups.created, report.components.created, report.incidents.created), (2, 4, 3), "{report:#?}");
    let page = page_settings::load(&mut test.read().await.unwrap()).await.unwrap();
    assert_eq!((page.name.as_str(), page.time_zone, page.url.as_str()), ("Harbour of Quill", LISBON, ""));
    let parts = list_components(&test).await;
    assert_eq!(parts[0].description, "Booking a berth, by web and by radio.");
    let berths = find_incident(&test, "2026-10-01-berths-double-booked").await;
    let updates: Vec<(Phase, String)> =
        berths.updates.iter().map(|update| (update.phase, update.posted_at.format("%H:%M").to_string())).collect();
    assert_eq!(
        updates,
        [
            (Phase::Investigating, "08:00".into()),
            (Phase::Identified, "09:10".into()),
            (Phase::Resolved, "10:45".into())
        ]
    );
    assert!(berths.updates[2].body.ends_with("own.\n\nWhoever had to wait at anchor gets a free night."));
    assert_eq!(berths.updates[1].body, "Two harbour masters wrote into **one** book.");
    let affected: Vec<&str> = berths.affected_components().into_iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(affected, ["berth-booking", "tide-tables"]);
    let customs = find_incident(&test, "customs-desk-closed").await;
    assert!(customs.is_open() && customs.statuses().into_values().eq([Status::MajorOutage]));
    assert!(
        has_warning(&report, &["Regatta in December", "informational"])
            && has_warning(&report, &["Not to be read yet", "draft"])
    );
    assert!(has_warning(&report, &["broken.md", "front matter"]), "{:#?}", report.refusals);
}

#[apply(on_both_databases!)]
async fn kuma_backup_imports_components_without_secrets(test: TestDb) {
    let report = preview_and_import(&test, &Kuma, "kuma/backup.json").await;
    assert_eq!((report.groups.created, report.components.created), (1, 3), "{report:#?}");
    let parts = list_components(&test).await;
    let names: Vec<(&str, bool)> = parts.iter().map(|part| (part.name.as_str(), part.group_id.is_some())).collect();
    assert_eq!(names, [("Telescope control", true), ("Star catalogue", true), ("Gift shop", false)]);
    assert!(has_warning(&report, &["Old dome", "paused"]) && has_warning(&report, &["only the monitors"]));
    let everything = format!("{parts:?} {report:?} {:?}", list_audit(&test).await);
    assert!(!everything.contains("never-import-me"), "{everything}");
}

async fn list_audit(test: &TestDb) -> Vec<candor::domain::audit::Record> {
    candor::db::audit::list(&mut test.read().await.unwrap(), None, 100).await.unwrap()
}

#[apply(on_both_databases!)]
async fn kuma_page_is_imported_with_events(test: TestDb) {
    let report = preview_and_import(&test, &Kuma, "kuma/status-page.json").await;
    assert_eq!((report.groups.created, report.components.created, report.incidents.created), (2, 3, 1), "{report:#?}");
    let clouds = find_incident(&test, "incident-3").await;
    assert!(clouds.is_open() && clouds.updates[0].edited_at.is_some());
    let mirror = find_maintenance(&test, "maintenance-1").await;
    assert_eq!(mirror.scheduled_for.to_rfc3339(), "2026-12-02T10:00:00+00:00");
    assert_eq!(find_maintenance(&test, "maintenance-2").await.phase, MaintenancePhase::Completed);
    assert!(has_warning(&report, &["By hand", "not active"]) && has_warning(&report, &["Nightly restart", "recurs"]));
}

#[apply(on_both_databases!)]
async fn commands_import_other_formats(test: TestDb) {
    let path = |name: &str| fixture(name).display().to_string();
    let preview =
        stdout_text(&candor(&test, &["import", "cachet", "--zone", "Europe/Lisbon", "--dry-run", &path("cachet")], ""));
    assert!(preview.contains("(dry run)") && preview.contains("incidents: 4 created"), "{preview}");
    assert!(list_components(&test).await.is_empty());
    for (format, name) in [("cachet", "cachet"), ("cstate", "cstate"), ("kuma", "kuma/backup.json")] {
        let output = candor(&test, &["import", format, &path(name)], "");
        // One file of the cState fixture has no front matter.
        assert_eq!(output.status.code(), Some(if format == "cstate" { 2 } else { 0 }));
        let output_text = String::from_utf8(output.stdout).unwrap();
        assert!(output_text.contains("components:") && output_text.contains("created"), "{output_text}");
    }
    let wrong = candor(&test, &["import", "kuma", &path("cachet/groups.json")], "");
    assert!(stderr_text(&wrong, 1).contains("neither a backup nor a status page"));
    let wrong = candor(&test, &["import", "cachet", "--zone", "Mars/Sea", &path("cachet")], "");
    assert!(stderr_text(&wrong, 2).contains("--zone"));
}
