use axum::extract::State as FromState;
use axum::response::Response;

use super::page;
use super::shell::shell;
use crate::domain::forms::Fields;
use crate::state::State;
use crate::ui::pages::admin::Shortcuts;
use crate::web::Result;
use crate::web::auth::{CanRead, Manager};

/// `GET /admin/shortcuts`
pub async fn index(manager: Manager<CanRead>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page(Shortcuts { shell }.html()))
}
