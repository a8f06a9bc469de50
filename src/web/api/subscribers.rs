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
use super::request_body::{Flag, Ids, IdsOrText, NonEmptyIds, Place, Text, TextKind, UnsupportedText, request_body};
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
const MODES: [&str; 6] = ["email", "sms", "webhook", "integration_partner", "slack", "teams"];
/// Subscribers of a response. Statuspage returns all.
pub const MAX_LISTED: i64 = 10_000;
/// Subscribers that a search returns, and that a bulk request may name.
const MAX_FOUND: i64 = 100;
/// Subscribers that one request reactivates.
const MAX_REACTIVATED: i64 = 10_000;
const MAX_PAGE_NUMBER: i64 = 100_000;

text_values! {
    ModeKey = MODES.into_iter().filter(|kind| Channel::ALL.into_iter().any(|channel| mode(channel) == *kind));
    /// A type in a request.
    ModeFilterKey = MODES.into_iter();
    /// A state in a request.
    StateFilterKey = SubscriberState::ALL.into_iter().map(SubscriberState::key).chain(["all"]);
}

impl TextKind for ModeFilterKey {}
impl TextKind for StateFilterKey {}

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

request_body! {
    /// The subscribers that a request is about: ids, or `all`.
    SELECTION: SubscriberSelection = Place::TopLevel => {
        subscribers: IdsOrText,
        kind as "type": Option<ModeFilterKey>,
        state: Option<StateFilterKey>,
    }
    ignored {
        skip_unsubscription_notification: Option<Flag>,
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
fn read_filter(kind: &str, state: &str, at: &str) -> Result<(Option<Vec<Channel>>, Option<SubscriberState>)> {
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

fn mode(channel: Channel) -> &'static str {
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

/// The number of subscribers of each type.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Counts {
    email: i64,
    sms: i64,
    webhook: i64,
    integration_partner: i64,
    slack: i64,
    teams: i64,
}

/// The number of subscribers of each type in each state.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Histogram {
    email: Tally,
    sms: Tally,
    webhook: Tally,
    integration_partner: Tally,
    slack: Tally,
    teams: Tally,
}

#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Tally {
    active: i64,
    unconfirmed: i64,
    quarantined: i64,
    total: i64,
}

