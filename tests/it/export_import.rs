//! Export and import: an imported export renders an equal page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use candor::cli::demo;
use candor::db::{Db, admin_incidents, components, feed_ids, incidents, maintenances, page_settings, postmortems};
use candor::domain::forms::{BrandForm, PageSettings};
use candor::domain::history::HistoryFilter;
use candor::domain::page::Link;
use candor::domain::postmortem::PublishedPostmortem;
use candor::domain::{
    Impact, IncidentId, MaintenanceId, MaintenancePhase, PageBrand, Phase, Postmortem, Status, UpdateId, Visibility,
};
use candor::import::{ImportOptions, ImportReport, SourceFiles, Statuspage, import};
use chrono::TimeDelta;

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures};

pub async fn empty_database(test: &TestDb) -> TestDb {
    match test.db {
        Db::Sqlite { .. } => TestDb::sqlite().await,
        Db::Postgres(..) => TestDb::postgres().await.expect("the cluster that the first one is in"),
    }
}

/// The sample with everything else that the documents can contain: a postmortem, an edited text, an impact override, a
/// component out of order, a maintenance in progress and a feed id from another program.
pub async fn exported_demo(test: &TestDb) {
    let company = demo::load_demo(test, &test.clock).await.unwrap();
    let now = test.clock.now();
    let mut tx = test.write().await.unwrap();
    let ids: Vec<IncidentId> = company.incidents.iter().map(|incident| incident.id.clone()).collect();
    for id in &ids {
        // No document contains `detected_by`.
        let mut incident = admin_incidents::find(&mut tx, id).await.unwrap();
        incident.detected_by = None;
        let at = incident.updated_at;
        incidents::update(&mut tx, &mut incident, at).await.unwrap();
    }
    let mut edited = admin_incidents::find(&mut tx, &ids[2]).await.unwrap();
    edited.updates[0].edited_at = Some(edited.updates[0].created_at + TimeDelta::hours(1));
    edited.impact_override = Some(edited.computed_impact);
    incidents::update(&mut tx, &mut edited, now).await.unwrap();
    let at = now - TimeDelta::hours(2);
    let published = PublishedPostmortem { body: "A valve was **stuck**.".into(), at, update_id: None };
    let body = published.body.clone();
    let mut review =
        Postmortem { incident: ids[3].clone(), body, published: Some(published), updated_at: now, version: 0 };
    postmortems::save(&mut tx, &mut review, now).await.unwrap();
    let mut part = components::list(&mut tx).await.unwrap().pop().unwrap();
    part.status = Status::DegradedPerformance;
    components::update(&mut tx, &mut part, now - TimeDelta::days(3)).await.unwrap();
    let mut going_on = fixtures::maintenance("goingon", now - TimeDelta::hours(1), now + TimeDelta::hours(1), &[]);
    going_on.zone = company.settings.time_zone;
    // The late reminder is skipped; otherwise a server would start the maintenance while its documents are read.
    for step in ["reminder", "start"] {
        going_on.take_step(UpdateId::parse(step).unwrap(), now).unwrap();
    }
    assert_eq!(going_on.phase, MaintenancePhase::InProgress);
    maintenances::insert(&mut tx, &going_on).await.unwrap();
    feed_ids::insert(&mut tx, ids[0].as_str(), "tag:old.example.org,2005:Incident/28461093").await.unwrap();
    test.commit(tx).await;
}

/// Copies what no document contains: the page's links and the text of its logo.
pub async fn copy_unexported_settings(from: &TestDb, to: &TestDb) {
    let there = page_settings::load(&mut from.read().await.unwrap()).await.unwrap();
    let mut tx = to.write().await.unwrap();
    let here = page_settings::load(&mut tx).await.unwrap();
    let settings = PageSettings {
        name: here.name.clone(),
        url: here.url.clone(),
        time_zone: here.time_zone,
        logo_text: there.logo_text,
        links: there.links,
        embedders: there.embedders,
    };
    page_settings::update(&mut tx, &here, &settings, here.updated_at).await.unwrap();
    to.commit(tx).await;
}

