//! `candor mail check` and `candor mail test`, with a DNS server and a mail server of the test.

use std::path::Path;
use std::process::{Command, Stdio};

use candor::notify::dkim::DkimSigner;

use crate::support::dns::{Record, serve_dns};
use crate::support::smtp::FakeSmtpServer;

const FROM: &str = "Status <status@status.tidewater.example>";

fn key_file(name: &str) -> String {
    format!("{}/tests/it/fixtures/dkim/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn record_of(name: &str) -> String {
    DkimSigner::new("tidewater.example", "s2026", &std::fs::read(key_file(name)).unwrap()).unwrap().record()
}

struct Outcome {
    code: Option<i32>,
    text: String,
}

/// Runs `candor mail` with these arguments and the settings of a sender.
async fn run_mail(smtp_url: &str, arguments: &[&str]) -> Outcome {
    let settings = [
        ("CANDOR_SMTP_URL", smtp_url.to_owned()),
        ("CANDOR_SMTP_FROM", FROM.to_owned()),
        ("CANDOR_BASE_URL", "https://status.tidewater.example".to_owned()),
        ("CANDOR_MAIL_BOUNCE_ADDRESS", "bounce@bounces.tidewater.example".to_owned()),
        ("CANDOR_DKIM_DOMAIN", "tidewater.example".to_owned()),
        ("CANDOR_DKIM_SELECTOR", "s2026".to_owned()),
        ("CANDOR_DKIM_KEY_FILE", key_file("rsa-pkcs8.pem")),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
    command.arg("mail").args(arguments).env_clear().envs(settings).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    Outcome { code: output.status.code(), text }
}

async fn check(smtp_url: &str, records: Vec<(&'static str, Record)>) -> Outcome {
    let dns = serve_dns(records).await;
    run_mail(smtp_url, &["check", "--dns-server", &dns.to_string()]).await
}

fn txt(text: &str) -> Record {
    Record::Txt(text.to_owned())
}

fn good_records() -> Vec<(&'static str, Record)> {
    vec![
        ("bounces.tidewater.example", Record::Mx("mail.tidewater.example")),
        ("bounces.tidewater.example", txt("another record")),
        ("bounces.tidewater.example", txt("v=spf1 include:_spf.relay.example -all")),
        ("_spf.relay.example", txt("v=spf1 ip4:192.0.2.0/24 -all")),
        ("status.tidewater.example", Record::Mx("mail.tidewater.example")),
        ("s2026._domainkey.tidewater.example", txt(&record_of("rsa-pkcs8.pem"))),
        ("_dmarc.tidewater.example", txt("v=DMARC1; p=none")),
    ]
}

/// The line with this text and the mark before it.
fn mark_of(outcome: &Outcome, text: &str) -> String {
    let line = outcome.text.lines().find(|line| line.contains(text));
    line.unwrap_or_else(|| panic!("{text}: {}", outcome.text)).split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn complete_records_have_no_problem() {
    let server = FakeSmtpServer::open().await;
    let outcome = check(&server.url, good_records()).await;
    assert_eq!(outcome.code, Some(0), "{}", outcome.text);
    for (text, mark) in [
        ("Mail server: connected, not encrypted", "notice"),
        ("MX of bounces.tidewater.example: mail.tidewater.example", "good"),
        ("MX of status.tidewater.example", "good"),
        ("SPF of bounces.tidewater.example: v=spf1", "good"),
        ("DKIM: the key at s2026._domainkey.tidewater.example is that of", "good"),
        ("DMARC at _dmarc.tidewater.example", "good"),
        ("No problem found.", "No"),
    ] {
        assert_eq!(mark_of(&outcome, text), mark, "{text}");
    }
}

#[tokio::test]
async fn missing_records_are_named_with_what_to_publish() {
    let server = FakeSmtpServer::open().await;
    let outcome = check(&server.url, Vec::new()).await;
    assert_eq!(outcome.code, Some(1), "{}", outcome.text);
    for text in ["MX of bounces", "MX of status", "SPF of bounces", "DKIM: no key", "DMARC of status"] {
        assert_eq!(mark_of(&outcome, text), "PROBLEM", "{text}");
    }
    let publish = format!("s2026._domainkey.tidewater.example: TXT \"{}\"", record_of("rsa-pkcs8.pem"));
    assert!(outcome.text.contains(&publish), "{}", outcome.text);
    assert!(outcome.text.contains("5 problems found."), "{}", outcome.text);
}

#[tokio::test]
async fn wrong_records_are_problems() {
    let server = FakeSmtpServer::open().await;
    let key = record_of("rsa-pkcs1.pem").replace("p=MII", "p=MIJ");
    let includes = "include:_spf.relay.example ".repeat(6);
    for (name, record, text) in [
        ("s2026._domainkey.tidewater.example", txt(&key), "is another than that of"),
        ("_spf.relay.example", txt(&format!("v=spf1 {includes} -all")), "SPF of bounces"),
        ("status.tidewater.example", Record::Mx(""), "a null MX"),
    ] {
        let mut records = good_records();
        records.retain(|(of, _)| *of != name);
        records.push((name, record));
        let outcome = check(&server.url, records).await;
        assert_eq!((outcome.code, mark_of(&outcome, text).as_str()), (Some(1), "PROBLEM"), "{}", outcome.text);
    }
}

#[tokio::test]
async fn unreachable_servers_are_reported() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let outcome = check(&url, good_records()).await;
    assert_eq!(outcome.code, Some(1), "{}", outcome.text);
    assert_eq!(mark_of(&outcome, "Mail server: connecting to the mail server"), "PROBLEM");
    let closed = url.trim_start_matches("smtp://");
    let outcome = run_mail(&url, &["check", "--dns-server", closed]).await;
    assert!(outcome.text.contains("Candor could not check it."), "{}", outcome.text);
    assert_eq!((outcome.code, mark_of(&outcome, "SPF of bounces").as_str()), (Some(1), "PROBLEM"));
}

#[tokio::test]
async fn test_mail_is_sent_signed() {
    let server = FakeSmtpServer::open().await;
    let outcome = run_mail(&server.url, &["test", "ines@example.org"]).await;
    assert_eq!(outcome.code, Some(0), "{}", outcome.text);
    let mail = server.mails().remove(0);
    assert_eq!(
        (mail.to, mail.from.as_str()),
        (vec!["TO:<ines@example.org>".to_owned()], "FROM:<bounce+test@bounces.tidewater.example>")
    );
    assert!(mail.data.starts_with("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=tidewater.example;"));
    assert!(server.commands(1).contains(&"QUIT".to_owned()));
}

#[tokio::test]
async fn rejected_test_mail_says_why() {
    let server = FakeSmtpServer::open().await;
    server.reject_next("RCPT", "550 5.1.1 no such user");
    let outcome = run_mail(&server.url, &["test", "ines@example.org"]).await;
    assert_eq!(outcome.code, Some(1), "{}", outcome.text);
    assert!(outcome.text.contains("550 5.1.1 no such user") && outcome.text.contains("does not exist"));
    let outcome = run_mail(&server.url, &["test", "ines@example.org\r\nBcc: x@example.org"]).await;
    assert!(outcome.code == Some(1) && outcome.text.contains("the recipient"), "{}", outcome.text);
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn incomplete_settings_are_explained() {
    for (removed, words) in [
        ("CANDOR_SMTP_URL", "set both --smtp-url and --smtp-from"),
        ("CANDOR_DKIM_SELECTOR", "set both --dkim-selector and --dkim-key-file"),
        ("CANDOR_DKIM_KEY_FILE", "set both --dkim-selector and --dkim-key-file"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
        let all = [
            ("CANDOR_SMTP_URL", "smtp://127.0.0.1:9"),
            ("CANDOR_SMTP_FROM", FROM),
            ("CANDOR_DKIM_SELECTOR", "s2026"),
            ("CANDOR_DKIM_KEY_FILE", &key_file("ed25519.pem")),
        ];
        let rest = all.into_iter().filter(|(name, _)| *name != removed);
        let output = command.args(["mail", "check"]).env_clear().envs(rest).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(words), "{removed}: {error}");
    }
    assert!(Path::new(&key_file("ed25519.pem")).exists());
}
