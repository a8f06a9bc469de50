//! Single-use secrets: of fifty concurrent requests, exactly one succeeds.

use std::sync::Arc;

use axum::http::{Method, StatusCode};

use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::manager::LinkPurpose;
use candor::worker::offer_setup_link;
use chrono::TimeDelta;
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::oidc::{provider_address, with_provider};
use crate::support::TestDb;
use crate::support::api_client::ApiClient;
use crate::support::app::{Answer, Browser, ORIGIN, TestApp};
use crate::support::fake_oidc::Person;
use crate::web_factors::{half_logged_in, manager_with_app};
use crate::web_passkeys::{HERE, request_challenge, with_passkey};

const FIFTY: usize = 50;

/// Runs `act` fifty times concurrently and returns the answers; the requests are distributed over the browsers.
async fn send_concurrently<F>(browsers: &[Browser], act: impl Fn(Browser) -> F) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let (begin, mut acting) = (Arc::new(Barrier::new(FIFTY)), JoinSet::new());
    for number in 0..FIFTY {
        let (begin, act) = (begin.clone(), act(browsers[number % browsers.len()].clone()));
        acting.spawn(async move {
            begin.wait().await;
            act.await
        });
    }
    acting.join_all().await
}

#[track_caller]
fn exactly_one_redirects_to(answers: &[Answer], location: &str) {
    let sent = answers.iter().filter(|answer| answer.location() == location).count();
    let outcomes: Vec<_> = answers.iter().map(|answer| (answer.status.as_u16(), answer.location())).collect();
    assert_eq!((sent, answers.len()), (1, FIFTY), "{outcomes:?}");
}

async fn use_link(app: &TestApp, path: &str, fields: &'static [(&'static str, &'static str)]) -> Vec<Answer> {
    send_concurrently(&[app.visitor()], |mut browser| {
        let path = path.to_owned();
        async move { browser.post(&path, fields).await }
    })
    .await
}

const NEW: &[(&str, &str)] = &[("password", "gravel lantern otter")];

#[apply(on_both_databases!)]
async fn concurrent_first_owners_one_wins(test: TestDb) {
    let app = TestApp::new(test).await;
    let link = offer_setup_link(&app).await.unwrap().expect("a link");
    let first = &[("name", "Ines"), ("email", "ines@tidewater.example"), ("password", "gravel lantern otter")];
    let answers = use_link(&app, link.strip_prefix(ORIGIN).unwrap(), first).await;
    exactly_one_redirects_to(&answers, "/admin/setup/page?done=welcome");
    assert_eq!(app.number("select count(*) from managers").await, 1);
}

#[apply(on_both_databases!)]
async fn concurrent_invitation_accepts_one_wins(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let path = format!("/setup/{}", app.link(LinkPurpose::Invite, Some(&manager), TimeDelta::days(3)).await);
    exactly_one_redirects_to(&use_link(&app, &path, NEW).await, "/admin?done=welcome");
    assert_eq!(app.sessions(&manager).await.len(), 1);
}

#[apply(on_both_databases!)]
async fn concurrent_password_resets_one_wins(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let path = format!("/setup/{}", app.link(LinkPurpose::Reset, Some(&manager), TimeDelta::minutes(30)).await);
    exactly_one_redirects_to(&use_link(&app, &path, NEW).await, "/login");
    let actions = app.audit().await.into_iter().filter(|row| row.action == "manager.reset-password");
    assert_eq!(actions.count(), 1);
}

/// Sends `code` in five half-finished logins, ten times each.
async fn send_code(app: &TestApp, manager: &candor::domain::Manager, code: &str) -> Vec<Answer> {
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(half_logged_in(app, manager).await);
    }
    send_concurrently(&waiting, |mut browser| {
        let code = code.to_owned();
        async move { browser.post("/login/factor", &[("code", &code)]).await }
    })
    .await
}

#[apply(on_both_databases!)]
async fn concurrent_recovery_code_logins_one_wins(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, _, codes) = manager_with_app(&app).await;
    let left = app.number("select count(*) from recovery_codes").await;
    exactly_one_redirects_to(&send_code(&app, &manager, &codes[3]).await, "/admin");
    assert_eq!(app.number("select count(*) from recovery_codes").await, left - 1);
}

#[apply(on_both_databases!)]
async fn concurrent_totp_logins_one_wins(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, phone, _) = manager_with_app(&app).await;
    let code = phone.code(&app, 0);
    exactly_one_redirects_to(&send_code(&app, &manager, &code).await, "/admin");
}

#[apply(on_both_databases!)]
async fn concurrent_oidc_callbacks_one_wins(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut browser = app.visitor();
    let redirect = browser.post("/login/oidc", &[]).await;
    let back = issuer.authorize(&provider_address(&redirect), &Person::named("Ines", &["owners"])).address();
    let answers = send_concurrently(&[browser], |mut browser| {
        let back = back.clone();
        async move { browser.get(&back).await }
    })
    .await;
    exactly_one_redirects_to(&answers, "/admin");
    assert_eq!(issuer.token_requests(), 1, "the others did not even ask");
}

#[apply(on_both_databases!)]
async fn concurrent_passkey_answers_one_wins(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (_, mut device, _) = with_passkey(&app).await;
    let mut browser = app.visitor();
    let options = request_challenge(&mut browser, "/login/passkey/challenge").await;
    let credential = device.sign(&options);
    let answers = send_concurrently(&[browser], |mut browser| {
        let credential = credential.clone();
        async move { browser.post("/login/passkey", &[("credential", &credential)]).await }
    })
    .await;
    exactly_one_redirects_to(&answers, "/admin");
}

