use axum::body::to_bytes;
use axum::extract::{FromRequest, Multipart, Request, State as FromState};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::{LIST, load_links};
use crate::actions;
use crate::actions::subscriber_import::KnownAddresses;
use crate::actions::subscribers::{SubscriberKeys, SubscriptionRequest};
use crate::db::{Tx, components, subscribers};
use crate::domain::Invalid;
use crate::domain::forms::Fields;
use crate::import::subscriber_list::{MAX_LIST, SubscriberList, export_list, read_list, skip_known};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{ImportPreview, SubscriberExport, SubscriberImport};
use crate::web::access::manager::{CanAdminister, Fresh, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, show as show_editor};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::{Error, Result, form};

/// Addresses and skipped rows that a preview lists.
const SHOWN: usize = 20;

/// The fields of a form with a file, whose text becomes the field `list`.
pub struct ListForm(Fields);

impl<S: Send + Sync> FromRequest<S> for ListForm {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> std::result::Result<Self, Response> {
        read_form(request, state).await.map(Self).map_err(axum::response::IntoResponse::into_response)
    }
}

async fn read_form<S: Send + Sync>(request: Request, state: &S) -> Result<Fields> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
        let bytes = to_bytes(request.into_body(), MAX_LIST).await.map_err(|_| Error::TooLarge)?;
        return form::read_form(&bytes);
    }
    let unreadable = || Error::BadRequest("The form could not be read.".into());
    let mut parts = Multipart::from_request(request, state).await.map_err(|_| unreadable())?;
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|_| unreadable())? {
        let name = part.name().unwrap_or_default().to_owned();
        let text = String::from_utf8(part.bytes().await.map_err(|_| unreadable())?.into());
        let text = text.map_err(|_| Error::BadRequest("The list must be UTF-8.".into()))?;
        let name = if name == "file" { "list".to_owned() } else { name };
        if fields.len() < form::MAX_FIELDS && !(name == "list" && text.trim().is_empty()) {
            fields.push((name, text));
        }
    }
    Ok(Fields(fields))
}

/// `GET /admin/subscribers/import`
pub async fn new(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    show_editor(&state, &mut tx, &manager, &ImportEditor, None).await
}

/// `POST /admin/subscribers/import`: shows what the list would add; with `confirm` and the consent, adds it in one
/// transaction.
pub async fn create(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    ListForm(fields): ListForm,
) -> Result<Response> {
    let links = load_links(&state)?;
    let secret_key = state.secret_key.clone();
    let keys = SubscriberKeys { secret_key: &secret_key, links: &links };
    let mut edit = Edit::begin(state, manager, fields).await?;
    let text = edit.fields.text("list");
    let known = components::list(&mut edit.tx).await?;
    let read = read_list(&text, &known).map_err(|reason| Invalid::field("list", reason));
    let mut list = edit.check(&ImportEditor, None, read).await?;
    skip_known(&mut list, &mut KnownAddresses::load(&mut edit.tx).await?, keys);
    if !edit.fields.has("confirm") {
        return show_preview(edit, text, &list).await;
    }
    if !edit.fields.has("consent") {
        let wrong = Invalid::field("consent", "Confirm that these people have agreed.");
        return Err(edit.reject(&ImportEditor, Some(preview(text, &list)), wrong).await);
    }
    let skipped = list.skipped.len();
    let imported = actions::subscriber_import::import(&mut edit.tx, keys, &list.wishes, skipped, edit.now).await;
    let (_, entry) = edit.check_limit(&ImportEditor, None, imported, "list").await?;
    edit.save_private(entry, LIST, "subscribers-imported").await
}

async fn show_preview(mut edit: Edit<CanAdminister>, text: String, list: &SubscriberList) -> Result<Response> {
    let shell = admin_context(&edit.state, &mut edit.tx, &edit.manager, &Fields::default()).await?;
    let html = ImportEditor.html(&mut edit.tx, shell, Some(preview(text, list)), Problem::none()).await?;
    Ok(page_response(html))
}

fn preview(text: String, list: &SubscriberList) -> ImportPreview {
    let address = |wish: &SubscriptionRequest| {
        let email = wish.email.clone().unwrap_or_default();
        match wish.endpoint.as_ref().and_then(|url| url.host_str()) {
            Some(host) => format!("{host} ({email})"),
            None => email,
        }
    };
    let reasons = list.skipped.iter().take(SHOWN);
    ImportPreview {
        text,
        added: list.wishes.len(),
        sample: list.wishes.iter().take(SHOWN).map(|(wish, _)| address(wish)).collect(),
        skipped: list.skipped.len(),
        reasons: reasons.map(|row| (row.line, row.address.clone(), row.reason.clone())).collect(),
    }
}

struct ImportEditor;

impl Editor for ImportEditor {
    type Form = Option<ImportPreview>;
    type Theirs = ();

    async fn html(
        &self,
        _: &mut Tx,
        shell: AdminContext,
        preview: Option<ImportPreview>,
        problem: Problem<()>,
    ) -> Result<String> {
        Ok(SubscriberImport { shell, invalid: problem.invalid, preview }.html())
    }
}

/// `GET /admin/subscribers/export`: asks.
pub async fn confirm_export(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    let count = subscribers::count_all(&mut tx).await?;
    Ok(page_response(SubscriberExport { shell, count }.html()))
}

/// `POST /admin/subscribers/export`: the whole list with addresses and choices.
pub async fn export(manager: Manager<Fresh<CanAdminister>>, FromState(state): FromState<State>) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let secret_key = edit.state.secret_key.clone();
    let (text, count) = export_list(&mut edit.tx, &secret_key).await.map_err(Error::Internal)?;
    let entry = actions::subscriber_import::record_export(count);
    edit.tx.commit(&edit.manager.actor(), edit.now, entry).await?;
    Ok(download(text))
}

fn download(text: String) -> Response {
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let name = HeaderValue::from_static("attachment; filename=\"subscribers.csv\"");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], text).into_response()
}
