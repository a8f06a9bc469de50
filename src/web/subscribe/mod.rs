//! Subscribing and the links of subscribers, without a session: what counts is the mail that confirms a request, and
//! the signed token in its links. Nothing here changes anything on GET.

pub mod api;
pub mod bounce_hook;
pub mod confirm;
pub mod form;
pub mod lost_link;
pub mod manage;
mod request;
pub mod unsubscribe;
mod verification;

use std::sync::PoisonError;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::credentials::subscriber_links::{LinkKind, SubscriberLinks};
use crate::db::{self, subscribers};
use crate::domain::rate_limit::RateLimit;
use crate::domain::subscriber::Scope;
use crate::domain::{Invalid, Subscriber, SubscriberId};
use crate::publish::{CSP_NONE, Encoding, Snapshot, compress, form_security_policy};
use crate::state::State;
use crate::ui::pages::public::subscribe::ComponentChoices;
use crate::ui::pages::public::subscribe_links::{LostLinkPage, LostLinkReason, render_lost_link_page};
use crate::ui::public_layout::PublicContext;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::{Error, Result};

/// Where one-click requests and the settings lead.
const MANAGE_PATH: &str = "/subscribe/manage";
const UNSUBSCRIBE_PATH: &str = "/subscribe/unsubscribe";

/// What every page of a subscriber needs, from memory: the database may be down.
struct PageContext {
    snapshot: std::sync::Arc<Snapshot>,
    shell: PublicContext,
}

impl PageContext {
    /// `path` contains no token.
    fn load(state: &State, path: &str) -> Result<Self> {
        let snapshot = state.publisher.snapshot().ok_or(Error::Busy)?;
        let shell = snapshot.public_context(&state.origin, path, state.clock.now());
        Ok(Self { snapshot, shell })
    }

    fn components(&self) -> ComponentChoices {
        ComponentChoices { groups: self.snapshot.groups.clone(), components: self.snapshot.components.clone() }
    }

    /// The title of an open incident.
    fn incident_title(&self, id: &str) -> Option<String> {
        let found = self.snapshot.open.iter().find(|incident| incident.id.as_str() == id);
        found.map(|incident| incident.title.clone())
    }

    fn subject_title(&self, subscriber: &Subscriber) -> Option<String> {
        match &subscriber.scope {
            Scope::Incident(id) => self.incident_title(id.as_str()),
            Scope::Page | Scope::Components(_) => None,
        }
    }
}

/// The subscriber of a link, if the token is ours and the subscription exists.
async fn find_by_token(state: &State, kind: LinkKind, token: &str) -> Result<Option<Subscriber>> {
    let Some(id) = links(state)?.verify(kind, token) else { return Ok(None) };
    let mut tx = state.db.read().await?;
    find_subscriber(&mut tx, &id).await
}

async fn find_subscriber(tx: &mut db::Tx, id: &SubscriberId) -> Result<Option<Subscriber>> {
    match subscribers::find(tx, id).await {
        Ok(found) => Ok(Some(found)),
        Err(db::Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn links(state: &State) -> Result<SubscriberLinks> {
    Ok(state.subscriber_links()?)
}

fn link_path(path: &str, links: &SubscriberLinks, kind: LinkKind, id: &SubscriberId) -> String {
    format!("{path}/{}", links.token(kind, id))
}

/// Counts a request of the client's network.
fn count_request(
    limit: &std::sync::Mutex<RateLimit>,
    state: &State,
    ClientAddress(address): ClientAddress,
) -> Result<()> {
    // Only tests without a connection have no address.
    let Some(address) = address else { return Ok(()) };
    let mut limit = limit.lock().unwrap_or_else(PoisonError::into_inner);
    limit.take(address, state.clock.monotonic()).map_err(Error::TooMany)
}

/// A page of a subscriber: not cached, and its URL, which may be a secret, is not sent as a referrer.
fn form_response(snapshot: &Snapshot, status: StatusCode, html: String) -> Response {
    let policy = HeaderValue::from_str(&form_security_policy(&snapshot.page)).unwrap_or(CSP_NONE);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (status, headers, html).into_response()
}

/// As [`form_response`], compressed. Only for pages without a secret beside typed text.
fn compressed_response(snapshot: &Snapshot, status: StatusCode, html: &str, request: &HeaderMap) -> Response {
    let accepted = request.get(header::ACCEPT_ENCODING).map(HeaderValue::as_bytes);
    let encoding = Encoding::from_accept_encoding(accepted.unwrap_or_default());
    let mut response = form_response(snapshot, status, String::new());
    if let Some(name) = encoding.name() {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = compress(encoding, html.as_bytes()).into();
    response
}

/// 404 with a form that mails a new link.
fn invalid_link_response(context: PageContext) -> Response {
    let html = render_lost_link_page(LostLinkPage {
        shell: context.shell,
        email: String::new(),
        invalid: Invalid::new(),
        notice: None,
        reason: LostLinkReason::InvalidLink,
    });
    form_response(&context.snapshot, StatusCode::NOT_FOUND, html)
}

/// What a form shows if saving failed, with the response's status; other errors have pages of their own.
fn describe_failure(error: Error) -> Result<(StatusCode, String)> {
    match error {
        Error::Unavailable(_) | Error::Busy => Ok((
            StatusCode::SERVICE_UNAVAILABLE,
            "We can't save this right now. Nothing was changed; please try again in a minute.".to_owned(),
        )),
        Error::TooMany(_) => Ok((
            StatusCode::TOO_MANY_REQUESTS,
            "Too many requests came from your network. Please try again in a few minutes.".to_owned(),
        )),
        Error::Conflict(sentence) => Ok((StatusCode::CONFLICT, sentence)),
        other => Err(other),
    }
}
