//! Re-authentication of a manager who logs in with an identity provider: a new login there, after the request.

use axum::http::StatusCode;
use candor::domain::Role::Viewer;
use chrono::TimeDelta;
use serde_json::json;

use crate::oidc::{assert_logged_in, provider_address, with_provider};
use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp};
use crate::support::fake_oidc::{FakeProvider, Person};

fn ines() -> Person {
    Person::named("Ines", &["owners"])
}

/// An owner whose last login is too old for sensitive actions.
async fn stale_session(app: &TestApp, issuer: &FakeProvider) -> Browser {
    let mut browser = app.visitor();
    assert_logged_in(&mut browser, issuer, &ines()).await;
    app.clock.advance(TimeDelta::minutes(10));
    browser
}

/// Submits the form of the page `asked`, which redirects to the provider; returns that address.
async fn submit_proof(browser: &mut Browser, asked: &Answer) -> String {
    assert_eq!(
        (asked.status, asked.word("h1").as_str()),
        (StatusCode::FORBIDDEN, "Confirm it's you"),
        "{}",
        asked.text()
    );
    assert_eq!(asked.words("form[action='/admin/proof/oidc'] button"), ["Confirm with Harbour ID"]);
    let names = asked.attributes("form[action='/admin/proof/oidc'] input", "name");
    let values = asked.attributes("form[action='/admin/proof/oidc'] input", "value");
    let fields: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
    let redirect = browser.post("/admin/proof/oidc", &fields).await;
    let there = provider_address(&redirect);
    assert!(there.contains("prompt=login") && there.contains("max_age=0"), "{there}");
    there
}

#[apply(on_both_databases!)]
async fn typed_form_is_submitted_after_oidc_reauth(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut browser = stale_session(&app, &issuer).await;
    let nasty = "Rui \"Ñ\" <b> & + = %20";
    let asked =
        browser.post("/admin/managers", &[("name", nasty), ("email", "rui@example.org"), ("role", "publisher")]).await;
    let there = submit_proof(&mut browser, &asked).await;
    let before = browser.cookies["sid"].clone();
    let back = browser.get(&issuer.authorize(&there, &ines()).address()).await;
    assert_eq!(back.location(), "/admin/proof");
    assert_ne!(browser.cookies["sid"], before, "more can be done, hence a new id");
    assert_eq!(app.audit().await[0].action, "manager.reauthenticate");
    let waiting = browser.get("/admin/proof").await;
    assert_eq!(waiting.attributes("main form", "action"), ["/admin/managers"]);
    assert_eq!(waiting.attributes("main input[name=name]", "value"), [nasty]);
    assert!(!waiting.text().contains("<b>"), "{}", waiting.text());
    let answer =
        browser.post("/admin/managers", &[("name", nasty), ("email", "rui@example.org"), ("role", "publisher")]).await;
    assert_eq!((answer.status, answer.word("h1").as_str()), (StatusCode::OK, "Invitation link"), "{}", answer.text());
}

#[apply(on_both_databases!)]
async fn protected_page_is_shown_after_reauth(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut browser = stale_session(&app, &issuer).await;
    let asked = browser.get("/admin/account/passkeys/new").await;
    let there = submit_proof(&mut browser, &asked).await;
    let back = browser.get(&issuer.authorize(&there, &ines()).address()).await;
    assert_eq!(back.location(), "/admin/account/passkeys/new");
    assert_eq!(browser.get("/admin/account/passkeys/new").await.status, StatusCode::OK);
    app.clock.advance(TimeDelta::minutes(10));
    let elsewhere = browser.post("/admin/proof/oidc", &[("path", "//evil.test")]).await;
    let back = browser.get(&issuer.authorize(&provider_address(&elsewhere), &ines()).address()).await;
    assert_eq!(back.location(), "/admin");
}

