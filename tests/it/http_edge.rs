//! HTTP/1.1 over a real socket: rejected requests, timeouts, and shutdown.

use std::time::Duration;

use candor::server::connection_limits::ConnectionLimits;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::TestDb;
use crate::support::server::{RawHttp1, Server, until};

pub const SOON: Duration = Duration::from_millis(300);

/// A published page on a socket, and the fixtures it depends on.
pub struct Edge {
    pub server: Server,
    pub test: TestDb,
    _data: TempDir,
}

impl Edge {
    pub async fn new() -> Self {
        Self::with_limits(ConnectionLimits::default()).await
    }

    pub async fn with_limits(limits: ConnectionLimits) -> Self {
        let (test, data) = (TestDb::sqlite().await, tempfile::tempdir().unwrap());
        let server = Server::published(&test.url, &test.clock, limits, &data).await;
        Self { server, test, _data: data }
    }

    pub async fn with_tls(limits: ConnectionLimits) -> Self {
        let (test, data) = (TestDb::sqlite().await, tempfile::tempdir().unwrap());
        let server = Server::with_tls(&test.url, &test.clock, limits, &data).await;
        Self { server, test, _data: data }
    }

    pub async fn wire(&self) -> RawHttp1 {
        self.server.connect().await
    }

    /// The status of the only answer to `request`, after which the server closes the connection.
    pub async fn status(&self, request: &str) -> u16 {
        let text = self.server.answer(request).await;
        assert_eq!(text.matches("HTTP/1.").count(), 1, "{request:?} was answered by {text}");
        text["HTTP/1.1 ".len()..][..3].parse().unwrap()
    }
}

#[tokio::test]
async fn request_needs_one_allowed_host() {
    let edge = Edge::new().await;
    let port = edge.server.address.port();
    let ask = |hosts: &str| format!("GET / HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
    for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("Localhost:{port}")] {
        assert_eq!(edge.status(&ask(&format!("host: {host}\r\n"))).await, 200, "{host}");
    }
    for hosts in ["", "host: \r\n", "host: HOST\r\nhost: HOST\r\n", "host: HOST\r\nhost: evil.test\r\n"] {
        assert_eq!(edge.status(&ask(hosts)).await, 400, "{hosts:?}");
    }
    for host in ["evil.test", "127.0.0.1", "localhost", "127.0.0.1:1", "HOST@evil.test", "evil.test, HOST", "HOST."] {
        let forwarded = "x-forwarded-host: HOST\r\nforwarded: host=HOST\r\n";
        assert_eq!(edge.status(&ask(&format!("host: {host}\r\n{forwarded}"))).await, 421, "{host}");
    }
    let absolute = |target: &str| format!("GET http://{target}/ HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n");
    assert_eq!(edge.status(&absolute("HOST")).await, 200);
    for target in ["evil.test", "HOST@evil.test", "user@HOST"] {
        assert_eq!(edge.status(&absolute(target)).await, 400, "{target}");
    }
    let refused = edge.server.answer(&ask("host: evil.test\r\n")).await;
    assert!(refused.contains("cache-control: no-store") && refused.contains("frame-ancestors 'none'"), "{refused}");
    assert!(!refused.contains("evil.test"), "{refused}");
}

#[tokio::test]
async fn health_checks_accept_any_host() {
    let edge = Edge::new().await;
    for path in ["/healthz", "/readyz"] {
        for hosts in ["", "host: 10.0.0.7\r\n"] {
            let request = format!("GET {path} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
            assert_eq!(edge.status(&request).await, 200, "{path} {hosts:?}");
        }
        assert_eq!(edge.status(&format!("GET {path} HTTP/1.0\r\n\r\n")).await, 200, "{path}");
    }
}

#[tokio::test]
async fn ambiguous_length_is_rejected_and_closes() {
    let edge = Edge::new().await;
    let smuggled = "0\r\n\r\nGET /history HTTP/1.1\r\nhost: HOST\r\n\r\n";
    for lengths in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 5\r\nx: y\r\nTransfer-Encoding: chunked\r\n",
        "content-length: 0\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding:\u{b}chunked\r\n",
        "transfer-encoding : chunked\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: +5\r\n",
        "content-length: 5, 5\r\n",
        "content-length: -1\r\n",
        "content-length: 0x5\r\n",
        "x: y\r\n folded: z\r\n",
    ] {
        for method in ["POST", "GET"] {
            let request = format!("{method} / HTTP/1.1\r\nhost: HOST\r\n{lengths}\r\n{smuggled}");
            assert_eq!(edge.status(&request).await, 400, "{method} {lengths:?}");
        }
    }
}

