//! TLS over a real socket, with curl and `openssl s_client` as clients.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use candor::credentials::password;
use candor::db::managers;
use candor::domain::Role;
use candor::server::connection_limits::ConnectionLimits;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::http_edge::{Edge, SOON};
use crate::support::app::PASSWORD;
use crate::support::fixtures;
use crate::support::server::{RawHttp1, until};
use crate::support::tls::TestTls;

fn authority(edge: &Edge) -> &TestTls {
    edge.server.tls.as_ref().unwrap()
}

/// Runs a program on another thread, because the server may share this one.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output().expect("it is installed")).await.unwrap()
}

/// curl's output with headers for a path of the page.
async fn curl(edge: &Edge, arguments: &[&str], path: &str) -> String {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--max-time", "30", "--cacert"]);
    command.arg(authority(edge).authority_file()).args(arguments);
    command.arg(format!("https://{}{path}", edge.server.address));
    let output = run(command).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What `openssl s_client` says of a handshake.
async fn handshake(edge: &Edge, arguments: &[&str]) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &edge.server.address.to_string(), "-CAfile"]);
    command.arg(authority(edge).authority_file()).args(["-verify_return_error"]).args(arguments);
    let output = run(command).await;
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn page_is_served_over_tls_with_secure_headers() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    assert_eq!(edge.server.state.origin, format!("https://{}", edge.server.address));
    for (version, line) in [("--http2", "HTTP/2 200"), ("--http1.1", "HTTP/1.1 200")] {
        let text = curl(&edge, &[version], "/").await;
        assert!(text.starts_with(line), "{text}");
        assert!(text.contains("strict-transport-security: max-age="), "{text}");
        assert!(text.contains(&edge.server.state.origin), "links begin with https: {text}");
    }
}

#[tokio::test]
async fn login_and_events_work_over_http2() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    let (hash, mut tx) =
        (password::hash_password(PASSWORD.to_owned()).await.unwrap(), edge.test.db.write().await.unwrap());
    let ines = fixtures::manager("Ines", Role::Owner);
    managers::create(&mut tx, ines, Some(&hash), edge.test.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    let cookies = authority(&edge).folder().join("cookies").display().to_string();
    let jar = ["--http2", "--cookie-jar", &cookies, "--cookie", &cookies, "--header", "sec-fetch-site: same-origin"];
    let password = format!("password={PASSWORD}");
    let form = ["--data-urlencode", "email=ines@example.org", "--data-urlencode", &password];
    let text = curl(&edge, &[&jar[..], &form].concat(), "/login").await;
    assert!(text.starts_with("HTTP/2 303") && text.contains("location: /admin"), "{text}");
    let cookie = text.lines().find(|line| line.starts_with("set-cookie: __Host-sid=")).expect("a session");
    assert!(cookie.contains("Secure"), "{cookie}");
    let admin = curl(&edge, &jar, "/admin").await;
    assert!(admin.starts_with("HTTP/2 200") && admin.contains("Ines"), "{admin}");

    let mut command = Command::new("curl");
    command.args(["--silent", "--no-buffer", "--http2", "--max-time", "2", "--cacert"]);
    command.arg(authority(&edge).authority_file()).arg(format!("https://{}/events", edge.server.address));
    let events = String::from_utf8(run(command).await.stdout).unwrap();
    assert!(events.contains("event: published"), "{events}");
}

#[tokio::test]
async fn protocols_and_ciphers_are_those_of_mozilla_intermediate() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    for (arguments, expected) in [
        (&["-tls1_3"][..], "TLSv1.3, Cipher is TLS_"),
        (&["-tls1_2"], "TLSv1.2, Cipher is ECDHE-"),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], "Cipher is ECDHE-ECDSA-CHACHA20-POLY1305"),
        (&["-tls1_3", "-groups", "P-384"], "Server Temp Key: ECDH, secp384r1"),
        (&["-alpn", "h2,http/1.1"], "ALPN protocol: h2"),
        (&["-alpn", "http/1.1"], "ALPN protocol: http/1.1"),
        (&[], "No ALPN negotiated"),
    ] {
        let text = handshake(&edge, arguments).await;
        assert!(text.contains(expected) && text.contains("Verification: OK"), "{arguments:?}: {text}");
    }
    for arguments in [
        &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"][..],
        &["-tls1", "-cipher", "DEFAULT@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
        &["-alpn", "spdy/3"],
    ] {
        let text = handshake(&edge, arguments).await;
        assert!(text.contains("alert") && text.contains("no peer certificate available"), "{arguments:?}: {text}");
    }
}

#[tokio::test]
async fn cleartext_is_only_http1_and_tls_only_tls() {
    let plain = Edge::new().await;
    let mut wire = plain.wire().await;
    wire.send_raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(!wire.rest().await.contains("200 OK"));
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    let mut stream = TcpStream::connect(edge.server.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let _ = timeout(SOON * 30, stream.read_to_end(&mut bytes)).await.expect("it is closed");
    assert!(!String::from_utf8_lossy(&bytes).contains("HTTP/"));
}

#[tokio::test]
async fn slow_handshake_is_dropped() {
    let edge = Edge::with_tls(ConnectionLimits { head: SOON, ..ConnectionLimits::default() }).await;
    // A record of 512 bytes, of which only the beginning of a ClientHello arrives.
    for begun in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut stream = TcpStream::connect(edge.server.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, begun).await.unwrap();
        let _ = timeout(SOON * 30, stream.read_to_end(&mut Vec::new())).await.expect("it is closed");
    }
    // After the handshake, a request must begin.
    let mut silent = edge.wire().await;
    assert_eq!(silent.rest().await, "");
    until("they are gone", || edge.server.state.connections().total() == 0).await;
}

