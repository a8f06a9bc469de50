use axum::extract::{Path, State as FromState};
use axum::response::Response;

use crate::actions;
use crate::db::{self, Tx, templates};
use crate::domain::forms::{Fields, TemplateForm};
use crate::domain::template::Meanings;
use crate::domain::{Component, Incident, Invalid, Phase, Template, TemplateId};
use crate::format::time;
use crate::state::State;
use crate::ui::pages::admin::{Conflict, TemplateDeletion, TemplateEdit, TemplateList};
use crate::web::access::manager::{CanPublish, CanRead, Fresh, Manager};
use crate::web::form::{Form, Search};
use crate::web::page::flash::done;
use crate::web::page::layout::{board, conflict_with, shell};
use crate::web::page::{conflict, invalid, page, room_for};
use crate::web::{Error, Result};

/// `GET /admin/templates`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    let templates = templates::list(&mut tx).await?;
    Ok(page(TemplateList { shell, templates }.html()))
}

/// `GET /admin/templates/new`
pub async fn new(manager: Manager<CanPublish>, FromState(state): FromState<State>) -> Result<Response> {
    let form = TemplateForm { phase: Phase::Investigating.key().to_owned(), ..TemplateForm::default() };
    let mut tx = state.db.read().await?;
    Ok(page(editor(&state, &mut tx, &manager, None, form, Invalid::new(), None).await?))
}

/// `POST /admin/templates`
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let form = TemplateForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let new = match form.parse() {
        Ok(new) => new,
        Err(wrong) => return Ok(invalid(editor(&state, &mut tx, &manager, None, form, wrong, None).await?)),
    };
    let entry = match room_for(actions::templates::add(&mut tx, new, now).await, "name")? {
        Ok((_, entry)) => entry,
        Err(full) => return Ok(invalid(editor(&state, &mut tx, &manager, None, form, full, None).await?)),
    };
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done("/admin/templates", "template-added"))
}

/// `GET /admin/templates/{id}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let template = find(&mut tx, &id).await?;
    let form = TemplateForm::of(&template);
    Ok(page(editor(&state, &mut tx, &manager, Some(template.id), form, Invalid::new(), None).await?))
}

/// `POST /admin/templates/{id}`
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = TemplateForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    if form.version != before.version {
        let met = Some(conflict_with(&mut tx, &id, TemplateForm::of(&before)).await?);
        form.version = before.version;
        return Ok(conflict(editor(&state, &mut tx, &manager, Some(before.id), form, Invalid::new(), met).await?));
    }
    let new = match form.parse() {
        Ok(new) => new,
        Err(wrong) => return Ok(invalid(editor(&state, &mut tx, &manager, Some(before.id), form, wrong, None).await?)),
    };
    let mut template = Template {
        name: new.name,
        title: new.title,
        body: new.body,
        phase: new.phase,
        components: new.components,
        ..before.clone()
    };
    if template == before {
        return Ok(done("/admin/templates", "template-saved"));
    }
    let entry = actions::templates::edit(&mut tx, &before, &mut template, now).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done("/admin/templates", "template-saved"))
}

/// `GET /admin/templates/{id}/deletion`
pub async fn doom(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let template = find(&mut tx, &id).await?;
    let shell = shell(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page(TemplateDeletion { shell, template }.html()))
}

/// `POST /admin/templates/{id}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanPublish>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let template = find(&mut tx, &id).await?;
    let entry = actions::templates::delete(&mut tx, &template).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    state.publish().await;
    Ok(done("/admin/templates", "template-deleted"))
}

async fn find(tx: &mut Tx, id: &str) -> Result<Template> {
    let id = TemplateId::parse(id).ok_or(Error::NotFound)?;
    Ok(templates::find(tx, &id).await?)
}

/// The template that the query of an address asks for.
pub(super) async fn asked_for(tx: &mut Tx, query: &Fields) -> Result<Option<Template>> {
    match query.text("template").as_str() {
        "" => Ok(None),
        id => Ok(Some(find(tx, id).await?)),
    }
}

/// What the placeholders of `template` mean now, for a new incident or for an update of `incident`.
pub(super) async fn meanings(
    tx: &mut Tx,
    template: &Template,
    incident: Option<&Incident>,
    now: chrono::DateTime<chrono::Utc>,
) -> db::Result<Meanings> {
    let page = db::page_settings::load(tx).await?;
    let named = |component: &&Component| template.components.iter().any(|(id, _)| *id == component.id);
    let mut names: Vec<String> =
        db::components::list(tx).await?.iter().filter(named).map(|component| component.name.clone()).collect();
    if let Some(incident) = incident.filter(|_| names.is_empty()) {
        names = incident.affected().into_iter().map(|(_, name)| name.to_owned()).collect();
    }
    Ok(Meanings {
        components: names,
        title: incident.map(|incident| incident.title.clone()),
        phase: template.phase,
        date: time::day(now, page.time_zone),
        time: time::clock_with_zone(now, page.time_zone),
        page: page.name,
    })
}

async fn editor(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    id: Option<TemplateId>,
    form: TemplateForm,
    invalid: Invalid,
    conflict: Option<Conflict<TemplateForm>>,
) -> Result<String> {
    let shell = shell(state, tx, manager, &Fields::default()).await?;
    let board = board(tx).await?;
    Ok(TemplateEdit { shell, id, form, invalid, board, conflict }.html())
}
