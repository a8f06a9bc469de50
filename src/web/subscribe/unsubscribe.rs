//! `/subscribe/unsubscribe/{token}`: GET asks, POST acts at once. Mail programs send the POST themselves (RFC 8058).

use axum::body::Bytes;
use axum::extract::{Path, State as FromState};
use axum::http::StatusCode;
use axum::response::Response;

use super::{PageContext, find_subscriber, form_response, invalid_link_response, links};
use crate::actions::subscribers::{self, SubscriberKeys};
use crate::credentials::subscriber_links::LinkKind;
use crate::db;
use crate::domain::SubscriberId;
use crate::domain::audit::Actor;
use crate::state::State;
use crate::ui::pages::public::subscription::{AnswerPage, Question, render_answer_page};
use crate::web::{Error, Result};

const PATH: &str = "/subscribe/unsubscribe";
/// The field of RFC 8058, section 3.1.
const FIELD: &str = "List-Unsubscribe";
const VALUE: &str = "One-Click";

/// `GET /subscribe/unsubscribe/{token}`
pub async fn show(FromState(state): FromState<State>, Path(token): Path<String>) -> Result<Response> {
    let context = PageContext::load(&state, PATH)?;
    let Some(id) = links(&state)?.verify(LinkKind::Unsubscribe, &token) else {
        return Ok(invalid_link_response(context));
    };
    let mut tx = state.db.read().await?;
    let found = find_subscriber(&mut tx, &id).await?;
    drop(tx);
    let Some(subscriber) = found else { return Ok(ended_response(context)) };
    let receiver = subscriber.endpoint_host.or(subscriber.email).unwrap_or_default();
    let question = Question { action: format!("{PATH}/{token}"), field: (FIELD, VALUE), words: "Unsubscribe" };
    let html = render_answer_page(AnswerPage {
        shell: context.shell,
        title: "Unsubscribe?",
        message: format!("No more updates are sent to {receiver}."),
        question: Some(question),
        links: vec![("Stay subscribed", "/".to_owned())],
    });
    Ok(form_response(&context.snapshot, StatusCode::OK, html))
}

/// `POST /subscribe/unsubscribe/{token}`: 200 also if the subscription has ended already.
pub async fn create(FromState(state): FromState<State>, Path(token): Path<String>, body: Bytes) -> Result<Response> {
    let context = PageContext::load(&state, PATH)?;
    let Some(id) = links(&state)?.verify(LinkKind::Unsubscribe, &token) else {
        return Ok(invalid_link_response(context));
    };
    if !is_one_click(&body) {
        return Err(Error::BadRequest(format!("To unsubscribe, send {FIELD}={VALUE}.")));
    }
    unsubscribe(&state, &id).await?;
    Ok(ended_response(context))
}

/// RFC 8058 allows both encodings of forms.
fn is_one_click(body: &[u8]) -> bool {
    let is_urlencoded = url::form_urlencoded::parse(body).any(|(name, value)| name == FIELD && value == VALUE);
    let text = String::from_utf8_lossy(body);
    is_urlencoded || text.contains(&format!("name=\"{FIELD}\"\r\n\r\n{VALUE}\r\n"))
}

/// Ends a subscription, if there is one.
pub async fn unsubscribe(state: &State, id: &SubscriberId) -> Result<bool> {
    let links = links(state)?;
    let keys = SubscriberKeys { secret_key: &state.secret_key, links: &links };
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let Some(subscriber) = find_subscriber(&mut tx, id).await? else { return Ok(false) };
    let entry = match subscribers::unsubscribe(&mut tx, keys, &subscriber, now).await {
        Err(db::Error::NotFound) => return Ok(false),
        ended => ended?,
    };
    tx.commit_private(&Actor::subscriber(), now, &[entry]).await?;
    Ok(true)
}

fn ended_response(context: PageContext) -> Response {
    let html = render_answer_page(AnswerPage {
        shell: context.shell,
        title: "You are unsubscribed",
        message: "No more updates are sent to you. What we stored about this subscription is deleted.".to_owned(),
        question: None,
        links: vec![("Subscribe again", "/subscribe".to_owned()), ("Current status", "/".to_owned())],
    });
    form_response(&context.snapshot, StatusCode::OK, html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_click_body_is_recognized_in_both_encodings() {
        assert!(is_one_click(b"List-Unsubscribe=One-Click"));
        let part = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
        assert!(is_one_click(part.as_bytes()));
        for other in ["", "List-Unsubscribe=", "List-Unsubscribe=one-click", "x=List-Unsubscribe%3DOne-Click"] {
            assert!(!is_one_click(other.as_bytes()), "{other}");
        }
    }
}
