//! Password reset: the mail with the link, sent to a real SMTP server.

use axum::http::{HeaderMap, StatusCode};
use candor::db::managers;
use candor::domain::Role::Viewer;
use candor::domain::mail_retry::MAX_RESETS;
use candor::notify::Mailer;
use candor::worker::sweep;
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, ORIGIN, PASSWORD, TestApp};
use crate::support::smtp::FakeSmtpServer;

async fn with_mail(test: TestDb) -> (TestApp, FakeSmtpServer) {
    let sink = FakeSmtpServer::open().await;
    let mailer = Mailer::new(&sink.url, "Status <status@tidewater.example>", ORIGIN, &[]).unwrap();
    (TestApp::with_mailer(test, mailer).await, sink)
}

async fn request_reset(browser: &mut Browser, email: &str) -> Answer {
    browser.post("/forgotten", &[("email", email)]).await
}

fn link_path(text: &str) -> String {
    let line = text.lines().find(|line| line.contains("/setup/")).unwrap_or_else(|| panic!("{text}"));
    line.strip_prefix(ORIGIN).unwrap_or_else(|| panic!("{line}")).to_owned()
}

#[apply(on_both_databases!)]
async fn without_mail_server_page_says_ask_an_owner(test: TestDb) {
    let app = TestApp::new(test).await;
    let page = app.visitor().get("/forgotten").await;
    assert!(page.status == StatusCode::OK && page.text().contains("Ask an owner") && !page.text().contains("<form"));
    assert_eq!(request_reset(&mut app.visitor(), "ines@example.org").await.status, StatusCode::CONFLICT);
    assert_eq!(app.visitor().get("/login").await.attributes(".hint a", "href"), ["/forgotten"]);
}

#[apply(on_both_databases!)]
async fn mailed_link_resets_the_password(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut session = app.through_login(&manager).await;
    let mut browser = app.visitor();
    let answer = request_reset(&mut browser, " INES@example.org ").await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/forgotten?sent"));
    assert!(browser.get("/forgotten?sent").await.text().contains("an e-mail with a link is on its way"));
    app.mail_worker().deliver_due().await.unwrap();
    app.mail_worker().deliver_due().await.unwrap();
    let mails = sink.mails();
    assert_eq!(mails.len(), 1, "once is enough");
    let mail = &mails[0];
    assert_eq!(
        (mail.from.as_str(), &mail.to),
        ("FROM:<status@tidewater.example>", &vec!["TO:<ines@example.org>".to_owned()])
    );
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.header("Message-ID").ends_with("@status.test>"), "{}", mail.data);
    let path = link_path(&mail.text());
    assert_eq!(browser.get(&path).await.status, StatusCode::OK);
    let response = browser.post(&path, &[("password", "gravel lantern otter")]).await;
    assert_eq!((response.location(), response.cookies().len()), ("/login", 0), "it does not log in by itself");
    assert_eq!(session.get("/admin").await.status, StatusCode::SEE_OTHER, "sessions before are over");
    let (old, new) = ([("email", "ines@example.org"), ("password", PASSWORD)], "gravel lantern otter");
    assert_eq!(app.visitor().post("/login", &old).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let login = app.visitor().post("/login", &[("email", "ines@example.org"), ("password", new)]).await;
    assert_eq!(login.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "the link worked once");
    assert!(app.audit().await.iter().any(|row| row.action == "manager.mail-reset-link" && row.subject_name == "Ines"));
}

