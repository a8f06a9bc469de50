//! Rate limit per API token; every response has its headers.

use std::sync::{Arc, OnceLock, PoisonError};

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

use crate::domain::TokenId;
use crate::domain::rate_limit::Allowance;
use crate::state::State;
use crate::web::error::RATE_LIMIT_HEADERS;
use crate::web::{Error, Result};

/// The remaining calls of the request's token, set once the token is known.
#[derive(Clone, Default)]
struct RemainingCalls(Arc<OnceLock<Allowance>>);

/// Counts a call of `token`; `TooManyCalls` if it exceeds the limit.
pub fn count_call(parts: &Parts, state: &State, token: &TokenId) -> Result<()> {
    let now = state.clock.monotonic();
    let mut calls = state.token_calls().lock().unwrap_or_else(PoisonError::into_inner);
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let rate = if reads { &mut calls.reads } else { &mut calls.writes };
    let counted = rate.count(token.clone(), now);
    if let Some(left) = parts.extensions.get::<RemainingCalls>() {
        left.0.get_or_init(|| rate.remaining(token, now));
    }
    counted.map_err(Error::TooManyCalls)
}

pub async fn add_rate_limit_headers(mut request: Request, next: Next) -> Response {
    let left = RemainingCalls::default();
    request.extensions_mut().insert(left.clone());
    let mut response = next.run(request).await;
    if let Some(allowance) = left.0.get() {
        let seconds = (allowance.reset.num_milliseconds() + 999) / 1000;
        let values = [i64::from(allowance.limit), i64::from(allowance.remaining), seconds];
        for (name, value) in RATE_LIMIT_HEADERS.into_iter().zip(values) {
            response.headers_mut().insert(name, HeaderValue::from(value));
        }
    }
    response
}
