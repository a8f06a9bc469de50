//! Login with an identity provider: accounts and roles.

use axum::http::StatusCode;
use candor::db::{managers, oidc_identities};
use candor::domain::Manager;
use candor::domain::Role::{self, Owner, Publisher, Viewer};
use candor::domain::manager::LinkPurpose;
use candor::domain::oidc_roles::Identity;
use candor::oidc::Provider;
use chrono::TimeDelta;

use crate::support::TestDb;
use crate::support::app::{Answer, Browser, ORIGIN, TestApp};
use crate::support::fake_oidc::{FakeProvider, Person};
use crate::support::fixtures;

pub async fn with_provider(test: TestDb) -> (TestApp, FakeProvider) {
    let issuer = FakeProvider::open(&test.clock).await;
    let app = TestApp::with_provider(test, issuer.provider()).await;
    (app, issuer)
}

/// The provider's address to which the answer redirects.
#[track_caller]
pub fn provider_address(answer: &Answer) -> String {
    let to = answer.header("refresh").strip_prefix("0; url=");
    to.unwrap_or_else(|| panic!("{} {}", answer.status, answer.text())).to_owned()
}

pub async fn log_in(browser: &mut Browser, issuer: &FakeProvider, person: &Person) -> Answer {
    let redirect = browser.post("/login/oidc", &[("next", "/admin/components")]).await;
    let answer = issuer.authorize(&provider_address(&redirect), person);
    browser.get(&answer.address()).await
}

/// Logs in with the provider; must reach the page asked for.
pub async fn assert_logged_in(browser: &mut Browser, issuer: &FakeProvider, person: &Person) {
    let answer = log_in(browser, issuer, person).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/admin/components"), "{}", answer.text());
}

/// Logs in with the provider; must be denied for the reason on the page.
pub async fn assert_denied(app: &TestApp, issuer: &FakeProvider, person: &Person, why: &str) {
    let mut browser = app.visitor();
    let answer = log_in(&mut browser, issuer, person).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.word("[role=alert]").contains(why), "{}", answer.text());
    assert!(browser.get("/admin").await.location().starts_with("/login"), "nobody is logged in");
    assert_eq!(app.audit().await[0].action, "manager.deny-login");
}

async fn find_manager(app: &TestApp, email: &str) -> Manager {
    let found = managers::find_by_email(&mut app.db.read().await.unwrap(), email).await.unwrap();
    found.unwrap_or_else(|| panic!("no manager {email}")).0
}

