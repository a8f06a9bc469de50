//! Malformed and malicious requests change nothing, disclose nothing and cost little.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once};
use std::time::Instant;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use candor::credentials::secret_token;
use candor::domain::Role::{Owner, Publisher};
use candor::domain::api_token::Scope;
use candor::domain::manager::LinkPurpose;
use candor::web::admin::routes;
use chrono::TimeDelta;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

use crate::support::TestDb;
use crate::support::api_client::ApiClient;
use crate::support::app::{Answer, Browser, PASSWORD, TestApp};
use crate::support::fixtures;
use crate::web_brand::upload;

async fn with_an_incident(test: TestDb) -> (TestApp, Browser) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let owner = app.logged_in(Owner).await;
    (app, owner)
}

/// Sends `body` from one of our own pages.
async fn send_body(browser: &mut Browser, address: &str, kind: &str, body: impl Into<Body>) -> Answer {
    let headers = [("content-type", kind), ("sec-fetch-site", "same-origin")];
    browser.send(Method::POST, address, &headers, body.into()).await
}

const FORM: &str = "application/x-www-form-urlencoded";

#[apply(on_both_databases!)]
async fn invalid_text_is_rejected(test: TestDb) {
    let (app, mut owner) = with_an_incident(test).await;
    let before = app.all_content().await;
    for (bytes, status) in [
        ("%C0%BCscript%C0%BE", 400),
        ("%ED%A0%80", 400),
        ("%F8%A1%A1%A1%A1", 400),
        ("%FF%FE%3C", 400),
        ("%00", 422),
        ("a%00b", 422),
        ("a%1Bb", 422),
        ("a%C2%85b", 422),
    ] {
        let body = format!("title={bytes}&phase=identified&body={bytes}");
        let answer = send_body(&mut owner, "/admin/incidents", FORM, body).await;
        assert_eq!(answer.status.as_u16(), status, "{bytes}");
        let query = app.visitor().get(&format!("/history?q={bytes}")).await;
        assert!([200, 400].contains(&query.status.as_u16()), "{bytes}: {}", query.status);
    }
    assert!(app.all_content().await == before);
    // Right-to-left text and stacked accents stay inside their element.
    let title = format!("\u{202e}gnp.exe {}", "\u{0301}".repeat(200));
    let fields = [("title", title.as_str()), ("phase", "identified"), ("body", "Text")];
    let opened = owner.post("/admin/incidents", &fields).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER);
    let page = app.visitor().get("/").await;
    let isolated = page.page();
    let alone = |name: &str| {
        isolated
            .select(name)
            .iter()
            .any(|it| it.words() == title && (it.name == "bdi" || it.attr("dir") == Some("auto")))
    };
    assert!(alone("h3") || alone("h3 a") || alone("bdi") || alone("h3 bdi"), "{}", page.text());
}

