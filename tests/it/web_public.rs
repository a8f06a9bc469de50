//! Public responses: entity tags, encodings, headers and error pages.

use std::io::Read as _;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use candor::domain::Role::{Owner, Viewer};
use candor::domain::Visibility;
use candor::publish::api::history_months;
use chrono::TimeDelta;

use crate::support::app::{Answer, PASSWORD, TestApp};
use crate::support::{TestDb, fixtures};

const PAGES: [&str; 5] = ["/", "/history", "/history/2026-11", "/history?q=text", "/incidents/it"];

async fn with_an_incident(test: TestDb) -> TestApp {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    app
}

#[apply(on_both_databases!)]
async fn matching_etag_returns_304(test: TestDb) {
    let app = with_an_incident(test).await;
    for address in PAGES {
        for encoding in ["br", "gzip", "identity"] {
            let first = app.visitor().get_with(address, &[("accept-encoding", encoding)]).await;
            let tag = first.header("etag").to_owned();
            assert!(tag.starts_with('"') && tag.len() > 20, "{address} {encoding}: {tag}");
            for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
                let headers = [("accept-encoding", encoding), ("if-none-match", known.as_str())];
                let again = app.visitor().get_with(address, &headers).await;
                assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{address} {known}");
                for name in ["etag", "vary", "cache-control"] {
                    assert_eq!(again.header(name), first.header(name), "{address} {name}");
                }
                assert!(again.headers.get("content-encoding").is_none(), "{address}");
            }
            let other = [("accept-encoding", encoding), ("if-none-match", "\"other\"")];
            assert_eq!(app.visitor().get_with(address, &other).await.status, StatusCode::OK);
        }
    }
}

#[apply(on_both_databases!)]
async fn unmodified_documents_return_304(test: TestDb) {
    let app = with_an_incident(test).await;
    let begin = app.clock.now() + TimeDelta::days(2);
    app.plan(&[fixtures::maintenance("work", begin, begin + TimeDelta::hours(1), &[])]).await;
    app.refresh_in(TimeDelta::minutes(1)).await;
    let data = ["/api/v2/summary.json", "/history.rss", "/maintenance.ics", "/incidents/work.ics", "/uptime_showcase"];
    for address in PAGES.into_iter().chain(data) {
        let first = app.visitor().get(address).await;
        let changed_at = first.header("last-modified").to_owned();
        let at = chrono::DateTime::parse_from_rfc2822(&changed_at).unwrap();
        let age = app.clock.now() - at.to_utc();
        assert!(age >= TimeDelta::zero() && age <= TimeDelta::minutes(2), "{address}: {changed_at}");
        let known = app.visitor().get_with(address, &[("if-modified-since", &changed_at)]).await;
        assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0), "{address}");
        assert_eq!((known.header("etag"), known.header("last-modified")), (first.header("etag"), &*changed_at));
        let older = (at - TimeDelta::seconds(1)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        for headers in [
            &[("if-modified-since", older.as_str())][..],
            &[("if-modified-since", &changed_at), ("if-none-match", "\"other\"")],
        ] {
            assert_eq!(app.visitor().get_with(address, headers).await.status, StatusCode::OK, "{address}");
        }
    }
    let error = app.visitor().get_with("/nothing", &[("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT")]).await;
    assert_eq!((error.status, error.header("last-modified")), (StatusCode::NOT_FOUND, ""));
}

