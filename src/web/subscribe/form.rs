//! `/subscribe`: the form of a new subscription.

use std::sync::PoisonError;

use axum::Extension;
use axum::extract::State as FromState;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::TimeDelta;

use super::request::{self, INVALID};
use super::{PageContext, compressed_response, describe_failure, form_response, links};
use crate::domain::Invalid;
use crate::domain::forms::{Fields, SubscriptionForm};
use crate::state::State;
use crate::ui::pages::public::subscribe::{FormNotice, SubscribePage, render_subscribe_page};
use crate::ui::pages::public::subscribe_links::{MailSentPage, render_mail_sent_page};
use crate::web::Result;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::form::{Form, QueryFields};

const PATH: &str = "/subscribe";
const MAX_FORM_AGE: TimeDelta = TimeDelta::hours(24);
/// The field that people don't see.
const HONEYPOT: &str = "website";

/// `GET /subscribe`, `?incident=ID`, `?component=ID`
pub async fn new(
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
    headers: HeaderMap,
) -> Result<Response> {
    let context = PageContext::load(&state, PATH)?;
    let mut form = SubscriptionForm::from_query(&query);
    let notice = (!form.choice.incident.is_empty() && context.incident_title(&form.choice.incident).is_none())
        .then(|| "This incident is resolved. Subscribe to the page to hear of the next one.".to_owned());
    if notice.is_some() {
        form.choice.incident.clear();
    }
    let is_known = |id: &String| context.snapshot.components.iter().any(|component| component.id.as_str() == id);
    form.choice.components.retain(is_known);
    form.choice.some_components = !form.choice.components.is_empty();
    render(&state, context, form, Outcome { status: StatusCode::OK, invalid: Invalid::new(), notice }, (&headers, None))
}

/// `POST /subscribe`
pub async fn create(
    FromState(state): FromState<State>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Form(fields): Form,
) -> Result<Response> {
    let context = PageContext::load(&state, PATH)?;
    let form = SubscriptionForm::read(&fields);
    let Some(outcome) = subscribe(&state, &context, &form, &fields, address).await? else {
        return Ok(mail_sent_response(context, form.email));
    };
    render(&state, context, form, outcome, (&headers, Some(fields.text("sent"))))
}

/// Why the form is shown again.
struct Outcome {
    status: StatusCode,
    invalid: Invalid,
    notice: FormNotice,
}

impl Outcome {
    fn notice(status: StatusCode, words: &str) -> Self {
        Self { status, invalid: Invalid::new(), notice: Some(words.to_owned()) }
    }

    fn invalid(invalid: Invalid) -> Self {
        // The incident has no field of its own.
        let notice = invalid.get("incident").map(str::to_owned);
        Self { status: INVALID, invalid, notice }
    }
}

/// `None` once the mail is on its way, or if a program filled the form in.
async fn subscribe(
    state: &State,
    context: &PageContext,
    form: &SubscriptionForm,
    fields: &Fields,
    address: ClientAddress,
) -> Result<Option<Outcome>> {
    let wish = match request::parse_request(state, &context.snapshot, form) {
        Ok(wish) => wish,
        Err(invalid) => return Ok(Some(Outcome::invalid(invalid))),
    };
    if !fields.text(HONEYPOT).is_empty() {
        return Ok(None);
    }
    let min_fill_time = *state.min_fill_time().lock().unwrap_or_else(PoisonError::into_inner);
    match links(state)?.form_age(&fields.text("sent"), state.clock.now()) {
        Some(age) if age < min_fill_time => {
            let words = "That was quicker than a person types. Please press the button again.";
            return Ok(Some(Outcome::notice(INVALID, words)));
        }
        Some(age) if age < MAX_FORM_AGE => {}
        _ => {
            let words = "This form was open for too long. Please press the button again.";
            return Ok(Some(Outcome::notice(INVALID, words)));
        }
    }
    match request::store_request(state, address, &wish).await {
        Ok(_) => Ok(None),
        Err(error) => describe_failure(error).map(|(status, words)| Some(Outcome::notice(status, &words))),
    }
}

/// The form with what was typed. Its stamp is the one it was sent with, if that still counts.
fn render(
    state: &State,
    context: PageContext,
    form: SubscriptionForm,
    outcome: Outcome,
    (headers, sent): (&HeaderMap, Option<String>),
) -> Result<Response> {
    let stamp = match &state.mailer {
        None => None,
        Some(_) => {
            let (links, now) = (links(state)?, state.clock.now());
            let valid = sent.filter(|sent| links.form_age(sent, now).is_some_and(|age| age < MAX_FORM_AGE));
            Some(valid.unwrap_or_else(|| links.form_stamp(now)))
        }
    };
    let components = context.components();
    let incident = context.incident_title(&form.choice.incident);
    let Outcome { status, invalid, notice } = outcome;
    let page = SubscribePage { shell: context.shell, form, invalid, notice, components, incident, stamp };
    Ok(compressed_response(&context.snapshot, status, &render_subscribe_page(page), headers))
}

/// The same for every state of the address.
fn mail_sent_response(context: PageContext, email: String) -> Response {
    let email = email.trim().to_owned();
    form_response(
        &context.snapshot,
        StatusCode::OK,
        render_mail_sent_page(MailSentPage { shell: context.shell, email, is_for_settings: false }),
    )
}
