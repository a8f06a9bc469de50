//! Access to routes by role, and protection against cross-site requests.

use axum::http::{Method, StatusCode};
use candor::db::pending_forms::{self, PendingForm};
use candor::db::{api_tokens, managers};
use candor::domain::Role::{self, Owner, Publisher, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::forms::NewApiToken;
use candor::domain::manager::LinkPurpose;
use candor::domain::page_import::ImportState;
use candor::domain::{Manager, Phase};
use candor::web::access::routes::Access;
use candor::web::admin::routes;
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp, is_denied};
use crate::support::fixtures;
use crate::support::subscribers::add_to_page;

/// Every admin route: method, path, and minimum role; none for public routes.
const TABLE: &[(&str, &str, Option<Role>)] = &[
    ("GET", "/login", None),
    ("POST", "/login", None),
    ("GET", "/login/factor", None),
    ("POST", "/login/factor", None),
    ("POST", "/login/passkey", None),
    ("POST", "/login/passkey/challenge", None),
    ("POST", "/login/oidc", None),
    ("GET", "/login/oidc/callback", None),
    ("POST", "/logout", Some(Viewer)),
    ("GET", "/forgotten", None),
    ("POST", "/forgotten", None),
    ("GET", "/setup/{token}", None),
    ("POST", "/setup/{token}", None),
    ("GET", "/admin", Some(Viewer)),
    ("GET", "/admin/pending-forms/{id}", Some(Viewer)),
    ("GET", "/admin/shortcuts", Some(Viewer)),
    ("GET", "/admin/incidents", Some(Viewer)),
    ("GET", "/admin/incidents/new", Some(Publisher)),
    ("POST", "/admin/incidents", Some(Publisher)),
    ("GET", "/admin/incidents/{id}", Some(Viewer)),
    ("GET", "/admin/incidents/{id}/edit", Some(Publisher)),
    ("POST", "/admin/incidents/{id}", Some(Publisher)),
    ("GET", "/admin/incidents/{id}/deletion", Some(Publisher)),
    ("POST", "/admin/incidents/{id}/deletion", Some(Publisher)),
    ("POST", "/admin/incidents/{id}/publication", Some(Publisher)),
    ("GET", "/admin/incidents/{id}/postmortem", Some(Publisher)),
    ("POST", "/admin/incidents/{id}/postmortem", Some(Publisher)),
    ("POST", "/admin/incidents/{id}/postmortem/withdrawal", Some(Publisher)),
    ("POST", "/admin/incidents/{id}/updates", Some(Publisher)),
    ("GET", "/admin/incidents/{id}/updates/{update}/edit", Some(Publisher)),
    ("POST", "/admin/incidents/{id}/updates/{update}", Some(Publisher)),
    ("GET", "/admin/incidents/{id}/updates/{update}/deletion", Some(Publisher)),
    ("POST", "/admin/incidents/{id}/updates/{update}/deletion", Some(Publisher)),
    ("GET", "/admin/maintenances", Some(Viewer)),
    ("GET", "/admin/maintenances/new", Some(Publisher)),
    ("POST", "/admin/maintenances", Some(Publisher)),
    ("GET", "/admin/maintenances/{id}", Some(Viewer)),
    ("GET", "/admin/maintenances/{id}/edit", Some(Publisher)),
    ("POST", "/admin/maintenances/{id}", Some(Publisher)),
    ("GET", "/admin/maintenances/{id}/deletion", Some(Publisher)),
    ("POST", "/admin/maintenances/{id}/deletion", Some(Publisher)),
    ("GET", "/admin/maintenances/{id}/beginning", Some(Publisher)),
    ("POST", "/admin/maintenances/{id}/beginning", Some(Publisher)),
    ("POST", "/admin/maintenances/{id}/beginning/withdrawal", Some(Publisher)),
    ("POST", "/admin/maintenances/{id}/completion", Some(Publisher)),
    ("GET", "/admin/maintenances/{id}/schedule", Some(Publisher)),
    ("POST", "/admin/maintenances/{id}/schedule", Some(Publisher)),
    ("GET", "/admin/maintenances/{id}/extension", Some(Publisher)),
    ("POST", "/admin/maintenances/{id}/extension", Some(Publisher)),
    ("GET", "/admin/maintenances/{id}/cancellation", Some(Publisher)),
    ("POST", "/admin/maintenances/{id}/cancellation", Some(Publisher)),
    ("POST", "/admin/maintenances/{id}/updates", Some(Publisher)),
    ("GET", "/admin/maintenances/{id}/updates/{update}/edit", Some(Publisher)),
    ("POST", "/admin/maintenances/{id}/updates/{update}", Some(Publisher)),
    ("GET", "/admin/series/{id}/edit", Some(Publisher)),
    ("POST", "/admin/series/{id}", Some(Publisher)),
    ("GET", "/admin/series/{id}/end", Some(Publisher)),
    ("POST", "/admin/series/{id}/end", Some(Publisher)),
    ("GET", "/admin/drafts/{id}", Some(Publisher)),
    ("GET", "/admin/drafts/{id}/deletion", Some(Publisher)),
    ("POST", "/admin/drafts/{id}/deletion", Some(Publisher)),
    ("GET", "/admin/templates", Some(Viewer)),
    ("GET", "/admin/templates/new", Some(Publisher)),
    ("POST", "/admin/templates", Some(Publisher)),
    ("GET", "/admin/templates/{id}/edit", Some(Publisher)),
    ("POST", "/admin/templates/{id}", Some(Publisher)),
    ("GET", "/admin/templates/{id}/deletion", Some(Publisher)),
    ("POST", "/admin/templates/{id}/deletion", Some(Publisher)),
    ("GET", "/admin/components", Some(Viewer)),
    ("GET", "/admin/components/new", Some(Owner)),
    ("POST", "/admin/components", Some(Owner)),
    ("POST", "/admin/component-statuses", Some(Publisher)),
    ("GET", "/admin/components/{id}/edit", Some(Owner)),
    ("POST", "/admin/components/{id}", Some(Owner)),
    ("POST", "/admin/components/{id}/position", Some(Owner)),
    ("POST", "/admin/components/{id}/status", Some(Publisher)),
    ("GET", "/admin/components/{id}/corrections", Some(Publisher)),
    ("POST", "/admin/components/{id}/corrections", Some(Publisher)),
    ("POST", "/admin/components/{id}/corrections/{correction}/deletion", Some(Publisher)),
    ("GET", "/admin/components/{id}/deletion", Some(Owner)),
    ("POST", "/admin/components/{id}/deletion", Some(Owner)),
    ("GET", "/admin/groups/new", Some(Owner)),
    ("POST", "/admin/groups", Some(Owner)),
    ("GET", "/admin/groups/{id}/edit", Some(Owner)),
    ("POST", "/admin/groups/{id}", Some(Owner)),
    ("POST", "/admin/groups/{id}/position", Some(Owner)),
    ("GET", "/admin/groups/{id}/deletion", Some(Owner)),
    ("POST", "/admin/groups/{id}/deletion", Some(Owner)),
    ("GET", "/admin/subscribers", Some(Viewer)),
    ("GET", "/admin/subscribers/new", Some(Owner)),
    ("POST", "/admin/subscribers", Some(Owner)),
    ("POST", "/admin/subscribers/selection", Some(Owner)),
    ("GET", "/admin/subscribers/import", Some(Owner)),
    ("POST", "/admin/subscribers/import", Some(Owner)),
    ("GET", "/admin/subscribers/export", Some(Owner)),
    ("POST", "/admin/subscribers/export", Some(Owner)),
    ("GET", "/admin/subscribers/channels/new", Some(Owner)),
    ("POST", "/admin/subscribers/channels", Some(Owner)),
    ("GET", "/admin/subscribers/notices", Some(Viewer)),
    ("POST", "/admin/subscribers/{id}/test", Some(Owner)),
    ("GET", "/admin/subscribers/{id}", Some(Publisher)),
    ("POST", "/admin/subscribers/{id}", Some(Owner)),
    ("POST", "/admin/subscribers/{id}/confirmation", Some(Owner)),
    ("POST", "/admin/subscribers/{id}/reactivation", Some(Owner)),
    ("POST", "/admin/subscribers/{id}/unsubscription", Some(Owner)),
    ("GET", "/admin/subscribers/{id}/erasure", Some(Owner)),
    ("POST", "/admin/subscribers/{id}/erasure", Some(Owner)),
    ("GET", "/admin/managers", Some(Owner)),
    ("POST", "/admin/managers", Some(Owner)),
    ("GET", "/admin/managers/{id}", Some(Owner)),
    ("POST", "/admin/managers/{id}/role", Some(Owner)),
    ("POST", "/admin/managers/{id}/disablement", Some(Owner)),
    ("POST", "/admin/managers/{id}/enablement", Some(Owner)),
    ("POST", "/admin/managers/{id}/reset", Some(Owner)),
    ("POST", "/admin/managers/{id}/factors/removal", Some(Owner)),
    ("POST", "/admin/managers/{id}/identity/removal", Some(Owner)),
    ("POST", "/admin/managers/{id}/sessions/revocation", Some(Owner)),
    ("GET", "/admin/sessions", Some(Owner)),
    ("POST", "/admin/sessions/{session}/revocation", Some(Owner)),
    ("GET", "/admin/proof", Some(Viewer)),
    ("POST", "/admin/proof", Some(Viewer)),
    ("POST", "/admin/proof/oidc", Some(Viewer)),
    ("GET", "/admin/account", Some(Viewer)),
    ("POST", "/admin/account/email", Some(Viewer)),
    ("POST", "/admin/account/email/cancellation", Some(Viewer)),
    ("POST", "/admin/account/password", Some(Viewer)),
    ("POST", "/admin/account/identity", Some(Viewer)),
    ("POST", "/admin/account/identity/removal", Some(Viewer)),
    ("GET", "/admin/account/factors", Some(Viewer)),
    ("GET", "/admin/account/totp", Some(Viewer)),
    ("POST", "/admin/account/totp", Some(Viewer)),
    ("POST", "/admin/account/totp/confirmation", Some(Viewer)),
    ("POST", "/admin/account/totp/removal", Some(Viewer)),
    ("GET", "/admin/account/passkeys/new", Some(Viewer)),
    ("POST", "/admin/account/passkeys/challenge", Some(Viewer)),
    ("POST", "/admin/account/passkeys", Some(Viewer)),
    ("POST", "/admin/account/passkeys/{id}/removal", Some(Viewer)),
    ("POST", "/admin/account/recovery-codes", Some(Viewer)),
    ("POST", "/admin/account/sessions/revocation", Some(Viewer)),
    ("POST", "/admin/account/sessions/{session}/revocation", Some(Viewer)),
    ("GET", "/admin/tokens", Some(Viewer)),
    ("POST", "/admin/tokens", Some(Viewer)),
    ("POST", "/admin/tokens/{id}/revocation", Some(Viewer)),
];

