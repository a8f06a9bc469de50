use axum::extract::{Path, State as FromState};
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::actions;
use crate::db::{self, Tx, components};
use crate::domain::component::is_same_name;
use crate::domain::component_order::Direction;
use crate::domain::forms::{ComponentForm, Fields};
use crate::domain::{Component, ComponentId, GroupId, Invalid, Status};
use crate::publish::PreviewSubject;
use crate::state::State;
use crate::ui::admin_layout::{AdminContext, Section};
use crate::ui::pages::admin::{ComponentDeletion, ComponentEdit, ComponentList, SAME_NAME};
use crate::web::access::manager::{CanAdminister, CanPublish, CanRead, Fresh, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show};
use crate::web::admin::preview::{self, PreviewRequest};
use crate::web::form::{Form, QueryFields};
use crate::web::page::flash::redirect_with_flash;
use crate::web::page::layout::{admin_context, component_board};
use crate::web::page::page_response;
use crate::web::{Error, Result};

const LIST: &str = "/admin/components";
/// More than the positions of any list.
const MAX_DROP: i64 = 10_000;

/// `GET /admin/components`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let board = component_board(&mut tx).await?;
    Ok(page_response(ComponentList { shell, board }.html()))
}

/// `GET /admin/components/new`
pub async fn new(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let form = ComponentForm { status: Status::Operational.key().to_owned(), ..ComponentForm::default() };
    let mut tx = state.db.read().await?;
    show(&state, &mut tx, &manager, &ComponentEditor::new(None), form).await
}

/// `POST /admin/components`
pub async fn create(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let (form, editor) = (ComponentForm::read(&edit.fields), ComponentEditor::new(None));
    let new = edit.check(&editor, form.clone(), form.parse()).await?;
    let names = form.parse_more_names().unwrap_or_default();
    check_name(&mut edit, &editor, &form, (&new.name, new.group_id.as_ref())).await?;
    check_more_names(&mut edit, &editor, &form, (&names, new.group_id.as_ref())).await?;
    let flash = if names.is_empty() { "component-added" } else { "components-added" };
    let more: Vec<_> = names.into_iter().map(|name| ("more_names", new.with_name(name))).collect();
    let mut entries = Vec::new();
    for (field, new) in std::iter::once(("name", new)).chain(more) {
        let added = match actions::components::add(&mut edit.tx, new, edit.now).await {
            Err(db::Error::NotFound) => return Err(edit.reject(&editor, form, unknown_group()).await),
            added => added,
        };
        entries.push(edit.check_limit(&editor, form.clone(), added, field).await?.1);
    }
    edit.save(entries, LIST, flash).await
}

/// 422 if one of `names` is taken in the list: only a single component may repeat a name.
async fn check_more_names(
    edit: &mut Edit<CanAdminister>,
    editor: &ComponentEditor,
    form: &ComponentForm,
    (names, group): (&[String], Option<&GroupId>),
) -> Result<()> {
    let all = components::list(&mut edit.tx).await?;
    let is_taken =
        |name: &&String| all.iter().any(|other| other.group_id.as_ref() == group && is_same_name(&other.name, name));
    match names.iter().find(is_taken) {
        None => Ok(()),
        Some(name) => {
            let wrong = Invalid::field("more_names", format!("“{name}” is in this list already."));
            Err(edit.reject(editor, form.clone(), wrong).await)
        }
    }
}

/// `GET /admin/components/{id}/edit`
pub async fn edit(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let component = find_component(&mut tx, &id).await?;
    let form = ComponentForm::from_component(&component);
    show(&state, &mut tx, &manager, &ComponentEditor::new(Some(component.id)), form).await
}

/// `POST /admin/components/{id}`
pub async fn update(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_component(&mut edit.tx, &id).await?;
    let (form, editor) = (ComponentForm::read(&edit.fields), ComponentEditor::new(Some(before.id.clone())));
    let saved = Saved { audit_id: &id, version: before.version, theirs: ComponentForm::from_component(&before) };
    let form = edit.check_version(&editor, form, saved).await?;
    let mut after = edit.check(&editor, form.clone(), form.parse()).await?.apply(&before);
    if after == before {
        return edit.save(None, LIST, "component-saved").await;
    }
    if (&after.name, &after.group_id) != (&before.name, &before.group_id) {
        check_name(&mut edit, &editor, &form, (&after.name, after.group_id.as_ref())).await?;
    }
    let entry = match actions::components::edit(&mut edit.tx, &before, &mut after, edit.now).await {
        Err(db::Error::NotFound) => return Err(edit.reject(&editor, form, unknown_group()).await),
        edited => edited?,
    };
    edit.save([entry], LIST, "component-saved").await
}

/// `POST /admin/components/{id}/position`: one step up or down in its list, or to a position.
pub async fn step(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let component = find_component(&mut edit.tx, &id).await?;
    let direction = read_direction(&edit.fields)?;
    let entry = actions::components::step(&mut edit.tx, &component.id, direction, edit.now).await?;
    edit.save(entry, &format!("{LIST}#component-{id}"), "position-set").await
}

/// A step up or down, or the position where the item was dropped.
pub(super) fn read_direction(fields: &Fields) -> Result<Direction> {
    let dropped = fields.text("position").parse::<i64>().ok().filter(|position| (1..=MAX_DROP).contains(position));
    let direction = dropped.map(Direction::To).or_else(|| Direction::from_key(&fields.text("direction")));
    direction.ok_or_else(|| Error::BadRequest("Choose up or down.".into()))
}

