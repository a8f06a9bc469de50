//! `/hooks/bounces/{source}`: mail providers report bounces and complaints.

use axum::body::Bytes;
use axum::extract::{Path, State as FromState};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::links;
use crate::actions::bounces::{BounceEffect, apply_reported_bounce};
use crate::actions::subscribers::SubscriberKeys;
use crate::domain::audit::Actor;
use crate::notify::bounce::Bounce;
use crate::notify::bounce_hooks::{BounceSource, HookError, SnsAction};
use crate::state::State;
use crate::web::{Error, Result};

/// `POST /hooks/bounces/{source}`: 204 if the report was read, also if it names no subscriber. The provider tries again
/// after any other answer.
pub async fn create(
    FromState(state): FromState<State>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let source = BounceSource::from_key(&source).ok_or(Error::NotFound)?;
    let (hooks, now) = (&state.bounce_hooks, state.clock.now());
    let read = match source {
        BounceSource::Ses => hooks.read_sns(&body, now).await.map(|action| match action {
            SnsAction::Bounces(bounces) => bounces,
            SnsAction::Confirmed => {
                tracing::info!("the SNS topic of SES was confirmed, bounces arrive from now on");
                Vec::new()
            }
            SnsAction::Ignored => Vec::new(),
        }),
        BounceSource::Postmark => hooks.read_postmark(&headers, &body),
        BounceSource::Sendgrid => hooks.read_sendgrid(&headers, &body, now),
        BounceSource::Json => hooks.read_json(&headers, &body),
    };
    match read {
        Ok(bounces) => {
            apply(&state, &bounces).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Err(HookError::Disabled) => Err(Error::NotFound),
        Err(error) => Ok(rejection(&error)),
    }
}

fn rejection(error: &HookError) -> Response {
    let status = match error {
        HookError::Disabled => StatusCode::NOT_FOUND,
        HookError::Unproven(_) => StatusCode::FORBIDDEN,
        HookError::Malformed(_) => StatusCode::BAD_REQUEST,
        HookError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    tracing::debug!("a report of bounces was rejected: {error}");
    (status, format!("{error}\n")).into_response()
}

/// Applies all reports of one request in one transaction.
async fn apply(state: &State, bounces: &[Bounce]) -> Result<()> {
    if bounces.is_empty() {
        return Ok(());
    }
    let links = links(state)?;
    let keys = SubscriberKeys { secret_key: &state.secret_key, links: &links };
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let mut entries = Vec::new();
    for bounce in bounces {
        for effect in apply_reported_bounce(&mut tx, keys, bounce, now).await? {
            if let BounceEffect::Quarantined(entry) = effect {
                entries.push(*entry);
            }
        }
    }
    Ok(tx.commit_private(&Actor::server(), now, &entries).await?)
}
