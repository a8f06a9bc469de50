use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::change::Change;
use super::components::said;
use super::objects::GroupView;
use super::page_context::{Echoes, Standing, echoes_of, part, window};
use super::params::Given;
use crate::actions;
use crate::db::{Tx, api_metadata, components};
use crate::domain::audit::Entry;
use crate::domain::forms::GroupForm;
use crate::domain::{Component, Group, GroupId};
use crate::state::State;
use crate::web::access::manager::{CanAdminister, CanRead, Token};
use crate::web::form::Search;
use crate::web::{Error, Result};

const EMPTY: &str = "Name the components of the group; there must be at least one.";

/// `GET /v1/pages/{page}/component-groups`
pub async fn index(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let standing = Standing::of(&mut tx, &page, &state).await?;
    let listed: Vec<&Group> = part(standing.groups.iter().collect(), window(&query, "per_page", 100));
    let said = echoes_of(&mut tx, listed.iter().map(|group| group.id.as_str())).await?;
    let scene = standing.scene();
    let views = listed.into_iter().zip(&said).map(|(group, said)| GroupView::of(&scene, group, said));
    Ok(Json(views.collect::<Vec<_>>()).into_response())
}

/// `POST /v1/pages/{page}/component-groups`
pub async fn create(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    let standing = Standing::of(&mut change.tx, &page, &change.state).await?;
    let Sent { form, members, said, given } = Sent::read(&change, &standing, GroupForm::default(), Echoes::new())?;
    let new = given.judge(form.parse(), &[])?;
    let Some(members) = members else {
        return Err(Error::Unprocessable(vec![("/component_group/components".into(), EMPTY.into())]));
    };
    let (group, added) = actions::groups::add(&mut change.tx, new, change.now).await?;
    let mut entries = vec![added];
    api_metadata::keep(&mut change.tx, group.id.as_str(), &said).await?;
    entries.extend(
        actions::groups::set_members(&mut change.tx, &group, &standing.components, &members, change.now).await?,
    );
    answer(change, StatusCode::CREATED, &group, &said, &entries).await
}

/// `GET /v1/pages/{page}/component-groups/{group}`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, group)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let standing = Standing::of(&mut tx, &page, &state).await?;
    let group = find(&mut tx, &group).await?;
    let said = api_metadata::of(&mut tx, group.id.as_str()).await?;
    Ok(Json(GroupView::of(&standing.scene(), &group, &said)).into_response())
}

/// `PATCH` and `PUT /v1/pages/{page}/component-groups/{group}`: where components are named, they become its members,
/// in this order, and others leave.
pub async fn update(
    Path((page, group)): Path<(String, String)>,
    mut change: Change<CanAdminister>,
) -> Result<Response> {
    let standing = Standing::of(&mut change.tx, &page, &change.state).await?;
    let before = find(&mut change.tx, &group).await?;
    let said_before = api_metadata::of(&mut change.tx, before.id.as_str()).await?;
    let sent = Sent::read(&change, &standing, GroupForm::of(&before), said_before.clone())?;
    let Sent { form, members, said, given } = sent;
    let new = given.judge(form.parse(), &[])?;
    let mut after = Group { name: new.name, description: new.description, ..before.clone() };
    let mut entries = Vec::new();
    if after != before || said != said_before {
        entries.push(actions::groups::edit(&mut change.tx, &before, &mut after, change.now).await?);
        api_metadata::keep(&mut change.tx, after.id.as_str(), &said).await?;
    }
    if let Some(members) = members {
        entries.extend(
            actions::groups::set_members(&mut change.tx, &after, &standing.components, &members, change.now).await?,
        );
    }
    answer(change, StatusCode::OK, &after, &said, &entries).await
}

/// `DELETE /v1/pages/{page}/component-groups/{group}`: its components stay, without a group.
pub async fn destroy(
    Path((page, group)): Path<(String, String)>,
    mut change: Change<CanAdminister>,
) -> Result<Response> {
    let standing = Standing::of(&mut change.tx, &page, &change.state).await?;
    let group = find(&mut change.tx, &group).await?;
    let said = api_metadata::of(&mut change.tx, group.id.as_str()).await?;
    let told = GroupView::of(&standing.scene(), &group, &said);
    let entry = actions::groups::delete(&mut change.tx, &group).await?;
    change.keep(StatusCode::OK, &told, &[entry]).await
}

/// What was sent of a group.
struct Sent {
    form: GroupForm,
    /// The components it is to have, each once; nothing where they were not named.
    members: Option<Vec<Component>>,
    said: Echoes,
    given: Given,
}

impl Sent {
    /// Reads it over what stands. The description is beside the group, or in it.
    fn read<P>(change: &Change<P>, standing: &Standing, mut form: GroupForm, before: Echoes) -> Result<Self> {
        let mut given = Given::inside(&change.body, "component_group")?;
        let mut beside = Given::whole(&change.body);
        if let Some(name) = given.text("name") {
            form.name = name;
        }
        let place = if beside.has("description") { &mut beside } else { &mut given };
        if let Some(description) = place.text("description") {
            form.description = description;
        }
        let mut said = said(before, place);
        said.remove("showcase");
        let members = given.list("components").and_then(|ids| members(&ids, standing, &mut given));
        Ok(Self { form, members, said, given })
    }
}

fn members(ids: &[String], standing: &Standing, given: &mut Given) -> Option<Vec<Component>> {
    if ids.is_empty() {
        given.wrong("components", EMPTY);
    }
    let mut members: Vec<Component> = Vec::new();
    for id in ids {
        match standing.components.iter().find(|component| component.id.as_str() == id) {
            Some(_) if members.iter().any(|member| member.id.as_str() == id) => {}
            Some(component) => members.push(component.clone()),
            None => given.wrong("components", format!("There is no component {id}.")),
        }
    }
    Some(members).filter(|members| !members.is_empty())
}

async fn answer<P>(
    mut change: Change<P>,
    status: StatusCode,
    group: &Group,
    said: &Echoes,
    entries: &[Entry],
) -> Result<Response> {
    let standing = Standing::load(&mut change.tx, &change.state).await?;
    let told = GroupView::of(&standing.scene(), group, said);
    change.keep(status, &told, entries).await
}

/// The group of an address.
pub(super) async fn find(tx: &mut Tx, id: &str) -> Result<Group> {
    let id = GroupId::parse(id).ok_or(Error::NotFound)?;
    Ok(components::find_group(tx, &id).await?)
}
