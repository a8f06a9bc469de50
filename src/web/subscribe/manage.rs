//! `/subscribe/manage/{token}`: the settings of one subscription.

use axum::Extension;
use axum::extract::{Path, State as FromState};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::request::INVALID;
use super::verification::{open_endpoint, verify_endpoint};
use super::{
    PageContext, UNSUBSCRIBE_PATH, count_request, describe_failure, find_by_token, find_subscriber, form_response,
    invalid_link_response, link_path, links,
};
use crate::actions::subscribers::{self as actions, SubscriberKeys};
use crate::credentials::subscriber_links::LinkKind;
use crate::db::{self, subscribers};
use crate::domain::audit::Actor;
use crate::domain::forms::{ChoiceForm, Fields};
use crate::domain::subscriber::{CONSENT_TEXT, Scope, SubscriberState};
use crate::domain::{Invalid, Subscriber};
use crate::state::State;
use crate::ui::pages::public::subscription::{
    AnswerPage, ManagePage, Question, render_answer_page, render_manage_page,
};
use crate::web::edge::client_ip::ClientAddress;
use crate::web::form::Form;
use crate::web::{Error, Result};

const PATH: &str = "/subscribe/manage";

/// `GET /subscribe/manage/{token}`
pub async fn show(FromState(state): FromState<State>, Path(token): Path<String>) -> Result<Response> {
    let context = PageContext::load(&state, PATH)?;
    match find_by_token(&state, LinkKind::Manage, &token).await? {
        None => Ok(invalid_link_response(context)),
        Some(subscriber) => render(&state, context, token, subscriber, Shown::default()),
    }
}

/// What the page says beside the settings.
struct Shown {
    status: StatusCode,
    /// What was typed, if it was not saved.
    choice: Option<ChoiceForm>,
    invalid: Invalid,
    notice: Option<String>,
    done: Option<&'static str>,
    secret: Option<String>,
}

impl Default for Shown {
    fn default() -> Self {
        Self { status: StatusCode::OK, choice: None, invalid: Invalid::new(), notice: None, done: None, secret: None }
    }
}

impl Shown {
    fn done(words: &'static str) -> Self {
        Self { done: Some(words), ..Self::default() }
    }

    fn notice(status: StatusCode, words: String) -> Self {
        Self { status, notice: Some(words), ..Self::default() }
    }
}

/// `POST /subscribe/manage/{token}`: the pressed button is the field `action`.
pub async fn change(
    FromState(state): FromState<State>,
    Extension(address): Extension<ClientAddress>,
    Path(token): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let context = PageContext::load(&state, PATH)?;
    let Some(subscriber) = find_by_token(&state, LinkKind::Manage, &token).await? else {
        return Ok(invalid_link_response(context));
    };
    let action = fields.text("action");
    let changed = match count_request(state.subscriber_changes(), &state, address) {
        Ok(()) => match action.as_str() {
            "export" => return export(&state, &subscriber).await,
            "erase" => return Ok(erase_question(context, &token)),
            "erase-all" => return erase(&state, context, &subscriber).await,
            _ => apply(&state, &context, &subscriber, &action, &fields).await,
        },
        Err(error) => Err(error),
    };
    let shown = match changed {
        Ok(shown) => shown,
        Err(error) => {
            let (status, words) = describe_failure(error)?;
            Shown { choice: (action == "save").then(|| ChoiceForm::read(&fields)), ..Shown::notice(status, words) }
        }
    };
    match find_by_token(&state, LinkKind::Manage, &token).await {
        Ok(None) => Ok(invalid_link_response(context)),
        Ok(Some(subscriber)) => render(&state, context, token, subscriber, shown),
        // The database failed: the page shows what was read before.
        Err(Error::Unavailable(_)) => render(&state, context, token, subscriber, shown),
        Err(error) => Err(error),
    }
}

async fn apply(
    state: &State,
    context: &PageContext,
    subscriber: &Subscriber,
    action: &str,
    fields: &Fields,
) -> Result<Shown> {
    match action {
        "save" => save_choice(state, context, subscriber, fields).await,
        "pause" => {
            let now = state.clock.now();
            edit(state, subscriber, |it| it.paused_at = it.paused_at.or(Some(now))).await?;
            Ok(Shown::done("Paused."))
        }
        "resume" => {
            edit(state, subscriber, |it| it.paused_at = None).await?;
            Ok(Shown::done("You get messages again."))
        }
        "reactivate" => reactivate(state, subscriber).await,
        "secret" => Ok(Shown { secret: open_secret(state, subscriber).await?, ..Shown::default() }),
        _ => Err(Error::Unfit("Unknown action.".into())),
    }
}

async fn save_choice(state: &State, context: &PageContext, subscriber: &Subscriber, fields: &Fields) -> Result<Shown> {
    let typed = ChoiceForm { incident: String::new(), ..ChoiceForm::read(fields) };
    if matches!(subscriber.scope, Scope::Incident(_)) {
        return Err(Error::Unfit("A subscription to one incident has no other settings.".into()));
    }
    match typed.parse(&context.snapshot.components) {
        Err(invalid) => Ok(Shown { status: INVALID, choice: Some(typed), invalid, ..Shown::default() }),
        Ok(choice) => {
            edit(state, subscriber, |it| {
                it.scope = choice.scope;
                (it.incidents, it.maintenance) = (choice.incidents, choice.maintenance);
            })
            .await?;
            Ok(Shown::done("Saved."))
        }
    }
}

