use axum::extract::{Path, State as FromState};
use axum::response::Response;

use crate::actions;
use crate::db::{self, Tx, WriteTx, components};
use crate::domain::audit::Entry;
use crate::domain::forms::{ComponentForm, Fields, NewComponent};
use crate::domain::{Component, ComponentId, Invalid, Status};
use crate::publish::Subject;
use crate::state::State;
use crate::ui::admin_layout::Section;
use crate::ui::pages::admin::{ComponentDeletion, ComponentEdit, ComponentList, Conflict};
use crate::web::access::manager::{CanAdminister, CanPublish, CanRead, Fresh, Manager};
use crate::web::admin::preview::{self, Rehearsing};
use crate::web::form::{Form, Search};
use crate::web::page::flash::done;
use crate::web::page::layout::{board, conflict_with, shell};
use crate::web::page::{conflict, invalid, page, room_for};
use crate::web::{Error, Result};

/// `GET /admin/components`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    let board = board(&mut tx).await?;
    Ok(page(ComponentList { shell, board }.html()))
}

/// `GET /admin/components/new`
pub async fn new(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let form = ComponentForm { status: Status::Operational.key().to_owned(), ..ComponentForm::default() };
    let mut tx = state.db.read().await?;
    Ok(page(editor(&state, &mut tx, &manager, None, form, Invalid::new(), None).await?))
}

/// `POST /admin/components`
pub async fn create(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let form = ComponentForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let created = match form.parse() {
        Ok(new) => make(&mut tx, new, now).await?,
        Err(wrong) => Err(wrong),
    };
    let entry = match created {
        Ok((_, entry)) => entry,
        Err(wrong) => return Ok(invalid(editor(&state, &mut tx, &manager, None, form, wrong, None).await?)),
    };
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done("/admin/components", "component-added"))
}

async fn make(
    tx: &mut WriteTx,
    new: NewComponent,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Result<(Component, Entry), Invalid>> {
    match actions::components::add(tx, new, now).await {
        Err(db::Error::NotFound) => Ok(Err(no_such_group())),
        made => room_for(made, "name"),
    }
}

/// `GET /admin/components/{id}/edit`
pub async fn edit(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let component = find(&mut tx, &id).await?;
    let form = ComponentForm::of(&component);
    Ok(page(editor(&state, &mut tx, &manager, Some(component.id), form, Invalid::new(), None).await?))
}

/// `POST /admin/components/{id}`
pub async fn update(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = ComponentForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    if form.version != before.version {
        let met = Some(conflict_with(&mut tx, &id, ComponentForm::of(&before)).await?);
        form.version = before.version;
        return Ok(conflict(editor(&state, &mut tx, &manager, Some(before.id), form, Invalid::new(), met).await?));
    }
    let kept = match form.parse() {
        Ok(new) => keep(&mut tx, &before, new, now).await?,
        Err(wrong) => Err(wrong),
    };
    let entry = match kept {
        Ok(entry) => entry,
        Err(wrong) => return Ok(invalid(editor(&state, &mut tx, &manager, Some(before.id), form, wrong, None).await?)),
    };
    if let Some(entry) = entry {
        tx.commit(&manager.actor(), now, entry).await?;
        state.publish().await;
    }
    Ok(done("/admin/components", "component-saved"))
}

async fn keep(
    tx: &mut WriteTx,
    before: &Component,
    new: NewComponent,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Result<Option<Entry>, Invalid>> {
    let mut after = new.apply(before);
    if after == *before {
        return Ok(Ok(None));
    }
    match actions::components::edit(tx, before, &mut after, now).await {
        Ok(entry) => Ok(Ok(Some(entry))),
        Err(db::Error::NotFound) => Ok(Err(no_such_group())),
        Err(error) => Err(error.into()),
    }
}

/// `POST /admin/components/{id}/status`: the baseline alone, from the desk.
pub async fn set_status(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let status = Status::from_key(&fields.text("status"));
    let status = status.ok_or_else(|| Error::BadRequest("Choose a status from the list.".into()))?;
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    if fields.version() != before.version {
        let sentence = format!("{} was changed in the meantime, nothing was set. Look at the desk again.", before.name);
        return Err(Error::Conflict(sentence));
    }
    let mut after = Component { status, ..before.clone() };
    if after == before && !preview::is_asked(&fields) {
        return Ok(done("/admin", "status-set"));
    }
    let entry = actions::components::set_status(&mut tx, &before, &mut after, now).await?;
    if preview::is_asked(&fields) {
        let action = format!("/admin/components/{id}/status");
        let what = Rehearsing::of(Subject::page(), Section::Desk, action, &fields).going_back("/admin");
        return preview::show(&state, tx, &manager, what).await;
    }
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done("/admin", "status-set"))
}

/// `GET /admin/components/{id}/deletion`
pub async fn doom(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let component = find(&mut tx, &id).await?;
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page(ComponentDeletion { shell, component }.html()))
}

/// `POST /admin/components/{id}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let component = find(&mut tx, &id).await?;
    let entry = actions::components::delete(&mut tx, &component).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    state.publish().await;
    Ok(done("/admin/components", "component-deleted"))
}

/// The component of an address.
pub(super) async fn find(tx: &mut Tx, id: &str) -> Result<Component> {
    let id = ComponentId::parse(id).ok_or(Error::NotFound)?;
    Ok(components::find(tx, &id).await?)
}

fn no_such_group() -> Invalid {
    Invalid::field("group", "This group is gone. Choose another.")
}

async fn editor(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<CanAdminister>,
    id: Option<ComponentId>,
    form: ComponentForm,
    invalid: Invalid,
    conflict: Option<Conflict<ComponentForm>>,
) -> Result<String> {
    let shell = shell(state, tx, manager, &Fields::default()).await?;
    let groups = components::groups(tx).await?;
    Ok(ComponentEdit { shell, id, form, invalid, groups, conflict }.html())
}
