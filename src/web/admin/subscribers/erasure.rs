use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::subscriber::find_subscriber;
use super::{LIST, load_links};
use crate::actions;
use crate::actions::subscribers::SubscriberKeys;
use crate::db::subscribers;
use crate::domain::forms::Fields;
use crate::state::State;
use crate::ui::pages::admin::SubscriberErasure;
use crate::web::Result;
use crate::web::access::manager::{CanAdminister, Fresh, Manager};
use crate::web::admin::edit::Edit;
use crate::web::page::flash::redirect_with_flash;
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;

/// `GET /admin/subscribers/{id}/erasure`: asks.
pub async fn confirm(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let subscriber = find_subscriber(&mut tx, &id).await?;
    let subscriptions = match &subscriber.email {
        Some(email) => subscribers::list_by_email(&mut tx, email).await?.len(),
        None => 1,
    };
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page_response(SubscriberErasure { shell, subscriber, subscriptions }.html()))
}

/// `POST /admin/subscribers/{id}/erasure`: deletes every subscription of the address with its delivery log.
pub async fn create(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let links = load_links(&state)?;
    let secret_key = state.secret_key.clone();
    let keys = SubscriberKeys { secret_key: &secret_key, links: &links };
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let subscriber = find_subscriber(&mut edit.tx, &id).await?;
    let entries = actions::subscribers::erase_subscriber(&mut edit.tx, keys, &subscriber, edit.now).await?;
    edit.tx.commit_all(&edit.manager.actor(), edit.now, &entries).await?;
    Ok(redirect_with_flash(LIST, "subscriber-erased"))
}
