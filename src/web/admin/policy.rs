use axum::extract::State as FromState;
use axum::response::Response;

use super::notice::done;
use crate::db::policy;
use crate::domain::Policy;
use crate::domain::audit::Entry;
use crate::state::State;
use crate::web::Result;
use crate::web::auth::{CanAdminister, Fresh, Manager};
use crate::web::form::Form;

/// `POST /admin/policy`: what every manager is asked for; its form stands on the page of the settings.
pub async fn update(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let chosen = Policy {
        second_factor_required: fields.has("second_factor_required"),
        api_key_in_query: fields.has("api_key_in_query"),
        version: fields.version(),
    };
    let mut tx = state.db.write().await?;
    let before = policy::load(&mut tx).await?;
    policy::update(&mut tx, chosen).await?;
    let after = policy::load(&mut tx).await?;
    let entry = Entry::new("policy.edit", "", "").before(&before).after(&after);
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    Ok(done("/admin/settings", "policy-saved"))
}
