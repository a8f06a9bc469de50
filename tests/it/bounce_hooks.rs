//! Bounces that mail providers report by HTTP. The messages have the shape of each provider's, with our own content.

use std::path::Path;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use candor::actions::bounces::BOUNCE_KEY;
use candor::domain::Role::Owner;
use candor::domain::subscriber::{Scope, SubscriberState};
use candor::domain::{NoticeId, Subscriber};
use candor::notify::bounce_hooks::{BounceHooks, SnsClient, StoredAnswers};
use candor::notify::bounce_token::make_token;
use candor::worker::measure_queue;
use chrono::{SecondsFormat, TimeDelta};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{Answer, TestApp};
use crate::support::subscribers::{add_in, add_to_page, all, find};

const TOKEN: &str = "a-token-of-the-relay";
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:bounces";
const CERTIFICATE_URL: &str = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a1b.pem";
const CONFIRM_URL: &str = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=\
                           arn:aws:sns:eu-west-1:123456789012:bounces&Token=2336";

fn fixture(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures").join(name)).unwrap()
}

/// The token that the envelope sender of a mail to `subscriber` has.
fn token(app: &TestApp, subscriber: &Subscriber) -> String {
    let key = app.secret_key.derive_key(BOUNCE_KEY).unwrap();
    make_token(&key, &subscriber.id, &NoticeId::parse("n0t1ce000001").unwrap())
}

async fn report(app: &TestApp, source: &str, headers: &[(&str, &str)], body: String) -> Answer {
    app.visitor().send(Method::POST, &format!("/hooks/bounces/{source}"), headers, Body::from(body)).await
}

async fn state_of(app: &TestApp, email: &str) -> SubscriberState {
    find(app, email).await.unwrap().state
}

async fn ses_app(test: TestDb) -> (TestApp, StoredAnswers) {
    let answers = StoredAnswers::default()
        .with_answer(CERTIFICATE_URL, &fixture("sns/certificate.pem"))
        .with_answer(CONFIRM_URL, "<ConfirmSubscriptionResponse/>");
    let hooks = BounceHooks::new(None, &[TOPIC.to_owned()], None).unwrap();
    let hooks = hooks.with_sns_client(SnsClient::Stored(answers.clone()));
    (TestApp::with_bounce_hooks(test, None, hooks).await, answers)
}

/// An SNS message, signed with the key of the certificate.
fn sns_message(app: &TestApp, mut fields: Value) -> String {
    let more = json!({
        "MessageId": "5b1c2f0e-0000-4000-8000-0000000000a1",
        "TopicArn": TOPIC,
        "Timestamp": app.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
    });
    for (name, value) in more.as_object().unwrap() {
        fields.as_object_mut().unwrap().entry(name).or_insert(value.clone());
    }
    let names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
    let lines = names.iter().filter_map(|name| Some(format!("{name}\n{}\n", fields[name].as_str()?)));
    let key = PrivatePkcs8KeyDer::from_pem_slice(fixture("dkim/rsa-pkcs8.pem").as_bytes()).unwrap();
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    let text: String = lines.collect();
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    fields["Signature"] = BASE64_STANDARD.encode(signature).into();
    fields.to_string()
}

fn ses_bounce(source: &str, email: &str, status: &str) -> String {
    let recipient = json!({"emailAddress": email, "action": "failed", "status": status,
                           "diagnosticCode": format!("smtp; 550 {status} rejected")});
    json!({
        "notificationType": "Bounce",
        "bounce": {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [recipient]},
        "mail": {"source": source, "messageId": "0100-y", "destination": [email]}
    })
    .to_string()
}