/// Routes after the others in the router.
const TABLE_END: &[(&str, &str, Option<Role>)] = &[
    ("GET", "/admin/audit", Some(Viewer)),
    ("GET", "/admin/settings", Some(Viewer)),
    ("POST", "/admin/settings", Some(Owner)),
    ("POST", "/admin/settings/test-mail", Some(Owner)),
    ("GET", "/admin/setup/page", Some(Owner)),
    ("POST", "/admin/setup/page", Some(Owner)),
    ("GET", "/admin/setup/brand", Some(Owner)),
    ("POST", "/admin/setup/brand", Some(Owner)),
    ("GET", "/admin/setup/components", Some(Owner)),
    ("POST", "/admin/setup/components", Some(Owner)),
    ("GET", "/admin/setup/managers", Some(Owner)),
    ("POST", "/admin/setup/finish", Some(Owner)),
    ("POST", "/admin/setup/checklist/dismissal", Some(Owner)),
    ("GET", "/admin/announcements", Some(Viewer)),
    ("GET", "/admin/announcements/new", Some(Publisher)),
    ("POST", "/admin/announcements", Some(Publisher)),
    ("GET", "/admin/announcements/{id}/edit", Some(Publisher)),
    ("POST", "/admin/announcements/{id}", Some(Publisher)),
    ("POST", "/admin/announcements/{id}/end", Some(Publisher)),
    ("GET", "/admin/announcements/{id}/deletion", Some(Publisher)),
    ("POST", "/admin/announcements/{id}/deletion", Some(Publisher)),
    ("GET", "/admin/brand", Some(Owner)),
    ("POST", "/admin/brand", Some(Owner)),
    ("GET", "/admin/brand/preview", Some(Owner)),
    ("POST", "/admin/brand/preview", Some(Owner)),
    ("GET", "/admin/import", Some(Owner)),
    ("POST", "/admin/import", Some(Owner)),
    ("GET", "/admin/import/{id}", Some(Owner)),
    ("POST", "/admin/import/{id}/confirmation", Some(Owner)),
    ("POST", "/admin/import/{id}/discarding", Some(Owner)),
    ("POST", "/admin/policy", Some(Owner)),
    ("POST", "/admin/islands/{*call}", Some(Publisher)),
];

