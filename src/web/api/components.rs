use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::change::Change;
use super::objects::ComponentView;
use super::page_context::{Echoes, Standing, echoes_of, part, window};
use super::params::Given;
use crate::actions;
use crate::db::{self, Tx, WriteTx, api_metadata, components};
use crate::domain::audit::Entry;
use crate::domain::forms::ComponentForm;
use crate::domain::{Component, ComponentId, Role, Status};
use crate::state::State;
use crate::web::access::manager::{CanAdminister, CanPublish, CanRead, Token};
use crate::web::form::Search;
use crate::web::{Error, Result};

const NAMES: [(&str, &str); 1] = [("group", "group_id")];
const TOO_SMALL: &str = "This token may set the status of a component; everything else of it needs the scope admin.";

/// `GET /v1/pages/{page}/components`
pub async fn index(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let standing = Standing::of(&mut tx, &page, &state).await?;
    let listed: Vec<&Component> = part(standing.components.iter().collect(), window(&query, "per_page", 100));
    let said = echoes_of(&mut tx, listed.iter().map(|component| component.id.as_str())).await?;
    let scene = standing.scene();
    let views = listed.into_iter().zip(&said).map(|(component, said)| ComponentView::of(&scene, component, said));
    Ok(Json(views.collect::<Vec<_>>()).into_response())
}

/// `POST /v1/pages/{page}/components`
pub async fn create(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    Standing::of(&mut change.tx, &page, &change.state).await?;
    let mut given = Given::inside(&change.body, "component")?;
    let mut form = ComponentForm { status: Status::Operational.key().to_owned(), ..ComponentForm::default() };
    fill(&mut form, &mut given);
    let said = said(Echoes::new(), &mut given);
    let new = given.judge(form.parse(), &NAMES)?;
    let added = actions::components::add(&mut change.tx, new, change.now).await;
    let (component, entry) = added.map_err(no_such_group)?;
    api_metadata::keep(&mut change.tx, component.id.as_str(), &said).await?;
    answer(change, StatusCode::CREATED, &component, &said, &[entry]).await
}

/// `GET /v1/pages/{page}/components/{component}`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, component)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let standing = Standing::of(&mut tx, &page, &state).await?;
    let component = find(&mut tx, &component).await?;
    let said = api_metadata::of(&mut tx, component.id.as_str()).await?;
    Ok(Json(ComponentView::of(&standing.scene(), &component, &said)).into_response())
}

/// `PATCH` and `PUT /v1/pages/{page}/components/{component}`: the status alone is for publishers, the rest for owners.
pub async fn update(
    Path((page, component)): Path<(String, String)>,
    mut change: Change<CanPublish>,
) -> Result<Response> {
    Standing::of(&mut change.tx, &page, &change.state).await?;
    let before = find(&mut change.tx, &component).await?;
    let mut given = Given::inside(&change.body, "component")?;
    let mut form = ComponentForm::of(&before);
    fill(&mut form, &mut given);
    let said_before = api_metadata::of(&mut change.tx, before.id.as_str()).await?;
    let said = said(said_before.clone(), &mut given);
    let mut after = given.judge(form.parse(), &NAMES)?.apply(&before);
    let status_alone = Component { status: before.status, ..after.clone() } == before && said == said_before;
    if !status_alone && !change.program.is_at_least(Role::Owner) {
        return Err(Error::TokenForbidden(TOO_SMALL));
    }
    let entries = keep(&mut change.tx, &before, &mut after, (&said_before, &said), change.now).await?;
    answer(change, StatusCode::OK, &after, &said, &entries).await
}

/// Writes what changed; gives the entry for the audit, where something did.
async fn keep(
    tx: &mut WriteTx,
    before: &Component,
    after: &mut Component,
    (said_before, said): (&Echoes, &Echoes),
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
    let entry = saved.map_err(no_such_group)?;
    api_metadata::keep(tx, after.id.as_str(), said).await?;
    Ok(vec![entry])
}

/// `DELETE /v1/pages/{page}/components/{component}`
pub async fn destroy(
    Path((page, component)): Path<(String, String)>,
    mut change: Change<CanAdminister>,
) -> Result<Response> {
    Standing::of(&mut change.tx, &page, &change.state).await?;
    let component = find(&mut change.tx, &component).await?;
    let entry = actions::components::delete(&mut change.tx, &component).await?;
    change.keep_silently(&[entry]).await
}

/// Takes over what was sent.
fn fill(form: &mut ComponentForm, given: &mut Given) {
    let fields = [
        ("name", &mut form.name),
        ("description", &mut form.description),
        ("group_id", &mut form.group),
        ("start_date", &mut form.start_date),
    ];
    for (name, field) in fields {
        if let Some(text) = given.text(name) {
            *field = text;
        }
    }
    // Clients that know no null send the word.
    if form.group == "null" {
        form.group.clear();
    }
    if let Some(status) = given.filled("status") {
        form.status = status;
    }
    if let Some(flag) = given.flag("only_show_if_degraded") {
        form.only_show_if_degraded = flag;
    }
}

/// What the program wants to read again exactly.
pub(super) fn said(mut before: Echoes, given: &mut Given) -> Echoes {
    if let Some(description) = given.value("description") {
        before.remove("description");
        if description.as_str() == Some("") {
            before.insert("description".into(), description.clone());
        }
    }
    match given.flag("showcase") {
        Some(true) => drop(before.remove("showcase")),
        Some(false) => drop(before.insert("showcase".into(), Value::Bool(false))),
        None => {}
    }
    before
}

async fn answer<P>(
    mut change: Change<P>,
    status: StatusCode,
    component: &Component,
    said: &Echoes,
    entries: &[Entry],
) -> Result<Response> {
    let standing = Standing::load(&mut change.tx, &change.state).await?;
    let told = ComponentView::of(&standing.scene(), component, said);
    change.keep(status, &told, entries).await
}

fn no_such_group(error: db::Error) -> Error {
    match error {
        db::Error::NotFound => {
            Error::Unprocessable(vec![("/component/group_id".into(), "There is no such group.".into())])
        }
        error => error.into(),
    }
}

/// The component of an address.
pub(super) async fn find(tx: &mut Tx, id: &str) -> Result<Component> {
    let id = ComponentId::parse(id).ok_or(Error::NotFound)?;
    Ok(components::find(tx, &id).await?)
}
