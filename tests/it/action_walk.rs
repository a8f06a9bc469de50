//! Walks every request and every worker round that changes something: each action is audited, all actions of a change
//! share the next revision, and visible changes are published once.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use axum::http::{Method, StatusCode};
use candor::credentials::secret_token;
use candor::db::sessions::SHORT_HASH;
use candor::db::{api_tokens, login_policy, managers, oidc_identities, one_time_links, page_settings, series};
use candor::domain::Role::{Publisher, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::audit::{Action, Effect};
use candor::domain::manager::LinkPurpose;
use candor::domain::oidc_roles::Identity;
use candor::domain::page_import::ImportState;
use candor::domain::subscriber::{Scope as Coverage, SubscriberState};
use candor::domain::{Manager, Series, SeriesId, Visibility};
use candor::import::{ImportOptions, import, read};
use candor::web::{admin, api};
use candor::worker::Worker;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::api_client::ApiClient;
use crate::support::app::{Answer, Browser, PASSWORD, TestApp};
use crate::support::fake_authenticator::FakeAuthenticator;
use crate::support::subscribers::{add_in, find};
use crate::support::{TestDb, fixtures, noon_in};
use crate::web_factors::App as AuthenticatorApp;

/// Browsers allow passkeys on localhost without TLS.
const ORIGIN: &str = "http://localhost:3000";
const OWNER: &str = "Walker";
const NEW_PASSWORD: &str = "gravel lantern otter";
/// The name of the owner's API token; its actor in the audit log is `Walker by Deploy`.
const TOKEN: &str = "Deploy";

/// Skipped routes, each with the file that tests it and the reason.
const ROUTES_TESTED_ELSEWHERE: &[(&str, &str, &str)] = &[
    ("/login/oidc", "oidc.rs", "needs an identity provider"),
    ("/admin/account/identity", "oidc.rs", "needs an identity provider"),
    ("/admin/proof/oidc", "reauth_oidc.rs", "needs an identity provider"),
    ("/forgotten", "password_reset.rs", "needs a mail server"),
    ("/admin/settings/test-mail", "web_admin_subscriber_tests.rs", "needs a mail server"),
    ("/admin/brand/preview", "web_brand.rs", "changes nothing"),
    ("/admin/import", "web_page_import.rs", "needs another status page"),
    ("/admin/subscribers/{id}/test", "web_admin_subscriber_tests.rs", "needs an endpoint"),
];

/// Skipped actions, each with the file that asserts its audit row.
const ACTIONS_TESTED_ELSEWHERE: &[(Action, &str)] = &[
    (Action::DatabaseRestore, "restore.rs"),
    (Action::SampleLoad, "sample.rs"),
    (Action::ManagerAdd, "cli.rs"),
    (Action::SubscriberConfirm, "web_admin_subscribers.rs"),
    (Action::SubscriberQuarantine, "web_admin_subscribers.rs"),
    (Action::SubscriberTest, "web_admin_subscriber_tests.rs"),
    (Action::MailTest, "web_admin_subscriber_tests.rs"),
    (Action::ImportFetch, "web_page_import.rs"),
    (Action::ManagerMailResetLink, "password_reset.rs"),
    (Action::ManagerRequestEmail, "web_email_confirmation.rs"),
    (Action::ManagerLoginByOidc, "oidc.rs"),
    (Action::ManagerBeginLoginByOidc, "oidc.rs"),
    (Action::ManagerAddByOidc, "oidc.rs"),
    (Action::ManagerAcceptByOidc, "oidc.rs"),
    (Action::ManagerSyncRole, "oidc.rs"),
    (Action::ManagerRetainRole, "oidc.rs"),
    (Action::ManagerRevokeAccess, "oidc.rs"),
    (Action::ManagerConnectOidc, "oidc.rs"),
    // Denied attempts change nothing and create no revision.
    (Action::ManagerDenyLogin, "audit_denials.rs"),
    (Action::ManagerDenyCode, "audit_denials.rs"),
    (Action::ManagerDenyReauthentication, "audit_denials.rs"),
    (Action::ManagerDenyRole, "audit_denials.rs"),
    (Action::ManagerDenyCrossSite, "audit_denials.rs"),
    (Action::ManagerDenyLink, "audit_denials.rs"),
    (Action::TokenDeny, "audit_denials.rs"),
    (Action::TokenDenyCleartext, "audit_denials.rs"),
    (Action::TokenDenyScope, "audit_denials.rs"),
    (Action::AuditSuppressDenials, "audit_denials.rs"),
];

#[derive(Debug, PartialEq)]
struct Traces {
    /// New audit rows, oldest first: action, actor, revision.
    audit: Vec<(String, String, i64)>,
    revision: i64,
    renderings: u64,
    /// The revision of the published Site.
    shown: i64,
}

/// A server, the routes and actions covered so far, and the errors found.
struct Walk {
    app: TestApp,
    routes: BTreeSet<(String, &'static str)>,
    actions: HashSet<Action>,
    failures: Vec<String>,
}

impl Walk {
    async fn trace<T>(&self, change: impl Future<Output = T>) -> (T, Traces) {
        let count_renderings = || self.app.publisher.counts().published.count.value();
        let (rows_before, renderings_before) = (self.app.audit().await.len(), count_renderings());
        let outcome = change.await;
        let mut rows = self.app.audit().await;
        rows.truncate(rows.len() - rows_before);
        let audit = rows.into_iter().rev().map(|row| (row.action, row.actor.name, row.revision)).collect();
        let (revision, _) = self.app.counts().await;
        let shown = self.app.publisher.site().revision;
        (outcome, Traces { audit, revision, renderings: count_renderings() - renderings_before, shown })
    }

    /// Checks that `change` by `actor` creates exactly the `expected` audit rows, and no revision if there are none.
    async fn check_change<T>(
        &mut self,
        name: &str,
        actor: &str,
        expected: &[Action],
        change: impl Future<Output = T>,
    ) -> T {
        let (before, shown_before) = (self.app.counts().await.0, self.app.publisher.site().revision);
        let (outcome, left) = self.trace(change).await;
        let revision = before + i64::from(!expected.is_empty());
        let publishes = expected.iter().any(|action| action.effect() != Effect::Private);
        let wanted = Traces {
            audit: expected.iter().map(|action| (action.key().to_owned(), actor.to_owned(), revision)).collect(),
            revision,
            renderings: u64::from(publishes),
            shown: if publishes { revision } else { shown_before },
        };
        if left != wanted {
            self.failures.push(format!("{name}: {left:?} instead of {wanted:?}"));
        }
        self.actions.extend(expected);
        outcome
    }

    fn check_status(&mut self, name: &str, answer: &Answer) {
        let succeeded = answer.status.is_success() || answer.status == StatusCode::SEE_OTHER;
        if !succeeded {
            self.failures.push(format!("{name}: {} {}", answer.status, answer.text()));
        }
    }

    /// Sends a route's form in `browser`, in which `actor` is logged in or logs in; `ids` fill the path parameters.
    async fn post(
        &mut self,
        browser: &mut Browser,
        actor: &str,
        (route, ids): (&'static str, &[&str]),
        fields: &[(&str, &str)],
        expected: &[Action],
    ) -> Answer {
        let (name, address) = (format!("POST {route}"), fill_route(route, ids));
        let answer = self.check_change(&name, actor, expected, browser.post(&address, fields)).await;
        self.check_status(&name, &answer);
        self.routes.insert(("POST".to_owned(), route));
        answer
    }

    /// Sends a route's form as `manager`, in a new session.
    async fn submit_as(
        &mut self,
        manager: &Manager,
        target: (&'static str, &[&str]),
        fields: &[(&str, &str)],
        expected: &[Action],
    ) -> Answer {
        let mut browser = self.app.with_session(manager).await;
        self.post(&mut browser, &manager.name, target, fields, expected).await
    }

    /// Sends a route's form as the owner.
    async fn submit(
        &mut self,
        route: &'static str,
        ids: &[&str],
        fields: &[(&str, &str)],
        expected: &[Action],
    ) -> Answer {
        let owner = self.owner().await;
        self.submit_as(&owner, (route, ids), fields, expected).await
    }

    /// Calls a route of the management API with the owner's token; `ids` fill the parameters after the page's.
    async fn call(
        &mut self,
        program: &ApiClient,
        (method, route, ids): (Method, &'static str, &[&str]),
        body: Value,
        expected: &[Action],
    ) -> Answer {
        let page = program.root.rsplit('/').next().expect("the id of the page");
        let (name, address) = (format!("{method} {route}"), fill_route(route, &[&[page], ids].concat()));
        let actor = format!("{OWNER} by {TOKEN}");
        let answer = self.check_change(&name, &actor, expected, program.send(method.clone(), &address, &body)).await;
        self.check_status(&name, &answer);
        self.routes.insert((method.to_string(), route));
        answer
    }

    /// Moves the clock to `at` and runs one round of the worker.
    async fn work_at(&mut self, worker: &mut Worker, at: DateTime<Utc>, expected: &[Action]) {
        self.app.clock.advance(at - self.app.clock.now());
        let state = self.app.state.clone();
        self.check_change(&format!("the worker at {at}"), "Candor", expected, worker.tick(&state)).await;
    }

    async fn owner(&self) -> Manager {
        let mut tx = self.app.db.read().await.unwrap();
        managers::find_by_email(&mut tx, "walker@example.org").await.unwrap().expect("the owner").0
    }

    async fn incident_version(&self, id: &str) -> String {
        self.app.incident(id).await.version.to_string()
    }

    async fn maintenance_version(&self, id: &str) -> String {
        self.app.maintenance(id).await.version.to_string()
    }

    async fn series(&self, id: &str) -> Series {
        let id = SeriesId::parse(id).unwrap();
        series::find(&mut self.app.db.read().await.unwrap(), &id).await.unwrap()
    }

    async fn page_version(&self) -> String {
        page_settings::load(&mut self.app.db.read().await.unwrap()).await.unwrap().version.to_string()
    }

    async fn connect_identity(&self, manager: &Manager) {
        let identity =
            Identity { issuer: "https://id.test".into(), subject: manager.id.to_string(), email: String::new() };
        let mut tx = self.app.db.write().await.unwrap();
        oidc_identities::create(&mut tx, &mut manager.clone(), &identity, self.app.clock.now()).await.unwrap();
        tx.commit_unaudited().await.unwrap();
    }

    /// Starts a session of `manager`; returns the short id that ends it.
    async fn short_session(&self, manager: &Manager) -> String {
        self.app.with_session(manager).await;
        self.app.sessions(manager).await[0].id_hash[..SHORT_HASH].to_owned()
    }
}

fn fill_route(route: &str, ids: &[&str]) -> String {
    let mut ids = ids.iter();
    let parts = route.split('/').map(|part| if part.starts_with('{') { ids.next().expect("an id") } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// A UTC time in the format of forms.
fn format_local(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M").to_string()
}

/// A UTC time in the format of the API.
fn format_instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:00Z").to_string()
}

fn read_json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}", answer.text()))
}

#[apply(on_both_databases!)]
async fn every_action_is_audited_and_published_once(test: TestDb) {
    let app = TestApp::at(test, ORIGIN).await;
    let mut walk = Walk { app, routes: BTreeSet::new(), actions: HashSet::new(), failures: Vec::new() };
    walk_first_owner(&mut walk).await;
    walk_import(&mut walk).await;
    walk_worker(&mut walk).await;
    walk_incidents(&mut walk).await;
    walk_drafts_and_templates(&mut walk).await;
    walk_maintenances(&mut walk).await;
    walk_series(&mut walk).await;
    walk_components(&mut walk).await;
    walk_settings(&mut walk).await;
    walk_subscribers(&mut walk).await;
    walk_managers(&mut walk).await;
    walk_account(&mut walk).await;
    walk_logins(&mut walk).await;
    walk_passkeys(&mut walk).await;
    let program = ApiClient::new(&walk.app, &walk.owner().await, TOKEN, Scope::Admin).await;
    walk_api_page(&mut walk, &program).await;
    walk_api_incidents(&mut walk, &program).await;
    walk_api_maintenances(&mut walk, &program).await;
    walk_api_subscribers(&mut walk, &program).await;
    assert!(walk.failures.is_empty(), "{:#?}", walk.failures);
    check_coverage(&walk);
}

fn check_coverage(walk: &Walk) {
    let admin = admin::routes();
    let admin = admin.table().iter().map(|route| (route.method.clone(), route.path));
    let api = api::routes();
    let api = api.table().iter().map(|route| (route.method.clone(), route.path));
    let writing = admin.chain(api).filter(|(method, _)| method != Method::GET);
    let routes: BTreeSet<_> = writing.map(|(method, path)| (method.to_string(), path)).collect();
    let is_elsewhere = |path: &str| ROUTES_TESTED_ELSEWHERE.iter().any(|(other, _, _)| *other == path);
    let (elsewhere, here): (BTreeSet<_>, BTreeSet<_>) = routes.into_iter().partition(|(_, path)| is_elsewhere(path));
    assert_eq!(walk.routes, here, "walked routes");
    assert_eq!(elsewhere.len(), ROUTES_TESTED_ELSEWHERE.len(), "{elsewhere:?}");
    let listed: HashSet<_> = ACTIONS_TESTED_ELSEWHERE.iter().map(|(action, _)| *action).collect();
    for action in Action::ALL {
        let (is_walked, is_listed) = (walk.actions.contains(action), listed.contains(action));
        assert!(is_walked != is_listed, "{}: walked {is_walked}, listed {is_listed}", action.key());
    }
}

#[test]
fn actions_tested_elsewhere_are_in_their_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let read_file = |file: &str| std::fs::read_to_string(folder.join(file)).expect(file);
    for (action, file) in ACTIONS_TESTED_ELSEWHERE {
        assert!(read_file(file).contains(&format!("\"{}\"", action.key())), "{} in {file}", action.key());
    }
    for (route, file, reason) in ROUTES_TESTED_ELSEWHERE {
        let path = route.trim_start_matches("/v1/pages/{page}");
        assert!(read_file(file).contains(&format!("\"{path}\"")), "{route} in {file}: {reason}");
    }
}

async fn walk_first_owner(walk: &mut Walk) {
    let link = walk.app.link(LinkPurpose::Setup, None, TimeDelta::minutes(30)).await;
    let fields = [("name", OWNER), ("email", "walker@example.org"), ("password", NEW_PASSWORD)];
    let (mut browser, target) = (walk.app.visitor(), ("/setup/{token}", &[link.as_str()][..]));
    walk.post(&mut browser, OWNER, target, &fields, &[Action::ManagerCreateFirstOwner]).await;
}

/// The importer only writes; `follow`, which each worker round calls, publishes.
async fn walk_import(walk: &mut Walk) {
    let at = "2026-03-01T10:00:00Z";
    let update = |id: &str, status: &str| json!({ "id": id, "status": status, "body": "Text", "display_at": at });
    let document = json!({
        "page": { "id": "acme", "name": "Acme", "time_zone": "Etc/UTC", "updated_at": at },
        "components": [
            { "id": "imported-group", "name": "Core", "group": true, "status": "operational", "position": 1 },
            { "id": "imported-api", "name": "API", "group_id": "imported-group", "status": "operational" },
        ],
        "incidents": [{
            "id": "imported", "name": "Slow", "status": "resolved", "impact": "none",
            "created_at": at, "started_at": at,
            "resolved_at": "2026-03-01T11:00:00Z", "incident_updates": [update("imported-update", "resolved")],
            "postmortem_body": "A cable was cut.", "postmortem_published_at": "2026-03-02T10:00:00Z",
        }],
        "scheduled_maintenances": [{
            "id": "imported-work", "name": "Upgrade", "status": "completed", "impact": "maintenance",
            "created_at": at, "scheduled_for": "2026-03-03T10:00:00Z",
            "scheduled_until": "2026-03-03T11:00:00Z", "incident_updates": [update("work-update", "completed")],
        }],
        "incident_templates": [{ "id": "prepared", "name": "Slow", "body": "Text", "update_status": "identified" }],
    });
    let mut source = read(document.to_string().as_bytes()).unwrap();
    source.feed_ids.insert("imported".into(), "tag:old.example.org,2005:Incident/1".into());
    let (state, sources) = (walk.app.state.clone(), [source]);
    let change = async {
        let now = state.clock.now();
        let reports = import(&state.db, &&sources[..], &ImportOptions::default(), now, || {}).await.unwrap();
        assert!(state.publisher.follow().await.unwrap(), "{reports:?}");
    };
    let expected = [
        Action::PageImport,
        Action::GroupImport,
        Action::ComponentImport,
        Action::IncidentImport,
        Action::PostmortemImport,
        Action::MaintenanceImport,
        Action::TemplateImport,
        Action::PageImportFeedIds,
    ];
    walk.check_change("the import", "import", &expected, change).await;
}

async fn walk_worker(walk: &mut Walk) {
    let (start, first) = (walk.app.clock.now(), noon_in(3));
    let embargo_end = start + TimeDelta::hours(1);
    let mut embargoed = fixtures::incident("embargoed", start);
    embargoed.visibility = Visibility::Embargoed(embargo_end);
    walk.app.add(&[embargoed]).await;
    let (from, until) = (start + TimeDelta::hours(5), start + TimeDelta::hours(6));
    walk.app.plan(&[fixtures::maintenance("planned", from, until, &[])]).await;
    walk.app.create_series("growing", first).await;
    let mut worker = Worker::default();
    worker.tick(&walk.app).await;
    walk.work_at(&mut worker, embargo_end, &[Action::IncidentEndEmbargo]).await;
    walk.work_at(&mut worker, from - TimeDelta::hours(1), &[Action::MaintenanceRemind]).await;
    walk.work_at(&mut worker, from, &[Action::MaintenanceStart]).await;
    walk.work_at(&mut worker, until, &[Action::MaintenanceComplete]).await;
    walk.work_at(&mut worker, first - TimeDelta::hours(1), &[Action::MaintenanceRemind]).await;
    walk.work_at(&mut worker, first, &[Action::MaintenanceSchedule, Action::MaintenanceStart]).await;
}

async fn walk_incidents(walk: &mut Walk) {
    let now = walk.app.clock.now();
    let mut hidden = fixtures::incident("hidden", now);
    hidden.visibility = Visibility::Internal;
    walk.app.add(&[fixtures::incident("slow", now - TimeDelta::hours(1)), hidden]).await;
    let form = [("title", "Slow again"), ("body", "Text"), ("phase", "investigating")];
    walk.submit("/admin/incidents", &[], &form, &[Action::IncidentOpen]).await;
    let fields = [("version", "1"), ("title", "Slower")];
    walk.submit("/admin/incidents/{id}", &["slow"], &fields, &[Action::IncidentEdit]).await;
    let fields = [("version", "2"), ("body", "Found"), ("phase", "identified")];
    walk.submit("/admin/incidents/{id}/updates", &["slow"], &fields, &[Action::IncidentUpdate]).await;
    let posted = walk.app.incident("slow").await.newest_update().unwrap().id.to_string();
    let (route, fields) = ("/admin/incidents/{id}/updates/{update}", [("version", "1"), ("body", "Corrected")]);
    walk.submit(route, &["slow", "slow-1"], &fields, &[Action::IncidentEditUpdate]).await;
    let route = "/admin/incidents/{id}/updates/{update}/deletion";
    walk.submit(route, &["slow", &posted], &[("version", "1")], &[Action::IncidentDeleteUpdate]).await;
    let route = "/admin/incidents/{id}/publication";
    walk.submit(route, &["hidden"], &[("version", "1")], &[Action::IncidentPublish]).await;
    let (route, fields) = ("/admin/incidents/{id}/postmortem", [("version", "0"), ("body", "A cable was cut.")]);
    walk.submit(route, &["slow"], &fields, &[Action::PostmortemEdit]).await;
    let fields = [("version", "1"), ("body", "A cable was cut."), ("publish", "1")];
    walk.submit(route, &["slow"], &fields, &[Action::PostmortemPublish]).await;
    let route = "/admin/incidents/{id}/postmortem/withdrawal";
    walk.submit(route, &["slow"], &[("version", "2")], &[Action::PostmortemWithdraw]).await;
    let version = walk.incident_version("slow").await;
    let (route, fields) = ("/admin/incidents/{id}/deletion", [("version", version.as_str()), ("title", "Slower")]);
    walk.submit(route, &["slow"], &fields, &[Action::IncidentDelete]).await;
}

async fn walk_drafts_and_templates(walk: &mut Walk) {
    let fields = [("title", "Begun"), ("body", "Not yet"), ("save_draft", "1")];
    let saved = walk.submit("/admin/incidents", &[], &fields, &[Action::DraftAdd]).await;
    let draft = saved.location().trim_start_matches("/admin/drafts/").split('?').next().unwrap_or_default().to_owned();
    let again = [("draft", draft.as_str()), ("draft_version", "1"), ("title", "Begun"), ("save_draft", "1")];
    walk.submit("/admin/incidents", &[], &again, &[Action::DraftEdit]).await;
    walk.submit("/admin/drafts/{id}/deletion", &[&draft], &[("version", "2")], &[Action::DraftDelete]).await;
    walk.app.add_template_and_draft("template", "unused").await;
    let fields = [("version", "1"), ("name", "Down"), ("body", "Text"), ("phase", "identified")];
    walk.submit("/admin/templates", &[], &fields, &[Action::TemplateAdd]).await;
    walk.submit("/admin/templates/{id}", &["template"], &fields, &[Action::TemplateEdit]).await;
    walk.submit("/admin/templates/{id}/deletion", &["template"], &[], &[Action::TemplateDelete]).await;
    // Renders a preview of Markdown and saves nothing.
    walk.submit("/admin/islands/{*call}", &["preview"], &[("body", "**Text**")], &[]).await;
}

async fn walk_maintenances(walk: &mut Walk) {
    let (from, until) = (noon_in(10), noon_in(10) + TimeDelta::hours(2));
    let planned = |id| fixtures::maintenance(id, from, until, &[]);
    walk.app.plan(&[planned("work"), planned("called-off")]).await;
    let (from, until, later) = (format_local(from), format_local(until), format_local(until + TimeDelta::hours(1)));
    let mut fields = vec![("title", "Upgrade"), ("body", "Text"), ("zone", "UTC"), ("scheduled_for", from.as_str())];
    fields.push(("scheduled_until", &until));
    walk.submit("/admin/maintenances", &[], &fields, &[Action::MaintenanceSchedule]).await;
    let fields = [("version", "1"), ("title", "Rebuild")];
    walk.submit("/admin/maintenances/{id}", &["work"], &fields, &[Action::MaintenanceEdit]).await;
    let version = walk.maintenance_version("work").await;
    let mut fields = vec![("version", version.as_str()), ("zone", "UTC"), ("scheduled_for", from.as_str())];
    fields.push(("scheduled_until", &later));
    let route = "/admin/maintenances/{id}/schedule";
    walk.submit(route, &["work"], &fields, &[Action::MaintenanceReschedule]).await;
    let (route, undo) = ("/admin/maintenances/{id}/beginning", "/admin/maintenances/{id}/beginning/withdrawal");
    for (route, action) in
        [(route, Action::MaintenanceStart), (undo, Action::MaintenanceUndoStart), (route, Action::MaintenanceStart)]
    {
        let version = walk.maintenance_version("work").await;
        walk.submit(route, &["work"], &[("version", version.as_str())], &[action]).await;
    }
    let version = walk.maintenance_version("work").await;
    let fields = [("version", version.as_str()), ("phase", "in_progress"), ("body", "Half done")];
    walk.submit("/admin/maintenances/{id}/updates", &["work"], &fields, &[Action::MaintenanceUpdate]).await;
    let (route, fields) = ("/admin/maintenances/{id}/updates/{update}", [("version", "1"), ("body", "Corrected")]);
    walk.submit(route, &["work", "work-1"], &fields, &[Action::MaintenanceEditUpdate]).await;
    let (version, longer) = (walk.maintenance_version("work").await, format_local(noon_in(11)));
    let fields = [("version", version.as_str()), ("zone", "UTC"), ("until", longer.as_str())];
    walk.submit("/admin/maintenances/{id}/extension", &["work"], &fields, &[Action::MaintenanceExtend]).await;
    let version = walk.maintenance_version("work").await;
    let (route, fields) = ("/admin/maintenances/{id}/completion", [("version", version.as_str())]);
    walk.submit(route, &["work"], &fields, &[Action::MaintenanceComplete]).await;
    let route = "/admin/maintenances/{id}/cancellation";
    walk.submit(route, &["called-off"], &[("version", "1")], &[Action::MaintenanceCancel]).await;
    let (route, fields) =
        ("/admin/maintenances/{id}/deletion", [("version", "2"), ("title", "Maintenance called-off")]);
    walk.submit(route, &["called-off"], &fields, &[Action::MaintenanceDelete]).await;
}

async fn walk_series(walk: &mut Walk) {
    let (from, until) = (noon_in(12), noon_in(12) + TimeDelta::hours(1));
    let first = walk.app.create_series("weekly", from).await.id.to_string();
    let stored = walk.series("weekly").await;
    let (from, until, version) = (format_local(from), format_local(until), stored.version.to_string());
    let mut fields = vec![("title", "Every week"), ("body", "Text"), ("zone", "UTC"), ("repeats", "FREQ=WEEKLY")];
    fields.extend([("version", version.as_str()), ("scheduled_for", &from), ("scheduled_until", &until)]);
    let added = [Action::SeriesAdd, Action::MaintenanceSchedule];
    walk.submit("/admin/maintenances", &[], &fields, &added).await;
    let edited = [Action::SeriesEdit, Action::MaintenanceEdit];
    walk.submit("/admin/series/{id}", &["weekly"], &fields, &edited).await;
    let version = walk.maintenance_version(&first).await;
    let (route, fields) = ("/admin/maintenances/{id}/cancellation", [("version", version.as_str())]);
    let replaced = [Action::MaintenanceCancel, Action::MaintenanceSchedule];
    walk.submit(route, &[&first], &fields, &replaced).await;
    let version = walk.series("weekly").await.version.to_string();
    walk.submit("/admin/series/{id}/end", &["weekly"], &[("version", &version)], &[Action::SeriesEnd]).await;
}

async fn walk_components(walk: &mut Walk) {
    let fields = [("name", "Search"), ("status", "operational")];
    walk.submit("/admin/components", &[], &fields, &[Action::ComponentAdd]).await;
    let component = walk.app.component("Maps").await;
    let (id, version) = (component.id.as_str(), component.version.to_string());
    let fields = [("version", version.as_str()), ("name", "Tiles"), ("status", "operational")];
    walk.submit("/admin/components/{id}", &[id], &fields, &[Action::ComponentEdit]).await;
    let (route, fields) = ("/admin/components/{id}/position", [("direction", "up")]);
    walk.submit(route, &[id], &fields, &[Action::ComponentEdit]).await;
    let version = (component.version + 2).to_string();
    let fields = [("version", version.as_str()), ("status", "partial_outage")];
    walk.submit("/admin/components/{id}/status", &[id], &fields, &[Action::ComponentSetStatus]).await;
    let selected = format!("{id}.{}", component.version + 3);
    let fields = [("component", selected.as_str()), ("status", "degraded_performance")];
    walk.submit("/admin/component-statuses", &[], &fields, &[Action::ComponentSetStatus]).await;
    let now = walk.app.clock.now();
    let (from, until) = (format_local(now - TimeDelta::hours(5)), format_local(now - TimeDelta::hours(4)));
    let mut fields = vec![("started_at", from.as_str()), ("ended_at", &until), ("zone", "UTC")];
    fields.extend([("status", "operational"), ("reason", "Only the probe was down.")]);
    walk.submit("/admin/components/{id}/corrections", &[id], &fields, &[Action::ComponentCorrectUptime]).await;
    walk.app.correction(id, "correction").await;
    let route = "/admin/components/{id}/corrections/{correction}/deletion";
    walk.submit(route, &[id, "correction"], &[], &[Action::ComponentRemoveCorrection]).await;
    walk.submit("/admin/components/{id}/deletion", &[id], &[], &[Action::ComponentDelete]).await;
    walk.submit("/admin/groups", &[], &[("name", "Maps")], &[Action::GroupAdd]).await;
    let group = walk.app.group("Roads").await;
    let (id, version) = (group.id.as_str(), group.version.to_string());
    let fields = [("version", version.as_str()), ("name", "Rails")];
    walk.submit("/admin/groups/{id}", &[id], &fields, &[Action::GroupEdit]).await;
    walk.submit("/admin/groups/{id}/position", &[id], &[("direction", "up")], &[Action::GroupEdit]).await;
    walk.submit("/admin/groups/{id}/deletion", &[id], &[], &[Action::GroupDelete]).await;
}

async fn walk_settings(walk: &mut Walk) {
    let mut tx = walk.app.db.read().await.unwrap();
    let page = page_settings::load(&mut tx).await.unwrap().version.to_string();
    let policy = login_policy::load(&mut tx).await.unwrap().version.to_string();
    drop(tx);
    let fields = [("version", page.as_str()), ("name", "Tidewater"), ("time_zone", "UTC")];
    walk.submit("/admin/settings", &[], &fields, &[Action::PageEdit]).await;
    let version = walk.page_version().await;
    let fields = [("version", version.as_str()), ("ground", "cool"), ("typeface", "serif"), ("appearance", "dark")];
    walk.submit("/admin/brand", &[], &fields, &[Action::PageEditBrand]).await;
    let version = walk.page_version().await;
    let fields = [("version", version.as_str()), ("name", "Tidewater"), ("time_zone", "Europe/Lisbon")];
    walk.submit("/admin/setup/page", &[], &fields, &[Action::PageEdit]).await;
    let version = walk.page_version().await;
    let fields = [("version", version.as_str()), ("ground", "warm"), ("typeface", "system"), ("appearance", "light")];
    walk.submit("/admin/setup/brand", &[], &fields, &[Action::PageEditBrand]).await;
    let names = [("names", "Tides\nCurrents")];
    walk.submit("/admin/setup/components", &[], &names, &[Action::ComponentAdd, Action::ComponentAdd]).await;
    walk.submit("/admin/setup/finish", &[], &[], &[Action::PageFinishSetup]).await;
    walk.submit("/admin/setup/checklist/dismissal", &[], &[], &[Action::PageDismissChecklist]).await;
    walk_announcements(walk).await;
    walk_page_imports(walk).await;
    let fields = [("version", policy.as_str()), ("api_key_in_query", "1")];
    walk.submit("/admin/policy", &[], &fields, &[Action::PolicyEdit]).await;
}

async fn walk_announcements(walk: &mut Walk) {
    let now = format_local(walk.app.clock.now());
    let fields = [("title", "Office closed"), ("starts_at", now.as_str()), ("zone", "UTC")];
    walk.submit("/admin/announcements", &[], &fields, &[Action::AnnouncementAdd]).await;
    let id = walk.app.announcement("Moving").await.id.to_string();
    let fields = [("version", "1"), ("title", "Moved"), ("starts_at", now.as_str()), ("zone", "UTC")];
    walk.submit("/admin/announcements/{id}", &[&id], &fields, &[Action::AnnouncementEdit]).await;
    walk.submit("/admin/announcements/{id}/end", &[&id], &[], &[Action::AnnouncementEdit]).await;
    walk.submit("/admin/announcements/{id}/deletion", &[&id], &[], &[Action::AnnouncementDelete]).await;
}

async fn walk_page_imports(walk: &mut Walk) {
    for (id, route, action) in [
        ("first", "/admin/import/{id}/confirmation", Action::ImportConfirm),
        ("second", "/admin/import/{id}/discarding", Action::ImportDiscard),
    ] {
        walk.app.page_import(id, ImportState::Ready, "https://status.example.org/").await;
        walk.submit(route, &[id], &[], &[action]).await;
        // Too late: nothing changes.
        walk.submit(route, &[id], &[], &[]).await;
    }
}

async fn walk_managers(walk: &mut Walk) {
    let fields = [("name", "Guest"), ("email", "guest@example.org"), ("role", "viewer")];
    walk.submit("/admin/managers", &[], &fields, &[Action::ManagerInvite]).await;
    let target = walk.app.manager("Target", Viewer).await;
    let id = target.id.as_str();
    let session = walk.short_session(&target).await;
    walk.submit("/admin/sessions/{session}/revocation", &[&session], &[], &[Action::ManagerRevokeSession]).await;
    walk.short_session(&target).await;
    let route = "/admin/managers/{id}/sessions/revocation";
    walk.submit(route, &[id], &[], &[Action::ManagerRevokeSessions]).await;
    let route = "/admin/managers/{id}/role";
    walk.submit(route, &[id], &[("role", "publisher")], &[Action::ManagerSetRole]).await;
    walk.submit("/admin/managers/{id}/reset", &[id], &[], &[Action::ManagerCreateResetLink]).await;
    walk.app.passkey(&target, "target").await;
    let route = "/admin/managers/{id}/factors/removal";
    walk.submit(route, &[id], &[], &[Action::ManagerRemoveFactors]).await;
    walk.connect_identity(&target).await;
    let route = "/admin/managers/{id}/identity/removal";
    walk.submit(route, &[id], &[], &[Action::ManagerDisconnectOidc]).await;
    walk.submit("/admin/managers/{id}/disablement", &[id], &[], &[Action::ManagerDisable]).await;
    walk.submit("/admin/managers/{id}/enablement", &[id], &[], &[Action::ManagerEnable]).await;
}

async fn walk_account(walk: &mut Walk) {
    let own = walk.app.manager("Ines", Publisher).await;
    let now = walk.app.clock.now();
    let proof = [("proof_password", PASSWORD)];
    walk.submit_as(&own, ("/admin/proof", &[]), &proof, &[Action::ManagerReauthenticate]).await;
    let mut tx = walk.app.db.write().await.unwrap();
    let (hash, times) = (secret_token::hash_token("pending"), (now, now + TimeDelta::hours(1)));
    one_time_links::request_email(&mut tx, &own.id, "pending@example.org", &hash, times).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    let target = ("/admin/account/email/cancellation", &[][..]);
    walk.submit_as(&own, target, &[], &[Action::ManagerCancelEmail]).await;
    let (target, fields) = (("/admin/account/email", &[][..]), [("email", "other@example.org")]);
    walk.submit_as(&own, target, &fields, &[Action::ManagerSetEmail]).await;
    walk.connect_identity(&own).await;
    let target = ("/admin/account/identity/removal", &[][..]);
    walk.submit_as(&own, target, &[], &[Action::ManagerDisconnectOidc]).await;
    let session = walk.short_session(&own).await;
    let target = ("/admin/account/sessions/{session}/revocation", &[session.as_str()][..]);
    walk.submit_as(&own, target, &[], &[Action::ManagerRevokeSession]).await;
    walk.short_session(&own).await;
    let target = ("/admin/account/sessions/revocation", &[][..]);
    walk.submit_as(&own, target, &[], &[Action::ManagerRevokeSessions]).await;
    let fields = [("name", "Copy"), ("scope", "read"), ("days", "365")];
    walk.submit_as(&own, ("/admin/tokens", &[]), &fields, &[Action::TokenAdd]).await;
    let mut tx = walk.app.db.read().await.unwrap();
    let token = api_tokens::list_for_manager(&mut tx, &own.id).await.unwrap()[0].id.to_string();
    drop(tx);
    let target = ("/admin/tokens/{id}/revocation", &[token.as_str()][..]);
    walk.submit_as(&own, target, &[], &[Action::TokenRevoke]).await;
    walk.app.passkey(&own, "first").await;
    let target = ("/admin/account/recovery-codes", &[][..]);
    walk.submit_as(&own, target, &[], &[Action::ManagerRenewRecoveryCodes]).await;
    let target = ("/admin/account/passkeys/{id}/removal", &["first"][..]);
    walk.submit_as(&own, target, &[], &[Action::ManagerRemovePasskey]).await;
    let fields = [("current", PASSWORD), ("password", NEW_PASSWORD)];
    walk.submit_as(&own, ("/admin/account/password", &[]), &fields, &[Action::ManagerSetPassword]).await;
    walk.submit_as(&own, ("/logout", &[]), &[], &[Action::ManagerLogout]).await;
    for (purpose, action) in
        [(LinkPurpose::Invite, Action::ManagerAcceptInvitation), (LinkPurpose::Reset, Action::ManagerResetPassword)]
    {
        let link = walk.app.link(purpose, Some(&own), TimeDelta::minutes(30)).await;
        let (mut browser, target) = (walk.app.visitor(), ("/setup/{token}", &[link.as_str()][..]));
        walk.post(&mut browser, "Ines", target, &[("password", PASSWORD)], &[action]).await;
    }
}

async fn walk_logins(walk: &mut Walk) {
    let manager = walk.app.manager("Rui", Viewer).await;
    let typed = [("email", manager.email.as_str()), ("password", PASSWORD)];
    let mut browser = walk.app.visitor();
    walk.post(&mut browser, "Rui", ("/login", &[]), &typed, &[Action::ManagerLogin]).await;
    // A secret is not audited until it is confirmed.
    walk.post(&mut browser, "Rui", ("/admin/account/totp", &[]), &[], &[]).await;
    let phone = AuthenticatorApp::of(&browser.get("/admin/account/totp").await);
    let (target, code) = (("/admin/account/totp/confirmation", &[][..]), phone.code(&walk.app, 0));
    let shown = walk.post(&mut browser, "Rui", target, &[("code", &code)], &[Action::ManagerAddTotp]).await;
    let recovery_code = shown.words(".codes li").remove(0);
    // The code that confirmed the secret is used up.
    walk.app.clock.advance(TimeDelta::minutes(1));
    let code = phone.code(&walk.app, 0);
    for (code, action) in [(code, Action::ManagerLogin), (recovery_code, Action::ManagerLoginByRecoveryCode)] {
        let mut browser = walk.app.visitor();
        walk.post(&mut browser, "Rui", ("/login", &[]), &typed, &[Action::ManagerBeginLogin]).await;
        walk.post(&mut browser, "Rui", ("/login/factor", &[]), &[("code", &code)], &[action]).await;
    }
    let target = ("/admin/account/totp/removal", &[][..]);
    walk.submit_as(&manager, target, &[], &[Action::ManagerRemoveTotp]).await;
}

async fn walk_passkeys(walk: &mut Walk) {
    let manager = walk.app.manager("Ana", Viewer).await;
    let (mut browser, mut device) = (walk.app.with_session(&manager).await, FakeAuthenticator::at(ORIGIN));
    // A challenge changes nothing in the account, so it is not audited.
    let target = ("/admin/account/passkeys/challenge", &[][..]);
    let asked = read_json(&walk.post(&mut browser, "Ana", target, &[], &[]).await);
    let credential = device.make(&asked);
    let (target, fields) = (("/admin/account/passkeys", &[][..]), [("name", "Laptop"), ("credential", &credential)]);
    walk.post(&mut browser, "Ana", target, &fields, &[Action::ManagerAddPasskey]).await;
    let mut browser = walk.app.visitor();
    let asked = read_json(&walk.post(&mut browser, "Ana", ("/login/passkey/challenge", &[]), &[], &[]).await);
    let (target, credential) = (("/login/passkey", &[][..]), device.sign(&asked));
    walk.post(&mut browser, "Ana", target, &[("credential", &credential)], &[Action::ManagerLoginByPasskey]).await;
}

const PAGE: &str = "/v1/pages/{page}";
const EMBED_CONFIG: &str = "/v1/pages/{page}/status_embed_config";
const COMPONENTS: &str = "/v1/pages/{page}/components";
const COMPONENT: &str = "/v1/pages/{page}/components/{component}";
const GROUPS: &str = "/v1/pages/{page}/component-groups";
const GROUP: &str = "/v1/pages/{page}/component-groups/{group}";
const INCIDENTS: &str = "/v1/pages/{page}/incidents";
const INCIDENT: &str = "/v1/pages/{page}/incidents/{incident}";
const UPDATE: &str = "/v1/pages/{page}/incidents/{incident}/incident_updates/{update}";
const POSTMORTEM: &str = "/v1/pages/{page}/incidents/{incident}/postmortem";
const POSTMORTEM_PUBLISH: &str = "/v1/pages/{page}/incidents/{incident}/postmortem/publish";
const POSTMORTEM_REVERT: &str = "/v1/pages/{page}/incidents/{incident}/postmortem/revert";
const TEMPLATES: &str = "/v1/pages/{page}/incident_templates";

async fn walk_api_page(walk: &mut Walk, program: &ApiClient) {
    use Method as M;
    for (method, name) in [(M::PATCH, "Acme one"), (M::PUT, "Acme two")] {
        let body = json!({ "page": { "name": name } });
        walk.call(program, (method, PAGE, &[]), body, &[Action::PageEdit]).await;
    }
    for (method, position) in [(M::PATCH, "top-left"), (M::PUT, "top-right")] {
        let body = json!({ "status_embed_config": { "position": position } });
        walk.call(program, (method, EMBED_CONFIG, &[]), body, &[Action::PageEdit]).await;
    }
    let body = json!({ "component": { "name": "Search two" } });
    walk.call(program, (M::POST, COMPONENTS, &[]), body, &[Action::ComponentAdd]).await;
    let (a, b) = (walk.app.component("A").await.id.to_string(), walk.app.component("B").await.id.to_string());
    let body = json!({ "component": { "name": "C", "description": "Another" } });
    walk.call(program, (M::PATCH, COMPONENT, &[&a]), body, &[Action::ComponentEdit]).await;
    let body = json!({ "component": { "status": "major_outage" } });
    walk.call(program, (M::PUT, COMPONENT, &[&a]), body, &[Action::ComponentSetStatus]).await;
    let body = json!({ "component_group": { "name": "Mail", "components": [a] } });
    let added = [Action::GroupAdd, Action::ComponentEdit];
    let group = read_json(&walk.call(program, (M::POST, GROUPS, &[]), body, &added).await);
    let group = group["id"].as_str().expect("the id of the group");
    let body = json!({ "component_group": { "name": "Post" } });
    walk.call(program, (M::PATCH, GROUP, &[group]), body, &[Action::GroupEdit]).await;
    let body = json!({ "component_group": { "name": "Letters", "components": [b] } });
    let edited = [Action::GroupEdit, Action::ComponentEdit, Action::ComponentEdit];
    walk.call(program, (M::PUT, GROUP, &[group]), body, &edited).await;
    walk.call(program, (M::DELETE, GROUP, &[group]), json!({}), &[Action::GroupDelete]).await;
    walk.call(program, (M::DELETE, COMPONENT, &[&a]), json!({}), &[Action::ComponentDelete]).await;
    let body = json!({ "template": { "name": "Late", "body": "Text", "update_status": "identified" } });
    walk.call(program, (M::POST, TEMPLATES, &[]), body, &[Action::TemplateAdd]).await;
}

async fn walk_api_incidents(walk: &mut Walk, program: &ApiClient) {
    use Method as M;
    walk.app.add(&[fixtures::resolved("late", walk.app.clock.now() - TimeDelta::hours(2), TimeDelta::hours(1))]).await;
    let incident = &["late"][..];
    let body = json!({ "incident": { "name": "Late", "body": "Text" } });
    walk.call(program, (M::POST, INCIDENTS, &[]), body, &[Action::IncidentOpen]).await;
    let body = json!({ "incident": { "body": "It is late again.", "status": "investigating" } });
    walk.call(program, (M::PATCH, INCIDENT, incident), body, &[Action::IncidentUpdate]).await;
    let body = json!({ "incident": { "name": "Later", "metadata": { "ticket": { "id": 1 } } } });
    let edited = [Action::IncidentEdit, Action::IncidentEdit];
    walk.call(program, (M::PUT, INCIDENT, incident), body, &edited).await;
    for (method, text) in [(M::PATCH, "Corrected"), (M::PUT, "Corrected again")] {
        let body = json!({ "incident_update": { "body": text } });
        let target = (method, UPDATE, &["late", "late-1"][..]);
        walk.call(program, target, body, &[Action::IncidentEditUpdate]).await;
    }
    let body = json!({ "postmortem": { "body_draft": "A cable was cut." } });
    walk.call(program, (M::PUT, POSTMORTEM, incident), body, &[Action::PostmortemEdit]).await;
    walk.call(program, (M::PUT, POSTMORTEM_PUBLISH, incident), json!({}), &[Action::PostmortemPublish]).await;
    walk.call(program, (M::PUT, POSTMORTEM_REVERT, incident), json!({}), &[Action::PostmortemWithdraw]).await;
    walk.call(program, (M::DELETE, POSTMORTEM, incident), json!({}), &[Action::PostmortemDelete]).await;
    walk.call(program, (M::DELETE, INCIDENT, incident), json!({}), &[Action::IncidentDelete]).await;
}

async fn walk_api_maintenances(walk: &mut Walk, program: &ApiClient) {
    use Method as M;
    let window = |days: i64, hours: i64| {
        let until = format_instant(noon_in(days) + TimeDelta::hours(hours));
        json!({ "name": "Move", "scheduled_for": format_instant(noon_in(days)), "scheduled_until": until })
    };
    let body = json!({ "incident": window(20, 1) });
    let planned = walk.call(program, (M::POST, INCIDENTS, &[]), body, &[Action::MaintenanceSchedule]).await;
    let planned = read_json(&planned);
    let id = planned["id"].as_str().expect("the id of the maintenance");
    let update = planned["incident_updates"][0]["id"].as_str().expect("the id of the update");
    let body = json!({ "incident": window(21, 1) });
    walk.call(program, (M::PATCH, INCIDENT, &[id]), body, &[Action::MaintenanceReschedule]).await;
    let body = json!({ "incident": { "status": "in_progress" } });
    walk.call(program, (M::PATCH, INCIDENT, &[id]), body, &[Action::MaintenanceUpdate]).await;
    let body = json!({ "incident": window(21, 2) });
    walk.call(program, (M::PUT, INCIDENT, &[id]), body, &[Action::MaintenanceExtend]).await;
    let body = json!({ "incident": { "name": "Big move", "metadata": { "ticket": { "id": 1 } } } });
    let edited = [Action::MaintenanceEdit, Action::MaintenanceEdit];
    walk.call(program, (M::PUT, INCIDENT, &[id]), body, &edited).await;
    let body = json!({ "incident_update": { "body": "Corrected" } });
    walk.call(program, (M::PATCH, UPDATE, &[id, update]), body, &[Action::MaintenanceEditUpdate]).await;
    walk.call(program, (M::DELETE, INCIDENT, &[id]), json!({}), &[Action::MaintenanceDelete]).await;
    let occurrence = walk.app.create_series("monthly", noon_in(25)).await.id.to_string();
    let replaced = [Action::MaintenanceDelete, Action::MaintenanceSchedule];
    walk.call(program, (M::DELETE, INCIDENT, &[&occurrence]), json!({}), &replaced).await;
}

async fn walk_subscribers(walk: &mut Walk) {
    let fields = [("email", "ines@example.org"), ("scope", "page"), ("incidents", "all"), ("maintenance", "1")];
    walk.submit("/admin/subscribers", &[], &fields, &[Action::SubscriberAdd]).await;
    let id = find(&walk.app, "ines@example.org").await.unwrap().id.to_string();
    let one = &[id.as_str()][..];
    walk.submit("/admin/subscribers/{id}/confirmation", one, &[], &[Action::SubscriberResend]).await;
    let fields = [("version", "1"), ("scope", "page"), ("incidents", "all")];
    walk.submit("/admin/subscribers/{id}", one, &fields, &[Action::SubscriberEdit]).await;
    let fields = [("subscriber", id.as_str()), ("do", "resend")];
    walk.submit("/admin/subscribers/selection", &[], &fields, &[Action::SubscriberResend]).await;
    walk.submit("/admin/subscribers/{id}/unsubscription", one, &[], &[Action::SubscriberUnsubscribe]).await;
    let quarantined = add_in(&walk.app, "rui@example.org", Coverage::Page, SubscriberState::Quarantined).await;
    let one = &[quarantined.id.as_str()][..];
    walk.submit("/admin/subscribers/{id}/reactivation", one, &[], &[Action::SubscriberReactivate]).await;
    walk.submit("/admin/subscribers/{id}/erasure", one, &[], &[Action::SubscriberErase]).await;
    let fields = [("list", "ana@example.org"), ("confirm", "1"), ("consent", "1")];
    walk.submit("/admin/subscribers/import", &[], &fields, &[Action::SubscriberImport]).await;
    walk.submit("/admin/subscribers/export", &[], &[], &[Action::SubscriberExport]).await;
    let fields = [("channel", "pagerduty"), ("password", "key")];
    walk.submit("/admin/subscribers/channels", &[], &fields, &[Action::SubscriberAdd]).await;
}

const SUBSCRIBERS: &str = "/v1/pages/{page}/subscribers";
const SUBSCRIBER: &str = "/v1/pages/{page}/subscribers/{subscriber}";
const SUBSCRIBER_RESEND: &str = "/v1/pages/{page}/subscribers/{subscriber}/resend_confirmation";
const SUBSCRIBERS_RESEND: &str = "/v1/pages/{page}/subscribers/resend_confirmation";
const SUBSCRIBERS_UNSUBSCRIBE: &str = "/v1/pages/{page}/subscribers/unsubscribe";
const SUBSCRIBERS_REACTIVATE: &str = "/v1/pages/{page}/subscribers/reactivate";
const INCIDENT_SUBSCRIBERS: &str = "/v1/pages/{page}/incidents/{incident}/subscribers";
const INCIDENT_SUBSCRIBER: &str = "/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}";
const INCIDENT_SUBSCRIBER_RESEND: &str =
    "/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}/resend_confirmation";

async fn walk_api_subscribers(walk: &mut Walk, program: &ApiClient) {
    use Method as M;
    // The walk before this one used up the calls of a minute.
    walk.app.clock.advance(TimeDelta::minutes(2));
    let body = json!({ "subscriber": { "email": "api@example.org" } });
    let made = walk.call(program, (M::POST, SUBSCRIBERS, &[]), body, &[Action::SubscriberAdd]).await;
    let id = read_json(&made)["id"].as_str().unwrap().to_owned();
    let component = walk.app.component("Readers").await.id;
    walk.call(program, (M::POST, SUBSCRIBER_RESEND, &[&id]), json!({}), &[Action::SubscriberResend]).await;
    let body = json!({ "component_ids": [component] });
    walk.call(program, (M::PATCH, SUBSCRIBER, &[&id]), body, &[Action::SubscriberEdit]).await;
    let body = json!({ "subscribers": [id] });
    walk.call(program, (M::POST, SUBSCRIBERS_RESEND, &[]), body, &[Action::SubscriberResend]).await;
    walk.call(program, (M::DELETE, SUBSCRIBER, &[&id]), json!({}), &[Action::SubscriberUnsubscribe]).await;
    let quarantined = add_in(&walk.app, "api2@example.org", Coverage::Page, SubscriberState::Quarantined).await.id;
    let body = json!({ "subscribers": quarantined.as_str() });
    walk.call(program, (M::POST, SUBSCRIBERS_REACTIVATE, &[]), body.clone(), &[Action::SubscriberReactivate]).await;
    walk.call(program, (M::POST, SUBSCRIBERS_UNSUBSCRIBE, &[]), body, &[Action::SubscriberUnsubscribe]).await;
    walk.app.add(&[fixtures::incident("read", walk.app.clock.now())]).await;
    let body = json!({ "subscriber": { "email": "api@example.org" } });
    let made = walk.call(program, (M::POST, INCIDENT_SUBSCRIBERS, &["read"]), body, &[Action::SubscriberAdd]).await;
    let id = read_json(&made)["id"].as_str().unwrap().to_owned();
    let target = (M::POST, INCIDENT_SUBSCRIBER_RESEND, &["read", &id][..]);
    walk.call(program, target, json!({}), &[Action::SubscriberResend]).await;
    let target = (M::DELETE, INCIDENT_SUBSCRIBER, &["read", &id][..]);
    walk.call(program, target, json!({}), &[Action::SubscriberUnsubscribe]).await;
}