/// Routes that require a re-authentication in the last ten minutes.
const FRESH: [(&str, &str); 32] = [
    ("POST", "/admin/incidents/{id}/deletion"),
    ("POST", "/admin/incidents/{id}/updates/{update}/deletion"),
    ("POST", "/admin/maintenances/{id}/deletion"),
    ("POST", "/admin/templates/{id}/deletion"),
    ("POST", "/admin/components/{id}/corrections/{correction}/deletion"),
    ("POST", "/admin/components/{id}/deletion"),
    ("POST", "/admin/groups/{id}/deletion"),
    ("POST", "/admin/subscribers/export"),
    ("POST", "/admin/subscribers/{id}/erasure"),
    ("POST", "/admin/managers"),
    ("POST", "/admin/managers/{id}/role"),
    ("POST", "/admin/managers/{id}/disablement"),
    ("POST", "/admin/managers/{id}/enablement"),
    ("POST", "/admin/managers/{id}/reset"),
    ("POST", "/admin/managers/{id}/factors/removal"),
    ("POST", "/admin/managers/{id}/identity/removal"),
    ("POST", "/admin/account/email"),
    ("POST", "/admin/account/identity"),
    ("POST", "/admin/account/identity/removal"),
    ("GET", "/admin/account/totp"),
    ("POST", "/admin/account/totp"),
    ("POST", "/admin/account/totp/confirmation"),
    ("POST", "/admin/account/totp/removal"),
    ("GET", "/admin/account/passkeys/new"),
    ("POST", "/admin/account/passkeys/challenge"),
    ("POST", "/admin/account/passkeys"),
    ("POST", "/admin/account/passkeys/{id}/removal"),
    ("POST", "/admin/account/recovery-codes"),
    ("POST", "/admin/tokens"),
    ("POST", "/admin/tokens/{id}/revocation"),
    ("POST", "/admin/announcements/{id}/deletion"),
    ("POST", "/admin/policy"),
];

