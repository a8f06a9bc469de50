use axum::extract::State as FromState;
use axum::response::Response;

use super::LIST;
use super::subscriber::{SubscriberAction, apply, find_subscriber};
use crate::state::State;
use crate::web::access::manager::{CanAdminister, Manager};
use crate::web::admin::edit::Edit;
use crate::web::form::Form;
use crate::web::page::flash::redirect_with_flash;
use crate::web::{Error, Result};

/// `POST /admin/subscribers/selection`: one action on all selected subscribers. Skips those that are gone, and those
/// whose state the action is not for.
pub async fn change(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let action =
        SubscriberAction::from_key(&fields.text("do")).ok_or_else(|| Error::BadRequest("Choose an action.".into()))?;
    let mut edit = Edit::begin(state, manager, fields).await?;
    let mut entries = Vec::new();
    for id in edit.fields.values("subscriber") {
        let subscriber = match find_subscriber(&mut edit.tx, &id).await {
            Err(Error::NotFound) => continue,
            found => found?,
        };
        entries.extend(apply(&mut edit, &subscriber, action).await?);
    }
    if entries.is_empty() {
        return Ok(redirect_with_flash(LIST, "subscribers-unchanged"));
    }
    edit.tx.commit_all(&edit.manager.actor(), edit.now, &entries).await?;
    Ok(redirect_with_flash(LIST, "subscribers-changed"))
}