/// A login whose chunked body is `chunks`, and a second request behind it.
fn chunked_login(chunks: &str) -> String {
    let head = "POST /login HTTP/1.1\r\nhost: HOST\r\nsec-fetch-site: same-origin\r\ntransfer-encoding: Chunked\r\n";
    format!(
        "{head}content-type: application/x-www-form-urlencoded\r\n\r\n{chunks}GET /history HTTP/1.1\r\nhost: HOST\r\n\r\n"
    )
}

#[tokio::test]
async fn chunked_body_is_read_and_connection_closes() {
    let edge = Edge::new().await;
    let chunks = "6\r\nemail=\r\n0F;extension=x\r\nada@example.org\r\n0\r\ntrailer: x\r\n\r\n";
    let text = edge.server.answer(&chunked_login(chunks)).await;
    assert_eq!(text.matches("HTTP/1.").count(), 1, "{text}");
    assert!(text.contains("ada@example.org") && text.to_lowercase().contains("connection: close"), "{text}");
    let before =
        "POST /login HTTP/1.1\r\nhost: HOST\r\nsec-fetch-site: same-origin\r\ncontent-length: 7\r\n\r\nemail=b";
    let both = edge.server.answer(&(before.to_owned() + &chunked_login(chunks))).await;
    assert_eq!(both.matches("HTTP/1.").count(), 2, "{both}");
    assert!(both.contains("ada@example.org"), "a length of an earlier request is not of this one: {both}");
    assert_eq!(edge.status(&chunked_login("0\r\n\r\n").replace("POST", "GET")).await, 400);
}

#[tokio::test]
async fn invalid_or_large_chunks_are_rejected_and_close() {
    let edge = Edge::new().await;
    for chunks in [
        "x\r\n",
        "-1\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\r\nab\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "\r\n0\r\n\r\n",
    ] {
        assert_eq!(edge.status(&chunked_login(chunks)).await, 400, "{chunks:?}");
    }
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    assert_eq!(edge.status(&chunked_login(&(chunk.repeat(9) + "0\r\n\r\n"))).await, 413);
}

#[tokio::test]
async fn pipelined_requests_get_two_responses() {
    let edge = Edge::new().await;
    let both = "GET / HTTP/1.1\r\nhost: HOST\r\n\r\nGET /history HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n";
    let text = edge.server.answer(both).await;
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
}

#[tokio::test]
async fn only_known_methods_are_answered() {
    let edge = Edge::new().await;
    for (status, method, target) in [
        (405, "TRACE", "/"),
        (405, "CONNECT", "HOST"),
        (405, "POST", "/"),
        (405, "DELETE", "/history"),
        (405, "OPTIONS", "/"),
        (501, "PROPFIND", "/"),
        (501, "FOO", "/nothing"),
        (501, "get", "/"),
    ] {
        let same = "host: HOST\r\nsec-fetch-site: same-origin\r\nconnection: close\r\n";
        let text = edge.server.answer(&format!("{method} {target} HTTP/1.1\r\n{same}x-secret: mine\r\n\r\n")).await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{method}: {text}");
        assert!(!text.contains("x-secret"), "{text}");
        assert!(text.contains("x-content-type-options: nosniff"), "{method}: {text}");
    }
}

