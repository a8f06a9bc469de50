//! The login, and the password policy.

use axum::http::{HeaderMap, StatusCode};
use candor::db::managers;
use candor::domain::Role::{Owner, Viewer};
use candor::domain::manager::LinkPurpose;
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Answer, PASSWORD, TestApp};

fn comparable_answer(answer: &Answer) -> (StatusCode, HeaderMap, String) {
    let policy = answer.header("content-security-policy").to_owned();
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or("none");
    let mut headers = answer.headers.clone();
    headers.remove("x-request-id");
    headers.insert("content-security-policy", policy.replace(nonce, "NONCE").parse().unwrap());
    (answer.status, headers, answer.text().replace(nonce, "NONCE"))
}

#[apply(on_both_databases!)]
async fn all_login_failures_look_the_same(test: TestDb) {
    let app = TestApp::new(test).await;
    let (known, mut disabled) = (app.manager("Known", Viewer).await, app.manager("Gone", Viewer).await);
    let mut tx = app.db.write().await.unwrap();
    managers::disable(&mut tx, &mut disabled, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    let tries = [
        ("nobody@example.org", PASSWORD),
        (known.email.as_str(), "not the right one"),
        (disabled.email.as_str(), PASSWORD),
        (disabled.email.as_str(), "not the right one"),
        (known.email.as_str(), ""),
    ];
    let mut all = Vec::new();
    for (email, password) in tries {
        let answer = app.visitor().post("/login", &[("email", email), ("password", password)]).await;
        let (status, headers, body) = comparable_answer(&answer);
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.field("email"), email, "what was typed is kept");
        assert_eq!(answer.field("password"), "", "a password is never shown again");
        all.push((headers, body.replace(email, "EMAIL")));
    }
    for (index, other) in all.iter().enumerate() {
        assert_eq!(other.1, all[0].1, "the body of attempt {index}");
        let lengths = |headers: &HeaderMap| {
            let mut headers = headers.clone();
            headers.remove("content-length");
            headers
        };
        assert_eq!(lengths(&other.0), lengths(&all[0].0), "the headers of attempt {index}");
    }
    assert_eq!(app.session_count().await, 0);
}

#[apply(on_both_databases!)]
async fn failed_login_is_audited_without_password(test: TestDb) {
    let app = TestApp::new(test).await;
    app.manager("Ines", Viewer).await;
    let secret = "a password mistyped by one lettre";
    app.visitor().post("/login", &[("email", "INES@example.org"), ("password", secret)]).await;
    let record = app.audit().await.remove(0);
    assert_eq!((record.action.as_str(), record.subject_name.as_str()), ("manager.deny-login", "ines@example.org"));
    assert_eq!((record.actor.manager_id.clone(), record.at), (None, app.clock.now()));
    assert!(!format!("{record:?}").contains(secret));
}

#[apply(on_both_databases!)]
async fn login_is_audited_and_recorded(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    app.through_login(&manager).await;
    let record = app.audit().await.remove(0);
    assert_eq!((record.action.as_str(), record.actor.manager_id), ("manager.login", Some(manager.id.clone())));
    let stored = managers::find(&mut app.db.read().await.unwrap(), &manager.id).await.unwrap();
    assert_eq!(stored.last_login_at, Some(app.clock.now()));
}

