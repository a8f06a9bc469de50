//! HTTP/2 over TLS on a real socket: the same answers as HTTP/1.1, and protocol abuse costs no more than a page.

use std::time::Instant;

use axum::http::{HeaderMap, Method, Request, Response, Version};
use bytes::Bytes;
use candor::publish::Encoding;
use candor::server::connection_limits::ConnectionLimits;
use tokio::time::timeout;

use crate::event_stream::add_component;
use crate::http_edge::{Edge, SOON};
use crate::support::raw_http2::{
    END, Frame, HEAD_ENDS, RawHttp2, StreamEnd, encode_headers, encode_string, kind, reason,
};
use crate::support::server::until;

/// SETTINGS_INITIAL_WINDOW_SIZE of one frame, 16 KiB.
const ONE_FRAME: [u8; 6] = [0, 4, 0, 0, 0x40, 0];
/// SETTINGS_INITIAL_WINDOW_SIZE of 0.
const NO_WINDOW: [u8; 6] = [0, 4, 0, 0, 0, 0];
const SHORT_LIMITS: fn() -> ConnectionLimits =
    || ConnectionLimits { head: SOON, idle: SOON, unread: SOON, ..ConnectionLimits::default() };

async fn send_request(edge: &Edge, request: Request<()>) -> (Response<()>, Vec<u8>) {
    let stream = edge.server.connect_http2().await;
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let (answer, _) = client.send_request(request, true).unwrap();
    let (head, mut body) = answer.await.unwrap().into_parts();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data: Bytes = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        bytes.extend(data);
    }
    (Response::from_parts(head, ()), bytes)
}

fn request(edge: &Edge, method: Method, path: &str) -> Request<()> {
    let address = format!("https://{}{path}", edge.server.address);
    Request::builder().version(Version::HTTP_2).method(method).uri(address).body(()).unwrap()
}

async fn others_are_answered(edge: &Edge) {
    let asked = edge.status("GET / HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n");
    assert_eq!(timeout(SOON * 10, asked).await.expect("at once"), 200);
}

fn answer_count(edge: &Edge) -> u64 {
    edge.server.state.responses().counts().map(|(_, _, count)| count).sum()
}

async fn connections_are_closed(edge: &Edge) {
    until("they are gone", || edge.server.state.connections().total() == 0).await;
}

#[tokio::test]
async fn http1_and_http2_answer_alike() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::HEAD, "/"),
        (Method::GET, "/history"),
        (Method::GET, "/api/v2/status.json"),
        (Method::GET, "/favicon.svg"),
        (Method::GET, "/nothing"),
        (Method::POST, "/history"),
        (Method::GET, "/healthz"),
    ] {
        let (two, body) = send_request(&edge, request(&edge, method.clone(), path)).await;
        let asked = format!("{method} {path} HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n");
        let one = edge.server.answer(&asked).await;
        let (head, text) = one.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {} ", two.status().as_u16())), "{path}: {head}");
        assert_eq!(header_lines(two.headers()), raw_header_lines(head), "{method} {path}");
        assert!(text.as_bytes() == body, "{method} {path}");
    }
}

/// Headers that differ in any two answers, or belong to one connection.
const OMITTED_HEADERS: [&str; 3] = ["date", "connection", "x-request-id"];

fn header_lines(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.iter().filter(|(name, _)| !OMITTED_HEADERS.contains(&name.as_str()));
    let mut lines: Vec<String> = lines.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines
}