#[apply(on_both_databases!)]
async fn last_modified_follows_the_content(test: TestDb) {
    let app = with_an_incident(test).await;
    app.refresh_in(TimeDelta::minutes(1)).await;
    let stamp = async |address: &str| app.visitor().get(address).await.header("last-modified").to_owned();
    let addresses = ["/", "/maintenance.ics", "/history.atom"];
    let before = stamps(&app, &addresses).await;
    // The time of a second change within the same second is in the future.
    app.add(&[fixtures::incident("second", app.clock.now())]).await;
    app.add(&[fixtures::incident("third", app.clock.now())]).await;
    let ahead = stamps(&app, &addresses).await;
    assert_eq!((ahead[0].as_str(), &ahead[1], ahead[2].as_str()), ("", &before[1], ""));
    app.refresh_in(TimeDelta::minutes(1)).await;
    let after = stamps(&app, &addresses).await;
    assert_ne!((&before[0], &before[2]), (&after[0], &after[2]));
    assert!(!after[0].is_empty() && !after[2].is_empty());
    assert_eq!(before[1], after[1], "the calendar is the same");
    app.refresh_in(TimeDelta::minutes(30)).await;
    assert_eq!((stamp("/maintenance.ics").await, stamp("/history.atom").await), (after[1].clone(), after[2].clone()));
    let (state, _) = app.restart_with(app.db.clone());
    let restarted = state.publisher.site();
    let calendar = restarted.document("/maintenance.ics").unwrap().changed_at().unwrap();
    assert_eq!(calendar.format("%a, %d %b %Y %H:%M:%S GMT").to_string(), after[1]);
}

async fn stamps(app: &TestApp, addresses: &[&str]) -> Vec<String> {
    let mut stamps = Vec::new();
    for address in addresses {
        stamps.push(app.visitor().get(address).await.header("last-modified").to_owned());
    }
    stamps
}

#[apply(on_both_databases!)]
async fn smallest_accepted_encoding_is_sent(test: TestDb) {
    let app = with_an_incident(test).await;
    for address in PAGES {
        let get = async |accepted| app.visitor().get_with(address, &[("accept-encoding", accepted)]).await;
        let (plain, gzip, brotli) = (get("identity").await, get("gzip, deflate").await, get("gzip, deflate, br").await);
        assert!(plain.headers.get("content-encoding").is_none());
        assert_eq!((gzip.header("content-encoding"), brotli.header("content-encoding")), ("gzip", "br"));
        assert!(brotli.body.len() < gzip.body.len() && gzip.body.len() < plain.body.len() / 2, "{address}");
        let (mut unzipped, mut unbrotlied) = (Vec::new(), Vec::new());
        flate2::read::GzDecoder::new(&gzip.body[..]).read_to_end(&mut unzipped).unwrap();
        brotli::BrotliDecompress(&mut &brotli.body[..], &mut unbrotlied).unwrap();
        assert!(unzipped == plain.body && unbrotlied == plain.body, "{address}");
        let tags = [&plain, &gzip, &brotli].map(|answer| answer.header("etag"));
        assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[0] != tags[2], "{tags:?}");
        assert_eq!(get("br;q=0, gzip;q=1").await.header("content-encoding"), "gzip");
        assert!(app.visitor().get(address).await.headers.get("content-encoding").is_none());
    }
}

#[apply(on_both_databases!)]
async fn pages_have_content_type_and_cache_control(test: TestDb) {
    let app = with_an_incident(test).await;
    for address in PAGES {
        let answer = app.visitor().get(address).await;
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{address}");
        assert_eq!(answer.header("vary"), "accept-encoding", "{address}");
        let cache_control = answer.header("cache-control");
        assert!(
            cache_control.starts_with("public, max-age=5, ") && cache_control.contains("stale-if-error="),
            "{address}: {cache_control}"
        );
    }
    for (address, kind, cache_control) in [
        ("/favicon.svg", "image/svg+xml", "public, max-age=86400"),
        ("/favicon.ico", "image/x-icon", "public, max-age=86400"),
        ("/apple-touch-icon.png", "image/png", "public, max-age=86400"),
        ("/robots.txt", "text/plain; charset=utf-8", "public, max-age=86400"),
        (
            candor::web::edge::assets::asset_urls().css.as_str(),
            "text/css; charset=utf-8",
            "public, max-age=31536000, immutable",
        ),
        ("/nothing", "text/html; charset=utf-8", "no-store"),
        ("/login", "text/html; charset=utf-8", "no-store"),
    ] {
        let answer = app.visitor().get(address).await;
        assert_eq!((answer.header("content-type"), answer.header("cache-control")), (kind, cache_control), "{address}");
    }
}

