//! For whatever watches the server.

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use serde::Serialize;

use crate::state::State;

/// What `/readyz` says.
#[derive(Serialize)]
pub struct Readiness {
    database: bool,
    revision: i64,
    /// Since the database last confirmed what is shown.
    site_age_seconds: i64,
}

/// `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the process can do its work: 200 where the database answers, else 503.
pub async fn ready(FromState(state): FromState<State>) -> (StatusCode, Json<Readiness>) {
    let database = match state.db.read().await {
        Ok(mut tx) => tx.revision().await.is_ok(),
        Err(_) => false,
    };
    let site = state.publisher.site();
    let age = state.clock.now() - site.confirmed_at;
    let status = if database { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { database, revision: site.revision, site_age_seconds: age.num_seconds() }))
}
