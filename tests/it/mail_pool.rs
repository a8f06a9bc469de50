//! The connections to the mail server, against a server that answers as the tests ask it to.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use candor::notify::{
    ListId, MailFailure, MailPool, MailServer, Mailer, OutgoingMail, PoolLimits, SmtpFailure, SmtpLimits,
};
use futures_util::future::join_all;
use lettre::address::Envelope;
use tokio::task::JoinSet;
use url::Url;

use crate::support::server::until;
use crate::support::smtp::{Certificate, FakeSmtpServer, Mail};

/// Far more than a mail takes here.
const PATIENCE: SmtpLimits = SmtpLimits { time: Duration::from_secs(20), received: 32 * 1024 };

fn pool_of(url: &str, authorities: &[u8], limits: PoolLimits, time: SmtpLimits) -> MailPool {
    let url = Url::parse(url).unwrap();
    MailPool::new(MailServer::new(&url, "status.example.org".into(), authorities, time).unwrap(), limits)
}

fn pool(server: &FakeSmtpServer, limits: PoolLimits) -> MailPool {
    pool_of(&server.url, b"", limits, PATIENCE)
}

fn one_connection() -> PoolLimits {
    PoolLimits { connections: 1, ..PoolLimits::default() }
}

async fn send(pool: &MailPool, to: &str) -> Result<(), SmtpFailure> {
    let (from, to) = ("status@tidewater.example".parse().unwrap(), to.parse().unwrap());
    pool.send(&Envelope::new(Some(from), vec![to]).unwrap(), b"Subject: Tiles\r\n\r\nText\r\n").await
}