fn raw_header_lines(head: &str) -> Vec<String> {
    let lines = head.lines().skip(1).filter(|line| !OMITTED_HEADERS.contains(&line.split(':').next().unwrap()));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn http2_methods_and_hosts_are_checked() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    for (status, method) in [(405, "TRACE"), (405, "OPTIONS"), (405, "POST"), (501, "PROPFIND"), (501, "get")] {
        let mut asked = request(&edge, method.parse().unwrap(), "/");
        asked.headers_mut().insert("sec-fetch-site", "same-origin".parse().unwrap());
        let (head, _) = send_request(&edge, asked).await;
        assert_eq!(head.status().as_u16(), status, "{method}");
    }
    let connect = Request::builder().method("CONNECT").uri(edge.server.address.to_string()).body(()).unwrap();
    assert_eq!(send_request(&edge, connect).await.0.status().as_u16(), 405);
    let own_host = edge.server.address.to_string();
    for (status, authority, hosts) in [
        (200, own_host.as_str(), &[][..]),
        (200, &own_host, &[own_host.as_str()]),
        (421, "evil.test", &[]),
        (421, "evil.test", &["evil.test"]),
        (421, "localhost", &[]),
        (400, &own_host, &["evil.test"]),
        (400, "evil.test", &[&own_host]),
        (400, &own_host, &[&own_host, &own_host]),
        (400, &own_host, &[&own_host, "evil.test"]),
        (400, &own_host, &[""]),
    ] {
        let mut asked = Request::builder().uri(format!("https://{authority}/")).version(Version::HTTP_2);
        for host in hosts {
            asked = asked.header("host", *host);
        }
        let (head, body) = send_request(&edge, asked.body(()).unwrap()).await;
        assert_eq!(head.status().as_u16(), status, "{authority} {hosts:?}");
        assert!(!String::from_utf8_lossy(&body).contains("evil.test"), "{authority} {hosts:?}");
    }
}

#[tokio::test]
async fn malformed_headers_are_rejected() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    let host = edge.server.address.to_string();
    let (method, scheme) = ((":method", "GET"), (":scheme", "https"));
    let (path, authority) = ((":path", "/"), (":authority", host.as_str()));
    let user = format!("user@{host}");
    let foreign = format!("{host}@evil.test");
    let mut heads = vec![
        vec![method, scheme, path],
        vec![method, scheme, path, (":authority", "")],
        vec![method, scheme, path, (":authority", user.as_str())],
        vec![method, scheme, path, (":authority", foreign.as_str())],
        vec![method, scheme, path, authority, (":authority", "evil.test")],
        vec![method, path, authority],
        vec![scheme, path, authority],
        vec![method, scheme, authority],
        vec![method, scheme, authority, (":path", "")],
        vec![method, scheme, authority, path, (":path", "/history")],
        vec![method, method, scheme, authority, path],
        vec![method, scheme, path, authority, (":status", "200")],
        vec![method, scheme, path, authority, (":protocol", "websocket")],
        vec![method, scheme, path, authority, (":else", "x")],
        vec![method, scheme, path, ("x", "y"), authority],
        vec![(":method", "GET /history HTTP/1.1\r\nx: y"), scheme, path, authority],
        vec![method, scheme, authority, (":path", "/ HTTP/1.1\r\nhost: evil.test")],
        vec![method, scheme, authority, (":path", "/\0")],
        vec![method, scheme, authority, (":path", "/ ")],
    ];
    for line in [
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("connection", "close"),
        ("connection", "x-secret"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
        ("X-Upper", "y"),
        ("x y", "z"),
        ("x:y", "z"),
        ("x\r\ny", "z"),
        ("", "y"),
        ("x", "y\nz: w"),
        ("x", "y\r\n\r\nGET / HTTP/1.1"),
        ("x", "y\0z"),
        ("content-length", "5"),
        ("content-length", "-1"),
        ("content-length", "+0"),
    ] {
        heads.push(vec![method, scheme, path, authority, line]);
    }
    for head in heads {
        let mut frames = RawHttp2::open(&edge.server, &[]).await;
        frames.send(&Frame::request_frame(1, &head)).await;
        let fate = frames.outcome(1).await;
        let refused = matches!(fate, StreamEnd::Ended(_) | StreamEnd::Answered(Some(400) | None));
        assert!(refused, "{head:?}: {fate:?}");
    }
    others_are_answered(&edge).await;
}

