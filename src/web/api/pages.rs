use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::change::Change;
use super::page_context::ApiContext;
use super::params::Params;
use crate::actions;
use crate::domain::forms::PageForm;
use crate::state::State;
use crate::web::Result;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanAdminister, CanRead};

/// `GET /v1/pages`: the only page.
pub async fn index(_program: Token<CanRead>, FromState(state): FromState<State>) -> Result<Json<[Value; 1]>> {
    let mut tx = state.db.read().await?;
    Ok(Json([page_object(&ApiContext::load(&mut tx, &state).await?, &state)]))
}

/// `GET /v1/pages/{page}`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Json<Value>> {
    let mut tx = state.db.read().await?;
    Ok(Json(page_object(&ApiContext::load_for(&mut tx, &page, &state).await?, &state)))
}

/// `PATCH` and `PUT /v1/pages/{page}`: its name, URL and time zone.
pub async fn update(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    let before = ApiContext::load_for(&mut change.tx, &page, &change.state).await?.page;
    let mut given = Params::from_object(&change.body, "page")?;
    let mut form = PageForm::from_page(&before);
    for (name, field) in [("name", &mut form.name), ("url", &mut form.url), ("time_zone", &mut form.time_zone)] {
        if let Some(text) = given.text(name) {
            *field = text;
        }
    }
    let unchanged = PageForm::from_page(&before).parse();
    let settings = given.finish(form.parse(), &[])?;
    let mut entries = Vec::new();
    if unchanged.as_ref() != Ok(&settings) {
        entries.push(actions::settings::edit_page(&mut change.tx, &before, &settings, change.now).await?);
    }
    let response = page_object(&ApiContext::load(&mut change.tx, &change.state).await?, &change.state);
    change.commit(StatusCode::OK, &response, &entries).await
}

/// The page object. Fields without a setting have their actual value.
fn page_object(context: &ApiContext, state: &State) -> Value {
    let (page, scene) = (&context.page, context.page_context());
    let updated = scene.stamp(page.updated_at);
    let host = state.origin.split_once("://").map_or("", |(_, host)| host);
    let mut view = json!({
        "id": page.id, "created_at": updated, "updated_at": updated, "name": page.name, "branding": "basic",
        "domain": host, "url": page.url, "hidden_from_search": false, "allow_page_subscribers": false,
        "allow_incident_subscribers": false, "allow_email_subscribers": false, "allow_sms_subscribers": false,
        "allow_rss_atom_feeds": true, "allow_webhook_subscribers": false, "activity_score": 0,
        "viewers_must_be_team_members": false, "time_zone": page.time_zone.name(),
    });
    for name in UNSUPPORTED_FIELDS {
        view[name] = Value::Null;
    }
    view
}

/// Fields of Statuspage's pages that Candor does not have.
const UNSUPPORTED_FIELDS: [&str; 28] = [
    "page_description",
    "headline",
    "subdomain",
    "support_url",
    "notifications_from_email",
    "notifications_email_footer",
    "twitter_username",
    "ip_restrictions",
    "city",
    "state",
    "country",
    "css_body_background_color",
    "css_font_color",
    "css_light_font_color",
    "css_greens",
    "css_yellows",
    "css_oranges",
    "css_blues",
    "css_reds",
    "css_border_color",
    "css_graph_color",
    "css_link_color",
    "css_no_data",
    "favicon_logo",
    "transactional_logo",
    "hero_cover",
    "email_logo",
    "twitter_logo",
];
