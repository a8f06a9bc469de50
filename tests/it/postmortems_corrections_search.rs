//! Postmortems, uptime corrections, and search of incidents and audit log.

use axum::http::StatusCode;
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::{Component, Incident, Phase, Status, Visibility};
use chrono::TimeDelta;

use crate::support::app::{Answer, Browser, TestApp};
use crate::support::{TestDb, fixtures, now};

const SECRET: &str = "Xylophone";

struct AdminSession {
    app: TestApp,
    publisher: Browser,
    api: Component,
}

impl AdminSession {
    async fn over(test: TestDb) -> Self {
        let app = TestApp::new(test).await;
        let publisher = app.logged_in(Publisher).await;
        let api = app.component("API").await;
        app.publish().await;
        Self { app, publisher, api }
    }

    /// An hour of major outage that began `ago`.
    fn outage(&self, id: &str, ago: TimeDelta) -> Incident {
        let mut incident = fixtures::resolved(id, self.app.clock.now() - ago, TimeDelta::hours(1));
        let named = fixtures::update(
            "x",
            incident.started_at,
            Phase::Identified,
            &[(self.api.id.as_str(), Status::MajorOutage)],
        );
        incident.updates[0].components = named.components;
        incident.recompute();
        incident
    }

    async fn submit_postmortem(&mut self, id: &str, version: &str, body: &str, button: &str) -> Answer {
        let fields = [("version", version), ("body", body), (button, "1")];
        self.publisher.post(&format!("/admin/incidents/{id}/postmortem"), &fields).await
    }

    async fn submit_correction(&mut self, from: &str, to: &str, status: &str, reason: &str) -> Answer {
        let fields = [("started_at", from), ("ended_at", to), ("zone", "UTC"), ("status", status), ("reason", reason)];
        self.publisher.post(&format!("/admin/components/{}/corrections", self.api.id), &fields).await
    }
}