#[apply(on_both_databases!)]
async fn email_login_is_case_insensitive(test: TestDb) {
    let app = TestApp::new(test).await;
    app.manager("Ines", Viewer).await;
    let answer = app.visitor().post("/login", &[("email", "  Ines@EXAMPLE.org "), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[apply(on_both_databases!)]
async fn email_with_control_character_matches_no_account(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let mut browser = app.through_login(&owner).await;
    for control in ['\0', '\u{1}', '\u{7f}', '\u{85}'] {
        let email = format!("in{control}es@example.org");
        let refused = app.visitor().post("/login", &[("email", &email), ("password", PASSWORD)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{control:?}");
        let invited = [("name", "Rui"), ("email", email.as_str()), ("role", "viewer")];
        let refused = browser.post("/admin/managers", &invited).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{control:?}");
        let title = format!("Half{control} a title");
        let draft = [("title", title.as_str()), ("body", title.as_str()), ("save_draft", "1")];
        let answer = browser.post("/admin/incidents", &draft).await;
        assert!(answer.location().ends_with("?done=draft-saved"), "{control:?}: {} {}", answer.status, answer.text());
        let row = app.audit().await.remove(0);
        assert_eq!((row.action.as_str(), row.subject_name.as_str()), ("draft.add", "Half a title"));
    }
}

#[apply(on_both_databases!)]
async fn password_is_long_uncommon_and_impersonal(test: TestDb) {
    let app = TestApp::new(test).await;
    let token = app.link(LinkPurpose::Setup, None, TimeDelta::minutes(30)).await;
    let choose = |password: String| {
        let mut visitor = app.visitor();
        let address = format!("/setup/{token}");
        async move {
            let fields = [("name", "Ines Figueiredo"), ("email", "ines@tidewater.example"), ("password", &password)];
            visitor.post(&address, &fields).await
        }
    };
    for bad in [
        "",
        "fourteen chars",
        "passwordpassword",
        "qwertyuiopasdfgh",
        "aaaaaaaaaaaaaaaaaaaa",
        "inesfigueiredo1",
        "tidewatertidewater",
        "candorcandorcandor",
        &"é".repeat(513),
    ] {
        let answer = choose(bad.to_owned()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert!(!answer.message("password").is_empty(), "{bad}");
        assert_eq!(answer.field("name"), "Ines Figueiredo");
        assert_eq!(answer.field("email"), "ines@tidewater.example");
        assert_eq!(answer.field("password"), "", "a password is never shown again");
    }
    assert_eq!(choose("gravel lantern otter".to_owned()).await.location(), "/admin/setup/page?done=welcome");
}

#[apply(on_both_databases!)]
async fn kilobyte_password_works(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let long: String = (0..1024).map(|i| char::from(b'a' + (i * i % 26) as u8)).collect();
    for (password, length) in [(&long, 1024), (&format!("{}ß ", &long[..1020]), 1023)] {
        assert_eq!(password.len(), length);
        let token = app.link(LinkPurpose::Reset, Some(&manager), TimeDelta::minutes(30)).await;
        let answer = app.visitor().post(&format!("/setup/{token}"), &[("password", password)]).await;
        assert_eq!(answer.location(), "/login", "{}", answer.message("password"));
        let login = app.visitor().post("/login", &[("email", &manager.email), ("password", password)]).await;
        assert_eq!(login.status, StatusCode::SEE_OTHER);
        let short = password[..password.len() - 1].trim_end();
        let cut = app.visitor().post("/login", &[("email", &manager.email), ("password", short)]).await;
        assert_eq!(cut.status, StatusCode::UNPROCESSABLE_ENTITY, "every byte counts");
    }
}

#[apply(on_both_databases!)]
async fn login_redirects_stay_on_this_site(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let long = format!("/admin/{}", "x".repeat(9000));
    let login = |next: &str| {
        let fields = [("email", manager.email.clone()), ("password", PASSWORD.into()), ("next", next.to_owned())];
        let mut visitor = app.visitor();
        async move { visitor.post("/login", &fields.each_ref().map(|(k, v)| (*k, v.as_str()))).await }
    };
    let elsewhere = [
        "//evil.test",
        "/\\evil.test",
        "https://evil.test/admin",
        "https:evil.test",
        "/%2f%2fevil.test",
        "/\t/evil.test",
        "javascript:alert(1)",
        "/admin/\r\nSet-Cookie: x=y",
        "/administrator",
        "/",
        "/admin//evil.test",
        "/admin/../..//evil.test",
        "/admin\\evil",
        &long,
    ];
    for next in elsewhere {
        let answer = login(next).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/admin"), "{next}");
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        assert_eq!(app.visitor().get(&format!("/login?{query}")).await.field("next"), "/admin", "{next}");
    }
    assert_eq!(login("/admin/incidents?before=1_x").await.location(), "/admin/incidents?before=1_x");
}