#[tokio::test]
async fn concurrent_streams_are_limited_to_100() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    let mut frames = RawHttp2::open(&edge.server, &[]).await;
    let form = [("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];
    for number in 0..101 {
        let mut head = frames.get("/login", &form);
        head[0] = (":method", "POST");
        let asking = Frame::new(kind::HEADERS, HEAD_ENDS, number * 2 + 1, encode_headers(&head));
        frames.send(&asking).await;
    }
    assert_eq!(frames.outcome(201).await, StreamEnd::Ended(reason::REFUSED));
    others_are_answered(&edge).await;
    // A cancelled stream makes room for another.
    frames.send(&Frame::new(kind::RESET, 0, 1, 8_u32.to_be_bytes())).await;
    frames.send_get(203, "/").await;
    assert_eq!(frames.outcome(203).await, StreamEnd::Answered(Some(200)));
}

#[tokio::test]
async fn large_headers_are_rejected() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    for (status, length) in [(200, 10_000), (431, 20_000)] {
        let mut asked = request(&edge, Method::GET, "/");
        asked.headers_mut().insert("x", "y".repeat(length).parse().unwrap());
        assert_eq!(send_request(&edge, asked).await.0.status().as_u16(), status, "{length}");
    }
    // The same limit as with HTTP/1.
    for (status, fields) in [(200, 64), (431, 65)] {
        let mut asked = request(&edge, Method::GET, "/");
        while asked.headers().len() < fields {
            let name = format!("x-{}", asked.headers().len());
            asked.headers_mut().insert(axum::http::HeaderName::try_from(name).unwrap(), "y".parse().unwrap());
        }
        assert_eq!(send_request(&edge, asked).await.0.status().as_u16(), status, "{fields}");
    }
    // An HPACK bomb: a field of 4,000 bytes, sent once and then referenced 4,000 times, decompresses to 16 MB.
    let mut frames = RawHttp2::open(&edge.server, &[]).await;
    let (mut load, large) = (encode_headers(&frames.get("/", &[])), "y".repeat(4_000));
    load.extend([&[0x40][..], &encode_string("x"), &encode_string(&large), &[0x80 | 62; 4_000]].concat());
    frames.send(&Frame::new(kind::HEADERS, END | HEAD_ENDS, 1, load)).await;
    assert!(matches!(frames.outcome(1).await, StreamEnd::Answered(None) | StreamEnd::Ended(_)));
    assert_eq!(answer_count(&edge), 3);
}

#[tokio::test]
async fn endless_headers_close_the_connection() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    for load in [vec![], encode_headers(&[("x", "y")]), encode_headers(&[("x", &"y".repeat(15_000))])] {
        let mut frames = RawHttp2::open(&edge.server, &[]).await;
        let head = encode_headers(&frames.get("/", &[]));
        frames.send(&Frame::new(kind::HEADERS, END, 1, head)).await;
        // The server accepts a few; 16 frames are at most 256 KiB.
        for _ in 0..16 {
            frames.send(&Frame::new(kind::CONTINUATION, 0, 1, load.clone())).await;
        }
        let last = frames.rest().await.pop();
        assert!(last.is_none_or(|frame| frame.kind == kind::GO_AWAY && frame.reason() == reason::ENHANCE_YOUR_CALM));
    }
    connections_are_closed(&edge).await;
    assert_eq!(answer_count(&edge), 0);
}

#[tokio::test]
async fn rapid_reset_closes_the_connection() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    let mut frames = RawHttp2::open(&edge.server, &[]).await;
    let mut flood = Vec::new();
    for stream in (1..20_000).step_by(2) {
        flood.extend(Frame::request_frame(stream, &frames.get("/incidents/it", &[])).bytes());
        flood.extend(Frame::new(kind::RESET, 0, stream, 8_u32.to_be_bytes()).bytes());
    }
    frames.send_raw(&flood).await;
    let last = frames.rest().await.pop();
    assert!(last.is_none_or(|frame| frame.kind == kind::GO_AWAY && frame.reason() == reason::ENHANCE_YOUR_CALM));
    connections_are_closed(&edge).await;
    assert!(answer_count(&edge) < 1_000, "{} of 10 000 were answered", answer_count(&edge));
    others_are_answered(&edge).await;
}

/// CVE-2025-8671: invalid WINDOW_UPDATE frames make the server reset its own streams.
#[tokio::test]
async fn stream_error_flood_closes_the_connection() {
    let edge = Edge::with_tls(ConnectionLimits::default()).await;
    let mut frames = RawHttp2::open(&edge.server, &[]).await;
    let mut flood = Vec::new();
    for stream in (1..20_000).step_by(2) {
        flood.extend(Frame::request_frame(stream, &frames.get("/incidents/it", &[])).bytes());
        flood.extend(Frame::new(kind::WINDOW, 0, stream, 0_u32.to_be_bytes()).bytes());
    }
    frames.send_raw(&flood).await;
    let last = frames.rest().await.pop();
    assert!(last.is_none_or(|frame| frame.kind == kind::GO_AWAY && frame.reason() != reason::NONE));
    connections_are_closed(&edge).await;
    assert!(answer_count(&edge) < 2_000, "{} of 10 000 were answered", answer_count(&edge));
    others_are_answered(&edge).await;
}