/// What a manager without the required second factor can do.
const ALLOWED_WITHOUT_FACTOR: [&str; 5] =
    ["/logout", "/admin/proof", "/admin/proof/oidc", "/admin/account/factors", "/admin/account/totp"];

fn route_table() -> impl Iterator<Item = (Method, &'static str, Option<Role>)> {
    TABLE.iter().chain(TABLE_END).map(|(method, path, least)| (method.parse().unwrap(), *path, *least))
}

#[test]
fn route_table_is_exact() {
    let access = |access| match access {
        Access::Public => None,
        Access::AtLeast(role) | Access::Reauthenticated(role) => Some(role),
    };
    let routes = routes();
    let real = routes.table().iter().map(|route| (route.method.clone(), route.path, access(route.access)));
    assert_eq!(real.collect::<Vec<_>>(), route_table().collect::<Vec<_>>());
    let fresh = routes.table().iter().filter(|route| matches!(route.access, Access::Reauthenticated(_)));
    let fresh: Vec<_> = fresh.map(|route| (route.method.as_str(), route.path)).collect();
    assert_eq!(fresh, FRESH);
}

/// A page with one of every resource, and the table's addresses with their ids.
struct Walk {
    app: TestApp,
    /// An owner who stays, so that a walked owner is never the last one.
    keeper: Manager,
    target: Manager,
    announcement: String,
    component: String,
    group: String,
    subscriber: String,
    /// The subscriber of the erasure routes: ending a subscription deletes the other one.
    erased_subscriber: String,
    token: String,
    /// An API token of the walking manager.
    api_token: String,
}

