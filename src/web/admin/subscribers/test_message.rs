use axum::extract::{Path, State as FromState};
use axum::response::Response;
use std::time::Duration;

use super::load_links;
use super::subscriber::{ChoiceEditor, find_subscriber};
use crate::actions;
use crate::credentials::random_bytes;
use crate::db::{Tx, page_settings, subscribers};
use crate::domain::forms::{Fields, SubscriberForm};
use crate::domain::subscriber::{Channel, SubscriberState};
use crate::domain::{NoticeId, Subscriber};
use crate::net::http_client::{HttpClient, ResponseLimits};
use crate::notify::SubscriberUrls;
use crate::notify::endpoint::{EndpointOutcome, deliver};
use crate::notify::endpoint_request::{EndpointRequest, MessageBody, OutgoingMessage, Target};
use crate::notify::standard_webhooks::webhook_key_pair;
use crate::publish::notices::{Links, TestBody, render_test_message};
use crate::state::State;
use crate::web::access::manager::{CanAdminister, Manager};
use crate::web::admin::edit::{Edit, Editor as _, Problem};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::{Error, Result};

/// Shorter than for a notice: an owner waits.
const LIMITS: ResponseLimits = ResponseLimits { time: Duration::from_secs(10), size: 8 * 1024 };

/// `POST /admin/subscribers/{id}/test`: sends a test to the endpoint, and shows what its answer means. The answer
/// itself is never shown.
pub async fn create(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let Edit { state, manager, mut tx, now, .. } = Edit::begin(state, manager, Fields::default()).await?;
    let subscriber = find_subscriber(&mut tx, &id).await?;
    let has_endpoint = subscriber.channel != Channel::Email && subscriber.state != SubscriberState::Unconfirmed;
    if !has_endpoint {
        return Err(Error::Conflict("A test needs a confirmed endpoint.".into()));
    }
    let request = compose_test(&state, &mut tx, &subscriber).await?;
    let entry = actions::subscribers::record_test(&subscriber);
    tx.commit(&manager.actor(), now, entry).await?;
    let client = HttpClient::new(&state.endpoint_hosts, LIMITS).map_err(|error| anyhow::anyhow!("{error}"))?;
    let result = match deliver(&client, request).await {
        EndpointOutcome::Delivered { .. } => "The endpoint accepted the test message.".to_owned(),
        EndpointOutcome::Retry { reason, .. } | EndpointOutcome::Gone { reason } => {
            format!("The test message was not accepted: {reason}.")
        }
    };
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    let form = SubscriberForm::from_subscriber(&subscriber);
    let editor = ChoiceEditor { subscriber, test_result: Some(result) };
    Ok(page_response(editor.html(&mut tx, shell, form, Problem::none()).await?))
}

async fn compose_test(state: &State, tx: &mut Tx, subscriber: &Subscriber) -> Result<EndpointRequest> {
    let (now, page) = (state.clock.now(), page_settings::load(tx).await?);
    let address = subscribers::find_address(tx, &subscriber.id).await?;
    let open = |sealed: Option<String>| -> anyhow::Result<Option<String>> {
        let Some(sealed) = sealed else { return Ok(None) };
        Ok(Some(String::from_utf8(state.secret_key.open(subscriber.id.as_str(), &sealed)?)?))
    };
    let endpoint = open(address.endpoint)?.unwrap_or_default();
    let target = Target::from_stored(subscriber.channel, endpoint, open(address.secret)?);
    let target = target.map_err(|reason| anyhow::anyhow!(reason))?;
    let urls = SubscriberUrls::new(&state.origin, &load_links(state)?, &subscriber.id);
    let links = Links { manage_url: urls.manage, unsubscribe_url: urls.unsubscribe };
    let body = match render_test_message(&page, &state.origin, subscriber.channel, &links, now) {
        Some(TestBody::Text(text)) => MessageBody::Text(text),
        Some(TestBody::Json(json)) => MessageBody::Json(json),
        None => return Err(Error::NotFound),
    };
    let id = format!("{}-{}", NoticeId::from_random(random_bytes()), subscriber.id);
    let message = OutgoingMessage { id: &id, body, thread_key: "test", previous_message_id: None, now };
    let request = target.request(&message, Some(&webhook_key_pair(&state.secret_key)?));
    Ok(request.map_err(|reason| anyhow::anyhow!(reason))?)
}
