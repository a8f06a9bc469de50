//! Write access is checked again in the writing transaction: a form may take half a minute to arrive, and the session,
//! manager or role may change in between.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use candor::db::managers;
use candor::domain::Manager;
use candor::domain::Role::{self, Owner, Viewer};
use candor::domain::manager::LinkPurpose;
use candor::web::access::routes::Access;
use candor::web::admin::routes;
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp};
use crate::support::fixtures;
use crate::support::subscribers::add_to_page;

/// The change between the headers and the end of a form.
#[derive(Clone, Copy, Debug, PartialEq)]
enum LostAccess {
    Disabled,
    Demoted,
    SessionEnded,
    FactorRequired,
}

impl LostAccess {
    async fn apply(self, app: &TestApp, manager: &Manager) {
        let now = app.clock.now();
        let mut tx = app.db.write().await.unwrap();
        let mut known = managers::find(&mut tx, &manager.id).await.unwrap();
        match self {
            Self::Disabled => managers::disable(&mut tx, &mut known, now).await.unwrap(),
            Self::Demoted => managers::set_role(&mut tx, &mut known, Viewer, now).await.unwrap(),
            Self::SessionEnded => {
                candor::db::sessions::delete_for_manager(&mut tx, &manager.id, None).await.unwrap();
            }
            Self::FactorRequired => {
                let policy = candor::db::login_policy::load(&mut tx).await.unwrap();
                let policy = candor::domain::LoginPolicy { second_factor_required: true, ..policy };
                candor::db::login_policy::update(&mut tx, &policy).await.unwrap();
            }
        }
        tx.commit_unaudited().await.unwrap();
    }

    async fn undo(self, app: &TestApp, manager: &Manager) {
        let now = app.clock.now();
        let mut tx = app.db.write().await.unwrap();
        let mut known = managers::find(&mut tx, &manager.id).await.unwrap();
        match self {
            Self::Disabled => managers::enable(&mut tx, &mut known, now).await.unwrap(),
            Self::Demoted => managers::set_role(&mut tx, &mut known, Owner, now).await.unwrap(),
            Self::SessionEnded => {}
            Self::FactorRequired => {
                let policy = candor::db::login_policy::load(&mut tx).await.unwrap();
                let policy = candor::domain::LoginPolicy { second_factor_required: false, ..policy };
                candor::db::login_policy::update(&mut tx, &policy).await.unwrap();
            }
        }
        tx.commit_unaudited().await.unwrap();
    }

    /// Whether this is the denial at a route that requires `least`.
    fn is_denial(self, answer: &Answer) -> bool {
        let (status, place) = (answer.status, answer.location());
        let to_login = status == StatusCode::SEE_OTHER && place.starts_with("/login?");
        match self {
            Self::Disabled | Self::SessionEnded => to_login || status == StatusCode::UNAUTHORIZED,
            Self::Demoted => status == StatusCode::FORBIDDEN,
            Self::FactorRequired => {
                status == StatusCode::SEE_OTHER && place.split('?').next() == Some("/admin/account/factors")
            }
        }
    }
}

struct Page {
    app: TestApp,
    walker: Manager,
    target: Manager,
    component: String,
    group: String,
    subscriber: String,
}

impl Page {
    async fn over(test: TestDb, loss: LostAccess) -> Self {
        let app = TestApp::new(test).await;
        app.manager("Keeper", Owner).await;
        let target = app.manager("Target", Viewer).await;
        let walker = app.manager("Walker", Owner).await;
        let component = app.component("API").await.id.to_string();
        let group = app.group("Core").await.id.to_string();
        let now = app.clock.now();
        app.add(&[fixtures::incident("it", now)]).await;
        let tomorrow = now + TimeDelta::days(1);
        app.plan(&[fixtures::maintenance("work", tomorrow, tomorrow + TimeDelta::hours(1), &["api"])]).await;
        app.create_series("again", tomorrow).await;
        app.add_template_and_draft("template", "draft").await;
        app.correction(&component, "correction").await;
        if loss != LostAccess::FactorRequired {
            app.passkey(&walker, "passkey").await;
        }
        app.link(LinkPurpose::Reset, Some(&target), TimeDelta::minutes(30)).await;
        let subscriber = add_to_page(&app, "reader@example.org").await.id.to_string();
        Self { app, walker, target, component, group, subscriber }
    }

