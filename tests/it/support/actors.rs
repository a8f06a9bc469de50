//! Actors with every kind of access, and an incident in every state.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use candor::credentials::secret_token;
use candor::db::{api_tokens, drafts, incidents, managers, postmortems};
use candor::domain::Role::{self, Owner, Publisher, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::forms::{Fields, NewApiToken};
use candor::domain::{DraftId, IncidentId, Manager, Phase, Postmortem, SavedDraft, Visibility};
use candor::web::access::routes::{Access, Route};
use chrono::TimeDelta;

use super::app::{Answer, Browser, PASSWORD, TestApp, is_denied};
use super::{TestDb, fixtures};

/// Incident ids of equal length that occur in no other text of a page.
pub const PUBLIC: &str = "zqpublic";
/// Public, with an unpublished postmortem and an unpublished draft of an update.
pub const UNPUBLISHED: &str = "zqunsaid";
pub const EMBARGOED: &str = "zqlaters";
pub const INTERNAL: &str = "zqinside";
pub const DELETED: &str = "zqgoneby";
/// The id of a draft, not of an incident.
pub const DRAFT: &str = "zqdrafts";
pub const NEVER: &str = "zqnevers";
/// Incidents that managers can open.
pub const READABLE: [&str; 4] = [PUBLIC, UNPUBLISHED, EMBARGOED, INTERNAL];
/// Ids that are not found for any actor.
pub const UNREADABLE: [&str; 3] = [DELETED, DRAFT, NEVER];
/// Visitors get the same answer for these as for an id that never existed.
pub const HIDDEN: [&str; 4] = [EMBARGOED, INTERNAL, DELETED, DRAFT];

/// Occurs in texts that are saved and not published.
pub const UNPUBLISHED_TEXT: &str = "Zqxylophone";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeniedReason {
    Nothing,
    /// The second factor that the login policy requires.
    Factor,
    /// A re-authentication in the last ten minutes.
    Proof,
}

/// What an actor gets from a guarded route of the admin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessResult {
    Login,
    Refusal,
    Factor,
    Proof,
    Nothing,
}

impl AccessResult {
    pub fn matches_answer(self, method: &Method, address: &str, answer: &Answer) -> bool {
        let asks_for_proof = || answer.words("h1") == ["Confirm it's you"];
        match self {
            Self::Login => is_denied(method, address, answer),
            Self::Refusal => answer.status == StatusCode::FORBIDDEN && !asks_for_proof(),
            Self::Factor => {
                let path = answer.location().split('?').next();
                answer.status == StatusCode::SEE_OTHER && path == Some("/admin/account/factors")
            }
            Self::Proof => answer.status == StatusCode::FORBIDDEN && asks_for_proof(),
            Self::Nothing => true,
        }
    }
}

pub struct TestActor {
    pub name: &'static str,
    /// The role in the admin; none for a visitor.
    pub role: Option<Role>,
    pub lack: DeniedReason,
    /// The lower of the token's and the manager's role in the management API; none if the API denies access.
    pub api_role: Option<Role>,
    pub browser: Browser,
    bearer: Option<String>,
}

impl TestActor {
    fn in_browser(name: &'static str, role: Option<Role>, browser: Browser) -> Self {
        Self { name, role, lack: DeniedReason::Nothing, api_role: None, browser, bearer: None }
    }

    /// Only for guarded routes.
    pub fn expected_access(&self, route: &Route) -> AccessResult {
        let (least, freshly) = match route.access {
            Access::Public => return AccessResult::Nothing,
            Access::AtLeast(role) => (role, false),
            Access::Reauthenticated(role) => (role, true),
        };
        // A manager without a second factor adds one here, so these routes don't require it.
        let adds_factor = route.path.starts_with("/admin/account/passkeys");
        match (self.role, self.lack) {
            (None, _) => AccessResult::Login,
            (Some(role), _) if role < least => AccessResult::Refusal,
            (Some(_), DeniedReason::Factor) if !adds_factor => AccessResult::Factor,
            (Some(_), DeniedReason::Proof) if freshly => AccessResult::Proof,
            (Some(_), _) => AccessResult::Nothing,
        }
    }