/// `GET /v1/pages/{page}/subscribers/count`
pub async fn count(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Json<Counts>> {
    let mut tx = state.db.read().await?;
    ApiContext::load_for(&mut tx, &page, &state).await?;
    let (channels, wanted) = read_filter(&query.text("type"), &query.text("state"), "")?;
    let counts = subscribers::count_by_channel(&mut tx).await?;
    let count = |kind: &str| -> i64 {
        let counted = counts.iter().filter(|(channel, state, _)| {
            mode(*channel) == kind
                && channels.as_ref().is_none_or(|channels| channels.contains(channel))
                && wanted.is_none_or(|wanted| wanted == *state)
        });
        counted.map(|(_, _, count)| count).sum()
    };
    let [email, sms, webhook, integration_partner, slack, teams] = MODES.map(count);
    Ok(Json(Counts { email, sms, webhook, integration_partner, slack, teams }))
}

/// `GET /v1/pages/{page}/subscribers/histogram_by_state`
pub async fn histogram(
    _program: Token<CanRead>,
    FromState(state): FromState<State>,
    Path(page): Path<String>,
) -> Result<Json<Histogram>> {
    let mut tx = state.db.read().await?;
    ApiContext::load_for(&mut tx, &page, &state).await?;
    let counts = subscribers::count_by_channel(&mut tx).await?;
    let tally = |kind: &str| {
        let of = |wanted: Option<SubscriberState>| -> i64 {
            let counted = counts
                .iter()
                .filter(|(channel, state, _)| mode(*channel) == kind && wanted.is_none_or(|wanted| wanted == *state));
            counted.map(|(_, _, count)| count).sum()
        };
        Tally {
            active: of(Some(SubscriberState::Active)),
            unconfirmed: of(Some(SubscriberState::Unconfirmed)),
            quarantined: of(Some(SubscriberState::Quarantined)),
            total: of(None),
        }
    };
    let [email, sms, webhook, integration_partner, slack, teams] = MODES.map(tally);
    Ok(Json(Histogram { email, sms, webhook, integration_partner, slack, teams }))
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

async fn unsubscribe_one(
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

/// `POST /v1/pages/{page}/subscribers/resend_confirmation`
pub async fn resend_many(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let mut given = Params::from_declared::<SubscriberSelection>(&change.body)?;
    let chosen = choose(&mut change.tx, &mut given, Some(SubscriberState::Unconfirmed), MAX_FOUND).await?;
    given.finish(Ok(()), &[])?;
    resend_to(change, &chosen, "/subscribers").await
}

/// `POST /v1/pages/{page}/subscribers/unsubscribe`
pub async fn unsubscribe_many(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let mut given = Params::from_declared::<SubscriberSelection>(&change.body)?;
    let state = given.nonempty_text(SELECTION.state).unwrap_or_default();
    let (_, state) = read_filter("", &state, "")?;
    let chosen = choose(&mut change.tx, &mut given, state, MAX_FOUND).await?;
    given.finish(Ok(()), &[])?;
    let (server, mut entries) = (change.state.clone(), Vec::new());
    for subscriber in &chosen {
        entries.push(unsubscribe_one(&mut change.tx, &server, subscriber, change.now).await?);
    }
    change.commit_empty(StatusCode::CREATED, &entries).await
}

/// `POST /v1/pages/{page}/subscribers/reactivate`
pub async fn reactivate_many(Path(page): Path<String>, mut change: Change<CanAdminister>) -> Result<Response> {
    ApiContext::load_for(&mut change.tx, &page, &change.state).await?;
    let mut given = Params::from_declared::<SubscriberSelection>(&change.body)?;
    let quarantined = Some(SubscriberState::Quarantined);
    let chosen = choose(&mut change.tx, &mut given, quarantined, MAX_REACTIVATED).await?;
    if chosen.iter().any(|subscriber| subscriber.state != SubscriberState::Quarantined) {
        given.add_error(SELECTION.subscribers, "Only quarantined subscribers can be reactivated.");
    }
    given.finish(Ok(()), &[])?;
    let mut entries = Vec::new();
    for subscriber in &chosen {
        entries.push(actions::subscribers::reactivate(&mut change.tx, subscriber, change.now).await?);
    }
    change.commit_empty(StatusCode::CREATED, &entries).await
}

/// The subscribers that a bulk request names: ids, or `all` in `state`, at most `most` of them.
async fn choose(tx: &mut Tx, given: &mut Params, state: Option<SubscriberState>, most: i64) -> Result<Vec<Subscriber>> {
    let kind = given.nonempty_text(SELECTION.kind).unwrap_or_default();
    let (channels, _) = read_filter(&kind, "", "")?;
    let names = given.list(SELECTION.subscribers).unwrap_or_default();
    if names == ["all"] {
        let channels = match channels {
            Some(channels) if channels.is_empty() => return Ok(Vec::new()),
            channels => channels.unwrap_or_default(),
        };
        let filter = SubscriberFilter { state, ..SubscriberFilter::default() };
        let sort = (SubscriberSort::Created, true);
        let all = subscribers::list_window(tx, &filter, &channels, sort, (0, most + 1)).await?;
        if i64::try_from(all.len()).unwrap_or(i64::MAX) > most {
            given.add_error(SELECTION.subscribers, format!("“all” is for at most {most} subscribers. Send ids."));
        }
        return Ok(all);
    }
    if names.is_empty() {
        given.add_error(SELECTION.subscribers, "Send a list of ids, or “all”.");
    }
    if i64::try_from(names.len()).unwrap_or(i64::MAX) > MAX_FOUND {
        given.add_error(SELECTION.subscribers, format!("At most {MAX_FOUND} ids."));
        return Ok(Vec::new());
    }
    let mut chosen: Vec<Subscriber> = Vec::new();
    for name in &names {
        match find(tx, name, None).await {
            Ok(found) if chosen.iter().any(|other| other.id == found.id) => {}
            Ok(found) => chosen.push(found),
            Err(Error::NotFound) => given.add_error(SELECTION.subscribers, "One of the subscribers does not exist."),
            Err(error) => return Err(error),
        }
    }
    Ok(chosen)
}

fn load_links(state: &State) -> Result<SubscriberLinks> {
    state.subscriber_links().map_err(Error::Internal)
}
