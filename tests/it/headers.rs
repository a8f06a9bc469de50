//! The exact headers of every answer, by its kind, for every status.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use candor::domain::Role::{Owner, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::manager::LinkPurpose;
use candor::net::event_streams::MAX_PER_CLIENT;
use candor::server::connection_limits::ConnectionLimits;
use chrono::TimeDelta;
use serde_json::json;

use crate::http_edge::{Edge, SOON};
use crate::support::api_client::ApiClient;
use crate::support::app::{Answer, Browser, TestApp};
use crate::support::{TestDb, fixtures};

const ORIGIN: &str = "https://status.test";

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";
const PLAIN_JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml; charset=utf-8";
const CALENDAR: &str = "text/calendar; charset=utf-8";

const PAGE_CACHE: &str = "public, max-age=5, s-maxage=10, stale-while-revalidate=30, stale-if-error=86400";
/// Rarely read pages: a shared cache shows a withdrawn one for at most five minutes.
const DEEP_PAGE_CACHE: &str = "public, max-age=5, s-maxage=10, stale-while-revalidate=30, stale-if-error=300";
const DAY_CACHE: &str = "public, max-age=86400";
const IMMUTABLE_CACHE: &str = "public, max-age=31536000, immutable";
const NO_STORE: &str = "no-store";

const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'sha256-*' 'sha256-*' 'sha256-*'; img-src 'self' data:; connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
/// The forms of subscribers have a stylesheet of their own.
const FORM_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'sha256-*'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
const ADMIN_POLICY: &str = "default-src 'none'; script-src 'nonce-*' 'strict-dynamic' 'wasm-unsafe-eval'; \
    style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; object-src 'none'; \
    base-uri 'none'; frame-ancestors 'none'";
/// The composers frame previews of the public page.
const COMPOSER_POLICY: &str = "default-src 'none'; script-src 'nonce-*' 'strict-dynamic' 'wasm-unsafe-eval'; \
    style-src 'self' 'sha256-*' 'sha256-*' 'sha256-*'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; \
    form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
const STRICT_POLICY: &str =
    "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Other allowed headers, which describe the answer and are not security headers.
const OTHER_HEADERS: [&str; 21] = [
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-max-age",
    "allow",
    "clear-site-data",
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "etag",
    "last-modified",
    "location",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "set-cookie",
    "transfer-encoding",
    "www-authenticate",
    "x-accel-buffering",
    "x-request-id",
];

/// The kind of an answer, as far as its headers show it.
#[derive(Clone, Copy, Debug)]
struct ExpectedHeaders {
    kind: &'static str,
    policy: &'static str,
    cache_control: &'static str,
    /// Whether other origins may read it.
    is_shared: bool,
    referrer: &'static str,
}

impl ExpectedHeaders {
    const fn new(kind: &'static str, policy: &'static str, cache_control: &'static str) -> Self {
        Self { kind, policy, cache_control, is_shared: false, referrer: "strict-origin-when-cross-origin" }
    }

    const fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    fn header(self) -> Vec<(&'static str, &'static str)> {
        let reach = if self.is_shared { "cross-origin" } else { "same-origin" };
        let mut lines = vec![
            ("cache-control", self.cache_control),
            ("content-security-policy", self.policy),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", reach),
            ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"),
            ("referrer-policy", self.referrer),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ];
        lines.extend([("content-type", self.kind)].into_iter().filter(|(_, kind)| !kind.is_empty()));
        lines.extend(self.is_shared.then_some(("access-control-allow-origin", "*")));
        lines.sort_unstable();
        lines
    }
}

const PAGE: ExpectedHeaders = ExpectedHeaders::new(HTML, PAGE_POLICY, PAGE_CACHE);
const DEEP_PAGE: ExpectedHeaders = ExpectedHeaders::new(HTML, PAGE_POLICY, DEEP_PAGE_CACHE);
const FAILURE: ExpectedHeaders = ExpectedHeaders::new(HTML, PAGE_POLICY, NO_STORE);
const ADMIN: ExpectedHeaders = ExpectedHeaders::new(HTML, ADMIN_POLICY, NO_STORE);
const COMPOSER: ExpectedHeaders = ExpectedHeaders::new(HTML, COMPOSER_POLICY, NO_STORE);
const REDIRECT: ExpectedHeaders = ExpectedHeaders::new("", ADMIN_POLICY, NO_STORE);
const UNCACHED_JSON: ExpectedHeaders = ExpectedHeaders::new(PLAIN_JSON, STRICT_POLICY, NO_STORE);

