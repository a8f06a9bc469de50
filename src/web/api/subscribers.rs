//! Subscribers of the page. Addresses are personal data: reading them needs the scope publish, changing them admin.

use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::change::Change;
use super::page_context::ApiContext;
use super::params::Params;
use super::request_body::{Flag, Ids, NonEmptyIds, Place, Text, UnsupportedText, request_body};
use crate::actions;
use crate::actions::subscribers::{SubscriberKeys, SubscriptionRequest, parse_endpoint};
use crate::credentials::subscriber_links::SubscriberLinks;
use crate::db::subscribers::{SubscriberFilter, SubscriberSort};
use crate::db::{Tx, WriteTx, subscribers};
use crate::domain::audit::Entry;
use crate::domain::forms::Fields;
use crate::domain::subscriber::{Channel, IncidentEvents, Scope, SubscriberState, parse_email};
use crate::domain::{ComponentId, IncidentId, Invalid, Subscriber, SubscriberId};
use crate::publish::api::schema::text_values;
use crate::state::State;
use crate::web::access::api_token::Token;
use crate::web::access::manager::{CanAdminister, CanPublish, CanRead};
use crate::web::form::QueryFields;
use crate::web::{Error, Result};

/// Statuspage's kinds of subscribers.
pub(super) const MODES: [&str; 6] = ["email", "sms", "webhook", "integration_partner", "slack", "teams"];
/// Subscribers of a response. Statuspage returns all.
pub const MAX_LISTED: i64 = 10_000;
/// Subscribers that a search returns, and that a bulk request may name.
pub(super) const MAX_FOUND: i64 = 100;
const MAX_PAGE_NUMBER: i64 = 100_000;

text_values! {
    ModeKey = MODES.into_iter().filter(|kind| Channel::ALL.into_iter().any(|channel| mode(channel) == *kind));
}

request_body! {
    /// A new subscriber.
    SUBSCRIBER: SubscriberCreation = Place::Object("subscriber") => {
        email: Text,
        endpoint: Option<Text>,
        phone_number: UnsupportedText,
        skip_confirmation_notification: Option<Flag>,
        page_access_user: UnsupportedText,
        component_ids: Option<Ids>,
    }
    required {
        email,
    }
    ignored {
        phone_country: Option<Text>,
    }
    undocumented {
        component_id: Option<Text>,
    }
}

request_body! {
    /// The new components of a subscriber.
    SUBSCRIBER_CHANGE: SubscriberChange = Place::TopLevel => {
        component_ids: Option<NonEmptyIds>,
    }
}

/// `GET /v1/pages/{page}/subscribers`
pub async fn index(
    _program: Token<CanPublish>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    ApiContext::load_for(&mut tx, &page, &state).await?;
    list(&mut tx, &state, &query, None).await
}

/// A page of subscribers of the page, or of one incident.
pub(super) async fn list(tx: &mut Tx, state: &State, query: &Fields, incident: Option<IncidentId>) -> Result<Response> {
    let search: String = query.text("q").trim().chars().take(254).collect();
    let (usual, most) = if search.is_empty() { (MAX_LISTED, MAX_LISTED) } else { (MAX_FOUND, MAX_FOUND) };
    let number = |name: &str| query.text(name).parse::<i64>().ok().filter(|number| *number >= 0);
    let limit = number("limit").or_else(|| number("per_page")).filter(|limit| *limit > 0).unwrap_or(usual).min(most);
    let offset = number("page").unwrap_or(0).min(MAX_PAGE_NUMBER) * limit;
    let (channels, state_filter) = read_filter(&query.text("type"), &query.text("state"), "")?;
    let filter = SubscriberFilter { search, channel: None, state: state_filter, incident };
    let ascending = query.text("sort_direction") != "desc";
    let sort = match query.text("sort_field").as_str() {
        "created_at" => SubscriberSort::Created,
        "quarantined_at" => SubscriberSort::Quarantined,
        _ => SubscriberSort::Address,
    };
    let found = match channels.as_deref() {
        Some([]) => Vec::new(),
        channels => {
            let channels = channels.unwrap_or_default();
            subscribers::list_window(tx, &filter, channels, (sort, ascending), (offset, limit)).await?
        }
    };
    let mut views = Vec::with_capacity(found.len());
    for subscriber in &found {
        views.push(SubscriberView::load(tx, state, subscriber).await?);
    }
    Ok(Json(views).into_response())
}

