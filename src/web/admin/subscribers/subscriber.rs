use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::{LIST, load_links, load_queue, scope_words};
use crate::actions;
use crate::actions::subscribers::{SubscriberKeys, SubscriptionRequest, parse_endpoint};
use crate::db::{self, Tx, components, deliveries, notices, subscribers};
use crate::domain::audit::Entry;
use crate::domain::forms::{Fields, SubscriberForm};
use crate::domain::history::Cursor;
use crate::domain::notice::Event;
use crate::domain::subscriber::{Channel, Scope, SubscriberState};
use crate::domain::{Component, Invalid, Role, Subscriber, SubscriberId};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{
    DeliveryRow, SubscriberEdit, SubscriberList, SubscriberNew, SubscriberRow, SubscriberSearch,
};
use crate::web::access::manager::{CanAdminister, CanPublish, CanRead, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show as show_editor};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::{admin_context, component_board};
use crate::web::page::page_response;
use crate::web::page::pagination;
use crate::web::{Error, Result};

/// Messages on a subscriber's page.
const MAX_DELIVERIES: i64 = 20;

/// `GET /admin/subscribers`: the list, or for viewers the counts only.
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let search = SubscriberSearch { text: query.text("q"), channel: query.text("channel"), state: query.text("state") };
    let (mut list, mut older) = (None, None);
    if manager.is_at_least(Role::Publisher) {
        let cursor = Cursor::parse(&query.text("before"));
        let filter = subscribers::SubscriberFilter {
            search: search.text.trim().chars().take(254).collect(),
            channel: Channel::from_key(&search.channel),
            state: SubscriberState::from_key(&search.state),
            incident: None,
        };
        let mut found = subscribers::list(&mut tx, &filter, cursor.as_ref(), pagination::READ_LIMIT).await?;
        older = pagination::take_page(&mut found, subscribers::cursor);
        list = Some(describe(&mut tx, found).await?);
    }
    let counts = subscribers::count_by_channel(&mut tx).await?;
    let queue = load_queue(&state, &mut tx).await?;
    Ok(page_response(SubscriberList { shell, counts, search, subscribers: list, older, queue }.html()))
}

async fn describe(tx: &mut Tx, found: Vec<Subscriber>) -> Result<Vec<SubscriberRow>> {
    let mut rows = Vec::with_capacity(found.len());
    for subscriber in found {
        let scope = scope_words(tx, &subscriber).await?;
        rows.push(SubscriberRow { subscriber, scope });
    }
    Ok(rows)
}

/// `GET /admin/subscribers/new`
pub async fn new(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    show_editor(&state, &mut tx, &manager, &NewEditor, SubscriberForm::blank()).await
}

/// `POST /admin/subscribers`
pub async fn create(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let form = SubscriberForm::read(&edit.fields);
    let known = components::list(&mut edit.tx).await?;
    let wish = edit.check(&NewEditor, form.clone(), parse_request(&form, &known)).await?;
    let links = load_links(&edit.state)?;
    let keys = SubscriberKeys { secret_key: &edit.state.secret_key.clone(), links: &links };
    let state = if form.is_confirmed { SubscriberState::Active } else { SubscriberState::Unconfirmed };
    let added = match actions::subscribers::add(&mut edit.tx, keys, &wish, state, edit.now).await {
        Err(db::Error::Conflict(sentence)) => {
            return Err(edit.reject(&NewEditor, form, Invalid::field("email", sentence)).await);
        }
        added => added,
    };
    let (subscriber, entry) = edit.check_limit(&NewEditor, form, added, "email").await?;
    edit.save_private(entry, &address(&subscriber), "subscriber-added").await
}

fn parse_request(form: &SubscriberForm, known: &[Component]) -> std::result::Result<SubscriptionRequest, Invalid> {
    let mut invalid = Invalid::new();
    let email = invalid.take("email", form.parse_email());
    let endpoint = match form.endpoint.trim() {
        "" => Some((Channel::Email, None)),
        url => invalid.take("endpoint", parse_endpoint(url)).map(|(channel, url)| (channel, Some(url))),
    };
    let choices = match form.parse_choices(known) {
        Ok(choices) => Some(choices),
        Err(wrong) => {
            wrong.iter().for_each(|(field, message)| invalid.add(field, message));
            None
        }
    };
    match (email, endpoint, choices) {
        (Some(email), Some((channel, endpoint)), Some(choices)) if invalid.is_empty() => Ok(SubscriptionRequest {
            channel,
            email: Some(email),
            endpoint,
            scope: choices.scope,
            incidents: choices.incidents,
            maintenance: choices.maintenance,
        }),
        _ => Err(invalid),
    }
}

struct NewEditor;

impl Editor for NewEditor {
    type Form = SubscriberForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        form: SubscriberForm,
        problem: Problem<()>,
    ) -> Result<String> {
        let board = component_board(tx).await?;
        Ok(SubscriberNew { shell, form, invalid: problem.invalid, board }.html())
    }
}

/// `GET /admin/subscribers/{id}`
pub async fn show(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let subscriber = find_subscriber(&mut tx, &id).await?;
    let form = SubscriberForm::from_subscriber(&subscriber);
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    Ok(page_response(ChoiceEditor { subscriber, test_result: None }.html(&mut tx, shell, form, Problem::none()).await?))
}