fn read_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(here) = folders.pop() {
        for entry in std::fs::read_dir(here).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The documents that differ and need not, compared byte for byte; documents of one incident are compared without the
/// keys in `omitted`.
pub async fn differing_documents(a: &TestApp, b: &TestApp, omitted: &[&str]) -> Vec<String> {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    a.publisher.export(folders[0].path(), std::iter::empty(), |_| {}).await.unwrap();
    b.publisher.export(folders[1].path(), std::iter::empty(), |_| {}).await.unwrap();
    let (a, b) = (read_files(folders[0].path()), read_files(folders[1].path()));
    assert!(a.len() > 100, "{} documents", a.len());
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let same = |name: &str| {
        let (a, b) = (a.get(name), b.get(name));
        let is_record = name.starts_with("incidents/") && name.ends_with(".json");
        // The documents contain no other time for the page's own row than that of its newest change.
        let is_history =
            name == "history.json" && without_keys(a, &["page_status"]) == without_keys(b, &["page_status"]);
        a == b || must_differ(name) || is_history || (is_record && without_keys(a, omitted) == without_keys(b, omitted))
    };
    let described = |name: &String| format!("{name}: {}", first_difference(a.get(name), b.get(name)));
    names.into_iter().filter(|name| !same(name)).map(described).collect()
}

/// The texts from shortly before the first byte that differs.
fn first_difference(a: Option<&Vec<u8>>, b: Option<&Vec<u8>>) -> String {
    let (Some(a), Some(b)) = (a, b) else { return format!("only {}", if a.is_some() { "here" } else { "there" }) };
    let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let around = |text: &[u8]| {
        let text = &text[at.saturating_sub(60)..text.len().min(at + 60)];
        String::from_utf8_lossy(text).into_owned()
    };
    format!("{:?} is {:?}", around(a), around(b))
}

fn without_keys(document: Option<&Vec<u8>>, keys: &[&str]) -> Option<serde_json::Value> {
    let mut value: serde_json::Value = serde_json::from_slice(document?).unwrap();
    value.as_object_mut().unwrap().retain(|key, _| !keys.contains(&key.as_str()));
    Some(value)
}

/// Documents that differ for a reason in docs/COMPATIBILITY.md.
fn must_differ(name: &str) -> bool {
    // Each database has its own audit log, and calendars count the changes of a maintenance.
    name == ".well-known/candor-audit" || name.ends_with(".ics")
}

pub async fn import_folder(test: &TestDb, folder: &Path) -> ImportReport {
    let files = SourceFiles::open(&Statuspage, &[folder.to_owned()]).unwrap();
    let reports = import(test, &files, &ImportOptions::default(), test.clock.now(), || {}).await.unwrap();
    let mut all = ImportReport::default();
    reports.into_iter().for_each(|report| all.extend(report));
    all
}

#[apply(on_both_databases!)]
async fn exported_page_imports_identically(test: TestDb) {
    let elsewhere = empty_database(&test).await;
    exported_demo(&test).await;
    let app = TestApp::new(test).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    app.publisher.export_documents(&out, |_| {}).await.unwrap();
    let report = import_folder(&elsewhere, &out).await;
    assert_eq!((report.refusals.as_slice(), report.warnings.as_slice()), (&[][..], &[][..]));
    assert!(import_folder(&elsewhere, &out).await.changes_nothing());
    copy_unexported_settings(&app.test, &elsewhere).await;
    let there = TestApp::new(elsewhere).await;
    let different = differing_documents(&app, &there, &[]).await;
    assert!(different.is_empty(), "{different:#?}");
}

#[apply(on_both_databases!)]
async fn export_has_every_public_incident_only(test: TestDb) {
    let app = TestApp::new(test).await;
    let now = app.clock.now();
    let mut all: Vec<_> = (0..130)
        .map(|index| fixtures::resolved(&format!("it{index}"), now - TimeDelta::days(index * 7), TimeDelta::hours(1)))
        .collect();
    all[1].visibility = Visibility::Internal;
    all[1].title = "Xylophone".into();
    app.add(&all).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    app.publisher.export_documents(&out, |_| {}).await.unwrap();
    let files = read_files(&out);
    let list: serde_json::Value = serde_json::from_slice(&files["api/v2/incidents.json"]).unwrap();
    assert_eq!(list["incidents"].as_array().unwrap().len(), 129);
    assert!(files.contains_key("incidents/it129.json") && files.contains_key("api/v2/incidents/it129.json"));
    // 129 weeks are nine full quarters and a part.
    assert!(files.contains_key("history-10.json") && files.len() < 129 * 2 + 25, "{} files", files.len());
    let codes: usize = files
        .iter()
        .filter(|(name, _)| name.starts_with("history") && name.ends_with(".json"))
        .map(|(_, text)| String::from_utf8_lossy(text).matches("\"code\":").count())
        .sum();
    assert_eq!(codes, 129, "every incident is in the history once");
    assert!(!files.values().any(|text| String::from_utf8_lossy(text).contains("Xylophone")));
    let again = app.publisher.export_documents(&out, |_| {}).await;
    assert!(again.unwrap_err().to_string().contains("not empty"));
}

#[apply(on_both_databases!)]
async fn imported_feed_entry_keeps_its_id(test: TestDb) {
    let app = TestApp::new(test).await;
    let now = app.clock.now();
    app.add(&[fixtures::incident("known", now), fixtures::incident("other", now - TimeDelta::hours(1))]).await;
    let from = now + TimeDelta::days(1);
    app.plan(&[fixtures::maintenance("planned", from, from + TimeDelta::hours(1), &[])]).await;
    let entry = |id: &str, code: &str| {
        format!(
            "<entry><id>{id}</id><title>x</title><updated>2026-03-01T19:40:00Z</updated>
             <link rel=\"alternate\" type=\"text/html\" href=\"https://status.acme.test/incidents/{code}\"/></entry>"
        )
    };
    let feed = format!(
        "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><id>tag:status.acme.test,2005:/history</id>
         <title>x</title><updated>2026-03-01T19:40:00Z</updated>
         <link rel=\"alternate\" type=\"text/html\" href=\"https://status.acme.test\"/>{}{}{}{}{}</feed>",
        entry("tag:status.acme.test,2005:Incident/101", "known"),
        entry("tag:status.acme.test,2005:Incident/102", "planned"),
        entry("tag:status.acme.test,2005:Incident/101", "other"),
        entry("tag:status.acme.test,2005:Incident/103", "gone"),
        entry("two words: &lt;x&gt;", "other"),
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("history.atom"), feed).unwrap();
    let report = import_folder(&app.test, folder.path()).await;
    let counts = report.feed_ids;
    assert_eq!((counts.created, counts.refused, counts.skipped), (2, 1, 1), "{report:#?}");
    assert!(report.skips[0].ends_with("incident gone was not imported"), "{report:#?}");
    assert!(import_folder(&app.test, folder.path()).await.changes_nothing());
    app.publish().await;
    for feed in ["/history.atom", "/feed.json"] {
        let text = app.visitor().get(feed).await.text();
        for id in ["acme.test,2005:Incident/101", "acme.test,2005:Incident/102"] {
            assert_eq!(text.matches(id).count(), 1, "{id} in {feed}: {text}");
        }
    }
    // A change of the incident does not change its feed id.
    let mut incident = app.incident("known").await;
    incident.title = "Another title".into();
    let mut tx = app.db.write().await.unwrap();
    incidents::update(&mut tx, &mut incident, now).await.unwrap();
    app.test.commit(tx).await;
    app.publish().await;
    assert!(app.visitor().get("/history.atom").await.text().contains("acme.test,2005:Incident/101"));
}

#[apply(on_both_databases!)]
async fn postmortem_is_imported(test: TestDb) {
    let folder = tempfile::tempdir().unwrap();
    let update = |status: &str, body: &str, minute: u32| {
        serde_json::json!({"id": format!("{status}{minute}"), "status": status, "body": body,
                           "display_at": format!("2026-03-01T10:{minute:02}:00Z")})
    };
    let written = |body: &str| {
        serde_json::json!({"incidents": [
            {"id": "told", "name": "Told", "status": "postmortem", "impact": "minor", "created_at": "2026-03-01T10:00:00Z",
             "resolved_at": "2026-03-01T10:05:00Z", "incident_updates": [
                update("postmortem", body, 30), update("resolved", "Over", 5), update("investigating", "Looking", 0)]},
            {"id": "draft", "name": "Draft", "status": "resolved", "impact": "none", "created_at": "2026-03-01T10:00:00Z",
             "resolved_at": "2026-03-01T10:06:00Z", "postmortem_body": "Not yet.", "postmortem_published_at": null,
             "incident_updates": [update("resolved", "Over too", 6)]}]})
    };
    let file = folder.path().join("incidents.json");
    std::fs::write(&file, written("A pump failed.").to_string()).unwrap();
    let report = import_folder(&test, folder.path()).await;
    assert_eq!((report.incidents.created, report.warnings.len()), (2, 1), "{:#?}", report.warnings);
    assert!(import_folder(&test, folder.path()).await.changes_nothing());
    let mut tx = test.read().await.unwrap();
    let all = incidents::list(&mut tx, &HistoryFilter::default(), (None, None), None, 9).await.unwrap();
    let incident = all.iter().find(|it| it.id.as_str() == "told").unwrap();
    assert_eq!((incident.updates.len(), incident.phase, incident.impact()), (2, Phase::Resolved, Impact::Minor));
    let review = postmortems::find_published(&mut tx, &incident.id).await.unwrap().unwrap();
    assert_eq!(review.update_id.as_ref().unwrap().as_str(), "postmortem30");
    assert_eq!((review.body.as_str(), review.at.to_rfc3339()), ("A pump failed.", "2026-03-01T10:30:00+00:00".into()));
    let draft = IncidentId::parse("draft").unwrap();
    let unpublished = postmortems::find(&mut tx, &draft).await.unwrap().unwrap();
    assert!(unpublished.published.is_none() && unpublished.body == "Not yet.");
    drop(tx);
    std::fs::write(&file, written("A pump and a valve failed.").to_string()).unwrap();
    assert_eq!(import_folder(&test, folder.path()).await.incidents.changed, 1);
    let review = postmortems::find_published(&mut test.read().await.unwrap(), &IncidentId::parse("told").unwrap())
        .await
        .unwrap();
    assert_eq!(review.unwrap().body, "A pump and a valve failed.");
}

#[apply(on_both_databases!)]
async fn broken_file_does_not_affect_others(test: TestDb) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("incidents")).unwrap();
    let whole = r#"{"id":"whole","name":"Whole","status":"resolved","impact":"none","created_at":"2026-03-01T10:00:00Z",
                    "incident_updates":[{"id":"u","status":"resolved","body":"x","display_at":"2026-03-01T10:00:00Z"}],
                    "scheduled_for":null}"#;
    std::fs::write(folder.path().join("incidents/whole.json"), whole).unwrap();
    std::fs::write(folder.path().join("incidents/broken.json"), "{\"id\":").unwrap();
    let work = r#"{"id":"work","name":"Work","status":"scheduled","created_at":"2026-03-01T10:00:00Z","incident_updates":[],
                   "scheduled_for":"2026-12-01T10:00:00Z","scheduled_until":"2026-12-01T11:00:00Z",
                   "scheduled_remind_prior":true,"scheduled_auto_in_progress":false,"scheduled_auto_completed":true}"#;
    std::fs::write(folder.path().join("incidents/work.json"), work).unwrap();
    let report = import_folder(&test, folder.path()).await;
    assert_eq!((report.incidents.created, report.incidents.refused, report.maintenances.created), (1, 1, 1));
    assert!(report.refusals[0].contains("broken.json"), "{:#?}", report.refusals);
    let mut tx = test.read().await.unwrap();
    let work = maintenances::find(&mut tx, &MaintenanceId::parse("work").unwrap()).await.unwrap();
    assert!(work.switches.reminds && !work.switches.starts && work.switches.completes);
    assert_eq!(work.remind_at.unwrap().to_rfc3339(), "2026-12-01T09:00:00+00:00");
    drop(tx);
    // An invalid list stops the import before anything is written.
    std::fs::write(folder.path().join("incidents.json"), "[").unwrap();
    let files = SourceFiles::open(&Statuspage, &[folder.path().to_owned()]).unwrap();
    let stopped = import(&test, &files, &ImportOptions::default(), test.clock.now(), || {}).await.unwrap_err();
    assert!(stopped.to_string().contains("nothing was imported"), "{stopped}");
}