impl Walk {
    async fn over(test: TestDb) -> Self {
        let app = TestApp::new(test).await;
        let keeper = app.manager("Keeper", Owner).await;
        let target = app.manager("Target", Viewer).await;
        let component = app.component("API").await.id.to_string();
        let group = app.group("Core").await.id.to_string();
        let now = app.clock.now();
        let mut incident = fixtures::incident("it", now);
        incident.updates.push(fixtures::update("it-2", now, Phase::Identified, &[]));
        incident.recompute();
        app.add(&[incident]).await;
        let tomorrow = now + TimeDelta::days(1);
        let mut planned = fixtures::maintenance("work", tomorrow, tomorrow + TimeDelta::hours(1), &["api"]);
        planned.updates[0].id = candor::domain::UpdateId::parse("it-2m").unwrap();
        app.plan(&[planned]).await;
        app.create_series("again", tomorrow).await;
        app.add_template_and_draft("template", "draft").await;
        app.correction(&component, "correction").await;
        let announcement = app.announcement("Office closed").await.id.to_string();
        app.page_import("import", ImportState::Ready, "https://status.example.org/").await;
        let token = app.link(LinkPurpose::Reset, Some(&target), TimeDelta::minutes(30)).await;
        let subscriber = add_to_page(&app, "reader@example.org").await.id.to_string();
        let erased_subscriber = add_to_page(&app, "other@example.org").await.id.to_string();
        let api_token = "none".into();
        Self { app, keeper, target, announcement, component, group, subscriber, erased_subscriber, token, api_token }
    }

    /// The address of a route; `session` is the hash of the walking session.
    fn address(&self, path: &str, session: &str) -> String {
        let id = match path.split('/').nth(2) {
            Some("incidents") => "it",
            Some("components") => &self.component,
            Some("groups") => &self.group,
            Some("templates") => "template",
            Some("drafts") => "draft",
            Some("maintenances") => "work",
            Some("series") => "again",
            Some("subscribers") if path.ends_with("/erasure") => &self.erased_subscriber,
            Some("subscribers") => &self.subscriber,
            Some("announcements") => &self.announcement,
            Some("import") => "import",
            Some("account") => "passkey",
            Some("tokens") => &self.api_token,
            Some("pending-forms") => PENDING,
            _ => self.target.id.as_str(),
        };
        path.replace("{id}", id)
            .replace("{update}", if path.contains("maintenances") { "it-2m" } else { "it-2" })
            .replace("{correction}", "correction")
            .replace("{token}", &self.token)
            .replace("{session}", session.get(..16).unwrap_or("none"))
            .replace("{*call}", "preview")
    }
}

/// The token of a form that waits for whoever walks.
const PENDING: &str = "pending";