#[apply(on_both_databases!)]
async fn concurrent_idempotent_calls_run_once(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = ApiClient::new(&app, &app.manager("Ines", Owner).await, "Deploy", Scope::Admin).await;
    let answers = send_concurrently(std::slice::from_ref(&program.browser), |_| {
        let program = program.clone();
        async move {
            let body = json!({ "component": { "name": "API" } }).to_string();
            program.send_with(Method::POST, "/components", body, &[("idempotency-key", "once")]).await
        }
    })
    .await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::CREATED && answer.body == answers[0].body));
    let first = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count();
    assert_eq!((first, app.number("select count(*) from components").await), (1, 1));
}

/// Sends `fields` to `path` fifty times, from a form with this `id`.
async fn send_form(
    browser: &Browser,
    path: &'static str,
    id: &str,
    fields: &[(&'static str, &'static str)],
) -> Vec<Answer> {
    send_concurrently(std::slice::from_ref(browser), |mut browser| {
        let (id, fields) = (id.to_owned(), fields.to_vec());
        async move {
            let mut all: Vec<(&str, &str)> = fields;
            all.push(("new_id", id.as_str()));
            browser.post(path, &all).await
        }
    })
    .await
}

#[track_caller]
fn all_redirect_to(answers: &[Answer], location: &str) {
    let outcomes: Vec<_> = answers.iter().map(|answer| (answer.status.as_u16(), answer.location())).collect();
    assert!(answers.iter().all(|answer| answer.location() == location), "{outcomes:?}");
}

const INCIDENT: [(&str, &str); 3] =
    [("title", "Logins fail"), ("phase", "investigating"), ("body", "We look into it.")];

#[apply(on_both_databases!)]
async fn form_sent_fifty_times_opens_one_incident(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    let id = publisher.get("/admin/incidents/new").await.field("new_id");
    assert_ne!(publisher.get("/admin/incidents/new").await.field("new_id"), id, "each form has an id of its own");
    let shown =
        publisher.post("/admin/incidents", &[("new_id", id.as_str()), ("body", "Text"), ("preview", "1")]).await;
    assert_eq!(shown.field("new_id"), id, "a preview keeps it");
    let answers = send_form(&publisher, "/admin/incidents", &id, &INCIDENT).await;
    all_redirect_to(&answers, &format!("/admin/incidents/{id}?done=incident-opened"));
    assert_eq!(app.incidents().await.len(), 1);
    assert_eq!(app.audit().await.iter().filter(|row| row.action == "incident.open").count(), 1);
}

#[apply(on_both_databases!)]
async fn form_sent_fifty_times_plans_one_maintenance(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    let plan = [
        ("title", "Disk upgrade"),
        ("body", "The archive is read-only."),
        ("scheduled_for", "2026-11-12T02:00"),
        ("scheduled_until", "2026-11-12T04:00"),
        ("zone", "UTC"),
    ];
    let id = publisher.get("/admin/maintenances/new").await.field("new_id");
    let answers = send_form(&publisher, "/admin/maintenances", &id, &plan).await;
    all_redirect_to(&answers, &format!("/admin/maintenances/{id}?done=maintenance-planned"));
    assert_eq!(app.number("select count(*) from maintenances").await, 1);
    let id = publisher.get("/admin/maintenances/new").await.field("new_id");
    let again = [&plan[..], &[("repeats", "FREQ=WEEKLY")]].concat();
    let answers = send_form(&publisher, "/admin/maintenances", &id, &again).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::SEE_OTHER));
    assert_eq!(app.number("select count(*) from maintenance_series").await, 1);
    assert_eq!(app.number("select count(*) from maintenances").await, 2);
}

#[apply(on_both_databases!)]
async fn changed_text_in_resubmitted_form_is_kept(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    let id = publisher.get("/admin/incidents/new").await.field("new_id");
    let mut fields = [&INCIDENT[..], &[("new_id", id.as_str())]].concat();
    assert_eq!(publisher.post("/admin/incidents", &fields).await.status, StatusCode::SEE_OTHER);
    // The id belongs to the first manager's incident, so the same form of a colleague is rejected too.
    let mut rui = app.with_session(&app.manager("Rui", Publisher).await).await;
    assert_eq!(rui.post("/admin/incidents", &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    fields[2] = ("body", "Another one, written after going back.");
    let rejected = publisher.post("/admin/incidents", &fields).await;
    assert_eq!((rejected.status, rejected.field("body").as_str()), (StatusCode::UNPROCESSABLE_ENTITY, fields[2].1));
    assert!(rejected.message("title").starts_with("This form was already submitted"), "{}", rejected.text());
    let fresh = rejected.field("new_id");
    assert_ne!(fresh, id);
    fields[3] = ("new_id", fresh.as_str());
    let sent = publisher.post("/admin/incidents", &fields).await;
    assert_eq!(sent.location(), format!("/admin/incidents/{fresh}?done=incident-opened"));
    // An invalid id is replaced, and an id of a maintenance is taken.
    let own = [&INCIDENT[..], &[("new_id", "history")]].concat();
    let sent = publisher.post("/admin/incidents", &own).await;
    assert!(sent.location().ends_with("?done=incident-opened") && !sent.location().contains("history"));
    assert_eq!(app.incidents().await.len(), 3);
    let taken = [("new_id", fresh.as_str()), ("title", "Work"), ("body", "Text"), ("zone", "UTC")];
    let rejected = publisher.post("/admin/maintenances", &taken).await;
    assert!(rejected.message("title").starts_with("This form was already submitted"), "{}", rejected.text());
}