#[apply(on_both_databases!)]
async fn a_head_request_gets_the_headers_alone(test: TestDb) {
    let app = with_an_incident(test).await;
    for address in PAGES.into_iter().chain(["/nothing", "/login", "/admin", "/favicon.svg"]) {
        let get = app.visitor().get(address).await;
        let head = app.visitor().send(Method::HEAD, address, &[], Body::empty()).await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{address}");
        for name in ["etag", "content-type", "cache-control", "vary", "location"] {
            assert_eq!(head.header(name), get.header(name), "{address} {name}");
        }
        if !get.header("etag").is_empty() {
            let known = [("if-none-match", get.header("etag"))];
            let again = app.visitor().send(Method::HEAD, address, &known, Body::empty()).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{address}");
        }
    }
}

/// One answer of every kind: expected status, description, answer.
async fn one_of_each_kind(app: &TestApp) -> Vec<(u16, &'static str, Answer)> {
    let (mut owner, mut viewer) = (app.logged_in(Owner).await, app.logged_in(Viewer).await);
    let tag = app.visitor().get("/").await.header("etag").to_owned();
    let large = "x".repeat(600 * 1024);
    let large_length = (large.len() + 5).to_string();
    let long = [("content-length", large_length.as_str()), ("sec-fetch-site", "same-origin")];
    let component = app.component("DNS").await.id;
    let set_status = format!("/admin/components/{component}/status");
    vec![
        (200, "a page", app.visitor().get("/").await),
        (200, "a deep page", app.visitor().get("/history/2026-11").await),
        (200, "the login", app.visitor().get("/login").await),
        (200, "the desk", owner.get("/admin").await),
        (200, "a file", app.visitor().get("/robots.txt").await),
        (200, "the health", app.visitor().get("/healthz").await),
        (303, "a redirect", app.visitor().get("/admin").await),
        (304, "a known page", app.visitor().get_with("/", &[("if-none-match", tag.as_str())]).await),
        (400, "a choice that is none", owner.post(&set_status, &[("version", "1"), ("status", "x")]).await),
        (403, "too low a role", viewer.get("/admin/managers").await),
        (403, "a foreign page", app.visitor().post_with("/login", &[], &[]).await),
        (404, "nothing", app.visitor().get("/nothing").await),
        (404, "no incident", app.visitor().get("/incidents/gone").await),
        (404, "no link", app.visitor().get("/setup/gone").await),
        (405, "a wrong method", app.visitor().post("/history", &[]).await),
        (409, "a conflict", owner.post(&set_status, &[("version", "9"), ("status", "operational")]).await),
        (413, "too much", owner.post("/admin/groups", &[("name", &large)]).await),
        (413, "too much, as announced", owner.post_with("/admin/groups", &[("name", &large)], &long).await),
        (422, "a wrong form", owner.post("/admin/groups", &[("name", "")]).await),
        (422, "a refused login", app.visitor().post("/login", &[("email", "x"), ("password", "y")]).await),
    ]
}