    fn address(&self, path: &str) -> String {
        let id = match path.split('/').nth(2) {
            Some("incidents") => "it",
            Some("components") => &self.component,
            Some("groups") => &self.group,
            Some("templates") => "template",
            Some("drafts") => "draft",
            Some("maintenances") => "work",
            Some("series") => "again",
            Some("subscribers") => &self.subscriber,
            Some("account") => "passkey",
            _ => self.target.id.as_str(),
        };
        path.replace("{id}", id)
            .replace("{update}", "it-2")
            .replace("{correction}", "correction")
            .replace("{session}", "0123456789abcdef")
            .replace("{*call}", "preview")
    }
}

/// Form fields with which every route gets as far as writing.
fn form() -> String {
    let fields = [
        ("title", "Slow"),
        ("body", "Text"),
        ("phase", "investigating"),
        ("role", "publisher"),
        ("status", "operational"),
        ("name", "Name"),
        ("email", "new@example.org"),
        ("current", crate::support::app::PASSWORD),
        ("password", "gravel lantern otter"),
    ];
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Sends a form whose second half arrives after `loss`; also returns whether the server waited for it.
async fn send_in_halves(page: &Arc<Page>, browser: &mut Browser, address: &str, loss: LostAccess) -> (Answer, bool) {
    let (form, asked) = (form(), Arc::new(AtomicBool::new(false)));
    let (first, second) = form.split_at(form.len() / 2);
    let (first, second) = (Bytes::copy_from_slice(first.as_bytes()), Bytes::copy_from_slice(second.as_bytes()));
    let (shared, waited) = (page.clone(), asked.clone());
    let halves = futures_util::stream::unfold(0, move |part| {
        let (page, waited, first, second) = (shared.clone(), waited.clone(), first.clone(), second.clone());
        async move {
            match part {
                0 => Some((Ok::<_, std::io::Error>(first), 1)),
                1 => {
                    loss.apply(&page.app, &page.walker).await;
                    waited.store(true, Ordering::Relaxed);
                    Some((Ok(second), 2))
                }
                _ => None,
            }
        }
    });
    let length = form.len().to_string();
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-length", length.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    let answer = browser.send(Method::POST, address, &headers, Body::from_stream(halves)).await;
    (answer, asked.load(Ordering::Relaxed))
}

/// Every admin route that reads a form, with its minimum role.
fn form_routes() -> Vec<(&'static str, Role)> {
    let routes = routes();
    let posts = routes.table().iter().filter(|route| route.method == Method::POST);
    posts
        .filter_map(|route| match route.access {
            Access::AtLeast(role) | Access::Reauthenticated(role) => Some((route.path, role)),
            Access::Public => None,
        })
        // The first only renders a preview; the second needs a provider and changes only the session's row.
        .filter(|(path, _)| !path.starts_with("/admin/islands/") && *path != "/admin/proof/oidc")
        .collect()
}

async fn assert_denied_everywhere(test: TestDb, loss: LostAccess) {
    let page = Arc::new(Page::over(test, loss).await);
    let mut read_to_the_end = 0;
    for (path, least) in form_routes() {
        let open_without_factor = loss == LostAccess::FactorRequired
            && (path == "/logout"
                || path.starts_with("/admin/proof")
                || path.starts_with("/admin/account/totp")
                || path.starts_with("/admin/account/passkeys")
                || path == "/admin/account/recovery-codes");
        if (loss == LostAccess::Demoted && least == Viewer) || open_without_factor {
            continue;
        }
        let mut browser = page.app.with_session(&page.walker).await;
        let before = page.app.content_without_managers().await;
        let (answer, waited) = send_in_halves(&page, &mut browser, &page.address(path), loss).await;
        if !waited {
            // The route ignores its form, so it acted on the headers alone.
            continue;
        }
        read_to_the_end += 1;
        assert!(loss.is_denial(&answer), "{loss:?} {path}: {} {}", answer.status, answer.location());
        assert!(page.app.content_without_managers().await == before, "{loss:?} {path} wrote something");
        loss.undo(&page.app, &page.walker).await;
    }
    assert!(read_to_the_end >= 35, "only {read_to_the_end} routes waited for the form");
}

#[apply(on_both_databases!)]
async fn manager_disabled_during_upload_writes_nothing(test: TestDb) {
    assert_denied_everywhere(test, LostAccess::Disabled).await;
}

#[apply(on_both_databases!)]
async fn manager_demoted_during_upload_writes_nothing(test: TestDb) {
    assert_denied_everywhere(test, LostAccess::Demoted).await;
}

#[apply(on_both_databases!)]
async fn session_ended_during_upload_writes_nothing(test: TestDb) {
    assert_denied_everywhere(test, LostAccess::SessionEnded).await;
}

#[apply(on_both_databases!)]
async fn second_factor_required_during_upload_applies(test: TestDb) {
    assert_denied_everywhere(test, LostAccess::FactorRequired).await;
}

/// Files of the admin whose routes run before a login: the login itself, one-time links, and forms of ended sessions.
const FILES_BEFORE_LOGIN: [&str; 8] = [
    "challenges.rs",
    "forgot_password.rs",
    "login.rs",
    "login_oidc.rs",
    "login_passkey.rs",
    "login_second_factor.rs",
    "one_time_links.rs",
    "pending_form.rs",
];

#[test]
fn admin_writes_require_a_checked_manager() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
    let mut folders = ["admin", "page", "sign_in"].map(|folder| web.join(folder)).to_vec();
    let mut writing = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source: String = std::fs::read_to_string(&path).unwrap().split_whitespace().collect();
            if source.contains("db.write()") || source.contains("Db::write") {
                writing.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(writing, FILES_BEFORE_LOGIN.map(str::to_owned).into());
}

#[apply(on_both_databases!)]
async fn changes_per_session_are_limited(test: TestDb) {
    let app = TestApp::new(test).await;
    let ines = app.manager("Ines", Owner).await;
    let mut browser = app.with_session(&ines).await;
    app.clock.advance(TimeDelta::seconds(1));
    let mut other = app.with_session(&ines).await;
    let post = [("name", "")];
    for _ in 0..candor::state::SESSION_CHANGES {
        assert_eq!(browser.post("/admin/groups", &post).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let refused = browser.post("/admin/groups", &[("name", "Maps")]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(other.post("/admin/groups", &[("name", "Maps")]).await.status, StatusCode::SEE_OTHER, "another session");
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(browser.post("/admin/groups", &[("name", "Roads")]).await.status, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn account_changes_have_their_own_limit(test: TestDb) {
    let app = TestApp::new(test).await;
    let vera = app.manager("Vera", Viewer).await;
    let mut browser = app.with_session(&vera).await;
    let before = app.counts().await;
    for _ in 0..candor::state::ACCOUNT_CHANGE_BURST {
        app.with_session(&vera).await;
        let ended = browser.post("/admin/account/sessions/revocation", &[]).await;
        assert_eq!(ended.status, StatusCode::SEE_OTHER);
    }
    let refused = browser.post("/admin/account/sessions/revocation", &[]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let changes = i64::from(candor::state::ACCOUNT_CHANGE_BURST);
    assert_eq!(app.counts().await, (before.0 + changes, before.1 + usize::try_from(changes).unwrap()));
    app.clock.advance(TimeDelta::seconds(10));
    assert_eq!(browser.post("/admin/account/sessions/revocation", &[]).await.status, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn noop_changes_leave_no_audit_entry(test: TestDb) {
    let app = TestApp::new(test).await;
    let target = app.manager("Target", Viewer).await;
    let mut owner = app.logged_in(Owner).await;
    let component = app.component("API").await;
    let group = app.group("Core").await;
    let version = |version: i64| version.to_string();
    let before = app.counts().await;
    let managers = format!("/admin/managers/{}", target.id);
    let (of_component, of_group) = (version(component.version), version(group.version));
    let forms: [(String, Vec<(&str, &str)>); 8] = [
        ("/admin/account/sessions/revocation".into(), vec![]),
        ("/admin/account/email".into(), vec![("email", "owner@example.org")]),
        (format!("{managers}/role"), vec![("role", "viewer")]),
        (format!("{managers}/enablement"), vec![]),
        (format!("{managers}/factors/removal"), vec![]),
        (format!("{managers}/sessions/revocation"), vec![]),
        (
            format!("/admin/components/{}/status", component.id),
            vec![("status", "operational"), ("version", &of_component)],
        ),
        (format!("/admin/groups/{}", group.id), vec![("name", "Core"), ("version", &of_group)]),
    ];
    for (address, fields) in forms {
        let answer = owner.post(&address, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{address}: {}", answer.text());
        assert_eq!(app.counts().await, before, "{address}");
    }
}