#[apply(on_both_databases!)]
async fn known_and_unknown_emails_are_indistinguishable(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    app.manager("Ines", Viewer).await;
    let mut seen: Vec<(StatusCode, HeaderMap)> = Vec::new();
    for email in ["ines@example.org", "nobody@example.org"] {
        let mut answer = request_reset(&mut app.visitor(), email).await;
        answer.headers.remove("x-request-id");
        let policy = answer.headers.remove("content-security-policy").is_some();
        assert!(policy && answer.body.is_empty());
        seen.push((answer.status, answer.headers));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(app.number("select count(*) from outbox").await, 2, "a row for each");
    let revision = app.counts().await;
    app.mail_worker().deliver_due().await.unwrap();
    assert_eq!(sink.mails().len(), 1);
    assert_eq!(app.counts().await.1, revision.1 + 1, "only the mail is a deed");
    assert_eq!(app.number("select count(*) from outbox where outcome = 'no-recipient'").await, 1);
    app.clock.advance(TimeDelta::days(1));
    sweep(&app).await.unwrap();
    assert_eq!(app.number("select count(*) from outbox").await, 0);
}

#[apply(on_both_databases!)]
async fn reset_mails_are_limited_to_three_an_hour(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    app.manager("Ines", Viewer).await;
    let many = async || {
        for _ in 0..10 {
            assert_eq!(request_reset(&mut app.visitor(), "ines@example.org").await.location(), "/forgotten?sent");
            app.mail_worker().deliver_due().await.unwrap();
        }
    };
    many().await;
    assert_eq!(sink.mails().len() as i64, MAX_RESETS);
    let (first, last) = (link_path(&sink.mails()[0].text()), link_path(&sink.mails()[2].text()));
    assert_eq!(app.visitor().get(&first).await.status, StatusCode::NOT_FOUND, "a newer link ends the one before");
    assert_eq!(app.visitor().get(&last).await.status, StatusCode::OK);
    app.clock.advance(TimeDelta::hours(1));
    many().await;
    assert_eq!(sink.mails().len() as i64, 2 * MAX_RESETS);
}

#[apply(on_both_databases!)]
async fn reset_requests_per_network_are_limited(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let mut browser = app.visitor();
    browser.peer = Some("192.0.2.1".parse().unwrap());
    for number in 0..10 {
        assert_eq!(
            request_reset(&mut browser, &format!("nobody{number}@example.org")).await.status,
            StatusCode::SEE_OTHER
        );
    }
    let refused = request_reset(&mut browser, "nobody@example.org").await;
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "361"));
    assert_eq!(app.number("select count(*) from outbox").await, 10);
    app.clock.advance(TimeDelta::minutes(6));
    assert_eq!(request_reset(&mut browser, "nobody@example.org").await.status, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn temporary_failures_are_retried_permanent_are_not(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    app.manager("Ines", Viewer).await;
    request_reset(&mut app.visitor(), "ines@example.org").await;
    for pause in [30, 60] {
        sink.reject_next_mail("451 try again");
        app.mail_worker().deliver_due().await.unwrap();
        app.clock.advance(TimeDelta::seconds(pause - 1));
        app.mail_worker().deliver_due().await.unwrap();
        assert_eq!(sink.mails().len(), 0, "{pause} seconds are not over");
        app.clock.advance(TimeDelta::seconds(1));
    }
    app.mail_worker().deliver_due().await.unwrap();
    assert_eq!(sink.mails().len(), 1);
    assert_eq!(app.visitor().get(&link_path(&sink.mails()[0].text())).await.status, StatusCode::OK);
    request_reset(&mut app.visitor(), "ines@example.org").await;
    sink.reject_next_mail("550 no such mailbox");
    app.mail_worker().deliver_due().await.unwrap();
    app.clock.advance(TimeDelta::minutes(30));
    app.mail_worker().deliver_due().await.unwrap();
    assert_eq!(sink.mails().len(), 1);
    assert_eq!(app.number("select count(*) from outbox where outcome = 'given-up'").await, 1);
    request_reset(&mut app.visitor(), "ines@example.org").await;
    app.clock.advance(TimeDelta::hours(2));
    sink.reject_next_mail("451 try again");
    app.mail_worker().deliver_due().await.unwrap();
    assert_eq!(app.number("select count(*) from outbox where outcome = 'given-up'").await, 2, "nobody waits so long");
}

#[apply(on_both_databases!)]
async fn disabled_managers_are_not_mailed(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let mut gone = app.manager("Gone", Viewer).await;
    let mut tx = app.db.write().await.unwrap();
    managers::disable(&mut tx, &mut gone, app.clock.now()).await.unwrap();
    let invited = crate::support::fixtures::manager("Invited", Viewer);
    managers::create(&mut tx, invited, None, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    for email in ["gone@example.org", "invited@example.org"] {
        assert_eq!(request_reset(&mut app.visitor(), email).await.location(), "/forgotten?sent");
    }
    app.mail_worker().deliver_due().await.unwrap();
    assert!(sink.mails().is_empty());
    assert_eq!(app.number("select count(*) from one_time_links").await, 0);
}

#[apply(on_both_databases!)]
async fn outbox_has_no_secrets(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    app.manager("Ines", Viewer).await;
    request_reset(&mut app.visitor(), "ines@example.org").await;
    assert_eq!(app.number("select count(*) from one_time_links").await, 0, "the link is made when it is mailed");
    app.mail_worker().deliver_due().await.unwrap();
    let path = link_path(&sink.mails()[0].text());
    let token = path.strip_prefix("/setup/").unwrap();
    assert_eq!(
        app.texts("select token_hash from one_time_links").await,
        [candor::credentials::secret_token::hash_token(token)]
    );
    assert!(!format!("{:?}", app.audit().await).contains(token));
}

#[apply(on_both_databases!)]
async fn invalid_email_is_reported_at_its_field(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    for bad in ["", "ines", "a@b.c\r\nBcc: x@y.z", "<script>@x", &format!("{}@x.org", "a".repeat(300))] {
        let answer = request_reset(&mut app.visitor(), bad).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert!(!answer.message("email").is_empty());
    }
    assert_eq!(app.number("select count(*) from outbox").await, 0);
}

#[apply(on_both_databases!)]
async fn hostile_page_name_cannot_inject_headers(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    app.manager("Ines", Viewer).await;
    app.tamper(
        "update page set name = 'Maps' || char(13) || char(10) || 'Bcc: evil@example.org' || char(13) || char(10) || '.'",
        "update page set name = 'Maps' || chr(13) || chr(10) || 'Bcc: evil@example.org' || chr(13) || chr(10) || '.'",
    )
    .await;
    request_reset(&mut app.visitor(), "ines@example.org").await;
    app.mail_worker().deliver_due().await.unwrap();
    let mails = sink.mails();
    assert_eq!((mails.len(), mails[0].to.len(), mails[0].header("Bcc")), (1, 1, String::new()));
    assert!(mails[0].header("Subject").contains("Bcc: evil"), "{}", mails[0].data);
}
