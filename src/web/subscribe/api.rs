//! Statuspage's public API of subscribers, and where the forms of its pages post to. Scripts of any origin may use it:
//! a request causes one mail, and ending a subscription needs the signed token of its settings.

use axum::body::Bytes;
use axum::extract::{Path, State as FromState};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::request::{channel_of_endpoint, parse_request, require_mail, store_request};
use super::unsubscribe::unsubscribe;
use super::{PageContext, count_request, describe_failure, find_by_token, find_subscriber};
use crate::actions;
use crate::actions::subscribers::SubscriptionRequest;
use crate::credentials::subscriber_links::LinkKind;
use crate::domain::forms::{ChoiceForm, Fields, SubscriptionForm};
use crate::domain::subscriber::{Channel, SubscriberState};
use crate::domain::{Invalid, SubscriberId};
use crate::publish::api::stamp;
use crate::state::State;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::form::read_form;
use crate::web::{Error, Result};

const NO_PHONE: &str = "Text messages are not supported. Use an e-mail address or an endpoint.";

/// `POST /api/v2/subscribers.json`
pub async fn create(
    FromState(state): FromState<State>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let context = PageContext::load(&state, "/subscribe")?;
    let typed = ApiSubscriber::read(&headers, &body)?;
    let wish = typed.parse(&state, &context).map_err(|wrong| with_pointers(&wrong))?;
    let subscriber = store_request(&state, address, &wish).await?;
    // The same for every state of the address.
    let answer = answer_document(&context, &subscriber.id, &wish, state.clock.now());
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `DELETE /api/v2/subscribers/TOKEN.json`: the token of the settings, not the id.
pub async fn destroy(FromState(state): FromState<State>, Path(name): Path<String>) -> Result<Response> {
    let context = PageContext::load(&state, "/subscribe")?;
    let token = name.strip_suffix(".json").unwrap_or(&name);
    let found = find_by_token(&state, LinkKind::Manage, token).await?.ok_or(Error::NotFound)?;
    let endpoint = super::verification::open_endpoint(&state, &found).await?;
    if !unsubscribe(&state, &found.id).await? {
        return Err(Error::NotFound);
    }
    let wish = SubscriptionRequest {
        channel: found.channel,
        email: found.email,
        endpoint,
        scope: found.scope,
        incidents: found.incidents,
        maintenance: found.maintenance,
    };
    Ok(Json(answer_document(&context, &found.id, &wish, found.requested_at)).into_response())
}

/// `POST /api/v2/subscriptions/ID/resend_confirmation`: the same answer for every id.
pub async fn resend(
    FromState(state): FromState<State>,
    Extension(address): Extension<ClientAddress>,
    Path(name): Path<String>,
) -> Result<Response> {
    require_mail(&state)?;
    count_request(state.subscription_requests(), &state, address)?;
    let bare = name.split('.').next().unwrap_or_default();
    let mut tx = state.db.write().await?;
    let found = match SubscriberId::parse(bare) {
        Some(id) => find_subscriber(&mut tx, &id).await?,
        None => None,
    };
    if let Some(subscriber) = found.filter(|found| found.state == SubscriberState::Unconfirmed) {
        actions::subscribers::request_resend(&mut tx, &subscriber, state.clock.now()).await?;
    }
    tx.commit_unaudited().await?;
    Ok((StatusCode::CREATED, Json(json!({}))).into_response())
}

/// `POST /subscriptions/new-email`, `new-sms`, `webhook.json`, `incident.json`: the answer is 200 with the type of its
/// text, because Statuspage's script shows no other.
pub async fn statuspage_form(
    FromState(state): FromState<State>,
    Extension(address): Extension<ClientAddress>,
    Path(form): Path<String>,
    body: Bytes,
) -> Result<Response> {
    let form = form.strip_suffix(".json").unwrap_or(&form).to_owned();
    if !["new-email", "new-sms", "webhook", "incident"].contains(&form.as_str()) {
        return Err(Error::NotFound);
    }
    let context = PageContext::load(&state, "/subscribe")?;
    let typed = ApiSubscriber::from_page_form(&form, &read_form(&body)?);
    let (status, kind, text) = match typed.parse(&state, &context) {
        Err(wrong) => (StatusCode::OK, "error", wrong.iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")),
        Ok(wish) => match store_request(&state, address, &wish).await {
            Ok(_) => {
                let email = wish.email.as_deref().unwrap_or_default();
                let text = format!("Open the mail we sent to {email} and press the link in it.");
                (StatusCode::OK, "success", text)
            }
            Err(error) => {
                let (status, words) = describe_failure(error)?;
                (status, "error", words)
            }
        },
    };
    Ok((status, Json(json!({ "type": kind, "text": text }))).into_response())
}

/// What a client typed, by the names of Statuspage's API.
#[derive(Clone, Debug, Default)]
struct ApiSubscriber {
    email: String,
    endpoint: String,
    has_phone: bool,
    components: Vec<String>,
    incident: String,
}

impl ApiSubscriber {
    fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/json") {
            let value: Value = serde_json::from_slice(body)
                .map_err(|error| Error::BadRequest(format!("The body is not JSON: {error}.")))?;
            return Ok(Self::from_json(value.get("subscriber").unwrap_or(&Value::Null)));
        }
        let fields = read_form(body)?;
        let text = |name: &str| fields.text(&format!("subscriber[{name}]"));
        let mut components = fields.values("subscriber[component_id]");
        components.extend(fields.values("subscriber[component_ids][]"));
        Ok(Self {
            email: text("email"),
            endpoint: text("endpoint"),
            has_phone: !text("phone_number").is_empty(),
            components,
            incident: Some(text("incident_id")).filter(|id| !id.is_empty()).unwrap_or_else(|| text("incident")),
        })
    }

    fn from_json(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let ids = |name: &str| match value.get(name) {
            Some(Value::String(id)) => vec![id.clone()],
            Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Self {
            email: text("email"),
            endpoint: text("endpoint"),
            has_phone: value.get("phone_number").is_some_and(|phone| !phone.is_null()),
            components: [ids("component_id"), ids("component_ids")].concat(),
            incident: Some(text("incident_id")).filter(|id| !id.is_empty()).unwrap_or_else(|| text("incident")),
        }
    }

    /// The forms of Statuspage's pages.
    fn from_page_form(form: &str, fields: &Fields) -> Self {
        let endpoint = if form == "webhook" { fields.text("endpoint") } else { String::new() };
        Self {
            email: fields.text("email"),
            endpoint,
            has_phone: form == "new-sms" || !fields.text("phone_number").is_empty(),
            components: fields.values("component_id"),
            incident: if form == "incident" { fields.text("incident_code") } else { String::new() },
        }
    }

    fn parse(&self, state: &State, context: &PageContext) -> std::result::Result<SubscriptionRequest, Invalid> {
        if self.has_phone {
            return Err(Invalid::field("phone_number", NO_PHONE));
        }
        let known = &context.snapshot.components;
        if let Some(other) = self.components.iter().find(|id| !known.iter().any(|it| it.id.as_str() == id.as_str())) {
            return Err(Invalid::field("component_id", format!("Unknown component {other:?}.")));
        }
        let channel = match self.endpoint.trim() {
            "" => Channel::Email,
            endpoint => channel_of_endpoint(endpoint),
        };
        let choice = ChoiceForm {
            some_components: !self.components.is_empty(),
            components: self.components.clone(),
            incident: self.incident.clone(),
            ..ChoiceForm::default()
        };
        let form = SubscriptionForm {
            channel: channel.key().to_owned(),
            email: self.email.clone(),
            endpoint: self.endpoint.clone(),
            choice,
        };
        parse_request(state, &context.snapshot, &form)
    }
}

fn with_pointers(wrong: &Invalid) -> Error {
    let name = |field: &str| match field {
        "incident" => "incident_id".to_owned(),
        other => other.to_owned(),
    };
    let messages = wrong.iter().map(|(field, text)| (format!("/subscriber/{}", name(field)), text.to_owned()));
    Error::Unprocessable(messages.collect())
}

/// In the order of Statuspage's answer.
#[derive(Serialize)]
struct SubscriberDocument<'a> {
    subscriber: SubscriberObject<'a>,
}

#[derive(Serialize)]
struct SubscriberObject<'a> {
    created_at: String,
    skip_confirmation_notification: bool,
    quarantined_at: Option<String>,
    id: &'a SubscriberId,
    mode: &'static str,
    purge_at: Option<String>,
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
}

fn answer_document<'a>(
    context: &PageContext,
    id: &'a SubscriberId,
    wish: &'a SubscriptionRequest,
    created_at: DateTime<Utc>,
) -> SubscriberDocument<'a> {
    SubscriberDocument {
        subscriber: SubscriberObject {
            created_at: stamp(created_at, context.shell.zone()),
            skip_confirmation_notification: false,
            quarantined_at: None,
            id,
            mode: if wish.channel == Channel::Email { "email" } else { "webhook" },
            purge_at: None,
            email: wish.email.as_deref(),
            endpoint: wish.endpoint.as_ref().map(Url::as_str),
        },
    }
}
