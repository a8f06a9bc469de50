//! The settings of Statuspage's embed. Candor stores and returns them; its own embed has a fixed place and colours.

use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::change::Change;
use super::page_context::{ApiContext, ClientFields, EMBED_FIELDS};
use super::params::Params;
use crate::actions;
use crate::db::api_metadata;
use crate::domain::forms::parse_line;
use crate::domain::{Invalid, Page};
use crate::state::State;
use crate::web::Result;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanAdminister, CanRead};

/// Name and default, which is what Candor's embed looks like.
const FIELDS: [(&str, &str); 5] = [
    ("position", "bottom-right"),
    ("incident_background_color", "fbfbf9"),
    ("incident_text_color", "1b1f1d"),
    ("maintenance_background_color", "fbfbf9"),
    ("maintenance_text_color", "1b1f1d"),
];
/// In characters.
const MAX_VALUE: usize = 50;

/// `GET /v1/pages/{page}/status_embed_config`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Json<Value>> {
    let mut tx = state.db.read().await?;
    let page = ApiContext::load_for(&mut tx, &page, &state).await?.page;
    let said = api_metadata::load(&mut tx, &page.id).await?;
    Ok(Json(config_object(&page, &said)))
}

/// `PATCH` and `PUT /v1/pages/{page}/status_embed_config`
pub async fn update(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    let page = ApiContext::load_for(&mut change.tx, &page, &change.state).await?.page;
    let said_before = api_metadata::load(&mut change.tx, &page.id).await?;
    let mut given = Params::from_object(&change.body, EMBED_FIELDS)?;
    let mut own = said_before.get(EMBED_FIELDS).and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, usual) in FIELDS {
        let Some(text) = given.text(name) else { continue };
        match parse_line(&text, MAX_VALUE) {
            Ok(text) if text.is_empty() || text == usual => drop(own.remove(name)),
            Ok(text) => drop(own.insert(name.to_owned(), text.into())),
            Err(message) => given.add_error(name, message),
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
    change.commit(StatusCode::OK, &config_object(&page, &said), &entries).await
}

fn config_object(page: &Page, said: &ClientFields) -> Value {
    let mut view = json!({ "page_id": page.id });
    for (name, usual) in FIELDS {
        let stored = said.get(EMBED_FIELDS).and_then(|own| own.get(name)).cloned();
        view[name] = stored.unwrap_or_else(|| usual.into());
    }
    view
}