/// Fails unless the answer has exactly the expected headers. Hashes and nonces may have any value.
#[track_caller]
fn assert_headers(what: &str, answer: &Answer, like: ExpectedHeaders) {
    assert_eq!(header_lines(&answer.headers), owned_lines(&like.header()), "{} {what}", answer.status);
    let (vary, is_kept) = (answer.header("vary"), [PAGE_CACHE, DEEP_PAGE_CACHE].contains(&like.cache_control));
    assert!(vary == "accept-encoding" || (vary.is_empty() && !is_kept), "{what}: {vary}");
}

fn owned_lines(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn header_lines(headers: &HeaderMap) -> Vec<(String, String)> {
    let lines = headers.iter().filter(|(name, _)| !OTHER_HEADERS.contains(&name.as_str()) && *name != "vary");
    let mut lines: Vec<_> =
        lines.map(|(name, value)| (name.as_str().to_owned(), mask_nonces(value.to_str().unwrap()))).collect();
    lines.sort_unstable();
    lines
}

fn mask_nonces(policy: &str) -> String {
    let word = |word: &str| match word.strip_prefix('\'').and_then(|word| word.split_once('-')) {
        Some((kind @ ("sha256" | "nonce"), _)) => format!("'{kind}-*'{}", if word.ends_with(';') { ";" } else { "" }),
        _ => word.to_owned(),
    };
    policy.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A logged-in browser whose session cookie has the name used with TLS.
async fn logged_in(app: &TestApp, role: candor::domain::Role) -> Browser {
    let mut browser = app.logged_in(role).await;
    let id = browser.cookies.remove("sid").unwrap();
    browser.cookies.insert("__Host-sid".into(), id);
    browser
}

async fn published(test: TestDb) -> TestApp {
    let app = TestApp::at(test, ORIGIN).await;
    app.component("DNS").await;
    let now = app.clock.now();
    let old = fixtures::incident("old", now - TimeDelta::days(900));
    app.add(&[fixtures::incident("it", now), old]).await;
    app.plan(&[fixtures::maintenance("m", now + TimeDelta::days(2), now + TimeDelta::days(3), &[])]).await;
    app
}

#[apply(on_both_databases!)]
async fn published_document_headers_are_exact(test: TestDb) {
    let app = published(test).await;
    let dns = app.publisher.snapshot().unwrap().components[0].id.clone();
    let badge = format!("/components/{dns}/badge.svg");
    let chosen = format!("/uptime_showcase?components={dns}");
    let shared = |kind| ExpectedHeaders::new(kind, STRICT_POLICY, PAGE_CACHE).shared();
    let deep = ExpectedHeaders::new(JSON, STRICT_POLICY, DEEP_PAGE_CACHE).shared();
    let file = |kind, cache_control| ExpectedHeaders::new(kind, STRICT_POLICY, cache_control);
    let css = candor::web::edge::assets::asset_urls().css.as_str();
    for (address, like) in [
        ("/", PAGE),
        ("/history", PAGE),
        ("/history?q=text", DEEP_PAGE),
        ("/history/2026-11", DEEP_PAGE),
        ("/uptime", DEEP_PAGE),
        ("/incidents/it", DEEP_PAGE),
        ("/incidents/old", DEEP_PAGE),
        ("/incidents/m", DEEP_PAGE),
        ("/api", PAGE),
        ("/embed", PAGE),
        ("/embed/frame", PAGE),
        ("/history.atom", shared("application/atom+xml; charset=utf-8")),
        ("/history.rss", shared("application/rss+xml; charset=utf-8")),
        ("/feed.json", shared("application/feed+json; charset=utf-8")),
        ("/api/v2/summary.json", shared(JSON)),
        ("/api/v2/status.json", shared(JSON)),
        ("/api/v2/components.json", shared(JSON)),
        ("/api/v2/incidents.json", shared(JSON)),
        ("/api/v2/scheduled-maintenances.json", shared(JSON)),
        ("/api/v2/incidents/it.json", deep),
        ("/api/v2/incidents/old.json", deep),
        ("/api/openapi.json", shared(JSON)),
        ("/incidents/it.json", deep),
        ("/incidents/old.json", deep),
        ("/history.json", deep),
        ("/history.json?page=2", deep),
        ("/uptime_showcase", shared(JSON)),
        (&chosen, shared(JSON)),
        ("/.well-known/candor-audit", shared(JSON)),
        ("/badge.svg", shared(SVG)),
        (&badge, shared(SVG)),
        ("/embed/script.js", shared(SCRIPT)),
        ("/embed/frame.js", shared(SCRIPT)),
        ("/maintenance.ics", shared(CALENDAR)),
        ("/incidents/m.ics", ExpectedHeaders::new(CALENDAR, STRICT_POLICY, DEEP_PAGE_CACHE).shared()),
        ("/favicon.svg", file("image/svg+xml", DAY_CACHE)),
        ("/favicon.ico", file("image/x-icon", DAY_CACHE)),
        ("/apple-touch-icon.png", file("image/png", DAY_CACHE)),
        ("/robots.txt", file(TEXT, DAY_CACHE)),
        (css, file("text/css; charset=utf-8", IMMUTABLE_CACHE)),
    ] {
        // Rendered, cached, compressed, by range.
        for asked in [&[][..], &[], &[("accept-encoding", "br")], &[("range", "bytes=0-9")]] {
            let answer = app.visitor().get_with(address, asked).await;
            assert_eq!(answer.status, StatusCode::OK, "{address}: {}", answer.text());
            assert_headers(address, &answer, like);
            let head = app.visitor().send(Method::HEAD, address, asked, Body::empty()).await;
            assert_eq!(head.status, StatusCode::OK, "{address}");
            assert_headers(address, &head, like);
            let known = app.visitor().get_with(address, &[("if-none-match", answer.header("etag"))]).await;
            assert_eq!(known.status, StatusCode::NOT_MODIFIED, "{address}");
            assert_headers(address, &known, like);
        }
    }
}

#[apply(on_both_databases!)]
async fn framable_view_names_only_its_sites(test: TestDb) {
    let app = TestApp::at(test, ORIGIN).await;
    let mut owner = logged_in(&app, Owner).await;
    let sites = [("embedders", "https://a.test\r\nhttps://b.test:8443"), ("name", "Acme"), ("time_zone", "UTC")];
    let saved = owner.post("/admin/settings", &[&sites[..], &[("version", "1")]].concat()).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
    let policy = PAGE_POLICY.replace("ancestors 'none'", "ancestors https://a.test https://b.test:8443");
    let lines: Vec<_> = PAGE.header().into_iter().filter(|(name, _)| *name != "x-frame-options").collect();
    let mut expected = owned_lines(&lines);
    expected.iter_mut().find(|(name, _)| name == "content-security-policy").unwrap().1 = policy;
    for address in ["/embed", "/embed/frame"] {
        let answer = app.visitor().get(address).await;
        let known = app.visitor().get_with(address, &[("if-none-match", answer.header("etag"))]).await;
        assert_eq!((answer.status, known.status), (StatusCode::OK, StatusCode::NOT_MODIFIED));
        assert_eq!(
            (header_lines(&answer.headers), header_lines(&known.headers)),
            (expected.clone(), expected.clone()),
            "{address}"
        );
    }
    assert_headers("/", &app.visitor().get("/").await, PAGE);
    assert_headers("/nothing", &app.visitor().get("/nothing").await, FAILURE);
}

#[apply(on_both_databases!)]
async fn visitor_response_headers_are_exact(test: TestDb) {
    let app = published(test).await;
    let mut visitor = app.visitor();
    let json = [("accept", "application/json")];
    let own_page = ("sec-fetch-site", "same-origin");
    let preflight = [("origin", "https://else.test"), ("access-control-request-method", "GET")];
    let mut send = async |method: &str, address: &str, headers: &[(&str, &str)]| {
        visitor.send(method.parse().unwrap(), address, headers, Body::empty()).await
    };
    let telling = ExpectedHeaders::new(TEXT, STRICT_POLICY, NO_STORE);
    let nothing = ExpectedHeaders::new("", STRICT_POLICY, NO_STORE);
    let subscriber_form = ExpectedHeaders { referrer: "no-referrer", policy: FORM_POLICY, ..FAILURE };
    let rows = [
        (200, "the health", send("GET", "/healthz", &[]).await, telling),
        (200, "its head", send("HEAD", "/healthz", &[]).await, telling),
        (200, "whether it is ready", send("GET", "/readyz", &[]).await, UNCACHED_JSON),
        (204, "a question of a script", send("OPTIONS", "/api/v2/status.json", &preflight).await, nothing.shared()),
        (400, "no host", send("GET", "/", &[("host", "")]).await, FAILURE),
        (400, "a body of unclear length", send("GET", "/", &[("transfer-encoding", "chunked")]).await, FAILURE),
        (403, "a foreign page", send("POST", "/login", &[]).await, FAILURE),
        (404, "nothing", send("GET", "/nothing", &[]).await, FAILURE),
        (404, "its head", send("HEAD", "/nothing", &[]).await, FAILURE),
        (404, "no incident", send("GET", "/incidents/gone", &[]).await, FAILURE),
        (404, "no incident, as is known", send("GET", "/incidents/gone", &[]).await, FAILURE),
        (404, "no badge", send("GET", "/components/gone/badge.svg", &[]).await, FAILURE),
        (404, "no calendar", send("GET", "/incidents/gone.ics", &[]).await, UNCACHED_JSON.shared()),
        (404, "no document", send("GET", "/api/v2/gone.json", &[]).await, UNCACHED_JSON.shared()),
        (404, "no incident of programs", send("GET", "/api/v2/incidents/gone.json", &[]).await, UNCACHED_JSON.shared()),
        (404, "nothing, in JSON", send("GET", "/nothing", &json).await, UNCACHED_JSON),
        (200, "the form of subscribers", send("GET", "/subscribe", &[]).await, subscriber_form),
        (404, "no link of a subscriber", send("GET", "/subscribe/manage/x.y", &[]).await, subscriber_form),
        (404, "nothing to delete", send("DELETE", "/api/v2/subscribers/x.json", &[]).await, UNCACHED_JSON.shared()),
        (405, "reading subscribers", send("GET", "/api/v2/subscribers.json", &[]).await, UNCACHED_JSON.shared()),
        (405, "a wrong method", send("DELETE", "/history", &[own_page]).await, FAILURE),
        (405, "a method that echoes", send("TRACE", "/", &[]).await, FAILURE),
        (
            405,
            "a wrong method of programs",
            send("DELETE", "/api/v2/status.json", &[own_page]).await,
            UNCACHED_JSON.shared(),
        ),
        (421, "another host", send("GET", "/", &[("host", "else.test")]).await, FAILURE),
        (
            421,
            "another host, in JSON",
            send("GET", "/feed.json", &[("host", "else.test")]).await,
            UNCACHED_JSON.shared(),
        ),
        (501, "no method", send("PROPFIND", "/", &[]).await, FAILURE),
    ];
    for (status, what, answer, like) in rows {
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
        assert_headers(what, &answer, like);
    }
    let seats: Vec<_> = (0..MAX_PER_CLIENT).map(|_| app.streams().acquire(None).unwrap()).collect();
    let full = app.visitor().get("/events").await;
    assert_eq!((full.status, full.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "30"));
    assert_headers("one stream too many", &full, UNCACHED_JSON);
    drop(seats);
    app.streams().close_all();
    let over = app.visitor().get("/events").await;
    assert_eq!(over.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_headers("no streams any more", &over, UNCACHED_JSON);
}

#[apply(on_both_databases!)]
async fn admin_response_headers_are_exact(test: TestDb) {
    let app = published(test).await;
    let (mut owner, mut viewer) = (logged_in(&app, Owner).await, logged_in(&app, Viewer).await);
    let dns = app.publisher.snapshot().unwrap().components[0].id.clone();
    let set_status = format!("/admin/components/{dns}/status");
    let large = "x".repeat(600 * 1024);
    let form = "application/x-www-form-urlencoded";
    let same = [("sec-fetch-site", "same-origin"), ("content-type", "text/plain")];
    let no_text = [("sec-fetch-site", "same-origin"), ("content-type", form)];
    let mut rows = vec![
        (200, "the desk", owner.get("/admin").await, ADMIN),
        (200, "the settings", owner.get("/admin/settings").await, ADMIN),
        (200, "the login", app.visitor().get("/login").await, ADMIN),
        (303, "nobody's desk", app.visitor().get("/admin").await, REDIRECT),
        (303, "a new group", owner.post("/admin/groups", &[("name", "Core")]).await, REDIRECT),
        (400, "a choice that is none", owner.post(&set_status, &[("version", "1"), ("status", "x")]).await, ADMIN),
        (400, "no text", owner.send(Method::POST, "/admin/groups", &no_text, "name=%FF".into()).await, ADMIN),
        (403, "too low a role", viewer.get("/admin/managers").await, ADMIN),
        (403, "a foreign page", owner.post_with("/admin/groups", &[("name", "x")], &[]).await, ADMIN),
        (404, "nothing", owner.get("/admin/incidents/gone").await, COMPOSER),
        (200, "a composer", owner.get("/admin/incidents/new").await, COMPOSER),
        (200, "the dashboard", owner.get("/admin").await, ADMIN),
        (404, "no address", owner.get("/admin/gone").await, FAILURE),
        (405, "a wrong method", owner.post("/admin/managers/gone", &[]).await, FAILURE),
        (409, "a conflict", owner.post(&set_status, &[("version", "9"), ("status", "operational")]).await, ADMIN),
        (413, "too much", owner.post("/admin/groups", &[("name", &large)]).await, ADMIN),
        (415, "no form", owner.send(Method::POST, "/admin/groups", &same, "x".into()).await, FAILURE),
        (422, "a wrong form", owner.post("/admin/groups", &[("name", "")]).await, ADMIN),
        (422, "a refused login", app.visitor().post("/login", &[("email", "x"), ("password", "y")]).await, ADMIN),
    ];
    let mut stranger = app.visitor();
    stranger.peer = Some([192, 0, 2, 7].into());
    for number in 0..10 {
        let email = format!("nobody{number}@example.org");
        stranger.post("/login", &[("email", &email), ("password", "x")]).await;
    }
    rows.push((429, "too many logins", stranger.post("/login", &[("email", "x"), ("password", "y")]).await, ADMIN));
    rows.push((303, "the way out", viewer.post("/logout", &[]).await, REDIRECT));
    for (status, what, answer, like) in rows {
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
        assert_headers(what, &answer, like);
    }
    // One-time links send no referrer.
    let invited = app.manager("Rui", Viewer).await;
    let token = app.link(LinkPurpose::Reset, Some(&invited), TimeDelta::minutes(5)).await;
    for token in [token.as_str(), "gone"] {
        let mut answer = app.visitor().get(&format!("/setup/{token}")).await;
        let usual = "strict-origin-when-cross-origin".parse().unwrap();
        assert_eq!(answer.headers.insert("referrer-policy", usual).unwrap(), "no-referrer");
        assert_headers(token, &answer, ADMIN);
    }
}

#[apply(on_both_databases!)]
async fn api_response_headers_are_exact(test: TestDb) {
    let app = published(test).await;
    let ines = app.manager("Ines", Owner).await;
    let reading = ApiClient::new(&app, &ines, "Reads", Scope::Read).await;
    let writing = ApiClient::new(&app, &ines, "Writes", Scope::Admin).await;
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let none = json!({});
    let group = json!({ "component_group": { "name": "Core", "components": [] } });
    let component = json!({ "component": { "name": "Mail" } });
    let created = writing.make("/components", &component).await;
    let gone = format!("/components/{}", created["id"].as_str().unwrap());
    let anonymous = app.visitor().get("/v1/pages").await;
    let rows = [
        (200, "the page", writing.send(get.clone(), "", &none).await),
        (200, "the document of all", app.visitor().get("/v1/openapi.json").await),
        (201, "a component", writing.send(post.clone(), "/components", &component).await),
        (204, "none any more", writing.send(delete.clone(), &gone, &none).await),
        (400, "no JSON", writing.send_with(post.clone(), "/components", "{".into(), &[JSON_BODY]).await),
        (401, "nobody", anonymous),
        (403, "too small a scope", reading.send(post.clone(), "/components", &component).await),
        (404, "nothing", writing.send(get.clone(), "/incidents/gone", &none).await),
        (404, "no address", app.visitor().get("/v1/gone").await),
        (405, "a wrong method", writing.send(delete.clone(), "/components", &none).await),
        (413, "too much", writing.send_with(post.clone(), "/components", "x".repeat(600 * 1024), &[JSON_BODY]).await),
        (422, "a wrong group", writing.send(post.clone(), "/component-groups", &group).await),
    ];
    for (status, what, answer) in rows {
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
        let like = match status {
            204 => ExpectedHeaders::new("", STRICT_POLICY, NO_STORE),
            400.. => UNCACHED_JSON.shared(),
            _ => UNCACHED_JSON,
        };
        assert_headers(what, &answer, like);
    }
    let mut last = writing.send(post.clone(), "/components", &none).await;
    for _ in 0..candor::state::TOKEN_WRITES {
        last = writing.send(post.clone(), "/components", &none).await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert_headers("too many calls", &last, UNCACHED_JSON.shared());
}

const JSON_BODY: (&str, &str) = ("content-type", "application/json");

#[apply(on_both_databases!)]
async fn error_response_headers_are_exact(test: TestDb) {
    let app = published(test).await;
    let mut owner = logged_in(&app, Owner).await;
    // A missing table counts as an outage, a missing column as a bug.
    app.tamper(
        "alter table templates rename column name to label",
        "alter table templates rename column name to label",
    )
    .await;
    app.tamper("drop view public_incidents", "drop view public_incidents cascade").await;
    app.tamper(
        "create view public_incidents as select 1 as unused",
        "create view public_incidents as select 1 as unused",
    )
    .await;
    let rows = [
        ("/admin/templates", FAILURE),
        ("/incidents/older", FAILURE),
        ("/api/v2/incidents/older.json", UNCACHED_JSON.shared()),
    ];
    for (address, like) in rows {
        let answer = owner.get(address).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{address}: {}", answer.text());
        assert_headers(address, &answer, like);
    }
    let ready = app.visitor().get("/").await;
    assert_headers("what is ready", &ready, PAGE);
}

#[apply(on_both_databases!)]
async fn without_tls_no_hsts_or_secure_cookie(test: TestDb) {
    let app = TestApp::unpublished(test, "http://status.test");
    for (address, like) in [("/", FAILURE), ("/feed.json", UNCACHED_JSON.shared()), ("/badge.svg", FAILURE)] {
        let answer = app.visitor().get(address).await;
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"), "{address}");
        assert_eq!(header_lines(&answer.headers), expected_without_tls(like), "{address}");
    }
    app.publish().await;
    assert_eq!(header_lines(&app.visitor().get("/").await.headers), expected_without_tls(PAGE));
}

fn expected_without_tls(like: ExpectedHeaders) -> Vec<(String, String)> {
    owned_lines(&like.header()).into_iter().filter(|(name, _)| name != "strict-transport-security").collect()
}

#[tokio::test]
async fn connection_level_headers_are_exact() {
    let edge = Edge::with_limits(ConnectionLimits { body: SOON, ..ConnectionLimits::default() }).await;
    let mut late = edge.wire().await;
    let form = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 9\r\n";
    late.send_raw(&format!("POST /login HTTP/1.1\r\nhost: HOST\r\nsec-fetch-site: same-origin\r\n{form}\r\nemail"))
        .await;
    let mut stream = edge.wire().await;
    stream.get("/events").await;
    let events = ExpectedHeaders::new("text/event-stream", STRICT_POLICY, NO_STORE);
    for (status, mut wire, like) in [(408, late, ADMIN), (200, stream, events)] {
        let raw_head = wire.read_until("\r\n\r\n").await;
        assert!(raw_head.starts_with(&format!("HTTP/1.1 {status} ")), "{raw_head}");
        let lines = raw_head.split("\r\n\r\n").next().unwrap().lines().skip(1);
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        assert_eq!(header_lines(&headers.collect()), expected_without_tls(like), "{status}");
    }
}