const SVG: &[u8] =
    b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><path fill='#0f5f6b' d='M0 0h9v9H0z'/></svg>";

/// Gives the page a brand with every field.
async fn add_brand(test: &TestDb) {
    let form = BrandForm {
        header_text: "Nightjar".into(),
        accent: "#6a3fc8".into(),
        ground: "own".into(),
        ground_light: "#faf9ff".into(),
        ground_dark: "#121018".into(),
        typeface: "serif".into(),
        appearance: "automatic".into(),
        links: "https://example.org/help Help".into(),
        about: "We run **trains**.".into(),
        support: "help@example.org".into(),
        noindex: true,
        ..BrandForm::default()
    };
    let (logo, icon) = (candor::logo::sanitize_logo(SVG).unwrap(), candor::logo::sanitize_favicon(SVG).unwrap());
    let settings = form.parse(&PageBrand::default(), [Some(logo), None, Some(icon)]).unwrap();
    let mut tx = test.write().await.unwrap();
    let page = page_settings::load(&mut tx).await.unwrap();
    page_settings::update_brand(&mut tx, &page, &settings, page.updated_at).await.unwrap();
    test.commit(tx).await;
}

async fn stored_brand(test: &TestDb) -> (String, Vec<Link>, PageBrand) {
    let page = page_settings::load(&mut test.read().await.unwrap()).await.unwrap();
    (page.logo_text, page.links, page.brand)
}

