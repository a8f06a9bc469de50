//! Certificates by ACME: the program gets them from Pebble, a real server of the protocol.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use candor::db::acme::{self, AcmeKind};
use tempfile::TempDir;

use crate::support::TestDb;
use crate::support::pebble::{Pebble, free_address};

const PATIENCE: Duration = Duration::from_secs(60);
const DOMAINS: &str = "status.example.org,www.status.example.org";

struct Node {
    child: Child,
    address: SocketAddr,
    redirect: SocketAddr,
    metrics: SocketAddr,
    data: TempDir,
}

impl Node {
    /// A server that looks at its certificate twice a second.
    fn start(
        directory: &str,
        pebble: &Pebble,
        database: Option<&str>,
        redirect: SocketAddr,
        secret_key: Option<&Path>,
    ) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), directory, pebble, database, redirect, secret_key)
    }

    fn start_in(
        data: TempDir,
        directory: &str,
        pebble: &Pebble,
        database: Option<&str>,
        redirect: SocketAddr,
        secret_key: Option<&Path>,
    ) -> Self {
        let (address, metrics) = (free_address(), free_address());
        let sqlite = format!("sqlite://{}", data.path().join("candor.db").display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
        command
            .args(["serve", "--listen", &address.to_string(), "--redirect-listen", &redirect.to_string()])
            .args(["--metrics-listen", &metrics.to_string(), "--acme-domain", DOMAINS])
            .args(["--acme-email", "ops@example.org", "--acme-directory", directory])
            .env_clear()
            .env("CANDOR_DATABASE_URL", database.unwrap_or(&sqlite))
            .env("CANDOR_DATA_DIR", data.path())
            .env("CANDOR_TEST_CERTIFICATE_CHECK_MS", "500")
            .env("SSL_CERT_FILE", pebble.authority_file())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(file) = secret_key {
            command.env("CANDOR_SECRET_KEY_FILE", file);
        }
        Self { child: command.spawn().unwrap(), address, redirect, metrics, data }
    }

    /// The subject, issuer, serial number and end of the certificate that a client gets.
    fn certificate(&self) -> String {
        let script = format!(
            "openssl s_client -connect {} -servername status.example.org </dev/null 2>/dev/null |
             openssl x509 -noout -issuer -serial -enddate -ext subjectAltName",
            self.address
        );
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    async fn wait_for(&self, what: &str, accepted: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let certificate = self.certificate();
            if accepted(&certificate) {
                return certificate;
            }
            assert!(begun.elapsed() < PATIENCE, "in vain: {what}: {certificate}\n{}", self.metrics());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn issued(&self) -> String {
        self.wait_for("a certificate of Pebble", |text| text.contains("issuer=CN = Pebble Intermediate")).await
    }

    async fn publishes(&self) {
        let (begun, page) = (Instant::now(), format!("https://{}/healthz", self.address));
        while self.curl(&["--insecure", &page]) != "ok\n" {
            assert!(begun.elapsed() < PATIENCE, "it does not publish");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn metrics(&self) -> String {
        self.curl(&["--fail", &format!("http://{}/metrics", self.metrics)])
    }

    fn metric(&self, name: &str) -> i64 {
        let text = self.metrics();
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or_else(|| panic!("{name}: {text}"))
    }

    fn curl(&self, arguments: &[&str]) -> String {
        let output = Command::new("curl").args(["--silent", "--max-time", "10"]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Ends the program; its data folder stays.
    fn end(mut self) -> TempDir {
        let _ = self.child.kill();
        let _ = self.child.wait();
        std::mem::replace(&mut self.data, tempfile::tempdir().unwrap())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn challenge_address(pebble: &Pebble) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], pebble.challenge_port))
}

#[tokio::test]
async fn certificate_is_issued_stored_and_renewed() {
    // Two thirds of this pass within the test.
    let Some(pebble) = Pebble::start(30).await else { return };
    let node = Node::start(&pebble.directory, &pebble, None, challenge_address(&pebble), None);
    node.publishes().await;
    let first = node.issued().await;
    assert!(first.contains("DNS:status.example.org") && first.contains("DNS:www.status.example.org"), "{first}");
    assert!(node.metric("candor_certificate_seconds") > 0);
    for file in ["account.json", "certificate.pem"] {
        let mode = node.data.path().join("acme").join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let port = node.address.port();
    let resolve = format!("www.status.example.org:{port}:127.0.0.1");
    let page = format!("https://www.status.example.org:{port}/healthz");
    assert_eq!(node.curl(&["--insecure", "--resolve", &resolve, &page]), "ok\n");
    let redirect = node.curl(&["--include", &format!("http://{}/.well-known/acme-challenge/unknown", node.redirect)]);
    assert!(redirect.starts_with("HTTP/1.1 404 "), "{redirect}");
    node.wait_for("it is renewed", |text| text.contains("Pebble") && *text != first).await;
    assert_eq!(node.metric("candor_certificate_failures_total"), 0);
}

#[tokio::test]
async fn stored_certificate_is_used_after_a_restart_without_the_authority() {
    let Some(mut pebble) = Pebble::start(3_600).await else { return };
    let node = Node::start(&pebble.directory, &pebble, None, challenge_address(&pebble), None);
    let issued = node.issued().await;
    let data = node.end();
    let address = challenge_address(&pebble);
    let directory = pebble.directory.clone();
    pebble.end();
    let node = Node::start_in(data, &directory, &pebble, None, address, None);
    assert_eq!(node.issued().await, issued);
    assert_eq!(node.metric("candor_certificate_failures_total"), 0);
}

#[tokio::test]
async fn failure_leaves_the_page_up_and_is_reported() {
    let Some(pebble) = Pebble::start(3_600).await else { return };
    // Pebble asks on another port than the one that answers.
    let node = Node::start(&pebble.directory, &pebble, None, free_address(), None);
    node.publishes().await;
    node.wait_for("a stand-in", |text| text.contains("DNS:status.example.org")).await;
    let page = format!("https://{}/", node.address);
    let begun = Instant::now();
    while node.metric("candor_certificate_failures_total") == 0 {
        assert!(begun.elapsed() < PATIENCE, "{}", node.metrics());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let head = node.curl(&["--insecure", "--include", &page]);
    assert!(head.starts_with("HTTP/2 200"), "{head}");
    let ready = || node.curl(&["--insecure", &format!("https://{}/readyz", node.address)]);
    while !ready().contains("\"trouble\":\"certificate\"") {
        assert!(begun.elapsed() < PATIENCE, "{}", ready());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(node.metric("candor_certificate_seconds") < 0);
}

#[tokio::test]
async fn nodes_share_account_challenge_and_certificate() {
    let Some(test) = TestDb::postgres().await else { return };
    let Some(pebble) = Pebble::start(3_600).await else { return };
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("secret.key");
    std::fs::write(&key, "0123456789abcdef".repeat(4)).unwrap();
    // Pebble asks the first node, which can't order certificates, for the answer to the challenge of the second.
    let asked =
        Node::start("https://127.0.0.1:1/dir", &pebble, Some(&test.url), challenge_address(&pebble), Some(&key));
    let ordering = Node::start(&pebble.directory, &pebble, Some(&test.url), free_address(), Some(&key));
    let certificate = ordering.issued().await;
    assert_eq!(asked.wait_for("it is the same", |text| text == certificate).await, certificate);
    let mut tx = test.db.read().await.unwrap();
    let sealed = acme::find(&mut tx, AcmeKind::Certificate, DOMAINS).await.unwrap().expect("it is shared");
    assert!(!sealed.contains("PRIVATE KEY"), "{sealed}");
    let account = acme::find(&mut tx, AcmeKind::Account, &pebble.directory).await.unwrap().expect("it is shared");
    assert!(!account.contains("key_pkcs8"), "{account}");
    drop(tx);
    for node in [&asked, &ordering] {
        assert!(!node.data.path().join("acme/account.json").exists());
        assert_eq!(node.certificate(), certificate);
        assert!(node.data.path().join("acme/certificate.pem").exists(), "it has a copy for an outage of the database");
    }
}
