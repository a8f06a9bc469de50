use axum::extract::State as FromState;
use axum::response::Response;

use super::page;
use super::shell::{board, shell};
use crate::db::{desk, drafts, maintenances};
use crate::state::State;
use crate::ui::pages::admin::Desk;
use crate::web::Result;
use crate::web::auth::{CanRead, Manager};
use crate::web::form::Search;

/// How many of the newest incidents are looked through for resolved ones.
const RECENT: i64 = 10;

/// `GET /admin`
pub async fn show(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    let (board, open) = board(&mut tx).await?;
    let planned = maintenances::planned(&mut tx).await?;
    let newest = desk::list(&mut tx, None, RECENT).await?;
    let recent = newest.into_iter().filter(|incident| !incident.is_open()).collect();
    let drafts = drafts::list(&mut tx).await?;
    Ok(page(Desk { shell, open, planned, board, recent, drafts }.html()))
}
