//! API tokens: creation, scope, expiry and revocation.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts as _};
use axum::http::{Method, Request, StatusCode};
use candor::credentials::secret_key::SecretKey;
use candor::credentials::secret_token;
use candor::db::managers;
use candor::domain::Manager;
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::net::trusted_proxies::TrustedProxies;
use candor::notify::bounce_hooks::BounceHooks;
use candor::publish::Publisher as SitePublisher;
use candor::state::{State, StateParts};
use candor::web::Error;
use candor::web::access::api_token::Token;
use candor::web::access::manager::{CanAdminister, CanPublish, CanRead, Policy};
use chrono::TimeDelta;
use http_connection::AllowedHosts;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp};

async fn create_token(browser: &mut Browser, name: &str, scope: &str) -> String {
    let answer = browser.post("/admin/tokens", &[("name", name), ("scope", scope), ("days", "365")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.field("token")
}

/// A request from this machine with this `authorization` header.
async fn get_token_info(app: &TestApp, authorization: &str) -> Answer {
    let mut program = app.visitor();
    program.peer = Some([127, 0, 0, 1].into());
    program.get_with("/v1/token", &[("authorization", authorization)]).await
}

async fn is_accepted(app: &TestApp, secret: &str) -> bool {
    get_token_info(app, &format!("Bearer {secret}")).await.status == StatusCode::OK
}

fn json(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), "application/json");
    serde_json::from_str(&answer.text()).unwrap()
}

