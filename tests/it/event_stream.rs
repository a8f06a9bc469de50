//! The event stream and the page's script that reads it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use candor::credentials::secret_key::SecretKey;
use candor::db::components;
use candor::domain::Status;
use candor::domain::audit::{Action, Actor, Entry};
use candor::domain::forms::NewComponent;
use candor::net::event_streams::MAX_PER_CLIENT;
use candor::net::trusted_proxies::TrustedProxies;
use candor::notify::bounce_hooks::BounceHooks;
use candor::publish::{Encoding, Publisher};
use candor::server::connection_limits::ConnectionLimits;
use candor::state::{State, StateParts};
use candor::web::FastPath;
use candor::{ui, web};
use http_body_util::BodyExt as _;
use http_connection::{AllowedHosts, ResponseBody};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::support::TestDb;
use crate::support::server::{RawHttp1, Server};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn stream_starts_with_newest_change() {
    let site = Published::new().await;
    let mut stream = site.get("/events", &[]).await;
    assert_eq!(stream.status(), StatusCode::OK);
    assert_eq!(stream.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(stream.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    assert!(stream.headers().get(header::CONTENT_ENCODING).is_none());
    let first = next_message(&mut stream).await.unwrap();
    assert!(first.starts_with("retry: ") && first.contains("\nevent: published\n"), "{first}");
    assert!(first.contains(&format!("id: {}\n", site.etag(Encoding::Plain).trim_matches('"'))), "{first}");
    assert!(first.ends_with(&format!("data: {{\"revision\":{}}}\n\n", site.state.publisher.site().revision)));
}

#[tokio::test]
async fn current_client_gets_the_next_change() {
    let site = Published::new().await;
    let tag = site.etag(Encoding::Brotli);
    let asked = format!("/events?last={}", tag.replace('"', "%22"));
    let id = tag.trim_matches('"').trim_end_matches("-b");
    let mut streams = [site.get("/events", &[("last-event-id", id)]).await, site.get(&asked, &[]).await];
    for stream in &mut streams {
        let first = next_message(stream).await.unwrap();
        assert!(first.contains("event: here\ndata: {\"revision\":") && !first.contains("published"), "{first}");
    }
    site.state.publish().await;
    add_component(&site.test, "Search").await;
    site.state.publish().await;
    for stream in &mut streams {
        assert!(next_message(stream).await.unwrap().contains("event: published"));
    }
    let mut behind = site.get("/events", &[("last-event-id", id)]).await;
    assert!(next_message(&mut behind).await.unwrap().contains("event: published"));
}

#[tokio::test]
async fn hidden_changes_send_no_event() {
    let site = Published::new().await;
    let mut stream = site.get("/events", &[]).await;
    next_message(&mut stream).await.unwrap();
    let write = site.test.write().await.unwrap();
    write.commit(&Actor::shell(), site.test.clock.now(), Entry::new(Action::ManagerAdd, "m", "Ada")).await.unwrap();
    site.state.publish().await;
    assert!(timeout(SECOND / 5, stream.body_mut().frame()).await.is_err());
}

#[tokio::test]
async fn streams_per_client_are_limited() {
    let site = Published::new().await;
    let mut streams = Vec::new();
    for _ in 0..MAX_PER_CLIENT {
        streams.push(site.get("/events", &[]).await);
    }
    let refused = site.get("/events", &[("accept", "text/event-stream")]).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/json");
    streams.pop();
    assert_eq!(site.get("/events", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let site = Published::new().await;
    let mut stream = site.get("/events", &[]).await;
    next_message(&mut stream).await.unwrap();
    site.state.streams().close_all();
    assert_eq!(next_message(&mut stream).await, None);
    assert_eq!(site.get("/events", &[]).await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[apply(on_both_databases!)]
async fn commit_of_another_process_is_streamed(test: TestDb) {
    let (_server, mut stream, _data) = server_with_stream(&test).await;
    add_component(&test, "Search").await;
    // Five times the promised second, for a machine that runs ten other tests.
    timeout(5 * SECOND, stream.read_until("event: published")).await.expect("told soon");
}

#[tokio::test]
async fn open_stream_does_not_delay_shutdown() {
    let test = TestDb::sqlite().await;
    let (mut server, mut stream, _data) = server_with_stream(&test).await;
    server.stop.cancel();
    timeout(2 * SECOND, &mut server.ended).await.expect("stops in two seconds").unwrap().unwrap();
    let rest = stream.rest().await;
    assert!(rest.ends_with("0\r\n\r\n"), "the stream is cut short: {rest:?}");
}

#[tokio::test]
async fn live_script_is_small_and_immutable() {
    let site = Published::new().await;
    let page = body_text(site.get("/", &[]).await).await;
    let address = ui::live_script::live_script_url();
    assert!(page.contains(&format!("<script src=\"{address}\" defer></script>")), "{page}");
    let script = site.get(address, &[("accept-encoding", "br")]).await;
    assert_eq!(script.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(script.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
    let size = script.into_body().collect().await.unwrap().to_bytes().len();
    assert!(size <= 4096, "{size} bytes");
    assert_eq!(body_text(site.get(address, &[]).await).await, ui::live_script::live_script());
}

#[tokio::test]
async fn an_exported_site_has_its_script() {
    let site = Published::new().await;
    let target = site.folder.path().join("export");
    site.state.publisher.export(&target, web::edge::assets::fixed_files(), |_| {}).await.unwrap();
    let written =
        std::fs::read_to_string(target.join(ui::live_script::live_script_url().trim_start_matches('/'))).unwrap();
    assert_eq!(written, ui::live_script::live_script());
    assert!(!target.join("live.js").exists());
}

struct Published {
    test: TestDb,
    folder: TempDir,
    state: State,
    front: FastPath,
}

impl Published {
    async fn new() -> Self {
        let test = TestDb::sqlite().await;
        let folder = tempfile::tempdir().unwrap();
        let origin = "http://status.example".to_owned();
        let file = folder.path().join("site");
        let publisher = Publisher::new(test.db.clone(), test.clock.clone(), origin.clone(), file);
        let secret_key = SecretKey::from_file(folder.path().join("secret.key"));
        let (db, clock) = (test.db.clone(), test.clock.clone());
        let hosts = AllowedHosts::new(&origin, &[]);
        let (mailer, provider, trusted_proxies) = (None, None, TrustedProxies::default());
        let parts = StateParts {
            db,
            clock,
            publisher,
            secret_key,
            origin,
            hosts,
            mailer,
            bounce_hooks: BounceHooks::default(),
            provider,
            trusted_proxies,
            endpoint_hosts: Vec::new(),
            data_dir: folder.path().to_owned(),
            node: candor::domain::node::NodeSettings::default(),
        };
        let state = State::new(parts);
        state.publish().await;
        let front = FastPath::new(state.clone(), SECOND);
        Self { test, folder, state, front }
    }

    async fn get(&self, address: &str, headers: &[(&'static str, &str)]) -> Response<ResponseBody> {
        let mut request = Request::get(address).header(header::HOST, "status.example").body(Body::empty()).unwrap();
        let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        request.headers_mut().extend(pairs.collect::<HeaderMap>());
        let Ok(response) = self.front.respond(request, None).await;
        response
    }

    fn etag(&self, encoding: Encoding) -> String {
        self.state.publisher.site().document("/").unwrap().etag(encoding).to_owned()
    }
}

/// The next message of the stream; none at its end.
async fn next_message(stream: &mut Response<ResponseBody>) -> Option<String> {
    let frame = timeout(SECOND, stream.body_mut().frame()).await.expect("something within a second")?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

async fn body_text(response: Response<ResponseBody>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

pub async fn add_component(test: &TestDb, name: &str) {
    let mut tx = test.write().await.unwrap();
    let new = NewComponent {
        group_id: None,
        name: name.to_owned(),
        description: String::new(),
        status: Status::Operational,
        position: None,
        start_date: None,
        only_show_if_degraded: false,
    };
    let now = test.clock.now();
    let component = components::create(&mut tx, new, now).await.unwrap();
    let entry = Entry::new(Action::ComponentAdd, &component.id, &component.name).after(&component);
    tx.commit(&Actor::shell(), now, entry).await.unwrap();
}

/// A server and an event stream that has received the newest change.
async fn server_with_stream(test: &TestDb) -> (Server, RawHttp1, TempDir) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::published(&test.url, &test.clock, ConnectionLimits::default(), &data).await;
    let mut stream = server.connect().await;
    stream.get("/events").await;
    stream.read_until("event: published").await;
    add_component(test, "Mail").await;
    let revision = test.read().await.unwrap().revision().await.unwrap();
    stream.read_until(&format!("{{\"revision\":{revision}}}")).await;
    (server, stream, data)
}

/// The browser's clock may be wrong. Browser tests depend on this too, because only the server's clock is shifted.
#[test]
fn scripts_never_read_the_browser_clock() {
    const CLOCKS: [&str; 5] = ["Date.now", "new Date()", "Date::now", "Date::new_0", "Utc::now"];
    for folder in ["public", "src/islands"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            let found: Vec<_> = CLOCKS.into_iter().filter(|clock| text.contains(clock)).collect();
            assert!(found.is_empty(), "{}: {found:?}", file.display());
        }
    }
}