#[apply(on_both_databases!)]
async fn every_response_has_security_headers(test: TestDb) {
    let app = with_an_incident(test).await;
    for (status, what, answer) in one_of_each_kind(&app).await {
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
        let expected = [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ];
        for (name, value) in expected {
            assert_eq!(answer.header(name), value, "{status} {what}: {name}");
        }
        let referrer = answer.header("referrer-policy");
        assert!(["strict-origin-when-cross-origin", "no-referrer"].contains(&referrer), "{what}: {referrer}");
        assert!(answer.header("permissions-policy").contains("camera=()"), "{status} {what}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("unsafe-eval'\u{20}"), "{what}: {policy}");
        // Prepared documents are answered without the router, and so without a request id.
        let is_ready = ["a page", "a known page", "a file", "nothing"].contains(&what);
        assert_eq!(answer.header("x-request-id").len(), if is_ready { 0 } else { 36 }, "{status} {what}");
        assert!(answer.headers.get("strict-transport-security").is_none(), "{what}");
        assert!(answer.headers.get("server").is_none());
        if status >= 400 {
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{status} {what}");
            assert_eq!(answer.header("cache-control"), "no-store", "{status} {what}");
            assert_eq!(answer.words("h1").len(), 1, "{status} {what} is a page");
        }
        if status == 405 {
            assert_eq!(answer.header("allow"), "GET,HEAD");
        }
    }
}

#[apply(on_both_databases!)]
async fn known_404_needs_no_query(test: TestDb) {
    let app = with_an_incident(test).await;
    let asked = || app.publisher.counts().asked.value();
    let before = asked();
    let no_names = ["/incidents/a.b", "/history/never", "/embed/x", "/components/x/badge.svg", "/api/v3/status.json"];
    for address in no_names {
        let answer = app.visitor().get(address).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{address}");
        assert!(answer.header("x-request-id").is_empty(), "{address} took the long way");
    }
    for (address, again) in [("/wp-login.php", true), ("/.env", true), ("/incidents/gone", false)] {
        for is_known in [again, true] {
            let answer = app.visitor().get(address).await;
            assert_eq!((answer.status, answer.words("h1").len()), (StatusCode::NOT_FOUND, 1), "{address}");
            assert_eq!(answer.header("x-request-id").is_empty(), is_known, "{address} took the long way");
        }
    }
    assert_eq!(asked(), before + 1, "an incident that is nowhere is looked for once");
    assert_eq!(app.visitor().get("/incidents/%69t").await.status, StatusCode::OK, "an id may be written with escapes");
    // A request for JSON gets a JSON error.
    let answer = app.visitor().get_with("/wp-login.php", &[("accept", "application/json")]).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::NOT_FOUND, "application/json"));
    assert!(answer.header("x-request-id").is_empty());
    for address in ["/incidents/nowhere.json", "/api/v2/incidents/nowhere.json"] {
        let (first, again) = (app.visitor().get(address).await, app.visitor().get(address).await);
        let ready = |answer: &Answer| answer.header("x-request-id").is_empty();
        assert!(!ready(&first) && ready(&again), "{address}");
        assert_eq!((first.status, &first.body), (StatusCode::NOT_FOUND, &answer.body), "{address}");
        assert_eq!((again.status, &again.body), (StatusCode::NOT_FOUND, &answer.body), "{address}");
        assert_eq!(again.header("access-control-allow-origin"), "*", "{address}");
    }
    app.add(&[fixtures::incident("gone", app.clock.now() - TimeDelta::days(900))]).await;
    assert_eq!(app.visitor().get("/incidents/gone").await.status, StatusCode::OK);
}

/// The form sends every parameter, even empty ones, and links may have others.
#[apply(on_both_databases!)]
async fn cached_filter_is_served_for_any_query_order(test: TestDb) {
    let app = with_an_incident(test).await;
    app.visitor().get("/history?q=mail").await;
    let form = "component=&impact=&range=&from=&to=";
    for query in [format!("q=mail&{form}"), "x=1&q=mail".to_owned(), "impact=&q=mail".to_owned(), format!("q=&{form}")]
    {
        let answer = app.visitor().get(&format!("/history?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
        assert!(answer.header("x-request-id").is_empty(), "{query} took the long way");
    }
    assert_eq!(app.publisher.counts().rendered.value(), 1);
}

#[apply(on_both_databases!)]
async fn unknown_query_is_ignored(test: TestDb) {
    let app = with_an_incident(test).await;
    let old = fixtures::incident("old", app.clock.now() - TimeDelta::days(900));
    app.add(&[old]).await;
    for address in ["/incidents/old", "/uptime"] {
        let first = app.visitor().get(address).await;
        let rendered = app.publisher.counts().rendered.value();
        let again = app.visitor().get(&format!("{address}?utm_source=mail&x=%20")).await;
        assert!(again.body == first.body && again.status == StatusCode::OK, "{address}");
        assert_eq!(again.header("x-request-id"), "", "{address} took the long way");
        assert_eq!(app.publisher.counts().rendered.value(), rendered, "{address} was rendered again");
    }
    for (address, is_ready) in [
        ("/history?utm_source=mail", true),
        ("/history?q=nothing", false),
        ("/history?q=nothing", true),
        ("/history?%71=nothing", true),
    ] {
        let answer = app.visitor().get(address).await;
        assert_eq!((answer.status, answer.header("x-request-id").is_empty()), (StatusCode::OK, is_ready), "{address}");
        assert_eq!(answer.text().contains("matching"), address.contains("nothing"), "{address}");
    }
}

#[apply(on_both_databases!)]
async fn over_tls_every_response_has_hsts(test: TestDb) {
    let app = TestApp::at(test, "https://status.test").await;
    for address in ["/", "/nothing", "/login", "/admin", "/healthz"] {
        let answer = app.visitor().get(address).await;
        assert_eq!(answer.header("strict-transport-security"), "max-age=63072000; includeSubDomains", "{address}");
    }
}

#[apply(on_both_databases!)]
async fn csp_allows_only_the_page_style(test: TestDb) {
    use base64::Engine as _;
    use sha2::Digest as _;
    let app = with_an_incident(test).await;
    for address in PAGES.into_iter().chain(["/nothing"]) {
        let answer = app.visitor().get(address).await;
        let page = answer.page();
        let styles = page.select("style");
        assert!(matches!(styles.len(), 1 | 2), "{address}: {} styles", styles.len());
        let policy = answer.header("content-security-policy");
        let (_, allowed) = policy.split_once("style-src ").unwrap();
        let allowed = allowed.split(';').next().unwrap();
        assert!(allowed.split(' ').all(|word| word.starts_with("'sha256-")), "{address}: {policy}");
        for style in styles {
            let hash = base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(&style.text));
            assert!(allowed.contains(&format!("'sha256-{hash}'")), "{address}: {policy}");
        }
        assert!(page.elements().iter().all(|element| element.attr("style").is_none()), "{address}");
        assert!(page.select("script").iter().all(|script| script.attr("src").is_some()), "{address}");
    }
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let answer = app.visitor().get("/login").await;
        let policy = answer.header("content-security-policy").to_owned();
        let nonce =
            policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce").to_owned();
        assert!(answer.page().select("script").iter().all(|script| script.attr("nonce") == Some(nonce.as_str())));
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1], "a nonce is used once");
}

