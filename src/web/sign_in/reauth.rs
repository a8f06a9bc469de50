//! A recent proof of identity, for the most sensitive actions.
//!
//! If a handler requires [`Fresh`](crate::web::access::manager::Fresh) and the last proof is older than ten minutes,
//! the response is a page that asks for the password, a code or a passkey. Its form posts to the same path with all
//! fields that were submitted. [`require_reauth`] removes the proof, records it in the session and passes the request
//! on.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts as _, MatchedPath, Request, State as FromState};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use tower_sessions::Session;

use super::second_factor_codes::{self, CodeCheck};
use super::{challenges, oidc_connection};
use crate::actions;
use crate::db::challenges::Kind;
use crate::db::{Tx, login_policy, managers, second_factors};
use crate::domain::Invalid;
use crate::domain::audit::Action;
use crate::domain::forms::Fields;
use crate::domain::second_factor::MAX_WRONG_PROOFS;
use crate::state::State;
use crate::ui::pages::admin::Reauthenticate;
use crate::web::access::known_browser::KnownBrowser;
use crate::web::access::login_throttle;
use crate::web::access::manager::{CanEnter, Manager, safe_return_path};
use crate::web::access::routes::{Access, Route};
use crate::web::access::{denied_audit, session};
use crate::web::error::ProofRequired;
use crate::web::form::{self, Form};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::page::submitted_text::{is_form, is_secret_field};
use crate::web::{Error, MAX_BODY, Result};

const PASSWORD_FIELD: &str = "proof_password";
const CODE_FIELD: &str = "proof_code";
const PASSKEY_FIELD: &str = "proof_passkey";
/// Largest pending form in that page, in bytes of HTML; the page has it up to three times. Sensitive actions have no
/// long texts.
const MAX_PENDING_FORM: usize = 64 * 1024;

/// The routes that require a recent proof.
#[derive(Clone)]
pub struct ReauthLayer {
    state: State,
    routes: Arc<HashSet<(Method, &'static str)>>,
}

impl ReauthLayer {
    pub fn new(state: &State, table: &[Route]) -> Self {
        let fresh = table.iter().filter(|route| matches!(route.access, Access::Reauthenticated(_)));
        let routes = fresh.map(|route| (route.method.clone(), route.path)).collect();
        Self { state: state.clone(), routes: Arc::new(routes) }
    }

    fn applies_to(&self, request: &Request) -> bool {
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        self.routes.iter().any(|(method, asking)| method == request.method() && Some(*asking) == path)
    }
}

/// Passes a request on; if the response is that a proof is required, asks for one.
pub async fn require_reauth(FromState(asking): FromState<ReauthLayer>, request: Request, next: Next) -> Response {
    if !asking.applies_to(&request) {
        return next.run(request).await;
    }
    respond_with_reauth(&asking.state, request, next).await.unwrap_or_else(Error::into_response)
}

async fn respond_with_reauth(state: &State, request: Request, next: Next) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    // The login is checked before the body is read.
    Manager::<CanEnter>::from_request_parts(&mut parts, state).await?;
    let unreadable = |_| Error::BadRequest("The form could not be read.".into());
    let mut body = to_bytes(body, MAX_BODY).await.map_err(unreadable)?;
    let mut fields = if is_form(&parts) { form::read_form(&body)? } else { Fields::default() };
    if let Some(given) = ProofInput::extract(&mut fields) {
        if let Err(wrong) = submit_proof(state, &mut parts, given).await? {
            return reauth_page(state, &mut parts, fields, wrong).await;
        }
        body = encode_form(&fields);
        parts.headers.remove(header::CONTENT_LENGTH);
    }
    let response = next.run(Request::from_parts(parts.clone(), Body::from(body))).await;
    if response.extensions().get::<ProofRequired>().is_none() {
        return Ok(response);
    }
    reauth_page(state, &mut parts, fields, Invalid::new()).await
}

