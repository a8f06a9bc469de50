//! A changing API call: access check, body and write transaction.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::params;
use crate::credentials::secret_token;
use crate::db::WriteTx;
use crate::db::idempotency::{self, StoredResponse};
use crate::domain::audit::{Effect, Entry};
use crate::state::State;
use crate::web::access::api_token::Token;
use crate::web::access::denied_audit;
use crate::web::access::manager::Policy;
use crate::web::edge::body_timeout::is_body_timeout;
use crate::web::{Error, Result};

const IDEMPOTENCY_HEADER: &str = "idempotency-key";
const KEY_REUSED: &str = "This Idempotency-Key was already used for a different request.";

/// An API call that policy `P` admits, with its write transaction. It is a handler's last argument, and the body is
/// read only after the access check.
pub struct Change<P> {
    pub program: Token<P>,
    pub body: Value,
    pub tx: WriteTx,
    pub now: DateTime<Utc>,
    pub state: State,
    key: Option<IdempotencyKey>,
}

/// The idempotency key, and a hash to recognize the same request.
struct IdempotencyKey {
    key: String,
    request_hash: String,
}

impl<P: Policy> FromRequest<State> for Change<P> {
    /// The stored response of an earlier call with the same key, or an error.
    type Rejection = Response;

    async fn from_request(request: Request, state: &State) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let program = Token::<P>::from_request_parts(&mut parts, state).await.map_err(IntoResponse::into_response)?;
        let query = params::parse_query(parts.uri.query().unwrap_or_default()).map_err(IntoResponse::into_response)?;
        let about = format!("{} {} {query}", parts.method, parts.uri.path());
        let key = idempotency_key(&parts.headers).map_err(IntoResponse::into_response)?;
        let headers = parts.headers.clone();
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state).await.map_err(|rejection| {
            if is_body_timeout(&rejection) { Error::TooSlow.into_response() } else { rejection.into_response() }
        })?;
        let body = params::parse_request(&headers, &query, &bytes).await.map_err(IntoResponse::into_response)?;
        let hashed = |key| IdempotencyKey {
            key,
            request_hash: secret_token::hash_token(&format!("{about}\n{}", String::from_utf8_lossy(&bytes))),
        };
        begin_change(program, body, key.map(hashed), state).await
    }
}

async fn begin_change<P: Policy>(
    mut program: Token<P>,
    body: Value,
    key: Option<IdempotencyKey>,
    state: &State,
) -> Result<Change<P>, Response> {
    let mut tx = state.db.write().await.map_err(|error| Error::from(error).into_response())?;
    let now = state.clock.now();
    let fault = program.recheck(&mut tx, now).await.map_err(|error| Error::from(error).into_response())?;
    if let Some((action, error)) = fault {
        drop(tx);
        denied_audit::record_denial(state, program.token_actor(), action, "").await;
        return Err(error.into_response());
    }
    if let Some(key) = &key {
        let found = idempotency::find(&mut tx, &program.token.id, &key.key, now).await;
        match found.map_err(|error| Error::from(error).into_response())? {
            Some(kept) if kept.request_hash == key.request_hash => return Err(replay(kept)),
            Some(_) => {
                let wrong = vec![("/Idempotency-Key".to_owned(), KEY_REUSED.to_owned())];
                return Err(Error::Unprocessable(wrong).into_response());
            }
            None => {}
        }
    }
    Ok(Change { program, body, tx, now, state: state.clone(), key })
}

impl<P> Change<P> {
    /// Commits `entries`, publishes unless all of them are private, and answers with `response`. Without `entries`, nothing
    /// was changed.
    pub async fn commit(self, status: StatusCode, response: &impl Serialize, entries: &[Entry]) -> Result<Response> {
        let body = serde_json::to_string(response).map_err(|error| Error::Internal(error.into()))?;
        self.finish(status, body, entries).await
    }

    /// As [`Change::commit`], with an empty 204 response.
    pub async fn commit_without_body(self, entries: &[Entry]) -> Result<Response> {
        self.finish(StatusCode::NO_CONTENT, String::new(), entries).await
    }

    /// As [`Change::commit`], with an empty response.
    pub async fn commit_empty(self, status: StatusCode, entries: &[Entry]) -> Result<Response> {
        self.finish(status, String::new(), entries).await
    }

    async fn finish(mut self, status: StatusCode, body: String, entries: &[Entry]) -> Result<Response> {
        let keyed = self.key.is_some();
        if let Some(IdempotencyKey { key, request_hash }) = self.key {
            let kept = StoredResponse { request_hash, status: status.as_u16(), body: body.clone() };
            idempotency::insert(&mut self.tx, &self.program.token.id, &key, &kept, self.now).await?;
        }
        if !entries.is_empty() {
            self.tx.commit_all(&self.program.token_actor(), self.now, entries).await?;
            if entries.iter().any(|entry| entry.action.effect() != Effect::Private) {
                self.state.publish().await;
            }
        } else if keyed {
            self.tx.commit_unaudited().await?;
        }
        Ok(json_response(status, body))
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get(IDEMPOTENCY_HEADER) else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=255).contains(&key.len()));
    let wrong = || Error::BadRequest("An Idempotency-Key has 1 to 255 plain characters.".into());
    key.map(|key| Some(key.to_owned())).ok_or_else(wrong)
}

fn replay(kept: StoredResponse) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let mut response = json_response(status, kept.body);
    response.headers_mut().insert("idempotency-replayed", header::HeaderValue::from_static("true"));
    response
}

fn json_response(status: StatusCode, body: String) -> Response {
    if body.is_empty() {
        return status.into_response();
    }
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