#[apply(on_both_databases!)]
async fn export_and_import_carry_the_brand(test: TestDb) {
    let elsewhere = empty_database(&test).await;
    add_brand(&test).await;
    let app = TestApp::new(test).await;
    let folder = tempfile::tempdir().unwrap();
    let (site, out) = (folder.path().join("site"), folder.path().join("out"));
    app.publisher.export(&site, std::iter::empty(), |_| {}).await.unwrap();
    let files = read_files(&site);
    let status = String::from_utf8_lossy(&files["index.html"]).into_owned();
    for part in ["<img src=\"data:image/svg+xml,", "--accent:", "Nightjar", "<strong>trains</strong>", "noindex"] {
        assert!(status.contains(part), "{part} in {status}");
    }
    assert!(!status.contains("Powered by") && files.contains_key("robots.txt"));
    app.publisher.export_documents(&out, |_| {}).await.unwrap();
    let report = import_folder(&elsewhere, &out).await;
    assert_eq!((report.warnings.as_slice(), report.refusals.as_slice()), (&[][..], &[][..]));
    assert_eq!(stored_brand(&elsewhere).await, stored_brand(&app.test).await);
    assert!(stored_brand(&elsewhere).await.2.favicon.is_some());
    assert!(import_folder(&elsewhere, &out).await.changes_nothing());
}

