//! The connections to the mail server, against Postfix's `smtp-sink`.

use std::time::{Duration, Instant};

use candor::notify::{MailFailure, MailPool, MailServer, PoolLimits, SmtpFailure, SmtpLimits};
use lettre::address::Envelope;
use tokio::task::JoinSet;
use url::Url;

use crate::support::tools::SmtpSink;

fn pool(sink: &SmtpSink, limits: PoolLimits, time: Duration) -> MailPool {
    let limits_of_mail = SmtpLimits { time, ..SmtpLimits::default() };
    let url = Url::parse(&sink.url).unwrap();
    MailPool::new(MailServer::new(&url, "status.example.org".into(), b"", limits_of_mail).unwrap(), limits)
}

/// Sends `count` mails of some kilobytes at the same time.
async fn send_many(pool: &MailPool, count: usize) -> Vec<Result<(), SmtpFailure>> {
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let pool = pool.clone();
        tasks.spawn(async move {
            let from = "status@tidewater.example".parse().unwrap();
            let to = format!("reader{number}@example.org").parse().unwrap();
            let mail = format!("Subject: Tiles\r\n\r\n{}", "Tiles load slowly.\r\n".repeat(150));
            pool.send(&Envelope::new(Some(from), vec![to]).unwrap(), mail.as_bytes()).await
        });
    }
    tasks.join_all().await
}

async fn failures_of(options: &[&str], time: Duration) -> Option<Vec<SmtpFailure>> {
    let sink = SmtpSink::start(options).await?;
    let limits = PoolLimits { connections: 2, ..PoolLimits::default() };
    let sent = send_many(&pool(&sink, limits, time), 4).await;
    Some(sent.into_iter().map(|sent| sent.expect_err("smtp-sink fails every mail")).collect())
}

const PATIENCE: Duration = Duration::from_secs(20);

/// The acknowledgement that the last packet of a mail waits for without TCP_NODELAY takes 40 ms, which makes 25 mails a
/// second.
#[tokio::test]
async fn mails_do_not_wait_for_acknowledgements() {
    let Some(sink) = SmtpSink::start(&[]).await else { return };
    let pool = pool(&sink, PoolLimits { connections: 1, ..PoolLimits::default() }, PATIENCE);
    let begun = Instant::now();
    assert!(send_many(&pool, 250).await.iter().all(Result::is_ok));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn rejections_are_classified() {
    for (options, kind, words) in [
        (&["-Q", "MAIL"][..], MailFailure::Temporary, "421"),
        (&["-Q", "RCPT"], MailFailure::Temporary, "421"),
        (&["-Q", "."], MailFailure::Temporary, "421"),
        (&["-r", "RCPT"], MailFailure::Temporary, "450 4.3.0"),
        (&["-r", "CONNECT"], MailFailure::Temporary, "450 4.3.0"),
        (&["-f", "RCPT", "-B", "550 5.1.1 no such user"], MailFailure::Recipient, "550 5.1.1"),
        (&["-f", "RCPT", "-B", "550 no such user"], MailFailure::Recipient, "550 no"),
        (&["-f", ".", "-B", "550 5.7.26 no DKIM"], MailFailure::Policy, "550 5.7.26"),
        (&["-f", "DATA"], MailFailure::Permanent, "500 5.3.0"),
    ] {
        let Some(failures) = failures_of(options, PATIENCE).await else { return };
        for failure in failures {
            assert_eq!(failure.kind, kind, "{options:?}: {failure}");
            assert!(failure.words.starts_with(words), "{options:?}: {failure}");
        }
    }
}

#[tokio::test]
async fn hanging_up_is_temporary() {
    for command in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let Some(failures) = failures_of(&["-q", command], PATIENCE).await else { return };
        assert!(failures.iter().all(|failure| failure.kind == MailFailure::Temporary), "{command}: {failures:?}");
    }
}

#[tokio::test]
async fn slow_answers_are_limited_by_time() {
    for command in ["EHLO:30", "RCPT:30", ".:30"] {
        let Some(failures) = failures_of(&["-W", command], Duration::from_millis(300)).await else { return };
        for failure in failures {
            assert_eq!(failure.kind, MailFailure::Temporary);
            assert!(failure.words.contains("did not accept it within"), "{command}: {failure}");
        }
    }
}
