//! Everybody x every address x whatever became of an incident. Nothing here lists addresses: those of managers come
//! from the router's own table, those of visitors from its source, so a new one is walked from its first day.

use axum::http::{Method, StatusCode};
use candor::db::{api_tokens, incidents, managers};
use candor::domain::Role::{self, Owner, Publisher, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::forms::NewApiToken;
use candor::domain::{Manager, Phase, Visibility};
use candor::token;
use candor::web::admin::routes;
use candor::web::routes::Access;
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp};
use crate::support::samples;

on_both_databases!(
    managers_reach_what_their_role_reaches_whatever_became_of_the_incident,
    nothing_that_never_was_is_told_from_what_is_not_for_you,
    visitors_are_answered_alike_whoever_they_are,
    what_is_hidden_from_visitors_answers_like_what_never_was,
    a_token_opens_its_own_door_only,
);

/// An incident of each kind; each id is of one length and stands in no other text.
const PUBLIC: &str = "zqpublic";
const EMBARGOED: &str = "zqlaters";
const INTERNAL: &str = "zqinside";
const DELETED: &str = "zqgoneby";
const NEVER: &str = "zqnevers";
const STAND: [&str; 3] = [PUBLIC, EMBARGOED, INTERNAL];

/// Somebody who asks.
struct Somebody {
    name: &'static str,
    /// What the policy knows them by; nothing for a stranger.
    role: Option<Role>,
    browser: Browser,
    /// The API token they bring.
    bearer: Option<String>,
}

impl Somebody {
    async fn ask(&self, method: &Method, address: &str) -> Answer {
        let mut headers = vec![("sec-fetch-site", "same-origin")];
        headers.extend(self.bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
        let mut browser = self.browser.clone();
        if *method == Method::GET {
            return browser.get_with(address, &headers).await;
        }
        // A version that never was: whoever may do it meets a conflict, and nothing is changed.
        let said = [("version", "999"), ("title", "Another"), ("body", "Text"), ("phase", "identified")];
        let chosen = [("status", "operational"), ("role", "viewer"), ("name", "Name")];
        let fields = [&said[..], &chosen].concat();
        browser.post_with(address, &fields, &headers).await
    }
}

struct Matrix {
    app: TestApp,
    crowd: Vec<Somebody>,
}

impl Matrix {
    /// A page with an incident of each kind, and everybody who may ask.
    async fn over(test: TestDb) -> Self {
        let app = TestApp::new(test).await;
        let mut crowd = vec![Somebody { name: "a stranger", role: None, browser: app.visitor(), bearer: None }];
        let early = app.manager("Early", Owner).await;
        let left = app.with_session(&early).await;
        crowd.push(Somebody { name: "a session that ran out", role: None, browser: left, bearer: None });
        crowd.push(program(&app, "a token that ran out", &early, Scope::Admin).await);
        app.clock.advance(TimeDelta::days(8));
        for (name, role) in [("a viewer", Viewer), ("a publisher", Publisher), ("an owner", Owner)] {
            let browser = app.with_session(&app.manager(role.words(), role).await).await;
            crowd.push(Somebody { name, role: Some(role), browser, bearer: None });
        }
        let mut gone = app.manager("Gone", Owner).await;
        let mut tx = app.db.write().await.unwrap();
        managers::disable(&mut tx, &mut gone, app.clock.now()).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        // Disabling ends sessions and tokens; these stand for any that would be left.
        crowd.push(program(&app, "a disabled manager's token", &gone, Scope::Admin).await);
        let browser = app.with_session(&gone).await;
        crowd.push(Somebody { name: "a disabled manager", role: None, browser, bearer: None });
        for (name, scope) in [
            ("a token to read", Scope::Read),
            ("a token to publish", Scope::Publish),
            ("a token to administer", Scope::Admin),
        ] {
            crowd.push(program(&app, name, &early, scope).await);
        }
        let matrix = Self { app, crowd };
        matrix.fill().await;
        matrix
    }