    fn headers(&self) -> Vec<(&'static str, &str)> {
        let mut headers = vec![("sec-fetch-site", "same-origin")];
        headers.extend(self.bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
        headers
    }

    /// Requests an address; a POST sends a form that is valid at most of them.
    pub async fn request(&self, method: &Method, address: &str) -> Answer {
        let (headers, mut browser) = (self.headers(), self.browser.clone());
        if *method == Method::GET {
            return browser.get_with(address, &headers).await;
        }
        // No incident has this version: an authorized actor gets a conflict, and nothing changes.
        let form = [("version", "999"), ("title", "Another"), ("body", "Text"), ("phase", "identified")];
        let chosen = [("status", "operational"), ("role", "viewer"), ("name", "Name")];
        let fields = [&form[..], &chosen].concat();
        browser.post_with(address, &fields, &headers).await
    }

    pub async fn call(&self, method: &Method, address: &str, body: &serde_json::Value) -> Answer {
        let body = if *method == Method::GET { Body::empty() } else { Body::from(body.to_string()) };
        self.browser.clone().send(method.clone(), address, &self.headers(), body).await
    }
}

pub struct Actors {
    pub app: TestApp,
    pub people: Vec<TestActor>,
}

impl Actors {
    pub async fn new(test: TestDb) -> Self {
        let app = TestApp::new(test).await;
        let mut people = vec![TestActor::in_browser("a stranger", None, app.visitor())];
        let early = app.manager("Early", Owner).await;
        let left = app.with_session(&early).await;
        people.push(TestActor::in_browser("a session that ran out", None, left));
        people.push(program(&app, "a token that ran out", &early, (Scope::Admin, 7), None).await);
        app.clock.advance(TimeDelta::days(8));
        let slow = app.manager("Slow", Owner).await;
        let stale = app.with_session(&slow).await;
        app.clock.advance(TimeDelta::minutes(11));
        let stale = TestActor::in_browser("an owner whose proof is of eleven minutes ago", Some(Owner), stale);
        people.push(TestActor { lack: DeniedReason::Proof, ..stale });
        for (name, role) in [("a viewer", Viewer), ("a publisher", Publisher), ("an owner", Owner)] {
            let manager = app.manager(role.words(), role).await;
            app.passkey(&manager, role.key()).await;
            people.push(TestActor::in_browser(name, Some(role), app.with_session(&manager).await));
            if role == Viewer {
                let name = "a viewer's token that asks for more";
                people.push(program(&app, name, &manager, (Scope::Admin, 365), Some(Viewer)).await);
            }
        }
        let mut gone = app.manager("Gone", Owner).await;
        let mut tx = app.db.write().await.unwrap();
        managers::disable(&mut tx, &mut gone, app.clock.now()).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        // Disabling deletes sessions and tokens; these represent any that were left behind.
        people.push(program(&app, "a disabled manager's token", &gone, (Scope::Admin, 365), None).await);
        people.push(TestActor::in_browser("a disabled manager", None, app.with_session(&gone).await));
        people.push(revoked(&app, &early).await);
        for (name, scope) in [
            ("a token to read", Scope::Read),
            ("a token to publish", Scope::Publish),
            ("a token to administer", Scope::Admin),
        ] {
            people.push(program(&app, name, &early, (scope, 365), Some(scope.role())).await);
        }
        people.push(half_logged_in(&app).await);
        let bare = app.manager("Bare", Owner).await;
        let bare = TestActor::in_browser("an owner without a factor", Some(Owner), app.with_session(&bare).await);
        people.push(TestActor { lack: DeniedReason::Factor, ..bare });
        app.passkey(&slow, "slow").await;
        app.require_second_factor().await;
        let actors = Self { app, people };
        actors.fill().await;
        actors
    }

    /// Actors without access to the management API.
    pub fn denied_by_api(&self) -> impl Iterator<Item = &TestActor> {
        self.people.iter().filter(|who| who.api_role.is_none())
    }

    async fn fill(&self) {
        let app = &self.app;
        let later = Visibility::Embargoed(app.clock.now() + TimeDelta::days(1));
        let deleted = self.incident(DELETED, Visibility::Public);
        let all = [
            self.incident(PUBLIC, Visibility::Public),
            self.incident(UNPUBLISHED, Visibility::Public),
            self.incident(EMBARGOED, later),
            self.incident(INTERNAL, Visibility::Internal),
            deleted.clone(),
        ];
        app.add(&all).await;
        let mut tx = app.db.write().await.unwrap();
        incidents::delete(&mut tx, &deleted.id).await.unwrap();
        tx.commit(&fixtures::actor(), app.clock.now(), fixtures::entry()).await.unwrap();
        for id in [UNPUBLISHED, EMBARGOED, INTERNAL] {
            self.save_postmortem(id).await;
        }
        self.save_draft(DRAFT, None).await;
        self.save_draft("zqdraft-of-an-update", Some(UNPUBLISHED)).await;
        app.publish().await;
    }

    /// An open incident that began an hour ago, with two updates.
    pub fn incident(&self, id: &str, visibility: Visibility) -> candor::domain::Incident {
        let now = self.app.clock.now();
        let mut incident = fixtures::incident(id, now - TimeDelta::hours(1));
        incident.updates.push(fixtures::update(&format!("{id}-2"), now, Phase::Identified, &[]));
        incident.visibility = visibility;
        incident.recompute();
        incident
    }

