//! Limits of unpaginated lists: one item too many is rejected with an error beside its field, keeps the submitted text
//! and writes nothing.

use axum::http::StatusCode;
use candor::credentials::secret_token;
use candor::db::{api_tokens, components, drafts, series, templates, uptime_corrections};
use candor::domain::Role::{Owner, Publisher};
use candor::domain::api_token::Scope;
use candor::domain::forms::{Fields, MaintenanceForm, NewApiToken, NewGroup, NewTemplate, PlanForm, RecurrenceForm};
use candor::domain::forms::{SeriesForm, WindowForm};
use candor::domain::maintenance::Automation;
use candor::domain::{CorrectionId, DraftId, Phase, SavedDraft, SeriesId, Status, UptimeCorrection};
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Browser, TestApp};
use crate::support::fake_authenticator::FakeAuthenticator;
use crate::support::fixtures;
use crate::web_passkeys::{HERE, request_challenge};

struct LimitCase<'a> {
    address: &'a str,
    fields: &'a [(&'a str, &'a str)],
    field: &'a str,
    error: &'a str,
}

impl LimitCase<'_> {
    async fn assert_rejected(&self, app: &TestApp, browser: &mut Browser) {
        let before = app.all_content().await;
        let answer = browser.post(self.address, self.fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        assert_eq!(answer.message(self.field), self.error);
        for (name, value) in self.fields.iter().filter(|(name, _)| *name != "save_draft") {
            assert_eq!(answer.field(name), *value, "{name} is kept");
        }
        assert!(app.all_content().await == before, "something was written");
    }
}

#[apply(on_both_databases!)]
async fn drafts_are_limited_to_100(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("open", app.clock.now())]).await;
    let mut tx = app.db.write().await.unwrap();
    for number in 0..100 {
        let draft = SavedDraft {
            id: DraftId::parse(&format!("draft{number}")).unwrap(),
            incident: None,
            fields: Fields(vec![("title".into(), "Begun".into())]),
            edited_by: "Ines".into(),
            created_at: app.clock.now(),
            edited_at: app.clock.now(),
            version: 1,
        };
        drafts::insert(&mut tx, &draft).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
    let mut browser = app.logged_in(Publisher).await;
    let new = [("title", "Mail is late"), ("body", "We look **into** it."), ("save_draft", "1")];
    let error = "Limit reached (100 drafts). Publish or delete some first.";
    for (address, fields) in [("/admin/incidents", &new[..]), ("/admin/incidents/open/updates", &new[1..])] {
        LimitCase { address, fields, field: "body", error }.assert_rejected(&app, &mut browser).await;
    }
    let known = [("draft", "draft7"), ("draft_version", "1"), ("title", "Begun again"), ("save_draft", "1")];
    let saved = browser.post("/admin/incidents", &known).await;
    assert_eq!(saved.location(), "/admin/drafts/draft7?done=draft-saved", "what is there already is saved as ever");
}

