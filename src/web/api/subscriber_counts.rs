//! How many subscribers there are, by type and state.

use axum::Json;
use axum::extract::{Path, State as FromState};
use schemars::JsonSchema;
use serde::Serialize;

use super::page_context::ApiContext;
use super::subscribers::{MODES, mode, read_filter};
use crate::db::subscribers;
use crate::domain::subscriber::SubscriberState;
use crate::state::State;
use crate::web::Result;
use crate::web::access::api_token::Token;
use crate::web::access::manager::CanRead;
use crate::web::form::QueryFields;

/// The number of subscribers of each type.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Counts {
    email: i64,
    sms: i64,
    webhook: i64,
    integration_partner: i64,
    slack: i64,
    teams: i64,
}

/// The number of subscribers of each type in each state.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Histogram {
    email: Tally,
    sms: Tally,
    webhook: Tally,
    integration_partner: Tally,
    slack: Tally,
    teams: Tally,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Tally {
    active: i64,
    unconfirmed: i64,
    quarantined: i64,
    total: i64,
}

/// `GET /v1/pages/{page}/subscribers/count`
pub async fn count(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Json<Counts>> {
    let mut tx = state.db.read().await?;
    ApiContext::load_for(&mut tx, &page, &state).await?;
    let (channels, wanted) = read_filter(&query.text("type"), &query.text("state"), "")?;
    let counts = subscribers::count_by_channel(&mut tx).await?;
    let count = |kind: &str| -> i64 {
        let counted = counts.iter().filter(|(channel, state, _)| {
            mode(*channel) == kind
                && channels.as_ref().is_none_or(|channels| channels.contains(channel))
                && wanted.is_none_or(|wanted| wanted == *state)
        });
        counted.map(|(_, _, count)| count).sum()
    };
    let [email, sms, webhook, integration_partner, slack, teams] = MODES.map(count);
    Ok(Json(Counts { email, sms, webhook, integration_partner, slack, teams }))
}

/// `GET /v1/pages/{page}/subscribers/histogram_by_state`
pub async fn histogram(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Json<Histogram>> {
    let mut tx = state.db.read().await?;
    ApiContext::load_for(&mut tx, &page, &state).await?;
    let counts = subscribers::count_by_channel(&mut tx).await?;
    let tally = |kind: &str| {
        let of = |wanted: Option<SubscriberState>| -> i64 {
            let counted = counts
                .iter()
                .filter(|(channel, state, _)| mode(*channel) == kind && wanted.is_none_or(|wanted| wanted == *state));
            counted.map(|(_, _, count)| count).sum()
        };
        Tally {
            active: of(Some(SubscriberState::Active)),
            unconfirmed: of(Some(SubscriberState::Unconfirmed)),
            quarantined: of(Some(SubscriberState::Quarantined)),
            total: of(None),
        }
    };
    let [email, sms, webhook, integration_partner, slack, teams] = MODES.map(tally);
    Ok(Json(Histogram { email, sms, webhook, integration_partner, slack, teams }))
}
