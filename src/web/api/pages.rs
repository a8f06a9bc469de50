use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::change::Change;
use super::page_context::{ApiContext, ClientFields};
use super::params::Params;
use super::request_body::{ClearedFlag, Field, Flag, Line, Place, Text, TextKind, request_body};
use crate::actions;
use crate::db::{Tx, api_metadata};
use crate::domain::forms::{PageForm, parse_lines};
use crate::publish::api::schema::text_values;
use crate::state::State;
use crate::web::Result;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanAdminister, CanRead};

const BRANDINGS: [&str; 2] = ["basic", "premium"];

text_values! {
    BrandingKey = BRANDINGS.into_iter();
}

impl TextKind for BrandingKey {}

request_body! {
    /// The page in a request.
    PAGE: PageChange = Place::Object("page") => {
        name: Line,
        url: Option<Text>,
        time_zone: Text,
        domain: Option<Text<255>>,
        subdomain: Option<Text<255>>,
        branding: Option<BrandingKey>,
        css_body_background_color: Option<Text<50>>,
        css_font_color: Option<Text<50>>,
        css_light_font_color: Option<Text<50>>,
        css_greens: Option<Text<50>>,
        css_yellows: Option<Text<50>>,
        css_oranges: Option<Text<50>>,
        css_blues: Option<Text<50>>,
        css_reds: Option<Text<50>>,
        css_border_color: Option<Text<50>>,
        css_graph_color: Option<Text<50>>,
        css_link_color: Option<Text<50>>,
        css_no_data: Option<Text<50>>,
        hidden_from_search: ClearedFlag,
        viewers_must_be_team_members: ClearedFlag,
        notifications_from_email: Option<Text<255>>,
        notifications_email_footer: Option<Text<9_000>>,
    }
    ignored {
        allow_page_subscribers: Option<Flag>,
        allow_incident_subscribers: Option<Flag>,
        allow_email_subscribers: Option<Flag>,
        allow_sms_subscribers: Option<Flag>,
        allow_rss_atom_feeds: Option<Flag>,
        allow_webhook_subscribers: Option<Flag>,
    }
}

/// Fields of Statuspage's pages that Candor stores and returns but does not use.
const STORED_TEXTS: [StoredText; 16] = [
    StoredText::new(PAGE.domain),
    StoredText::new(PAGE.subdomain),
    StoredText::new(PAGE.notifications_from_email),
    StoredText::new(PAGE.notifications_email_footer),
    StoredText::new(PAGE.css_body_background_color),
    StoredText::new(PAGE.css_font_color),
    StoredText::new(PAGE.css_light_font_color),
    StoredText::new(PAGE.css_greens),
    StoredText::new(PAGE.css_yellows),
    StoredText::new(PAGE.css_oranges),
    StoredText::new(PAGE.css_blues),
    StoredText::new(PAGE.css_reds),
    StoredText::new(PAGE.css_border_color),
    StoredText::new(PAGE.css_graph_color),
    StoredText::new(PAGE.css_link_color),
    StoredText::new(PAGE.css_no_data),
];
/// Flags that would hide the page. Ignoring them would leave it public.
const HIDING_FLAGS: [Field<ClearedFlag>; 2] = [PAGE.hidden_from_search, PAGE.viewers_must_be_team_members];

struct StoredText {
    field: Field<Text>,
    /// Maximum length in characters.
    max: usize,
}

impl StoredText {
    const fn new<const MAX: usize>(field: Field<Option<Text<MAX>>>) -> Self {
        Self { field: Field::new(field.name), max: MAX }
    }
}

/// The page. Texts without a setting are empty, or what a client stored.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Page", deny_unknown_fields)]
pub struct PageView<'a> {
    id: &'a str,
    #[schemars(with = "DateTime<Utc>")]
    created_at: &'a str,
    #[schemars(with = "DateTime<Utc>")]
    updated_at: &'a str,
    name: &'a str,
    branding: &'a str,
    domain: &'a str,
    url: &'a str,
    time_zone: &'a str,
    activity_score: i64,
    hidden_from_search: bool,
    allow_page_subscribers: bool,
    allow_incident_subscribers: bool,
    allow_email_subscribers: bool,
    allow_sms_subscribers: bool,
    allow_rss_atom_feeds: bool,
    allow_webhook_subscribers: bool,
    viewers_must_be_team_members: bool,
    page_description: &'a str,
    headline: &'a str,
    subdomain: &'a str,
    support_url: &'a str,
    notifications_from_email: &'a str,
    notifications_email_footer: &'a str,
    twitter_username: &'a str,
    ip_restrictions: &'a str,
    city: &'a str,
    state: &'a str,
    country: &'a str,
    css_body_background_color: &'a str,
    css_font_color: &'a str,
    css_light_font_color: &'a str,
    css_greens: &'a str,
    css_yellows: &'a str,
    css_oranges: &'a str,
    css_blues: &'a str,
    css_reds: &'a str,
    css_border_color: &'a str,
    css_graph_color: &'a str,
    css_link_color: &'a str,
    css_no_data: &'a str,
    favicon_logo: &'a str,
    transactional_logo: &'a str,
    hero_cover: &'a str,
    email_logo: &'a str,
    twitter_logo: &'a str,
}

/// `GET /v1/pages`: the only page.
pub async fn index(_program: Token<CanRead>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load(&mut tx, &state).await?;
    let page = PageData::load(&mut tx, &context, &state).await?;
    Ok(Json([page.view()]).into_response())
}