#[tokio::test]
async fn ping_flood_without_reading_is_closed() {
    let edge = Edge::with_tls(SHORT_LIMITS()).await;
    let ping = Frame::new(kind::PING, 0, 0, [7; 8]).bytes().repeat(1_000);
    let settings = Frame::new(kind::SETTINGS, 0, 0, NO_WINDOW).bytes().repeat(1_000);
    for flood in [ping, settings] {
        let narrow = edge.server.connect_with_small_buffer().await.stream;
        let mut frames = RawHttp2::over(narrow, &edge.server, &[]).await;
        let flooding = tokio::spawn(async move { frames.flood(&flood).await });
        others_are_answered(&edge).await;
        timeout(SOON * 100, flooding).await.expect("it is cut").unwrap();
        connections_are_closed(&edge).await;
    }
}

#[tokio::test]
async fn ping_flood_with_reading_gets_goaway() {
    let edge = Edge::with_tls(SHORT_LIMITS()).await;
    let settings = Frame::new(kind::SETTINGS, 0, 0, [0, 4, 0, 0, 255, 255]);
    for frame in [Frame::new(kind::PING, 0, 0, [7; 8]), settings] {
        let mut frames = RawHttp2::open(&edge.server, &[]).await;
        let flooding = tokio::spawn(async move {
            let mut goes = false;
            frames.send_raw(&frame.bytes().repeat(100)).await;
            while let Some(heard) = frames.next().await {
                goes |= heard.kind == kind::GO_AWAY;
                // Another one for each answer.
                if heard.flags & END > 0 {
                    frames.send(&frame).await;
                }
            }
            goes
        });
        others_are_answered(&edge).await;
        assert!(timeout(SOON * 100, flooding).await.expect("it is cut").unwrap());
        connections_are_closed(&edge).await;
    }
}

#[tokio::test]
async fn idle_connection_after_preface_gets_goaway() {
    let edge = Edge::with_tls(ConnectionLimits { head: SOON, unread: SOON, ..ConnectionLimits::default() }).await;
    let mut frames = RawHttp2::open(&edge.server, &[]).await;
    let last = frames.wait_for(kind::GO_AWAY, 0).await.unwrap();
    assert_eq!(last.reason(), reason::NONE);
    frames.rest().await;
    // Also without settings, or with incomplete headers, and without acknowledgements.
    for raw_bytes in [vec![], Frame::new(kind::HEADERS, END, 1, [0x82]).bytes()] {
        let mut frames = RawHttp2::from_stream(edge.server.connect_http2().await, &edge.server);
        frames.send_raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        frames.send_raw(&raw_bytes).await;
        assert!(frames.rest().await.iter().all(|frame| frame.kind != kind::HEADERS));
    }
    connections_are_closed(&edge).await;
}

#[tokio::test]
async fn pings_do_not_keep_idle_connection_open() {
    let edge = Edge::with_tls(SHORT_LIMITS()).await;
    let mut frames = RawHttp2::open(&edge.server, &[]).await;
    for stream in [1, 3] {
        frames.send_get(stream, "/healthz").await;
        assert_eq!(frames.outcome(stream).await, StreamEnd::Answered(Some(200)));
    }
    assert_eq!(frames.wait_for(kind::GO_AWAY, 0).await.unwrap().reason(), reason::NONE);
    frames.rest().await;
    connections_are_closed(&edge).await;
}

