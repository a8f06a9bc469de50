//! Features of Statuspage that Candor does not have: their lists are empty.

use std::borrow::Cow;

use axum::Json;
use axum::extract::{Path, State as FromState};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::page_context::ApiContext;
use crate::state::State;
use crate::web::Result;
use crate::web::access::api_token::Token;
use crate::web::access::manager::CanRead;

/// Objects that no response contains.
macro_rules! missing_objects {
    ($($type:ident,)+) => {$(
        pub enum $type {}

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "object" })
            }
        }
    )+};
}

missing_objects! {
    Metric, MetricsProvider, PageAccessUser, PageAccessGroup, User,
}

/// `GET /v1/pages/{page}/metrics`, `/metrics_providers`, `/page_access_users` and `/page_access_groups`: always empty.
pub async fn index(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Json<[Value; 0]>> {
    ApiContext::load_for(&mut state.db.read().await?, &page, &state).await?;
    Ok(Json([]))
}

/// `GET /v1/organizations/{organization}/users`: always empty; there are no organizations.
pub async fn index_users(_program: Token<CanRead>, Path(_): Path<String>) -> Json<[Value; 0]> {
    Json([])
}