#[apply(on_both_databases!)]
async fn token_is_shown_once_and_stored_hashed(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = app.logged_in(Publisher).await;
    let secret = create_token(&mut browser, "Deploy", "publish").await;
    assert!(secret_token::is_api_token(&secret), "{secret}");
    assert_eq!(app.texts("select token_hash from api_tokens").await, [secret_token::hash_token(&secret)]);
    let list = browser.get("/admin/tokens").await.text();
    assert!(list.contains(&format!("candor_…{}", &secret[41..])) && !list.contains(&secret[..41]), "{list}");
    let audit = format!("{:?}", app.audit().await);
    assert!(
        audit.contains("token.add") && !audit.contains(&secret) && !audit.contains(&secret_token::hash_token(&secret))
    );
    for (name, scope, days, field) in [
        ("Deploy", "read", "7", "name"),
        ("", "read", "7", "name"),
        ("B", "admin", "7", "scope"),
        ("B", "read", "8", "days"),
    ] {
        let answer = browser.post("/admin/tokens", &[("name", name), ("scope", scope), ("days", days)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {scope} {days}");
        assert!(!answer.message(field).is_empty() && answer.field("name") == name, "{field}");
    }
    assert_eq!(app.number("select count(*) from api_tokens").await, 1);
}

#[apply(on_both_databases!)]
async fn token_endpoint_shows_scope_and_expiry(test: TestDb) {
    let app = TestApp::new(test).await;
    let secret = create_token(&mut app.logged_in(Publisher).await, "Deploy", "read").await;
    for scheme in ["Bearer", "bearer", "OAuth", "OAUTH"] {
        let answer = get_token_info(&app, &format!("{scheme} {secret}")).await;
        assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"), "{scheme}");
        let info = json(&answer);
        assert_eq!(
            (&info["name"], &info["scope"], &info["manager"]),
            (&"Deploy".into(), &"read".into(), &"Publisher".into())
        );
        assert_eq!(info["expires_at"], serde_json::json!(app.clock.now() + TimeDelta::days(365)));
        assert!(!answer.text().contains(&secret));
    }
}

#[apply(on_both_databases!)]
async fn invalid_tokens_get_json_401(test: TestDb) {
    let app = TestApp::new(test).await;
    let secret = create_token(&mut app.logged_in(Publisher).await, "Deploy", "read").await;
    let unknown = secret_token::fresh_api_token();
    let mistyped = secret.replace("candor_", "cand0r_");
    for bad in [
        "",
        "Bearer",
        "Bearer ",
        &format!("Basic {secret}"),
        &secret,
        &format!("Bearer {mistyped}"),
        &format!("Bearer {unknown}"),
        &format!("Bearer {}", secret_token::hash_token(&secret)),
    ] {
        let answer = get_token_info(&app, bad).await;
        assert_eq!(
            (answer.status, json(&answer)["error"].clone()),
            (StatusCode::UNAUTHORIZED, "unauthorized".into()),
            "{bad}"
        );
        assert!(answer.header("www-authenticate").starts_with("Bearer") && answer.cookies().is_empty());
        assert!(json(&answer)["message"].as_str().unwrap().contains("token"));
    }
    let mut program = app.visitor();
    program.peer = Some([127, 0, 0, 1].into());
    for address in ["/v1/token?access_token=", "/v1/token?token=", "/v1/token?authorization=Bearer%20"] {
        assert_eq!(program.get(&format!("{address}{secret}")).await.status, StatusCode::UNAUTHORIZED, "{address}");
    }
    let good = format!("Bearer {secret}");
    let twice = [("authorization", good.as_str()), ("authorization", good.as_str())];
    assert_eq!(program.get_with("/v1/token", &twice).await.status, StatusCode::UNAUTHORIZED);
    let refused: Vec<_> = app.audit().await.into_iter().filter(|row| row.action == "token.deny").collect();
    assert_eq!(refused.len(), 3, "those that looked like a token");
    let audit = format!("{refused:?}");
    assert!(!audit.contains(&unknown) && !audit.contains(&mistyped) && refused[0].actor.address == "127.0.0.1");
}

/// What the extractor returns for a request with `secret` from `peer`.
async fn authorize<P: Policy>(
    state: &State,
    secret: &str,
    peer: IpAddr,
    headers: &[(&str, &str)],
) -> Option<StatusCode> {
    let mut request = Request::post("/v1/anything").header("authorization", format!("Bearer {secret}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    parts.extensions.insert(ConnectInfo(std::net::SocketAddr::new(peer, 40_000)));
    parts.extensions.insert(candor::web::edge::client_ip::ClientAddress(Some(peer)));
    match Token::<P>::from_request_parts(&mut parts, state).await {
        Ok(_) => None,
        Err(Error::Unauthorized(_)) => Some(StatusCode::UNAUTHORIZED),
        Err(Error::TokenForbidden(_)) => Some(StatusCode::FORBIDDEN),
        Err(error) => panic!("{error}"),
    }
}

#[apply(on_both_databases!)]
async fn token_is_limited_by_scope_and_manager_role(test: TestDb) {
    let app = TestApp::new(test).await;
    let here = IpAddr::from([127, 0, 0, 1]);
    app.manager("Keeper", Owner).await;
    let mut owner = app.manager("Ines", Owner).await;
    let mut browser = app.with_session(&owner).await;
    let (no, yes) = (Some(StatusCode::FORBIDDEN), None);
    let read = create_token(&mut browser, "read", "read").await;
    let publish = create_token(&mut browser, "publish", "publish").await;
    let admin = create_token(&mut browser, "admin", "admin").await;
    for (secret, expected) in [(&read, [yes, no, no]), (&publish, [yes, yes, no]), (&admin, [yes, yes, yes])] {
        let reached = [
            authorize::<CanRead>(&app, secret, here, &[]).await,
            authorize::<CanPublish>(&app, secret, here, &[]).await,
            authorize::<CanAdminister>(&app, secret, here, &[]).await,
        ];
        assert_eq!(reached, expected);
    }
    let mut tx = app.db.write().await.unwrap();
    managers::set_role(&mut tx, &mut owner, Publisher, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    assert_eq!(authorize::<CanAdminister>(&app, &admin, here, &[]).await, no, "its manager's role was lowered");
    assert_eq!(authorize::<CanPublish>(&app, &admin, here, &[]).await, yes);
    let row = app.audit().await.remove(0);
    assert_eq!((row.action.as_str(), row.subject_name.as_str()), ("token.deny-scope", "POST /v1/anything"));
    assert_eq!((row.actor.manager_id, row.actor.name.as_str()), (Some(owner.id), "Ines by admin"));
}

#[apply(on_both_databases!)]
async fn token_ends_by_expiry_revocation_or_manager(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Publisher).await;
    let mut owner = app.logged_in(Owner).await;
    let mut browser = app.with_session(&manager).await;
    let secret = create_token(&mut browser, "first", "publish").await;
    let id = app.texts("select id from api_tokens").await.remove(0);
    assert!(is_accepted(&app, &secret).await);
    let answer = browser.post(&format!("/admin/tokens/{id}/revocation"), &[]).await;
    assert_eq!(answer.location(), "/admin/tokens?done=token-revoked");
    assert!(!is_accepted(&app, &secret).await, "revoked");
    assert_eq!(browser.post(&format!("/admin/tokens/{id}/revocation"), &[]).await.status, StatusCode::NOT_FOUND);
    let secret = create_token(&mut browser, "second", "publish").await;
    owner.post(&format!("/admin/managers/{}/disablement", manager.id), &[]).await;
    assert!(!is_accepted(&app, &secret).await, "its manager is disabled");
    owner.post(&format!("/admin/managers/{}/enablement", manager.id), &[]).await;
    assert!(!is_accepted(&app, &secret).await, "and does not come back with the manager");
    let secret = create_token(&mut app.with_session(&manager).await, "third", "publish").await;
    app.clock.advance(TimeDelta::days(365) - TimeDelta::seconds(1));
    assert!(is_accepted(&app, &secret).await);
    app.clock.advance(TimeDelta::seconds(1));
    assert!(!is_accepted(&app, &secret).await, "a year is over");
}

#[apply(on_both_databases!)]
async fn token_requires_tls(test: TestDb) {
    let app = TestApp::new(test).await;
    let secret = create_token(&mut app.logged_in(Publisher).await, "Deploy", "read").await;
    let proxy: IpAddr = "10.0.0.1".parse().unwrap();
    let local: IpAddr = "127.0.0.1".parse().unwrap();
    let file = app.site_file();
    let publisher = SitePublisher::new(app.db.clone(), app.clock.clone(), app.origin.clone(), file);
    let behind = State::new(StateParts {
        db: app.db.clone(),
        clock: app.clock.clone(),
        publisher,
        secret_key: SecretKey::from_file(app.site_file().with_file_name("secret.key")),
        origin: app.origin.clone(),
        hosts: AllowedHosts::new(&app.origin, &[]),
        mailer: None,
        bounce_hooks: BounceHooks::default(),
        provider: None,
        trusted_proxies: TrustedProxies::new([proxy, local].map(Into::into)),
        endpoint_hosts: Vec::new(),
        data_dir: app.site_file().with_file_name("data"),
        node: candor::domain::node::NodeSettings::default(),
    });
    let (https, http) = (("x-forwarded-proto", "https"), ("x-forwarded-proto", "http"));
    let stranger: IpAddr = "203.0.113.5".parse().unwrap();
    let refused = Some(StatusCode::FORBIDDEN);
    assert_eq!(authorize::<CanRead>(&behind, &secret, "::1".parse().unwrap(), &[]).await, None);
    assert_eq!(authorize::<CanRead>(&behind, &secret, proxy, &[https]).await, None);
    assert_eq!(authorize::<CanRead>(&behind, &secret, proxy, &[http]).await, refused);
    assert_eq!(authorize::<CanRead>(&behind, &secret, proxy, &[]).await, refused);
    for (headers, expected) in [(&[https][..], None), (&[http][..], refused), (&[][..], refused)] {
        let answer = authorize::<CanRead>(&behind, &secret, local, headers).await;
        assert_eq!(answer, expected, "a proxy on this machine that says {headers:?}");
    }
    assert_eq!(
        authorize::<CanRead>(&behind, &secret, proxy, &[https, http]).await,
        refused,
        "the last one is the proxy's"
    );
    assert_eq!(
        authorize::<CanRead>(&behind, &secret, stranger, &[https]).await,
        refused,
        "a stranger's word is nothing"
    );
    // Forwarding headers of an unlisted proxy are ignored, even on this machine.
    let unnamed = &app.state;
    assert_eq!(authorize::<CanRead>(unnamed, &secret, local, &[]).await, None, "a program on this machine");
    for headers in [https, http, ("forwarded", "for=203.0.113.5"), ("via", "1.1 proxy"), ("x-forwarded-for", "")] {
        assert_eq!(authorize::<CanRead>(unnamed, &secret, local, &[headers]).await, refused, "{headers:?}");
    }
    let mut program = app.visitor();
    program.peer = Some(stranger);
    let answer = program.get_with("/v1/token", &[("authorization", &format!("Bearer {secret}"))]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::FORBIDDEN, ""), "not redirected either");
    assert_eq!(json(&answer)["error"], "forbidden");
    let row = app.audit().await.remove(0);
    assert_eq!((row.action.as_str(), row.actor.name.as_str()), ("token.deny-cleartext", "Publisher by Deploy"));
}

#[apply(on_both_databases!)]
async fn token_use_is_recorded_once_a_minute(test: TestDb) {
    let app = TestApp::new(test).await;
    let secret = create_token(&mut app.logged_in(Publisher).await, "Deploy", "read").await;
    let begun = app.clock.now();
    let noted = async || {
        let mut tx = app.db.read().await.unwrap();
        candor::db::api_tokens::list(&mut tx, None, 10).await.unwrap().remove(0).last_used_at
    };
    assert_eq!(noted().await, None);
    for (seconds, expected) in [(0, 0), (59, 0), (1, 60), (30, 60), (30, 120)] {
        app.clock.advance(TimeDelta::seconds(seconds));
        assert!(is_accepted(&app, &secret).await);
        assert_eq!(noted().await, Some(begun + TimeDelta::seconds(expected)));
    }
}

#[apply(on_both_databases!)]
async fn concurrent_creates_make_one_token(test: TestDb) {
    let app = TestApp::new(test).await;
    let browser = app.logged_in(Publisher).await;
    let mut hurrying = JoinSet::new();
    for _ in 0..10 {
        let mut browser = browser.clone();
        let fields = [("name", "Deploy"), ("scope", "read"), ("days", "30")];
        hurrying.spawn(async move { browser.post("/admin/tokens", &fields).await.status });
    }
    let created = hurrying.join_all().await.into_iter().filter(|status| *status == StatusCode::OK).count();
    assert_eq!((created, app.number("select count(*) from api_tokens").await), (1, 1));
}

#[apply(on_both_databases!)]
async fn listing_tokens_needs_no_confirmation(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = app.through_login(&app.manager("Ines", Owner).await).await;
    browser.post("/admin/tokens", &[("name", "Deploy"), ("scope", "read"), ("days", "30")]).await;
    let id = app.texts("select id from api_tokens").await.remove(0);
    app.clock.advance(TimeDelta::minutes(15));
    let list = browser.get("/admin/tokens").await;
    assert_eq!((list.status, list.words("tbody th")), (StatusCode::OK, vec!["Deploy".to_owned()]));
    let before = app.all_content().await;
    let fields = [("name", "Second"), ("scope", "read"), ("days", "30")];
    let revocation = format!("/admin/tokens/{id}/revocation");
    for (path, fields) in [("/admin/tokens", &fields[..]), (revocation.as_str(), &[])] {
        let asked = browser.post(path, fields).await;
        assert_eq!((asked.status, asked.word("h1").as_str()), (StatusCode::FORBIDDEN, "Confirm it's you"), "{path}");
    }
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn managers_see_own_tokens_and_owners_all(test: TestDb) {
    let app = TestApp::new(test).await;
    let make_as = async |manager: &Manager, name: &str| {
        let mut browser = app.with_session(manager).await;
        create_token(&mut browser, name, "read").await;
        browser
    };
    let (ines, rui) = (app.manager("Ines", Viewer).await, app.manager("Rui", Publisher).await);
    let (mut ines, mut rui) = (make_as(&ines, "Ines's one").await, make_as(&rui, "Rui's one").await);
    assert_eq!(ines.get("/admin/tokens").await.words("tbody th"), ["Ines's one"]);
    assert_eq!(rui.get("/admin/tokens").await.words("tbody th"), ["Rui's one"]);
    let mut owner = app.logged_in(Owner).await;
    let mut all = owner.get("/admin/tokens").await.words("tbody th");
    // Two tokens of the same millisecond have no defined order.
    all.sort();
    assert_eq!(all, ["Ines's one", "Rui's one"]);
    let of_rui = app.texts("select id from api_tokens where name like 'Rui%'").await.remove(0);
    let revocation = format!("/admin/tokens/{of_rui}/revocation");
    let (foreign, unknown) =
        (ines.post(&revocation, &[]).await, ines.post("/admin/tokens/000000000000/revocation", &[]).await);
    assert_eq!((foreign.status, foreign.words("main")), (StatusCode::NOT_FOUND, unknown.words("main")));
    assert_eq!(owner.post(&revocation, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.audit().await.remove(0).action, "token.revoke");
}

#[apply(on_both_databases!)]
async fn api_ignores_session_cookies(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = app.logged_in(Owner).await;
    browser.peer = Some([127, 0, 0, 1].into());
    assert_eq!(browser.get("/v1/token").await.status, StatusCode::UNAUTHORIZED, "a session is no token");
    // Cross-site requests are not rejected: they carry no credentials.
    let foreign = [("sec-fetch-site", "cross-site")];
    let answer = browser.send(Method::POST, "/v1/token", &foreign, Body::empty()).await;
    assert_eq!(
        (answer.status, json(&answer)["error"].clone()),
        (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed".into())
    );
    let answer = browser.send(Method::DELETE, "/v1/nothing/here", &[], Body::empty()).await;
    assert_eq!((answer.status, json(&answer)["error"].clone()), (StatusCode::NOT_FOUND, "not_found".into()));
}