#[tokio::test]
async fn large_headers_are_rejected() {
    let edge = Edge::new().await;
    let with = |lines: String| format!("GET / HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n{lines}\r\n");
    assert_eq!(edge.status(&with(format!("x: {}\r\n", "y".repeat(30_000)))).await, 200);
    assert_eq!(edge.status(&with((0..70).map(|n| format!("x{n}: y\r\n")).collect())).await, 431);
    assert_eq!(edge.status(&with(format!("x: {}\r\n", "y".repeat(100_000)))).await, 431);
    let long = format!("GET /{} HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n", "y".repeat(70_000));
    assert!([414, 431].contains(&edge.status(&long).await));
}

#[tokio::test]
async fn silent_or_partial_request_is_closed() {
    let edge = Edge::with_limits(ConnectionLimits { head: SOON, ..ConnectionLimits::default() }).await;
    for begun in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nhost: HO", "GET / HTTP/1.1\r\nhost: HOST\r\n"] {
        let mut wire = edge.wire().await;
        wire.send_raw(begun).await;
        assert!(!wire.rest().await.contains("200 OK"), "{begun:?}");
    }
    until("they are all gone", || edge.server.state.connections().total() == 0).await;
}

#[tokio::test]
async fn idle_keep_alive_connection_is_closed() {
    let edge = Edge::with_limits(ConnectionLimits { head: SOON, ..ConnectionLimits::default() }).await;
    let mut wire = edge.wire().await;
    wire.get("/healthz").await;
    assert_eq!(wire.rest().await.matches("200 OK").count(), 1);
}

#[tokio::test]
async fn missing_body_times_out() {
    let edge = Edge::with_limits(ConnectionLimits { body: SOON, ..ConnectionLimits::default() }).await;
    let head = "host: HOST\r\nsec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let text = edge.server.answer(&format!("POST /login HTTP/1.1\r\n{head}content-length: 1000\r\n\r\nemail=x")).await;
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
    assert!(text.contains("did not arrive completely in time") && text.contains("x-frame-options: DENY"), "{text}");
}