/// The channels of Statuspage's `type`, `None` for all; and the state, by default active, `None` for all.
pub(super) fn read_filter(
    kind: &str,
    state: &str,
    at: &str,
) -> Result<(Option<Vec<Channel>>, Option<SubscriberState>)> {
    let wrong = |name: &str, message: &str| Error::Unprocessable(vec![(format!("{at}/{name}"), message.to_owned())]);
    let channels = match kind {
        "" => None,
        kind if MODES.contains(&kind) => {
            Some(Channel::ALL.into_iter().filter(|channel| mode(*channel) == kind).collect())
        }
        _ => return Err(wrong("type", "Send email, sms, webhook, slack, teams or integration_partner.")),
    };
    let state = match state {
        "" => Some(SubscriberState::Active),
        "all" => None,
        key => Some(
            SubscriberState::from_key(key)
                .ok_or_else(|| wrong("state", "Send active, unconfirmed, quarantined or all."))?,
        ),
    };
    Ok((channels, state))
}

pub(super) fn mode(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Slack => "slack",
        Channel::Teams => "teams",
        Channel::Webhook
        | Channel::Discord
        | Channel::GoogleChat
        | Channel::Mattermost
        | Channel::Ntfy
        | Channel::Telegram
        | Channel::Matrix
        | Channel::Pagerduty => "webhook",
    }
}

/// A subscriber as Statuspage shows it. Endpoints of chat services hold a secret and are shortened to their host.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Subscriber", deny_unknown_fields)]
pub struct SubscriberView {
    id: String,
    #[schemars(with = "ModeKey")]
    mode: &'static str,
    email: Option<String>,
    endpoint: Option<String>,
    phone_number: (),
    phone_country: (),
    display_phone_number: (),
    obfuscated_channel_name: (),
    workspace_name: (),
    skip_confirmation_notification: bool,
    #[schemars(with = "Option<DateTime<Utc>>")]
    quarantined_at: Option<String>,
    #[schemars(with = "Option<DateTime<Utc>>")]
    purge_at: Option<String>,
    #[schemars(with = "Vec<String>")]
    components: Vec<ComponentId>,
    page_access_user_id: (),
    #[schemars(with = "DateTime<Utc>")]
    created_at: String,
}

impl SubscriberView {
    pub(super) async fn load(tx: &mut Tx, state: &State, subscriber: &Subscriber) -> Result<Self> {
        let endpoint = match subscriber.channel {
            Channel::Webhook => actions::subscribers::open_endpoint(tx, &state.secret_key, &subscriber.id).await?,
            _ => subscriber.endpoint_host.as_ref().map(|host| format!("https://{host}/…")),
        };
        let stamp = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let components = match &subscriber.scope {
            Scope::Components(ids) => ids.clone(),
            Scope::Page | Scope::Incident(_) => Vec::new(),
        };
        Ok(Self {
            id: subscriber.id.to_string(),
            mode: mode(subscriber.channel),
            email: subscriber.email.clone(),
            endpoint,
            phone_number: (),
            phone_country: (),
            display_phone_number: (),
            obfuscated_channel_name: (),
            workspace_name: (),
            skip_confirmation_notification: false,
            quarantined_at: subscriber.quarantined_at.map(stamp),
            purge_at: subscriber.purge_at().map(stamp),
            components,
            page_access_user_id: (),
            created_at: stamp(subscriber.requested_at),
        })
    }
}