#[tokio::test]
async fn active_event_stream_is_not_closed() {
    // Long enough for a publish on a busy machine.
    let idle = SOON * 5;
    let edge = Edge::with_tls(ConnectionLimits { idle, unread: SOON, ..ConnectionLimits::default() }).await;
    let mut frames = RawHttp2::open(&edge.server, &[]).await;
    frames.send_get(1, "/events").await;
    assert_eq!(frames.outcome(1).await, StreamEnd::Answered(Some(200)));
    let (begun, state) = (Instant::now(), &edge.server.state);
    for number in 0.. {
        if begun.elapsed() > idle + SOON {
            break;
        }
        add_component(&edge.test, &format!("Number {number}")).await;
        state.publish().await;
        frames.wait_for(kind::DATA, 1).await.expect("it goes on");
    }
    assert_eq!(state.streams().count_open(), 1);
    // Without messages the stream times out; the real interval of keep-alive messages is 25 s.
    frames.rest().await;
    until("its seat is free", || state.streams().count_open() == 0).await;
}

#[tokio::test]
async fn unread_response_closes_the_connection() {
    let edge = Edge::with_tls(SHORT_LIMITS()).await;
    for (path, room) in [("/", 0), ("/", 1), ("/events", 0)] {
        let mut frames = RawHttp2::open(&edge.server, &NO_WINDOW).await;
        frames.send_get(1, path).await;
        assert_eq!(frames.outcome(1).await, StreamEnd::Answered(Some(200)), "{path}");
        let mut taken = 0;
        // Opens the window by one byte for each received frame.
        while let Some(frame) = frames.next().await {
            taken += if frame.kind == kind::DATA { frame.load.len() } else { 0 };
            if room > 0 && frame.flags & END == 0 {
                frames.send(&Frame::new(kind::WINDOW, 0, 1, 1_u32.to_be_bytes())).await;
            }
        }
        let whole = edge.server.state.publisher.site().document("/").unwrap().bytes(Encoding::Plain).len();
        assert!(taken < whole, "{path}");
        connections_are_closed(&edge).await;
        // The stream's own task returns its permit.
        until("its seat is free", || edge.server.state.streams().count_open() == 0).await;
    }
}

#[tokio::test]
async fn slow_steady_reader_gets_whole_document() {
    // Long enough for a frame on a busy machine.
    let idle = SOON * 3;
    let edge =
        Edge::with_tls(ConnectionLimits { head: SOON * 30, idle, unread: SOON, ..ConnectionLimits::default() }).await;
    for number in 0..150 {
        add_component(&edge.test, &format!("Number {number}")).await;
    }
    edge.server.state.publish().await;
    let whole = edge.server.state.publisher.site().document("/").unwrap().bytes(Encoding::Plain).len();
    assert!(whole > 10 * 16 * 1024, "{whole} bytes");
    let mut frames = RawHttp2::open(&edge.server, &ONE_FRAME).await;
    frames.send_get(1, "/").await;
    assert_eq!(frames.outcome(1).await, StreamEnd::Answered(Some(200)));
    let begun = Instant::now();
    let mut taken = 0;
    while taken < whole {
        let frame = frames.next().await.expect("it is not cut");
        if frame.kind == kind::DATA {
            taken += frame.load.len();
            let room = u32::try_from(frame.load.len()).unwrap().to_be_bytes();
            // A connection that carries one frame in a third of the idle timeout.
            tokio::time::sleep(idle / 3).await;
            frames.send(&Frame::new(kind::WINDOW, 0, 0, room)).await;
            frames.send(&Frame::new(kind::WINDOW, 0, 1, room)).await;
        }
    }
    assert_eq!(taken, whole);
    assert!(begun.elapsed() > idle + SOON * 2, "{:?} is not slow", begun.elapsed());
}

#[tokio::test]
async fn shutdown_sends_goaway() {
    let mut edge = Edge::with_tls(ConnectionLimits::default()).await;
    let mut idle = RawHttp2::open(&edge.server, &[]).await;
    let mut follower = RawHttp2::open(&edge.server, &[]).await;
    idle.send_get(1, "/healthz").await;
    follower.send_get(1, "/events").await;
    for frames in [&mut idle, &mut follower] {
        assert_eq!(frames.outcome(1).await, StreamEnd::Answered(Some(200)));
    }
    edge.server.stop.cancel();
    for mut frames in [idle, follower] {
        assert!(frames.rest().await.iter().any(|frame| frame.kind == kind::GO_AWAY && frame.reason() == reason::NONE));
    }
    timeout(SOON * 30, &mut edge.server.ended).await.expect("it ends").unwrap().unwrap();
}
