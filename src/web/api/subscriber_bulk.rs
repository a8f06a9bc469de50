//! Requests about many subscribers at once.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::change::Change;
use super::page_context::ApiContext;
use super::params::Params;
use super::request_body::{Flag, IdsOrText, Place, TextKind, request_body};
use super::subscribers::{MAX_FOUND, MODES, find, read_filter, resend_to, unsubscribe_one};
use crate::actions;
use crate::db::Tx;
use crate::db::subscribers::{self, SubscriberFilter, SubscriberSort};
use crate::domain::Subscriber;
use crate::domain::subscriber::SubscriberState;
use crate::publish::api::schema::text_values;
use crate::web::access::manager::CanAdminister;
use crate::web::{Error, Result};

/// Subscribers that one request reactivates.
const MAX_REACTIVATED: i64 = 10_000;

text_values! {
    /// A type in a request.
    ModeFilterKey = MODES.into_iter();
    /// A state in a request.
    StateFilterKey = SubscriberState::ALL.into_iter().map(SubscriberState::key).chain(["all"]);
}

impl TextKind for ModeFilterKey {}
impl TextKind for StateFilterKey {}

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
