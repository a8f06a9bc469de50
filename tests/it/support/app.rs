//! The router and its fast path over a test database, without sockets, and browsers that send requests to it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::Bytes;
use candor::actions::recurring_maintenances;
use candor::clock::Clock;
use candor::credentials::secret_key::SecretKey;
use candor::credentials::{password, secret_token};
use candor::db::one_time_links::{self, Link};
use candor::db::sessions::{self, Session};
use candor::db::{
    Db, Tx, admin_incidents, audit, components, drafts, incidents, login_policy, maintenances, managers, page_settings,
    passkeys, series, templates, uptime_corrections,
};
use candor::domain::audit::Record;
use candor::domain::forms::{
    Fields, MaintenanceForm, NewAnnouncement, NewGroup, NewTemplate, PlanForm, RecurrenceForm, SeriesForm, WindowForm,
};
use candor::domain::maintenance::Automation;
use candor::domain::manager::LinkPurpose;
use candor::domain::page_import::{ImportProgress, ImportState};
use candor::domain::second_factor::Passkey;
use candor::domain::{
    Announcement, Component, ComponentId, CorrectionId, DraftId, Group, ImportSource, Incident, IncidentId,
    LoginPolicy, Maintenance, MaintenanceId, Manager, PageImport, PageImportId, PasskeyId, PasswordPolicy, Phase, Role,
    SavedDraft, SeriesId, Status, UptimeCorrection,
};
use candor::net::peer::{Peer, Transport};
use candor::net::trusted_proxies::TrustedProxies;
use candor::notify::Mailer;
use candor::notify::bounce_hooks::BounceHooks;
use candor::oidc::Provider;
use candor::publish::{Publisher, Render, render_site};
use candor::state::{State, StateParts};
use candor::web;
use candor::web::FastPath;
use chrono::{DateTime, TimeDelta};
use http_body_util::BodyExt as _;
use http_connection::AllowedHosts;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::html::{Element, Page};
use super::{TestDb, fixtures};

/// The origin of the page in most tests: without TLS, as on a developer's machine.
pub const ORIGIN: &str = "http://status.test";
pub const PASSWORD: &str = "harbour crane whistles";

/// A server with an empty page that is already published.
pub struct TestApp {
    pub test: TestDb,
    pub state: State,
    data: TempDir,
    front: FastPath,
}

impl Deref for TestApp {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl TestApp {
    pub async fn new(test: TestDb) -> Self {
        Self::at(test, ORIGIN).await
    }

    pub async fn at(test: TestDb, origin: &str) -> Self {
        Self::published(test, Settings { origin, ..Settings::default() }).await
    }

    pub async fn with_mailer(test: TestDb, mailer: Mailer) -> Self {
        Self::published(test, Settings { mailer: Some(mailer), ..Settings::default() }).await
    }

    pub async fn with_bounce_hooks(test: TestDb, mailer: Option<Mailer>, bounce_hooks: BounceHooks) -> Self {
        Self::published(test, Settings { mailer, bounce_hooks, ..Settings::default() }).await
    }

    pub async fn with_provider(test: TestDb, provider: Provider) -> Self {
        Self::published(test, Settings { provider: Some(provider), ..Settings::default() }).await
    }

    pub async fn with_mail_and_provider(test: TestDb, mailer: Mailer, provider: Provider) -> Self {
        Self::published(test, Settings { mailer: Some(mailer), provider: Some(provider), ..Settings::default() }).await
    }

    /// Another server with `provider`, or without one, over the same database.
    pub fn at_origin(&self, provider: Option<Provider>) -> Browser {
        let settings = Settings { provider, ..Settings::default() };
        let state = state(self.db.clone(), self.clock.clone(), self.site_file(), settings);
        Browser::new(front(&state), host(ORIGIN))
    }

    pub async fn with_renderer(test: TestDb, render: Render) -> Self {
        Self::published(test, Settings { render, ..Settings::default() }).await
    }

    pub fn unpublished(test: TestDb, origin: &str) -> Self {
        Self::with(test, Settings { origin, ..Settings::default() })
    }

    async fn published(test: TestDb, settings: Settings<'_>) -> Self {
        let app = Self::with(test, settings);
        app.publisher.publish().await.expect("the first Site");
        app
    }

