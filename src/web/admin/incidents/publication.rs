use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::incident::find;
use crate::actions;
use crate::domain::forms::Fields;
use crate::state::State;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::preview::{self, Rehearsing};
use crate::web::form::Form;
use crate::web::page::flash::done;
use crate::web::{Error, Result};

/// `POST /admin/incidents/{id}/publication`: visitors see it from now on.
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    if !before.visibility.is_public() {
        refuse_unseen(&fields, before.version)?;
        let (incident, entry) = actions::incidents::publish(&mut tx, &before, now).await?;
        if preview::is_asked(&fields) {
            let (action, back) = (format!("/admin/incidents/{id}/publication"), format!("/admin/incidents/{id}"));
            let what = Rehearsing::incident(&incident, action, &fields).going_back(back);
            return preview::show(&state, tx, &manager, what).await;
        }
        tx.commit(&manager.actor(), now, entry).await?;
        state.publish().await;
    }
    Ok(done(&format!("/admin/incidents/{id}"), "incident-published"))
}

/// Nobody publishes what they have not seen.
fn refuse_unseen(fields: &Fields, version: i64) -> Result<()> {
    if fields.version() == version {
        return Ok(());
    }
    Err(Error::Conflict("The incident was changed in the meantime, nothing was published. Look at it again.".into()))
}
