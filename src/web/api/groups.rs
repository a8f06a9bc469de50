use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::change::Change;
use super::components::merge_description;
use super::objects::GroupView;
use super::page_context::{ApiContext, ClientFields, list_window, load_client_fields, take_window};
use super::params::Params;
use super::request_body::{Line, NonEmptyIds, Place, Text, request_body};
use crate::actions;
use crate::db::{Tx, api_metadata, components};
use crate::domain::audit::Entry;
use crate::domain::forms::GroupForm;
use crate::domain::{Component, Group, GroupId};
use crate::state::State;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanAdminister, CanRead};
use crate::web::form::QueryFields;
use crate::web::{Error, Result};

request_body! {
    /// A group in a request.
    GROUP: GroupChange = Place::Object("component_group") => {
        name: Line,
        components: NonEmptyIds,
    }
    beside {
        description: Option<Text>,
    }
}

const NO_MEMBERS: &str = "A group needs at least one component.";

/// `GET /v1/pages/{page}/component-groups`
pub async fn index(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let listed: Vec<&Group> = take_window(context.groups.iter().collect(), list_window(&query, "per_page", 100));
    let said = load_client_fields(&mut tx, listed.iter().map(|group| group.id.as_str())).await?;
    let scene = context.page_context();
    let views = listed.into_iter().zip(&said).map(|(group, said)| GroupView::new(&scene, group, said));
    Ok(Json(views.collect::<Vec<_>>()).into_response())
}

/// `POST /v1/pages/{page}/component-groups`
pub async fn create(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let GroupInput { form, members, said, given } =
        GroupInput::read(&change, &context, GroupForm::default(), ClientFields::new())?;
    let new = given.finish(form.parse(), &[])?;
    let Some(members) = members else {
        return Err(Error::Unprocessable(vec![("/component_group/components".into(), NO_MEMBERS.into())]));
    };
    let (group, added) = actions::groups::add(&mut change.tx, new, change.now).await?;
    let mut entries = vec![added];
    api_metadata::replace(&mut change.tx, group.id.as_str(), &said).await?;
    entries
        .extend(actions::groups::set_members(&mut change.tx, &group, &context.components, &members, change.now).await?);
    commit_group(change, StatusCode::CREATED, &group, &said, &entries).await
}

/// `GET /v1/pages/{page}/component-groups/{group}`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path((page, group)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let group = find_group(&mut tx, &group).await?;
    let said = api_metadata::load(&mut tx, group.id.as_str()).await?;
    Ok(Json(GroupView::new(&context.page_context(), &group, &said)).into_response())
}

/// `PATCH` and `PUT /v1/pages/{page}/component-groups/{group}`: `components`, if sent, replaces the members, in this
/// order.
pub async fn update(
    Path((page, group)): Path<(String, String)>,
    mut change: Change<CanAdminister>,
) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let before = find_group(&mut change.tx, &group).await?;
    let said_before = api_metadata::load(&mut change.tx, before.id.as_str()).await?;
    let sent = GroupInput::read(&change, &context, GroupForm::from_group(&before), said_before.clone())?;
    let GroupInput { form, members, said, given } = sent;
    let new = given.finish(form.parse(), &[])?;
    let mut after = Group { name: new.name, description: new.description, ..before.clone() };
    let mut entries = Vec::new();
    if after != before || said != said_before {
        entries.push(actions::groups::edit(&mut change.tx, &before, &mut after, change.now).await?);
        api_metadata::replace(&mut change.tx, after.id.as_str(), &said).await?;
    }
    if let Some(members) = members {
        entries.extend(
            actions::groups::set_members(&mut change.tx, &after, &context.components, &members, change.now).await?,
        );
    }
    commit_group(change, StatusCode::OK, &after, &said, &entries).await
}

/// `DELETE /v1/pages/{page}/component-groups/{group}`: its components stay, without a group.
pub async fn destroy(
    Path((page, group)): Path<(String, String)>,
    mut change: Change<CanAdminister>,
) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let group = find_group(&mut change.tx, &group).await?;
    let said = api_metadata::load(&mut change.tx, group.id.as_str()).await?;
    let response = GroupView::new(&context.page_context(), &group, &said);
    let entry = actions::groups::delete(&mut change.tx, &group).await?;
    change.commit(StatusCode::OK, &response, &[entry]).await
}

struct GroupInput {
    form: GroupForm,
    /// The new members, each once; `None` if none were sent.
    members: Option<Vec<Component>>,
    said: ClientFields,
    given: Params,
}

impl GroupInput {
    /// Applies the body to the current values. The description is beside the group object or in it.
    fn read<P>(change: &Change<P>, context: &ApiContext, mut form: GroupForm, before: ClientFields) -> Result<Self> {
        let own = [GROUP.name.name, GROUP.components.name];
        let mut given = Params::from_object_or_body(&change.body, "component_group", &own)?;
        let mut beside = Params::from_body(&change.body);
        given.replace_text(GROUP.name, &mut form.name);
        let place = if beside.has(GROUP.description) { &mut beside } else { &mut given };
        place.replace_text(GROUP.description, &mut form.description);
        let said = merge_description(before, place, GROUP.description);
        let members = given.list(GROUP.components).and_then(|ids| members(&ids, context, &mut given));
        Ok(Self { form, members, said, given })
    }
}

fn members(ids: &[String], context: &ApiContext, given: &mut Params) -> Option<Vec<Component>> {
    if ids.is_empty() {
        given.add_error("components", NO_MEMBERS);
    }
    let mut members: Vec<Component> = Vec::new();
    for id in ids {
        match context.components.iter().find(|component| component.id.as_str() == id) {
            Some(_) if members.iter().any(|member| member.id.as_str() == id) => {}
            Some(component) => members.push(component.clone()),
            None => given.add_error("components", format!("Unknown component {id}.")),
        }
    }
    Some(members).filter(|members| !members.is_empty())
}

async fn commit_group<P>(
    mut change: Change<P>,
    status: StatusCode,
    group: &Group,
    said: &ClientFields,
    entries: &[Entry],
) -> Result<Response> {
    let context = ApiContext::load(&mut change.tx, &change.state).await?;
    // Its members may have made room on the page.
    let settled = context.groups.iter().find(|other| other.id == group.id).unwrap_or(group);
    let response = GroupView::new(&context.page_context(), settled, said);
    change.commit(status, &response, entries).await
}

pub(super) async fn find_group(tx: &mut Tx, id: &str) -> Result<Group> {
    let id = GroupId::parse(id).ok_or(Error::NotFound)?;
    Ok(components::find_group(tx, &id).await?)
}
