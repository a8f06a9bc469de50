//! Deliveries over a real connection, and the signatures as the official library checks them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use candor::domain::subscriber::Channel;
use candor::net::http_client::{HttpClient, ResponseLimits};
use candor::notify::challenge::{Challenge, ChallengeOutcome};
use candor::notify::endpoint::{ENDPOINT_LIMITS, EndpointOutcome, deliver};
use candor::notify::endpoint_request::{EndpointRequest, MessageBody, OutgoingMessage, Target, parse_visitor_url};
use candor::notify::standard_webhooks::{WebhookKeyPair, WebhookSecret};
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use url::Url;

use crate::support::skipped;

/// A server that records requests and returns the answer that `respond` chooses by method, path and body.
struct Endpoint {
    url: Url,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    async fn start(respond: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/hook", listener.local_addr().unwrap())).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, respond) = (requests.clone(), Arc::new(respond));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, respond) = (seen.clone(), respond.clone());
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let request = read_request(&mut stream).await;
                    seen.lock().unwrap().push(request.clone());
                    let _ = stream.write_all(respond(&request).as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { url, requests }
    }

    async fn always(answer: &'static str) -> Self {
        Self::start(move |_| answer.to_owned()).await
    }

    fn client(&self, limits: ResponseLimits) -> HttpClient {
        HttpClient::new([&self.url], limits).unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read_request(stream: &mut BufReader<tokio::net::TcpStream>) -> String {
    let (mut head, mut length) = (String::new(), 0);
    while stream.read_line(&mut head).await.unwrap() > 2 {}
    for line in head.lines() {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

fn webhook_target() -> Target {
    let secrets = vec![WebhookSecret::generate().reveal()];
    Target::Webhook { url: "https://hooks.example.org/".to_owned(), secrets }
}

fn webhook(url: &Url, body: &str, now: DateTime<Utc>) -> (Target, EndpointRequest) {
    let target = webhook_target();
    let message = OutgoingMessage {
        id: "delivery1",
        body: MessageBody::Text(body.to_owned()),
        thread_key: "thread",
        previous_message_id: None,
        now,
    };
    let request = target.request(&message, None).unwrap();
    (target, EndpointRequest { url: url.clone(), ..request })
}

fn retry_reason(outcome: &EndpointOutcome) -> &str {
    match outcome {
        EndpointOutcome::Retry { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn success_is_recorded_even_with_a_long_answer() {
    let endpoint = Endpoint::start(|_| response("200 OK", "", &"x".repeat(100_000))).await;
    let (_, request) = webhook(&endpoint.url, "{\"a\":1}", crate::support::now());
    let outcome = deliver(&endpoint.client(ENDPOINT_LIMITS), request).await;
    assert_eq!(outcome, EndpointOutcome::Delivered { message_id: None });
    let sent = endpoint.requests().remove(0);
    assert!(sent.starts_with("POST /hook HTTP/1.1\r\n") && sent.ends_with("\r\n\r\n{\"a\":1}"), "{sent}");
    for header in ["webhook-id: delivery1\r\n", "webhook-signature: v1,", "content-type: application/json"] {
        assert!(sent.contains(header), "{header} in {sent}");
    }
}

#[tokio::test]
async fn redirects_are_failures_and_not_followed() {
    for status in ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let endpoint = Endpoint::start(move |_| response(status, "Location: /other\r\n", "")).await;
        let (_, request) = webhook(&endpoint.url, "{}", crate::support::now());
        let outcome = deliver(&endpoint.client(ENDPOINT_LIMITS), request).await;
        assert_eq!(retry_reason(&outcome), format!("the endpoint answered {status}"));
        assert_eq!(endpoint.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn retry_after_and_gone_are_honoured() {
    let busy = Endpoint::start(|_| response("429 Too Many Requests", "Retry-After: 90\r\n", "")).await;
    let (_, request) = webhook(&busy.url, "{}", crate::support::now());
    let outcome = deliver(&busy.client(ENDPOINT_LIMITS), request).await;
    let EndpointOutcome::Retry { after, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(after, Some(Duration::from_secs(90)));
    let gone = Endpoint::always("HTTP/1.1 410 Gone\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
    let (_, request) = webhook(&gone.url, "{}", crate::support::now());
    let outcome = deliver(&gone.client(ENDPOINT_LIMITS), request).await;
    assert_eq!(outcome, EndpointOutcome::Gone { reason: "the endpoint answered 410 Gone".into() });
}

#[tokio::test]
async fn hanging_endpoints_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let limits = ResponseLimits { time: Duration::from_millis(200), ..ENDPOINT_LIMITS };
    let client = HttpClient::new([&url], limits).unwrap();
    let (_, request) = webhook(&url, "{}", crate::support::now());
    let outcome = deliver(&client, request).await;
    assert!(retry_reason(&outcome).contains("timed out"), "{outcome:?}");
}

#[tokio::test]
async fn private_addresses_are_refused_without_naming_them() {
    let endpoint = Endpoint::always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let stranger = HttpClient::new([], ENDPOINT_LIMITS).unwrap();
    for url in [endpoint.url.as_str(), "https://127.0.0.1/secret-path", "https://localhost/secret-path"] {
        let (_, request) = webhook(&Url::parse(url).unwrap(), "{}", crate::support::now());
        let outcome = deliver(&stranger, request).await;
        assert!(!retry_reason(&outcome).contains("secret-path"), "{outcome:?}");
    }
    assert_eq!(endpoint.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn confusing_urls_never_reach_this_machine() {
    let client = HttpClient::new([], ENDPOINT_LIMITS).unwrap();
    for text in [
        "https://good.example@127.0.0.1/",
        "https://127.0.0.1#@good.example/",
        "https://good.example\\@127.0.0.1/",
        "https://127.0.0.1\t/",
        "https:127.0.0.1",
        "https:///127.0.0.1/",
        "https://１２７.0.0.1/",
        "https://127。0。0。1/",
        "https://%31%32%37.0.0.1/",
        "https://0/",
        "https://localhost./",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "//127.0.0.1/",
        "http://127.0.0.1:80/",
        "https://127.0.0.1:8443/",
        "unix:/run/socket",
        "gopher://127.0.0.1/",
    ] {
        let Ok((_, url)) = parse_visitor_url(text) else { continue };
        let (_, request) = webhook(&url, "{}", crate::support::now());
        let outcome = deliver(&client, request).await;
        let reason = retry_reason(&outcome);
        let is_refused = ["can't be requested", "not on the public internet", "metadata", "dns error"];
        assert!(is_refused.iter().any(|words| reason.contains(words)), "{text}: {reason}");
    }
}

/// The URL that this test requests when it runs in a process with proxies in its environment.
const REQUESTED: &str = "CANDOR_TEST_REQUESTED_URL";

#[tokio::test]
async fn proxies_of_the_environment_are_not_used() {
    if let Ok(url) = std::env::var(REQUESTED) {
        let url = Url::parse(&url).unwrap();
        let (_, request) = webhook(&url, "{}", crate::support::now());
        let outcome = deliver(&HttpClient::new([&url], ENDPOINT_LIMITS).unwrap(), request).await;
        assert_eq!(outcome, EndpointOutcome::Delivered { message_id: None });
        return;
    }
    let ok = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let (endpoint, proxy) = (Endpoint::always(ok).await, Endpoint::always(ok).await);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "endpoint_delivery::proxies_of_the_environment_are_not_used"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, proxy.url.as_str());
    }
    child.env(REQUESTED, endpoint.url.as_str()).env_remove("NO_PROXY").env_remove("no_proxy");
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((endpoint.requests().len(), proxy.requests().len()), (1, 0));
}

#[tokio::test]
async fn deleted_discord_message_is_posted_anew() {
    let endpoint = Endpoint::start(|request| {
        if request.starts_with("PATCH") {
            response("404 Not Found", "", r#"{"message": "Unknown Message", "code": 10008}"#)
        } else {
            response("200 OK", "", r#"{"id": "789"}"#)
        }
    })
    .await;
    let target = Target::Discord { url: endpoint.url.join("/api/webhooks/1/token").unwrap().into() };
    let message = OutgoingMessage {
        id: "delivery1",
        body: MessageBody::Json(json!({"content": "x"})),
        thread_key: "thread",
        previous_message_id: Some("456"),
        now: crate::support::now(),
    };
    let request = target.request(&message, None).unwrap();
    let outcome = deliver(&endpoint.client(ENDPOINT_LIMITS), request).await;
    assert_eq!(outcome, EndpointOutcome::Delivered { message_id: Some("789".into()) });
    let lines: Vec<String> = endpoint.requests().iter().map(|sent| sent.lines().next().unwrap().to_owned()).collect();
    let (edit, post) =
        ("PATCH /api/webhooks/1/token/messages/456 HTTP/1.1", "POST /api/webhooks/1/token?wait=true HTTP/1.1");
    assert_eq!(lines, [edit, post]);
}

#[tokio::test]
async fn challenge_passes_only_if_it_is_returned() {
    let challenge = Challenge::generate();
    let now = crate::support::now();
    let echo = Endpoint::start(|request| {
        let body = request.split("\r\n\r\n").nth(1).unwrap();
        let sent: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(sent["type"], "webhook.verification");
        response("200 OK", "", sent["data"]["challenge"].as_str().unwrap())
    })
    .await;
    let mirror = Endpoint::start(|request| response("200 OK", "", request)).await;
    let silent = Endpoint::always("HTTP/1.1 204 No Content\r\n\r\n").await;
    for (endpoint, passes) in [(&echo, true), (&mirror, false), (&silent, false)] {
        let (_, request) = webhook(&endpoint.url, &challenge.body(now), now);
        assert_eq!(request.channel, Channel::Webhook);
        let outcome = challenge.verify(&endpoint.client(ENDPOINT_LIMITS), &request).await;
        assert_eq!(outcome == ChallengeOutcome::Passed, passes, "{outcome:?}");
    }
}

/// Reads the headers and the body, and verifies `v1` with the official library and `v1a` with a library for Ed25519.
const VERIFIER: &str = r#"
import base64, json, sys
from standardwebhooks.webhooks import Webhook
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
given = json.load(sys.stdin)
body, headers = given["body"], given["headers"]
Webhook(given["secret"]).verify(body, headers)
signatures = dict(one.split(",") for one in headers["webhook-signature"].split(" "))
public = Ed25519PublicKey.from_public_bytes(base64.b64decode(given["public"].removeprefix("whpk_")))
signed = f'{headers["webhook-id"]}.{headers["webhook-timestamp"]}.{body}'
public.verify(base64.b64decode(signatures["v1a"]), signed.encode())
try:
    Webhook(given["secret"]).verify(body + " ", headers)
except Exception:
    print("verified")
"#;

#[test]
fn official_library_verifies_the_signatures() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/webhooks/bin/python");
    if !python.exists() {
        assert!(std::env::var_os("CANDOR_REQUIRE_WEBHOOKS").is_none(), "run `.ci/tools webhooks` first");
        return skipped("the verifier of webhooks is missing: run `.ci/tools webhooks`");
    }
    let pair = WebhookKeyPair::generate().unwrap();
    let target = webhook_target();
    let Target::Webhook { secrets, .. } = &target else { panic!("{target:?}") };
    let body = "{\"name\":\"Tiles · é 🦀 \\u0000\",\"n\":1.0}";
    let message = OutgoingMessage {
        id: "delivery1",
        body: MessageBody::Text(body.to_owned()),
        thread_key: "thread",
        previous_message_id: None,
        // The library compares with the clock of the machine.
        #[expect(clippy::disallowed_methods, reason = "the library reads this clock")]
        now: Utc::now(),
    };
    let request = target.request(&message, Some(&pair)).unwrap();
    let headers: serde_json::Map<_, _> =
        request.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let given = json!({"body": request.body, "headers": headers, "secret": secrets[0], "public": pair.public_key()});
    let mut verifier = Command::new(python)
        .args(["-c", VERIFIER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut verifier.stdin.take().unwrap(), given.to_string().as_bytes()).unwrap();
    let output = verifier.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "verified", "{errors}");
}