async fn send_many(pool: &MailPool, count: usize) -> Vec<Result<(), SmtpFailure>> {
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let pool = pool.clone();
        tasks.spawn(async move { send(&pool, &format!("reader{number}@example.org")).await });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn concurrent_mails_share_few_connections() {
    let server = FakeSmtpServer::open().await;
    let pool = pool(&server, PoolLimits { connections: 3, ..PoolLimits::default() });
    assert!(send_many(&pool, 60).await.iter().all(Result::is_ok));
    let mut to: Vec<_> = server.mails().into_iter().flat_map(|mail| mail.to).collect();
    to.sort_unstable();
    to.dedup();
    assert_eq!(to.len(), 60);
    assert!(server.most_connections() <= 3, "{}", server.most_connections());
}

#[tokio::test]
async fn connection_ends_after_its_share_of_mails() {
    let server = FakeSmtpServer::open().await;
    let pool = pool(&server, PoolLimits { mails_per_connection: 3, ..one_connection() });
    for number in 0..7 {
        send(&pool, &format!("reader{number}@example.org")).await.unwrap();
    }
    assert_eq!((server.mails().len(), server.connections()), (7, 3));
    for number in [1, 2] {
        let commands = server.commands(number);
        assert_eq!(commands.iter().filter(|command| *command == "MAIL").count(), 3, "{commands:?}");
        assert!(commands.contains(&"QUIT".to_owned()), "{commands:?}");
    }
    assert_eq!(server.most_connections(), 1);
}

#[tokio::test]
async fn rejected_mail_is_reset_and_keeps_its_connection() {
    let server = FakeSmtpServer::open().await;
    let pool = pool(&server, one_connection());
    for (command, reply, kind) in [
        ("MAIL", "550 5.7.1 sender blocked", MailFailure::Policy),
        ("RCPT", "550 5.1.1 no such user", MailFailure::Recipient),
        ("RCPT", "550 no such user", MailFailure::Recipient),
        ("RCPT", "450 4.2.0 greylisted", MailFailure::Temporary),
        ("RCPT", "552-5.2.2 over\r\n552 5.2.2 quota", MailFailure::MailboxFull),
        ("DATA", "554 5.5.1 no valid recipients", MailFailure::Permanent),
        (".", "550 5.7.26 unauthenticated", MailFailure::Policy),
        (".", "552 5.3.4 too large", MailFailure::Permanent),
    ] {
        server.reject_next(command, reply);
        let failure = send(&pool, "ines@example.org").await.unwrap_err();
        assert_eq!(failure.kind, kind, "{reply}");
        assert!(failure.words.starts_with(&reply[..3]) && !failure.words.contains('\n'), "{failure}");
        send(&pool, "rui@example.org").await.unwrap();
    }
    assert_eq!((server.mails().len(), server.connections()), (8, 1));
    assert_eq!(server.commands(1).iter().filter(|command| *command == "RSET").count(), 8);
    assert!(server.mails().iter().all(|mail| mail.to == ["TO:<rui@example.org>"]));
}

#[tokio::test]
async fn code_421_closes_only_its_connection() {
    for command in ["MAIL", "RCPT", "DATA", "."] {
        let server = FakeSmtpServer::open().await;
        let pool = pool(&server, one_connection());
        server.reject_next(command, "421 4.7.0 too busy");
        let failure = send(&pool, "ines@example.org").await.unwrap_err();
        assert_eq!(failure.kind, MailFailure::Temporary, "{command}");
        send(&pool, "rui@example.org").await.unwrap();
        assert_eq!((server.mails().len(), server.connections()), (1, 2), "{command}");
    }
}

#[tokio::test]
async fn other_mails_pass_while_one_connection_fails() {
    let server = FakeSmtpServer::open().await;
    let pool = pool(&server, PoolLimits { connections: 4, ..PoolLimits::default() });
    server.reject_next("RCPT", "421 4.7.0 too busy");
    server.reject_next(".", "421 4.7.0 too busy");
    let sent = send_many(&pool, 40).await;
    assert_eq!(sent.iter().filter(|sent| sent.is_err()).count(), 2);
    assert_eq!(server.mails().len(), 38);
}

#[tokio::test]
async fn connection_that_was_closed_while_idle_is_replaced() {
    let server = FakeSmtpServer::open().await;
    let pool = pool(&server, one_connection());
    send(&pool, "ines@example.org").await.unwrap();
    server.close_connections();
    send(&pool, "ines@example.org").await.unwrap();
    server.reject_next("MAIL", "421 4.4.2 timeout");
    send(&pool, "ines@example.org").await.unwrap();
    assert_eq!((server.mails().len(), server.connections()), (3, 3));
}

#[tokio::test]
async fn idle_connection_is_asked_before_reuse() {
    let server = FakeSmtpServer::open().await;
    let pool = pool(&server, PoolLimits { noop_after: Duration::ZERO, ..one_connection() });
    for _ in 0..2 {
        send(&pool, "ines@example.org").await.unwrap();
    }
    assert_eq!(server.commands(1), ["OPEN", "EHLO", "MAIL", "RCPT", "DATA", "NOOP", "MAIL", "RCPT", "DATA"]);
    server.reject_next("NOOP", "421 4.4.2 timeout");
    send(&pool, "ines@example.org").await.unwrap();
    assert_eq!((server.mails().len(), server.connections()), (3, 2));
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let server = FakeSmtpServer::open().await;
    let limits = PoolLimits { connections: 3, idle: Duration::from_millis(20), ..PoolLimits::default() };
    let pool = pool(&server, limits);
    for _ in 0..2 {
        let before = server.connections();
        send_many(&pool, 9).await;
        let quits = || {
            let open = before + 1..=server.connections();
            open.filter(|number| server.commands(*number).contains(&"QUIT".to_owned())).count()
        };
        until("its connections are closed", || quits() == server.connections() - before).await;
    }
    assert_eq!(server.mails().len(), 18);
}

/// Sends ten mails to a server that does not answer one `command`.
async fn assert_silence_fails_one_mail(command: &'static str) {
    let server = FakeSmtpServer::open().await;
    let time = SmtpLimits { time: Duration::from_secs(3), ..PATIENCE };
    let pool = pool_of(&server.url, b"", PoolLimits { connections: 2, ..PoolLimits::default() }, time);
    server.reject_next(command, "");
    let sent = send_many(&pool, 10).await;
    let failed: Vec<_> = sent.into_iter().filter_map(Result::err).collect();
    assert_eq!(failed.len(), 1, "{command}: {failed:?}");
    assert!(failed[0].words.contains("did not accept it within"), "{command}: {failed:?}");
    assert_eq!((server.mails().len(), failed[0].kind), (9, MailFailure::Temporary), "{command}");
}

#[tokio::test]
async fn silent_server_fails_only_its_own_mail() {
    join_all(["EHLO", "MAIL", "RCPT", "DATA", "."].map(assert_silence_fails_one_mail)).await;
}

#[tokio::test]
async fn dropped_mail_leaves_no_half_used_connection() {
    let server = FakeSmtpServer::open().await;
    let pool = pool(&server, one_connection());
    server.reject_next("RCPT", "");
    let sending = tokio::spawn({
        let pool = pool.clone();
        async move { send(&pool, "ines@example.org").await }
    });
    until("the server has the recipient", || server.commands(1).contains(&"RCPT".to_owned())).await;
    sending.abort();
    send(&pool, "rui@example.org").await.unwrap();
    assert_eq!(server.mails()[0].to, ["TO:<rui@example.org>"]);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn refused_connection_is_temporary() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure = send(&pool_of(&url, b"", one_connection(), PATIENCE), "ines@example.org").await.unwrap_err();
    assert_eq!(failure.kind, MailFailure::Temporary);
    assert!(failure.words.contains("connecting to the mail server"), "{failure}");
}

fn with_login(server: &FakeSmtpServer, tls: &str) -> String {
    format!("{}?tls={tls}", server.url.replace("smtp://", "smtp://candor:hush-hush@"))
}

#[tokio::test]
async fn login_is_sent_only_inside_tls() {
    let certificate = Certificate::of_host("127.0.0.1");
    for tls in ["required", "opportunistic"] {
        let server = FakeSmtpServer::with_starttls(&certificate).await;
        let pool = pool_of(&with_login(&server, tls), certificate.pem.as_bytes(), one_connection(), PATIENCE);
        for _ in 0..2 {
            send(&pool, "ines@example.org").await.unwrap();
        }
        let once = ["OPEN", "EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA"];
        assert_eq!(server.commands(1), once, "one login for both mails");
        assert_eq!(server.logins(), [BASE64_STANDARD.encode("\0candor\0hush-hush")]);
        assert!(pool.test_connection().await.unwrap(), "it is encrypted");
    }
}

#[tokio::test]
async fn tls_from_the_first_byte_is_encrypted() {
    let certificate = Certificate::of_host("127.0.0.1");
    let server = FakeSmtpServer::with_tls(&certificate).await;
    let url = server.url.replace("smtps://", "smtps://candor:hush-hush@");
    let pool = pool_of(&url, certificate.pem.as_bytes(), one_connection(), PATIENCE);
    for _ in 0..2 {
        send(&pool, "ines@example.org").await.unwrap();
    }
    let once = ["OPEN", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA"];
    assert_eq!((server.commands(1), server.mails().len()), (once.map(str::to_owned).to_vec(), 2));
    assert!(pool.test_connection().await.unwrap(), "it is encrypted");
    let foreign = pool_of(&url, Certificate::of_host("127.0.0.1").pem.as_bytes(), one_connection(), PATIENCE);
    let failure = send(&foreign, "ines@example.org").await.unwrap_err();
    assert!(failure.words.contains("certificate"), "{failure}");
    assert_eq!(server.logins().len(), 2, "the first pool and its test");
}

#[tokio::test]
async fn server_without_tls_gets_no_login_and_no_mail() {
    let server = FakeSmtpServer::open().await;
    let pool = pool_of(&with_login(&server, "required"), b"", one_connection(), PATIENCE);
    let failure = send(&pool, "ines@example.org").await.unwrap_err();
    assert!(failure.words.contains("STARTTLS is not supported"), "{failure}");
    assert_eq!((server.logins().len(), server.mails().len(), failure.kind), (0, 0, MailFailure::Temporary));
}

#[tokio::test]
async fn wrong_certificates_get_no_login_and_no_mail() {
    let right = Certificate::of_host("127.0.0.1");
    let (foreign, expired) = (Certificate::of_host("mail.example.org"), Certificate::expired("127.0.0.1"));
    for (used, trusted) in [(&right, &foreign), (&foreign, &foreign), (&expired, &expired)] {
        for tls in ["required", "opportunistic"] {
            let server = FakeSmtpServer::with_starttls(used).await;
            let pool = pool_of(&with_login(&server, tls), trusted.pem.as_bytes(), one_connection(), PATIENCE);
            let failure = send(&pool, "ines@example.org").await.unwrap_err();
            assert!(failure.words.contains("certificate"), "{failure}");
            assert_eq!((server.logins().len(), server.mails().len(), failure.kind), (0, 0, MailFailure::Temporary));
        }
    }
}

#[tokio::test]
async fn clear_text_before_tls_ends_the_connection() {
    let certificate = Certificate::of_host("127.0.0.1");
    for injected in ["250 sink\r\n", "250-sink\r\n250 AUTH PLAIN\r\n235 welcome\r\n"] {
        let server = FakeSmtpServer::with_injection(&certificate, injected).await;
        let url = with_login(&server, "required");
        let pool = pool_of(&url, certificate.pem.as_bytes(), one_connection(), PATIENCE);
        let failure = send(&pool, "ines@example.org").await.unwrap_err();
        assert!(failure.words.contains("before TLS"), "{failure}");
        assert_eq!((server.logins().len(), server.mails().len()), (0, 0));
    }
}

#[tokio::test]
async fn rejected_login_is_a_policy_failure() {
    let server = FakeSmtpServer::open().await;
    server.reject_next("AUTH", "535 5.7.8 wrong password");
    let pool = pool_of(&with_login(&server, "none"), b"", one_connection(), PATIENCE);
    let failure = send(&pool, "ines@example.org").await.unwrap_err();
    assert_eq!((failure.kind, failure.words.as_str()), (MailFailure::Policy, "535 5.7.8 wrong password"));
}

#[tokio::test]
async fn foreign_letters_need_a_server_that_takes_them() {
    let server = FakeSmtpServer::open().await;
    let pool = pool(&server, one_connection());
    let failure = send(&pool, "jürgen@example.org").await.unwrap_err();
    assert_eq!(failure.kind, MailFailure::Permanent);
    assert!(failure.words.contains("the address is not ASCII"), "{failure}");
    send(&pool, "ines@example.org").await.unwrap();
    assert_eq!((server.mails().len(), server.connections()), (1, 1));
}

#[tokio::test]
async fn closed_pool_ends_its_connections() {
    let server = FakeSmtpServer::open().await;
    let pool = pool(&server, PoolLimits { connections: 4, ..PoolLimits::default() });
    send_many(&pool, 12).await;
    pool.close().await;
    let all = 1..=server.connections();
    assert!(all.into_iter().all(|number| server.commands(number).contains(&"QUIT".to_owned())));
    send(&pool, "ines@example.org").await.unwrap();
}

#[tokio::test]
async fn nasty_text_arrives_as_one_mail() {
    let server = FakeSmtpServer::open().await;
    let mailer = Mailer::new(&server.url, "Status <status@tidewater.example>", "https://status.example.org", &[]);
    let mailer = mailer.unwrap();
    let headers = |mail: &Mail| mail.data.split("\r\n\r\n").next().unwrap().replace("\r\n ", "").lines().count();
    let mut count = None;
    let texts = [
        "Text",
        "a\r\n.\r\nMAIL FROM:<x@y.example>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n",
        "a\n.\nQUIT\n",
        "a\r.\rQUIT\r",
        ".\r\n..\r\n",
        "\0\r\nBcc: x@y.example",
    ];
    for (number, nasty) in texts.into_iter().enumerate() {
        let mail = OutgoingMail {
            id: format!("nasty.{number}"),
            to: "ines@example.org".to_owned(),
            subject: nasty.to_owned(),
            text: nasty.to_owned(),
            html: Some(nasty.to_owned()),
            list_id: Some(ListId { name: nasty.to_owned(), id: "incidents.status.example.org".to_owned() }),
            headers: vec![("X-Candor-Phase", nasty.to_owned())],
            ..OutgoingMail::default()
        };
        mailer.send_mail(&mail, crate::support::now()).await.unwrap();
        let mails = server.mails();
        assert_eq!(mails.len(), number + 1, "{nasty:?} became several mails");
        let mail = &mails[number];
        assert_eq!(headers(mail), *count.get_or_insert(headers(mail)), "{nasty:?}: {}", mail.data);
        assert!(mail.header("Bcc").is_empty() && mail.header("To") == "ines@example.org", "{}", mail.data);
    }
}
