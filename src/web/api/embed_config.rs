//! The settings of Statuspage's embed. Candor stores and returns them; its own embed has a fixed place and colours.

use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::change::Change;
use super::page_context::{ApiContext, ClientFields, EMBED_FIELDS};
use super::params::Params;
use super::request_body::{Field, Place, Text, request_body};
use crate::actions;
use crate::db::api_metadata;
use crate::domain::forms::parse_line;
use crate::domain::{Invalid, Page};
use crate::state::State;
use crate::web::Result;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanAdminister, CanRead};

/// In characters.
const MAX_VALUE: usize = 50;

type EmbedField = Field<Option<Text<MAX_VALUE>>>;

request_body! {
    /// The settings of the embed in a request.
    EMBED: EmbedConfigChange = Place::Object(EMBED_FIELDS) => {
        position: Option<Text<MAX_VALUE>>,
        incident_background_color: Option<Text<MAX_VALUE>>,
        incident_text_color: Option<Text<MAX_VALUE>>,
        maintenance_background_color: Option<Text<MAX_VALUE>>,
        maintenance_text_color: Option<Text<MAX_VALUE>>,
    }
}

/// Each field with its default, which is what Candor's embed looks like.
const DEFAULTS: [(EmbedField, &str); 5] = [
    (EMBED.position, "bottom-right"),
    (EMBED.incident_background_color, "fbfbf9"),
    (EMBED.incident_text_color, "1b1f1d"),
    (EMBED.maintenance_background_color, "fbfbf9"),
    (EMBED.maintenance_text_color, "1b1f1d"),
];

/// The settings of the embed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EmbedConfig", deny_unknown_fields)]
pub struct EmbedConfigView<'a> {
    page_id: &'a str,
    position: &'a str,
    incident_background_color: &'a str,
    incident_text_color: &'a str,
    maintenance_background_color: &'a str,
    maintenance_text_color: &'a str,
}

impl<'a> EmbedConfigView<'a> {
    fn new(page: &'a Page, said: &'a ClientFields) -> Self {
        let value = |(field, usual): (EmbedField, &'static str)| {
            said.get(EMBED_FIELDS).and_then(|own| own.get(field.name)?.as_str()).unwrap_or(usual)
        };
        let [
            position,
            incident_background_color,
            incident_text_color,
            maintenance_background_color,
            maintenance_text_color,
        ] = DEFAULTS.map(value);
        Self {
            page_id: &page.id,
            position,
            incident_background_color,
            incident_text_color,
            maintenance_background_color,
            maintenance_text_color,
        }
    }
}

/// `GET /v1/pages/{page}/status_embed_config`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let page = ApiContext::load_for(&mut tx, &page, &state).await?.page;
    let said = api_metadata::load(&mut tx, &page.id).await?;
    Ok(Json(EmbedConfigView::new(&page, &said)).into_response())
}

/// `PATCH` and `PUT /v1/pages/{page}/status_embed_config`
pub async fn update(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    let page = ApiContext::load_for(&mut change.tx, &page, &change.state).await?.page;
    let said_before = api_metadata::load(&mut change.tx, &page.id).await?;
    let mut given = Params::from_declared::<EmbedConfigChange>(&change.body)?;
    let mut own = said_before.get(EMBED_FIELDS).and_then(Value::as_object).cloned().unwrap_or_default();
    for (field, usual) in DEFAULTS {
        let Some(text) = given.text(field) else { continue };
        match parse_line(&text, MAX_VALUE) {
            Ok(text) if text.is_empty() || text == usual => drop(own.remove(field.name)),
            Ok(text) => drop(own.insert(field.name.to_owned(), text.into())),
            Err(message) => given.add_error(field, message),
        }
    }
    given.finish(Ok::<(), Invalid>(()), &[])?;
    let mut said = said_before.clone();
    said.remove(EMBED_FIELDS);
    if !own.is_empty() {
        said.insert(EMBED_FIELDS.to_owned(), own.into());
    }
    let mut entries = Vec::new();
    if said != said_before {
        api_metadata::replace(&mut change.tx, &page.id, &said).await?;
        entries.push(actions::settings::record_metadata(&page, &said_before, &said));
    }
    change.commit(StatusCode::OK, &EmbedConfigView::new(&page, &said), &entries).await
}