/// `GET /v1/pages/{page}/subscribers/unsubscribed`: always empty, because no address stays after it unsubscribed.
pub async fn unsubscribed(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Json<[Value; 0]>> {
    ApiContext::load_for(&mut state.db.read().await?, &page, &state).await?;
    Ok(Json([]))
}

/// `GET /v1/pages/{page}/subscribers/{subscriber}`
pub async fn show(
    _program: Token<CanPublish>,
    FromState(state): FromState<State>,
    Path((page, id)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    ApiContext::load_for(&mut tx, &page, &state).await?;
    let subscriber = find(&mut tx, &id, None).await?;
    Ok(Json(SubscriberView::load(&mut tx, &state, &subscriber).await?).into_response())
}

/// A subscriber of the page, or of `incident`.
pub(super) async fn find(tx: &mut Tx, id: &str, incident: Option<&IncidentId>) -> Result<Subscriber> {
    let id = SubscriberId::parse(id).ok_or(Error::NotFound)?;
    let subscriber = subscribers::find(tx, &id).await?;
    let own = match &subscriber.scope {
        Scope::Incident(id) => Some(id),
        Scope::Page | Scope::Components(_) => None,
    };
    if own == incident { Ok(subscriber) } else { Err(Error::NotFound) }
}

/// `POST /v1/pages/{page}/subscribers`
pub async fn create(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let mut given = Params::from_declared::<SubscriberCreation>(&change.body)?;
    let mut ids = given.list(SUBSCRIBER.component_ids).unwrap_or_default();
    ids.extend(given.nonempty_text(SUBSCRIBER.component_id));
    let scope = match read_components(&context, &ids) {
        Ok(components) if components.is_empty() => Scope::Page,
        Ok(components) => Scope::Components(components),
        Err(message) => {
            given.add_error(SUBSCRIBER.component_ids, message);
            Scope::Page
        }
    };
    add(change, given, scope).await
}

/// Adds the subscriber that `given` names, or reactivates it if it is quarantined.
pub(super) async fn add(mut change: Change<CanAdminister>, mut given: Params, scope: Scope) -> Result<Response> {
    let is_confirmed = given.flag(SUBSCRIBER.skip_confirmation_notification).unwrap_or(false);
    let wish = read_request(&mut given, scope);
    let wish = given.finish(wish, &[])?;
    let links = load_links(&change.state)?;
    let secret_key = change.state.secret_key.clone();
    let keys = SubscriberKeys { secret_key: &secret_key, links: &links };
    let existing = actions::subscribers::find_existing(&mut change.tx, &wish).await?;
    let state = if is_confirmed { SubscriberState::Active } else { SubscriberState::Unconfirmed };
    let (subscriber, entry) = match existing {
        None => actions::subscribers::add(&mut change.tx, keys, &wish, state, change.now).await?,
        Some(quarantined) if quarantined.state == SubscriberState::Quarantined => {
            let entry = actions::subscribers::reactivate(&mut change.tx, &quarantined, change.now).await?;
            (subscribers::find(&mut change.tx, &quarantined.id).await?, entry)
        }
        Some(_) => {
            let wrong = vec![("/subscriber".to_owned(), subscribers::SUBSCRIBED_ALREADY.to_owned())];
            return Err(Error::Unprocessable(wrong));
        }
    };
    let state = change.state.clone();
    let view = SubscriberView::load(&mut change.tx, &state, &subscriber).await?;
    change.commit(StatusCode::CREATED, &view, &[entry]).await
}

fn read_request(given: &mut Params, scope: Scope) -> std::result::Result<SubscriptionRequest, Invalid> {
    let mut invalid = Invalid::new();
    if given.nonempty_text(SUBSCRIBER.phone_number).is_some() {
        invalid.add(SUBSCRIBER.phone_number.name, "SMS is not supported.");
    }
    if given.nonempty_text(SUBSCRIBER.page_access_user).is_some() {
        invalid.add(SUBSCRIBER.page_access_user.name, "There are no page access users: the page is public.");
    }
    let email = given.text(SUBSCRIBER.email).unwrap_or_default();
    let email =
        invalid.take(SUBSCRIBER.email.name, parse_email(&email).ok_or_else(|| "Send an e-mail address.".to_owned()));
    let endpoint = match given.nonempty_text(SUBSCRIBER.endpoint) {
        None => Some((Channel::Email, None)),
        Some(url) => {
            invalid.take(SUBSCRIBER.endpoint.name, parse_endpoint(&url)).map(|(channel, url)| (channel, Some(url)))
        }
    };
    match (email, endpoint) {
        (Some(email), Some((channel, endpoint))) if invalid.is_empty() => Ok(SubscriptionRequest {
            channel,
            email: Some(email),
            endpoint,
            scope,
            incidents: IncidentEvents::All,
            maintenance: true,
        }),
        _ => Err(invalid),
    }
}

/// The named components; an error for an unknown one.
fn read_components(context: &ApiContext, ids: &[String]) -> std::result::Result<Vec<ComponentId>, String> {
    let known = |id: &String| context.components.iter().find(|component| component.id.as_str() == id);
    let mut chosen = Vec::with_capacity(ids.len());
    for id in ids {
        let component = known(id).ok_or_else(|| format!("Unknown component {id}."))?;
        chosen.push(component.id.clone());
    }
    chosen.sort();
    chosen.dedup();
    Ok(chosen)
}

/// `PATCH /v1/pages/{page}/subscribers/{subscriber}`: changes the components.
pub async fn update(Path((page, id)): Path<(String, String)>, mut change: Change<CanAdminister>) -> Result<Response> {
    let context = ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let before = find(&mut change.tx, &id, None).await?;
    let mut given = Params::from_object_or_body(&change.body, "subscriber", &[SUBSCRIBER_CHANGE.component_ids.name])?;
    let ids = given.list(SUBSCRIBER_CHANGE.component_ids);
    let mut after = before.clone();
    match ids.map(|ids| read_components(&context, &ids)) {
        None => {}
        Some(Ok(components)) if components.is_empty() => {
            given.add_error(SUBSCRIBER_CHANGE.component_ids, "Name at least one component.");
        }
        Some(Ok(components)) => after.scope = Scope::Components(components),
        Some(Err(message)) => given.add_error(SUBSCRIBER_CHANGE.component_ids, message),
    }
    given.finish(Ok(()), &[])?;
    let entry = match after == before {
        true => None,
        false => Some(actions::subscribers::edit(&mut change.tx, &before, &mut after, change.now).await?),
    };
    let state = change.state.clone();
    let view = SubscriberView::load(&mut change.tx, &state, &after).await?;
    change.commit(StatusCode::OK, &view, entry.as_slice()).await
}

/// `DELETE /v1/pages/{page}/subscribers/{subscriber}`
pub async fn destroy(Path((page, id)): Path<(String, String)>, mut change: Change<CanAdminister>) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let subscriber = find(&mut change.tx, &id, None).await?;
    remove(change, subscriber).await
}

/// Ends a subscription and answers with it.
pub(super) async fn remove(mut change: Change<CanAdminister>, subscriber: Subscriber) -> Result<Response> {
    let state = change.state.clone();
    let view = SubscriberView::load(&mut change.tx, &state, &subscriber).await?;
    let entry = unsubscribe_one(&mut change.tx, &state, &subscriber, change.now).await?;
    change.commit(StatusCode::OK, &view, &[entry]).await
}

pub(super) async fn unsubscribe_one(
    tx: &mut WriteTx,
    state: &State,
    subscriber: &Subscriber,
    now: DateTime<Utc>,
) -> Result<Entry> {
    let links = load_links(state)?;
    let keys = SubscriberKeys { secret_key: &state.secret_key, links: &links };
    Ok(actions::subscribers::unsubscribe(tx, keys, subscriber, now).await?)
}

/// `POST /v1/pages/{page}/subscribers/{subscriber}/resend_confirmation`
pub async fn resend(Path((page, id)): Path<(String, String)>, mut change: Change<CanAdminister>) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let subscriber = find(&mut change.tx, &id, None).await?;
    resend_to(change, &[subscriber], "/subscriber").await
}

/// Mails the confirmation again.
pub(super) async fn resend_to(
    mut change: Change<CanAdminister>,
    unconfirmed: &[Subscriber],
    pointer: &str,
) -> Result<Response> {
    if unconfirmed.iter().any(|subscriber| subscriber.state != SubscriberState::Unconfirmed) {
        return Err(Error::Unprocessable(vec![(pointer.to_owned(), "Only unconfirmed subscribers have one.".into())]));
    }
    let mut entries = Vec::new();
    for subscriber in unconfirmed {
        actions::subscribers::resend(&mut change.tx, subscriber, change.now).await?;
        entries.push(actions::subscribers::record_resend(subscriber));
    }
    change.commit_empty(StatusCode::CREATED, &entries).await
}

fn load_links(state: &State) -> Result<SubscriberLinks> {
    state.subscriber_links().map_err(Error::Internal)
}