    fn with(test: TestDb, settings: Settings<'_>) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let file = data.path().join("site");
        let state = state(test.db.clone(), test.clock.clone(), file, settings);
        let front = front(&state);
        Self { test, state, data, front }
    }

    /// Starts another server over `db` from the Site that this one stored.
    pub fn restart_with(&self, db: Db) -> (State, Browser) {
        let settings = Settings { origin: &self.origin, ..Settings::default() };
        let state = state(db, self.clock.clone(), self.site_file(), settings);
        let browser = Browser::new(front(&state), host(&self.origin));
        (state, browser)
    }

    pub fn site_file(&self) -> PathBuf {
        self.data.path().join("site")
    }

    pub fn visitor(&self) -> Browser {
        Browser::new(self.front.clone(), host(&self.origin))
    }

    /// A manager called NAME with the address NAME@example.org and the [`PASSWORD`].
    pub async fn manager(&self, name: &str, role: Role) -> Manager {
        let hash = password_hash().await;
        let mut tx = self.db.write().await.unwrap();
        let manager =
            managers::create(&mut tx, fixtures::manager(name, role), Some(hash), self.clock.now()).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        manager
    }

    /// A browser in which a new manager of this role is logged in; the manager's name is the role's.
    pub async fn logged_in(&self, role: Role) -> Browser {
        let manager = self.manager(role.words(), role).await;
        self.with_session(&manager).await
    }

    /// A browser with a session of `manager`, created without the login form.
    pub async fn with_session(&self, manager: &Manager) -> Browser {
        let id = tower_sessions::session::Id(i128::from_be_bytes(candor::credentials::random_bytes()));
        let now = self.clock.now();
        let session = Session {
            id_hash: web::access::session::hash_id(id),
            manager_id: Some(manager.id.to_string()),
            data: serde_json::json!({ "manager": manager.id }).to_string(),
            address: "192.0.2.1".into(),
            user_agent: "Test".into(),
            created_at: now,
            last_seen_at: now,
        };
        let mut tx = self.db.write().await.unwrap();
        sessions::insert(&mut tx, &session).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        let mut browser = self.visitor();
        browser.cookies.insert("sid".into(), id.to_string());
        browser
    }