#[apply(on_both_databases!)]
async fn postmortem_is_a_draft_unless_published(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    admin.app.add(&[admin.outage("it", TimeDelta::days(1))]).await;
    let page = |path: &str| {
        let (mut visitor, path) = (admin.app.visitor(), path.to_owned());
        async move { visitor.get(&path).await }
    };
    let before = (page("/incidents/it").await.text(), page("/history").await.text());
    let publisher = admin.publisher.get("/admin/incidents/it").await;
    assert!(publisher.text().contains("Write a postmortem"));
    let mut browser = admin.publisher.clone();
    let form = browser.get("/admin/incidents/it/postmortem").await;
    assert_eq!((form.field("version"), form.field("body")), ("0".into(), String::new()));
    drop(before.clone());
    let path = "/admin/incidents/it/postmortem";
    let saved = browser.post(path, &[("version", "0"), ("body", SECRET)]).await;
    assert_eq!(saved.location(), "/admin/incidents/it/postmortem?done=postmortem-saved");
    assert!((page("/incidents/it").await.text(), page("/history").await.text()) == before, "a draft shows");
    let published = browser.post(path, &[("version", "1"), ("body", "A **Xylophone**."), ("publish", "1")]).await;
    assert_eq!(published.location(), "/admin/incidents/it/postmortem?done=postmortem-published");
    let shown = page("/incidents/it").await;
    assert_eq!(shown.word("#postmortem h2"), "Postmortem");
    assert!(
        shown.text().contains("<strong>Xylophone</strong>")
            && shown.word("#postmortem .soft").contains(&now().format("%-d %b %Y").to_string())
    );
    let month = (now() - TimeDelta::days(1)).format("/history/%Y-%m").to_string();
    for path in ["/history", &month] {
        assert_eq!(page(path).await.attributes(".entries a.tag", "href"), ["/incidents/it#postmortem"], "{path}");
    }
    assert_eq!(page("/").await.attributes(".past a", "href"), ["/incidents/it"]);
    let stale = browser.post(&format!("{path}/withdrawal"), &[("version", "1")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let withdrawn = browser.post(&format!("{path}/withdrawal"), &[("version", "2")]).await;
    assert_eq!(withdrawn.location(), "/admin/incidents/it/postmortem?done=postmortem-withdrawn");
    assert!((page("/incidents/it").await.text(), page("/history").await.text()) == before, "it still shows");
    assert_eq!(browser.get(path).await.field("body"), "A **Xylophone**.");
    let actions: Vec<String> = admin.app.audit().await.into_iter().take(3).map(|row| row.action).collect();
    assert_eq!(actions, ["postmortem.withdraw", "postmortem.publish", "postmortem.edit"]);
}

#[apply(on_both_databases!)]
async fn published_postmortem_changes_only_on_publish(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    admin.app.add(&[admin.outage("it", TimeDelta::days(1))]).await;
    assert_eq!(admin.submit_postmortem("it", "0", "First", "publish").await.status, StatusCode::SEE_OTHER);
    assert_eq!(admin.submit_postmortem("it", "1", "Second", "save").await.status, StatusCode::SEE_OTHER);
    assert!(admin.app.visitor().get("/incidents/it").await.word("#postmortem .text") == "First");
    let form = admin.publisher.get("/admin/incidents/it/postmortem").await;
    assert_eq!(form.field("body"), "Second");
    assert!(form.text().contains("There are unpublished changes."));
    admin.submit_postmortem("it", "2", "Second", "publish").await;
    assert!(admin.app.visitor().get("/incidents/it").await.word("#postmortem .text") == "Second");
}

#[apply(on_both_databases!)]
async fn postmortem_shows_on_old_incident_page(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let now = admin.app.clock.now();
    let mut many: Vec<_> = (1..40)
        .map(|n| {
            fixtures::resolved(&format!("r{n}"), now - TimeDelta::days(20) - TimeDelta::hours(n), TimeDelta::hours(1))
        })
        .collect();
    many.push(fixtures::resolved("old", now - TimeDelta::days(400), TimeDelta::hours(1)));
    admin.app.add(&many).await;
    admin.submit_postmortem("old", "0", "Learned", "publish").await;
    assert!(admin.app.publisher.site().document("/incidents/old").is_none());
    assert_eq!(admin.app.visitor().get("/incidents/old").await.word("#postmortem .text"), "Learned");
}

#[apply(on_both_databases!)]
async fn postmortem_of_hidden_incident_is_hidden(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    let mut inside = admin.outage("inside", TimeDelta::days(1));
    inside.visibility = Visibility::Internal;
    admin.app.add(&[inside]).await;
    let before = admin.app.visitor().get("/history").await.text();
    assert_eq!(admin.submit_postmortem("inside", "0", SECRET, "publish").await.status, StatusCode::SEE_OTHER);
    for path in ["/", "/history", &now().format("/history/%Y-%m").to_string(), "/uptime", "/incidents/inside"] {
        assert!(!admin.app.visitor().get(path).await.text().contains(SECRET), "{path}");
    }
    assert!(admin.app.visitor().get("/history").await.text() == before);
}

#[apply(on_both_databases!)]
async fn postmortem_is_limited_previewed_and_conflict_checked(test: TestDb) {
    let mut admin = AdminSession::over(test).await;
    admin.app.add(&[admin.outage("it", TimeDelta::days(1))]).await;
    let before = admin.app.counts().await;
    let long = admin.submit_postmortem("it", "0", &"é".repeat(25_001), "publish").await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(long.message("body").starts_with("At most 25000 characters"));
    assert!(!admin.submit_postmortem("it", "0", "  ", "save").await.message("body").is_empty());
    let preview = admin.submit_postmortem("it", "0", "*So*", "preview").await;
    assert!(preview.status == StatusCode::OK && preview.text().contains("<em>So</em>"));
    assert_eq!(admin.app.counts().await, before);
    admin.submit_postmortem("it", "0", &"é".repeat(25_000), "save").await;
    let conflict = admin.submit_postmortem("it", "0", "Mine", "publish").await;
    assert_eq!(
        (conflict.status, conflict.field("body"), conflict.field("version")),
        (StatusCode::CONFLICT, "Mine".into(), "1".into())
    );
    assert!(conflict.word(".conflict").contains("ééé") && conflict.word(".conflict").contains("by Publisher"));
}

#[apply(on_both_databases!)]
async fn correction_overrides_and_shows_reason(test: TestDb) {
    let mut admin = AdminSession::over(test.at_noon()).await;
    admin.app.add(&[admin.outage("it", TimeDelta::hours(24))]).await;
    let labels = |page: Answer| page.attributes(".grid a", "aria-label").concat();
    let before = labels(admin.app.visitor().get("/uptime").await);
    assert!(before.ends_with("1 incident, 1 h major outage"), "{before}");
    let answer = admin
        .submit_correction("2026-11-09T12:00", "2026-11-09T13:30", "operational", "Only our <b>probe</b> was down.")
        .await;
    assert_eq!(answer.location(), format!("/admin/components/{}/corrections?done=correction-added", admin.api.id));
    let month = format!("/uptime?month=2026-11&component={}", admin.api.id);
    let uptime = admin.app.visitor().get(&month).await;
    let line = "9 Nov 2026, 12:00 to 13:30 UTC counts as operational: Only our <b>probe</b> was down.";
    assert_eq!(uptime.word(".corrections li"), line);
    assert_eq!(uptime.word("#detail"), "API, November 2026");
    assert!(uptime.words(".detail dl").is_empty() && uptime.word(".sum").contains("No downtime"), "{}", uptime.text());
    let corrected = labels(uptime);
    assert_eq!(corrected, "API, November 2026: 100%, corrected");
    assert!(!admin.app.visitor().get("/").await.text().contains("1h major outage"), "the bars are not corrected");
    let row = &admin.app.audit().await[0];
    assert_eq!((row.action.as_str(), row.subject_name.as_str()), ("component.correct-uptime", "API"));
    let worse =
        admin.submit_correction("2026-11-08T00:00", "2026-11-08T02:00", "major_outage", "Nobody noticed.").await;
    assert_eq!(worse.status, StatusCode::SEE_OTHER);
    assert!(labels(admin.app.visitor().get("/uptime").await).ends_with("2 h major outage, corrected"));
    assert_eq!(admin.app.visitor().get(&month).await.words(".corrections li").len(), 2);
    assert!(admin.app.visitor().get("/").await.text().contains("2 h major outage"));
}

#[apply(on_both_databases!)]
async fn deleted_correction_restores_calculated_uptime(test: TestDb) {
    let mut admin = AdminSession::over(test.at_noon()).await;
    admin.app.add(&[admin.outage("it", TimeDelta::hours(24))]).await;
    let month = format!("/uptime?month=2026-11&component={}", admin.api.id);
    let before = admin.app.visitor().get(&month).await.text();
    admin.submit_correction("2026-11-09T11:00", "2026-11-09T13:30", "operational", "A mistake.").await;
    let list = admin.publisher.get(&format!("/admin/components/{}/corrections", admin.api.id)).await;
    let path = list.attributes(".draft form", "action").concat();
    let answer = admin.publisher.post(&path, &[]).await;
    assert!(answer.location().ends_with("?done=correction-removed"), "{}", answer.text());
    assert!(admin.app.visitor().get(&month).await.text() == before);
    assert_eq!(admin.app.audit().await[0].action, "component.remove-correction");
    assert_eq!(admin.publisher.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
}

/// The inputs of every figure and of the banner are one click away, even without an incident.
#[apply(on_both_databases!)]
async fn manual_statuses_are_explained(test: TestDb) {
    let mut admin = AdminSession::over(test.at_noon()).await;
    let began = admin.app.clock.now();
    let path = format!("/admin/components/{}/status", admin.api.id);
    let set = [("version", "1"), ("status", "partial_outage")];
    assert_eq!(admin.publisher.post(&path, &set).await.status, StatusCode::SEE_OTHER);
    admin.app.clock.advance(TimeDelta::hours(2));
    admin.app.publish().await;
    let page = admin.app.visitor().get("/").await;
    assert_eq!(page.word(".why"), "Since 12:00 UTC: status changed manually");
    assert_eq!(page.word(".pop a"), "Status changed manually");
    assert_eq!(page.attributes(".pop a", "href"), [format!("/uptime#component-{}", admin.api.id)]);
    let month = format!("/uptime?month={}&component={}", began.format("%Y-%m"), admin.api.id);
    assert!(admin.app.visitor().get("/uptime").await.attributes("a", "href").iter().any(|to| to.starts_with(&month)));
    let uptime = admin.app.visitor().get(&month).await;
    let words = uptime.word(".by-hand li");
    assert!(words.starts_with(&began.format("since %-d %b %Y, %H:%M UTC: partial outage").to_string()), "{words}");
    let (length, last) = (uptime.word(".detail dl"), uptime.word(".last"));
    assert!(length.starts_with("Partial outage") && length.contains("2 h (30% counted)"), "{length}");
    assert!(last.starts_with("Last 90 days: "), "{last}");
    assert!(page.words(".percent")[0].starts_with(&uptime.word(".last b")), "one figure");
    assert_eq!(uptime.words(".by-hand li").len(), 1, "nothing more is hinted at");
    admin.publisher = admin.app.logged_in(Owner).await;
    for number in 2..=46 {
        let status = if number % 2 == 0 { "operational" } else { "partial_outage" };
        let set = [("version", &*number.to_string()), ("status", status)];
        assert_eq!(admin.publisher.post(&path, &set).await.status, StatusCode::SEE_OTHER, "{number}");
        admin.app.clock.advance(TimeDelta::minutes(1));
    }
    let by_hand = admin.app.visitor().get(&month).await.words(".by-hand li");
    assert_eq!((by_hand.len(), by_hand[20].as_str()), (21, "and 3 earlier"));
}

#[apply(on_both_databases!)]
async fn corrections_are_past_and_do_not_overlap(test: TestDb) {
    let mut admin = AdminSession::over(test.at_noon()).await;
    let before = admin.app.all_content().await;
    let cases = [
        ("2026-11-09T12:00", "2026-11-09T12:00", "operational", "x", "ended_at"),
        ("2026-11-09T12:00", "2026-11-11T12:00", "operational", "x", "ended_at"),
        ("yesterday", "2026-11-09T12:00", "operational", "x", "started_at"),
        ("2026-11-09T12:00", "2026-11-09T13:00", "broken", "x", "status"),
        ("2026-11-09T12:00", "2026-11-09T13:00", "operational", " ", "reason"),
    ];
    for (from, to, status, reason, field) in cases {
        let answer = admin.submit_correction(from, to, status, reason).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(!answer.message(field).is_empty() && answer.field("started_at") == from, "{field}");
    }
    assert!(admin.app.all_content().await == before);
    admin.submit_correction("2026-11-09T12:00", "2026-11-09T13:00", "operational", "x").await;
    let second = admin.submit_correction("2026-11-09T12:59", "2026-11-09T14:00", "operational", "x").await;
    assert!(second.message("started_at").contains("overlaps an existing correction"));
    let mut viewer = admin.app.logged_in(Viewer).await;
    let path = format!("/admin/components/{}/corrections", admin.api.id);
    assert_eq!(viewer.get(&path).await.status, StatusCode::FORBIDDEN);
}

#[apply(on_both_databases!)]
async fn managers_find_incidents_by_text_phase_and_visibility(test: TestDb) {
    let admin = AdminSession::over(test).await;
    let now = admin.app.clock.now();
    let mut inside = fixtures::incident("inside", now - TimeDelta::hours(1));
    inside.visibility = Visibility::Internal;
    inside.title = "Ünder 100%".into();
    let mut later = fixtures::incident("later", now - TimeDelta::hours(2));
    later.visibility = Visibility::Embargoed(now + TimeDelta::hours(1));
    admin.app.add(&[inside, later, fixtures::resolved("over", now - TimeDelta::hours(9), TimeDelta::hours(1))]).await;
    let mut viewer = admin.app.logged_in(Viewer).await;
    for (query, found) in [
        ("", vec!["Ünder 100%", "Incident later", "Incident over"]),
        ("q=ÜNDER", vec!["Ünder 100%"]),
        ("q=%25", vec!["Ünder 100%"]),
        ("q=text+of+later", vec!["Incident later"]),
        ("phase=resolved", vec!["Incident over"]),
        ("visibility=internal", vec!["Ünder 100%"]),
        ("visibility=embargoed", vec!["Incident later"]),
        ("visibility=public&phase=resolved&q=incident", vec!["Incident over"]),
        ("visibility=public&phase=investigating", vec![]),
        ("q='+or+1=1", vec![]),
        ("phase=broken", vec!["Ünder 100%", "Incident later", "Incident over"]),
    ] {
        let page = viewer.get(&format!("/admin/incidents?{query}")).await;
        assert_eq!(page.words("tbody th a"), found, "{query}");
    }
    let page = viewer.get("/admin/incidents?q=%C3%9Cnder&phase=investigating&visibility=internal").await;
    assert_eq!(
        (page.field("q"), page.field("phase"), page.field("visibility")),
        ("Ünder".into(), "investigating".into(), "internal".into())
    );
}

#[apply(on_both_databases!)]
async fn search_results_paginate_and_keep_the_query(test: TestDb) {
    let admin = AdminSession::over(test).await;
    let now = admin.app.clock.now();
    let many: Vec<_> = (0..60)
        .map(|n| {
            let mut incident =
                fixtures::resolved(&format!("i{n:02}"), now - TimeDelta::hours(n + 2), TimeDelta::hours(1));
            incident.title = format!("{} {n}", if n % 10 == 9 { "Odd one" } else { "Same" });
            incident
        })
        .collect();
    admin.app.add(&many).await;
    let mut viewer = admin.app.logged_in(Viewer).await;
    let first = viewer.get("/admin/incidents?q=same&phase=resolved").await;
    let older = first.attributes("a[rel='next']", "href").concat();
    assert!(older.starts_with("/admin/incidents?q=same&phase=resolved&before="), "{older}");
    let second = viewer.get(&older).await;
    let all: Vec<String> = [first.words("tbody th a"), second.words("tbody th a")].concat();
    assert_eq!((first.words("tbody th a").len(), all.len()), (50, 54));
    assert!(all.iter().all(|title| title.starts_with("Same")) && second.attributes("a[rel='next']", "href").is_empty());
}

#[apply(on_both_databases!)]
async fn audit_is_searchable_by_actor_subject_and_text(test: TestDb) {
    let mut admin = AdminSession::over(test.at_noon()).await;
    admin.app.add(&[admin.outage("it", TimeDelta::hours(24))]).await;
    admin.submit_correction("2026-11-09T12:00", "2026-11-09T13:30", "operational", "The Probe was down.").await;
    admin.submit_postmortem("it", "0", "Learned", "publish").await;
    let mut viewer = admin.app.logged_in(Viewer).await;
    for (query, found) in [
        ("who=PUBLISHER", 2),
        ("who=test", 1),
        ("what=postmortem", 1),
        ("what=component", 1),
        ("what=draft", 0),
        ("subject=api", 1),
        ("subject=it%2Fpostmortem", 1),
        ("q=probe", 1),
        ("q=The+Probe", 1),
        ("who=publisher&q=learned", 1),
        ("q=%25", 0),
        ("what=everything", 3),
    ] {
        let page = viewer.get(&format!("/admin/audit?{query}")).await;
        assert_eq!(page.page().select("tbody tr").len(), found, "{query}");
    }
    assert!(viewer.get("/admin/audit?what=draft").await.text().contains("No matching events."));
    assert_eq!(viewer.get("/admin/audit?who=Ines&what=postmortem").await.field("what"), "postmortem");
}