/// Saves a change; without one nothing is written.
async fn edit(state: &State, subscriber: &Subscriber, change: impl FnOnce(&mut Subscriber)) -> Result<()> {
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let Some(before) = find_subscriber(&mut tx, &subscriber.id).await? else { return Ok(()) };
    let mut after = before.clone();
    change(&mut after);
    if let (Scope::Components(kept), Scope::Components(chosen)) = (&before.scope, &mut after.scope) {
        // The database returns them in this order.
        chosen.sort();
        if kept == chosen {
            chosen.clone_from(kept);
        }
    }
    if after == before {
        return Ok(());
    }
    let entry = actions::edit(&mut tx, &before, &mut after, now).await?;
    Ok(tx.commit_private(&Actor::subscriber(), now, &[entry]).await?)
}

async fn reactivate(state: &State, subscriber: &Subscriber) -> Result<Shown> {
    if subscriber.state != SubscriberState::Quarantined {
        return Ok(Shown::done("The subscription is active."));
    }
    if let Err(reason) = verify_endpoint(state, subscriber).await? {
        return Ok(Shown::notice(INVALID, reason));
    }
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let found = find_subscriber(&mut tx, &subscriber.id).await?;
    let Some(before) = found.filter(|found| found.state == SubscriberState::Quarantined) else {
        return Ok(Shown::default());
    };
    let entry = actions::reactivate(&mut tx, &before, now).await?;
    tx.commit_private(&Actor::subscriber(), now, &[entry]).await?;
    Ok(Shown::done("Reactivated."))
}

async fn open_secret(state: &State, subscriber: &Subscriber) -> Result<Option<String>> {
    let mut tx = state.db.read().await?;
    let address = subscribers::find_address(&mut tx, &subscriber.id).await?;
    drop(tx);
    let Some(sealed) = address.secret else { return Ok(None) };
    let opened = state.secret_key.open(subscriber.id.as_str(), &sealed)?;
    Ok(Some(String::from_utf8(opened).map_err(db::Error::other)?))
}

/// Everything stored about the e-mail address of the subscription.
async fn export(state: &State, subscriber: &Subscriber) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let all = match &subscriber.email {
        Some(email) => subscribers::list_by_email(&mut tx, email).await?,
        None => vec![subscriber.clone()],
    };
    drop(tx);
    let mut rows = Vec::new();
    for it in &all {
        let endpoint = open_endpoint(state, it).await?;
        rows.push(json!({
            "id": it.id,
            "channel": it.channel,
            "email": it.email,
            "endpoint": endpoint,
            "scope": it.scope,
            "incidents": it.incidents,
            "maintenance": it.maintenance,
            "state": it.state,
            "paused_at": it.paused_at,
            "requested_at": it.requested_at,
            "confirmed_at": it.confirmed_at,
            "consent_version": it.consent_version,
            "quarantined_at": it.quarantined_at,
            "quarantine_reason": it.quarantine_reason,
            "updated_at": it.updated_at,
        }));
    }
    let document = json!({
        "exported_at": state.clock.now(),
        "page": state.origin,
        "consent_text": CONSENT_TEXT,
        "subscriptions": rows,
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"subscriptions.json\"")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    Ok((headers, format!("{document:#}\n")).into_response())
}

fn erase_question(context: PageContext, token: &str) -> Response {
    let action = format!("{PATH}/{token}");
    let html = render_answer_page(AnswerPage {
        shell: context.shell,
        title: "Delete your data?",
        message:
            "All subscriptions of your e-mail address end, and what is stored about them is deleted. An encrypted \
                  mark stays for 90 days, so that no import adds your address again."
                .to_owned(),
        question: Some(Question { action: action.clone(), field: ("action", "erase-all"), words: "Delete my data" }),
        links: vec![("Keep it", action)],
    });
    form_response(&context.snapshot, StatusCode::OK, html)
}

async fn erase(state: &State, context: PageContext, subscriber: &Subscriber) -> Result<Response> {
    let links = links(state)?;
    let keys = SubscriberKeys { secret_key: &state.secret_key, links: &links };
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let entries = match &subscriber.email {
        Some(email) => actions::erase(&mut tx, keys, email, now).await?,
        None => vec![actions::unsubscribe(&mut tx, keys, subscriber, now).await?],
    };
    tx.commit_private(&Actor::subscriber(), now, &entries).await?;
    let html = render_answer_page(AnswerPage {
        shell: context.shell,
        title: "Your data is deleted",
        message: "All your subscriptions have ended.".to_owned(),
        question: None,
        links: vec![("Current status", "/".to_owned())],
    });
    Ok(form_response(&context.snapshot, StatusCode::OK, html))
}

fn render(
    state: &State,
    context: PageContext,
    token: String,
    subscriber: Subscriber,
    shown: Shown,
) -> Result<Response> {
    let unsubscribe = link_path(UNSUBSCRIBE_PATH, &links(state)?, LinkKind::Unsubscribe, &subscriber.id);
    let Shown { status, choice, invalid, notice, done, secret } = shown;
    let (incident, components) = (context.subject_title(&subscriber), context.components());
    let choice = choice.unwrap_or_else(|| ChoiceForm::from_subscriber(&subscriber));
    let html = render_manage_page(ManagePage {
        shell: context.shell,
        token,
        subscriber,
        incident,
        choice,
        components,
        invalid,
        notice,
        done,
        secret,
        unsubscribe,
    });
    Ok(form_response(&context.snapshot, status, html))
}
