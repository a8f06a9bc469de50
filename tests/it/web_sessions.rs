//! Sessions: cookie, storage, start and end.

use std::sync::Arc;

use axum::http::StatusCode;
use candor::credentials::secret_token;
use candor::db::{managers, sessions};
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::web::Error;
use candor::web::access::session::{self, BrowserInfo, OidcLogin, SessionData, Store};
use candor::web::edge::client_ip::ClientAddress;
use chrono::TimeDelta;
use tower_sessions::Session;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, PASSWORD, TestApp};
use crate::support::fixtures;

async fn is_logged_in(browser: &Browser) -> bool {
    let answer = browser.clone().get("/admin").await;
    match answer.status {
        StatusCode::OK => true,
        StatusCode::SEE_OTHER => false,
        other => panic!("{other}: {}", answer.text()),
    }
}

#[apply(on_both_databases!)]
async fn session_cookie_is_samesite_and_httponly(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    let answer = app.visitor().post("/login", &[("email", &manager.email), ("password", PASSWORD)]).await;
    // The known-browser cookie outlives the session.
    assert_eq!(attributes_of(&answer, "sid"), ["HttpOnly", "Path=/", "SameSite=Lax"]);
    assert_eq!(attributes_of(&answer, "device"), ["HttpOnly", "Max-Age=15552000", "Path=/", "SameSite=Lax"]);
    assert_eq!(answer.cookies().len(), 2);
}

fn attributes_of(answer: &Answer, name: &str) -> Vec<String> {
    let begin = format!("{name}=");
    let cookie = answer.cookies().into_iter().find(|cookie| cookie.starts_with(&begin)).expect("the cookie");
    let mut attributes: Vec<String> = cookie.split("; ").skip(1).map(str::to_owned).collect();
    attributes.sort_unstable();
    attributes
}

#[apply(on_both_databases!)]
async fn over_tls_cookie_has_host_prefix(test: TestDb) {
    let app = TestApp::at(test, "https://status.test").await;
    let manager = app.manager("Ines", Owner).await;
    let mut browser = app.visitor();
    let answer = browser.post("/login", &[("email", &manager.email), ("password", PASSWORD)]).await;
    assert_eq!(attributes_of(&answer, "__Host-sid"), ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
    let lasting = ["HttpOnly", "Max-Age=15552000", "Path=/", "SameSite=Lax", "Secure"];
    assert_eq!(attributes_of(&answer, "__Host-device"), lasting);
    assert!(answer.header("strict-transport-security").starts_with("max-age=63072000"));
    assert!(is_logged_in(&browser).await);
}

#[apply(on_both_databases!)]
async fn visitors_get_no_cookie_or_session(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let addresses = [
        "/",
        "/history",
        "/history?q=mail",
        "/history/2026-11",
        "/incidents/it",
        "/incidents/gone",
        "/favicon.svg",
        "/robots.txt",
        "/healthz",
        "/readyz",
        "/nothing",
        "/login",
        "/setup/nothing",
        "/admin",
    ];
    for address in addresses {
        let answer = app.visitor().get(address).await;
        assert!(answer.cookies().is_empty(), "{address} sets {:?}", answer.cookies());
        let mut tracked = app.visitor();
        tracked.cookies.insert("sid".into(), "AAAAAAAAAAAAAAAAAAAAAA".into());
        tracked.get(address).await;
    }
    app.visitor().post("/login", &[("email", "x@example.org"), ("password", "nothing like it at all")]).await;
    assert_eq!(app.session_count().await, 0);
}

#[apply(on_both_databases!)]
async fn the_database_holds_the_hash_of_the_id(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let browser = app.through_login(&manager).await;
    let id = &browser.cookies["sid"];
    let sessions = app.sessions(&manager).await;
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].id_hash, secret_token::hash_token(id));
    assert!(!format!("{sessions:?}").contains(id.as_str()), "the id itself is stored");
    assert!(!format!("{:?}", app.audit().await).contains(id.as_str()), "the id itself is in the audit");
}

#[apply(on_both_databases!)]
async fn planted_session_id_is_rejected(test: TestDb) {
    let app = TestApp::new(test).await;
    let (victim, attacker) = (app.manager("Ines", Owner).await, app.manager("Mallory", Viewer).await);
    let planted = app.through_login(&attacker).await;
    // The victim's browser has the attacker's valid session id, then an id that never existed.
    for id in [planted.cookies["sid"].clone(), "AAAAAAAAAAAAAAAAAAAAAA".to_owned()] {
        let mut browser = app.visitor();
        browser.cookies.insert("sid".into(), id.clone());
        browser.post("/login", &[("email", &victim.email), ("password", PASSWORD)]).await;
        assert_ne!(browser.cookies["sid"], id);
        assert!(is_logged_in(&browser).await);
        let mut holder = app.visitor();
        holder.cookies.insert("sid".into(), id);
        assert!(!is_logged_in(&holder).await, "the planted id is logged in");
    }
}