async fn invite(app: &TestApp, name: &str, role: Role) -> Manager {
    let mut tx = app.db.write().await.unwrap();
    let manager = managers::create(&mut tx, fixtures::manager(name, role), None, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    manager
}

#[apply(on_both_databases!)]
async fn first_login_creates_manager_with_mapped_role(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    for (name, groups, role) in
        [("Vera", &[][..], Viewer), ("Paula", &["writers"], Publisher), ("Ines", &["writers", "owners"], Owner)]
    {
        let mut browser = app.visitor();
        assert_logged_in(&mut browser, &issuer, &Person::named(name, groups)).await;
        let manager = find_manager(&app, &format!("{}@example.org", name.to_lowercase())).await;
        assert_eq!((manager.name.as_str(), manager.role), (name, role));
        assert!(manager.has_identity && !manager.has_password && manager.last_login_at == Some(app.clock.now()));
        assert_eq!(browser.get("/admin").await.status, StatusCode::OK);
    }
    let audit = app.audit().await;
    assert_eq!(audit[0].action, "manager.login-by-oidc");
    assert_eq!((audit[1].action.as_str(), audit[1].subject_name.as_str()), ("manager.connect-oidc", "Ines"));
    assert_eq!((audit[2].action.as_str(), audit[2].subject_name.as_str()), ("manager.add-by-oidc", "Ines"));
    assert_logged_in(&mut app.visitor(), &issuer, &Person::named("Vera", &[])).await;
    assert_eq!(managers::count(&mut app.db.read().await.unwrap()).await.unwrap(), 3, "nobody is added twice");
}

#[apply(on_both_databases!)]
async fn login_page_reaches_provider_without_http_redirect(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let login = app.visitor().get("/login").await;
    assert_eq!(login.words("form[action='/login/oidc'] button"), ["Log in with Harbour ID"]);
    let redirect = app.visitor().post("/login/oidc", &[]).await;
    assert_eq!((redirect.status, redirect.word("h1").as_str()), (StatusCode::OK, "Continue to Harbour ID"));
    assert_eq!(redirect.attributes("main a.button", "href"), [provider_address(&redirect)]);
    assert!(redirect.header("content-security-policy").contains("form-action 'self'"));
    assert!(provider_address(&redirect).contains("redirect_uri=http%3A%2F%2Fstatus.test%2Flogin%2Foidc%2Fcallback"));
    assert_eq!(redirect.header("cache-control"), "no-store");
    drop(issuer);
    let without = TestApp::new(TestDb::sqlite().await).await;
    assert!(without.visitor().get("/login").await.words("form[action='/login/oidc']").is_empty());
    assert_eq!(without.visitor().post("/login/oidc", &[]).await.status, StatusCode::CONFLICT);
}

#[apply(on_both_databases!)]
async fn login_is_identified_by_subject_not_email(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let vera = Person::named("Vera", &[]);
    assert_logged_in(&mut app.visitor(), &issuer, &vera).await;
    let renamed = Person { email: "married@example.org".into(), ..vera.clone() };
    assert_logged_in(&mut app.visitor(), &issuer, &renamed).await;
    assert_eq!(find_manager(&app, "vera@example.org").await.name, "Vera", "the address here stays as it was");
    let successor = Person { subject: "sub-Other".into(), ..vera };
    assert_denied(&app, &issuer, &successor, "with your e-mail address already exists").await;
}

#[apply(on_both_databases!)]
async fn oidc_login_accepts_an_invitation(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let vera = invite(&app, "Vera", Viewer).await;
    let token = app.link(LinkPurpose::Invite, Some(&vera), TimeDelta::days(3)).await;
    assert_logged_in(&mut app.visitor(), &issuer, &Person::named("Vera", &["writers"])).await;
    let known = find_manager(&app, "vera@example.org").await;
    assert_eq!((known.id.clone(), known.role), (vera.id, Publisher), "the role is that of the rules");
    let link = app.visitor().get(&format!("/setup/{token}")).await;
    assert_eq!(link.status, StatusCode::NOT_FOUND, "the link is used up");
    let actions: Vec<String> = app.audit().await.into_iter().map(|record| record.action).collect();
    assert!(actions.contains(&"manager.accept-by-oidc".to_owned()), "{actions:?}");
}

#[apply(on_both_databases!)]
async fn manager_connects_own_oidc_login(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let ines = app.manager("Ines", Owner).await;
    let person = Person::named("Ines", &["owners"]);
    assert_denied(&app, &issuer, &person, "connect Harbour ID on your account page").await;
    let mut browser = app.through_login(&ines).await;
    let account = browser.get("/admin/account").await;
    assert_eq!(account.words("form[action='/admin/account/identity'] button"), ["Connect: Harbour ID"]);
    let redirect = browser.post("/admin/account/identity", &[]).await;
    let back = issuer.authorize(&provider_address(&redirect), &person);
    assert_eq!(browser.get(&back.address()).await.location(), "/admin/account?done=provider-connected");
    assert_logged_in(&mut app.visitor(), &issuer, &person).await;
    let mut other = app.through_login(&app.manager("Rui", Viewer).await).await;
    let redirect = other.post("/admin/account/identity", &[]).await;
    let taken = other.get(&issuer.authorize(&provider_address(&redirect), &person).address()).await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "one login belongs to one manager");
}

#[apply(on_both_databases!)]
async fn taken_email_reveals_nothing(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let ines = app.manager("Ines", Owner).await;
    app.with_session(&ines).await;
    assert_denied(&app, &issuer, &Person::named("Ines", &["owners"]), "already").await;
    let mut tx = app.db.read().await.unwrap();
    assert!(!oidc_identities::is_connected(&mut tx, &ines.id, &issuer.url).await.unwrap());
    assert_eq!(managers::find(&mut tx, &ines.id).await.unwrap(), ines, "nothing of them was touched");
}

