use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::change::Change;
use super::page_context::{ApiContext, ClientFields};
use super::params::Params;
use crate::actions;
use crate::db::{Tx, api_metadata};
use crate::domain::forms::{PageForm, parse_lines};
use crate::state::State;
use crate::web::Result;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanAdminister, CanRead};

/// Fields of Statuspage's pages that Candor stores and returns but does not use, each with its maximum length in
/// characters.
const STORED_TEXTS: [(&str, usize); 16] = [
    ("domain", 255),
    ("subdomain", 255),
    ("notifications_from_email", 255),
    ("notifications_email_footer", 9_000),
    ("css_body_background_color", 50),
    ("css_font_color", 50),
    ("css_light_font_color", 50),
    ("css_greens", 50),
    ("css_yellows", 50),
    ("css_oranges", 50),
    ("css_blues", 50),
    ("css_reds", 50),
    ("css_border_color", 50),
    ("css_graph_color", 50),
    ("css_link_color", 50),
    ("css_no_data", 50),
];
/// Fields of Statuspage's pages that Candor does not have and that no operation changes.
const EMPTY_TEXTS: [&str; 13] = [
    "page_description",
    "headline",
    "support_url",
    "twitter_username",
    "ip_restrictions",
    "city",
    "state",
    "country",
    "favicon_logo",
    "transactional_logo",
    "hero_cover",
    "email_logo",
    "twitter_logo",
];
/// Flags that would hide the page. Ignoring them would leave it public.
const HIDING_FLAGS: [&str; 2] = ["hidden_from_search", "viewers_must_be_team_members"];
const BRANDINGS: [&str; 2] = ["basic", "premium"];

/// `GET /v1/pages`: the only page.
pub async fn index(_program: Token<CanRead>, FromState(state): FromState<State>) -> Result<Json<[Value; 1]>> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load(&mut tx, &state).await?;
    Ok(Json([page_object(&mut tx, &context, &state).await?]))
}

/// `GET /v1/pages/{page}`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Json<Value>> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    Ok(Json(page_object(&mut tx, &context, &state).await?))
}

/// `PATCH` and `PUT /v1/pages/{page}`: its name, URL and time zone, and [`STORED_TEXTS`].
pub async fn update(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    let before = ApiContext::load_for(&mut change.tx, &page, &change.state).await?.page;
    let mut given = Params::from_object(&change.body, "page")?;
    let mut form = PageForm::from_page(&before);
    for (name, field) in [("name", &mut form.name), ("url", &mut form.url), ("time_zone", &mut form.time_zone)] {
        if let Some(text) = given.text(name) {
            *field = text;
        }
    }
    let said_before = api_metadata::load(&mut change.tx, &before.id).await?;
    let said = merge_client_fields(said_before.clone(), &mut given);
    let unchanged = PageForm::from_page(&before).parse();
    let settings = given.finish(form.parse(), &[])?;
    let mut entries = Vec::new();
    if unchanged.as_ref() != Ok(&settings) {
        entries.push(actions::settings::edit_page(&mut change.tx, &before, &settings, change.now).await?);
    }
    if said != said_before {
        api_metadata::replace(&mut change.tx, &before.id, &said).await?;
        entries.push(actions::settings::record_metadata(&before, &said_before, &said));
    }
    let context = ApiContext::load(&mut change.tx, &change.state).await?;
    let response = page_object(&mut change.tx, &context, &change.state).await?;
    change.commit(StatusCode::OK, &response, &entries).await
}

fn merge_client_fields(mut before: ClientFields, given: &mut Params) -> ClientFields {
    for (name, max) in STORED_TEXTS {
        let Some(text) = given.text(name) else { continue };
        match parse_lines(&text, max) {
            Ok(text) if text.is_empty() => drop(before.remove(name)),
            Ok(text) => drop(before.insert(name.to_owned(), text.into())),
            Err(message) => given.add_error(name, message),
        }
    }
    match given.nonempty_text("branding") {
        Some(branding) if BRANDINGS.contains(&branding.as_str()) => {
            before.insert("branding".into(), branding.into());
        }
        Some(_) => given.add_error("branding", "Send basic or premium."),
        None => {}
    }
    for name in HIDING_FLAGS {
        if given.flag(name) == Some(true) {
            given.add_error(name, "Candor's page is public. Nothing was changed.");
        }
    }
    before
}

/// The page object. Fields without a setting have their actual value, or the text that a client stored.
async fn page_object(tx: &mut Tx, context: &ApiContext, state: &State) -> Result<Value> {
    let (page, scene) = (&context.page, context.page_context());
    let updated = scene.stamp(page.updated_at);
    let host = state.origin.split_once("://").map_or("", |(_, host)| host);
    let mut view = json!({
        "id": page.id, "created_at": updated, "updated_at": updated, "name": page.name, "branding": "basic",
        "url": page.url, "hidden_from_search": false, "allow_page_subscribers": false,
        "allow_incident_subscribers": false, "allow_email_subscribers": false, "allow_sms_subscribers": false,
        "allow_rss_atom_feeds": true, "allow_webhook_subscribers": false, "activity_score": 0,
        "viewers_must_be_team_members": false, "time_zone": page.time_zone.name(),
    });
    for name in EMPTY_TEXTS.into_iter().chain(STORED_TEXTS.map(|(name, _)| name)) {
        view[name] = "".into();
    }
    view["domain"] = host.into();
    for (name, value) in api_metadata::load(tx, &page.id).await? {
        if name == "branding" || STORED_TEXTS.iter().any(|(stored, _)| *stored == name) {
            view[name.as_str()] = value;
        }
    }
    Ok(view)
}
