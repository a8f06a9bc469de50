//! The most expensive form and call at every address: the size of the answer is bounded.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use candor::domain::Manager;
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::manager::LinkPurpose;
use candor::web::{admin, api};
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::api_client::ApiClient;
use crate::support::app::{Answer, Browser, TestApp};
use crate::support::fixtures;

/// The largest body that is read, in bytes.
const MAX_BODY: usize = 512 * 1024;
/// The largest answer without a login, in bytes: the submitted text and a page around it.
const MAX_ANONYMOUS: usize = 160 * 1024;
/// The largest answer to a manager, in bytes: the submitted text as often as the page shows it.
const MAX_MANAGER: usize = 1024 * 1024;

const FORM: &str = "application/x-www-form-urlencoded";

/// Forms of 512 KiB, each with another extreme.
fn worst_forms() -> Vec<(&'static str, String)> {
    let full = |part: &str| part.repeat(MAX_BODY / part.len());
    let once = |begin: &str, part: &str| format!("{begin}{}", part.repeat((MAX_BODY - begin.len()) / part.len()));
    vec![
        ("the most fields", full("a=b&")),
        ("the most empty fields", full("=&")),
        ("the most components", full("component.x=y&")),
        ("the longest field", once("body=", "\"")),
        ("the longest title", once("title=", "<")),
        ("the longest name", once("", "'")),
        ("the deepest quote", once("title=x&phase=identified&preview=1&body=", "> ")),
        ("a title as long as is read", format!("title={}", "\"".repeat(87_000))),
        ("a message as long as is read", format!("title=x&phase=identified&preview=1&body={}", "<".repeat(130_000))),
        ("a text that grows most", once("title=x&phase=identified&preview=1&body=", "<*_")),
    ]
}

async fn send_body(browser: &mut Browser, address: &str, kind: &str, body: &str) -> Answer {
    let headers = [("content-type", kind), ("sec-fetch-site", "same-origin")];
    browser.send(Method::POST, address, &headers, Body::from(body.to_owned())).await
}

/// A page with the resources that most addresses need.
struct Target {
    app: TestApp,
    other: Manager,
    component: String,
    token: String,
}

impl Target {
    async fn over(test: TestDb) -> Self {
        let app = TestApp::new(test).await;
        let other = app.manager("Target", Viewer).await;
        let component = app.component("API").await.id.to_string();
        let now = app.clock.now();
        app.add(&[fixtures::incident("it", now)]).await;
        let tomorrow = now + TimeDelta::days(1);
        app.plan(&[fixtures::maintenance("work", tomorrow, tomorrow + TimeDelta::hours(1), &[])]).await;
        app.create_series("again", tomorrow).await;
        app.add_template_and_draft("template", "draft").await;
        let token = app.link(LinkPurpose::Reset, Some(&other), TimeDelta::minutes(30)).await;
        Self { app, other, component, token }
    }

    fn addresses(&self) -> Vec<String> {
        let routes = admin::routes();
        let posts = routes.table().iter().filter(|route| route.method == Method::POST);
        posts.map(|route| self.address(route.path)).collect()
    }

    fn address(&self, path: &str) -> String {
        let id = match path.split('/').nth(2) {
            Some("incidents") => "it",
            Some("components") => &self.component,
            Some("templates") => "template",
            Some("drafts") => "draft",
            Some("maintenances") => "work",
            Some("series") => "again",
            _ => self.other.id.as_str(),
        };
        let named = [("{id}", id), ("{update}", "it-1"), ("{correction}", "none"), ("{session}", "none")];
        let named = named.into_iter().chain([("{token}", self.token.as_str()), ("{*call}", "preview")]);
        named.fold(path.to_owned(), |path, (name, id)| path.replace(name, id))
    }

    /// Sends `forms` to every address, in a new session of the manager if there is one.
    async fn assert_bounded(&self, manager: Option<&Manager>, forms: &[(&str, String)], most: usize) {
        let mut largest = 0;
        for address in self.addresses() {
            for (what, form) in forms {
                let mut browser = match manager {
                    Some(manager) => self.app.with_session(manager).await,
                    None => self.app.visitor(),
                };
                let answer = send_body(&mut browser, &address, FORM, form).await;
                let outcome = (answer.status, answer.body.len());
                assert!(answer.status.as_u16() < 500, "{address}, {what}: {outcome:?}");
                assert!(answer.body.len() <= most, "{address}, {what}: {outcome:?}");
                largest = largest.max(answer.body.len());
            }
        }
        println!("the largest answer has {largest} bytes");
    }
}

