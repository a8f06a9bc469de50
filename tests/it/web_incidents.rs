//! Incidents and updates, through the forms of the admin.

use axum::http::StatusCode;
use candor::domain::Role::{Owner, Publisher};
use candor::domain::{Component, Impact, Incident, Manager, Phase, Status};
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp, status_of};

const TEXT: &str = "Mail from some senders arrives late.";

struct AdminSession {
    app: TestApp,
    manager: Manager,
    publisher: Browser,
    api: Component,
    mail: Component,
}

impl AdminSession {
    async fn over(test: TestDb) -> Self {
        let app = TestApp::new(test).await;
        let manager = app.manager("Publisher", Publisher).await;
        let publisher = app.with_session(&manager).await;
        let (api, mail) = (app.component("API").await, app.component("Mail").await);
        Self { app, manager, publisher, api, mail }
    }

    async fn open(&mut self, phase: &str, components: &[(&Component, Status)]) -> String {
        let mut fields = vec![("title".to_owned(), "Mail is late"), ("phase".into(), phase), ("body".into(), TEXT)];
        fields.extend(components.iter().map(|(component, status)| (status_of(&component.id), status.key())));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let answer = self.publisher.post("/admin/incidents", &fields).await;
        opened_id(&answer)
    }

    /// Posts an update with the current version of the incident. Uses a new session, because tests let hours pass.
    async fn update(&mut self, id: &str, phase: &str, body: &str, components: &[(&Component, Status)]) -> Answer {
        let version = self.app.incident(id).await.version.to_string();
        let mut fields = vec![("version".to_owned(), version.as_str()), ("phase".into(), phase), ("body".into(), body)];
        fields.extend(components.iter().map(|(component, status)| (status_of(&component.id), status.key())));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let mut publisher = self.app.with_session(&self.manager).await;
        publisher.post(&format!("/admin/incidents/{id}/updates"), &fields).await
    }

    /// The statuses of the two components on the public page.
    async fn board(&self) -> [String; 2] {
        let page = self.app.visitor().get("/").await;
        [&self.api, &self.mail].map(|component| page.word(&format!("#component-{} > .line > .state", component.id)))
    }
}

fn opened_id(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let id =
        answer.location().strip_prefix("/admin/incidents/").and_then(|rest| rest.strip_suffix("?done=incident-opened"));
    id.unwrap_or_else(|| panic!("{}", answer.location())).to_owned()
}

fn list_phases(incident: &Incident) -> Vec<Phase> {
    incident.updates.iter().map(|update| update.phase).collect()
}

#[apply(on_both_databases!)]
async fn an_incident_opens_in_any_phase(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    for phase in Phase::ALL {
        let id = admin.open(phase.key(), &[]).await;
        let incident = admin.app.incident(&id).await;
        let end = (phase == Phase::Resolved).then_some(admin.app.clock.now());
        assert_eq!((incident.phase, incident.started_at, incident.ended_at), (phase, admin.app.clock.now(), end));
        let page = admin.app.visitor().get(&format!("/incidents/{id}")).await;
        assert_eq!(page.word(".timeline .said strong"), phase.words());
        assert!(page.word(".timeline .text").contains(TEXT));
    }
}