async fn add_pending_form(app: &TestApp, manager: &Manager) {
    let form = PendingForm { path: "/admin/account/email".into(), fields: "email=new%40example.org".into() };
    let hash = candor::credentials::secret_token::hash_token(PENDING);
    let mut tx = app.db.write().await.unwrap();
    pending_forms::insert(&mut tx, &hash, &manager.id, &form, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
}

async fn send_request(browser: &mut Browser, method: &Method, address: &str) -> Answer {
    if *method == Method::GET {
        return browser.get(address).await;
    }
    browser.post(address, &[("body", "Text"), ("role", "viewer"), ("status", "operational")]).await
}

/// Without a valid session, every guarded route redirects to the login and changes nothing.
async fn assert_anonymous(walk: &Walk, browser: Browser) {
    let before = walk.app.all_content().await;
    for (method, path, least) in route_table() {
        let address = walk.address(path, "");
        if least.is_none() {
            continue;
        }
        let answer = send_request(&mut browser.clone(), &method, &address).await;
        let outcome = (answer.status, answer.location());
        assert!(is_denied(&method, &address, &answer), "{method} {path}: {outcome:?}");
    }
    assert!(walk.app.all_content().await == before, "a stranger changed something");
}

#[apply(on_both_databases!)]
async fn anonymous_requests_redirect_to_login(test: TestDb) {
    let walk = Walk::over(test).await;
    assert_anonymous(&walk, walk.app.visitor()).await;
    let mut visitor = walk.app.visitor();
    assert_eq!(visitor.get("/login").await.status, StatusCode::OK);
    assert_eq!(visitor.get(&format!("/setup/{}", walk.token)).await.status, StatusCode::OK);
}

#[apply(on_both_databases!)]
async fn disabled_manager_is_anonymous(test: TestDb) {
    let walk = Walk::over(test).await;
    let mut manager = walk.app.manager("Gone", Owner).await;
    let mut tx = walk.app.db.write().await.unwrap();
    managers::disable(&mut tx, &mut manager, walk.app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    // Disabling deletes the sessions; this one represents any that was left behind.
    let browser = walk.app.with_session(&manager).await;
    assert_anonymous(&walk, browser).await;
}

async fn api_token(app: &TestApp, manager: &Manager) -> String {
    let new = NewApiToken { name: "Walk".into(), scope: Scope::Read, days: 7 };
    let mut tx = app.db.write().await.unwrap();
    let created = api_tokens::create(
        &mut tx,
        manager,
        new,
        (&candor::credentials::secret_token::hash_token("walk"), "walk"),
        app.clock.now(),
    )
    .await;
    tx.commit_unaudited().await.unwrap();
    created.unwrap().id.to_string()
}

/// Requests every route as `role`, each with a new session.
async fn walk_as(test: TestDb, role: Role) {
    let mut walk = Walk::over(test).await;
    let walker = walk.app.manager("Walker", role).await;
    walk.app.passkey(&walker, "passkey").await;
    walk.api_token = api_token(&walk.app, &walker).await;
    add_pending_form(&walk.app, &walker).await;
    for (method, path, least) in route_table().filter(|(_, _, least)| least.is_some()) {
        let mut browser = walk.app.with_session(&walker).await;
        let hash = candor::credentials::secret_token::hash_token(&browser.cookies["sid"]);
        let before = walk.app.all_content().await;
        let answer = send_request(&mut browser, &method, &walk.address(path, &hash)).await;
        if Some(role) < least {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{role:?} {method} {path}");
            assert!(walk.app.all_content().await == before, "{role:?} {method} {path} changed something");
            continue;
        }
        let fine = [200, 303, 400, 409, 422].contains(&answer.status.as_u16());
        let to_login = answer.location().starts_with("/login?");
        assert!(fine && !to_login, "{role:?} {method} {path}: {} {}", answer.status, answer.text());
        if method == Method::GET {
            assert_eq!(answer.status, StatusCode::OK, "{role:?} {path}");
            assert!(walk.app.all_content().await == before, "reading {path} changed something");
        }
    }
    let owners = managers::active_owners(&mut walk.app.db.read().await.unwrap()).await.unwrap();
    assert!(owners >= 1 && walk.keeper.role == Owner);
}

#[apply(on_both_databases!)]
async fn a_viewer_reads_and_changes_nothing(test: TestDb) {
    walk_as(test, Viewer).await;
}

#[apply(on_both_databases!)]
async fn a_publisher_publishes_and_administers_nothing(test: TestDb) {
    walk_as(test, Publisher).await;
}

#[apply(on_both_databases!)]
async fn owner_reaches_every_route(test: TestDb) {
    walk_as(test, Owner).await;
}

#[apply(on_both_databases!)]
async fn sensitive_actions_require_reauth(test: TestDb) {
    let walk = Walk::over(test).await;
    let owner = walk.app.manager("Walker", Owner).await;
    walk.app.passkey(&owner, "passkey").await;
    let mut browser = walk.app.with_session(&owner).await;
    let hash = candor::credentials::secret_token::hash_token(&browser.cookies["sid"]);
    walk.app.clock.advance(TimeDelta::minutes(10));
    browser.get("/admin").await;
    let before = walk.app.all_content().await;
    for (method, path, _) in route_table().filter(|(method, path, _)| FRESH.contains(&(method.as_str(), path))) {
        let answer = send_request(&mut browser, &method, &walk.address(path, &hash)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
        assert_eq!(answer.word("h1"), "Confirm it's you", "{method} {path}");
    }
    assert!(walk.app.all_content().await == before, "something was done without a proof");
}

#[apply(on_both_databases!)]
async fn manager_without_required_factor_can_only_add_one(test: TestDb) {
    let walk = Walk::over(test).await;
    let owner = walk.app.manager("Walker", Owner).await;
    walk.app.require_second_factor().await;
    let mut browser = walk.app.with_session(&owner).await;
    let before = walk.app.all_content().await;
    for (method, path, least) in route_table() {
        let open = ALLOWED_WITHOUT_FACTOR.contains(&path) || path.starts_with("/admin/account/passkeys");
        let adds = path.starts_with("/admin/account/totp/") || path == "/admin/account/recovery-codes";
        if least.is_none() || open || adds {
            continue;
        }
        let answer = send_request(&mut browser, &method, &walk.address(path, "")).await;
        let factors = answer.location().split('?').next().unwrap();
        assert_eq!((answer.status, factors), (StatusCode::SEE_OTHER, "/admin/account/factors"), "{path}");
    }
    assert!(walk.app.all_content().await == before, "something was done without the factor");
    let list = browser.get("/admin/account/factors").await;
    assert!(list.word("[role=alert]").contains("Two-factor authentication is required here"));
}

#[apply(on_both_databases!)]
async fn cross_origin_changes_are_rejected(test: TestDb) {
    let walk = Walk::over(test).await;
    let owner = walk.app.manager("Walker", Owner).await;
    let browser = walk.app.with_session(&owner).await;
    let hash = candor::credentials::secret_token::hash_token(&browser.cookies["sid"]);
    let before = walk.app.all_content().await;
    let foreign: [&[(&str, &str)]; 7] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", "http://status.test")],
        &[],
        &[("origin", "http://evil.test")],
        &[("origin", "null")],
        &[("origin", "https://status.test")],
    ];
    for (method, path, _) in route_table().filter(|(method, _, _)| *method == Method::POST) {
        let address = walk.address(path, &hash);
        for headers in foreign {
            let answer = browser.clone().post_with(&address, &[("password", "a long new password")], headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {headers:?}");
            assert!(answer.cookies().is_empty(), "{path} {headers:?}");
        }
    }
    assert!(walk.app.all_content().await == before, "a foreign page changed something");
    assert_eq!(walk.app.sessions(&owner).await.len(), 1, "the session is still the same");
    for headers in
        [&[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "none")], &[("origin", "http://status.test")]]
    {
        let answer = browser.clone().post_with("/admin/groups", &[("name", "Ours"), ("same_name", "1")], headers).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{headers:?}");
    }
}

/// Browsers, mail clients and chats prefetch links and say so in headers.
#[apply(on_both_databases!)]
async fn prefetch_changes_nothing(test: TestDb) {
    let mut walk = Walk::over(test).await;
    let owner = walk.app.manager("Walker", Owner).await;
    walk.app.passkey(&owner, "passkey").await;
    walk.api_token = api_token(&walk.app, &owner).await;
    add_pending_form(&walk.app, &owner).await;
    let browser = walk.app.with_session(&owner).await;
    let hash = candor::credentials::secret_token::hash_token(&browser.cookies["sid"]);
    let token_hashes = "select token_hash from one_time_links union all select id_hash from sessions
                union all select id from api_tokens union all select token_hash from pending_forms order by 1";
    let before = (walk.app.all_content().await, walk.app.texts(token_hashes).await, walk.app.audit().await.len());
    let ahead: [&[(&str, &str)]; 3] = [
        &[("sec-purpose", "prefetch")],
        &[("sec-purpose", "prefetch;prerender"), ("sec-fetch-mode", "navigate")],
        &[("purpose", "prefetch"), ("x-moz", "prefetch")],
    ];
    // Nothing links to the callback of the provider, and here no provider is configured.
    let looked_at = route_table().filter(|(method, path, _)| *method == Method::GET && !path.ends_with("/callback"));
    for (_, path, _) in looked_at {
        let address = walk.address(path, &hash);
        for headers in ahead {
            for mut who in [browser.clone(), walk.app.visitor()] {
                let answer = who.get_with(&address, headers).await;
                assert!([200, 204, 303].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
                assert_eq!(answer.header("cache-control"), "no-store", "{path}");
                assert!(answer.cookies().is_empty(), "{path}: {:?}", answer.cookies());
            }
        }
    }
    let after = (walk.app.all_content().await, walk.app.texts(token_hashes).await, walk.app.audit().await.len());
    assert!(after == before, "something was changed ahead of time");
    let link = format!("/setup/{}", walk.token);
    let used = walk.app.visitor().post(&link, &[("password", "gravel lantern otter")]).await;
    assert_eq!(used.location(), "/login", "the link still works");
}

/// Routes without a page of their own: the callback redirects, and axe can't run in the sandbox of the preview, which is
/// the public page.
const WITHOUT_PAGE: [&str; 2] = [candor::oidc::CALLBACK, "/admin/brand/preview"];

/// The pages that the browser tests check with axe.
#[test]
fn every_admin_page_is_saved_for_axe() {
    let source = include_str!("../../end2end/pages/routes.ts");
    let judged = source.lines().filter_map(|line| line.trim().strip_prefix('\'')?.split_once("': '"));
    let mut judged: Vec<&str> = judged.map(|(route, _)| route).collect();
    let routes = routes();
    let table = routes.table().iter();
    let pages = table.filter(|route| route.method == Method::GET && !WITHOUT_PAGE.contains(&route.path));
    let mut pages: Vec<&str> = pages.map(|route| route.path).collect();
    judged.sort_unstable();
    pages.sort_unstable();
    assert_eq!(judged, pages);
}