#[apply(on_both_databases!)]
async fn unknown_path_gets_404_page(test: TestDb) {
    let app = with_an_incident(test).await;
    let long = format!("/incidents/{}", "x".repeat(5000));
    let nowhere = [
        "/nothing",
        "/incidents/gone",
        "/incidents/..%2f..%2fetc",
        "/incidents/%00",
        "/incidents/IT",
        &long,
        "/history/2026-13",
        "/history/2026",
        "/history/9999-01",
        "/history/now",
        "/assets/none.css",
        "/assets/..%2f..%2fCargo.toml",
        "/error:404",
        "/history/x/",
    ];
    for address in nowhere {
        let answer = app.visitor().get(address).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{address}");
        assert_eq!(answer.word("h1"), "Page not found", "{address}");
        assert_eq!(answer.attributes(".back a", "href"), ["/", "/history"], "{address}");
    }
    let json = app.visitor().get_with("/nothing", &[("accept", "application/json")]).await;
    assert_eq!((json.status, json.header("content-type")), (StatusCode::NOT_FOUND, "application/json"));
}

#[apply(on_both_databases!)]
async fn a_query_changes_nothing_on_the_status_page(test: TestDb) {
    let app = with_an_incident(test).await;
    let plain = app.visitor().get("/").await;
    for query in ["?", "?utm_source=mail", "?q=x&q=y", "?%ff=%00", &format!("?{}", "x".repeat(10_000))] {
        let answer = app.visitor().get(&format!("/{query}")).await;
        assert_eq!((answer.status, answer.header("etag")), (StatusCode::OK, plain.header("etag")));
        assert!(answer.body == plain.body);
    }
    let history = app.visitor().get("/history").await;
    for query in ["?utm_source=mail", "?component=", "?q=", "?q=++&impact=&range=", "?before=garbage"] {
        assert!(app.visitor().get(&format!("/history{query}")).await.body == history.body, "{query}");
    }
}

#[apply(on_both_databases!)]
async fn changing_one_page_keeps_other_etags(test: TestDb) {
    let app = with_an_incident(test).await;
    let tags = async || {
        let mut visitor = app.visitor();
        let (home, history) = (visitor.get("/").await, visitor.get("/history").await);
        (home.header("etag").to_owned(), history.header("etag").to_owned())
    };
    let before = tags().await;
    app.publish().await;
    assert_eq!(tags().await, before, "the same state has the same bytes");
    let old = app.publisher.site();
    app.group("Unseen, for it has no component").await;
    app.publish().await;
    let new = app.publisher.site();
    assert!(std::sync::Arc::ptr_eq(old.error(404).unwrap(), new.error(404).unwrap()), "the very same document");
    app.component("DNS").await;
    app.publish().await;
    let after = tags().await;
    assert_ne!(after.0, before.0);
}