    pub async fn through_login(&self, manager: &Manager) -> Browser {
        let mut browser = self.visitor();
        let answer = browser.post("/login", &[("email", &manager.email), ("password", PASSWORD)]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/admin"), "{}", answer.text());
        browser
    }

    /// A passkey that no device has.
    pub async fn passkey(&self, manager: &Manager, id: &str) {
        let id = PasskeyId::parse(id).unwrap();
        let passkey = Passkey { id, name: "Laptop".into(), created_at: self.clock.now(), last_used_at: None };
        let mut tx = self.db.write().await.unwrap();
        passkeys::create(&mut tx, &manager.id, &passkey, &secret_token::hash_token(passkey.id.as_str()), "{}")
            .await
            .unwrap();
        tx.commit_unaudited().await.unwrap();
    }

    pub async fn require_second_factor(&self) {
        let mut tx = self.db.write().await.unwrap();
        let policy = login_policy::load(&mut tx).await.unwrap();
        login_policy::update(&mut tx, &LoginPolicy { second_factor_required: true, ..policy }).await.unwrap();
        tx.commit_unaudited().await.unwrap();
    }

    /// From now on only this owner may log in with a password.
    pub async fn set_break_glass_owner(&self, keeper: &Manager) {
        let mut tx = self.db.write().await.unwrap();
        let policy = login_policy::load(&mut tx).await.unwrap();
        let passwords = PasswordPolicy::BreakGlass(keeper.id.clone());
        login_policy::update(&mut tx, &LoginPolicy { passwords, ..policy }).await.unwrap();
        tx.commit_unaudited().await.unwrap();
    }

    pub async fn link(&self, purpose: LinkPurpose, manager: Option<&Manager>, lifetime: TimeDelta) -> String {
        let (token, now) = (secret_token::fresh_token(), self.clock.now());
        let manager_id = manager.map(|manager| manager.id.clone());
        let mut tx = self.db.write().await.unwrap();
        let link = Link { purpose, manager_id, expires_at: now + lifetime };
        one_time_links::create(&mut tx, &secret_token::hash_token(&token), &link, now).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        token
    }

    /// An operational component at the last position, with 400 days of history; visible after the next publish.
    pub async fn component(&self, name: &str) -> Component {
        let new = fixtures::component(name);
        let mut tx = self.db.write().await.unwrap();
        let created_at = self.clock.now() - TimeDelta::days(400);
        let component = components::create(&mut tx, new, created_at).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        component
    }

    /// An announcement that is shown now.
    pub async fn announcement(&self, title: &str) -> Announcement {
        let now = self.clock.now();
        let new = NewAnnouncement { title: title.into(), body: String::new(), starts_at: now, ends_at: None };
        let mut tx = self.db.write().await.unwrap();
        let added = candor::db::announcements::create(&mut tx, new, now).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        added
    }

    /// An import of a page that no server works on.
    pub async fn page_import(&self, id: &str, state: ImportState, address: &str) -> PageImport {
        let now = self.clock.now();
        let import = PageImport {
            id: PageImportId::parse(id).unwrap(),
            source: ImportSource::Statuspage,
            address: address.into(),
            state,
            progress: ImportProgress::default(),
            summary: None,
            started_by: "Ines".into(),
            started_at: now,
            seen_at: now,
        };
        let mut tx = self.db.write().await.unwrap();
        candor::db::page_imports::insert(&mut tx, &import).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        import
    }

    /// A group at the last position; visible after the next publish.
    pub async fn group(&self, name: &str) -> Group {
        let new = NewGroup { name: name.into(), description: String::new(), position: None };
        let mut tx = self.db.write().await.unwrap();
        let group = components::create_group(&mut tx, new, self.clock.now()).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        group
    }

    /// Saves a template and a draft of a new incident with these ids.
    pub async fn add_template_and_draft(&self, template: &'static str, draft: &str) {
        let mut tx = self.db.write().await.unwrap();
        let draft = SavedDraft {
            id: DraftId::parse(draft).unwrap(),
            incident: None,
            fields: Fields(vec![("title".into(), "Begun".into()), ("body".into(), "Not said yet".into())]),
            edited_by: "Ines".into(),
            created_at: self.clock.now(),
            edited_at: self.clock.now(),
            version: 1,
        };
        drafts::insert(&mut tx, &draft).await.unwrap();
        let new = NewTemplate {
            notify: true,
            name: "Slow".into(),
            title: "{{component}} is slow".into(),
            body: "Since {{time}}.".into(),
            phase: Phase::Identified.into(),
            components: Vec::new(),
        };
        let created = templates::create(&mut tx, new, self.clock.now()).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        let sql = "update templates set id = $1 where id = $2";
        match &self.db {
            Db::Sqlite { writer, .. } => {
                let _ = sqlx::query(sql).bind(template).bind(created.id.as_str()).execute(writer).await.unwrap();
            }
            Db::Postgres(pool, _) => {
                let _ = sqlx::query(sql).bind(template).bind(created.id.as_str()).execute(pool).await.unwrap();
            }
        }
    }

    /// Corrects the second-last hour of a component's uptime.
    pub async fn correction(&self, component: &str, id: &str) {
        let now = self.clock.now();
        let correction = UptimeCorrection {
            id: CorrectionId::parse(id).unwrap(),
            component_id: ComponentId::parse(component).unwrap(),
            from: now - TimeDelta::hours(2),
            to: now - TimeDelta::hours(1),
            status: Status::MajorOutage,
            reason: "Nobody noticed.".into(),
            created_at: now,
        };
        let mut tx = self.db.write().await.unwrap();
        uptime_corrections::insert(&mut tx, &correction).await.unwrap();
        tx.commit_unaudited().await.unwrap();
    }

    /// Inserts incidents unchanged and publishes.
    pub async fn add(&self, incidents: &[Incident]) {
        let mut tx = self.db.write().await.unwrap();
        for incident in incidents {
            incidents::insert(&mut tx, incident).await.unwrap();
        }
        tx.commit(&fixtures::actor(), self.clock.now(), fixtures::addition()).await.unwrap();
        self.publish().await;
    }

    /// Inserts maintenances unchanged and publishes.
    pub async fn plan(&self, planned: &[Maintenance]) {
        let mut tx = self.db.write().await.unwrap();
        for maintenance in planned {
            maintenances::insert(&mut tx, maintenance).await.unwrap();
        }
        tx.commit(&fixtures::actor(), self.clock.now(), fixtures::addition()).await.unwrap();
        self.publish().await;
    }

    /// Creates and publishes a weekly recurring maintenance whose first occurrence starts at `first` and lasts an hour.
    /// Renders the page again after this time, as the worker does every minute.
    pub async fn refresh_in(&self, time: TimeDelta) {
        self.clock.advance(time);
        self.publisher.refresh().await.unwrap();
    }

    pub async fn create_series(&self, id: &str, first: DateTime<chrono::Utc>) -> Maintenance {
        let now = self.clock.now();
        let window = WindowForm::from_times(first, first + TimeDelta::hours(1), chrono_tz::Tz::UTC);
        let switches = Automation { reminds: true, starts: true, completes: true, marks: true };
        let plan = PlanForm { title: format!("Series {id}"), switches, ..PlanForm::default() };
        let recurrence = RecurrenceForm { repeats: "FREQ=WEEKLY".into(), ..RecurrenceForm::default() };
        let form = SeriesForm {
            id: String::new(),
            first: MaintenanceForm { plan, window, body: format!("Text of {id}") },
            recurrence,
        };
        let begun = form.parse().unwrap().begin(SeriesId::parse(id).unwrap(), &[], now).unwrap();
        let mut tx = self.db.write().await.unwrap();
        let (created, _) = recurring_maintenances::add(&mut tx, begun, true, now).await.unwrap().unwrap();
        tx.commit(&fixtures::actor(), now, fixtures::entry()).await.unwrap();
        self.publish().await;
        created
    }

    pub async fn maintenance(&self, id: &str) -> Maintenance {
        let mut tx = self.db.read().await.unwrap();
        maintenances::find(&mut tx, &MaintenanceId::parse(id).unwrap()).await.unwrap()
    }

    pub async fn incident(&self, id: &str) -> Incident {
        let mut tx = self.db.read().await.unwrap();
        admin_incidents::find(&mut tx, &IncidentId::parse(id).unwrap()).await.unwrap()
    }

    pub async fn incidents(&self) -> Vec<Incident> {
        let mut tx = self.db.read().await.unwrap();
        admin_incidents::list(&mut tx, None, 1000).await.unwrap()
    }

    /// The revision and the number of audit rows, denied attempts excluded.
    pub async fn counts(&self) -> (i64, usize) {
        let mut tx = self.db.read().await.unwrap();
        let revision = tx.revision().await.unwrap();
        (revision, audited_actions(&mut tx).await.len())
    }

    pub async fn audit(&self) -> Vec<Record> {
        audit::list(&mut self.db.read().await.unwrap(), None, 10_000).await.unwrap()
    }

    /// Everything that a manager can change, as comparable text, without sessions, links and denied attempts.
    pub async fn all_content(&self) -> String {
        let mut tx = self.db.read().await.unwrap();
        let managers = managers::list(&mut tx, None, 10_000).await.unwrap();
        let policy = login_policy::load(&mut tx).await.unwrap();
        drop(tx);
        format!("{} {managers:?} {policy:?}", self.content_without_managers().await)
    }

    pub async fn content_without_managers(&self) -> String {
        let factors =
            self.texts("select manager_id from totp_secrets union all select id from passkeys order by 1").await;
        let subscribers = "select id || ' ' || coalesce(email, '') || ' ' || coalesce(endpoint, '') || ' ' ||
                                  coalesce(secret, '') || ' ' || state || ' ' || version from subscribers order by 1";
        let subscribers = self.texts(subscribers).await;
        let mut tx = self.db.read().await.unwrap();
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {factors:?} {subscribers:?}",
            tx.revision().await.unwrap(),
            audited_actions(&mut tx).await,
            page_settings::load(&mut tx).await.unwrap(),
            components::list_groups(&mut tx).await.unwrap(),
            components::list(&mut tx).await.unwrap(),
            admin_incidents::list(&mut tx, None, 1000).await.unwrap(),
            maintenances::list(&mut tx, None, 1000).await.unwrap(),
            series::list_active(&mut tx).await.unwrap(),
            drafts::list(&mut tx).await.unwrap(),
            templates::list(&mut tx).await.unwrap(),
            uptime_corrections::list_since(&mut tx, DateTime::UNIX_EPOCH).await.unwrap(),
        )
    }