#[apply(on_both_databases!)]
async fn login_older_than_the_request_is_no_proof(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut browser = stale_session(&app, &issuer).await;
    let now = app.clock.now().timestamp();
    for auth_time in [json!(now - 61), json!(now - 600), json!(0), serde_json::Value::Null] {
        issuer.change_claims(move |claims| claims["auth_time"] = auth_time.clone());
        let asked = browser.get("/admin/account/totp").await;
        let there = submit_proof(&mut browser, &asked).await;
        let back = browser.get(&issuer.authorize(&there, &ines()).address()).await;
        assert_eq!(back.status, StatusCode::CONFLICT, "{}", back.text());
        assert_eq!(app.audit().await[0].action, "manager.deny-reauthentication");
        assert_eq!(browser.get("/admin/account/totp").await.status, StatusCode::FORBIDDEN);
    }
}

#[apply(on_both_databases!)]
async fn silent_oidc_login_is_no_fresh_proof(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let now = app.clock.now().timestamp();
    let cases =
        [(Some(now - 599), StatusCode::OK), (Some(now - 600), StatusCode::FORBIDDEN), (None, StatusCode::FORBIDDEN)];
    for (auth_time, expected) in cases {
        issuer.change_claims(move |claims| match auth_time {
            Some(at) => claims["auth_time"] = json!(at),
            None => drop(claims.as_object_mut().unwrap().remove("auth_time")),
        });
        let mut browser = app.visitor();
        assert_logged_in(&mut browser, &issuer, &ines()).await;
        assert_eq!(browser.get("/admin/account/totp").await.status, expected, "{auth_time:?}");
    }
    issuer.change_claims(move |claims| claims["auth_time"] = json!(now + 3600));
    let mut browser = stale_session(&app, &issuer).await;
    assert_eq!(browser.get("/admin/account/totp").await.status, StatusCode::FORBIDDEN, "no clock runs ahead of ours");
}

#[apply(on_both_databases!)]
async fn login_of_another_person_is_no_proof(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    assert_logged_in(&mut app.visitor(), &issuer, &Person::named("Rui", &["owners"])).await;
    let mut browser = stale_session(&app, &issuer).await;
    for other in [Person::named("Rui", &["owners"]), Person::named("Nobody", &["owners"])] {
        let asked = browser.get("/admin/account/totp").await;
        let there = submit_proof(&mut browser, &asked).await;
        let back = browser.get(&issuer.authorize(&there, &other).address()).await;
        assert_eq!(back.status, StatusCode::CONFLICT);
        assert!(back.text().contains("This account at Harbour ID is not connected to yours."), "{}", back.text());
        assert_eq!(browser.get("/admin/account/totp").await.status, StatusCode::FORBIDDEN);
    }
}

#[apply(on_both_databases!)]
async fn pending_action_expires(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut browser = stale_session(&app, &issuer).await;
    let asked = browser.post("/admin/account/email", &[("email", "new@example.org"), ("password", "secret")]).await;
    assert!(!asked.text().contains("secret"), "a password is never kept");
    let there = submit_proof(&mut browser, &asked).await;
    browser.get(&issuer.authorize(&there, &ines()).address()).await;
    app.clock.advance(TimeDelta::minutes(5));
    let gone = browser.get("/admin/proof").await;
    assert!(gone.text().contains("Nothing to confirm."), "{}", gone.text());
    let much = "x".repeat(64 * 1024 + 1);
    let refused = browser.post("/admin/proof/oidc", &[("path", "/admin/managers"), ("kept", &much)]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[apply(on_both_databases!)]
async fn no_password_field_without_password(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut browser = stale_session(&app, &issuer).await;
    let asked = browser.get("/admin/account/totp").await;
    assert!(
        asked.words("input[type=password]").is_empty() && asked.attributes("input[type=password]", "id").is_empty()
    );
    let account = browser.get("/admin/account").await;
    assert!(account.attributes("form[action='/admin/account/password']", "method").is_empty());
    let vera = app.manager("Vera", Viewer).await;
    let mut other = app.through_login(&vera).await;
    app.clock.advance(TimeDelta::minutes(10));
    let asked = other.get("/admin/account/totp").await;
    assert!(asked.words("form[action='/admin/proof/oidc']").is_empty(), "no login there is hers");
    // Without the provider, a password is accepted.
    let mut alone = app.at_origin(None);
    alone.cookies = browser.cookies.clone();
    let asked = alone.get("/admin/account/totp").await;
    assert!(asked.text().contains("Log in again to confirm."), "{}", asked.text());
}