#[apply(on_both_databases!)]
async fn health_endpoints_report_state(test: TestDb) {
    let app = with_an_incident(test).await;
    let (alive, ready) = (app.visitor().get("/healthz").await, app.visitor().get("/readyz").await);
    assert_eq!((alive.status, alive.text().as_str()), (StatusCode::OK, "ok\n"));
    app.clock.advance(TimeDelta::seconds(42));
    let later = app.visitor().get("/readyz").await;
    let health: serde_json::Value = serde_json::from_slice(&later.body).unwrap();
    assert_eq!((ready.status, later.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(health["database"], true);
    assert_eq!(health.get("revision"), None, "it would tell when managers work");
    assert_eq!((&health["writable"], &health["reason"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(health["site_age_seconds"], 42);
}

/// The score of Mozilla's HTTP Observatory: 100, plus or minus the modifiers below.
fn score(answer: &Answer) -> i32 {
    let policy = answer.header("content-security-policy");
    let directives: Vec<Vec<&str>> = policy.split(';').map(|part| part.split_whitespace().collect()).collect();
    let has = |words: &[&str]| directives.iter().any(|directive| directive == words);
    let unsafe_word = |word: &&str| ["'unsafe-inline'", "'unsafe-eval'", "http:", "https:", "*"].contains(word);
    let is_unsafe = directives.iter().flatten().any(unsafe_word);
    let seconds = answer.header("strict-transport-security").split(';').next().unwrap_or_default();
    let seconds = seconds.strip_prefix("max-age=").and_then(|seconds| seconds.parse::<u32>().ok());
    let cookies = answer.cookies();
    let all = |word: &str| cookies.iter().all(|cookie| cookie.contains(word));
    [
        (policy.is_empty(), -25),
        (is_unsafe, -20),
        (!policy.is_empty() && !is_unsafe, if has(&["default-src", "'none'"]) { 10 } else { 5 }),
        (seconds.is_none_or(|seconds| seconds < 15_768_000), -20),
        (!all("; Secure"), -40),
        (!all("; HttpOnly"), -30),
        (!cookies.is_empty() && all("; SameSite="), 5),
        (!has(&["frame-ancestors", "'none'"]), -20),
        (has(&["frame-ancestors", "'none'"]), 5),
        (answer.header("x-content-type-options") != "nosniff", -5),
        (["no-referrer", "strict-origin-when-cross-origin"].contains(&answer.header("referrer-policy")), 5),
        (answer.header("cross-origin-resource-policy") == "same-origin", 10),
        (answer.header("cross-origin-opener-policy") == "same-origin", 10),
        (answer.header("access-control-allow-origin") == "*", -50),
    ]
    .iter()
    .filter(|(holds, _)| *holds)
    .fold(100, |sum, (_, modifier)| sum + modifier)
}

#[apply(on_both_databases!)]
async fn headers_pass_mozilla_observatory(test: TestDb) {
    let app = TestApp::at(test, "https://status.test").await;
    let manager = app.manager("Ines", Owner).await;
    let fields = [("email", manager.email.as_str()), ("password", PASSWORD)];
    let entered = app.visitor().post("/login", &fields).await;
    // The session cookie and the cookie of the known browser.
    assert_eq!((entered.status, entered.cookies().len()), (StatusCode::SEE_OTHER, 2));
    let mut owner = app.visitor();
    owner.post("/login", &fields).await;
    let answers = [
        app.visitor().get("/").await,
        app.visitor().get("/uptime").await,
        app.visitor().get("/nothing").await,
        app.visitor().get("/login").await,
        owner.get("/admin").await,
        entered,
    ];
    for answer in answers {
        assert!(score(&answer) >= 120, "{} of {:?}", score(&answer), answer.headers);
    }
}

#[apply(on_both_databases!)]
async fn slash_or_missing_json_redirects_to_the_address(test: TestDb) {
    let app = with_an_incident(test).await;
    for (path, address) in [
        ("/history/", "/history"),
        ("/history/?q=mail&before=", "/history?q=mail&before="),
        ("/history/2026-11//", "/history/2026-11"),
        ("/uptime/", "/uptime"),
        ("/incidents/it/", "/incidents/it"),
        ("/incidents/it.json/", "/incidents/it.json"),
        ("/incidents/gone/", "/incidents/gone"),
        ("/api/", "/api"),
        ("/api/v2/summary", "/api/v2/summary.json"),
        ("/api/v2/summary.json/", "/api/v2/summary.json"),
        ("/api/v2/incidents/it", "/api/v2/incidents/it.json"),
        ("/api/v2/incidents/unresolved/?x=%0d%0a", "/api/v2/incidents/unresolved.json?x=%0d%0a"),
        ("/maintenance.ics/", "/maintenance.ics"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = app.visitor().send(method, path, &[], Body::empty()).await;
            assert_eq!((answer.status, answer.location()), (StatusCode::PERMANENT_REDIRECT, address), "{path}");
            let is_shared = candor::publish::address::is_cross_origin(address.split('?').next().unwrap());
            assert_eq!(answer.header("access-control-allow-origin") == "*", is_shared, "{path}");
            assert!(answer.body.is_empty() && answer.header("cache-control").contains("max-age=86400"), "{path}");
        }
        let posted = app.visitor().send(Method::POST, path, &[("sec-fetch-site", "same-origin")], Body::empty()).await;
        assert!(posted.status.is_client_error(), "{path}: {}", posted.status);
    }
}

#[apply(on_both_databases!)]
async fn redirects_never_leave_this_site(test: TestDb) {
    let app = with_an_incident(test).await;
    for path in [
        "//evil.test/",
        "//evil.test/history/",
        "//history/",
        "/%2f%2fevil.test/",
        "/history/%2fevil.test/",
        "/incidents/%2f%2fevil.test/",
        "/incidents/..%2f/",
        "/incidents//",
        "/embed/%0d%0aset-cookie:x/",
        "/components/a%20b/badge.svg/",
    ] {
        let answer = app.visitor().get(path).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::NOT_FOUND, ""), "{path}");
    }
}

#[apply(on_both_databases!)]
async fn api_errors_are_json_with_cors(test: TestDb) {
    let app = with_an_incident(test).await;
    let large = "x".repeat(600 * 1024);
    let many: Vec<(String, String)> = (0..70).map(|index| (format!("x-{index}"), "x".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (own, foreign) = (("sec-fetch-site", "same-origin"), ("host", "other.test"));
    let length = large.len().to_string();
    let long = ("content-length", length.as_str());
    for (status, method, path, headers, body) in [
        (404, Method::GET, "/api/v2/", &[][..], ""),
        (404, Method::GET, "/api/v2/nothing", &[], ""),
        (404, Method::GET, "/api/v3/summary.json", &[], ""),
        (404, Method::GET, "/api/nothing/", &[], ""),
        (404, Method::GET, "/api/v2/incidents/none.json", &[], ""),
        (404, Method::GET, "/v1", &[], ""),
        (404, Method::GET, "/v1/", &[], ""),
        (404, Method::GET, "/v1/nothing/", &[], ""),
        (401, Method::GET, "/v1/pages/", &[], ""),
        (403, Method::POST, "/api/v2/summary.json", &[], ""),
        (405, Method::PUT, "/api/v2/summary.json", &[own], ""),
        (405, Method::TRACE, "/api/v2/summary.json", &[], ""),
        (405, Method::DELETE, "/v1/pages", &[], ""),
        (413, Method::POST, "/api/v2/summary.json", &[own, long], large.as_str()),
        (413, Method::POST, "/v1/pages/x/incidents", &[long], large.as_str()),
        (421, Method::GET, "/api/v2/summary.json", &[foreign], ""),
        (421, Method::GET, "/v1/pages", &[foreign], ""),
        (431, Method::GET, "/api/v2/summary.json", &many, ""),
        (431, Method::GET, "/v1/pages", &many, ""),
        (501, "LOCK".parse().unwrap(), "/api/v2/summary.json", &[], ""),
    ] {
        let answer = app.visitor().send(method.clone(), path, headers, Body::from(body.to_owned())).await;
        let what = format!("{status} {method} {path}: {}", answer.text());
        assert_eq!(answer.status.as_u16(), status, "{what}");
        assert!(answer.header("content-type").starts_with("application/json"), "{what}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{what}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin", "{what}");
        let error: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(error["error"].is_string() && error["message"].is_string(), "{what}");
    }
}

#[apply(on_both_databases!)]
async fn previous_addresses_redirect_if_the_target_exists(test: TestDb) {
    let app = with_an_incident(test).await;
    let now = app.clock.now();
    let old = fixtures::incident("2020-01-14-storage-move", now - TimeDelta::days(900));
    let mut hidden = fixtures::incident("hidden", now);
    hidden.visibility = Visibility::Internal;
    app.add(&[old, hidden, fixtures::incident("issue-12", now), fixtures::incident("report-3", now)]).await;
    let work = |id: &str| fixtures::maintenance(id, now + TimeDelta::days(2), now + TimeDelta::days(3), &[]);
    app.plan(&[work("schedule-7"), work("work")]).await;
    for (path, address) in [
        ("/issues/2020-01-14-Storage_Move/", "/incidents/2020-01-14-storage-move"),
        ("/index.json", "/api/v2/summary.json"),
        ("/index.xml", "/history.rss"),
        ("/status/main?theme=dark", "/"),
        ("/schedules/7", "/incidents/schedule-7"),
        ("/rss", "/history.rss"),
        ("/atom/2", "/history.atom"),
        ("/api/v1/components", "/api/v2/components.json"),
        ("/api/v1/incidents/it", "/api/v2/incidents/it.json"),
        ("/api/schedules/7", "/api/v2/incidents/schedule-7.json"),
        ("/incident/it", "/incidents/it"),
        ("/incident/12", "/incidents/issue-12"),
        ("/maintenance/work", "/incidents/work"),
        ("/events/report/3", "/incidents/report-3"),
        ("/feed/json", "/feed.json"),
    ] {
        let answer = app.visitor().get(path).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::MOVED_PERMANENTLY, address), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(app.visitor().get(address).await.status, StatusCode::OK, "{address}");
    }
    // Hidden and missing incidents get the same answer, also once it is known.
    for _ in 0..2 {
        let missing = app.visitor().get("/issues/missing/").await;
        let hidden = app.visitor().get("/issues/hidden/").await;
        assert_eq!((missing.status, &missing.body), (StatusCode::NOT_FOUND, &hidden.body));
        assert_eq!(missing.headers.keys().collect::<Vec<_>>(), hidden.headers.keys().collect::<Vec<_>>());
        for path in ["/schedules/8", "/api/v1/incidents/9", "/api/v1/metrics", "/incident/99", "/events/report/9"] {
            assert_eq!(app.visitor().get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    assert!(app.visitor().get("/issues/missing/").await.header("x-request-id").is_empty(), "answered from memory");
}

#[apply(on_both_databases!)]
async fn page_of_statuspages_history_redirects_to_its_month(test: TestDb) {
    let app = with_an_incident(test.at_noon()).await;
    let now = app.clock.now();
    app.add(&[fixtures::incident("old", now - TimeDelta::days(200))]).await;
    let month = history_months(2, now, chrono_tz::Tz::UTC)[0];
    for query in ["page=2", "utm=1&page=2", "page=2&q="] {
        let answer = app.visitor().get(&format!("/history?{query}")).await;
        let location = format!("/history/{month}");
        assert_eq!((answer.status, answer.location()), (StatusCode::TEMPORARY_REDIRECT, &*location), "{query}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(app.visitor().get(&location).await.status, StatusCode::OK);
    }
    let plain = app.visitor().get("/history").await;
    for query in ["page=1", "page=0", "page=-2", "page=x", "page=999999999999", "page="] {
        let answer = app.visitor().get(&format!("/history?{query}")).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &plain.body), "{query}");
    }
    let filtered = app.visitor().get("/history?q=nothing&page=2").await;
    assert_eq!(filtered.status, StatusCode::OK);
}