    /// Expired sessions included.
    pub async fn sessions(&self, manager: &Manager) -> Vec<Session> {
        let ever = DateTime::UNIX_EPOCH;
        sessions::list(&mut self.db.read().await.unwrap(), &manager.id, (ever, ever), None, 10_000).await.unwrap()
    }

    /// Includes sessions without a manager.
    pub async fn session_count(&self) -> i64 {
        self.number("select count(*) from sessions").await
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        match &self.db {
            Db::Sqlite { readers, .. } => sqlx::query_scalar(sql).fetch_one(readers).await.unwrap(),
            // In a transaction, without a named statement: PgBouncer may give each query another connection.
            Db::Postgres(pool, _) => {
                let mut tx = pool.begin().await.unwrap();
                sqlx::query_scalar(sql).persistent(false).fetch_one(&mut *tx).await.unwrap()
            }
        }
    }

    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        match &self.db {
            Db::Sqlite { readers, .. } => sqlx::query_scalar(sql).fetch_all(readers).await.unwrap(),
            Db::Postgres(pool, _) => {
                let mut tx = pool.begin().await.unwrap();
                sqlx::query_scalar(sql).persistent(false).fetch_all(&mut *tx).await.unwrap()
            }
        }
    }

    /// Runs a statement directly: the first on SQLite, the second on PostgreSQL.
    pub async fn tamper(&self, sqlite: &'static str, postgres: &'static str) {
        match &self.db {
            Db::Sqlite { writer, .. } => drop(sqlx::raw_sql(sqlite).execute(writer).await.unwrap()),
            Db::Postgres(pool, _) => drop(sqlx::raw_sql(postgres).execute(pool).await.unwrap()),
        }
    }
}