/// `GET /v1/pages/{page}`
pub async fn show(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let context = ApiContext::load_for(&mut tx, &page, &state).await?;
    let page = PageData::load(&mut tx, &context, &state).await?;
    Ok(Json(page.view()).into_response())
}

/// `PATCH` and `PUT /v1/pages/{page}`: its name, URL and time zone, and [`STORED_TEXTS`].
pub async fn update(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    let before = ApiContext::load_for(&mut change.tx, &page, &change.state).await?.page;
    let mut given = Params::from_declared::<PageChange>(&change.body)?;
    let mut form = PageForm::from_page(&before);
    given.replace_text(PAGE.name, &mut form.name);
    given.replace_text(PAGE.url, &mut form.url);
    given.replace_text(PAGE.time_zone, &mut form.time_zone);
    let said_before = api_metadata::load(&mut change.tx, &before.id).await?;
    let said = merge_client_fields(said_before.clone(), &mut given);
    let unchanged = PageForm::from_page(&before).parse(&before);
    let settings = given.finish(form.parse(&before), &[])?;
    let mut entries = Vec::new();
    if unchanged.as_ref() != Ok(&settings) {
        entries.push(actions::settings::edit_page(&mut change.tx, &before, &settings, change.now).await?);
    }
    if said != said_before {
        api_metadata::replace(&mut change.tx, &before.id, &said).await?;
        entries.push(actions::settings::record_metadata(&before, &said_before, &said));
    }
    let context = ApiContext::load(&mut change.tx, &change.state).await?;
    let state = change.state.clone();
    let page = PageData::load(&mut change.tx, &context, &state).await?;
    change.commit(StatusCode::OK, &page.view(), &entries).await
}

fn merge_client_fields(mut before: ClientFields, given: &mut Params) -> ClientFields {
    for StoredText { field, max } in STORED_TEXTS {
        let Some(text) = given.text(field) else { continue };
        match parse_lines(&text, max) {
            Ok(text) if text.is_empty() => drop(before.remove(field.name)),
            Ok(text) => drop(before.insert(field.name.to_owned(), text.into())),
            Err(message) => given.add_error(field, message),
        }
    }
    match given.nonempty_text(PAGE.branding) {
        Some(branding) if BRANDINGS.contains(&branding.as_str()) => {
            before.insert(PAGE.branding.name.to_owned(), branding.into());
        }
        Some(_) => given.add_error(PAGE.branding, "Send basic or premium."),
        None => {}
    }
    for field in HIDING_FLAGS {
        if given.flag(field) == Some(true) {
            given.add_error(field, "Candor's page is public. Nothing was changed.");
        }
    }
    before
}

/// What a [`PageView`] shows.
struct PageData<'a> {
    context: &'a ApiContext,
    origin: &'a str,
    updated_at: String,
    said: ClientFields,
}

impl<'a> PageData<'a> {
    async fn load(tx: &mut Tx, context: &'a ApiContext, state: &'a State) -> Result<Self> {
        let updated_at = context.page_context().stamp(context.page.updated_at);
        let said = api_metadata::load(tx, &context.page.id).await?;
        Ok(Self { context, origin: &state.origin, updated_at, said })
    }

    fn stored<K>(&self, field: Field<K>) -> Option<&str> {
        self.said.get(field.name).and_then(Value::as_str)
    }

    fn view(&self) -> PageView<'_> {
        let page = &self.context.page;
        let text = |field: Field<Option<Text<50>>>| self.stored(field).unwrap_or_default();
        PageView {
            id: &page.id,
            created_at: &self.updated_at,
            updated_at: &self.updated_at,
            name: &page.name,
            branding: self.stored(PAGE.branding).unwrap_or("basic"),
            domain: self
                .stored(PAGE.domain)
                .unwrap_or_else(|| self.origin.split_once("://").map_or("", |(_, host)| host)),
            url: &page.url,
            time_zone: page.time_zone.name(),
            activity_score: 0,
            hidden_from_search: false,
            allow_page_subscribers: false,
            allow_incident_subscribers: false,
            allow_email_subscribers: false,
            allow_sms_subscribers: false,
            allow_rss_atom_feeds: true,
            allow_webhook_subscribers: false,
            viewers_must_be_team_members: false,
            page_description: "",
            headline: "",
            subdomain: self.stored(PAGE.subdomain).unwrap_or_default(),
            support_url: "",
            notifications_from_email: self.stored(PAGE.notifications_from_email).unwrap_or_default(),
            notifications_email_footer: self.stored(PAGE.notifications_email_footer).unwrap_or_default(),
            twitter_username: "",
            ip_restrictions: "",
            city: "",
            state: "",
            country: "",
            css_body_background_color: text(PAGE.css_body_background_color),
            css_font_color: text(PAGE.css_font_color),
            css_light_font_color: text(PAGE.css_light_font_color),
            css_greens: text(PAGE.css_greens),
            css_yellows: text(PAGE.css_yellows),
            css_oranges: text(PAGE.css_oranges),
            css_blues: text(PAGE.css_blues),
            css_reds: text(PAGE.css_reds),
            css_border_color: text(PAGE.css_border_color),
            css_graph_color: text(PAGE.css_graph_color),
            css_link_color: text(PAGE.css_link_color),
            css_no_data: text(PAGE.css_no_data),
            favicon_logo: "",
            transactional_logo: "",
            hero_cover: "",
            email_logo: "",
            twitter_logo: "",
        }
    }
}