#[apply(on_both_databases!)]
async fn ses_bounce_quarantines_its_subscriber(test: TestDb) {
    let (app, _) = ses_app(test).await;
    let ines = add_to_page(&app, "ines@example.org").await;
    add_to_page(&app, "rui@example.org").await;
    let source = format!("bounce+{}@status.test", token(&app, &ines));
    let message = json!({"Type": "Notification", "Message": ses_bounce(&source, "other@example.org", "5.1.1")});
    let answer = report(&app, "ses", &[], sns_message(&app, message)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    let ines = find(&app, "ines@example.org").await.unwrap();
    assert_eq!(
        (ines.state, ines.quarantine_reason.as_deref()),
        (SubscriberState::Quarantined, Some("550 5.1.1 rejected"))
    );
    assert_eq!(state_of(&app, "rui@example.org").await, SubscriberState::Active);
    let row = app.audit().await.remove(0);
    assert_eq!((row.action.as_str(), row.actor.name.as_str()), ("subscriber.quarantine", "Candor"));
    assert!(!format!("{row:?}").contains("example.org"), "{row:?}");
}

#[apply(on_both_databases!)]
async fn forged_sns_messages_change_nothing(test: TestDb) {
    let (app, answers) = ses_app(test).await;
    add_to_page(&app, "ines@example.org").await;
    let bounce = ses_bounce("status@tidewater.example", "ines@example.org", "5.1.1");
    let message = |more: Value| {
        let mut fields = json!({"Type": "Notification", "Message": bounce});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sns_message(&app, fields)
    };
    let right = message(json!({}));
    let late = (app.clock.now() - TimeDelta::days(3)).to_rfc3339_opts(SecondsFormat::Millis, true);
    for forged in [
        right.replace("ines@", "rui@"),
        right.replace("5.1.1", "5.1.2"),
        message(json!({"TopicArn": "arn:aws:sns:eu-west-1:210987654321:bounces"})),
        message(json!({"SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a1b.pem"})),
        message(json!({"SigningCertURL": "https://evil.example/SimpleNotificationService-0a1b.pem"})),
        message(json!({"SignatureVersion": "3"})),
        message(json!({"Timestamp": late})),
    ] {
        let answer = report(&app, "ses", &[], forged.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{forged}: {}", answer.text());
    }
    assert_eq!(report(&app, "ses", &[], "{}".to_owned()).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(state_of(&app, "ines@example.org").await, SubscriberState::Active);
    assert!(answers.requests().iter().all(|url| url == CERTIFICATE_URL), "{:?}", answers.requests());
    assert_eq!(report(&app, "ses", &[], right).await.status, StatusCode::NO_CONTENT);
    assert_eq!(state_of(&app, "ines@example.org").await, SubscriberState::Quarantined);
}

#[apply(on_both_databases!)]
async fn only_allowed_topics_are_confirmed(test: TestDb) {
    let (app, answers) = ses_app(test).await;
    let confirmation = |url: &str| {
        let fields = json!({"Type": "SubscriptionConfirmation", "Token": "2336", "SubscribeURL": url,
                            "Message": "You have chosen to subscribe."});
        sns_message(&app, fields)
    };
    for url in ["https://evil.example/?Action=ConfirmSubscription", &CONFIRM_URL.replace("bounces", "others"), ""] {
        let answer = report(&app, "ses", &[], confirmation(url)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{url}");
    }
    assert!(answers.requests().iter().all(|url| url == CERTIFICATE_URL), "{:?}", answers.requests());
    let answer = report(&app, "ses", &[], confirmation(CONFIRM_URL)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    assert_eq!(answers.requests().last().map(String::as_str), Some(CONFIRM_URL));
}

#[apply(on_both_databases!)]
async fn postmark_report_names_the_mail_by_its_token(test: TestDb) {
    let hooks = BounceHooks::new(Some(TOKEN), &[], None).unwrap();
    let app = TestApp::with_bounce_hooks(test, None, hooks).await;
    let ines = add_to_page(&app, "ines@example.org").await;
    let body = json!({
        "RecordType": "SpamComplaint", "Type": "SpamComplaint", "TypeCode": 100_001, "MessageID": "6f1c0b4e",
        "Metadata": {"candor": token(&app, &ines)}, "Email": "other@example.org", "Details": "Marked as spam"
    })
    .to_string();
    let basic = |password: &str| format!("Basic {}", BASE64_STANDARD.encode(format!("postmark:{password}")));
    for wrong in [&[][..], &[("authorization", basic("wrong").as_str())]] {
        assert_eq!(report(&app, "postmark", wrong, body.clone()).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(state_of(&app, "ines@example.org").await, SubscriberState::Active);
    let right = basic(TOKEN);
    let answer = report(&app, "postmark", &[("authorization", &right)], body).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    assert_eq!(state_of(&app, "ines@example.org").await, SubscriberState::Quarantined);
    assert_eq!(app.texts("select reason from suppressions").await, ["complaint"]);
}

#[apply(on_both_databases!)]
async fn signed_sendgrid_batch_survives_an_odd_event(test: TestDb) {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
    // The beginning of every public key of P-256 in DER.
    let prefix = BASE64_STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap();
    let public = BASE64_STANDARD.encode([&prefix[..], pair.public_key().as_ref()].concat());
    let hooks = BounceHooks::new(None, &[], Some(&public)).unwrap();
    let app = TestApp::with_bounce_hooks(test, None, hooks).await;
    let ines = add_to_page(&app, "ines@example.org").await;
    add_to_page(&app, "rui@example.org").await;
    let body = json!([
        42,
        {"email": 7, "event": "bounce"},
        {"email": "ines@example.org", "event": "bounce", "bounce_classification": "Invalid Address",
         "reason": "550 5.1.1 unknown", "status": "5.1.1", "candor": token(&app, &ines), "sg_message_id": "x"},
        {"email": "rui@example.org", "event": "delivered"}
    ])
    .to_string();
    let timestamp = app.clock.now().timestamp().to_string();
    let signed = pair.sign(&random, format!("{timestamp}{body}").as_bytes()).unwrap();
    let signature = BASE64_STANDARD.encode(signed);
    let headers = [
        ("x-twilio-email-event-webhook-signature", signature.as_str()),
        ("x-twilio-email-event-webhook-timestamp", timestamp.as_str()),
    ];
    assert_eq!(report(&app, "sendgrid", &headers, format!("{body} ")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(report(&app, "sendgrid", &[], body.clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(report(&app, "sendgrid", &headers, body).await.status, StatusCode::NO_CONTENT);
    assert_eq!(state_of(&app, "ines@example.org").await, SubscriberState::Quarantined);
    assert_eq!(state_of(&app, "rui@example.org").await, SubscriberState::Active);
}

#[apply(on_both_databases!)]
async fn json_report_names_the_mail_by_its_address(test: TestDb) {
    let hooks = BounceHooks::new(Some(TOKEN), &[], None).unwrap();
    let app = TestApp::with_bounce_hooks(test, None, hooks).await;
    add_to_page(&app, "ines@example.org").await;
    add_in(&app, "late@example.org", Scope::Page, SubscriberState::Unconfirmed).await;
    let bearer = format!("Bearer {TOKEN}");
    let send = async |body: Value| report(&app, "json", &[("authorization", &bearer)], body.to_string()).await.status;
    let soft = json!({"type": "soft", "email": "ines@example.org", "reason": "mailbox full"});
    for _ in 0..5 {
        assert_eq!(state_of(&app, "ines@example.org").await, SubscriberState::Active);
        assert_eq!(send(soft.clone()).await, StatusCode::NO_CONTENT);
        app.clock.advance(TimeDelta::days(1));
    }
    assert_eq!(state_of(&app, "ines@example.org").await, SubscriberState::Quarantined, "five in a row over days");
    let hard = json!([{"type": "hard", "email": "late@example.org"}, {"type": "hard", "email": "nobody@example.org"}]);
    assert_eq!(send(hard).await, StatusCode::NO_CONTENT, "the answer does not reveal who has subscribed");
    assert_eq!(state_of(&app, "late@example.org").await, SubscriberState::Unconfirmed);
    for malformed in [json!({"type": "hard"}), json!({"type": "x", "email": "a@example.org"}), json!("x")] {
        assert_eq!(send(malformed.clone()).await, StatusCode::BAD_REQUEST, "{malformed}");
    }
}

#[apply(on_both_databases!)]
async fn hooks_without_settings_are_missing(test: TestDb) {
    let app = TestApp::new(test).await;
    for source in ["ses", "postmark", "sendgrid", "json", "other"] {
        let answer = report(&app, source, &[("authorization", "Bearer ")], "{}".to_owned()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{source}");
    }
    assert_eq!(app.visitor().get("/hooks/bounces/ses").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[apply(on_both_databases!)]
async fn reported_policy_rejection_is_the_owners_concern(test: TestDb) {
    let hooks = BounceHooks::new(Some(TOKEN), &[], None).unwrap();
    let app = TestApp::with_bounce_hooks(test, None, hooks).await;
    add_to_page(&app, "ines@example.org").await;
    let mut owner = app.logged_in(Owner).await;
    let body = json!({"type": "policy", "email": "ines@example.org", "reason": "550 5.7.26 unauthenticated"});
    let bearer = format!("Bearer {TOKEN}");
    let answer = report(&app, "json", &[("authorization", &bearer)], body.to_string()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    assert!(all(&app).await.iter().all(|it| it.state == SubscriberState::Active));
    assert_eq!(app.number("select count(*) from outbox where kind = 'sender-rejected'").await, 1);
    let trouble = async || {
        measure_queue(&app.state).await;
        let answer = app.visitor().get("/readyz").await;
        let body = serde_json::from_slice::<Value>(&answer.body).unwrap();
        (body["trouble"].clone(), body["ready"].clone())
    };
    assert_eq!(trouble().await, (json!("sender"), json!(true)));
    for path in ["/admin", "/admin/subscribers", "/admin/subscribers/notices"] {
        let page = owner.get(path).await;
        assert!(page.text().contains("rejects mail of this page: 550 5.7.26"), "{path}: {}", page.text());
    }
    let viewer = app.logged_in(candor::domain::Role::Viewer).await.get("/admin/subscribers").await;
    assert!(viewer.text().contains("rejects mail of this page.") && !viewer.text().contains("5.7.26"));
    let metrics = candor::web::edge::prometheus::render_metrics(&app.state);
    assert!(metrics.contains("candor_sender_rejected 1\n"), "{metrics}");
    app.clock.advance(TimeDelta::minutes(61));
    assert_ne!(trouble().await.0, json!("sender"), "an hour without a rejection ends it");
}