/// `POST /admin/proof`: the proof for viewing a page.
pub async fn create(
    manager: Manager<CanEnter>,
    FromState(state): FromState<State>,
    session: Session,
    device: KnownBrowser,
    Form(mut fields): Form,
) -> Result<Response> {
    let next = safe_return_path(&fields.text("next")).to_owned();
    let given = ProofInput::extract(&mut fields).unwrap_or_default();
    match verify_and_count(&state, &session, &manager, &device, given).await? {
        Ok(()) => Ok(Redirect::to(&next).into_response()),
        Err(wrong) => reauth_form(&state, &manager, &next, None, wrong).await,
    }
}

#[derive(Default)]
struct ProofInput {
    password: String,
    code: String,
    passkey: String,
}

impl ProofInput {
    fn extract(fields: &mut Fields) -> Option<Self> {
        // Not `text`: a password is used exactly as typed.
        let typed = |name| fields.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let (password, code, passkey) = (typed(PASSWORD_FIELD), typed(CODE_FIELD), typed(PASSKEY_FIELD));
        if password.is_none() && code.is_none() && passkey.is_none() {
            return None;
        }
        fields.0.retain(|(key, _)| ![PASSWORD_FIELD, CODE_FIELD, PASSKEY_FIELD].contains(&key.as_str()));
        let [password, code, passkey] = [password, code, passkey].map(Option::unwrap_or_default);
        Some(Self { password, code, passkey })
    }
}

async fn submit_proof(state: &State, parts: &mut Parts, given: ProofInput) -> Result<Result<(), Invalid>> {
    let manager = Manager::<CanEnter>::from_request_parts(parts, state).await?;
    let session = parts.extensions.get::<Session>().cloned();
    let session = session.ok_or_else(|| Error::LoginRequired("/admin".into()))?;
    let Ok(device) = KnownBrowser::from_request_parts(parts, state).await;
    verify_and_count(state, &session, &manager, &device, given).await
}

/// Records a correct proof in the session. A proof counts as wrong before it is checked, so parallel attempts get no
/// extra guesses; too many end the session. A proof that was not checked is not counted.
async fn verify_and_count(
    state: &State,
    session: &Session,
    manager: &Manager<CanEnter>,
    device: &KnownBrowser,
    given: ProofInput,
) -> Result<Result<(), Invalid>> {
    let over = || Error::LoginRequired("/admin".into());
    let count = session::count_failed_proof(state, session).await?.ok_or_else(over)?;
    if count > MAX_WRONG_PROOFS {
        session.flush().await?;
        return Err(over());
    }
    let result = verify_proof(state, session, manager, device, given).await;
    if matches!(result, Ok(ProofResult::NotChecked(_)) | Err(Error::Busy | Error::TooMany(_) | Error::Unavailable(_)))
        && let Err(error) = session::uncount_failed_proof(state, session).await
    {
        tracing::warn!("an unverified confirmation attempt still counts as failed: {error}");
    }
    let wrong = match result? {
        ProofResult::Right => {
            // The new session id starts without failures.
            session::record_proof(state, session).await?;
            return Ok(Ok(()));
        }
        ProofResult::NotChecked(wrong) => return Ok(Err(wrong)),
        ProofResult::Wrong(wrong) => wrong,
    };
    if count == MAX_WRONG_PROOFS {
        session.flush().await?;
        return Err(over());
    }
    Ok(Err(wrong))
}

enum ProofResult {
    Right,
    Wrong(Invalid),
    /// Not checked: codes are locked after too many wrong ones.
    NotChecked(Invalid),
}

