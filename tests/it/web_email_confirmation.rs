//! A manager's new address takes effect when the mailed link is confirmed.

use axum::http::StatusCode;
use candor::db::managers;
use candor::domain::Role::{Owner, Viewer};
use candor::domain::mail_retry::MAX_CONFIRMATIONS;
use candor::notify::Mailer;
use candor::web::access::routes::Access;
use candor::web::admin::routes;
use candor::worker::sweep;
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, ORIGIN, PASSWORD, TestApp};
use crate::support::smtp::FakeSmtpServer;

const NEW: &str = "new@example.org";

async fn with_mail(test: TestDb) -> (TestApp, FakeSmtpServer) {
    let sink = FakeSmtpServer::open().await;
    let mailer = Mailer::new(&sink.url, "Status <status@tidewater.example>", ORIGIN, &[]).unwrap();
    (TestApp::with_mailer(test, mailer).await, sink)
}

async fn request_change(browser: &mut Browser, email: &str) {
    let answer = browser.post("/admin/account/email", &[("email", email)]).await;
    assert_eq!(answer.location(), "/admin/account?done=email-requested", "{}", answer.text());
}

/// Sends due mails; returns the path of the link in the newest one.
async fn mailed_link(app: &TestApp, sink: &FakeSmtpServer) -> String {
    app.mail_worker().deliver_due().await.unwrap();
    let text = sink.mails().last().expect("a mail").text();
    let line = text.lines().find(|line| line.contains("/setup/")).unwrap_or_else(|| panic!("{text}"));
    line.strip_prefix(ORIGIN).unwrap_or_else(|| panic!("{line}")).to_owned()
}

async fn confirm_link(app: &TestApp, path: &str) -> Answer {
    app.visitor().post(path, &[]).await
}