#[tokio::test]
async fn unfinished_handshakes_per_address_are_limited() {
    let edge = Edge::with_tls(ConnectionLimits { per_address: 2, ..ConnectionLimits::default() }).await;
    let connections = || edge.server.state.connections().total();
    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(TcpStream::connect(edge.server.address).await.unwrap());
    }
    until("both are counted", || connections() == 2).await;
    let third = TcpStream::connect(edge.server.address).await.unwrap();
    assert!(authority(&edge).connect(third, &[b"h2"]).await.is_err(), "it is closed at once");
    drop(open);
    until("they are gone", || connections() == 0).await;
    assert!(curl(&edge, &[], "/healthz").await.ends_with("ok\n"));
}

#[tokio::test]
async fn unread_response_over_tls_is_closed() {
    let edge = Edge::with_tls(ConnectionLimits { unread: SOON, ..ConnectionLimits::default() }).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(1024).unwrap();
    let stream = socket.connect(edge.server.address).await.unwrap();
    let stream = authority(&edge).connect(stream, &[b"http/1.1"]).await.unwrap();
    let mut wire = RawHttp1::new(Box::new(stream), edge.server.address.to_string());
    let asking = tokio::spawn(async move {
        for _ in 0..20_000 {
            wire.get("/").await;
        }
        wire
    });
    let connections = edge.server.state.connections();
    until("it is heard", || connections.total() == 1).await;
    until("it is cut", || connections.total() == 0).await;
    asking.abort();
}

/// The last year of the certificate that a new connection gets.
async fn served_year(edge: &Edge) -> String {
    let text = handshake(edge, &["-brief"]).await;
    assert!(text.contains("Verification: OK"), "{text}");
    let expires = edge.server.state.certificate().current().unwrap().expires_at;
    expires.format("%Y").to_string()
}

#[tokio::test]
async fn changed_certificate_is_served_and_old_connections_go_on() {
    let limits = ConnectionLimits { certificate_check: Duration::from_millis(50), ..ConnectionLimits::default() };
    let edge = Edge::with_tls(limits).await;
    let mut old = edge.wire().await;
    old.get("/healthz").await;
    old.read_until("ok\n").await;
    let year = || edge.server.state.certificate().current().unwrap().expires_at.format("%Y").to_string();
    authority(&edge).issue(&["127.0.0.1"], 2088);
    until("the new one is loaded", || year() == "2088").await;
    assert_eq!(served_year(&edge).await, "2088");
    // The bad file is logged; the certificate stays.
    std::fs::write(authority(&edge).certificate_file(), "no certificate").unwrap();
    edge.server.state.reload();
    assert_eq!(served_year(&edge).await, "2088");
    old.get("/healthz").await;
    old.read_until("ok\n").await;
}

#[tokio::test]
async fn reload_reads_the_certificate_without_waiting() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    authority(&edge).issue(&["127.0.0.1"], 2077);
    edge.server.state.reload();
    assert_eq!(served_year(&edge).await, "2077");
}

#[tokio::test]
async fn plain_listener_redirects_to_the_page() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    let stream = TcpStream::connect(edge.server.redirect.unwrap()).await.unwrap();
    let mut wire = RawHttp1::new(Box::new(stream), "evil.test".to_owned());
    wire.send_raw("POST /history?q=1 HTTP/1.1\r\nhost: HOST\r\ncontent-length: 0\r\n\r\n").await;
    let text = wire.rest().await;
    assert!(text.starts_with("HTTP/1.1 308 "), "{text}");
    assert!(text.contains(&format!("location: {}/history?q=1\r\n", edge.server.state.origin)), "{text}");
    assert!(!text.contains("evil.test"), "{text}");
    let mut command = Command::new("curl");
    command.args(["--silent", "--location", "--cacert"]).arg(authority(&edge).authority_file());
    command.arg(format!("http://{}/healthz", edge.server.redirect.unwrap()));
    assert_eq!(run(command).await.stdout, b"ok\n");
}

#[tokio::test]
async fn shutdown_sends_close_notify() {
    let mut edge = Edge::with_tls(ConnectionLimits::default()).await;
    let mut idle = edge.wire().await;
    idle.get("/healthz").await;
    idle.read_until("ok\n").await;
    edge.server.stop.cancel();
    let mut bytes = Vec::new();
    // rustls fails if a connection ends without close_notify.
    timeout(SOON * 30, idle.stream.read_to_end(&mut bytes)).await.expect("it ends").unwrap();
    timeout(SOON * 30, &mut edge.server.ended).await.expect("it ends").unwrap().unwrap();
}
