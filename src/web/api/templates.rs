use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::change::Change;
use super::incidents::{ComponentFields, read_components};
use super::objects::{EventFields, TemplateView};
use super::page_context::{ApiContext, ClientFields, list_window, load_client_fields, take_window};
use super::params::Params;
use super::request_body::{ComponentStatuses, Flag, Ids, Line, PhaseKey, Place, Text, request_body};
use crate::actions;
use crate::db::{api_metadata, templates};
use crate::domain::forms::TemplateForm;
use crate::domain::incident::MAX_TITLE;
use crate::domain::update::MAX_BODY;
use crate::domain::{Phase, Template};
use crate::state::State;
use crate::web::Result;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanPublish, CanRead};
use crate::web::form::QueryFields;

request_body! {
    /// A template in a request.
    TEMPLATE: TemplateChange = Place::Object("template") => {
        name: Line,
        title: Text<MAX_TITLE>,
        body: Text<MAX_BODY>,
        group_id: Option<Text>,
        update_status: PhaseKey,
        should_tweet: Option<Flag>,
        should_send_notifications: Option<Flag>,
        component_ids: Option<Ids>,
    }
    undocumented {
        components: Option<ComponentStatuses>,
    }
}

const COMPONENT_FIELDS: ComponentFields<Option<Ids>> =
    ComponentFields { statuses: TEMPLATE.components, ids: TEMPLATE.component_ids };
const FIELD_NAMES: [(&str, &str); 1] = [("phase", "update_status")];

/// `GET /v1/pages/{page}/incident_templates`
pub async fn index(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let listed: Vec<Template> = take_window(templates::list(&mut tx).await?, list_window(&query, "per_page", 100));
    let said = load_client_fields(&mut tx, listed.iter().map(|template| template.id.as_str())).await?;
    let scene = context.page_context();
    let fields = |event| EventFields { event, components: &context.component_fields };
    let views = listed.iter().zip(&said).map(|(template, said)| TemplateView::new(&scene, template, fields(said)));
    Ok(Json(views.collect::<Vec<_>>()).into_response())
}

/// `POST /v1/pages/{page}/incident_templates`
pub async fn create(Path(page): Path<String>, mut change: Change<CanPublish>) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let mut given = Params::from_declared::<TemplateChange>(&change.body)?;
    let form = TemplateForm {
        name: given.text(TEMPLATE.name).unwrap_or_default(),
        title: given.text(TEMPLATE.title).unwrap_or_default(),
        phase: given.nonempty_text(TEMPLATE.update_status).unwrap_or_else(|| Phase::Investigating.key().to_owned()),
        body: given.text(TEMPLATE.body).unwrap_or_default(),
        components: read_components(&mut given, &COMPONENT_FIELDS).unwrap_or_default(),
        notify: given.flag(TEMPLATE.should_send_notifications).unwrap_or(true),
        version: 0,
    };
    let known = |id: &String| context.components.iter().any(|component| component.id.as_str() == id);
    if let Some(id) = form.components.keys().find(|id| !known(id)) {
        given.add_error(TEMPLATE.component_ids, format!("Unknown component {id}."));
    }
    let said = merge_client_fields(&mut given);
    let new = given.finish(form.parse(), &FIELD_NAMES)?;
    let (made, entry) = actions::templates::add(&mut change.tx, new, change.now).await?;
    api_metadata::replace(&mut change.tx, made.id.as_str(), &said).await?;
    let fields = EventFields { event: &said, components: &context.component_fields };
    change.commit(StatusCode::CREATED, &TemplateView::new(&context.page_context(), &made, fields), &[entry]).await
}

/// Fields that the API returns exactly as the client sent them.
fn merge_client_fields(given: &mut Params) -> ClientFields {
    let mut said = ClientFields::new();
    said.extend(given.flag(TEMPLATE.should_tweet).map(|flag| ("should_tweet".to_owned(), Value::Bool(flag))));
    if let Some(group) = given.nonempty_text(TEMPLATE.group_id) {
        if group.chars().count() > 100 {
            given.add_error(TEMPLATE.group_id, "At most 100 characters.");
        }
        said.insert("group_id".into(), Value::String(group));
    }
    said
}