async fn is_invalid_link(app: &TestApp, path: &str) -> bool {
    let (shown, sent) = (app.visitor().get(path).await, confirm_link(app, path).await);
    (shown.status, sent.status) == (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
}

async fn can_log_in(app: &TestApp, email: &str) -> bool {
    let answer = app.visitor().post("/login", &[("email", email), ("password", PASSWORD)]).await;
    answer.status == StatusCode::SEE_OTHER
}

async fn manager_exists(app: &TestApp, email: &str) -> bool {
    managers::find_by_email(&mut app.db.read().await.unwrap(), email).await.unwrap().is_some()
}

#[apply(on_both_databases!)]
async fn new_address_counts_once_confirmed(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let ines = app.manager("Ines", Viewer).await;
    let mut browser = app.with_session(&ines).await;
    request_change(&mut browser, " New@Example.ORG ").await;
    let shown = browser.get("/admin/account").await;
    assert!(shown.word("main").contains("Waiting for confirmation of new@example.org"), "{}", shown.text());
    let path = mailed_link(&app, &sink).await;
    let mail = sink.mails().remove(0);
    assert_eq!((sink.mails().len(), &mail.to), (1, &vec![format!("TO:<{NEW}>")]));
    assert!(!mail.text().contains("Ines") && !mail.text().contains("ines@"), "a stranger may read it: {}", mail.text());
    assert!(can_log_in(&app, "ines@example.org").await && !can_log_in(&app, NEW).await);
    let token = path.strip_prefix("/setup/").unwrap();
    assert_eq!(
        app.texts("select token_hash from one_time_links").await,
        [candor::credentials::secret_token::hash_token(token)]
    );
    assert!(!format!("{:?}", app.audit().await).contains(token));
    let answer = confirm_link(&app, &path).await;
    assert_eq!((answer.location(), answer.cookies().len()), ("/admin/account?done=email-set", 0), "it does not log in");
    assert!(can_log_in(&app, NEW).await && !can_log_in(&app, "ines@example.org").await);
    let audit = app.audit().await;
    let record = audit.iter().find(|row| row.action == "manager.set-email").unwrap();
    assert_eq!(record.before.as_ref().unwrap()["email"], "ines@example.org");
    assert_eq!(record.after.as_ref().unwrap()["email"], NEW);
    assert!(audit.iter().any(|row| row.action == "manager.request-email" && row.subject_name == "Ines"));
    assert!(!browser.get("/admin/account").await.text().contains("Waiting for confirmation"));
}

#[apply(on_both_databases!)]
async fn opening_a_confirmation_link_changes_nothing(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let mut browser = app.with_session(&app.manager("Ines", Viewer).await).await;
    request_change(&mut browser, NEW).await;
    let path = mailed_link(&app, &sink).await;
    let before = (app.all_content().await, app.counts().await);
    for _ in 0..3 {
        let shown = app.visitor().get(&path).await;
        assert_eq!((shown.status, shown.header("referrer-policy")), (StatusCode::OK, "no-referrer"));
        assert_eq!(shown.word("h1"), "Confirm your new e-mail address");
        assert!(shown.text().contains(NEW) && shown.attributes("input", "name").is_empty(), "{}", shown.text());
    }
    assert!((app.all_content().await, app.counts().await) == before);
    assert_eq!(confirm_link(&app, &path).await.status, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn confirmation_link_works_once(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let mut browser = app.with_session(&app.manager("Ines", Viewer).await).await;
    request_change(&mut browser, NEW).await;
    let path = mailed_link(&app, &sink).await;
    assert_eq!(confirm_link(&app, &path).await.status, StatusCode::SEE_OTHER);
    let before = app.all_content().await;
    assert!(is_invalid_link(&app, &path).await);
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn confirmation_link_expires_after_a_day(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let ines = app.manager("Ines", Viewer).await;
    request_change(&mut app.with_session(&ines).await, NEW).await;
    let path = mailed_link(&app, &sink).await;
    app.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(app.visitor().get(&path).await.status, StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(1));
    assert!(is_invalid_link(&app, &path).await);
    let account = app.with_session(&ines).await.get("/admin/account").await;
    assert!(!account.text().contains("Waiting for confirmation"));
    assert!(manager_exists(&app, "ines@example.org").await && !manager_exists(&app, NEW).await);
    sweep(&app).await.unwrap();
    assert_eq!(app.number("select count(*) from one_time_links").await, 0);
}

#[apply(on_both_databases!)]
async fn newer_request_replaces_the_older(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let mut browser = app.with_session(&app.manager("Ines", Viewer).await).await;
    request_change(&mut browser, "first@example.org").await;
    let first = mailed_link(&app, &sink).await;
    request_change(&mut browser, NEW).await;
    assert!(is_invalid_link(&app, &first).await);
    let account = browser.get("/admin/account").await.text();
    assert!(account.contains(NEW) && !account.contains("first@example.org"), "{account}");
    let second = mailed_link(&app, &sink).await;
    assert_eq!(confirm_link(&app, &second).await.status, StatusCode::SEE_OTHER);
    assert!(manager_exists(&app, NEW).await);
}

#[apply(on_both_databases!)]
async fn pending_address_blocks_no_other_manager(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let mut ines = app.with_session(&app.manager("Ines", Viewer).await).await;
    let mut vera = app.with_session(&app.manager("Vera", Viewer).await).await;
    request_change(&mut ines, NEW).await;
    let early = mailed_link(&app, &sink).await;
    request_change(&mut vera, NEW).await;
    let late = mailed_link(&app, &sink).await;
    assert_eq!(app.visitor().get(&early).await.status, StatusCode::OK);
    assert_eq!(confirm_link(&app, &late).await.status, StatusCode::SEE_OTHER);
    request_change(&mut ines, "ceo@example.org").await;
    let fields = [("name", "Ceo"), ("email", "ceo@example.org"), ("role", "viewer")];
    let invited = app.logged_in(Owner).await.post("/admin/managers", &fields).await;
    assert_eq!(invited.status, StatusCode::OK, "{}", invited.text());
}

#[apply(on_both_databases!)]
async fn address_taken_meanwhile_is_refused(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let mut browser = app.with_session(&app.manager("Ines", Viewer).await).await;
    request_change(&mut browser, "rui@example.org").await;
    let path = mailed_link(&app, &sink).await;
    app.manager("Rui", Viewer).await;
    let before = (app.all_content().await, app.counts().await);
    let refused = confirm_link(&app, &path).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("already exists, so your address was not changed"), "{}", refused.text());
    assert!((app.all_content().await, app.counts().await) == before);
    let again = browser.post("/admin/account/email", &[("email", "rui@example.org")]).await;
    assert!(again.message("email").contains("already exists"));
}

#[apply(on_both_databases!)]
async fn cancelled_address_is_never_confirmed(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let mut browser = app.with_session(&app.manager("Ines", Viewer).await).await;
    let mut vera = app.with_session(&app.manager("Vera", Viewer).await).await;
    request_change(&mut browser, NEW).await;
    let path = mailed_link(&app, &sink).await;
    vera.post("/admin/account/email/cancellation", &[]).await;
    assert_eq!(app.visitor().get(&path).await.status, StatusCode::OK, "others cancel only their own");
    let action = "/admin/account/email/cancellation";
    assert!(browser.get("/admin/account").await.attributes("form", "action").contains(&action.to_owned()));
    for _ in 0..2 {
        assert_eq!(browser.post(action, &[]).await.location(), "/admin/account?done=email-cancelled");
    }
    assert!(is_invalid_link(&app, &path).await);
    let cancelled = app.audit().await.iter().filter(|row| row.action == "manager.cancel-email").count();
    assert_eq!(cancelled, 1, "cancelling nothing is no deed");
    assert!(!browser.get("/admin/account").await.text().contains("Waiting for confirmation"));
}

#[apply(on_both_databases!)]
async fn changed_password_voids_the_pending_address(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let mut browser = app.with_session(&app.manager("Ines", Viewer).await).await;
    request_change(&mut browser, NEW).await;
    let path = mailed_link(&app, &sink).await;
    let fields = [("current", PASSWORD), ("password", "gravel lantern otter")];
    assert_eq!(browser.post("/admin/account/password", &fields).await.status, StatusCode::SEE_OTHER);
    assert!(is_invalid_link(&app, &path).await);
}

#[apply(on_both_databases!)]
async fn disabled_manager_confirms_no_address(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let ines = app.manager("Ines", Viewer).await;
    request_change(&mut app.with_session(&ines).await, NEW).await;
    let path = mailed_link(&app, &sink).await;
    let mut owner = app.logged_in(Owner).await;
    for change in ["disablement", "enablement"] {
        owner.post(&format!("/admin/managers/{}/{change}", ines.id), &[]).await;
        assert!(is_invalid_link(&app, &path).await, "{change}");
    }
}

#[apply(on_both_databases!)]
async fn reset_by_an_owner_voids_the_pending_address(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let ines = app.manager("Ines", Viewer).await;
    request_change(&mut app.with_session(&ines).await, NEW).await;
    let path = mailed_link(&app, &sink).await;
    let created = app.logged_in(Owner).await.post(&format!("/admin/managers/{}/reset", ines.id), &[]).await;
    assert_eq!(created.word("h1"), "Reset link");
    assert!(is_invalid_link(&app, &path).await);
}

#[apply(on_both_databases!)]
async fn forgotten_password_request_keeps_the_pending_address(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let mut browser = app.with_session(&app.manager("Ines", Viewer).await).await;
    request_change(&mut browser, NEW).await;
    let path = mailed_link(&app, &sink).await;
    app.visitor().post("/forgotten", &[("email", "ines@example.org")]).await;
    let reset = mailed_link(&app, &sink).await;
    assert_eq!(sink.mails()[1].to, ["TO:<ines@example.org>"], "the old address still counts");
    assert_eq!(app.visitor().get(&path).await.status, StatusCode::OK, "a stranger can ask for that");
    app.visitor().post(&reset, &[("password", "gravel lantern otter")]).await;
    assert!(is_invalid_link(&app, &path).await, "the new password voids it");
}

#[apply(on_both_databases!)]
async fn confirmation_mails_are_limited_per_hour(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let ines = app.manager("Ines", Viewer).await;
    let mut browser = app.with_session(&ines).await;
    for round in 0..MAX_CONFIRMATIONS {
        request_change(&mut browser, &format!("victim{round}@example.org")).await;
    }
    let before = (app.counts().await, app.texts("select email from one_time_links").await);
    let refused = browser.post("/admin/account/email", &[("email", NEW)]).await;
    assert_eq!((refused.status, refused.field("email")), (StatusCode::UNPROCESSABLE_ENTITY, NEW.to_owned()));
    assert!(refused.message("email").contains("Too many confirmation e-mails"), "{}", refused.text());
    assert!((app.counts().await, app.texts("select email from one_time_links").await) == before);
    app.clock.advance(TimeDelta::hours(1));
    request_change(&mut app.with_session(&ines).await, NEW).await;
    assert_eq!(app.number("select count(*) from outbox").await, MAX_CONFIRMATIONS + 1);
}

#[apply(on_both_databases!)]
async fn address_voided_before_the_mail_is_not_mailed(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let mut browser = app.with_session(&app.manager("Ines", Viewer).await).await;
    request_change(&mut browser, "first@example.org").await;
    request_change(&mut browser, NEW).await;
    app.mail_worker().deliver_due().await.unwrap();
    assert_eq!(sink.mails().len(), 1);
    assert_eq!(sink.mails()[0].to, [format!("TO:<{NEW}>")]);
    assert_eq!(app.number("select count(*) from outbox where outcome = 'no-recipient'").await, 1);
}

#[apply(on_both_databases!)]
async fn failed_confirmation_mail_is_sent_later(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let mut browser = app.with_session(&app.manager("Ines", Viewer).await).await;
    request_change(&mut browser, NEW).await;
    sink.reject_next_mail("451 try again");
    app.mail_worker().deliver_due().await.unwrap();
    assert!(sink.mails().is_empty());
    app.clock.advance(TimeDelta::seconds(30));
    let path = mailed_link(&app, &sink).await;
    assert_eq!(confirm_link(&app, &path).await.status, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn address_changes_at_once_without_mail_server(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = app.with_session(&app.manager("Ines", Viewer).await).await;
    assert!(browser.get("/admin/account").await.text().contains("takes effect at once"));
    let answer = browser.post("/admin/account/email", &[("email", NEW)]).await;
    assert_eq!(answer.location(), "/admin/account?done=email-set");
    assert!(manager_exists(&app, NEW).await && !manager_exists(&app, "ines@example.org").await);
}

/// Cancelling only protects the account, so it needs no re-authentication.
#[test]
fn cancelling_needs_no_fresh_proof() {
    let routes = routes();
    let route = routes.table().iter().find(|route| route.path == "/admin/account/email/cancellation").unwrap();
    assert!(matches!(route.access, Access::AtLeast(Viewer)));
}