#[apply(on_both_databases!)]
async fn role_sync_ends_other_sessions(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    app.manager("Keeper", Owner).await;
    let mut old = app.visitor();
    assert_logged_in(&mut old, &issuer, &Person::named("Ines", &["owners"])).await;
    let mut new = app.visitor();
    assert_logged_in(&mut new, &issuer, &Person::named("Ines", &["writers"])).await;
    assert_eq!(find_manager(&app, "ines@example.org").await.role, Publisher);
    assert!(old.get("/admin").await.location().starts_with("/login"), "the session of the owner is over");
    assert_eq!(new.get("/admin/managers").await.status, StatusCode::FORBIDDEN);
    let record = app.audit().await.into_iter().find(|record| record.action == "manager.sync-role").unwrap();
    assert_eq!(record.before.unwrap()["role"], "owner");
    assert_eq!(record.after.unwrap()["role"], "publisher");
}

#[apply(on_both_databases!)]
async fn last_owner_keeps_the_role(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    assert_logged_in(&mut app.visitor(), &issuer, &Person::named("Ines", &["owners"])).await;
    let mut browser = app.visitor();
    assert_logged_in(&mut browser, &issuer, &Person::named("Ines", &[])).await;
    assert_eq!(find_manager(&app, "ines@example.org").await.role, Owner);
    assert!(app.audit().await.iter().any(|record| record.action == "manager.retain-role"));
    assert_eq!(browser.get("/admin/managers").await.status, StatusCode::OK);
}

#[apply(on_both_databases!)]
async fn login_without_role_is_denied(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let stranger = Person { email: "eve@elsewhere.test".into(), ..Person::named("Eve", &["others"]) };
    assert_denied(&app, &issuer, &stranger, "No role is assigned to you in Harbour ID").await;
    assert_eq!(managers::count(&mut app.db.read().await.unwrap()).await.unwrap(), 0);
    let known = Person { groups: vec!["writers"], ..stranger.clone() };
    assert_logged_in(&mut app.visitor(), &issuer, &known).await;
    assert_denied(&app, &issuer, &stranger, "No role is assigned to you").await;
}

#[apply(on_both_databases!)]
async fn lost_role_revokes_all_access(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    app.manager("Keeper", Owner).await;
    let known = Person { email: "eve@elsewhere.test".into(), ..Person::named("Eve", &["writers"]) };
    let (mut here, mut there) = (app.visitor(), app.visitor());
    assert_logged_in(&mut here, &issuer, &known).await;
    assert_logged_in(&mut there, &issuer, &known).await;
    let created = here.post("/admin/tokens", &[("name", "Deploy"), ("scope", "publish"), ("days", "30")]).await;
    let bearer = format!("Bearer {}", created.field("token"));
    let mut program = app.visitor();
    program.peer = Some([127, 0, 0, 1].into());
    assert_eq!(program.get_with("/v1/token", &[("authorization", &bearer)]).await.status, StatusCode::OK);
    let lost = Person { groups: vec!["others"], ..known };
    assert_denied(&app, &issuer, &lost, "No role is assigned to you").await;
    for browser in [&mut here, &mut there] {
        assert!(browser.get("/admin").await.location().starts_with("/login"), "the session is over");
    }
    let refused = program.get_with("/v1/token", &[("authorization", &bearer)]).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "the token is over");
    let row = app.audit().await.into_iter().find(|row| row.action == "manager.revoke-access").unwrap();
    assert_eq!((row.subject_name.as_str(), row.actor.name.as_str()), ("Eve", "Eve"));
    let before = app.counts().await;
    assert_denied(&app, &issuer, &lost, "No role is assigned to you").await;
    assert_eq!(app.counts().await, before, "there was nothing left to end");
}

#[apply(on_both_databases!)]
async fn last_owner_keeps_access(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let owner = Person { email: "ines@elsewhere.test".into(), ..Person::named("Ines", &["owners"]) };
    let mut browser = app.visitor();
    assert_logged_in(&mut browser, &issuer, &owner).await;
    assert_denied(&app, &issuer, &Person { groups: Vec::new(), ..owner }, "No role is assigned to you").await;
    assert_eq!(browser.get("/admin/managers").await.status, StatusCode::OK, "nobody else could administer");
}

