//! `/subscribe/confirm/{token}`: GET shows what will be confirmed, POST confirms it.

use axum::Extension;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::Response;

use super::request::INVALID;
use super::verification::verify_endpoint;
use super::{
    MANAGE_PATH, PageContext, count_request, describe_failure, find_by_token, find_subscriber, form_response,
    invalid_link_response, link_path, links,
};
use crate::actions::subscribers::{self, SubscriberKeys};
use crate::credentials::subscriber_links::LinkKind;
use crate::domain::Subscriber;
use crate::domain::audit::Actor;
use crate::domain::subscriber::{Channel, SubscriberState};
use crate::state::State;
use crate::ui::pages::public::subscription::{AnswerPage, ConfirmPage, render_answer_page, render_confirm_page};
use crate::web::Result;
use crate::web::edge::client_ip::ClientAddress;

const PATH: &str = "/subscribe/confirm";

/// `GET /subscribe/confirm/{token}`
pub async fn show(FromState(state): FromState<State>, Path(token): Path<String>) -> Result<Response> {
    let context = PageContext::load(&state, PATH)?;
    match find_by_token(&state, LinkKind::Confirm, &token).await? {
        None => Ok(invalid_link_response(context)),
        Some(subscriber) if subscriber.state == SubscriberState::Active => {
            confirmed_response(&state, context, &subscriber)
        }
        Some(subscriber) => Ok(question(context, token, subscriber, StatusCode::OK, None)),
    }
}

/// `POST /subscribe/confirm/{token}`
pub async fn create(
    FromState(state): FromState<State>,
    Extension(address): Extension<ClientAddress>,
    Path(token): Path<String>,
) -> Result<Response> {
    let context = PageContext::load(&state, PATH)?;
    let Some(subscriber) = find_by_token(&state, LinkKind::Confirm, &token).await? else {
        return Ok(invalid_link_response(context));
    };
    if subscriber.state == SubscriberState::Active {
        return confirmed_response(&state, context, &subscriber);
    }
    let checked = match count_request(state.subscriber_changes(), &state, address) {
        Ok(()) => verify_endpoint(&state, &subscriber).await,
        Err(error) => Err(error),
    };
    let confirmed = match checked {
        Ok(Ok(())) => confirm(&state, &subscriber).await,
        Ok(Err(reason)) => return Ok(question(context, token, subscriber, INVALID, Some(reason))),
        Err(error) => Err(error),
    };
    match confirmed {
        Ok(Some(subscriber)) => confirmed_response(&state, context, &subscriber),
        Ok(None) => Ok(invalid_link_response(context)),
        Err(error) => {
            let (status, words) = describe_failure(error)?;
            Ok(question(context, token, subscriber, status, Some(words)))
        }
    }
}

/// `None` if the subscription has ended meanwhile.
async fn confirm(state: &State, subscriber: &Subscriber) -> Result<Option<Subscriber>> {
    let links = links(state)?;
    let keys = SubscriberKeys { secret_key: &state.secret_key, links: &links };
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let Some(found) = find_subscriber(&mut tx, &subscriber.id).await? else { return Ok(None) };
    let (subscriber, entry) = subscribers::confirm(&mut tx, keys, found, now).await?;
    if let Some(entry) = entry {
        tx.commit_private(&Actor::subscriber(), now, &[entry]).await?;
    }
    Ok(Some(subscriber))
}

fn question(
    context: PageContext,
    token: String,
    subscriber: Subscriber,
    status: StatusCode,
    notice: Option<String>,
) -> Response {
    let incident = context.subject_title(&subscriber);
    form_response(
        &context.snapshot,
        status,
        render_confirm_page(ConfirmPage { shell: context.shell, token, subscriber, incident, notice }),
    )
}

fn confirmed_response(state: &State, context: PageContext, subscriber: &Subscriber) -> Result<Response> {
    let settings = link_path(MANAGE_PATH, &links(state)?, LinkKind::Manage, &subscriber.id);
    let message = match subscriber.channel {
        Channel::Email => "You get an e-mail when there is news.",
        Channel::Webhook => "The endpoint is verified and gets a message when there is news.",
        _ => "The channel gets a message when there is news.",
    };
    let html = render_answer_page(AnswerPage {
        shell: context.shell,
        title: "You are subscribed",
        message: message.to_owned(),
        question: None,
        links: vec![("Change what you get", settings), ("Current status", "/".to_owned())],
    });
    Ok(form_response(&context.snapshot, StatusCode::OK, html))
}