#[apply(on_both_databases!)]
async fn resolved_incident_folds_the_empty_composer(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let api = admin.api.clone();
    let id = admin.open("identified", &[(&api, Status::PartialOutage)]).await;
    let path = format!("/admin/incidents/{id}");
    let open = admin.publisher.get(&path).await;
    assert_eq!((open.word("h1").as_str(), open.words("#another-update").len()), ("Mail is late", 0));
    assert_eq!(open.words(".crumbs li"), ["Incidents", "Post update"]);
    assert_eq!(open.words(".title-line .pill.t-partial").len(), 1, "graded as on the public page");
    admin.update(&id, "resolved", "Over.", &[]).await;
    let over = admin.publisher.get(&path).await;
    assert_eq!(
        (over.word("h1").as_str(), over.word("#another-update > summary").as_str()),
        ("Mail is late", "Post another update or reopen")
    );
    assert_eq!(over.attributes("#another-update form", "action"), [format!("{path}/updates")]);
    assert_eq!(over.words("details#another-update[open]").len(), 0);
    let version = admin.app.incident(&id).await.version.to_string();
    let wrong = admin.publisher.post(&format!("{path}/updates"), &[("version", &version), ("phase", "resolved")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (wrong.words("#another-update").len(), wrong.message("body").is_empty()),
        (0, false),
        "{}",
        wrong.text()
    );
}

#[apply(on_both_databases!)]
async fn opened_incident_is_published_before_response(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let before = admin.app.visitor().get("/").await;
    assert_eq!(before.word("h1"), "This status page is being set up");
    let mail = admin.mail.clone();
    let id = admin.open("identified", &[(&mail, Status::MajorOutage)]).await;
    // The change is published before the form is answered.
    let after = admin.app.visitor().get("/").await;
    assert_eq!(after.word("h1"), "Mail: major outage since 12:00");
    assert_eq!(after.word(".card h3"), "Mail is late");
    assert_eq!(after.word(".card .pill"), "Identified · just now");
    assert_eq!(after.word(".card .facts .state"), "Mail: major outage");
    assert!(admin.app.visitor().get("/history").await.text().contains(&format!("/incidents/{id}")));
    assert_eq!(admin.app.visitor().get(&format!("/incidents/{id}")).await.word("h1"), "Mail is late");
    assert!(
        admin.publisher.get(&format!("/admin/incidents/{id}?done=incident-opened")).await.text().contains("published")
    );
}

#[apply(on_both_databases!)]
async fn all_errors_are_shown_and_typed_text_is_kept(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let mail = status_of(&admin.mail.id);
    let long = "x".repeat(256);
    let fields = [
        ("title", long.as_str()),
        ("phase", "broken"),
        ("body", " \n\t "),
        (mail.as_str(), "partial_outage"),
        ("impact", "huge"),
        ("started_at", "yesterday"),
        ("ended_at", "2026-11-10T25:00"),
        ("zone", "Europe/Lisbon"),
        ("detected_by", "a\tprobe <b>\"&amp;"),
        ("internal_note", "ring\u{7}bell"),
    ];
    let before = admin.app.all_content().await;
    let answer = admin.publisher.post("/admin/incidents", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let wrong = ["title", "phase", "body", "impact", "started_at", "ended_at", "detected_by", "internal_note"];
    let summary = answer.attributes(".summary a", "href");
    for name in wrong {
        assert!(!answer.message(name).is_empty(), "no message beside {name}");
        assert!(summary.contains(&format!("#{name}")), "{name} is not in the summary: {summary:?}");
    }
    assert_eq!(answer.message("title"), "At most 255 characters; this has 256.");
    for (name, value) in fields.iter().filter(|(name, _)| !["phase", "impact"].contains(name)) {
        assert_eq!(answer.field(name), *value, "{name} is lost");
    }
    assert!(admin.app.all_content().await == before);
    let empty = admin.publisher.post("/admin/incidents", &[]).await;
    assert!(
        empty.message("title").starts_with("Enter a title") && empty.message("body").starts_with("Enter a message")
    );
}

#[apply(on_both_databases!)]
async fn times_must_be_past_and_ordered(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let mut sent = async |phase, started, ended| {
        let fields = [
            ("title", "Mail is late"),
            ("phase", phase),
            ("body", TEXT),
            ("started_at", started),
            ("ended_at", ended),
            ("zone", "UTC"),
        ];
        let answer = admin.publisher.post("/admin/incidents", &fields).await;
        assert_eq!((answer.field("started_at"), answer.field("ended_at")), (started.to_owned(), ended.to_owned()));
        (answer.status.as_u16(), answer.message("started_at"), answer.message("ended_at"))
    };
    let (status, started, _) = sent("investigating", "2026-11-10T12:01", "").await;
    assert_eq!((status, started.as_str()), (422, "The start is in the future."));
    let (status, _, ended) = sent("resolved", "2026-11-10T11:00", "2026-11-10T12:01").await;
    assert_eq!((status, ended.as_str()), (422, "The end is in the future."));
    let (status, _, ended) = sent("resolved", "2026-11-10T11:00", "2026-11-10T10:59").await;
    assert_eq!((status, ended.as_str()), (422, "The end is before the start."));
    let (status, _, ended) = sent("monitoring", "2026-11-10T10:00", "2026-11-10T11:00").await;
    assert!(status == 422 && ended.starts_with("Only resolved incidents have an end time"), "{ended}");
}

#[apply(on_both_databases!)]
async fn deleted_component_or_unknown_status_is_rejected(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let basic = [("title", "Mail is late"), ("phase", "identified"), ("body", TEXT)];
    let api = status_of(&admin.api.id);
    let broken = [&basic[..], &[(&api, "on_fire")]].concat();
    let answer = admin.publisher.post("/admin/incidents", &broken).await;
    assert_eq!((answer.status.as_u16(), answer.message(&api)), (422, "Choose a status from the list.".to_owned()));
    let gone = [&basic[..], &[("component.gone", "major_outage")]].concat();
    let answer = admin.publisher.post("/admin/incidents", &gone).await;
    assert_eq!(answer.status.as_u16(), 422);
    assert_eq!(answer.message("components"), "Component gone was deleted.");
    assert_eq!(answer.field("title"), "Mail is late");
    assert!(admin.app.incidents().await.is_empty());
}

#[apply(on_both_databases!)]
async fn a_preview_shows_the_text_and_publishes_nothing(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let before = admin.app.all_content().await;
    let fields = [("title", "Mail"), ("phase", "identified"), ("body", "**late** <b>x</b>"), ("preview", "1")];
    let answer = admin.publisher.post("/admin/incidents", &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.word("#preview .prose strong"), "late");
    assert_eq!((answer.field("title"), answer.field("body")), ("Mail".into(), "**late** <b>x</b>".into()));
    assert!(answer.words("#preview .prose b").is_empty());
    assert!(admin.app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn an_update_moves_the_phase_and_the_components(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let (api, mail) = (admin.api.clone(), admin.mail.clone());
    let id = admin.open("investigating", &[(&api, Status::DegradedPerformance), (&mail, Status::MajorOutage)]).await;
    assert_eq!(admin.board().await, ["Degraded performance", "Major outage"]);
    admin.app.clock.advance(TimeDelta::minutes(20));
    let posted = admin.update(&id, "identified", "A disk is full.", &[(&mail, Status::PartialOutage)]).await;
    assert_eq!(posted.location(), format!("/admin/incidents/{id}?done=update-posted"));
    assert_eq!(admin.board().await, ["Degraded performance", "Partial outage"], "one not named keeps its status");
    let page = admin.app.visitor().get("/").await;
    assert_eq!(page.words(".card .timeline .said strong"), ["Identified", "Investigating"], "newest first");
    assert_eq!(page.word(".card .pill"), "Identified · 20 min", "the present one");
    let incident = admin.app.incident(&id).await;
    assert_eq!(
        (incident.phase, incident.impact(), incident.api_impact()),
        (Phase::Identified, Impact::Critical, Impact::Major),
        "the API keeps Statuspage's rule"
    );
}

#[apply(on_both_databases!)]
async fn resolving_clears_components_and_reopening_has_none(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let (api, mail) = (admin.api.clone(), admin.mail.clone());
    let id = admin.open("identified", &[(&api, Status::PartialOutage), (&mail, Status::MajorOutage)]).await;
    admin.app.clock.advance(TimeDelta::minutes(90));
    admin.update(&id, "resolved", "All is well.", &[(&api, Status::PartialOutage)]).await;
    assert_eq!(admin.board().await, ["Operational", "Operational"]);
    let page = admin.app.visitor().get("/").await;
    assert_eq!(page.word("h1"), "All systems operational");
    let past = page.words("section").into_iter().find(|words| words.starts_with("Past incidents"));
    assert!(past.as_ref().is_some_and(|words| words.contains("1 h 30 min")), "{past:?}");
    assert_eq!(admin.app.incident(&id).await.ended_at, Some(admin.app.clock.now()));
    admin.app.clock.advance(TimeDelta::minutes(5));
    admin.update(&id, "investigating", "Not quite.", &[(&mail, Status::DegradedPerformance)]).await;
    assert_eq!(admin.board().await, ["Operational", "Degraded performance"]);
    let incident = admin.app.incident(&id).await;
    assert_eq!((incident.is_open(), incident.ended_at), (true, None));
    assert_eq!(admin.app.visitor().get("/").await.word(".card h3"), "Mail is late");
}

#[apply(on_both_databases!)]
async fn worst_of_baseline_and_incidents_shows(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let (api, mail) = (admin.api.clone(), admin.mail.clone());
    let set = [("version", "1"), ("status", "partial_outage")];
    let answer = admin.publisher.post(&format!("/admin/components/{}/status", api.id), &set).await;
    assert_eq!(answer.location(), "/admin?done=status-set");
    let first = admin.open("identified", &[(&api, Status::DegradedPerformance)]).await;
    let second = admin.open("identified", &[(&api, Status::MajorOutage), (&mail, Status::UnderMaintenance)]).await;
    assert_eq!(admin.board().await, ["Major outage", "Under maintenance"]);
    admin.update(&second, "resolved", "Over.", &[]).await;
    assert_eq!(admin.board().await, ["Partial outage", "Operational"], "the baseline is the worse one");
    admin.update(&first, "resolved", "Over.", &[]).await;
    assert_eq!(admin.board().await, ["Partial outage", "Operational"], "an incident never writes the baseline");
    let stale = admin.publisher.post(&format!("/admin/components/{}/status", api.id), &set).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
}

#[apply(on_both_databases!)]
async fn backfilled_incident_keeps_times_and_components(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let api = status_of(&admin.api.id);
    let fields = [
        ("title", "Logins failed"),
        ("phase", "resolved"),
        ("body", "It was a certificate."),
        ("started_at", "2026-07-01T09:00"),
        ("ended_at", "2026-07-01T10:12"),
        ("zone", "Europe/Lisbon"),
        ("detected_by", "a customer"),
        (&api, "major_outage"),
    ];
    let id = opened_id(&admin.publisher.post("/admin/incidents", &fields).await);
    let incident = admin.app.incident(&id).await;
    assert_eq!(incident.started_at.to_rfc3339(), "2026-07-01T08:00:00+00:00");
    assert_eq!((incident.duration(), incident.impact()), (Some(TimeDelta::minutes(72)), Impact::Critical));
    assert_eq!(admin.board().await, ["Operational", "Operational"]);
    let page = admin.app.visitor().get(&format!("/incidents/{id}")).await;
    let facts = page.words("dl").concat();
    for words in ["a customer", "1 Jul 2026, 08:00 UTC", "1 Jul 2026, 09:12 UTC", "1 h 12 min", "API"] {
        assert!(facts.contains(words), "{words} in {facts}");
    }
    assert!(page.word(".banner .lede").ends_with("Added retroactively."), "{}", page.word(".banner .lede"));
}

#[apply(on_both_databases!)]
async fn edited_update_is_labelled_and_audited(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = admin.open("investigating", &[]).await;
    let update = admin.app.incident(&id).await.updates[0].id.to_string();
    let path = format!("/admin/incidents/{id}/updates/{update}");
    assert_eq!(admin.publisher.get(&format!("{path}/edit")).await.field("body"), TEXT);
    admin.app.clock.advance(TimeDelta::minutes(7));
    let same = admin.publisher.post(&path, &[("version", "1"), ("body", TEXT)]).await;
    assert_eq!(same.status, StatusCode::SEE_OTHER);
    assert!(
        admin.app.visitor().get("/").await.words(".edited").iter().all(|words| !words.contains("edited")),
        "nothing changed, nothing is marked"
    );
    let answer = admin.publisher.post(&path, &[("version", "1"), ("body", "Mail is late by an hour.")]).await;
    assert_eq!(answer.location(), format!("/admin/incidents/{id}?done=update-saved"));
    let page = admin.app.visitor().get("/").await;
    assert!(page.words(".edited").iter().any(|words| words.starts_with("edited 12:07")), "{:?}", page.words(".edited"));
    assert_eq!(page.word(".card .text"), "Mail is late by an hour.");
    let record = admin.app.audit().await.remove(0);
    assert_eq!(record.action, "incident.edit-update");
    assert!(record.before.unwrap().to_string().contains(TEXT), "the earlier text is lost");
    assert!(admin.publisher.get("/admin/audit").await.text().contains(TEXT));
    let empty = admin.publisher.post(&path, &[("version", "2"), ("body", "  ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!empty.message("body").is_empty());
}

#[apply(on_both_databases!)]
async fn deleting_newest_update_restores_previous_phase(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let api = admin.api.clone();
    let id = admin.open("identified", &[(&api, Status::PartialOutage)]).await;
    admin.app.clock.advance(TimeDelta::minutes(9));
    admin.update(&id, "resolved", "Over too soon.", &[]).await;
    assert_eq!(admin.board().await[0], "Operational");
    let newest = admin.app.incident(&id).await.updates[1].id.to_string();
    let path = format!("/admin/incidents/{id}/updates/{newest}/deletion");
    assert_eq!(admin.publisher.get(&path).await.status, StatusCode::OK);
    let version = admin.publisher.get(&path).await.field("version");
    let answer = admin.publisher.post(&path, &[("version", &version)]).await;
    assert_eq!(answer.location(), format!("/admin/incidents/{id}?done=update-deleted"));
    let incident = admin.app.incident(&id).await;
    assert_eq!((list_phases(&incident), incident.ended_at), (vec![Phase::Identified], None));
    assert_eq!(admin.board().await[0], "Partial outage");
    assert!(admin.app.audit().await[0].before.as_ref().unwrap().to_string().contains("Over too soon."));
}

#[apply(on_both_databases!)]
async fn only_newest_of_several_updates_can_be_deleted(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = admin.open("identified", &[]).await;
    let first = admin.app.incident(&id).await.updates[0].id.to_string();
    let path = format!("/admin/incidents/{id}/updates/{first}/deletion");
    let only = admin.publisher.post(&path, &[]).await;
    assert_eq!(only.status, StatusCode::CONFLICT);
    assert!(only.text().contains("This is the only update"), "{}", only.text());
    admin.app.clock.advance(TimeDelta::minutes(9));
    admin.update(&id, "monitoring", "Better.", &[]).await;
    let before = admin.app.all_content().await;
    let older = admin.publisher.post(&path, &[]).await;
    assert_eq!(older.status, StatusCode::CONFLICT);
    assert!(older.text().contains("Only the latest update can be deleted"), "{}", older.text());
    assert!(admin.app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn concurrently_edited_update_is_not_deleted(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = admin.open("identified", &[]).await;
    admin.update(&id, "monitoring", "Better.", &[]).await;
    let newest = admin.app.incident(&id).await.updates[1].id.to_string();
    let path = format!("/admin/incidents/{id}/updates/{newest}");
    let version = admin.publisher.get(&format!("{path}/deletion")).await.field("version");
    let edited = admin.publisher.post(&path, &[("version", &version), ("body", "Much better.")]).await;
    assert_eq!(edited.status, StatusCode::SEE_OTHER);
    let before = admin.app.all_content().await;
    let refused = admin.publisher.post(&format!("{path}/deletion"), &[("version", &version)]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("Someone edited this update"), "{}", refused.text());
    assert!(admin.app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn deleting_an_incident_needs_title_and_leaves_tombstone(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = admin.open("identified", &[]).await;
    let path = format!("/admin/incidents/{id}/deletion");
    let before = admin.app.all_content().await;
    for (title, version) in [("mail is late", "1"), ("", "1"), ("Mail is late", "7"), ("Mail is late", "")] {
        let answer = admin.publisher.post(&path, &[("title", title), ("version", version)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{title} {version}");
        assert!(!answer.message("title").is_empty());
        assert_eq!(answer.field("title"), title);
    }
    assert!(admin.app.all_content().await == before);
    let version = admin.publisher.get(&path).await.field("version");
    let response = admin.publisher.post(&path, &[("title", "Mail is late"), ("version", &version)]).await;
    assert_eq!(response.location(), "/admin/incidents?done=incident-deleted");
    assert_eq!(admin.app.visitor().get(&format!("/incidents/{id}")).await.status, StatusCode::NOT_FOUND);
    assert!(!admin.app.visitor().get("/").await.text().contains("Mail is late"));
    let record = admin.app.audit().await.remove(0);
    assert_eq!((record.action.as_str(), record.subject_id, record.after), ("incident.delete", id, None));
    assert!(record.before.unwrap().to_string().contains(TEXT));
    assert!(admin.publisher.get("/admin/audit").await.text().contains("Mail is late"));
}

#[apply(on_both_databases!)]
async fn concurrent_update_conflict_keeps_text(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = admin.open("investigating", &[]).await;
    let path = format!("/admin/incidents/{id}/updates");
    let version = admin.publisher.get(&format!("/admin/incidents/{id}")).await.field("version");
    let rosa = admin.app.manager("Rosa", Publisher).await;
    let mut other = admin.app.with_session(&rosa).await;
    let update = [("version", version.as_str()), ("phase", "identified"), ("body", "A disk is full.")];
    assert_eq!(other.post(&path, &update).await.status, StatusCode::SEE_OTHER);
    let before = admin.app.all_content().await;
    let mine = [("version", version.as_str()), ("phase", "monitoring"), ("body", "A cable was cut.")];
    let answer = admin.publisher.post(&path, &mine).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!((answer.field("body"), answer.field("phase")), ("A cable was cut.".into(), "monitoring".into()));
    let notice = answer.word(".conflict");
    assert!(notice.contains("A disk is full.") && notice.contains("Rosa"), "{notice}");
    assert!(admin.app.all_content().await == before);
    let again = [("version", &*answer.field("version")), ("phase", "monitoring"), ("body", "A cable was cut.")];
    assert_eq!(
        admin.publisher.post(&path, &again).await.status,
        StatusCode::SEE_OTHER,
        "pressing again wins knowingly"
    );
    let all = admin.app.incident(&id).await;
    assert_eq!(list_phases(&all), [Phase::Investigating, Phase::Identified, Phase::Monitoring]);
}

#[apply(on_both_databases!)]
async fn concurrent_edit_conflict_keeps_text(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = admin.open("investigating", &[]).await;
    let update = admin.app.incident(&id).await.updates[0].id.to_string();
    let path = format!("/admin/incidents/{id}/updates/{update}");
    admin.publisher.post(&path, &[("version", "1"), ("body", "Theirs.")]).await;
    let answer = admin.publisher.post(&path, &[("version", "1"), ("body", "Mine.")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!((answer.field("body"), answer.field("version")), ("Mine.".into(), "2".into()));
    assert!(answer.word(".conflict").contains("Theirs."));
    assert_eq!(admin.app.incident(&id).await.updates[0].body, "Theirs.");
}

#[apply(on_both_databases!)]
async fn details_and_settings_conflict_shows_both(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = admin.open("investigating", &[]).await;
    let mut owner = admin.app.logged_in(Owner).await;
    let (api, group) = (admin.api.id.clone(), admin.app.group("Core").await.id);
    type Case<'a> = (String, &'a str, &'a [(&'a str, &'a str)]);
    let cases: [Case; 4] = [
        (format!("/admin/incidents/{id}"), "title", &[("zone", "UTC")]),
        (format!("/admin/components/{api}"), "name", &[("status", "operational")]),
        (format!("/admin/groups/{group}"), "name", &[]),
        ("/admin/settings".into(), "name", &[("time_zone", "UTC")]),
    ];
    for (path, field, others) in cases {
        let send = |value: &'static str| {
            let mut owner = owner.clone();
            let fields = [&[("version", "1"), (field, value)], others].concat();
            let path = path.clone();
            async move { owner.post(&path, &fields).await }
        };
        assert_eq!(send("Theirs").await.status, StatusCode::SEE_OTHER, "{path}");
        let before = admin.app.all_content().await;
        let answer = send("Mine").await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{path}");
        assert_eq!((answer.field(field), answer.field("version")), ("Mine".into(), "2".into()), "{path}");
        assert!(answer.word(".conflict").contains("Theirs"), "{path}");
        assert!(admin.app.all_content().await == before, "{path}");
    }
    assert_eq!(owner.get("/admin/settings").await.field("name"), "Theirs");
}

#[apply(on_both_databases!)]
async fn every_change_is_one_audit_row_and_one_revision(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let mut owner = admin.app.logged_in(Owner).await;
    let mut expected = admin.app.counts().await;
    let mut grows_by_one = async |app: &TestApp, what: &str| {
        expected = (expected.0 + 1, expected.1 + 1);
        assert_eq!(app.counts().await, expected, "{what}");
        assert_eq!(app.audit().await[0].revision, expected.0, "{what}");
        assert_eq!(app.publisher.site().revision, expected.0, "{what} is not shown");
    };
    let id = admin.open("identified", &[]).await;
    grows_by_one(&admin.app, "incident.open").await;
    admin.app.clock.advance(TimeDelta::minutes(1));
    admin.update(&id, "monitoring", "Better.", &[]).await;
    grows_by_one(&admin.app, "incident.update").await;
    let newest = admin.app.incident(&id).await.updates[1].id.to_string();
    let update = format!("/admin/incidents/{id}/updates/{newest}");
    admin.publisher.post(&update, &[("version", "1"), ("body", "Much better.")]).await;
    grows_by_one(&admin.app, "incident.edit-update").await;
    admin.publisher.post(&format!("{update}/deletion"), &[("version", "2")]).await;
    grows_by_one(&admin.app, "incident.delete-update").await;
    let version = admin.app.incident(&id).await.version.to_string();
    let details = [("version", version.as_str()), ("title", "Mail is very late"), ("zone", "UTC"), ("impact", "major")];
    admin.publisher.post(&format!("/admin/incidents/{id}"), &details).await;
    grows_by_one(&admin.app, "incident.edit").await;
    let version = admin.app.incident(&id).await.version.to_string();
    let deletion = [("version", version.as_str()), ("title", "Mail is very late")];
    admin.publisher.post(&format!("/admin/incidents/{id}/deletion"), &deletion).await;
    grows_by_one(&admin.app, "incident.delete").await;
    owner.post("/admin/groups", &[("name", "Core")]).await;
    grows_by_one(&admin.app, "group.add").await;
    owner.post("/admin/components", &[("name", "DNS"), ("status", "operational")]).await;
    grows_by_one(&admin.app, "component.add").await;
    owner.post(&format!("/admin/components/{}/deletion", admin.api.id), &[]).await;
    grows_by_one(&admin.app, "component.delete").await;
    owner.post("/admin/settings", &[("version", "1"), ("name", "Tidewater"), ("time_zone", "UTC")]).await;
    grows_by_one(&admin.app, "page.edit").await;
    assert!(admin.app.visitor().get("/").await.word("title").ends_with("· Tidewater"));
}

#[apply(on_both_databases!)]
async fn failed_commit_leaves_nothing(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = admin.open("identified", &[]).await;
    let (before, page) = (admin.app.all_content().await, admin.app.visitor().get("/").await.body);
    admin
        .app
        .tamper(
            "create trigger no_audit before insert on audit_log begin select raise(abort, 'no'); end",
            "alter table audit_log add constraint no_audit check (revision < 0) not valid",
        )
        .await;
    let fields = [("title", "Another"), ("phase", "identified"), ("body", TEXT)];
    let opening = admin.publisher.post("/admin/incidents", &fields).await;
    let posting = admin.update(&id, "resolved", "Over.", &[]).await;
    assert_eq!((opening.status.as_u16(), posting.status.as_u16()), (500, 500));
    let text = opening.words("main").join(" ");
    assert!(!text.is_empty() && !text.contains("audit"), "the cause is told: {text}");
    assert!(admin.app.all_content().await == before, "half a change was kept");
    assert!(admin.app.visitor().get("/").await.body == page);
}

#[apply(on_both_databases!)]
async fn the_internal_note_is_never_public(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let fields = [("title", "Mail is late"), ("phase", "identified"), ("body", TEXT), ("internal_note", "ask Rui")];
    let id = opened_id(&admin.publisher.post("/admin/incidents", &fields).await);
    assert!(admin.publisher.get(&format!("/admin/incidents/{id}")).await.text().contains("ask Rui"));
    for address in ["/", "/history", "/history/2026-11", "/history?q=mail", &format!("/incidents/{id}")] {
        assert!(!admin.app.visitor().get(address).await.text().contains("ask Rui"), "{address}");
    }
    assert!(admin.app.visitor().get("/history?q=rui").await.text().contains("No incidents match these filters."));
}

#[apply(on_both_databases!)]
async fn composer_promises_the_next_update(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let base = [("title", "Mail is late"), ("phase", "investigating"), ("body", TEXT), ("next_update_zone", "UTC")];
    let with = |choice: &'static str, other: &'static str| {
        [base.as_slice(), &[("next_update", choice), ("next_update_other", other)]].concat()
    };
    let page = admin.publisher.get("/admin/incidents/new").await;
    assert_eq!(page.attributes("[name=next_update][checked]", "value"), ["none"]);
    let wrong = admin.publisher.post("/admin/incidents", &with("other", "soon")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.message("next_update").starts_with("Write minutes"), "{}", wrong.text());
    assert_eq!(wrong.attributes("[name=next_update][checked]", "value"), ["other"]);
    assert_eq!((wrong.field("next_update_other"), wrong.field("body")), ("soon".into(), TEXT.into()));

    let id = opened_id(&admin.publisher.post("/admin/incidents", &with("30", "")).await);
    let now = admin.app.clock.now();
    assert_eq!(admin.app.incident(&id).await.next_update_at, Some(now + TimeDelta::minutes(30)));
    let page = admin.publisher.get(&format!("/admin/incidents/{id}")).await;
    assert_eq!(page.attributes("[name=next_update][checked]", "value"), ["30"], "the same interval again");
    let dashboard = admin.publisher.get("/admin").await;
    assert!(dashboard.word(".strip").starts_with("Next update due in 30 min"), "{}", dashboard.word(".strip"));
    admin.app.clock.advance(TimeDelta::minutes(34));
    let mut publisher = admin.app.with_session(&admin.manager).await;
    let dashboard = publisher.get("/admin").await;
    assert!(dashboard.word(".strip.late").starts_with("Overdue by 4 min"), "{}", dashboard.word(".strip"));
    let update = [("version", "1"), ("phase", "resolved"), ("body", "Over."), ("next_update", "30")];
    publisher.post(&format!("/admin/incidents/{id}/updates"), &update).await;
    assert_eq!(admin.app.incident(&id).await.next_update_at, None, "a resolved incident promises nothing");
}

#[apply(on_both_databases!)]
async fn likely_next_status_is_preset(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    for (phase, next) in [("investigating", "identified"), ("identified", "monitoring"), ("monitoring", "resolved")] {
        let id = admin.open(phase, &[]).await;
        let page = admin.publisher.get(&format!("/admin/incidents/{id}")).await;
        assert_eq!(page.attributes("[name=phase][checked]", "value"), [next]);
        let page = admin.publisher.get(&format!("/admin/incidents/{id}?phase={phase}")).await;
        assert_eq!(page.attributes("[name=phase][checked]", "value"), [phase]);
    }
}

#[apply(on_both_databases!)]
async fn contradicting_status_is_asked_about_once(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let id = admin.open("identified", &[]).await;
    let address = format!("/admin/incidents/{id}/updates");
    let body = "The problem has been resolved.";
    let fields = [("version", "1"), ("phase", "monitoring"), ("body", body)];
    let asked = admin.publisher.post(&address, &fields).await;
    assert_eq!(asked.status, StatusCode::CONFLICT);
    assert!(asked.word(".question").contains("says “resolved”, but the status is Monitoring"), "{}", asked.text());
    assert_eq!((asked.field("body"), admin.app.incident(&id).await.updates.len()), (body.into(), 1));
    assert_eq!(asked.attributes("[name=confirm_status]", "value"), ["resolved", "keep"]);
    let kept = [fields.as_slice(), &[("confirm_status", "keep")]].concat();
    let posted = admin.publisher.post(&address, &kept).await;
    assert_eq!(posted.location(), format!("/admin/incidents/{id}?done=update-posted"));
    assert_eq!(admin.app.incident(&id).await.phase, Phase::Monitoring);
    let fields = [("version", "2"), ("phase", "monitoring"), ("body", body), ("confirm_status", "resolved")];
    admin.publisher.post(&address, &fields).await;
    assert_eq!(list_phases(&admin.app.incident(&id).await), [Phase::Identified, Phase::Monitoring, Phase::Resolved]);

    let new = [("title", "Mail"), ("phase", "investigating"), ("body", body)];
    let asked = admin.publisher.post("/admin/incidents", &new).await;
    assert_eq!((asked.status, asked.words(".question").len()), (StatusCode::CONFLICT, 1));
    let saved = [new.as_slice(), &[("save_draft", "1")]].concat();
    let draft = admin.publisher.post("/admin/incidents", &saved).await;
    assert!(draft.location().ends_with("?done=draft-saved"), "a draft is not asked about");
}

#[apply(on_both_databases!)]
async fn live_preview_of_an_unfinished_form_is_no_error(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let before = admin.app.all_content().await;
    let unfinished = [("title", ""), ("phase", "investigating"), ("body", "Half a"), ("live", "1")];
    let answer = admin.publisher.post("/admin/incidents", &unfinished).await;
    assert_eq!((answer.status, answer.words("iframe").len()), (StatusCode::OK, 0));
    assert!(answer.words(".error").is_empty(), "{}", answer.text());
    let whole = [("title", "Mail is late"), ("phase", "investigating"), ("body", "Half a"), ("live", "1")];
    let answer = admin.publisher.post("/admin/incidents", &whole).await;
    let frames = answer.attributes("iframe", "srcdoc").concat();
    assert!(answer.status == StatusCode::OK && frames.contains("Half a"), "{}", answer.text());
    assert_eq!(admin.app.all_content().await, before, "nothing is published");
    let id = admin.open("identified", &[]).await;
    let stale = [("version", "0"), ("phase", "monitoring"), ("body", "Half a"), ("live", "1")];
    let answer = admin.publisher.post(&format!("/admin/incidents/{id}/updates"), &stale).await;
    assert_eq!((answer.status, answer.words("iframe").is_empty()), (StatusCode::OK, false), "a conflict is for later");
    let policy = |answer: &Answer| answer.header("content-security-policy").to_owned();
    assert!(policy(&admin.publisher.get("/admin/incidents/new").await).contains("style-src 'self' 'sha256-"));
    assert!(policy(&admin.publisher.get("/admin").await).contains("style-src 'self';"));
}

#[apply(on_both_databases!)]
async fn selected_components_change_together_or_not_at_all(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let (api, mail) = (admin.api.clone(), admin.mail.clone());
    let values = [&api, &mail].map(|component| format!("{}.{}", component.id, component.version));
    let page = admin.publisher.get("/admin").await;
    assert_eq!(page.attributes("[name=component]", "value"), values);
    let set = |first: &str, status: &str| {
        [("component", first.to_owned()), ("component", values[1].clone()), ("status", status.to_owned())]
    };
    let with = |fields: &[(&'static str, String)]| fields.to_vec();
    let address = "/admin/component-statuses";
    let stale = with(&set(&format!("{}.99", api.id), "major_outage"));
    let stale: Vec<_> = stale.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let conflict = admin.publisher.post(address, &stale).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert_eq!(admin.publisher.get("/admin").await.attributes("[name=component]", "value"), values, "none is changed");
    let both = with(&set(&values[0], "major_outage"));
    let both: Vec<_> = both.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(admin.publisher.post(address, &both).await.location(), "/admin?done=statuses-set");
    assert_eq!(admin.board().await, ["Major outage", "Major outage"]);
    assert_eq!(
        admin.publisher.post(address, &[("status", "operational")]).await.location(),
        "/admin?done=nothing-selected"
    );

    let incident = [both.as_slice(), &[("new_incident", "1")]].concat();
    let answer = admin.publisher.post(address, &incident).await;
    assert_eq!(answer.location(), format!("/admin/incidents/new?component={}&component={}", api.id, mail.id));
    let composer = admin.publisher.get(answer.location()).await;
    for component in [&api, &mail] {
        let chosen = format!(".chosen select[name=\"{}\"] option[selected]", status_of(&component.id));
        assert_eq!(composer.attributes(&chosen, "value"), ["major_outage"]);
    }
}
