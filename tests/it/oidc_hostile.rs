//! Forged, replayed and malformed answers of an identity provider.

use axum::http::StatusCode;
use candor::oidc::{Provider, ProviderSettings};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::cli::{candor, stderr_text};
use crate::oidc::{assert_denied, assert_logged_in, provider_address, with_provider};
use crate::support::TestDb;
use crate::support::app::ORIGIN;
use crate::support::fake_oidc::{CLIENT, FakeProvider, Person, Signing};
use crate::support::fake_statuspage::{FakeResponse, FakeStatuspage};
use crate::web_hostile::listen;

const NOTHING: &str = "Login with Harbour ID failed";

fn ines() -> Person {
    Person::named("Ines", &["owners"])
}

#[apply(on_both_databases!)]
async fn id_token_with_wrong_claims_is_rejected(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let now = app.clock.now().timestamp();
    let wrong: [(&'static str, Value); 11] = [
        ("nonce", json!("another one")),
        ("nonce", Value::Null),
        ("aud", json!("somebody else")),
        ("aud", json!([CLIENT, "somebody else"])),
        ("iss", json!("https://id.example.org")),
        ("iss", json!(format!("{}/", issuer.url))),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("at_hash", json!("LDktKdoQak3Pk0cnXxCltA")),
        ("sub", Value::Null),
        ("exp", Value::Null),
    ];
    for (claim, value) in wrong {
        let what = format!("{claim} {value}");
        issuer.change_claims(move |claims| claims[claim] = value.clone());
        println!("{what}");
        let mut browser = app.visitor();
        let answer = crate::oidc::log_in(&mut browser, &issuer, &ines()).await;
        assert!([422, 503].contains(&answer.status.as_u16()), "{what}: {}", answer.status);
        assert!(browser.get("/admin").await.location().starts_with("/login"), "{what}");
    }
    issuer.change_claims(|_| ());
    assert_logged_in(&mut app.visitor(), &issuer, &ines()).await;
}

#[apply(on_both_databases!)]
async fn id_token_with_wrong_signature_is_rejected(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    for signing in [Signing::Strangers, Signing::Nothing, Signing::PublicKey, Signing::ClientSecret] {
        issuer.sign_with(signing);
        println!("{signing:?}");
        assert_denied(&app, &issuer, &ines(), NOTHING).await;
    }
    issuer.sign_with(Signing::Ours);
    assert_logged_in(&mut app.visitor(), &issuer, &ines()).await;
}

#[apply(on_both_databases!)]
async fn unverified_email_is_rejected(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let why = "Harbour ID has not verified your e-mail address";
    assert_denied(&app, &issuer, &Person { verified: false, ..ines() }, why).await;
    issuer.change_claims(|claims| drop(claims.as_object_mut().unwrap().remove("email_verified")));
    assert_denied(&app, &issuer, &ines(), why).await;
}

#[apply(on_both_databases!)]
async fn callback_works_once_in_its_own_session(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let (mut own_browser, mut other_browser) = (app.visitor(), app.visitor());
    let redirect = own_browser.post("/login/oidc", &[]).await;
    let answer = issuer.authorize(&provider_address(&redirect), &ines());
    other_browser.post("/login/oidc", &[]).await;
    for browser in [&mut other_browser, &mut app.visitor()] {
        let foreign = browser.get(&answer.address()).await;
        assert_eq!(foreign.status, StatusCode::UNPROCESSABLE_ENTITY, "the state is another session's");
        assert!(browser.get("/admin").await.location().starts_with("/login"));
    }
    assert_eq!(own_browser.get(&answer.address()).await.location(), "/admin");
    let again = own_browser.get(&answer.address()).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "it is used up");
    let redirect = own_browser.post("/login/oidc", &[]).await;
    let fresh = issuer.authorize(&provider_address(&redirect), &ines());
    let replayed = crate::support::fake_oidc::Answer { code: answer.code, ..fresh };
    let mut visitor = own_browser.clone();
    assert_eq!(visitor.get(&replayed.address()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "an old code");
}

#[apply(on_both_databases!)]
async fn late_callback_is_rejected(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut browser = app.visitor();
    let redirect = browser.post("/login/oidc", &[]).await;
    app.clock.advance(TimeDelta::minutes(5));
    let late = browser.get(&issuer.authorize(&provider_address(&redirect), &ines()).address()).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(late.word("[role=alert]").contains("The login expired"), "{}", late.text());
}

#[apply(on_both_databases!)]
async fn callback_of_another_issuer_is_rejected(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    for other in ["https://id.example.org", "", "http://127.0.0.1"] {
        let mut browser = app.visitor();
        let redirect = browser.post("/login/oidc", &[]).await;
        let mut answer = issuer.authorize(&provider_address(&redirect), &ines());
        answer.issuer = other.to_owned();
        let answered = browser.get(&answer.address()).await;
        assert_eq!(answered.status, StatusCode::UNPROCESSABLE_ENTITY, "{other}");
        assert!(answered.word("[role=alert]").contains(NOTHING), "{other}");
    }
    // A provider at the same URL whose issuer differs from the configured one.
    let settings = ProviderSettings { issuer: format!("{}/", issuer.url), ..issuer.settings() };
    let mut browser = app.at_origin(Some(Provider::new(settings, ORIGIN).unwrap()));
    assert_eq!(browser.post("/login/oidc", &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[apply(on_both_databases!)]
async fn provider_errors_use_our_texts(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut browser = app.visitor();
    let redirect = browser.post("/login/oidc", &[]).await;
    let state = issuer.authorize(&provider_address(&redirect), &ines()).state;
    let nasty = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let query = format!("state={state}&iss={}&error=access_denied{nasty}&error_description={nasty}", issuer.url);
    let refused = browser.get(&format!("/login/oidc/callback?{query}")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.word("[role=alert]"), "Login at Harbour ID was denied.");
    assert!(!refused.text().contains("alert(1)"));
}

#[apply(on_both_databases!)]
async fn login_redirects_stay_on_this_site(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    for next in ["//evil.test", "/\\evil.test", "https://evil.test/admin", "/admin//evil.test", "javascript:x", "/"] {
        let mut browser = app.visitor();
        let redirect = browser.post("/login/oidc", &[("next", next)]).await;
        let address = issuer.authorize(&provider_address(&redirect), &ines()).address()
            + "&next=//evil.test&redirect_uri=//evil.test";
        assert_eq!(browser.get(&address).await.location(), "/admin", "{next}");
    }
}

#[apply(on_both_databases!)]
async fn session_fixation_fails(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut browser = app.visitor();
    let redirect = browser.post("/login/oidc", &[]).await;
    let planted = browser.clone();
    browser.get(&issuer.authorize(&provider_address(&redirect), &ines()).address()).await;
    assert_eq!(browser.get("/admin").await.status, StatusCode::OK);
    assert_ne!(browser.cookies["sid"], planted.cookies["sid"]);
    let mut planted = planted;
    assert!(planted.get("/admin").await.location().starts_with("/login"), "the id from before opens nothing");
}

#[apply(on_both_databases!)]
async fn oidc_logins_per_network_are_limited(test: TestDb) {
    let (app, _issuer) = with_provider(test).await;
    let from = |peer: &str| {
        let mut browser = app.visitor();
        browser.peer = Some(peer.parse().unwrap());
        browser
    };
    for _ in 0..5 {
        assert_eq!(from("192.0.2.7").post("/login/oidc", &[]).await.status, StatusCode::OK);
        assert_ne!(from("192.0.2.7").post("/login/passkey/challenge", &[]).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    for address in ["/login/oidc", "/login/passkey/challenge", "/login"] {
        let refused = from("192.0.2.7").post(address, &[("email", "a@b.test"), ("password", "x")]).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{address}: they count together");
    }
    assert_eq!(from("192.0.2.8").post("/login/oidc", &[]).await.status, StatusCode::OK);
    app.clock.advance(TimeDelta::seconds(6));
    assert_eq!(from("192.0.2.7").post("/login/oidc", &[]).await.status, StatusCode::OK);
}

#[apply(on_both_databases!)]
async fn oidc_secrets_are_never_shown_or_logged(test: TestDb) {
    let log = listen();
    let (app, issuer) = with_provider(test).await;
    let mut browser = app.visitor();
    let redirect = browser.post("/login/oidc", &[]).await;
    let data: Value = serde_json::from_str(&app.texts("select payload from challenges").await[0]).unwrap();
    let verifier = data.to_string().split("\"verifier\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(verifier.len() >= 43);
    assert!(!redirect.text().contains(&verifier) && !provider_address(&redirect).contains(&verifier));
    let answer = issuer.authorize(&provider_address(&redirect), &ines());
    browser.get(&answer.address()).await;
    let (audit, log_text) = (format!("{:?}", app.audit().await), log.text());
    assert!(log_text.contains("/login/oidc/callback"), "requests are logged");
    for secret in [&verifier, &answer.code, &answer.state].into_iter().chain(&issuer.issued_tokens()) {
        assert!(!audit.contains(secret.as_str()) && !log_text.contains(secret.as_str()), "{secret}");
    }
    assert_eq!(app.texts("select payload from challenges").await, Vec::<String>::new(), "used up");
    assert!(!app.texts("select data from sessions").await.concat().contains(&verifier));
}

#[apply(on_both_databases!)]
async fn huge_provider_responses_are_rejected(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    // A 4 MB token, in a claim that is read and in one that is not.
    for claim in ["name", "whatever"] {
        issuer.change_claims(move |claims| claims[claim] = json!("x".repeat(4 << 20)));
        let mut browser = app.visitor();
        let answer = crate::oidc::log_in(&mut browser, &issuer, &ines()).await;
        assert!([422, 503].contains(&answer.status.as_u16()), "{claim}: {}", answer.status);
        assert!(answer.body.len() < 100_000, "{claim}: {} bytes", answer.body.len());
        assert!(browser.get("/admin").await.location().starts_with("/login"), "{claim}");
    }
    issuer.change_claims(|_| ());
    assert_logged_in(&mut app.visitor(), &issuer, &ines()).await;
    // A provider with an endless discovery document.
    let endless = FakeStatuspage::new();
    endless.respond_otherwise(|_| FakeResponse::Long(1 << 30));
    let url = endless.url.as_str().trim_end_matches('/').to_owned();
    let settings = ProviderSettings { issuer: url, ..issuer.settings() };
    let mut browser = app.at_origin(Some(Provider::new(settings, ORIGIN).unwrap()));
    assert_eq!(browser.post("/login/oidc", &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn provider_requires_https() {
    let issuer = FakeProvider::open(&TestDb::sqlite().await.clock).await;
    for bad in ["http://id.example.org", "ftp://127.0.0.1", "http://127.0.0.1.evil.test", "nonsense"] {
        assert!(Provider::new(ProviderSettings { issuer: bad.into(), ..issuer.settings() }, ORIGIN).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn inconsistent_settings_fail_at_start() {
    let test = TestDb::sqlite().await;
    let issuer = ["--oidc-issuer", "https://id.example.org"];
    let (client, rule) = (["--oidc-client-id", "candor"], ["--oidc-roles", "group:owners=owner"]);
    let open = ["--oidc-issuer", "http://id.example.org"];
    for (arguments, code, said) in [
        ([&issuer[..], &rule].concat(), 1, "--oidc-client-id"),
        ([&issuer[..], &client].concat(), 1, "--oidc-roles"),
        ([&client[..], &rule].concat(), 1, "--oidc-issuer"),
        ([&open[..], &client, &rule].concat(), 1, "must begin with https://"),
        ([&issuer[..], &client, &["--oidc-roles", "owners=owner"]].concat(), 2, "is not a role mapping"),
        ([&issuer[..], &client, &rule, &["--oidc-second-factor", "maybe"]].concat(), 2, "must be by-claims"),
    ] {
        let serve = [&["serve", "--listen", "127.0.0.1:0"][..], &arguments].concat();
        let error = stderr_text(&candor(&test, &serve, ""), code);
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
}
