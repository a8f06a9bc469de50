use axum::Json;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::api_token::Scope;
use crate::publish::api::schema::text_values;
use crate::web::access::api_token::Token;
use crate::web::access::manager::CanRead;

text_values! {
    ScopeKey = Scope::ALL.into_iter().map(Scope::key);
}

/// The token that was sent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Token", deny_unknown_fields)]
pub struct TokenView {
    name: String,
    #[schemars(with = "ScopeKey")]
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
