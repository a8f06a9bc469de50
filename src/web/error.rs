//! Errors of request handlers and their responses.

use std::any::Any;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State as FromState};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta};
use schemars::JsonSchema;
use serde::Serialize;

use super::public;
use crate::db;
use crate::log_limit::{FAULTS, LogPermit, OUTAGES};
use crate::publish::address::{is_api_path, is_cross_origin};
use crate::publish::{CACHE_SHORT, CSP_NONE, CrossOrigin, Document, OnDemandError, PreparedResponse, ResponsePolicy};
use crate::state::State;

/// An API token's limit, remaining calls, and seconds until the full limit is available again.
pub const RATE_LIMIT_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Also for objects that this client may not see.
    #[error("not found")]
    NotFound,
    /// Not logged in; the path to return to.
    #[error("login required")]
    LoginRequired(String),
    /// No valid API token; the message for the client's developer.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The token does not allow this request, or was sent without TLS; the message.
    #[error("{0}")]
    TokenForbidden(&'static str),
    /// The manager's role does not allow the request.
    #[error("forbidden")]
    Forbidden,
    /// The login policy requires a second factor that the manager lacks; the path to return to.
    #[error("a second factor is required")]
    FactorRequired(String),
    /// A recent proof of identity is required; `web::sign_in::reauth` asks for it.
    #[error("confirmation required")]
    ProofRequired,
    #[error("cross-site request denied")]
    Foreign,
    #[error("{0}")]
    BadRequest(String),
    /// The request conflicts with the current state; the message for the manager.
    #[error("{0}")]
    Conflict(String),
    /// Rate limit of the client's network; the time to wait.
    #[error("too many attempts")]
    TooMany(TimeDelta),
    /// Rate limit of the API token; the time to wait.
    #[error("too many calls")]
    TooManyCalls(TimeDelta),
    /// Rate limit of the session; the time to wait.
    #[error("too many changes")]
    TooManyChanges(TimeDelta),
    /// Invalid API request: messages by JSON pointer.
    #[error("unprocessable")]
    Unprocessable(Vec<(String, String)>),
    /// A request that no page of ours sends; the message for its author.
    #[error("{0}")]
    Unfit(String),
    #[error("the body is too large")]
    TooLarge,
    #[error("the request took too long")]
    TooSlow,
    #[error("busy")]
    Busy,
    /// The database is unavailable; nothing was changed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The connection was lost during a commit; the change may have been saved.
    #[error("the database connection was lost during a commit: {0}")]
    Uncertain(String),
    /// A complete response, such as a form with its messages.
    #[error("answered with a page")]
    Page(Box<Response>),
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// Response extension for [`render_error`]: the message, if any.
#[derive(Clone, Debug)]
struct ErrorSentence(Option<String>);

/// Response extension: the request needs a recent proof of identity.
#[derive(Clone, Copy, Debug)]
pub struct ProofRequired;

/// Response extension of a redirect to the login: the path to return to.
#[derive(Clone, Debug)]
pub struct LoginRequired(pub String);

/// Response extension of a redirect to the second factors.
#[derive(Clone, Copy, Debug)]
pub struct FactorRequired;

/// Where a missing second factor is added; afterwards the manager continues at `next`.
pub fn factors_path(next: &str) -> String {
    if next == "/admin" {
        return "/admin/account/factors".into();
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("/admin/account/factors?{query}")
}

/// Response extension: the request was cross-site.
#[derive(Clone, Copy, Debug)]
pub struct CrossOriginDenied;

impl Error {
    /// Ends a handler with a complete response.
    pub fn page(response: Response) -> Self {
        Self::Page(Box::new(response))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Page(response) => response.status(),
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::LoginRequired(_) | Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden
            | Self::TokenForbidden(_)
            | Self::FactorRequired(_)
            | Self::ProofRequired
            | Self::Foreign => StatusCode::FORBIDDEN,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooMany(_) | Self::TooManyCalls(_) | Self::TooManyChanges(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unprocessable(_) | Self::Unfit(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy | Self::Unavailable(_) | Self::Uncertain(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Seconds for `Retry-After`.
    fn retry_after(&self) -> Option<i64> {
        match self {
            Self::TooMany(wait) | Self::TooManyCalls(wait) | Self::TooManyChanges(wait) => Some(wait.num_seconds() + 1),
            Self::Busy | Self::Unavailable(_) | Self::Uncertain(_) => Some(5),
            _ => None,
        }
    }

    /// The message that the client may see.
    fn sentence(&self) -> Option<String> {
        match self {
            Self::BadRequest(sentence) | Self::Conflict(sentence) | Self::Unfit(sentence) => Some(sentence.clone()),
            Self::Unauthorized(sentence) | Self::TokenForbidden(sentence) => Some((*sentence).to_owned()),
            Self::TooMany(_) => Some("Too many attempts came from your network. Try again in a minute.".into()),
            Self::TooManyCalls(_) => Some("Rate limit exceeded. Wait as long as Retry-After says.".into()),
            Self::TooManyChanges(_) => Some(
                "Too many changes within a minute, so this one was not saved. Wait a minute and send it again.".into(),
            ),
            Self::Foreign => Some("Cross-site request denied. Nothing was changed.".into()),
            Self::Uncertain(_) => Some(
                "The database connection was lost while saving. Your change may have been saved: check before you \
                 send it again."
                    .into(),
            ),
            _ => None,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::Page(response) = self {
            return *response;
        }
        let status = self.status();
        match &self {
            Self::Internal(error) => {
                if let Some(LogPermit { left_out }) = FAULTS.acquire() {
                    tracing::error!(left_out, "{error:?}");
                }
            }
            Self::Unavailable(cause) => {
                if let Some(LogPermit { left_out }) = OUTAGES.acquire() {
                    tracing::warn!(left_out, "the database is unavailable: {cause}");
                }
            }
            Self::Uncertain(cause) => tracing::warn!("the database connection was lost during a commit: {cause}"),
            _ => tracing::debug!("{self}"),
        }
        if let Self::LoginRequired(next) = &self {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            let mut response = Redirect::to(&format!("/login?{query}")).into_response();
            response.extensions_mut().insert(LoginRequired(next.clone()));
            return response;
        }
        if let Self::FactorRequired(next) = &self {
            let mut response = Redirect::to(&factors_path(next)).into_response();
            response.extensions_mut().insert(FactorRequired);
            return response;
        }
        if let Self::Unprocessable(wrong) = &self {
            return unprocessable(wrong);
        }
        let mut response = status.into_response();
        if let Self::ProofRequired = &self {
            response.extensions_mut().insert(ProofRequired);
        }
        if let Self::Foreign = &self {
            response.extensions_mut().insert(CrossOriginDenied);
        }
        response.extensions_mut().insert(ErrorSentence(self.sentence()));
        if let Self::Unauthorized(_) = self {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"candor\""));
        }
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::NotFound => Self::NotFound,
            db::Error::Conflict(sentence) => Self::Conflict(as_sentence(sentence)),
            db::Error::Full(sentence) => Self::Conflict(sentence.to_owned()),
            db::Error::Unavailable(cause) => Self::Unavailable(cause),
            db::Error::Uncertain(cause) => Self::Uncertain(cause),
            db::Error::Schema(error) => Self::Internal(error.into()),
            db::Error::Other(error) => Self::Internal(error),
        }
    }
}

impl From<Arc<OnDemandError>> for Error {
    fn from(error: Arc<OnDemandError>) -> Self {
        match error.as_ref() {
            OnDemandError::Busy => Self::Busy,
            OnDemandError::Db(db::Error::NotFound) => Self::NotFound,
            OnDemandError::Db(db::Error::Conflict(sentence) | db::Error::Full(sentence)) => {
                Self::Conflict((*sentence).to_owned())
            }
            OnDemandError::Db(db::Error::Unavailable(cause)) => Self::Unavailable(cause.clone()),
            OnDemandError::Db(db::Error::Uncertain(cause)) => Self::Uncertain(cause.clone()),
            OnDemandError::Db(db::Error::Schema(error)) => Self::Internal(anyhow::anyhow!("{error}")),
            OnDemandError::Db(db::Error::Other(error)) => Self::Internal(anyhow::anyhow!("{error:#}")),
        }
    }
}

impl From<crate::credentials::password::Error> for Error {
    fn from(error: crate::credentials::password::Error) -> Self {
        match error {
            crate::credentials::password::Error::Busy => Self::Busy,
            crate::credentials::password::Error::Failed(cause) => Self::Internal(anyhow::anyhow!(cause)),
        }
    }
}

impl From<tower_sessions::session::Error> for Error {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Capitalizes the reason and adds a full stop.
pub(super) fn as_sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let mut sentence: String =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

/// Whether errors at this path are JSON: where programs read, or if the client asks for it.
pub fn wants_json(path: &str, headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept == "application/json")
        || path.ends_with(".json")
        || is_api_path(path)
        || is_cross_origin(path)
}

/// The message of an error response that has no page yet.
pub(super) fn message_of(extensions: &Extensions) -> Option<String> {
    extensions.get::<ErrorSentence>().and_then(|failure| failure.0.clone())
}

/// Renders error responses without a page as a page or as JSON, including those of the router and the limits.
pub async fn render_error(FromState(state): FromState<State>, request: Request, next: Next) -> Response {
    let wants_json = wants_json(request.uri().path(), request.headers());
    let shared_path = Some(request.uri().path().to_owned()).filter(|path| is_cross_origin(path));
    let accepted = request.headers().get(header::ACCEPT_ENCODING).cloned();
    let response = next.run(request).await;
    let status = response.status();
    let plain =
        response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !plain {
        return response;
    }
    let sentence = message_of(response.extensions());
    let kept = [header::RETRY_AFTER, header::ALLOW, header::CONNECTION, header::SET_COOKIE, header::WWW_AUTHENTICATE];
    let kept: Vec<_> = kept
        .into_iter()
        .chain(RATE_LIMIT_HEADERS)
        .filter_map(|name| response.headers().get(&name).cloned().map(|value| (name, value)))
        .collect();
    let reader: HeaderMap = accepted.map(|accepted| (header::ACCEPT_ENCODING, accepted)).into_iter().collect();
    let mut page = if let Some(path) = shared_path.filter(|_| status == StatusCode::NOT_FOUND && sentence.is_none()) {
        // The fast path answers the same once the document is known to be missing.
        PreparedNotFound::new(state.is_secure()).response(&path).respond(&reader, false).map(Body::new)
    } else if wants_json {
        json_response(status, sentence)
    } else {
        public::error_page(&state, status, sentence, &reader)
    };
    page.headers_mut().extend(kept);
    page
}

/// The body of error responses.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error", deny_unknown_fields)]
pub struct ErrorBody<'a> {
    error: &'a str,
    message: &'a str,
    /// Only of 422 responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<FieldError>")]
    errors: Option<Vec<FieldError>>,
}

/// An invalid field.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FieldError {
    /// JSON pointer to the field.
    pointer: String,
    message: String,
}

/// Limits of a 422 response: number of errors, and characters of each pointer and message.
const MAX_ERRORS: usize = 200;
const MAX_MESSAGE: usize = 300;

/// 422 with each error, and with all messages in one sentence.
fn unprocessable(wrong: &[(String, String)]) -> Response {
    let short = |text: &str| text.chars().take(MAX_MESSAGE).collect::<String>();
    let error = |(at, message): &(String, String)| FieldError { pointer: short(at), message: short(message) };
    let errors: Vec<FieldError> = wrong.iter().take(MAX_ERRORS).map(error).collect();
    let sentences: Vec<String> = errors.iter().map(|it| format!("{}: {}", it.pointer, it.message)).collect();
    let body = ErrorBody { error: "unprocessable_entity", message: &sentences.join(" "), errors: Some(errors) };
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}

fn json_response(status: StatusCode, sentence: Option<String>) -> Response {
    (status, Json(error_json(status, sentence))).into_response()
}

fn error_json(status: StatusCode, sentence: Option<String>) -> serde_json::Value {
    let reason = status.canonical_reason().unwrap_or("Error");
    let message = sentence.unwrap_or_else(|| format!("{reason}."));
    let error = reason.to_lowercase().replace(' ', "_");
    serde_json::json!(ErrorBody { error: &error, message: &message, errors: None })
}

/// The 404 for API clients, prepared in advance.
pub struct PreparedNotFound {
    own: PreparedResponse,
    shared: PreparedResponse,
}

impl PreparedNotFound {
    /// `secure`: the public URL is HTTPS.
    pub fn new(secure: bool) -> Self {
        let text = error_json(StatusCode::NOT_FOUND, None).to_string();
        let answer = |reach| {
            let document = Document::json_error(StatusCode::NOT_FOUND.as_u16(), text.clone(), reach);
            PreparedResponse::new(
                Arc::new(document),
                ResponsePolicy {
                    cache_control: CACHE_SHORT,
                    content_security_policy: CSP_NONE,
                    secure,
                    staleness: None,
                    now: DateTime::UNIX_EPOCH,
                },
            )
        };
        Self { own: answer(CrossOrigin::SameOrigin), shared: answer(CrossOrigin::Any) }
    }

    /// The 404 at `path`; readable across origins if the documents at `path` are, and below an API.
    pub fn response(&self, path: &str) -> &PreparedResponse {
        if public::error_cors_headers(path).is_some() { &self.shared } else { &self.own }
    }
}

/// The 500 after a panic in a handler; the panic hook has logged the panic.
pub fn panic_response(_: Box<dyn Any + Send + 'static>) -> Response {
    Error::Internal(anyhow::anyhow!("a handler panicked")).into_response()
}