#[apply(on_both_databases!)]
async fn disabled_manager_is_denied(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let vera = Person::named("Vera", &[]);
    assert_logged_in(&mut app.visitor(), &issuer, &vera).await;
    let mut manager = find_manager(&app, "vera@example.org").await;
    let mut tx = app.db.write().await.unwrap();
    managers::disable(&mut tx, &mut manager, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    assert_denied(&app, &issuer, &vera, "Your account here is deactivated").await;
    let mut gone = invite(&app, "Gone", Viewer).await;
    let mut tx = app.db.write().await.unwrap();
    managers::disable(&mut tx, &mut gone, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    assert_denied(&app, &issuer, &Person::named("Gone", &["owners"]), "Your account here is deactivated").await;
}

#[apply(on_both_databases!)]
async fn userinfo_claims_are_used(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    issuer.omit_claims_from_token();
    assert_logged_in(&mut app.visitor(), &issuer, &Person::named("Paula", &["writers"])).await;
    assert_eq!(find_manager(&app, "paula@example.org").await.role, Publisher);
    let unverified = Person { verified: false, ..Person::named("Eve", &["owners"]) };
    assert_denied(&app, &issuer, &unverified, "has not verified your e-mail address").await;
}

#[apply(on_both_databases!)]
async fn rotated_provider_key_is_fetched(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    assert_logged_in(&mut app.visitor(), &issuer, &Person::named("Vera", &[])).await;
    issuer.rotate_key();
    assert_logged_in(&mut app.visitor(), &issuer, &Person::named("Vera", &[])).await;
}

#[apply(on_both_databases!)]
async fn unreachable_provider_is_reported_and_passwords_work(test: TestDb) {
    let clock = test.clock.clone();
    let settings = candor::oidc::ProviderSettings {
        issuer: "http://127.0.0.1:9".into(),
        ..FakeProvider::open(&clock).await.settings()
    };
    let app = TestApp::with_provider(test, Provider::new(settings, ORIGIN).unwrap()).await;
    let ines = app.manager("Ines", Owner).await;
    assert_eq!(app.visitor().get("/login").await.status, StatusCode::OK);
    let away = app.visitor().post("/login/oidc", &[("next", "/admin/audit")]).await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(away.word("[role=alert]").contains("Harbour ID can't be reached at the moment"), "{}", away.text());
    assert_eq!(away.field("next"), "/admin/audit");
    assert_eq!(app.session_count().await, 0);
    app.through_login(&ines).await;
}

#[apply(on_both_databases!)]
async fn provider_second_factor_replaces_ours(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let vera = Person::named("Vera", &[]);
    assert_logged_in(&mut app.visitor(), &issuer, &vera).await;
    app.passkey(&find_manager(&app, "vera@example.org").await, "laptop").await;
    let mut browser = app.visitor();
    let half = log_in(&mut browser, &issuer, &vera).await;
    assert_eq!(half.location(), "/login/factor");
    assert!(browser.get("/admin").await.location().starts_with("/login"), "half a login opens nothing");
    assert_eq!(app.audit().await[0].action, "manager.begin-login-by-oidc");
    assert_logged_in(&mut app.visitor(), &issuer, &Person { methods: vec!["pwd", "mfa"], ..vera }).await;
}

#[apply(on_both_databases!)]
async fn policy_accepts_provider_second_factor(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    app.require_second_factor().await;
    let mut lacking = app.visitor();
    assert_logged_in(&mut lacking, &issuer, &Person::named("Vera", &[])).await;
    assert_eq!(lacking.get("/admin").await.location(), "/admin/account/factors");
    let mut browser = app.visitor();
    assert_logged_in(&mut browser, &issuer, &Person { methods: vec!["pwd", "otp"], ..Person::named("Vera", &[]) })
        .await;
    assert_eq!(browser.get("/admin").await.status, StatusCode::OK);
    let list = browser.get("/admin/account/factors").await;
    assert!(list.words("[role=alert]").is_empty(), "nothing is lacking");
    assert_eq!(lacking.get("/admin").await.location(), "/admin/account/factors", "the other session has none");
}

#[apply(on_both_databases!)]
async fn disconnect_needs_another_login(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut browser = app.visitor();
    assert_logged_in(&mut browser, &issuer, &Person::named("Vera", &[])).await;
    let only = browser.post("/admin/account/identity/removal", &[]).await;
    assert_eq!(only.status, StatusCode::CONFLICT);
    assert!(only.text().contains("This is your only login method"), "{}", only.text());
    app.passkey(&find_manager(&app, "vera@example.org").await, "laptop").await;
    let answer = browser.post("/admin/account/identity/removal", &[]).await;
    assert_eq!(answer.location(), "/admin/account?done=provider-disconnected");
    assert_denied(&app, &issuer, &Person::named("Vera", &[]), "already").await;
}

#[apply(on_both_databases!)]
async fn owner_disconnects_login_of_another_manager(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    let mut vera = app.visitor();
    assert_logged_in(&mut vera, &issuer, &Person::named("Vera", &[])).await;
    let manager = find_manager(&app, "vera@example.org").await;
    let mut owner = app.through_login(&app.manager("Ines", Owner).await).await;
    let page = owner.get(&format!("/admin/managers/{}", manager.id)).await;
    assert!(page.text().contains("They log in with the identity provider."), "{}", page.text());
    let answer = owner.post(&format!("/admin/managers/{}/identity/removal", manager.id), &[]).await;
    assert_eq!(answer.location(), format!("/admin/managers/{}?done=provider-disconnected", manager.id));
    assert!(vera.get("/admin").await.location().starts_with("/login"), "the session is over");
    let anew = Person { subject: "sub-Anew".into(), ..Person::named("Vera", &[]) };
    assert_logged_in(&mut app.visitor(), &issuer, &anew).await;
    assert_eq!(find_manager(&app, "vera@example.org").await.id, manager.id, "with another login there");
}

#[apply(on_both_databases!)]
async fn disconnected_login_loses_its_second_factor(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    app.manager("Keeper", Owner).await;
    let ines = Person { methods: vec!["pwd", "mfa"], ..Person::named("Ines", &["owners"]) };
    for by_an_owner in [false, true] {
        let mut browser = app.visitor();
        assert_logged_in(&mut browser, &issuer, &ines).await;
        let mut manager = find_manager(&app, "ines@example.org").await;
        let mut tx = app.db.write().await.unwrap();
        managers::set_password(&mut tx, &mut manager, "a hash", None, app.clock.now()).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        assert_logged_in(&mut browser, &issuer, &ines).await;
        app.require_second_factor().await;
        assert_eq!(browser.get("/admin").await.status, StatusCode::OK, "the provider has asked for it");
        let address = if by_an_owner {
            format!("/admin/managers/{}/identity/removal", manager.id)
        } else {
            "/admin/account/identity/removal".to_owned()
        };
        let answer = browser.post(&address, &[]).await;
        assert!(answer.location().ends_with("?done=provider-disconnected"), "{}", answer.text());
        assert_eq!(browser.get("/admin").await.location(), "/admin/account/factors", "now it is lacking");
        let mut tx = app.db.write().await.unwrap();
        let (issuer, subject) = (issuer.provider().issuer().to_owned(), ines.subject.clone());
        let identity = Identity { issuer, subject, email: String::new() };
        oidc_identities::create(&mut tx, &mut manager, &identity, app.clock.now()).await.unwrap();
        tx.commit_unaudited().await.unwrap();
    }
}

#[apply(on_both_databases!)]
async fn manager_disabled_during_oidc_login_is_denied(test: TestDb) {
    let (app, issuer) = with_provider(test).await;
    for round in 0..8 {
        let person = Person::named(&format!("Vera{round}"), &[]);
        assert_logged_in(&mut app.visitor(), &issuer, &person).await;
        let mut manager = find_manager(&app, &format!("vera{round}@example.org")).await;
        let mut browser = app.visitor();
        let redirect = browser.post("/login/oidc", &[]).await;
        let back = issuer.authorize(&provider_address(&redirect), &person).address();
        let disabling = async {
            let mut tx = app.db.write().await.unwrap();
            managers::disable(&mut tx, &mut manager, app.clock.now()).await.unwrap();
            tx.commit_unaudited().await.unwrap();
        };
        let coming = browser.get(&back);
        // Alternates the order in which the two futures are polled first.
        if round % 2 == 0 {
            tokio::join!(disabling, coming);
        } else {
            tokio::join!(coming, disabling);
        }
        assert!(browser.get("/admin").await.location().starts_with("/login"), "{round}");
        assert!(app.sessions(&manager).await.is_empty(), "{round}: a session is left");
    }
}