/// Asks before a second component of the same name in the same list is saved: 409 with the form.
async fn check_name(
    edit: &mut Edit<CanAdminister>,
    editor: &ComponentEditor,
    form: &ComponentForm,
    (name, group): (&str, Option<&GroupId>),
) -> Result<()> {
    if edit.fields.has(SAME_NAME) {
        return Ok(());
    }
    let all = components::list(&mut edit.tx).await?;
    let mut others =
        all.iter().filter(|other| other.group_id.as_ref() == group && Some(&other.id) != editor.id.as_ref());
    if others.all(|other| !is_same_name(&other.name, name)) {
        return Ok(());
    }
    let asking = ComponentEditor { same_name: true, ..editor.clone() };
    Err(edit.conflict(&asking, form.clone()).await)
}

/// `POST /admin/components/{id}/status`: the component's own status, from the dashboard.
pub async fn set_status(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let status = read_status(&fields)?;
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_component(&mut edit.tx, &id).await?;
    check_seen_version(&before, edit.fields.version())?;
    let mut after = Component { status, ..before.clone() };
    if after == before && !edit.wants_preview() {
        return edit.save(None, "/admin", "status-set").await;
    }
    let entry = actions::components::set_status(&mut edit.tx, &before, &mut after, edit.now).await?;
    if edit.wants_preview() {
        let action = format!("/admin/components/{id}/status");
        let what =
            PreviewRequest::new(PreviewSubject::page(), Section::Dashboard, action, &edit.fields).cancel_path("/admin");
        return preview::show_preview(&edit.state, edit.tx, &edit.manager, what).await;
    }
    edit.save([entry], "/admin", "status-set").await
}

/// `POST /admin/component-statuses`: one status for the components that are selected on the dashboard, or a new incident
/// with them. Changes all of them or none.
pub async fn set_statuses(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let selected: Vec<SelectedComponent> =
        fields.values("component").iter().filter_map(|value| SelectedComponent::parse(value)).collect();
    if selected.is_empty() {
        return Ok(redirect_with_flash("/admin", "nothing-selected"));
    }
    if fields.has("new_incident") {
        let query = selected.iter().map(|it| format!("component={}", it.id)).collect::<Vec<_>>().join("&");
        return Ok(Redirect::to(&format!("/admin/incidents/new?{query}")).into_response());
    }
    let status = read_status(&fields)?;
    let mut edit = Edit::begin(state, manager, fields).await?;
    let mut entries = Vec::new();
    for SelectedComponent { id, version } in selected {
        let before = components::find(&mut edit.tx, &id).await?;
        check_seen_version(&before, version)?;
        let mut after = Component { status, ..before.clone() };
        if after != before {
            entries.push(actions::components::set_status(&mut edit.tx, &before, &mut after, edit.now).await?);
        }
    }
    edit.save(entries, "/admin", "statuses-set").await
}

/// A ticked component of the dashboard, as `ID.VERSION`.
struct SelectedComponent {
    id: ComponentId,
    version: i64,
}

impl SelectedComponent {
    fn parse(value: &str) -> Option<Self> {
        let (id, version) = value.rsplit_once('.')?;
        Some(Self { id: ComponentId::parse(id)?, version: version.parse().ok()? })
    }
}

fn read_status(fields: &Fields) -> Result<Status> {
    let status = Status::from_key(&fields.text("status"));
    status.ok_or_else(|| Error::BadRequest("Choose a status from the list.".into()))
}

/// Denies a change of a version that the manager has not seen.
fn check_seen_version(component: &Component, version: i64) -> Result<()> {
    if component.version == version {
        return Ok(());
    }
    let name = &component.name;
    Err(Error::Conflict(format!(
        "{name} was changed in the meantime; no status was updated. Check the dashboard again."
    )))
}

/// `GET /admin/components/{id}/deletion`
pub async fn confirm_delete(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let component = find_component(&mut tx, &id).await?;
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page_response(ComponentDeletion { shell, component }.html()))
}

/// `POST /admin/components/{id}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let component = find_component(&mut edit.tx, &id).await?;
    let entry = actions::components::delete(&mut edit.tx, &component).await?;
    edit.save([entry], LIST, "component-deleted").await
}

pub(super) async fn find_component(tx: &mut Tx, id: &str) -> Result<Component> {
    let id = ComponentId::parse(id).ok_or(Error::NotFound)?;
    Ok(components::find(tx, &id).await?)
}

fn unknown_group() -> Invalid {
    Invalid::field("group", "This group was deleted. Choose another.")
}

#[derive(Clone)]
struct ComponentEditor {
    id: Option<ComponentId>,
    /// Whether to ask about a second component of the same name.
    same_name: bool,
}

impl ComponentEditor {
    fn new(id: Option<ComponentId>) -> Self {
        Self { id, same_name: false }
    }
}

impl Editor for ComponentEditor {
    type Form = ComponentForm;
    type Theirs = ComponentForm;

    async fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        form: ComponentForm,
        problem: Problem<ComponentForm>,
    ) -> Result<String> {
        let groups = components::list_groups(tx).await?;
        let Problem { invalid, conflict } = problem;
        let (id, same_name) = (self.id.clone(), self.same_name);
        Ok(ComponentEdit { shell, id, form, invalid, groups, conflict, same_name }.html())
    }
}