#[apply(on_both_databases!)]
async fn unknown_form_fields_are_ignored(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let manager = app.manager("Ines", Publisher).await;
    let mut browser = app.with_session(&manager).await;
    let extra = [
        ("id", "other"),
        ("role", "owner"),
        ("is_owner", "1"),
        ("user_id", "x"),
        ("manager_id", "x"),
        ("created_at", "2020-01-01T00:00:00Z"),
        ("posted_at", "2020-01-01T00:00:00Z"),
        ("page_id", "x"),
        ("password_hash", "x"),
        ("verified", "1"),
        ("computed_impact", "critical"),
        ("__proto__[role]", "owner"),
    ];
    let before = app.incident("it").await;
    let mut fields = vec![("version", "1"), ("phase", "monitoring"), ("body", "Text")];
    fields.extend(extra);
    let answer = browser.post("/admin/incidents/it/updates", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let after = app.incident("it").await;
    assert_eq!(
        (&after.id, after.created_at, after.computed_impact),
        (&before.id, before.created_at, before.computed_impact)
    );
    assert_eq!(after.updates[1].posted_at, app.clock.now());
    let mut fields = vec![("current", PASSWORD), ("password", "another harbour crane"), ("name", "Else")];
    fields.extend(extra);
    browser.post("/admin/account/password", &fields).await;
    let mut tx = app.db.read().await.unwrap();
    let stored = candor::db::managers::find(&mut tx, &manager.id).await.unwrap();
    assert_eq!((stored.role, stored.name, stored.email), (Publisher, manager.name, manager.email));
}

#[apply(on_both_databases!)]
async fn wrong_method_changes_nothing(test: TestDb) {
    let (app, owner) = with_an_incident(test).await;
    let before = app.all_content().await;
    let headers = [("sec-fetch-site", "same-origin"), ("x-http-method-override", "POST")];
    let table = routes();
    for route in table.table().iter().filter(|route| route.method == Method::POST) {
        let address = route.path.replace("{id}", "it").replace("{update}", "it-1").replace("{*call}", "preview");
        let also_read = table.table().iter().any(|other| other.path == route.path && other.method == Method::GET);
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            if method == Method::GET && also_read {
                continue;
            }
            let asked = format!("{address}?_method=POST&body=x&title=x");
            let answer = owner.clone().send(method.clone(), &asked, &headers, Body::empty()).await;
            assert!([404, 405].contains(&answer.status.as_u16()), "{method} {address}: {}", answer.status);
        }
    }
    for (kind, body) in [
        ("text/plain", "name=x"),
        ("application/json", "{\"name\":\"x\"}"),
        (
            "multipart/form-data; boundary=x",
            "--x\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\nx\r\n--x--\r\n",
        ),
        ("", "name=x"),
    ] {
        let answer = send_body(&mut owner.clone(), "/admin/groups", kind, body).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    assert!(app.all_content().await == before, "something was done");
}

#[apply(on_both_databases!)]
async fn no_setting_takes_control_characters_or_a_megabyte(test: TestDb) {
    let (app, mut owner) = with_an_incident(test).await;
    let before = app.all_content().await;
    let good = [("version", "1"), ("name", "Page"), ("url", ""), ("time_zone", "UTC"), ("embedders", "")];
    let framed = app.visitor().get("/embed").await.headers;
    for field in ["name", "url", "time_zone", "embedders"] {
        for (bad, status) in [
            ("a\rb", 422),
            ("a\nb", 422),
            ("a\r\nX: y", 422),
            ("a\0b", 422),
            (&*"x".repeat(300_000), 422),
            (&*"x".repeat(1 << 20), 413),
        ] {
            let mut fields = good;
            fields.iter_mut().find(|(name, _)| *name == field).unwrap().1 = bad;
            let answer = owner.post("/admin/settings", &fields).await;
            let short: String = bad.chars().take(9).collect();
            assert_eq!(answer.status.as_u16(), status, "{field} {short:?}");
        }
    }
    for field in ["logo_text", "about", "links", "support"] {
        for bad in ["a\0b", &*"x".repeat(300_000)] {
            let answer = upload(&mut owner, &[(field, bad.as_bytes())]).await;
            assert_eq!(answer.status.as_u16(), 422, "{field} {:?}", &bad[..2]);
        }
    }
    for field in ["logo_text", "support"] {
        for bad in ["a\rb", "a\nb", "a\r\nX: y"] {
            let answer = upload(&mut owner, &[(field, bad.as_bytes())]).await;
            assert_eq!(answer.status.as_u16(), 422, "{field} {bad:?}");
        }
    }
    // Values that would inject into the embed page's policy.
    for bad in ["https://a.test\0", "https://a.test;script-src *", "https://a.test\r\nX: y", "https://a.test 'self'"] {
        let mut fields = good;
        fields[4].1 = bad;
        assert_eq!(owner.post("/admin/settings", &fields).await.status.as_u16(), 422, "{bad:?}");
    }
    assert!(app.all_content().await == before);
    assert_eq!(app.visitor().get("/embed").await.headers, framed);
}

#[apply(on_both_databases!)]
async fn template_syntax_stays_text(test: TestDb) {
    let (app, mut owner) = with_an_incident(test).await;
    for text in [
        "{{7*7}}",
        "{{ config }}",
        "{% include '/etc/passwd' %}",
        "${7*7} ${DATABASE_URL} $HOME",
        "#{7*7}",
        "<%= 7*7 %>",
        "%(x)s %s %n {0} {}",
        "{{title}} {{component}} {{time}}",
    ] {
        let fields = [("title", text), ("phase", "identified"), ("body", text)];
        let opened = owner.post("/admin/incidents", &fields).await;
        let path = opened.location().split('?').next().unwrap().replace("/admin", "");
        let page = app.visitor().get(&path).await;
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!((page.word("h1"), page.word(".text")), (words.clone(), words), "{path}");
    }
}

#[apply(on_both_databases!)]
async fn undocumented_paths_are_404(test: TestDb) {
    let (app, owner) = with_an_incident(test).await;
    for address in [
        "/.git/config",
        "/.env",
        "/metrics",
        "/debug",
        "/debug/pprof",
        "/server-status",
        "/actuator",
        "/wp-login.php",
        "/Cargo.toml",
        "/candor.db",
        "/candor.db-wal",
        "/data/candor.db",
        "/pkg/candor.js.map",
        "/assets/candor_bg.wasm.map",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/assets/..\\..\\Cargo.toml",
        "/assets/%00",
        "/assets//etc/passwd",
        "/admin/x.css",
        "/admin%2fx.js",
        "/admin;.css",
        "/./admin/",
        "//admin",
        "/ADMIN",
        "/Admin/incidents",
        "/incidents/it;.css",
        "/incidents/it.css",
        "/incidents/it%2f..%2fadmin",
        "/history/2026-11.css",
        "/login/x.css",
        "/setup",
        "/setup/",
        "/install",
        "/register",
        "/v1",
        "/v1/users",
    ] {
        for mut browser in [app.visitor(), owner.clone()] {
            let answer = browser.get(address).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{address}");
            assert_eq!(answer.header("cache-control"), "no-store", "{address}");
        }
    }
}

#[apply(on_both_databases!)]
async fn request_headers_do_not_affect_response(test: TestDb) {
    let (app, mut owner) = with_an_incident(test).await;
    const CANARY: &str = "canary.evil.test";
    let names = [
        "x-forwarded-host",
        "x-forwarded-scheme",
        "x-forwarded-proto",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-path",
        "x-forwarded-server",
        "x-forwarded-for",
        "x-original-url",
        "x-original-host",
        "x-rewrite-url",
        "x-http-method-override",
        "x-method-override",
        "x-host",
        "x-http-host-override",
        "x-real-ip",
        "x-client-ip",
        "x-request-id",
        "x-wap-profile",
        "forwarded",
        "accept-language",
        "referer",
        "origin",
        "user-agent",
        "via",
        "true-client-ip",
        "cf-connecting-ip",
        "save-data",
    ];
    for address in
        ["/", "/history", "/history?q=x", "/incidents/it", "/uptime", "/nothing", "/login", "/maintenance.ics"]
    {
        let plain = app.visitor().get(address).await;
        for name in names {
            let answer = app.visitor().get_with(address, &[(name, CANARY)]).await;
            let what = format!("{address} with {name}");
            assert_eq!((answer.status, answer.header("etag")), (plain.status, plain.header("etag")), "{what}");
            assert!(!answer.text().contains(CANARY), "{what}");
            assert!(
                answer.headers.values().all(|value| !value.as_bytes().windows(6).any(|part| part == b"canary")),
                "{what}"
            );
        }
    }
    let headers: Vec<(&str, &str)> =
        names.into_iter().filter(|name| *name != "origin").map(|name| (name, CANARY)).collect();
    let with_ours: Vec<(&str, &str)> = headers.iter().copied().chain([("sec-fetch-site", "same-origin")]).collect();
    let invited = owner.post_with(
        "/admin/managers",
        &[("name", "Rui"), ("email", "rui@example.org"), ("role", "viewer")],
        &with_ours,
    );
    let link = invited.await.field("link");
    assert!(link.starts_with(&format!("{}/setup/", app.origin)), "{link}");
    let sent = app.visitor().get_with("/admin", &headers).await;
    assert_eq!(sent.location(), "/login?next=%2Fadmin");
}

/// Headers that a server might trust, with harmful values.
const FOREIGN: [(&str, &str); 60] = [
    ("x-forwarded-host", "evil.test"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-scheme", "https"),
    ("x-forwarded-ssl", "on"),
    ("x-forwarded-port", "8443"),
    ("x-forwarded-prefix", "/evil"),
    ("x-forwarded-path", "/admin"),
    ("x-forwarded-uri", "/admin"),
    ("x-forwarded-server", "evil.test"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-forwarded-by", "127.0.0.1"),
    ("x-forwarded", "for=127.0.0.1"),
    ("forwarded", "for=127.0.0.1;host=evil.test;proto=https"),
    ("forwarded-for", "127.0.0.1"),
    ("x-host", "evil.test"),
    ("x-original-host", "evil.test"),
    ("x-http-host-override", "evil.test"),
    ("x-original-url", "/admin"),
    ("x-rewrite-url", "/admin"),
    ("x-original-uri", "/admin"),
    ("x-override-url", "/admin"),
    ("x-accel-redirect", "/admin"),
    ("x-sendfile", "/etc/passwd"),
    ("destination", "/admin"),
    ("x-http-method", "POST"),
    ("x-http-method-override", "DELETE"),
    ("x-method-override", "POST"),
    ("x-real-ip", "127.0.0.1"),
    ("x-client-ip", "127.0.0.1"),
    ("x-cluster-client-ip", "127.0.0.1"),
    ("x-remote-ip", "127.0.0.1"),
    ("x-remote-addr", "127.0.0.1"),
    ("x-originating-ip", "127.0.0.1"),
    ("true-client-ip", "127.0.0.1"),
    ("cf-connecting-ip", "127.0.0.1"),
    ("fastly-client-ip", "127.0.0.1"),
    ("client-ip", "127.0.0.1"),
    ("x-user", "owner"),
    ("x-remote-user", "owner"),
    ("x-authenticated-user", "owner"),
    ("x-middleware-subrequest", "middleware"),
    ("x-requested-with", "XMLHttpRequest"),
    ("x-debug", "1"),
    ("x-purpose", "preview"),
    ("purpose", "prefetch"),
    ("sec-purpose", "prefetch"),
    ("accept-language", "de, ar;q=0.9"),
    ("accept-charset", "utf-7"),
    ("user-agent", "Googlebot/2.1"),
    ("referer", "https://evil.test/"),
    ("origin", "https://evil.test"),
    ("cookie", "sid=x; device=y; __Host-sid=z; lang=de; =; junk"),
    ("authorization", "Bearer x"),
    ("range", "bytes=0-9"),
    ("if-range", "\"x\""),
    ("if-match", "\"x\""),
    ("if-modified-since", "Fri, 01 Jan 2010 00:00:00 GMT"),
    ("if-unmodified-since", "Fri, 01 Jan 2010 00:00:00 GMT"),
    ("cache-control", "no-cache, only-if-cached"),
    ("pragma", "no-cache"),
];

#[apply(on_both_databases!)]
async fn unknown_header_changes_no_byte(test: TestDb) {
    let (app, _) = with_an_incident(test).await;
    for address in [
        "/",
        "/history?q=x",
        "/uptime",
        "/incidents/it",
        "/history.atom",
        "/feed.json",
        "/api/v2/summary.json",
        "/history.json",
        "/badge.svg",
        "/maintenance.ics",
        "/robots.txt",
        "/nothing",
    ] {
        // The first request fills the cache.
        app.visitor().get(address).await;
        let plain = app.visitor().get(address).await;
        for headers in FOREIGN.chunks(1).chain([&FOREIGN[..]]) {
            let answer = app.visitor().get_with(address, headers).await;
            assert_eq!((answer.status, &answer.headers), (plain.status, &plain.headers), "{address} {headers:?}");
            assert!(answer.body == plain.body, "{address} {headers:?}");
        }
    }
}

#[apply(on_both_databases!)]
async fn invalid_range_and_encoding_headers_are_cheap(test: TestDb) {
    let (app, _) = with_an_incident(test).await;
    let many = (0..1000).map(|n| format!("{n}-{n}")).collect::<Vec<_>>().join(",");
    let tags = (0..1000).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(",");
    let plain = app.visitor().get("/").await;
    for (name, value) in [
        ("range", format!("bytes={many}")),
        ("range", "bytes=0-".into()),
        ("range", "bytes=-1,0-0,5-4".into()),
        ("if-none-match", tags),
        ("if-none-match", "\"".into()),
        ("if-none-match", "W/".into()),
        ("if-modified-since", "yesterday".into()),
        ("accept-encoding", "gzip;q=nan, br;q=-1, *;q=9".into()),
        ("accept-encoding", "x".repeat(8000)),
        ("accept-encoding", ",".repeat(8000)),
        ("accept", "*/*;q=1e400".into()),
    ] {
        let begun = Instant::now();
        for address in ["/", "/history", "/incidents/it", "/favicon.svg"] {
            let answer = app.visitor().get_with(address, &[(name, &value)]).await;
            assert!([200, 206, 416].contains(&answer.status.as_u16()), "{name} {address}: {}", answer.status);
            assert!(answer.body.len() < 200_000, "{name} {address}");
        }
        assert!(begun.elapsed().as_secs() < 2, "{name} took {:?}", begun.elapsed());
    }
    let twice = [("accept-encoding", "identity"), ("accept-encoding", "br")];
    assert_eq!(app.visitor().get_with("/", &twice).await.status, plain.status);
}

#[apply(on_both_databases!)]
async fn megabyte_text_is_rejected(test: TestDb) {
    let (app, mut owner) = with_an_incident(test).await;
    let ines = app.manager("Ines", Owner).await;
    let program = ApiClient::new(&app, &ines, "Writes", Scope::Admin).await;
    let before = app.all_content().await;
    let table = |length: usize| format!("|a|b|\n|-|-|\n{}", "|c|d|\n".repeat(length / 6));
    for (status, text) in [(413, table(1 << 20)), (422, table(100_000)), (422, "> ".repeat(20_000))] {
        let fields = [("phase", "identified"), ("body", text.as_str())];
        let opened = owner.post("/admin/incidents", &[&fields[..], &[("title", "x")]].concat()).await;
        let updated = owner.post("/admin/incidents/it/updates", &[&fields[..], &[("version", "1")]].concat()).await;
        let asked = serde_json::json!({ "incident": { "name": "x", "status": "identified", "body": text } });
        let asked = program.send(Method::POST, "/incidents", &asked).await;
        for answer in [opened, updated, asked] {
            assert_eq!(answer.status.as_u16(), status, "{} bytes", text.len());
        }
    }
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn body_with_too_many_fields_is_rejected_quickly(test: TestDb) {
    let (app, mut owner) = with_an_incident(test).await;
    let before = app.all_content().await;
    let begun = Instant::now();
    for (body, status) in [
        ("a=b&".repeat(100_000), 422),
        ("=&".repeat(200_000), 422),
        (format!("name={}", "%".repeat(400_000)), 422),
        ("component.x=major_outage&".repeat(20_000), 422),
        ("x".repeat(512 * 1024 + 1), 413),
    ] {
        let answer = send_body(&mut owner, "/admin/groups", FORM, body).await;
        assert_eq!(answer.status.as_u16(), status);
    }
    let packed = [("content-type", FORM), ("content-encoding", "gzip"), ("sec-fetch-site", "same-origin")];
    let bomb = owner.send(Method::POST, "/admin/groups", &packed, Body::from(vec![0x1f, 0x8b, 8, 0])).await;
    assert!([400, 415, 422].contains(&bomb.status.as_u16()), "nothing is unpacked: {}", bomb.status);
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    assert!(app.all_content().await == before);
}

#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

thread_local! {
    /// The log of this thread, if its test called `listen`.
    static THREAD_LOG: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Logs everything of this thread from now on. All tests share one subscriber, because tracing caches for the whole
/// process which events are enabled: with one subscriber per thread, events may stay disabled.
pub fn listen() -> Log {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let to_whom = || THREAD_LOG.with_borrow(|log| log.clone().unwrap_or_default());
        let wanted = dynamic_filter_fn(|_, _| THREAD_LOG.with_borrow(Option::is_some));
        let lines = tracing_subscriber::fmt::layer().json().with_writer(to_whom);
        let listener = tracing_subscriber::registry().with(lines.with_filter(wanted));
        tracing::subscriber::set_global_default(listener).expect("nobody else listens");
    });
    let log = Log::default();
    THREAD_LOG.set(Some(log.clone()));
    log
}

#[apply(on_both_databases!)]
async fn log_has_no_secrets_or_forged_lines(test: TestDb) {
    let log = listen();
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&manager).await;
    let session = browser.cookies["sid"].clone();
    let device = browser.cookies["device"].clone();
    let wrong = "a wrong password of mine";
    let forged = "x\r\n{\"level\":\"ERROR\"}\u{1b}[31m\u{2028}";
    app.visitor().post("/login", &[("email", forged), ("password", wrong)]).await;
    let api_token =
        browser.post("/admin/tokens", &[("name", "Deploy"), ("scope", "read"), ("days", "7")]).await.field("token");
    let unknown = secret_token::fresh_api_token();
    for bearer in [&api_token, &unknown] {
        let mut program = app.visitor();
        program.peer = Some([127, 0, 0, 1].into());
        program.get_with("/v1/token", &[("authorization", &format!("Bearer {bearer}"))]).await;
    }
    let link = app.link(LinkPurpose::Reset, Some(&manager), TimeDelta::minutes(30)).await;
    app.visitor().get(&format!("/setup/{link}")).await;
    app.visitor().post(&format!("/setup/{link}"), &[("password", "short")]).await;
    app.visitor().get("/history?q=what+I+look+for").await;
    app.visitor().get_with("/%0d%0a%1b%5b31m", &[("user-agent", "\u{e9}\t\"}\\n")]).await;
    let log_text = log.text();
    assert!(log_text.contains("/login") && log_text.contains("/v1/token"), "requests are logged");
    let secrets =
        [PASSWORD, wrong, &session, &device, &api_token, &unknown, &link, "what+I+look+for", "what I look for"];
    for secret in secrets {
        let line = log_text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "a secret is logged");
    }
    for line in log_text.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}