/// Without a login, no database is asked for what is shown, so this only uses SQLite.
#[tokio::test]
async fn largest_anonymous_form_gets_small_response() {
    let target = Target::over(TestDb::sqlite().await).await;
    let before = target.app.all_content().await;
    let mut forms = worst_forms();
    // The largest form that is accepted without a login.
    forms.push(("a small form", format!("email={}", "\"".repeat(16_000))));
    target.assert_bounded(None, &forms, MAX_ANONYMOUS).await;
    assert!(target.app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn largest_manager_form_gets_limited_response(test: TestDb) {
    let target = Target::over(test).await;
    for role in [Viewer, Publisher, Owner] {
        let forms = worst_forms();
        let forms = if role == Publisher { &forms[..] } else { &forms[2..4] };
        let who = target.app.manager(role.words(), role).await;
        target.assert_bounded(Some(&who), forms, MAX_MANAGER).await;
    }
}

#[apply(on_both_databases!)]
async fn largest_form_awaiting_reauth_gets_limited_response(test: TestDb) {
    let target = Target::over(test).await;
    let owner = target.app.logged_in(Owner).await;
    target.app.clock.advance(TimeDelta::minutes(11));
    for path in ["/admin/managers", "/admin/account/totp", "/admin/tokens"] {
        for (what, form) in worst_forms() {
            let answer = send_body(&mut owner.clone(), path, FORM, &form).await;
            assert!(answer.status.is_client_error(), "{path}, {what}: {}", answer.status);
            assert!(answer.body.len() <= MAX_BODY + 64 * 1024, "{path}, {what}: {}", answer.body.len());
        }
    }
    let fits = "\"".repeat(10_000);
    let asked = owner.clone().post("/admin/tokens", &[("name", &fits)]).await;
    assert_eq!((asked.status, asked.word("h1").as_str()), (StatusCode::FORBIDDEN, "Confirm it's you"));
    assert!(asked.body.len() <= 256 * 1024, "{}", asked.body.len());
}

#[apply(on_both_databases!)]
async fn largest_api_call_gets_limited_response(test: TestDb) {
    let target = Target::over(test).await;
    let ines = target.app.manager("Ines", Owner).await;
    let program = ApiClient::new(&target.app, &ines, "Writes", Scope::Admin).await;
    let before = target.app.all_content().await;
    let keys: String = (0..30_000).map(|number| format!("\"k{number}\":\"v\",")).collect();
    let wrong: String = (0..4_000).map(|number| format!("\"component-{number}\":\"no status\",")).collect();
    let long = "\\\"".repeat(200_000);
    let bodies = [
        ("the most keys", format!("{{{keys}\"incident\":{{}}}}")),
        (
            "the most wrong statuses",
            format!("{{\"incident\":{{\"name\":\"x\",\"components\":{{{wrong}\"x\":\"\"}}}}}}"),
        ),
        ("the longest key", format!("{{\"incident\":{{\"name\":\"x\",\"components\":{{\"{long}\":\"no\"}}}}}}")),
        ("the longest text", format!("{{\"component\":{{\"name\":\"{long}\"}},\"incident\":{{\"name\":\"{long}\"}}}}")),
        ("the most lists", "[".repeat(MAX_BODY)),
        ("the most fields", "incident[a]=b&".repeat(30_000)),
    ];
    let table = api::routes();
    let taking = table.table().iter().filter(|line| [Method::POST, Method::PUT, Method::PATCH].contains(&line.method));
    for line in taking {
        let path = line.path.trim_start_matches("/v1/pages/{page}");
        let path = ["{incident}", "{update}", "{component}", "{group}", "{subscriber}"]
            .into_iter()
            .fold(path.to_owned(), |path, name| {
                path.replace(name, if name == "{component}" { &target.component } else { "it" })
            });
        // The rate limit is per minute; throttled calls would not be read.
        target.app.clock.advance(TimeDelta::minutes(1));
        for (what, body) in &bodies {
            let kind = ("content-type", if body.starts_with("incident") { FORM } else { "application/json" });
            let answer = program.send_with(line.method.clone(), &path, body.clone(), &[kind]).await;
            let outcome = (answer.status, answer.body.len());
            assert!(
                answer.status.is_client_error() && answer.status != StatusCode::TOO_MANY_REQUESTS,
                "{path}, {what}: {outcome:?}"
            );
            assert!(answer.body.len() <= 256 * 1024, "{path}, {what}: {outcome:?}");
            let anonymous = [("content-type", "application/json"), ("sec-fetch-site", "same-origin")];
            let address = line.path.replace(['{', '}'], "");
            let refused =
                target.app.visitor().send(line.method.clone(), &address, &anonymous, Body::from(body.clone())).await;
            assert!(refused.status == StatusCode::UNAUTHORIZED && refused.body.len() < 1024, "{path}, {what}");
        }
    }
    for address in ["/api/v2/summary.json", "/api/v2/incidents.json", "/history", "/"] {
        for (what, body) in &bodies {
            let answer = send_body(&mut target.app.visitor(), address, "application/json", body).await;
            assert!(answer.status.is_client_error() && answer.body.len() < 24 * 1024, "{address}, {what}");
        }
    }
    assert!(target.app.all_content().await == before);
}

/// Like the real server, which answers managers on separate threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn returned_forms_do_not_delay_visitors() {
    let app = TestApp::new(TestDb::sqlite().await).await;
    let mut posts = tokio::task::JoinSet::new();
    for number in 0..300 {
        let mut stranger = app.visitor();
        posts.spawn(async move {
            let text = format!("Text number {number}");
            let answer = stranger.post("/admin/incidents", &[("body", &text)]).await;
            (answer.status, answer.field("body") == text)
        });
    }
    while let Some(answer) = posts.join_next().await {
        let (status, is_back) = answer.unwrap();
        assert!([StatusCode::UNAUTHORIZED, StatusCode::SERVICE_UNAVAILABLE].contains(&status), "{status}");
        assert!(is_back, "{status}");
        assert_eq!(app.visitor().get("/").await.status, StatusCode::OK);
    }
    let mut owner = app.logged_in(Owner).await;
    assert_eq!(owner.get("/admin").await.status, StatusCode::OK);
    assert_eq!(owner.post("/admin/groups", &[("name", "Core")]).await.status, StatusCode::SEE_OTHER);
}
