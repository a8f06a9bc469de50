use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::component::read_direction;
use crate::actions;
use crate::db::{Tx, components};
use crate::domain::component::is_same_name;
use crate::domain::forms::{Fields, GroupForm};
use crate::domain::{Group, GroupId};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{GroupDeletion, GroupEdit, SAME_NAME};
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
    show(&state, &mut tx, &manager, &GroupEditor::new(None), GroupForm::default()).await
}

/// `POST /admin/groups`
pub async fn create(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let (form, editor) = (GroupForm::read(&edit.fields), GroupEditor::new(None));
    let new = edit.check(&editor, form.clone(), form.parse()).await?;
    check_name(&mut edit, &editor, &form, &new.name).await?;
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
    show(&state, &mut tx, &manager, &GroupEditor::new(Some(group.id)), form).await
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
    let (form, editor) = (GroupForm::read(&edit.fields), GroupEditor::new(Some(before.id.clone())));
    let saved = Saved { audit_id: &id, version: before.version, theirs: GroupForm::from_group(&before) };
    let form = edit.check_version(&editor, form, saved).await?;
    let new = edit.check(&editor, form.clone(), form.parse()).await?;
    if new.name != before.name {
        check_name(&mut edit, &editor, &form, &new.name).await?;
    }
    let position = new.position.unwrap_or(before.position);
    let mut after = Group { name: new.name, description: new.description, position, ..before.clone() };
    let entry = match after == before {
        true => None,
        false => Some(actions::groups::edit(&mut edit.tx, &before, &mut after, edit.now).await?),
    };
    edit.save(entry, LIST, "group-saved").await
}

/// `POST /admin/groups/{id}/position`: one step up or down on the page.
pub async fn step(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let group = find_group(&mut edit.tx, &id).await?;
    let direction = read_direction(&edit.fields)?;
    let entry = actions::groups::step(&mut edit.tx, &group.id, direction, edit.now).await?;
    edit.save(entry, &format!("{LIST}#group-{id}"), "position-set").await
}

/// Asks before a second group of the same name is saved: 409 with the form.
async fn check_name(edit: &mut Edit<CanAdminister>, editor: &GroupEditor, form: &GroupForm, name: &str) -> Result<()> {
    let groups = components::list_groups(&mut edit.tx).await?;
    let mut others = groups.iter().filter(|other| Some(&other.id) != editor.id.as_ref());
    if edit.fields.has(SAME_NAME) || others.all(|other| !is_same_name(&other.name, name)) {
        return Ok(());
    }
    let asking = GroupEditor { same_name: true, ..editor.clone() };
    Err(edit.conflict(&asking, form.clone()).await)
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

#[derive(Clone)]
struct GroupEditor {
    id: Option<GroupId>,
    /// Whether to ask about a second group of the same name.
    same_name: bool,
}

impl GroupEditor {
    fn new(id: Option<GroupId>) -> Self {
        Self { id, same_name: false }
    }
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
        let (id, same_name) = (self.id.clone(), self.same_name);
        Ok(GroupEdit { shell, id, form, invalid, conflict, same_name }.html())
    }
}
