use axum::extract::{Path, State as FromState};
use axum::response::Response;

use crate::actions;
use crate::db::{self, Tx, templates};
use crate::domain::forms::{Fields, TemplateForm};
use crate::domain::template::{PlaceholderValues, TemplatePhase};
use crate::domain::{Component, Incident, Maintenance, MaintenancePhase, Phase, Template, TemplateId};
use crate::format::time;
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{TemplateDeletion, TemplateEdit, TemplateList};
use crate::web::access::manager::{CanPublish, CanRead, Fresh, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::{admin_context, component_board};
use crate::web::page::page_response;
use crate::web::{Error, Result};

const LIST: &str = "/admin/templates";

/// `GET /admin/templates`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let templates = templates::list(&mut tx).await?;
    Ok(page_response(TemplateList { shell, templates }.html()))
}

/// `GET /admin/templates/new`
pub async fn new(manager: Manager<CanPublish>, FromState(state): FromState<State>) -> Result<Response> {
    let form = TemplateForm { phase: Phase::Investigating.key().to_owned(), notify: true, ..TemplateForm::default() };
    let mut tx = state.db.read().await?;
    show(&state, &mut tx, &manager, &TemplateEditor { id: None }, form).await
}

/// `POST /admin/templates`
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let (form, editor) = (TemplateForm::read(&edit.fields), TemplateEditor { id: None });
    let new = edit.check(&editor, form.clone(), form.parse()).await?;
    let added = actions::templates::add(&mut edit.tx, new, edit.now).await;
    let (_, entry) = edit.check_limit(&editor, form, added, "name").await?;
    edit.save_private(entry, LIST, "template-added").await
}

/// `GET /admin/templates/{id}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let template = find_template(&mut tx, &id).await?;
    let form = TemplateForm::from_template(&template);
    show(&state, &mut tx, &manager, &TemplateEditor { id: Some(template.id) }, form).await
}

/// `POST /admin/templates/{id}`
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_template(&mut edit.tx, &id).await?;
    let (form, editor) = (TemplateForm::read(&edit.fields), TemplateEditor { id: Some(before.id.clone()) });
    let saved = Saved { audit_id: &id, version: before.version, theirs: TemplateForm::from_template(&before) };
    let form = edit.check_version(&editor, form, saved).await?;
    let new = edit.check(&editor, form.clone(), form.parse()).await?;
    let mut after = Template {
        name: new.name,
        title: new.title,
        body: new.body,
        phase: new.phase,
        components: new.components,
        notify: new.notify,
        ..before.clone()
    };
    let entry = match after == before {
        true => None,
        false => Some(actions::templates::edit(&mut edit.tx, &before, &mut after, edit.now).await?),
    };
    edit.save_private(entry, LIST, "template-saved").await
}

/// `GET /admin/templates/{id}/deletion`
pub async fn confirm_delete(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let template = find_template(&mut tx, &id).await?;
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page_response(TemplateDeletion { shell, template }.html()))
}

/// `POST /admin/templates/{id}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanPublish>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let template = find_template(&mut edit.tx, &id).await?;
    let entry = actions::templates::delete(&mut edit.tx, &template).await?;
    edit.save_private(entry, LIST, "template-deleted").await
}

async fn find_template(tx: &mut Tx, id: &str) -> Result<Template> {
    let id = TemplateId::parse(id).ok_or(Error::NotFound)?;
    Ok(templates::find(tx, &id).await?)
}

/// The template that the query names.
pub(super) async fn requested_template(tx: &mut Tx, query: &Fields) -> Result<Option<Template>> {
    match query.text("template").as_str() {
        "" => Ok(None),
        id => Ok(Some(find_template(tx, id).await?)),
    }
}

/// The templates of maintenances in one of these phases, sorted by name.
pub(super) async fn maintenance_templates(tx: &mut Tx, phases: &[MaintenancePhase]) -> Result<Vec<Template>> {
    let is_offered = |template: &Template| match template.phase {
        TemplatePhase::Incident(_) => false,
        TemplatePhase::Maintenance(phase) => phases.contains(&phase),
    };
    Ok(templates::list(tx).await?.into_iter().filter(is_offered).collect())
}

/// The incident or maintenance that an update made from a template belongs to.
pub(super) struct TemplateSubject {
    title: String,
    components: Vec<String>,
}

impl From<&Incident> for TemplateSubject {
    fn from(incident: &Incident) -> Self {
        let components = incident.affected_components().into_iter().map(|(_, name)| name.to_owned()).collect();
        Self { title: incident.title.clone(), components }
    }
}

impl From<&Maintenance> for TemplateSubject {
    fn from(it: &Maintenance) -> Self {
        let components = it.components.iter().map(|component| component.name.clone()).collect();
        Self { title: it.title.clone(), components }
    }
}

/// Values of the template's placeholders, for something new or for an update of `subject`.
pub(super) async fn placeholder_values(
    tx: &mut Tx,
    template: &Template,
    subject: Option<TemplateSubject>,
    now: chrono::DateTime<chrono::Utc>,
) -> db::Result<PlaceholderValues> {
    let page = db::page_settings::load(tx).await?;
    let named = |component: &&Component| template.components.iter().any(|(id, _)| *id == component.id);
    let names = db::components::list(tx).await?.iter().filter(named).map(|component| component.name.clone()).collect();
    let (title, of_subject) = subject.map(|subject| (subject.title, subject.components)).unzip();
    let names = Some(names).filter(|names: &Vec<String>| !names.is_empty()).or(of_subject).unwrap_or_default();
    Ok(PlaceholderValues {
        components: names,
        title,
        phase: template.phase,
        date: time::format_day(now, page.time_zone),
        time: time::format_clock_with_zone(now, page.time_zone),
        page: page.name,
    })
}

struct TemplateEditor {
    id: Option<TemplateId>,
}

impl Editor for TemplateEditor {
    type Form = TemplateForm;
    type Theirs = TemplateForm;

    async fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        form: TemplateForm,
        problem: Problem<TemplateForm>,
    ) -> Result<String> {
        let board = component_board(tx).await?;
        let Problem { invalid, conflict } = problem;
        Ok(TemplateEdit { shell, id: self.id.clone(), form, invalid, board, conflict }.html())
    }
}