#[apply(on_both_databases!)]
async fn templates_are_limited_to_200(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut tx = app.db.write().await.unwrap();
    for number in 0..200 {
        let new = NewTemplate {
            notify: true,
            name: format!("Template {number}"),
            title: "Slow".into(),
            body: "Text".into(),
            phase: Phase::Identified.into(),
            components: Vec::new(),
        };
        templates::create(&mut tx, new, app.clock.now()).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
    let mut browser = app.logged_in(Publisher).await;
    let fields = [("name", "Another"), ("title", "Slow again"), ("body", "Since {{time}}."), ("phase", "monitoring")];
    let error = "Limit reached (200 templates). Delete one first.";
    LimitCase { address: "/admin/templates", fields: &fields, field: "name", error }
        .assert_rejected(&app, &mut browser)
        .await;
}

#[apply(on_both_databases!)]
async fn corrections_are_limited_to_500(test: TestDb) {
    let app = TestApp::new(test).await;
    let (full, other) = (app.component("API").await, app.component("Mail").await);
    let mut tx = app.db.write().await.unwrap();
    for number in 0..500 {
        let from = app.clock.now() - TimeDelta::days(2) + TimeDelta::minutes(2 * number);
        let correction = UptimeCorrection {
            id: CorrectionId::parse(&format!("correction{number}")).unwrap(),
            component_id: full.id.clone(),
            from,
            to: from + TimeDelta::minutes(1),
            status: Status::MajorOutage,
            reason: "Nobody noticed.".into(),
            created_at: app.clock.now(),
        };
        uptime_corrections::insert(&mut tx, &correction).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
    let mut browser = app.logged_in(Publisher).await;
    let fields = [
        ("started_at", "2026-11-10T10:00"),
        ("ended_at", "2026-11-10T11:00"),
        ("zone", "UTC"),
        ("status", "partial_outage"),
        ("reason", "A probe was wrong."),
    ];
    let address = |id| format!("/admin/components/{id}/corrections");
    let error = "Limit reached (500 corrections of this component). Remove some first.";
    let one = LimitCase { address: &address(&full.id), fields: &fields, field: "reason", error };
    one.assert_rejected(&app, &mut browser).await;
    let added = browser.post(&address(&other.id), &fields).await;
    assert!(added.location().ends_with("?done=correction-added"), "another component has its own");
}

#[apply(on_both_databases!)]
async fn tokens_are_limited_to_50(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Publisher).await;
    let mut tx = app.db.write().await.unwrap();
    for number in 0..50 {
        let new = NewApiToken { name: format!("Token {number}"), scope: Scope::Read, days: 7 };
        let hash = secret_token::hash_token(&new.name);
        api_tokens::create(&mut tx, &manager, new, (&hash, "last"), app.clock.now()).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
    let mut browser = app.with_session(&manager).await;
    let fields = [("name", "Deploy"), ("scope", "publish"), ("days", "30")];
    let error = "Limit reached (50 tokens). Revoke one first.";
    LimitCase { address: "/admin/tokens", fields: &fields, field: "name", error }
        .assert_rejected(&app, &mut browser)
        .await;
    assert_eq!(app.number("select count(*) from api_tokens").await, 50);
    let other = app.logged_in(Publisher).await.post("/admin/tokens", &fields).await;
    assert_eq!(other.status, StatusCode::OK, "others have their own");
}

#[apply(on_both_databases!)]
async fn passkeys_are_limited_to_20(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let manager = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&manager).await;
    // The challenge was issued while there was room for another passkey.
    let credential =
        FakeAuthenticator::at(HERE).make(&request_challenge(&mut browser, "/admin/account/passkeys/challenge").await);
    for number in 0..20 {
        app.passkey(&manager, &format!("passkey{number}")).await;
    }
    let before = app.all_content().await;
    let answer = browser.post("/admin/account/passkeys", &[("name", "Phone"), ("credential", &credential)]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    assert_eq!(answer.message("name"), "Limit reached (20 passkeys). Remove one first.");
    assert_eq!(answer.field("name"), "Phone");
    let asked = browser.post("/admin/account/passkeys/challenge", &[]).await;
    assert_eq!(asked.status, StatusCode::CONFLICT, "no device is asked in vain");
    assert!(app.all_content().await == before, "something was written");
}

#[apply(on_both_databases!)]
async fn components_are_limited_to_2000(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut tx = app.db.write().await.unwrap();
    for number in 0..2000 {
        components::create(&mut tx, fixtures::component(&format!("C{number}")), app.clock.now()).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
    let mut browser = app.logged_in(Owner).await;
    let fields = [("name", "Another"), ("description", "Of many"), ("status", "degraded_performance")];
    let error = "Limit reached (2000 components). Delete some first.";
    let one = LimitCase { address: "/admin/components", fields: &fields, field: "name", error };
    one.assert_rejected(&app, &mut browser).await;
}

#[apply(on_both_databases!)]
async fn groups_are_limited_to_500(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut tx = app.db.write().await.unwrap();
    for number in 0..500 {
        let new = NewGroup { name: format!("Group {number}"), description: String::new(), position: None };
        components::create_group(&mut tx, new, app.clock.now()).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
    let mut browser = app.logged_in(Owner).await;
    let fields = [("name", "Another"), ("description", "Of many")];
    let error = "Limit reached (500 groups). Delete some first.";
    LimitCase { address: "/admin/groups", fields: &fields, field: "name", error }
        .assert_rejected(&app, &mut browser)
        .await;
}

#[apply(on_both_databases!)]
async fn series_are_limited_to_200(test: TestDb) {
    let app = TestApp::new(test).await;
    let now = app.clock.now();
    let window = WindowForm::from_times(now + TimeDelta::days(1), now + TimeDelta::hours(25), chrono_tz::Tz::UTC);
    let plan = PlanForm { title: "Weekly".into(), switches: Automation::default(), ..PlanForm::default() };
    let first = MaintenanceForm { plan, window, body: "Text".into() };
    let recurrence = RecurrenceForm { repeats: "FREQ=WEEKLY".into(), ..RecurrenceForm::default() };
    let form = SeriesForm { id: String::new(), first, recurrence };
    let mut tx = app.db.write().await.unwrap();
    for number in 0..200 {
        let id = SeriesId::parse(&format!("series{number}")).unwrap();
        let begun = form.parse().unwrap().begin(id, &[], now).unwrap();
        series::insert(&mut tx, &begun).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
    let mut browser = app.logged_in(Publisher).await;
    let fields = [
        ("title", "Another"),
        ("body", "A reboot."),
        ("scheduled_for", "2026-11-12T02:00"),
        ("scheduled_until", "2026-11-12T04:00"),
        ("zone", "Asia/Kolkata"),
        ("repeats", "FREQ=WEEKLY"),
    ];
    let error = "Limit reached (200 recurring maintenances). Stop one first.";
    let one = LimitCase { address: "/admin/maintenances", fields: &fields, field: "repeats", error };
    one.assert_rejected(&app, &mut browser).await;
    let once = browser.post("/admin/maintenances", &fields[..5]).await;
    assert!(once.location().ends_with("?done=maintenance-planned"), "what comes once is planned as ever");
}