#[apply(on_both_databases!)]
async fn hostile_brand_is_not_imported(test: TestDb) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("brand.json");
    let (good, script) =
        ("\"ground\":\"warm\",\"typeface\":\"system\",\"appearance\":\"light\"", "PHN2Zz48c2NyaXB0Lz48L3N2Zz4=");
    for wrong in [
        format!("{{\"brand\":{{{good},\"logo\":\"{script}\"}}}}"),
        format!("{{\"brand\":{{{good},\"favicon\":\"{script}\"}}}}"),
        format!("{{\"brand\":{{{good},\"favicon\":\"no base64\"}}}}"),
        format!("{{\"brand\":{{{good},\"accent\":\"red;}}\"}}}}"),
        format!("{{\"brand\":{{{good},\"support\":\"javascript:alert(1)\"}}}}"),
        "{\"brand\":{\"ground\":\"pink\"}}".to_owned(),
    ] {
        std::fs::write(&file, &wrong).unwrap();
        let report = import_folder(&test, folder.path()).await;
        assert_eq!((report.warnings.len(), report.changes_nothing()), (1, true), "{wrong}: {report:?}");
        assert_eq!(stored_brand(&test).await.2, PageBrand::default());
    }
}

#[tokio::test]
async fn backup_carries_the_brand() {
    let test = TestDb::sqlite().await;
    add_brand(&test).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");
    test.db.backup(&file).await.unwrap();
    let copy = TestDb::at(format!("sqlite://{}", file.display()));
    assert_eq!(stored_brand(&copy).await, stored_brand(&test).await);
}