    /// Saves a postmortem without publishing it.
    pub async fn save_postmortem(&self, id: &str) {
        let (app, now) = (&self.app, self.app.clock.now());
        let incident = IncidentId::parse(id).unwrap();
        let mut review =
            Postmortem { incident, body: UNPUBLISHED_TEXT.into(), published: None, updated_at: now, version: 0 };
        let mut tx = app.db.write().await.unwrap();
        postmortems::save(&mut tx, &mut review, now).await.unwrap();
        tx.commit(&fixtures::actor(), now, fixtures::entry()).await.unwrap();
    }

    /// Saves a draft of a new incident, or of an update of the incident `of`.
    async fn save_draft(&self, id: &str, of: Option<&str>) {
        let (app, now) = (&self.app, self.app.clock.now());
        let fields = [("title", UNPUBLISHED_TEXT), ("body", UNPUBLISHED_TEXT), ("phase", "identified")];
        let draft = SavedDraft {
            id: DraftId::parse(id).unwrap(),
            incident: of.and_then(IncidentId::parse),
            fields: Fields(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()),
            edited_by: "Early".into(),
            created_at: now,
            edited_at: now,
            version: 1,
        };
        let mut tx = app.db.write().await.unwrap();
        drafts::insert(&mut tx, &draft).await.unwrap();
        tx.commit(&fixtures::actor(), now, fixtures::entry()).await.unwrap();
    }
}

/// A client on this machine with an API token of `manager`; `days` is its lifetime.
async fn program(
    app: &TestApp,
    name: &'static str,
    manager: &Manager,
    (scope, days): (Scope, i64),
    api_role: Option<Role>,
) -> TestActor {
    let secret = secret_token::fresh_api_token();
    let new = NewApiToken { name: name.into(), scope, days };
    let mut tx = app.db.write().await.unwrap();
    api_tokens::create(&mut tx, manager, new, (&secret_token::hash_token(&secret), "last"), app.clock.now())
        .await
        .unwrap();
    tx.commit_unaudited().await.unwrap();
    let mut browser = app.visitor();
    browser.peer = Some([127, 0, 0, 1].into());
    let lack = DeniedReason::Nothing;
    TestActor { name, role: None, lack, api_role, browser, bearer: Some(format!("Bearer {secret}")) }
}

/// A browser after the password step and before the second factor.
async fn half_logged_in(app: &TestApp) -> TestActor {
    let manager = app.manager("Half", Owner).await;
    app.passkey(&manager, "half").await;
    let mut browser = app.visitor();
    let answer = browser.post("/login", &[("email", &manager.email), ("password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/login/factor", "{}", answer.text());
    assert_eq!(browser.get("/login/factor").await.status, StatusCode::OK, "the second step is open");
    TestActor::in_browser("an owner who is half logged in", None, browser)
}

async fn revoked(app: &TestApp, manager: &Manager) -> TestActor {
    let name = "a token that was revoked";
    let program = program(app, name, manager, (Scope::Admin, 365), None).await;
    let mut tx = app.db.write().await.unwrap();
    let all = api_tokens::list_for_manager(&mut tx, &manager.id).await.unwrap();
    let token = all.iter().find(|token| token.name == name).unwrap();
    api_tokens::delete(&mut tx, &token.id).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    program
}

/// Status, header lines and body of an answer without what differs between two answers: request id, nonce, the expiry
/// of a deleted cookie (from the machine's clock), the incident id, and the length that only the server adds.
pub fn comparable_answer(answer: &Answer, id: &str) -> (StatusCode, Vec<String>, String) {
    let policy = answer.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or("'none'").to_owned();
    let plain = |text: String| without_form_tokens(&text.replace(id, "ID").replace(&nonce, "NONCE"));
    let plain = |text: String| match text.split_once("; Expires=") {
        Some((before, _)) => plain(before.to_owned()),
        None => plain(text),
    };
    let headers =
        answer.headers.iter().filter(|(name, _)| !["x-request-id", "content-length"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| plain(format!("{name}: {value:?}"))).collect();
    // Pictures are no text.
    let body = String::from_utf8_lossy(&answer.body).replace("<!>", "");
    (answer.status, headers, plain(body))
}

/// `text` without the tokens of pending forms, which are random.
fn without_form_tokens(text: &str) -> String {
    let mut plain = text.to_owned();
    for before in ["pending-forms/", "pending-forms%2F"] {
        let mut parts = plain.split(before).map(str::to_owned);
        let mut joined = parts.next().unwrap_or_default();
        for part in parts {
            joined.push_str(before);
            joined.push_str(part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
        }
        plain = joined;
    }
    plain
}
