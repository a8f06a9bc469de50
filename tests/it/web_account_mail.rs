//! Mails about changes of an account's logins, and the connected identity provider on the account page.

use axum::http::StatusCode;
use candor::domain::Role::{Owner, Viewer};
use candor::domain::mail_retry::MAX_CHANGES;
use candor::notify::Mailer;
use chrono::TimeDelta;

use crate::oidc::provider_address;
use crate::support::TestDb;
use crate::support::app::{ORIGIN, PASSWORD, TestApp};
use crate::support::fake_oidc::{FakeProvider, Person};
use crate::support::smtp::FakeSmtpServer;

async fn with_mail(test: TestDb) -> (TestApp, FakeSmtpServer) {
    let sink = FakeSmtpServer::open().await;
    let mailer = Mailer::new(&sink.url, "Status <status@tidewater.example>", ORIGIN, &[]).unwrap();
    (TestApp::with_mailer(test, mailer).await, sink)
}

#[apply(on_both_databases!)]
async fn changed_address_is_mailed_to_both_addresses(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let ines = app.manager("Ines", Viewer).await;
    let mut browser = app.with_session(&ines).await;
    let answer = browser.post("/admin/account/email", &[("email", "new@example.org")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    app.mail_worker().deliver_due().await.unwrap();
    let text = sink.mails()[0].text();
    let link = text.lines().find_map(|line| line.strip_prefix(ORIGIN)).unwrap();
    assert_eq!(app.visitor().post(link, &[]).await.status, StatusCode::SEE_OTHER);
    app.mail_worker().deliver_due().await.unwrap();
    let mails = sink.mails().split_off(1);
    let mut to: Vec<_> = mails.iter().flat_map(|mail| mail.to.clone()).collect();
    to.sort_unstable();
    assert_eq!(to, ["TO:<ines@example.org>", "TO:<new@example.org>"]);
    for mail in mails {
        let text = mail.text();
        assert!(
            text.contains("The e-mail address of your account was changed.") && text.contains("Tell an owner"),
            "{text}"
        );
        assert!(!text.contains("new@example.org") && !text.contains("/setup/"), "no address and no link: {text}");
    }
}

#[apply(on_both_databases!)]
async fn changed_password_and_factors_are_mailed(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let ines = app.manager("Ines", Viewer).await;
    app.passkey(&ines, "passkey").await;
    let mut browser = app.with_session(&ines).await;
    let chosen = "gravel lantern otter";
    let answer = browser.post("/admin/account/password", &[("current", PASSWORD), ("password", chosen)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.post("/admin/account/recovery-codes", &[]).await.status, StatusCode::OK);
    assert_eq!(browser.post("/admin/account/passkeys/passkey/removal", &[]).await.status, StatusCode::SEE_OTHER);
    let mut owner = app.logged_in(Owner).await;
    app.passkey(&ines, "another").await;
    owner.post(&format!("/admin/managers/{}/factors/removal", ines.id), &[]).await;
    app.mail_worker().deliver_due().await.unwrap();
    let texts: Vec<String> = sink.mails().iter().map(|mail| mail.text().replace('\n', " ")).collect();
    for sentence in
        ["The password of your account was changed.", "New recovery codes were created", "passkey was removed"]
    {
        assert!(texts.iter().any(|text| text.contains(sentence)), "{sentence}: {texts:?}");
    }
    assert_eq!(texts.len(), 4);
    assert!(texts.iter().all(|text| !text.contains(chosen)));
}

#[apply(on_both_databases!)]
async fn connected_login_is_shown_mailed_and_audited(test: TestDb) {
    let (sink, issuer) = (FakeSmtpServer::open().await, FakeProvider::open(&test.clock).await);
    let mailer = Mailer::new(&sink.url, "Status <status@tidewater.example>", ORIGIN, &[]).unwrap();
    let app = TestApp::with_mail_and_provider(test, mailer, issuer.provider()).await;
    let ines = app.manager("Ines", Viewer).await;
    let mut browser = app.with_session(&ines).await;
    let person = Person { email: "i.lund@example.org".into(), ..Person::named("Ines", &[]) };
    let redirect = browser.post("/admin/account/identity", &[]).await;
    let answer = browser.get(&issuer.authorize(&provider_address(&redirect), &person).address()).await;
    assert_eq!(answer.location(), "/admin/account?done=provider-connected");
    let shown = browser.get("/admin/account").await.text();
    for text in ["i.lund@example.org", &person.subject, &issuer.url] {
        assert!(shown.contains(text), "{text} is not in {shown}");
    }
    let audit = app.audit().await;
    let row = audit.iter().find(|row| row.action == "manager.connect-oidc").unwrap();
    let after = format!("{:?}", row.after);
    assert!(after.contains("i.lund@example.org") && after.contains(&person.subject), "{after}");
    app.mail_worker().deliver_due().await.unwrap();
    assert_eq!(sink.mails().len(), 1);
    assert!(sink.mails()[0].text().contains("was connected to your account"));
}

#[apply(on_both_databases!)]
async fn account_mails_are_limited_per_hour(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let ines = app.manager("Ines", Viewer).await;
    app.passkey(&ines, "passkey").await;
    let mut browser = app.with_session(&ines).await;
    for _ in 0..MAX_CHANGES + 2 {
        assert_eq!(browser.post("/admin/account/recovery-codes", &[]).await.status, StatusCode::OK);
    }
    assert_eq!(app.number("select count(*) from outbox").await, MAX_CHANGES);
    app.clock.advance(TimeDelta::minutes(61));
    let mut browser = app.with_session(&ines).await;
    browser.post("/admin/account/recovery-codes", &[]).await;
    assert_eq!(app.number("select count(*) from outbox").await, MAX_CHANGES + 1);
}

#[apply(on_both_databases!)]
async fn account_changes_without_mail_server_queue_nothing(test: TestDb) {
    let app = TestApp::new(test).await;
    let ines = app.manager("Ines", Viewer).await;
    let mut browser = app.with_session(&ines).await;
    browser.post("/admin/account/email", &[("email", "new@example.org")]).await;
    assert_eq!(app.number("select count(*) from outbox").await, 0);
}