/// The audit log without denied attempts, newest first.
async fn audited_actions(tx: &mut Tx) -> Vec<Record> {
    let all = audit::list(tx, None, 10_000).await.unwrap();
    all.into_iter().filter(|record| !record.is_denial()).collect()
}

/// What a server has besides its database, clock and files.
struct Settings<'a> {
    origin: &'a str,
    render: Render,
    mailer: Option<Mailer>,
    bounce_hooks: BounceHooks,
    provider: Option<Provider>,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self { origin: ORIGIN, render: render_site, mailer: None, bounce_hooks: BounceHooks::default(), provider: None }
    }
}

fn state(db: Db, clock: Clock, site_file: PathBuf, settings: Settings<'_>) -> State {
    let Settings { origin, render, mailer, bounce_hooks, provider } = settings;
    let secret_key = SecretKey::from_file(site_file.with_file_name("secret.key"));
    let data_dir = site_file.parent().map(Path::to_owned).unwrap_or_default();
    let publisher = Publisher::new(db.clone(), clock.clone(), origin.into(), site_file).with_renderer(render);
    State::new(StateParts {
        db,
        clock,
        publisher,
        secret_key,
        origin: origin.to_owned(),
        hosts: AllowedHosts::new(origin, &[]),
        mailer,
        bounce_hooks,
        provider,
        trusted_proxies: TrustedProxies::default(),
        endpoint_hosts: endpoint_hosts(),
        data_dir,
        node: candor::domain::node::NodeSettings::default(),
    })
}

fn front(state: &State) -> FastPath {
    FastPath::new(state.clone(), std::time::Duration::from_secs(30))
}

fn host(origin: &str) -> String {
    origin.split_once("://").expect("a scheme").1.to_owned()
}

/// The hash of the [`PASSWORD`], computed once.
async fn password_hash() -> &'static str {
    static HASH: OnceCell<String> = OnceCell::const_new();
    HASH.get_or_init(|| async { password::hash_password(PASSWORD.into()).await.unwrap() }).await
}

/// Where the endpoints of tests listen.
fn endpoint_hosts() -> Vec<url::Url> {
    ["http://127.0.0.2", "http://127.0.0.3"].map(|url| url.parse().unwrap()).into()
}

