use axum::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::api_token::Scope;
use crate::web::access::api_token::Token;
use crate::web::access::manager::CanRead;

#[derive(Serialize)]
pub struct TokenView {
    name: String,
    scope: Scope,
    /// The manager in whose name the token acts.
    manager: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// `GET /v1/token`: scope and expiry of the token that was sent.
pub async fn show(program: Token<CanRead>) -> Json<TokenView> {
    let token = program.token;
    Json(TokenView {
        name: token.name,
        scope: token.scope,
        manager: token.manager_name,
        created_at: token.created_at,
        expires_at: token.expires_at,
    })
}