/// `POST /admin/subscribers/{id}`: changes what the subscription covers.
pub async fn update(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_subscriber(&mut edit.tx, &id).await?;
    if matches!(before.scope, Scope::Incident(_)) {
        return Err(Error::Conflict("A subscription to one incident has no choices.".into()));
    }
    let (form, editor) =
        (SubscriberForm::read(&edit.fields), ChoiceEditor { subscriber: before.clone(), test_result: None });
    let saved = Saved { audit_id: &id, version: before.version, theirs: SubscriberForm::from_subscriber(&before) };
    let form = edit.check_version(&editor, form, saved).await?;
    let known = components::list(&mut edit.tx).await?;
    let choices = edit.check(&editor, form.clone(), form.parse_choices(&known)).await?;
    let mut after = Subscriber {
        scope: choices.scope,
        incidents: choices.incidents,
        maintenance: choices.maintenance,
        ..before.clone()
    };
    let entry = match after == before {
        true => None,
        false => Some(actions::subscribers::edit(&mut edit.tx, &before, &mut after, edit.now).await?),
    };
    edit.save_private(entry, &address(&before), "subscriber-saved").await
}

pub(super) struct ChoiceEditor {
    pub subscriber: Subscriber,
    /// What a test message led to.
    pub test_result: Option<String>,
}

impl Editor for ChoiceEditor {
    type Form = SubscriberForm;
    type Theirs = SubscriberForm;

    async fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        form: SubscriberForm,
        problem: Problem<SubscriberForm>,
    ) -> Result<String> {
        let board = component_board(tx).await?;
        let scope = scope_words(tx, &self.subscriber).await?;
        let deliveries = delivery_rows(tx, &self.subscriber).await?;
        let (Problem { invalid, conflict }, subscriber) = (problem, self.subscriber.clone());
        let test_result = self.test_result.clone();
        Ok(SubscriberEdit { shell, subscriber, scope, form, invalid, board, conflict, deliveries, test_result }.html())
    }
}

async fn delivery_rows(tx: &mut Tx, subscriber: &Subscriber) -> Result<Vec<DeliveryRow>> {
    let mut rows = Vec::new();
    for logged in deliveries::list_of_subscriber(tx, &subscriber.id, MAX_DELIVERIES).await? {
        let title = notices::find_title(tx, &logged.subject_id).await?;
        let words = match logged.outcome.as_deref() {
            None => "Waiting",
            Some("sent") => "Sent",
            Some("replaced") => "Replaced by a newer update",
            Some("rejected") => "Refused",
            Some("expired") => "Given up",
            Some(_) => "Cancelled",
        };
        let reason = logged.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        rows.push(DeliveryRow {
            title: title.unwrap_or_else(|| "(deleted)".to_owned()),
            event: Event::from_key(&logged.event).map_or("", Event::words).to_owned(),
            created_at: logged.created_at,
            outcome: format!("{words}{reason}"),
            attempts: logged.attempts,
        });
    }
    Ok(rows)
}

/// `POST /admin/subscribers/{id}/confirmation`: mails the confirmation again.
pub async fn resend(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    change_one(Edit::begin(state, manager, Fields::default()).await?, &id, SubscriberAction::Resend).await
}

/// `POST /admin/subscribers/{id}/reactivation`
pub async fn reactivate(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    change_one(Edit::begin(state, manager, Fields::default()).await?, &id, SubscriberAction::Reactivate).await
}

/// `POST /admin/subscribers/{id}/unsubscription`
pub async fn unsubscribe(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    change_one(Edit::begin(state, manager, Fields::default()).await?, &id, SubscriberAction::Unsubscribe).await
}

async fn change_one(mut edit: Edit<CanAdminister>, id: &str, action: SubscriberAction) -> Result<Response> {
    let subscriber = find_subscriber(&mut edit.tx, id).await?;
    let entry = apply(&mut edit, &subscriber, action).await?;
    let path = if action == SubscriberAction::Unsubscribe { LIST.to_owned() } else { address(&subscriber) };
    edit.save_private(entry, &path, action.flash()).await
}

/// What a button does to a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubscriberAction {
    Resend,
    Reactivate,
    Unsubscribe,
}

impl SubscriberAction {
    pub fn from_key(key: &str) -> Option<Self> {
        match key {
            "resend" => Some(Self::Resend),
            "reactivate" => Some(Self::Reactivate),
            "unsubscribe" => Some(Self::Unsubscribe),
            _ => None,
        }
    }

    pub fn flash(self) -> &'static str {
        match self {
            Self::Resend => "subscriber-mailed",
            Self::Reactivate => "subscriber-reactivated",
            Self::Unsubscribe => "subscriber-unsubscribed",
        }
    }
}

/// Does nothing to a subscriber in a state that the button is not for.
pub(super) async fn apply(
    edit: &mut Edit<CanAdminister>,
    subscriber: &Subscriber,
    action: SubscriberAction,
) -> Result<Option<Entry>> {
    Ok(match (action, subscriber.state) {
        (SubscriberAction::Resend, SubscriberState::Unconfirmed) => {
            actions::subscribers::resend(&mut edit.tx, subscriber, edit.now).await?;
            Some(actions::subscribers::record_resend(subscriber))
        }
        (SubscriberAction::Reactivate, SubscriberState::Quarantined) => {
            Some(actions::subscribers::reactivate(&mut edit.tx, subscriber, edit.now).await?)
        }
        (SubscriberAction::Unsubscribe, _) => {
            let links = load_links(&edit.state)?;
            let secret_key = edit.state.secret_key.clone();
            let keys = SubscriberKeys { secret_key: &secret_key, links: &links };
            Some(actions::subscribers::unsubscribe(&mut edit.tx, keys, subscriber, edit.now).await?)
        }
        _ => None,
    })
}

fn address(subscriber: &Subscriber) -> String {
    format!("{LIST}/{}", subscriber.id)
}

pub(super) async fn find_subscriber(tx: &mut Tx, id: &str) -> Result<Subscriber> {
    let id = SubscriberId::parse(id).ok_or(Error::NotFound)?;
    Ok(subscribers::find(tx, &id).await?)
}
