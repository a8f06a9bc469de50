//! DKIM signatures, verified by dkimpy, of mail as a server receives it.

use std::path::Path;

use candor::notify::dkim::DkimSigner;
use candor::notify::{ListId, Mailer, OutgoingMail};
use chrono::{DateTime, Utc};

use crate::support::smtp::FakeSmtpServer;
use crate::support::tools::{mail_python, run_python};

/// Verifies the mail on standard input with the record in the first argument at the name in the second. Prints the
/// result and the signed headers.
const VERIFY: &str = r#"
import dkim, sys
record, name = sys.argv[1:3]
def look_up(asked, timeout=5):
    assert asked.decode().rstrip('.') == name, asked
    return record.encode()
verifier = dkim.DKIM(sys.stdin.buffer.read(), minkey=2048)
try:
    good = verifier.verify(dnsfunc=look_up)
except dkim.DKIMException:
    good = False
print(good, b':'.join(name for name, value in verifier.signed_headers or []).decode().lower())
"#;

fn key(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/dkim").join(name)).unwrap()
}

fn signer(name: &str) -> DkimSigner {
    DkimSigner::new("tidewater.example", "s2026", &key(name)).unwrap()
}

fn notice() -> OutgoingMail {
    let text = |text: &str| text.to_owned();
    OutgoingMail {
        id: text("update.abc.def"),
        to: text("ines@example.org"),
        subject: text("Kacheln laden langsam – «Übersicht»"),
        text: text("Tiles load slowly  \n\n.\n..\n a \t b\n\n\n"),
        html: Some(text("<p>Tiles load  slowly</p>\n")),
        references: Some(text("incident.abc.def")),
        unsubscribe_url: Some(format!("https://status.example.org/u/{}", "t".repeat(120))),
        list_id: Some(ListId { name: text("Tidewater Maps"), id: text("incidents.status.example.org") }),
        feedback_id: Some(text("incident:page:candor:status.example.org")),
        ..OutgoingMail::default()
    }
}

async fn received(key: &str) -> String {
    let server = FakeSmtpServer::open().await;
    let mailer = Mailer::new(&server.url, "Status <status@tidewater.example>", "https://status.example.org", &[]);
    let mailer = mailer.unwrap().with_dkim(signer(key));
    let now: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
    mailer.send_mail(&notice(), now).await.unwrap();
    server.mails().remove(0).data
}

fn verify(python: &Path, signer: &DkimSigner, mail: &str) -> String {
    run_python(python, VERIFY, &[&signer.record(), &signer.record_name()], mail.as_bytes())
}

#[tokio::test]
async fn signatures_are_verified_and_cover_list_headers() {
    let Some(python) = mail_python() else { return };
    for name in ["rsa-pkcs1.pem", "rsa-pkcs8.pem", "ed25519.pem"] {
        let verified = verify(&python, &signer(name), &received(name).await);
        let (result, headers) = verified.trim().split_once(' ').unwrap();
        assert_eq!(result, "True", "{name}");
        let signed: Vec<&str> = headers.split(':').collect();
        for header in [
            "from",
            "to",
            "subject",
            "date",
            "message-id",
            "mime-version",
            "content-type",
            "list-unsubscribe",
            "list-unsubscribe-post",
            "list-id",
            "auto-submitted",
            "in-reply-to",
            "references",
        ] {
            assert!(signed.contains(&header), "{name}: {header} is not in {signed:?}");
        }
    }
}

#[tokio::test]
async fn changed_mails_are_not_verified_and_refolded_ones_are() {
    let Some(python) = mail_python() else { return };
    let mail = received("rsa-pkcs8.pem").await;
    let signer = signer("rsa-pkcs8.pem");
    let is_verified = |mail: &str| verify(&python, &signer, mail).starts_with("True");
    for (what, changed) in [
        ("another link", mail.replace("/u/ttt", "/u/xtt")),
        ("no one-click header", mail.replace("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "")),
        ("another sender before it", format!("From: evil@tidewater.example\r\n{mail}")),
        ("another list", mail.replace("incidents.status.example.org", "other.status.example.org")),
        ("another text", mail.replace("slowly", "fast")),
        ("another subject", mail.replace("Subject: ", "Subject: x ")),
    ] {
        assert_ne!(changed, mail, "{what}");
        assert!(!is_verified(&changed), "{what}");
    }
    for (what, changed) in [
        ("header names in capitals", mail.replace("\r\nList-Id:", "\r\nLIST-ID:")),
        ("folded differently", mail.replace("To: ines", "To:\r\n\t ines")),
        ("empty lines at the end", format!("{mail}\r\n\r\n")),
        ("a header of a relay", format!("Received: from a by b; Fri, 20 Nov 2026 12:00:01 +0000\r\n{mail}")),
    ] {
        assert_ne!(changed, mail, "{what}");
        assert!(is_verified(&changed), "{what}");
    }
}

#[test]
fn short_rsa_keys_are_rejected() {
    let error = DkimSigner::new("tidewater.example", "s2026", &key("rsa-1024.pem")).unwrap_err();
    assert!(format!("{error:#}").contains("2048"), "{error:#}");
}
