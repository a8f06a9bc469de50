//! What counts once: of fifty who come with it at the same time, one gets in.

use std::sync::Arc;

use axum::http::{Method, StatusCode};

use candor::domain::Role::{Owner, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::manager::LinkPurpose;
use candor::worker::offer_setup;
use chrono::TimeDelta;
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::oidc::{leads_to, with_provider};
use crate::support::TestDb;
use crate::support::app::{Answer, Browser, ORIGIN, TestApp};
use crate::support::issuer::Person;
use crate::support::program::Program;
use crate::web_factors::{enrolled, half_way};
use crate::web_passkeys::{HERE, ask, with_passkey};

on_both_databases!(
    one_of_fifty_becomes_the_first_owner,
    one_of_fifty_accepts_an_invitation,
    one_of_fifty_resets_a_password,
    one_of_fifty_logs_in_with_a_recovery_code,
    one_of_fifty_logs_in_with_a_code_of_the_app,
    one_of_fifty_comes_back_from_the_identity_provider,
    one_of_fifty_answers_the_challenge_of_a_passkey,
    one_of_fifty_calls_with_an_idempotency_key_does_it,
);

const FIFTY: usize = 50;

/// What each of fifty is told who do the same at the same time; the browsers take turns where they are fewer.
async fn at_once<F>(browsers: &[Browser], act: impl Fn(Browser) -> F) -> Vec<Answer>
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

/// Of all of them one was sent there.
#[track_caller]
fn one_is_sent_to(answers: &[Answer], location: &str) {
    let sent = answers.iter().filter(|answer| answer.location() == location).count();
    let told: Vec<_> = answers.iter().map(|answer| (answer.status.as_u16(), answer.location())).collect();
    assert_eq!((sent, answers.len()), (1, FIFTY), "{told:?}");
}

/// Sends `fields` to the link at `path`.
async fn set_up(app: &TestApp, path: &str, fields: &'static [(&'static str, &'static str)]) -> Vec<Answer> {
    at_once(&[app.visitor()], |mut browser| {
        let path = path.to_owned();
        async move { browser.post(&path, fields).await }
    })
    .await
}

const NEW: &[(&str, &str)] = &[("password", "gravel lantern otter")];

async fn one_of_fifty_becomes_the_first_owner(test: TestDb) {
    let app = TestApp::new(test).await;
    let link = offer_setup(&app).await.unwrap().expect("a link");
    let first = &[("name", "Ines"), ("email", "ines@tidewater.example"), ("password", "gravel lantern otter")];
    let answers = set_up(&app, link.strip_prefix(ORIGIN).unwrap(), first).await;
    one_is_sent_to(&answers, "/admin?done=welcome");
    assert_eq!(app.number("select count(*) from managers").await, 1);
}

async fn one_of_fifty_accepts_an_invitation(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let path = format!("/setup/{}", app.link(LinkPurpose::Invite, Some(&manager), TimeDelta::days(3)).await);
    one_is_sent_to(&set_up(&app, &path, NEW).await, "/admin?done=welcome");
    assert_eq!(app.sessions(&manager).await.len(), 1);
}

async fn one_of_fifty_resets_a_password(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let path = format!("/setup/{}", app.link(LinkPurpose::Reset, Some(&manager), TimeDelta::minutes(30)).await);
    one_is_sent_to(&set_up(&app, &path, NEW).await, "/login");
    let actions = app.audit().await.into_iter().filter(|row| row.action == "manager.reset-password");
    assert_eq!(actions.count(), 1);
}

/// Five logins that wait for their second step, each in ten windows.
async fn give(app: &TestApp, manager: &candor::domain::Manager, code: &str) -> Vec<Answer> {
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(half_way(app, manager).await);
    }
    at_once(&waiting, |mut browser| {
        let code = code.to_owned();
        async move { browser.post("/login/factor", &[("code", &code)]).await }
    })
    .await
}

async fn one_of_fifty_logs_in_with_a_recovery_code(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, _, codes) = enrolled(&app).await;
    let left = app.number("select count(*) from recovery_codes").await;
    one_is_sent_to(&give(&app, &manager, &codes[3]).await, "/admin");
    assert_eq!(app.number("select count(*) from recovery_codes").await, left - 1);
}

async fn one_of_fifty_logs_in_with_a_code_of_the_app(test: TestDb) {
    let app = TestApp::new(test).await;
    let (manager, phone, _) = enrolled(&app).await;
    let code = phone.code(&app, 0);
    one_is_sent_to(&give(&app, &manager, &code).await, "/admin");
}

async fn one_of_fifty_comes_back_from_the_identity_provider(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut browser = app.visitor();
    let going = browser.post("/login/oidc", &[]).await;
    let back = issuer.let_in(&leads_to(&going), &Person::named("Ines", &["owners"])).address();
    let answers = at_once(&[browser], |mut browser| {
        let back = back.clone();
        async move { browser.get(&back).await }
    })
    .await;
    one_is_sent_to(&answers, "/admin");
    assert_eq!(issuer.asked_for_tokens(), 1, "the others did not even ask");
}

async fn one_of_fifty_answers_the_challenge_of_a_passkey(test: TestDb) {
    let app = TestApp::at(test, HERE).await;
    let (_, mut device, _) = with_passkey(&app).await;
    let mut browser = app.visitor();
    let options = ask(&mut browser, "/login/passkey/challenge").await;
    let credential = device.sign(&options);
    let answers = at_once(&[browser], |mut browser| {
        let credential = credential.clone();
        async move { browser.post("/login/passkey", &[("credential", &credential)]).await }
    })
    .await;
    one_is_sent_to(&answers, "/admin");
}

async fn one_of_fifty_calls_with_an_idempotency_key_does_it(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = Program::new(&app, &app.manager("Ines", Owner).await, "Deploy", Scope::Admin).await;
    let answers = at_once(std::slice::from_ref(&program.browser), |_| {
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
