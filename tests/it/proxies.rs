//! The client address behind proxies, over a real socket: in the audit log, the session list and the login throttle.

use candor::db::{audit, sessions};
use candor::domain::Role::Owner;
use candor::server::connection_limits::ConnectionLimits;
use chrono::DateTime;
use tempfile::TempDir;

use crate::support::TestDb;
use crate::support::app::{PASSWORD, TestApp};
use crate::support::server::{Server, until};

async fn server_behind(test: &TestDb, proxies: &[&str]) -> (Server, TempDir) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::behind(proxies, &test.url, &test.clock, ConnectionLimits::default(), &data).await;
    until("it has opened the database", || server.state.publisher.snapshot().is_some()).await;
    (server, data)
}

const PROXIES: [&str; 2] = ["127.0.0.1", "10.0.0.2"];

/// Sends a login with these headers; returns the whole response.
async fn log_in(server: &Server, headers: &[&str], email: &str, password: &str) -> String {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("email", email), ("password", password)])
        .finish();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!(
        "POST /login HTTP/1.1\r\nhost: HOST\r\nsec-fetch-site: same-origin\r\n{headers}\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    server.answer(&request).await
}

#[track_caller]
fn assert_status(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
}

async fn denied_login_address(test: &TestDb) -> String {
    let row = audit::list(&mut test.read().await.unwrap(), None, 1).await.unwrap().remove(0);
    assert_eq!(row.action, "manager.deny-login");
    row.actor.address
}

#[apply(on_both_databases!)]
async fn audit_has_last_untrusted_address(test: TestDb) {
    let (server, _data) = server_behind(&test, &PROXIES).await;
    for (headers, address) in [
        (&[][..], "127.0.0.1"),
        (&["x-forwarded-for: 203.0.113.5"], "203.0.113.5"),
        // Forged addresses come before those that the proxy adds, in the same line or in another one.
        (&["x-forwarded-for: 198.51.100.1, 203.0.113.6"], "203.0.113.6"),
        (&["x-forwarded-for: 127.0.0.1, 10.0.0.2, 203.0.113.7"], "203.0.113.7"),
        (&["x-forwarded-for: 198.51.100.1", "x-forwarded-for: 203.0.113.8"], "203.0.113.8"),
        (&["X-Forwarded-For: 203.0.113.9, 10.0.0.2", "x-forwarded-for: 127.0.0.1"], "203.0.113.9"),
        (&["x-forwarded-for: 198.51.100.1, 2001:db8::5"], "2001:db8::5"),
        // After an invalid address, earlier ones are not used: they may be forged.
        (&["x-forwarded-for: 198.51.100.1, unknown"], "127.0.0.1"),
        (&["x-forwarded-for: 198.51.100.1", "x-forwarded-for: \u{ff}"], "127.0.0.1"),
        // Other forwarding headers are ignored.
        (&["x-real-ip: 198.51.100.1", "true-client-ip: 198.51.100.1"], "127.0.0.1"),
        (&["forwarded: for=198.51.100.1, for=203.0.113.10;proto=https, for=10.0.0.2"], "203.0.113.10"),
        // With both headers, the client may have forged one of them.
        (&["forwarded: for=198.51.100.1", "x-forwarded-for: 203.0.113.5"], "127.0.0.1"),
        (&["forwarded: for=203.0.113.11", "x-forwarded-for: 198.51.100.1, 203.0.113.11"], "203.0.113.11"),
    ] {
        assert_status(&log_in(&server, headers, "nobody@example.org", "wrong").await, 422);
        assert_eq!(denied_login_address(&test).await, address, "{headers:?}");
    }
}

#[apply(on_both_databases!)]
async fn without_trusted_proxy_forwarded_for_is_ignored(test: TestDb) {
    for proxies in [&[][..], &["10.0.0.2"]] {
        let (server, _data) = server_behind(&test, proxies).await;
        for headers in [&["x-forwarded-for: 203.0.113.5"][..], &["x-forwarded-for: 203.0.113.5, 10.0.0.2"]] {
            assert_status(&log_in(&server, headers, "nobody@example.org", "wrong").await, 422);
            assert_eq!(denied_login_address(&test).await, "127.0.0.1", "{proxies:?} {headers:?}");
        }
    }
}

#[apply(on_both_databases!)]
async fn rate_limits_use_the_forwarded_address(test: TestDb) {
    let (server, _data) = server_behind(&test, &PROXIES).await;
    for made_up in 0..10 {
        let spoofed = format!("x-forwarded-for: 198.51.100.{made_up}, 2001:db8:0:1::{made_up}");
        assert_status(&log_in(&server, &[&spoofed], "nobody@example.org", "wrong").await, 422);
    }
    for spoofed in [
        &["x-forwarded-for: 198.51.100.77, 2001:db8:0:1::77"][..],
        &["x-forwarded-for: 2001:db8:0:2::1", "x-forwarded-for: 2001:db8:0:1::78, 10.0.0.2"],
    ] {
        assert_status(&log_in(&server, spoofed, "nobody@example.org", "wrong").await, 429);
    }
    for other in ["x-forwarded-for: 2001:db8:0:2::1", "x-forwarded-for: 198.51.100.77"] {
        assert_status(&log_in(&server, &[other], "nobody@example.org", "wrong").await, 422);
    }
}

#[apply(on_both_databases!)]
async fn session_has_forwarded_address(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let (server, _data) = server_behind(&app.test, &PROXIES).await;
    let headers = ["x-forwarded-for: 198.51.100.1", "x-forwarded-for: 203.0.113.5, 10.0.0.2"];
    assert_status(&log_in(&server, &headers, &manager.email, PASSWORD).await, 303);
    let ever = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);
    let begun = sessions::list(&mut app.db.read().await.unwrap(), &manager.id, ever, None, 10).await.unwrap();
    assert_eq!(begun.into_iter().map(|session| session.address).collect::<Vec<_>>(), ["203.0.113.5"]);
    let row = app.audit().await.remove(0);
    assert_eq!((row.action.as_str(), row.actor.address.as_str()), ("manager.login", "203.0.113.5"));
}

#[apply(on_both_databases!)]
async fn untrusted_proxy_shows_in_readiness(test: TestDb) {
    let warned = async |server: &Server| {
        let answer = server.answer("GET /readyz HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n").await;
        assert!(answer.contains("\"warning\":"), "{answer}");
        answer.contains("--trusted-proxies")
    };
    let (unnamed, _data) = server_behind(&test, &[]).await;
    log_in(&unnamed, &[], "nobody@example.org", "wrong").await;
    assert!(!warned(&unnamed).await, "nobody forwards anything");
    log_in(&unnamed, &["via: 1.1 proxy"], "nobody@example.org", "wrong").await;
    assert!(warned(&unnamed).await);
    let (named, _data) = server_behind(&test, &["127.0.0.1"]).await;
    log_in(&named, &["via: 1.1 proxy", "x-forwarded-for: 203.0.113.5"], "nobody@example.org", "wrong").await;
    assert!(!warned(&named).await);
}
