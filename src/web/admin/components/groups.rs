use axum::extract::{Path, State as FromState};
use axum::response::Response;

use crate::actions;
use crate::db::{Tx, components};
use crate::domain::forms::{Fields, GroupForm};
use crate::domain::{Group, GroupId, Invalid};
use crate::state::State;
use crate::ui::pages::admin::{Conflict, GroupDeletion, GroupEdit};
use crate::web::access::manager::{CanAdminister, Fresh, Manager};
use crate::web::form::Form;
use crate::web::page::flash::done;
use crate::web::page::layout::{conflict_with, shell};
use crate::web::page::{conflict, invalid, page, room_for};
use crate::web::{Error, Result};

/// `GET /admin/groups/new`
pub async fn new(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    Ok(page(editor(&state, &mut tx, &manager, None, GroupForm::default(), Invalid::new(), None).await?))
}

/// `POST /admin/groups`
pub async fn create(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let form = GroupForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let new = match form.parse() {
        Ok(new) => new,
        Err(wrong) => return Ok(invalid(editor(&state, &mut tx, &manager, None, form, wrong, None).await?)),
    };
    let entry = match room_for(actions::groups::add(&mut tx, new, now).await, "name")? {
        Ok((_, entry)) => entry,
        Err(full) => return Ok(invalid(editor(&state, &mut tx, &manager, None, form, full, None).await?)),
    };
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done("/admin/components", "group-added"))
}

/// `GET /admin/groups/{id}/edit`
pub async fn edit(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let group = find(&mut tx, &id).await?;
    let form = GroupForm::of(&group);
    Ok(page(editor(&state, &mut tx, &manager, Some(group.id), form, Invalid::new(), None).await?))
}

/// `POST /admin/groups/{id}`
pub async fn update(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = GroupForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    if form.version != before.version {
        let met = Some(conflict_with(&mut tx, &id, GroupForm::of(&before)).await?);
        form.version = before.version;
        return Ok(conflict(editor(&state, &mut tx, &manager, Some(before.id), form, Invalid::new(), met).await?));
    }
    let new = match form.parse() {
        Ok(new) => new,
        Err(wrong) => return Ok(invalid(editor(&state, &mut tx, &manager, Some(before.id), form, wrong, None).await?)),
    };
    let position = new.position.unwrap_or(before.position);
    let mut after = Group { name: new.name, description: new.description, position, ..before.clone() };
    if after == before {
        return Ok(done("/admin/components", "group-saved"));
    }
    let entry = actions::groups::edit(&mut tx, &before, &mut after, now).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done("/admin/components", "group-saved"))
}

/// `GET /admin/groups/{id}/deletion`
pub async fn doom(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let group = find(&mut tx, &id).await?;
    let members = components::list(&mut tx).await?;
    let components = members.iter().filter(|component| component.group_id.as_ref() == Some(&group.id)).count();
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page(GroupDeletion { shell, group, components }.html()))
}

/// `POST /admin/groups/{id}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let group = find(&mut tx, &id).await?;
    let entry = actions::groups::delete(&mut tx, &group).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    state.publish().await;
    Ok(done("/admin/components", "group-deleted"))
}

async fn find(tx: &mut Tx, id: &str) -> Result<Group> {
    let id = GroupId::parse(id).ok_or(Error::NotFound)?;
    Ok(components::find_group(tx, &id).await?)
}

async fn editor(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<CanAdminister>,
    id: Option<GroupId>,
    form: GroupForm,
    invalid: Invalid,
    conflict: Option<Conflict<GroupForm>>,
) -> Result<String> {
    let shell = shell(state, tx, manager, &Fields::default()).await?;
    Ok(GroupEdit { shell, id, form, invalid, conflict }.html())
}