/// Checks a proof and audits the result.
async fn verify_proof(
    state: &State,
    session: &Session,
    manager: &Manager<CanEnter>,
    device: &KnownBrowser,
    given: ProofInput,
) -> Result<ProofResult> {
    let now = state.clock.now();
    let challenge = if given.passkey.is_empty() {
        None
    } else {
        challenges::take_challenge(state, session, Kind::PasskeyLogin).await?
    };
    let by_password = given.passkey.is_empty() && given.code.trim().is_empty();
    // Passwords have the same limits here as at the login.
    let shown = if by_password {
        let attempt = login_throttle::begin_attempt(state, &manager.email, manager.address, device).await?;
        Some(attempt.try_password(given.password).await?)
    } else {
        None
    };
    let mut tx = manager.begin(state).await?;
    let mut seen = true;
    let wrong = if !given.passkey.is_empty() {
        let proven = challenges::verify_passkey(state, &mut tx, challenge, &given.passkey).await?;
        let own = proven.is_some_and(|proven| proven.id == manager.id);
        (!own).then(|| Invalid::field(PASSWORD_FIELD, "This passkey is not yours, or it took too long. Try again."))
    } else if let Some(shown) = shown {
        let refused = match shown {
            Some(proven) => proven.confirm(&mut tx).await?.is_none(),
            None => true,
        };
        refused.then(|| Invalid::field(PASSWORD_FIELD, "Incorrect password."))
    } else {
        let checked = second_factor_codes::check_code(state, &mut tx, &manager.id, &given.code).await?;
        seen = !matches!(checked, CodeCheck::Locked(_));
        (!matches!(checked, CodeCheck::App | CodeCheck::Recovery))
            .then(|| Invalid::field(CODE_FIELD, checked.sentence(now)))
    };
    if wrong.is_none() {
        tx.commit(&manager.actor(), now, actions::managers::record_event(Action::ManagerReauthenticate, manager))
            .await?;
    } else {
        let entry = actions::managers::record_event(Action::ManagerDenyReauthentication, manager);
        denied_audit::commit_denial(state, tx, &manager.actor(), &entry).await?;
    }
    Ok(match wrong {
        None => ProofResult::Right,
        Some(wrong) if seen => ProofResult::Wrong(wrong),
        Some(wrong) => ProofResult::NotChecked(wrong),
    })
}

/// The page that asks for a proof, for the request in `parts` with its `fields`.
async fn reauth_page(state: &State, parts: &mut Parts, fields: Fields, wrong: Invalid) -> Result<Response> {
    let manager = Manager::<CanEnter>::from_request_parts(parts, state).await?;
    let path = parts.uri.path_and_query().map_or("/admin", |path| path.as_str()).to_owned();
    let kept = (parts.method != Method::GET).then_some(fields);
    if kept.as_ref().is_some_and(|fields| form::html_size(fields) > MAX_PENDING_FORM) {
        return Err(Error::TooLarge);
    }
    reauth_form(state, &manager, &path, kept, wrong).await
}

/// `kept` has the fields of an action at `path`; `None` if `path` is only viewed.
async fn reauth_form(
    state: &State,
    manager: &Manager<CanEnter>,
    path: &str,
    kept: Option<Fields>,
    invalid: Invalid,
) -> Result<Response> {
    let status = if invalid.is_empty() { StatusCode::FORBIDDEN } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut tx = state.db.read().await?;
    let shell = admin_context(state, &mut tx, manager, &Fields::default()).await?;
    let factors = second_factors::load(&mut tx, &manager.id).await?;
    let (action, kept) = match kept {
        Some(fields) => (path.to_owned(), fields.0.into_iter().filter(|(name, _)| !is_secret_field(name)).collect()),
        None => ("/admin/proof".to_owned(), vec![("next".to_owned(), path.to_owned())]),
    };
    let passkeys = factors.passkeys > 0 && challenges::are_passkeys_available(state);
    let password = password_hash(&mut tx, manager).await?.is_some();
    let provider = provider_name(state, &mut tx, manager).await?;
    let path = path.to_owned();
    let proof = Reauthenticate { shell, action, path, kept, password, totp: factors.totp, passkeys, provider, invalid };
    Ok((status, page_response(proof.html())).into_response())
}

/// The provider's name, if the manager's login there is connected.
async fn provider_name(state: &State, tx: &mut Tx, manager: &Manager<CanEnter>) -> Result<Option<String>> {
    let connected = oidc_connection::is_connected(state, tx, &manager.id).await?.unwrap_or(false);
    Ok(state.provider.as_ref().filter(|_| connected).map(|provider| provider.name().to_owned()))
}

/// The hash of the manager's password, if passwords are accepted.
async fn password_hash(tx: &mut Tx, manager: &Manager<CanEnter>) -> Result<Option<String>> {
    let counts = login_policy::accepts_password(tx, &manager.id).await?;
    let hash = managers::find_by_email(tx, &manager.email).await?.and_then(|(_, hash)| hash);
    Ok(hash.filter(|_| counts))
}

fn encode_form(fields: &Fields) -> Bytes {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields.0).finish().into()
}
