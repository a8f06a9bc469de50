use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::change::Change;
use super::objects::ComponentView;
use super::page_context::{ApiContext, ClientFields, list_window, take_window};
use super::params::Params;
use super::request_body::{Date, Field, Flag, Line, Place, StatusOrBlankKey, Text, request_body};
use crate::actions;
use crate::db::{self, Tx, WriteTx, api_metadata, components};
use crate::domain::audit::Entry;
use crate::domain::forms::ComponentForm;
use crate::domain::{Component, ComponentId, Role, Status};
use crate::state::State;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanAdminister, CanPublish, CanRead};
use crate::web::form::QueryFields;
use crate::web::{Error, Result};

request_body! {
    /// A component in a request.
    COMPONENT: ComponentChange = Place::Object("component") => {
        name: Line,
        description: Option<Text>,
        status: StatusOrBlankKey,
        only_show_if_degraded: Option<Flag>,
        group_id: Option<Text>,
        showcase: Option<Flag>,
        start_date: Option<Date>,
    }
}

const FIELD_NAMES: [(&str, &str); 1] = [("group", "group_id")];
const SCOPE_TOO_SMALL: &str = "This token may only set the status of a component; other fields need the scope admin.";

/// `GET /v1/pages/{page}/components`
pub async fn index(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let listed: Vec<&Component> =
        take_window(context.components.iter().collect(), list_window(&query, "per_page", 100));
    let (scene, fields) = (context.page_context(), &context.component_fields);
    let views = listed.into_iter().map(|component| ComponentView::new(&scene, component, fields));
    Ok(Json(views.collect::<Vec<_>>()).into_response())
}

/// `POST /v1/pages/{page}/components`
pub async fn create(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let mut given = Params::from_declared::<ComponentChange>(&change.body)?;
    let mut form = ComponentForm { status: Status::Operational.key().to_owned(), ..ComponentForm::default() };
    fill_form(&mut form, &mut given);
    let said = merge_client_fields(ClientFields::new(), &mut given);
    let new = given.finish(form.parse(), &FIELD_NAMES)?;
    let added = actions::components::add(&mut change.tx, new, change.now).await;
    let (component, entry) = added.map_err(unknown_group)?;
    api_metadata::replace(&mut change.tx, component.id.as_str(), &said).await?;
    commit_component(change, StatusCode::CREATED, &component, &[entry]).await
}

/// `GET /v1/pages/{page}/components/{component}`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, component)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let component = find_component(&mut tx, &component).await?;
    Ok(Json(ComponentView::new(&context.page_context(), &component, &context.component_fields)).into_response())
}

/// `PATCH` and `PUT /v1/pages/{page}/components/{component}`: publishers may change only the status, owners every
/// field.
pub async fn update(
    Path((page, component)): Path<(String, String)>,
    mut change: Change<CanPublish>,
) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let before = find_component(&mut change.tx, &component).await?;
    let mut given = Params::from_declared::<ComponentChange>(&change.body)?;
    let mut form = ComponentForm::from_component(&before);
    fill_form(&mut form, &mut given);
    let said_before = api_metadata::load(&mut change.tx, before.id.as_str()).await?;
    let said = merge_client_fields(said_before.clone(), &mut given);
    let mut after = given.finish(form.parse(), &FIELD_NAMES)?.apply(&before);
    let status_alone = Component { status: before.status, ..after.clone() } == before && said == said_before;
    if !status_alone && !change.program.is_at_least(Role::Owner) {
        return Err(Error::TokenForbidden(SCOPE_TOO_SMALL));
    }
    let entries = update_component(&mut change.tx, &before, &mut after, (&said_before, &said), change.now).await?;
    commit_component(change, StatusCode::OK, &after, &entries).await
}

/// Saves the changes and returns the audit entry, if anything changed.
async fn update_component(
    tx: &mut WriteTx,
    before: &Component,
    after: &mut Component,
    (said_before, said): (&ClientFields, &ClientFields),
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<Entry>> {
    if after == before && said == said_before {
        return Ok(Vec::new());
    }
    let status_alone = Component { status: before.status, ..after.clone() } == *before && said == said_before;
    let saved = if status_alone {
        actions::components::set_status(tx, before, after, now).await
    } else {
        actions::components::edit(tx, before, after, now).await
    };
    let entry = saved.map_err(unknown_group)?;
    api_metadata::replace(tx, after.id.as_str(), said).await?;
    Ok(vec![entry])
}

/// `DELETE /v1/pages/{page}/components/{component}`
pub async fn destroy(
    Path((page, component)): Path<(String, String)>,
    mut change: Change<CanAdminister>,
) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let component = find_component(&mut change.tx, &component).await?;
    let entry = actions::components::delete(&mut change.tx, &component).await?;
    change.commit_without_body(&[entry]).await
}

fn fill_form(form: &mut ComponentForm, given: &mut Params) {
    given.replace_text(COMPONENT.name, &mut form.name);
    given.replace_text(COMPONENT.description, &mut form.description);
    given.replace_text(COMPONENT.group_id, &mut form.group);
    given.replace_text(COMPONENT.start_date, &mut form.start_date);
    // Clients that can't send null send the string.
    if form.group == "null" {
        form.group.clear();
    }
    if let Some(status) = given.nonempty_text(COMPONENT.status) {
        form.status = status;
    }
    if let Some(flag) = given.flag(COMPONENT.only_show_if_degraded) {
        form.only_show_if_degraded = flag;
    }
}

/// Fields that the API returns exactly as the client sent them.
fn merge_client_fields(before: ClientFields, given: &mut Params) -> ClientFields {
    let mut before = merge_description(before, given, COMPONENT.description);
    match given.flag(COMPONENT.showcase) {
        Some(true) => drop(before.remove("showcase")),
        Some(false) => drop(before.insert("showcase".into(), Value::Bool(false))),
        None => {}
    }
    before
}

/// Keeps an empty description apart from a missing one.
pub(super) fn merge_description(mut before: ClientFields, given: &Params, field: Field<Option<Text>>) -> ClientFields {
    if let Some(description) = given.value(field) {
        before.remove("description");
        if description.as_str() == Some("") {
            before.insert("description".into(), description.clone());
        }
    }
    before
}

async fn commit_component<P>(
    mut change: Change<P>,
    status: StatusCode,
    component: &Component,
    entries: &[Entry],
) -> Result<Response> {
    let context = ApiContext::load(&mut change.tx, &change.state).await?;
    let response = ComponentView::new(&context.page_context(), component, &context.component_fields);
    change.commit(status, &response, entries).await
}

fn unknown_group(error: db::Error) -> Error {
    match error {
        db::Error::NotFound => Error::Unprocessable(vec![("/component/group_id".into(), "Unknown group.".into())]),
        error => error.into(),
    }
}

pub(super) async fn find_component(tx: &mut Tx, id: &str) -> Result<Component> {
    let id = ComponentId::parse(id).ok_or(Error::NotFound)?;
    Ok(components::find(tx, &id).await?)
}
