use axum::extract::State as FromState;
use axum::response::Response;

use crate::domain::forms::Fields;
use crate::state::State;
use crate::ui::pages::admin::Shortcuts;
use crate::web::Result;
use crate::web::access::manager::{CanRead, Manager};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;

/// `GET /admin/shortcuts`
pub async fn index(manager: Manager<CanRead>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page_response(Shortcuts { shell }.html()))
}
