//! What programs are answered: JSON, for who brings a token. These routes read no cookie, so they stand
//! outside of what refuses foreign pages.

mod token;

use axum::Router;
use axum::routing::{any, get};

use super::Error;
use crate::state::State;

/// Where every address of the API begins.
pub const ROOT: &str = "/v1/";

/// The addresses of the API.
pub fn router() -> Router<State> {
    Router::new().route("/v1/token", get(token::show)).route("/v1/{*nothing}", any(not_found))
}

async fn not_found() -> Error {
    Error::NotFound
}
