use axum::extract::{Path, State as FromState};
use axum::response::Response;

use crate::actions;
use crate::db::{Tx, components};
use crate::domain::forms::{Fields, GroupForm};
use crate::domain::{Group, GroupId};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{GroupDeletion, GroupEdit};
use crate::web::access::manager::{CanAdminister, Fresh, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show};
use crate::web::form::Form;
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::{Error, Result};

const LIST: &str = "/admin/components";

/// `GET /admin/groups/new`
pub async fn new(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    show(&state, &mut tx, &manager, &GroupEditor { id: None }, GroupForm::default()).await
}

/// `POST /admin/groups`
pub async fn create(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let (form, editor) = (GroupForm::read(&edit.fields), GroupEditor { id: None });
    let new = edit.check(&editor, form.clone(), form.parse()).await?;
    let added = actions::groups::add(&mut edit.tx, new, edit.now).await;
    let (_, entry) = edit.check_limit(&editor, form, added, "name").await?;
    edit.save([entry], LIST, "group-added").await
}

/// `GET /admin/groups/{id}/edit`
pub async fn edit(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let group = find_group(&mut tx, &id).await?;
    let form = GroupForm::from_group(&group);
    show(&state, &mut tx, &manager, &GroupEditor { id: Some(group.id) }, form).await
}

/// `POST /admin/groups/{id}`
pub async fn update(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_group(&mut edit.tx, &id).await?;
    let (form, editor) = (GroupForm::read(&edit.fields), GroupEditor { id: Some(before.id.clone()) });
    let saved = Saved { audit_id: &id, version: before.version, theirs: GroupForm::from_group(&before) };
    let form = edit.check_version(&editor, form, saved).await?;
    let new = edit.check(&editor, form.clone(), form.parse()).await?;
    let position = new.position.unwrap_or(before.position);
    let mut after = Group { name: new.name, description: new.description, position, ..before.clone() };
    let entry = match after == before {
        true => None,
        false => Some(actions::groups::edit(&mut edit.tx, &before, &mut after, edit.now).await?),
    };
    edit.save(entry, LIST, "group-saved").await
}

/// `GET /admin/groups/{id}/deletion`
pub async fn confirm_delete(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let group = find_group(&mut tx, &id).await?;
    let members = components::list(&mut tx).await?;
    let components = members.iter().filter(|component| component.group_id.as_ref() == Some(&group.id)).count();
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page_response(GroupDeletion { shell, group, components }.html()))
}

/// `POST /admin/groups/{id}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let group = find_group(&mut edit.tx, &id).await?;
    let entry = actions::groups::delete(&mut edit.tx, &group).await?;
    edit.save([entry], LIST, "group-deleted").await
}

async fn find_group(tx: &mut Tx, id: &str) -> Result<Group> {
    let id = GroupId::parse(id).ok_or(Error::NotFound)?;
    Ok(components::find_group(tx, &id).await?)
}

struct GroupEditor {
    id: Option<GroupId>,
}

impl Editor for GroupEditor {
    type Form = GroupForm;
    type Theirs = GroupForm;

    async fn html(
        &self,
        _: &mut Tx,
        shell: AdminContext,
        form: GroupForm,
        problem: Problem<GroupForm>,
    ) -> Result<String> {
        let Problem { invalid, conflict } = problem;
        Ok(GroupEdit { shell, id: self.id.clone(), form, invalid, conflict }.html())
    }
}