    async fn fill(&self) {
        let app = &self.app;
        let now = app.clock.now();
        let later = Visibility::Embargoed(now + TimeDelta::days(1));
        let incident = |id: &str, visibility| {
            let mut it = samples::incident(id, now - TimeDelta::hours(1));
            it.updates.push(samples::update(&format!("{id}-2"), now, Phase::Identified, &[]));
            it.visibility = visibility;
            it.settle();
            it
        };
        let deleted = incident(DELETED, Visibility::Public);
        let all = [
            incident(PUBLIC, Visibility::Public),
            incident(EMBARGOED, later),
            incident(INTERNAL, Visibility::Internal),
            deleted.clone(),
        ];
        app.add(&all).await;
        let mut tx = app.db.write().await.unwrap();
        incidents::delete(&mut tx, &deleted.id).await.unwrap();
        tx.commit(&samples::actor(), now, samples::entry()).await.unwrap();
        app.publish().await;
    }
}

/// A program on this machine with a token of `manager`.
async fn program(app: &TestApp, name: &'static str, manager: &Manager, scope: Scope) -> Somebody {
    let secret = token::fresh_api_token();
    // A year for those that must live: one of them runs out a week after it was made.
    let days = if name.contains("ran out") { 7 } else { 365 };
    let new = NewApiToken { name: name.into(), scope, days };
    let mut tx = app.db.write().await.unwrap();
    api_tokens::create(&mut tx, manager, new, (&token::hash(&secret), "last"), app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    let mut browser = app.visitor();
    browser.peer = Some([127, 0, 0, 1].into());
    Somebody { name, role: None, browser, bearer: Some(format!("Bearer {secret}")) }
}

/// The routes of managers that `wanted` chooses: method, path, least role.
fn guarded(wanted: impl Fn(&str) -> bool) -> Vec<(Method, &'static str, Role)> {
    let routes = routes();
    let least = |access| match access {
        Access::Anybody => None,
        Access::AtLeast(role) | Access::Freshly(role) => Some(role),
    };
    let chosen = routes.table().iter().filter(|route| wanted(route.path));
    chosen.filter_map(|route| Some((route.method.clone(), route.path, least(route.access)?))).collect()
}

/// All that was answered but for what is new in every answer: the id of the request, the nonce, and when a cookie that
/// is taken back ended, which is told by the machine's clock; the id of the incident that was asked for is left out, and
/// so is the length, which the server adds where the router has not.
fn told(answer: &Answer, id: &str) -> (StatusCode, Vec<String>, String) {
    let policy = answer.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or("'none'").to_owned();
    let plain = |text: String| text.replace(id, "ID").replace(&nonce, "NONCE");
    let plain = |text: String| match text.split_once("; Expires=") {
        Some((before, _)) => plain(before.to_owned()),
        None => plain(text),
    };
    let headers =
        answer.headers.iter().filter(|(name, _)| !["x-request-id", "content-length"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| plain(format!("{name}: {value:?}"))).collect();
    (answer.status, headers, plain(answer.text()))
}

fn login_for(method: &Method, address: &str) -> String {
    let next = if *method == Method::GET { address } else { "/admin" };
    format!("/login?next={}", next.replace('/', "%2F"))
}

async fn managers_reach_what_their_role_reaches_whatever_became_of_the_incident(test: TestDb) {
    let Matrix { app, crowd } = Matrix::over(test).await;
    let before = app.everything().await;
    let mut asked = 0;
    for (method, path, least) in guarded(|path| path.starts_with("/admin/incidents/{id}")) {
        let at = |id: &str| path.replace("{id}", id).replace("{update}", &format!("{id}-2"));
        for who in &crowd {
            let mut answers = Vec::new();
            for id in [PUBLIC, EMBARGOED, INTERNAL, DELETED, NEVER] {
                let answer = who.ask(&method, &at(id)).await;
                let what = format!("{} {method} {path} of {id}: {}", who.name, answer.status);
                assert_eq!(answer.header("cache-control"), "no-store", "{what}");
                match who.role {
                    None => {
                        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{what}");
                        assert_eq!(answer.location(), login_for(&method, &at(id)), "{what}");
                    }
                    Some(role) if role < least => assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}"),
                    Some(_) if STAND.contains(&id) && method == Method::GET => {
                        assert_eq!(answer.status, StatusCode::OK, "{what}");
                    }
                    // What visitors see already is not published again, and nobody is told of a conflict.
                    Some(_) if id == PUBLIC && path.ends_with("/publication") => {
                        assert!(
                            answer.location().starts_with("/admin/incidents/zqpublic"),
                            "{what}: {}",
                            answer.location()
                        );
                    }
                    Some(_) if STAND.contains(&id) => {
                        assert!([409, 422].contains(&answer.status.as_u16()), "{what}: {}", answer.text());
                    }
                    Some(_) => assert_eq!(answer.status, StatusCode::NOT_FOUND, "{what}"),
                }
                answers.push(told(&answer, id));
                asked += 1;
            }
            assert!(answers[3] == answers[4], "{} {method} {path} tells the deleted from the never", who.name);
            if who.role.is_none_or(|role| role < least) {
                for pair in answers.windows(2) {
                    assert_eq!(pair[0], pair[1], "{} {method} {path}", who.name);
                }
            }
        }
    }
    assert!(asked > 500, "{asked}");
    assert!(app.everything().await == before, "somebody changed something");
}

/// Where the last part of the address is not the id of a thing of its own kind.
const NO_THING: [&str; 2] = ["/admin/islands/{*call}", "/admin/account/sessions/{session}/revocation"];

async fn nothing_that_never_was_is_told_from_what_is_not_for_you(test: TestDb) {
    let Matrix { app, crowd } = Matrix::over(test).await;
    let before = app.everything().await;
    let mut wrong = Vec::new();
    for (method, path, least) in guarded(|path| path.contains('{') && !NO_THING.contains(&path)) {
        let names = ["{id}", "{update}", "{correction}", "{session}"];
        let address = names.iter().fold(path.to_owned(), |path, name| path.replace(name, NEVER));
        for who in &crowd {
            let answer = who.ask(&method, &address).await;
            let is_right = match who.role {
                None => answer.location() == login_for(&method, &address),
                Some(role) if role < least => answer.status == StatusCode::FORBIDDEN,
                Some(_) => answer.status == StatusCode::NOT_FOUND,
            };
            if !is_right {
                wrong.push(format!("{} {method} {path}: {} {}", who.name, answer.status, answer.location()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(app.everything().await == before, "somebody changed something");
}

/// The addresses of visitors as the router's source names them. A stream never ends, so `/events` is left to
/// tests/it/live.rs.
fn public_paths() -> Vec<&'static str> {
    let source = include_str!("../../src/web/public/mod.rs");
    let routed = source.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let paths: Vec<_> = routed.filter(|path| *path != "/events").collect();
    assert!(paths.contains(&"/") && paths.contains(&"/incidents/{id}"), "{paths:?}");
    paths
}

/// The address with `id` in the place of whatever it asks for.
fn filled(path: &str, id: &str) -> String {
    match (path.find('{'), path.rfind('}')) {
        (Some(begin), Some(end)) => format!("{}{id}{}", &path[..begin], &path[end + 1..]),
        _ => path.to_owned(),
    }
}

async fn visitors_are_answered_alike_whoever_they_are(test: TestDb) {
    let Matrix { app, crowd } = Matrix::over(test).await;
    for path in public_paths() {
        let address = filled(path, PUBLIC);
        let plain = told(&crowd[0].ask(&Method::GET, &address).await, PUBLIC);
        for who in &crowd[1..] {
            let answer = who.ask(&Method::GET, &address).await;
            assert!(answer.cookies().is_empty(), "{} {address}", who.name);
            let read = told(&answer, PUBLIC);
            assert!(read == plain, "{} reads {address} otherwise: {:?} {:?}", who.name, read.1, plain.1);
        }
        for id in [EMBARGOED, INTERNAL, DELETED] {
            assert!(!plain.2.contains(id), "{address} names {id}");
        }
    }
    assert_eq!(app.visitor().get(&format!("/incidents/{PUBLIC}")).await.status, StatusCode::OK);
}

async fn what_is_hidden_from_visitors_answers_like_what_never_was(test: TestDb) {
    let Matrix { app: _app, crowd } = Matrix::over(test).await;
    for path in public_paths().into_iter().filter(|path| path.contains('{')) {
        for who in &crowd {
            for suffix in ["", ".json", ".ics", "?before=1", "/"] {
                let never = who.ask(&Method::GET, &format!("{}{suffix}", filled(path, NEVER))).await;
                assert_eq!(never.status, StatusCode::NOT_FOUND, "{path}{suffix}");
                for id in [EMBARGOED, INTERNAL, DELETED] {
                    let answer = who.ask(&Method::GET, &format!("{}{suffix}", filled(path, id))).await;
                    assert!(told(&answer, id) == told(&never, NEVER), "{} is told of {id} at {path}{suffix}", who.name);
                }
            }
        }
    }
}

async fn a_token_opens_its_own_door_only(test: TestDb) {
    let Matrix { app, crowd } = Matrix::over(test).await;
    for who in &crowd {
        let answer = who.ask(&Method::GET, "/v1/token").await;
        let good = who.bearer.is_some() && who.name.starts_with("a token to");
        let expected = if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        assert_eq!(answer.status, expected, "{}: a session is no token", who.name);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let before = app.everything().await;
    for (method, path, _) in guarded(|path| !path.contains('{')) {
        for who in crowd.iter().filter(|who| who.role.is_none()) {
            let answer = who.ask(&method, path).await;
            assert_eq!(answer.location(), login_for(&method, path), "{} {method} {path}", who.name);
        }
    }
    assert!(app.everything().await == before, "somebody changed something");
}
