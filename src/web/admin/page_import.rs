//! The import of a page from its address.

use axum::extract::{Path, State as FromState};
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::actions;
use crate::db::{self, Tx, page_imports, page_settings};
use crate::domain::audit::Entry;
use crate::domain::forms::{Fields, PageImportForm};
use crate::domain::{PageImport, PageImportId};
use crate::import::page_import;
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{PageImportNew, PageImportView};
use crate::web::access::manager::{CanAdminister, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem};
use crate::web::form::{Form, QueryFields};
use crate::web::page::flash::redirect_with_flash;
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::{Error, Result};

/// `GET /admin/import`
pub async fn new(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    Ok(page_response(ImportEditor.html(&mut tx, shell, PageImportForm::default(), Problem::none()).await?))
}

/// `POST /admin/import`: begins to fetch the page. One import runs at a time.
pub async fn create(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let form = PageImportForm::read(&edit.fields);
    let parsed = page_import::parse_form(&edit.state, &form);
    let (source, url) = edit.check(&ImportEditor, form, parsed).await?;
    if let Some(running) = page_imports::find_live(&mut edit.tx, edit.now).await? {
        return Ok(redirect_with_flash(&import_path(&running), "import-running"));
    }
    let name = edit.manager.name.clone();
    let (import, entry) = actions::page_imports::begin(&mut edit.tx, (source, url.as_str()), &name, edit.now).await?;
    let Edit { state, manager, tx, now, .. } = edit;
    tx.commit(&manager.actor(), now, entry).await?;
    page_import::start(&state, &import, url);
    Ok(redirect_with_flash(&import_path(&import), "import-started"))
}

struct ImportEditor;

impl Editor for ImportEditor {
    type Form = PageImportForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        form: PageImportForm,
        problem: Problem<()>,
    ) -> Result<String> {
        let recent = page_imports::list(tx).await?;
        Ok(PageImportNew { shell, form, invalid: problem.invalid, recent }.html())
    }
}

/// `GET /admin/import/{id}`: progress, preview or report.
pub async fn show(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let import = find_import(&mut tx, &id).await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let is_setup = page_settings::setup_step(&mut tx).await? != page_settings::SETUP_FINISHED;
    Ok(page_response(PageImportView { shell, import, is_setup }.html()))
}

/// `POST /admin/import/{id}/confirmation`: the server that fetched the page imports it.
pub async fn confirm(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let import = find_import(&mut edit.tx, &id).await?;
    let entry = actions::page_imports::confirm(&mut edit.tx, &import, edit.now).await?;
    save_decision(edit, &import, entry).await
}

/// `POST /admin/import/{id}/discarding`
pub async fn discard(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let import = find_import(&mut edit.tx, &id).await?;
    let entry = actions::page_imports::discard(&mut edit.tx, &import, edit.now).await?;
    save_decision(edit, &import, entry).await
}

/// A decision that comes too late changes nothing; the page says what the import does.
async fn save_decision(edit: Edit<CanAdminister>, import: &PageImport, entry: Option<Entry>) -> Result<Response> {
    if let Some(entry) = entry {
        edit.tx.commit(&edit.manager.actor(), edit.now, entry).await?;
    }
    Ok(Redirect::to(&import_path(import)).into_response())
}

async fn find_import(tx: &mut Tx, id: &str) -> Result<PageImport> {
    let id = PageImportId::parse(id).ok_or(Error::NotFound)?;
    match page_imports::find(tx, &id).await {
        Err(db::Error::NotFound) => Err(Error::NotFound),
        found => Ok(found?),
    }
}

fn import_path(import: &PageImport) -> String {
    format!("/admin/import/{}", import.id)
}