/// Whether a guarded address denied `answer`: by a redirect to the login, or by a page with the submitted text.
pub fn is_denied(method: &Method, address: &str, answer: &Answer) -> bool {
    if *method == Method::POST && !address.starts_with("/admin/islands/") {
        return answer.status == StatusCode::UNAUTHORIZED && answer.word("h1") == "Your session has ended";
    }
    let next = if *method == Method::GET { address } else { "/admin" };
    let login = format!("/login?next={}", next.replace('/', "%2F"));
    answer.status == StatusCode::SEE_OTHER && answer.location() == login
}

/// A browser that keeps its cookies and sends its address.
#[derive(Clone)]
pub struct Browser {
    front: FastPath,
    host: String,
    pub cookies: BTreeMap<String, String>,
    /// The address of the client; none for the default.
    pub peer: Option<IpAddr>,
}

impl Browser {
    fn new(front: FastPath, host: String) -> Self {
        Self { front, host, cookies: BTreeMap::new(), peer: None }
    }

    pub async fn get(&mut self, address: &str) -> Answer {
        self.get_with(address, &[]).await
    }

    pub async fn get_with(&mut self, address: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, address, headers, Body::empty()).await
    }

    /// Sends a form from one of our own pages.
    pub async fn post(&mut self, address: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(address, fields, &[("sec-fetch-site", "same-origin")]).await
    }

    /// Sends a form with only these headers.
    pub async fn post_with(&mut self, address: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend(headers);
        self.send(Method::POST, address, &all, body.into()).await
    }

    /// Sends a request and keeps the answer's cookies.
    pub async fn send(&mut self, method: Method, address: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = Request::builder().method(method).uri(address);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header(header::HOST, &self.host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.cookies.is_empty() {
            let jar: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, jar.join("; "));
        }
        let peer = self.peer.map(|peer| SocketAddr::new(peer, 40_000));
        let Ok(response) = self
            .front
            .respond(
                request.body(body).expect("a request"),
                peer.map(|address| Peer { address, transport: Transport::Tcp }),
            )
            .await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        for cookie in answer.cookies() {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// Empty if the header is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("a readable header")).unwrap_or_default()
    }

    /// Empty if there is no redirect.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    pub fn cookies(&self) -> Vec<String> {
        let values = self.headers.get_all(header::SET_COOKIE).iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    /// The body without the markers that Leptos puts between two text nodes.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("UTF-8").replace("<!>", "")
    }

    pub fn page(&self) -> Page {
        Page::read(&self.text())
    }

    /// The text of each element that matches `selector`, with single spaces.
    pub fn words(&self, selector: &str) -> Vec<String> {
        self.page().select(selector).into_iter().map(Element::words).collect()
    }

    /// The text of the only element that matches `selector`.
    #[track_caller]
    pub fn word(&self, selector: &str) -> String {
        let mut found = self.words(selector);
        assert_eq!(found.len(), 1, "{selector} finds {found:?} in {}", self.text());
        found.remove(0)
    }

    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        self.page().select(selector).into_iter().filter_map(|element| element.attr(name)).map(str::to_owned).collect()
    }

    /// The value that a browser would send for the field `name`; empty if no option is selected.
    #[track_caller]
    pub fn field(&self, name: &str) -> String {
        let page = self.page();
        let fields = page.select(&format!("input[name='{name}'], select[name='{name}'], textarea[name='{name}']"));
        assert!(!fields.is_empty(), "no field {name} in {}", self.text());
        for field in fields {
            let of_choice = matches!(field.attr("type"), Some("radio" | "checkbox"));
            match field.name.as_str() {
                // A browser drops the newline right after the tag.
                "textarea" => return field.text.strip_prefix('\n').unwrap_or(&field.text).to_owned(),
                "select" => {
                    let chosen = page.within(field, "option[selected]");
                    return chosen.first().and_then(|option| option.attr("value")).unwrap_or_default().to_owned();
                }
                _ if of_choice && field.attr("checked").is_none() => {}
                _ => return field.attr("value").unwrap_or_default().to_owned(),
            }
        }
        String::new()
    }

    /// The error beside the field `name`; empty if there is none.
    pub fn message(&self, name: &str) -> String {
        self.words(&format!("[id='{name}-error']")).concat()
    }
}

pub fn status_of(id: &ComponentId) -> String {
    format!("component.{id}")
}