#[tokio::test]
async fn unread_http1_response_is_closed() {
    let edge = Edge::with_limits(ConnectionLimits { unread: SOON, ..ConnectionLimits::default() }).await;
    let mut wire = edge.server.connect_with_small_buffer().await;
    let asking = tokio::spawn(async move {
        // More than the socket buffers hold; the server stops reading when it can't write.
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

#[tokio::test]
async fn connections_per_address_are_limited() {
    let edge = Edge::with_limits(ConnectionLimits { per_address: 2, ..ConnectionLimits::default() }).await;
    let mut wires = [edge.wire().await, edge.wire().await];
    for wire in &mut wires {
        wire.get("/healthz").await;
        wire.read_until("ok\n").await;
    }
    assert_eq!(edge.server.answer("GET /healthz HTTP/1.1\r\n\r\n").await, "", "a third is closed at once");
    wires[0].get("/").await;
    wires[0].read_until("200 OK").await;
    drop(wires);
    until("they are gone", || edge.server.state.connections().total() == 0).await;
    assert_eq!(edge.status("GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n").await, 200);
}

#[tokio::test]
async fn total_connections_are_limited_and_queued() {
    let edge = Edge::with_limits(ConnectionLimits { connections: 1, ..ConnectionLimits::default() }).await;
    let mut first = edge.wire().await;
    first.get("/healthz").await;
    first.read_until("ok\n").await;
    let mut second = edge.wire().await;
    second.get("/healthz").await;
    assert!(timeout(SOON, second.read_until("ok\n")).await.is_err());
    drop(first);
    second.read_until("ok\n").await;
}

#[tokio::test]
async fn stopping_server_accepts_nothing_and_is_not_ready() {
    let mut edge = Edge::new().await;
    let mut stream = edge.wire().await;
    stream.get("/events").await;
    stream.read_until("event: published").await;
    let mut late = edge.wire().await;
    late.send_raw("GET /readyz HTTP/1.1\r\n").await;
    until("both are heard", || edge.server.state.connections().total() == 2).await;
    edge.server.stop.cancel();
    stream.rest().await;
    let address = edge.server.address;
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    timeout(Duration::from_secs(5), refused).await.expect("nobody listens any more");
    late.send_raw("host: HOST\r\n\r\n").await;
    let text = late.rest().await;
    assert!(text.starts_with("HTTP/1.1 503 ") && text.contains("\"stopping\":true"), "{text}");
    timeout(Duration::from_secs(5), &mut edge.server.ended).await.expect("it ends").unwrap().unwrap();
}

#[tokio::test]
async fn endless_request_does_not_block_shutdown() {
    let mut edge = Edge::with_limits(ConnectionLimits { grace: SOON, ..ConnectionLimits::default() }).await;
    let mut wire = edge.wire().await;
    wire.send_raw("GET / HTTP/1.1\r\nhost: HO").await;
    until("it is heard", || edge.server.state.connections().total() == 1).await;
    edge.server.stop.cancel();
    timeout(Duration::from_secs(5), &mut edge.server.ended).await.expect("it ends").unwrap().unwrap();
    assert!(!wire.rest().await.contains("200 OK"));
}

#[tokio::test]
async fn unused_connection_does_not_delay_shutdown() {
    let long = Duration::from_secs(60);
    let limits = ConnectionLimits { head: long, grace: long, ..ConnectionLimits::default() };
    let mut edge = Edge::with_limits(limits).await;
    let mut wire = edge.wire().await;
    until("it is accepted", || edge.server.state.connections().total() == 1).await;
    edge.server.stop.cancel();
    timeout(Duration::from_secs(5), &mut edge.server.ended).await.expect("it ends").unwrap().unwrap();
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn metrics_have_their_own_listener() {
    let edge = Edge::new().await;
    let mut wire = edge.wire().await;
    let nowhere = ["/nothing", "/nothing.json", "/api/v2/nothing.json"];
    for address in ["/", "/", "/robots.txt", "/uptime", "/uptime"].into_iter().chain(nowhere) {
        wire.get(address).await;
        wire.read_until("HTTP/1.1 ").await;
    }
    wire.send_raw("GET / HTTP/1.1\r\nhost: HOST\r\nif-none-match: *\r\n\r\n").await;
    wire.read_until("HTTP/1.1 304").await;
    let same = "host: HOST\r\nsec-fetch-site: same-origin\r\ncontent-length: 18\r\n";
    let form = "content-type: application/x-www-form-urlencoded\r\n\r\nemail=x&password=y";
    wire.send_raw(&format!("POST /login HTTP/1.1\r\n{same}{form}")).await;
    wire.read_until("HTTP/1.1 422").await;
    let public = edge.status("GET /metrics HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n").await;
    assert_eq!(public, 404, "the public listener knows no numbers");
    until("only the open one is left", || edge.server.state.connections().total() == 1).await;
    let numbers = metrics_text(&edge.server).await;
    let revision = edge.server.state.publisher.site().revision;
    for line in [
        "candor_responses_total{class=\"site\",status=\"2xx\"} 2",
        "candor_responses_total{class=\"site\",status=\"3xx\"} 1",
        "candor_responses_total{class=\"file\",status=\"2xx\"} 1",
        "candor_responses_total{class=\"cached\",status=\"2xx\"} 1",
        "candor_responses_total{class=\"site\",status=\"4xx\"} 4",
        "candor_responses_total{class=\"admin\",status=\"4xx\"} 1",
        "candor_deep_renders_total 1",
        "candor_logins_refused_total 1",
        "candor_connections 1",
        "candor_event_streams 0",
        "candor_publish_failures_total 0",
        "candor_site_age_seconds 0",
        "# TYPE candor_publish_seconds summary",
        &format!("candor_site_revision {revision}"),
    ] {
        assert!(numbers.lines().any(|known| known == line), "{line} is not in {numbers}");
    }
}

async fn metrics_text(server: &Server) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = TcpStream::connect(server.metrics).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: prometheus\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}
