//! `candor mail bounce`, and real bounces compared with another reader.

use std::collections::BTreeMap;
use std::path::Path;

use candor::actions::bounces::BOUNCE_KEY;
use candor::credentials::secret_key::SecretKey;
use candor::db::subscribers;
use candor::domain::subscriber::{Scope, SubscriberState};
use candor::domain::{NoticeId, SubscriberId};
use candor::notify::bounce::{Bounce, BounceKind, read_bounce};
use candor::notify::bounce_token::{make_token, verify_token};
use candor::notify::{Mailer, OutgoingMail};
use chrono::DateTime;

use crate::cli::{candor, stderr_text, stdout_text};
use crate::support::TestDb;
use crate::support::subscribers::{subscribe, subscriber};
use crate::support::tools::{bounce_corpus, mail_python, run_python};

const KEY: [u8; 32] = [7; 32];

/// What a mail server sends back for a mail from this envelope sender.
fn delivery_report(sender: &str, action: &str, status: &str) -> String {
    format!(
        "Return-Path: <>\r\nTo: {sender}\r\nSubject: Undelivered mail\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=part\r\n\r\n\
         --part\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example.org\r\n\r\n\
         Final-Recipient: rfc822; ines@example.org\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; 550 {status} no such user\r\n\r\n--part--\r\n"
    )
}

#[test]
fn bounce_leads_back_to_the_mail_that_was_sent() {
    let (subscriber, notice) = (SubscriberId::parse("8sk2m0q1x7aa").unwrap(), NoticeId::parse("n0t1ce000001").unwrap());
    let mailer = Mailer::new("smtp://127.0.0.1:9", "status@tidewater.example", "https://status.example.org", &[]);
    let mailer = mailer.unwrap().with_bounce_address("bounce@status.example.org").unwrap();
    let mail = OutgoingMail {
        id: "update.abc.def".to_owned(),
        to: "ines@example.org".to_owned(),
        envelope_from: mailer.bounce_address(&make_token(&KEY, &subscriber, &notice)),
        ..OutgoingMail::default()
    };
    let sender = mailer.compose(&mail, DateTime::UNIX_EPOCH).unwrap().envelope.from().unwrap().to_string();
    // Some servers change the case.
    for sender in [sender.clone(), sender.to_uppercase().to_lowercase()] {
        let bounce = read_bounce(delivery_report(&sender, "failed", "5.1.1").as_bytes()).unwrap();
        assert_eq!(bounce.kind, BounceKind::Hard);
        let found = verify_token(&KEY, &bounce.token.unwrap());
        assert_eq!(found, Some((subscriber.clone(), notice.clone())));
    }
}

#[apply(on_both_databases!)]
async fn bounce_command_quarantines_the_subscriber_of_its_token(test: TestDb) {
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("secret.key");
    let key = SecretKey::from_file(key_file.clone()).derive_key(BOUNCE_KEY).unwrap();
    let ines = subscriber(&test, "ines", Scope::Page);
    subscribe(&test, [ines.clone()]).await;
    let token = make_token(&key, &ines.id, &NoticeId::parse("n0t1ce000001").unwrap());
    let sender = format!("bounce+{token}@status.example.org");
    let command = ["mail", "bounce", "--secret-key-file", key_file.to_str().unwrap()];
    // A report without a token that the server made proves nothing.
    let forged = sender.replace("ines.", "other.");
    let error = stderr_text(&candor(&test, &command, &delivery_report(&forged, "failed", "5.1.1")), 2);
    assert!(error.contains("does not prove"), "{error}");
    let state = async || subscribers::find(&mut test.read().await.unwrap(), &ines.id).await.unwrap().state;
    assert_eq!(state().await, SubscriberState::Active);
    let printed = stdout_text(&candor(&test, &command, &delivery_report(&sender, "failed", "5.1.1")));
    for line in [
        "Kind:       hard bounce",
        "Recipient:  ines@example.org",
        "Status:     5.1.1",
        "Diagnostic: 550 5.1.1 no such user",
        "The subscriber is quarantined and gets no further messages.",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line}: {printed}");
    }
    assert_eq!(state().await, SubscriberState::Quarantined);
}

#[apply(on_both_databases!)]
async fn bounce_command_says_why_a_mail_is_no_bounce(test: TestDb) {
    let sender = "bounce+8sk2m0q1x7aa.n0t1ce000001.0123456789abcdef0123@status.example.org";
    for (input, words) in [
        (delivery_report(sender, "delayed", "4.2.0"), "reports a delay"),
        ("Auto-Submitted: auto-replied\r\n\r\nI am away.\r\n".to_owned(), "automatic reply"),
        ("Subject: Hello\r\n\r\nText\r\n".to_owned(), "neither"),
        (String::new(), "not a mail"),
    ] {
        let error = stderr_text(&candor(&test, &["mail", "bounce"], &input), 2);
        assert!(error.contains(words), "{words}: {error}");
    }
}

/// Prints for each file of the folder its name, then the addresses that failed for good, by flufl.bounce.
const SCAN: &str = r#"
import email, pathlib, sys
from flufl.bounce import all_failures
for path in sorted(pathlib.Path(sys.argv[1]).glob('*.txt')):
    temporary, permanent = all_failures(email.message_from_bytes(path.read_bytes()))
    print(path.name, *sorted(address.decode().lower() for address in permanent))
"#;

/// The files of the corpus with a standard report of a failure.
fn read_corpus(folder: &Path) -> BTreeMap<String, Bounce> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mails = files.filter(|file| file.extension().is_some_and(|kind| kind == "txt"));
    let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    mails.filter_map(|file| Some((name(&file), read_bounce(&std::fs::read(&file).unwrap()).ok()?))).collect()
}

#[test]
fn recipients_of_real_bounces_are_those_of_another_reader() {
    let (Some(folder), Some(python)) = (bounce_corpus(), mail_python()) else { return };
    let bounces = read_corpus(&folder);
    let scanned = run_python(&python, SCAN, &[folder.to_str().unwrap()], b"");
    let scanned: BTreeMap<&str, Vec<&str>> = scanned
        .lines()
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .map(|(name, addresses)| (name, addresses.split(' ').collect()))
        .collect();
    let names: Vec<&str> = bounces.keys().map(String::as_str).collect();
    let standard =
        ["01", "02", "04", "09", "10", "11", "12", "13", "14", "16"].map(|number| format!("dsn_{number}.txt"));
    assert_eq!(names[..10], standard, "failures with a status; 15 is attached to another mail");
    for (name, bounce) in &bounces {
        let others = &scanned[name.as_str()];
        match &bounce.recipient {
            Some(recipient) => assert!(others.contains(&recipient.as_str()), "{name}: {recipient} and {others:?}"),
            // The other reader takes X.400 addresses too.
            None => assert!(["dsn_02.txt", "dsn_09.txt"].contains(&name.as_str()), "{name}: {others:?}"),
        }
        let is_known = bounce.status.is_some_and(|status| status.to_string() == "5.1.1");
        assert_eq!(bounce.kind == BounceKind::Hard, is_known, "{name}: {bounce:?}");
    }
}