#[apply(on_both_databases!)]
async fn session_expires_at_the_idle_limit(test: TestDb) {
    let app = TestApp::new(test).await;
    let keeper = app.manager("Olga", Owner).await;
    let browser = app.through_login(&app.manager("Ines", Viewer).await).await;
    app.clock.advance(TimeDelta::hours(2));
    assert!(is_logged_in(&browser).await, "12 hours are the default");
    let mut owner = app.with_session(&keeper).await;
    let settings = owner.get("/admin/settings").await;
    assert_eq!(settings.field("session_idle"), "720");
    let save = |version: &'static str, idle: &'static str| [("version", version), ("session_idle", idle)];
    for bad in ["29", "721", "soon", "-30"] {
        let refused = owner.post("/admin/policy", &save("1", bad)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert!(!refused.message("session_idle").is_empty(), "{bad}");
    }
    assert_eq!(owner.post("/admin/policy", &save("1", "30")).await.location(), "/admin/settings?done=policy-saved");
    for _ in 0..3 {
        app.clock.advance(TimeDelta::minutes(29));
        assert!(is_logged_in(&browser).await, "every use starts the time again");
    }
    app.clock.advance(TimeDelta::minutes(30));
    assert!(!is_logged_in(&browser).await);
    let mut owner = app.with_session(&keeper).await;
    assert_eq!(owner.post("/admin/policy", &save("2", "720")).await.location(), "/admin/settings?done=policy-saved");
    assert!(!is_logged_in(&browser).await, "a longer limit revives no session");
}

#[apply(on_both_databases!)]
async fn typed_text_survives_session_expiry(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = app.through_login(&app.manager("Ines", Owner).await).await;
    let id = browser.get("/admin/incidents/new").await.field("new_id");
    app.clock.advance(TimeDelta::hours(12));
    let before = app.all_content().await;
    let text = "We look into it.\n\n</textarea><script>alert(1)</script> &amp; \"more\"";
    let typed = [("new_id", id.as_str()), ("title", "Logins <b>fail</b>"), ("phase", "identified"), ("body", text)];
    let answer = browser.post("/admin/incidents", &typed).await;
    assert_eq!((answer.status, answer.word("h1").as_str()), (StatusCode::UNAUTHORIZED, "Your session has ended"));
    assert_eq!((answer.field("title").as_str(), answer.field("body").as_str()), ("Logins <b>fail</b>", text));
    assert_eq!(answer.attributes("main textarea[readonly]", "name"), ["title", "phase", "body"]);
    assert!(!answer.text().contains("<script>alert"), "{}", answer.text());
    assert_eq!(answer.attributes("main form", "action"), ["/login"], "the login is on the same page");
    assert!(app.all_content().await == before, "something was done without a session");
    // A secret is not shown, and where nothing was typed the login is the next step.
    let secrets = [("password", "harbour"), ("current", "harbour"), ("proof_code", "123456"), ("title", " ")];
    for fields in [&secrets[..], &[]] {
        assert_eq!(browser.post("/admin/account/password", fields).await.location(), "/login?next=%2Fadmin");
    }
    let mixed = browser.post("/admin/account/email", &[("email", "ines@example.org"), ("password", "harbour")]).await;
    assert_eq!((mixed.status, mixed.text().contains("harbour")), (StatusCode::UNAUTHORIZED, false));
}

#[apply(on_both_databases!)]
async fn session_expires_after_twelve_hours(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let browser = app.through_login(&manager).await;
    for _ in 0..47 {
        app.clock.advance(TimeDelta::minutes(15));
        assert!(is_logged_in(&browser).await);
    }
    app.clock.advance(TimeDelta::minutes(15));
    assert!(!is_logged_in(&browser).await, "twelve hours are over");
}

#[apply(on_both_databases!)]
async fn logging_out_ends_the_session_and_clears_the_browser(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut browser = app.through_login(&manager).await;
    let old_browser = browser.clone();
    let answer = browser.post("/logout", &[]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/login"));
    assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
    assert!(!browser.cookies.contains_key("sid"), "{:?}", answer.cookies());
    assert!(!is_logged_in(&old_browser).await, "the old cookie still works");
    assert_eq!(app.session_count().await, 0);
}

#[apply(on_both_databases!)]
async fn disabling_a_manager_ends_sessions(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let manager = app.manager("Ines", Publisher).await;
    let browser = app.through_login(&manager).await;
    owner.post(&format!("/admin/managers/{}/disablement", manager.id), &[]).await;
    assert!(!is_logged_in(&browser).await);
    assert!(app.sessions(&manager).await.is_empty());
    let refused = app.visitor().post("/login", &[("email", &manager.email), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    owner.post(&format!("/admin/managers/{}/enablement", manager.id), &[]).await;
    assert!(!is_logged_in(&browser).await, "an old session came back to life");
    assert!(is_logged_in(&app.through_login(&manager).await).await);
}

#[apply(on_both_databases!)]
async fn a_new_role_ends_the_sessions_at_once(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let manager = app.manager("Ines", Publisher).await;
    let browser = app.through_login(&manager).await;
    owner.post(&format!("/admin/managers/{}/role", manager.id), &[("role", "viewer")]).await;
    assert!(!is_logged_in(&browser).await);
    let again = app.through_login(&manager).await.get("/admin/incidents/new").await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
}

#[apply(on_both_databases!)]
async fn a_new_password_ends_the_other_sessions_at_once(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let (mut here, there) = (app.through_login(&manager).await, app.through_login(&manager).await);
    let new = "gravel lantern otter";
    let wrong = here.post("/admin/account/password", &[("current", "something else"), ("password", new)]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.message("current").contains("Incorrect current password") && wrong.message("password").is_empty());
    assert!(is_logged_in(&there).await);
    let answer = here.post("/admin/account/password", &[("current", PASSWORD), ("password", new)]).await;
    assert_eq!(answer.location(), "/admin/account?done=password-set");
    assert!(is_logged_in(&here).await && !is_logged_in(&there).await);
    let login = |password| [("email", "ines@example.org"), ("password", password)];
    let old = app.visitor().post("/login", &login(PASSWORD)).await;
    let fresh = app.visitor().post("/login", &login(new)).await;
    assert_eq!((old.status, fresh.status), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::SEE_OTHER));
}

#[apply(on_both_databases!)]
async fn a_manager_ends_one_session_or_all_others(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Viewer).await;
    let mut here = app.through_login(&manager).await;
    let (a, b, c) =
        (app.through_login(&manager).await, app.through_login(&manager).await, app.through_login(&manager).await);
    let short = secret_token::hash_token(&a.cookies["sid"])[..16].to_owned();
    let revoked = here.post(&format!("/admin/account/sessions/{short}/revocation"), &[]).await;
    assert_eq!(revoked.location(), "/admin/account?done=session-revoked");
    assert!(!is_logged_in(&a).await && is_logged_in(&b).await && is_logged_in(&c).await);
    here.post("/admin/account/sessions/revocation", &[]).await;
    assert!(is_logged_in(&here).await && !is_logged_in(&b).await && !is_logged_in(&c).await);
}

#[apply(on_both_databases!)]
async fn owner_ends_sessions_of_another_manager(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let manager = app.manager("Ines", Viewer).await;
    let browser = app.through_login(&manager).await;
    owner.post(&format!("/admin/managers/{}/sessions/revocation", manager.id), &[]).await;
    assert!(!is_logged_in(&browser).await && is_logged_in(&owner).await);
}

#[apply(on_both_databases!)]
async fn session_of_another_cannot_be_ended_by_hash(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut viewer = app.logged_in(Viewer).await;
    let manager = app.manager("Ines", Owner).await;
    let browser = app.through_login(&manager).await;
    let hash = secret_token::hash_token(&browser.cookies["sid"]);
    for named in [&hash[..16], &hash[..1], &hash, ""] {
        let answer = viewer.post(&format!("/admin/account/sessions/{named}/revocation"), &[]).await;
        assert!(answer.status.is_client_error(), "{named}: {}", answer.status);
    }
    assert!(is_logged_in(&browser).await);
}

/// The session of `browser` as a request loads it.
async fn load_session(app: &TestApp, browser: &Browser) -> Session {
    let id = browser.cookies["sid"].parse().unwrap();
    let session = Session::new(Some(id), Arc::new(Store::new(&app.state)), None);
    assert!(session::load(&session).await.unwrap().manager.is_some());
    session
}

#[apply(on_both_databases!)]
async fn ended_session_is_not_renewed(test: TestDb) {
    let app = TestApp::new(test).await;
    let browser = app.through_login(&app.manager("Ines", Owner).await).await;
    let (renewing, proving) = (load_session(&app, &browser).await, load_session(&app, &browser).await);
    let mut tx = app.db.write().await.unwrap();
    sessions::delete(&mut tx, &session::hash_id(renewing.id().unwrap())).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    for refused in
        [session::rotate_session(&app.state, &renewing).await, session::record_proof(&app.state, &proving).await]
    {
        assert!(matches!(refused, Err(Error::LoginRequired(_))), "{refused:?}");
    }
    assert!(!renewing.is_modified() && !proving.is_modified(), "no cookie is sent either");
    assert_eq!(app.session_count().await, 0);
}

#[apply(on_both_databases!)]
async fn concurrent_session_renewals_one_wins(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = app.through_login(&app.manager("Ines", Owner).await).await;
    let (one, other) = (load_session(&app, &browser).await, load_session(&app, &browser).await);
    let (first, second) =
        tokio::join!(session::record_proof(&app.state, &one), session::record_proof(&app.state, &other));
    let going_on = match (first, second) {
        (Ok(()), Err(Error::LoginRequired(_))) => one,
        (Err(Error::LoginRequired(_)), Ok(())) => other,
        both => panic!("{both:?}"),
    };
    assert_eq!(app.session_count().await, 1);
    assert!(!is_logged_in(&browser).await, "the old id is worth nothing");
    browser.cookies.insert("sid".into(), going_on.id().unwrap().to_string());
    assert!(is_logged_in(&browser).await);
}

#[apply(on_both_databases!)]
async fn a_new_id_does_not_lengthen_the_session(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = app.through_login(&app.manager("Ines", Owner).await).await;
    for _ in 0..25 {
        app.clock.advance(TimeDelta::minutes(28));
        let before = browser.cookies["sid"].clone();
        let proof = [("proof_password", PASSWORD), ("next", "/admin")];
        assert_eq!(browser.post("/admin/proof", &proof).await.location(), "/admin");
        assert_ne!(browser.cookies["sid"], before);
    }
    assert!(is_logged_in(&browser).await, "eleven hours and forty minutes after the login");
    app.clock.advance(TimeDelta::minutes(20));
    assert!(!is_logged_in(&browser).await);
}

const VISITOR: BrowserInfo<'_> = BrowserInfo { address: ClientAddress(None), user_agent: "Test" };

fn new_session(app: &TestApp) -> Session {
    Session::new(None, Arc::new(Store::new(&app.state)), None)
}

/// The account changes after the password was verified and before the session starts: a session that starts later would
/// not be ended by the change.
#[apply(on_both_databases!)]
async fn session_starts_only_for_unchanged_manager(test: TestDb) {
    let app = TestApp::new(test).await;
    app.manager("Keeper", Owner).await;
    let [reset, disabled, demoted, same] = [
        app.manager("Reset", Owner).await,
        app.manager("Disabled", Viewer).await,
        app.manager("Demoted", Publisher).await,
        app.manager("Same", Viewer).await,
    ];
    let (now, mut tx) = (app.clock.now(), app.db.write().await.unwrap());
    managers::set_password(&mut tx, &mut reset.clone(), "the hash of a new one", None, now).await.unwrap();
    managers::disable(&mut tx, &mut disabled.clone(), now).await.unwrap();
    managers::set_role(&mut tx, &mut demoted.clone(), Viewer, now).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    for known in [&reset, &disabled, &demoted] {
        let session = new_session(&app);
        let refused = session::begin_session(&app.state, &session, known, VISITOR, None).await;
        assert!(matches!(refused, Err(Error::LoginRequired(_))), "{}: {refused:?}", known.name);
        assert!(!session.is_modified() && session.id().is_none(), "{}: no cookie is sent either", known.name);
    }
    assert_eq!(app.session_count().await, 0);
    session::begin_session(&app.state, &new_session(&app), &same, VISITOR, None).await.unwrap();
    assert_eq!(app.sessions(&same).await.len(), 1);
}

/// A request in flight still has the second factor of a provider login that was disconnected.
#[apply(on_both_databases!)]
async fn removed_second_factor_is_not_written_back(test: TestDb) {
    let app = TestApp::new(test).await;
    let manager = app.manager("Ines", Owner).await;
    app.require_second_factor().await;
    let begun = new_session(&app);
    let login = OidcLogin { authenticated_at: app.clock.now(), has_second_factor: true };
    session::begin_session(&app.state, &begun, &manager, VISITOR, Some(login)).await.unwrap();
    let mut browser = app.visitor();
    browser.cookies.insert("sid".into(), begun.id().unwrap().to_string());
    assert!(is_logged_in(&browser).await, "the provider asked for the second factor");
    let on_its_way = load_session(&app, &browser).await;
    let mut tx = app.db.write().await.unwrap();
    session::forget_second_factor(&mut tx, &session::hash_id(begun.id().unwrap()), app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    let carried = session::load(&on_its_way).await.unwrap();
    assert!(carried.second_factor, "it does not know yet");
    session::save(&on_its_way, &SessionData { user_agent: "Another".into(), ..carried }).await.unwrap();
    let stored = session::parse_data(&app.sessions(&manager).await[0]).unwrap();
    assert_eq!((stored.user_agent.as_str(), stored.second_factor), ("Another", false), "the rest of it is kept");
    assert_eq!(browser.get("/admin").await.location(), "/admin/account/factors", "and the factor is lacking");
}
