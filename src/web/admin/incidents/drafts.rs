use std::time::Duration;

use axum::extract::{Path, State as FromState};
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};

use crate::actions;
use crate::credentials::random_bytes;
use crate::db::{Tx, admin_incidents, draft_presence, drafts, maintenances};
use crate::domain::draft::DraftReader;
use crate::domain::forms::{IncidentForm, MaintenanceUpdateForm, SeriesForm, UpdateForm};
use crate::domain::{DraftId, IncidentId, SavedDraft};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{DraftConflict, DraftDeletion};
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::composer::{
    Composer, ComposerDraft, FoundDraft, IncidentComposer, UpdateComposer, find_submitted_draft,
};
use crate::web::admin::edit::{Edit, Editor, Problem, show as show_editor};
use crate::web::admin::maintenances::composer::{MaintenanceComposer, MaintenanceUpdateComposer};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::{Error, Result};

/// Longest wait for recording that the manager has the draft open.
const PRESENCE_WAIT: Duration = Duration::from_millis(500);

/// `GET /admin/drafts/{id}`: the composer with the saved draft.
pub async fn show(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    QueryFields(query): QueryFields,
    headers: HeaderMap,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let draft = find_draft(&mut tx, &id).await?;
    let mut readers = draft_presence::list_others(&mut tx, &manager.id, state.clock.now()).await?;
    readers.retain(|reader| reader.draft == draft.id);
    drop(tx);
    if !headers.contains_key("sec-purpose") {
        record_presence(&state, &manager, &draft).await;
    }
    let mut tx = state.db.read().await?;
    let mut shell = admin_context(&state, &mut tx, &manager, &query).await?;
    shell.notify.is_on = draft.fields.notify_choice().unwrap_or(true);
    let opened = ComposerDraft::Opened { draft: draft.clone(), readers };
    let html = match &draft.incident {
        None if draft.is_maintenance() => maintenance_html(&mut tx, shell, &draft, opened).await?,
        None => {
            let form = IncidentForm::read(&draft.fields);
            IncidentComposer::new(opened).html(&mut tx, shell, form, Problem::none()).await?
        }
        Some(incident) => {
            let incident = admin_incidents::find(&mut tx, incident).await?;
            // Keeps the version it was written against, so that an update posted since is a conflict.
            let form = UpdateForm::read(&draft.fields);
            UpdateComposer::new(incident, opened).html(&mut tx, shell, form, Problem::none()).await?
        }
    };
    Ok(page_response(html))
}

async fn maintenance_html(
    tx: &mut Tx,
    shell: AdminContext,
    draft: &SavedDraft,
    opened: ComposerDraft,
) -> Result<String> {
    let Some(id) = draft.maintenance() else {
        let form = SeriesForm::read(&draft.fields);
        return MaintenanceComposer::new(opened).html(tx, shell, form, Problem::none()).await;
    };
    let maintenance = maintenances::find(tx, &id).await?;
    // Keeps the version it was written against, so that an update posted since is a conflict.
    let form = MaintenanceUpdateForm::read(&draft.fields);
    MaintenanceUpdateComposer::new(maintenance, opened).html(tx, shell, form, Problem::none()).await
}

/// Records for other managers that this one has the draft open. If that fails or times out, the page is shown anyway.
async fn record_presence(state: &State, manager: &Manager<CanPublish>, draft: &SavedDraft) {
    let noting = async {
        let mut tx = manager.begin(state).await?;
        draft_presence::record(&mut tx, &draft.id, &manager.id, state.clock.now()).await?;
        Ok::<_, Error>(tx.commit_unaudited().await?)
    };
    match tokio::time::timeout(PRESENCE_WAIT, noting).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("draft presence was not saved: {error}"),
        Err(_) => tracing::debug!("draft presence was not saved in time"),
    }
}

/// `GET /admin/drafts/{id}/deletion`: asks, and names who has the draft open.
pub async fn confirm_delete(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let draft = find_draft(&mut tx, &id).await?;
    let editor = DeletionEditor::load(&mut tx, draft, &manager, state.clock.now()).await?;
    show_editor(&state, &mut tx, &manager, &editor, ()).await
}

/// `POST /admin/drafts/{id}/deletion`: only the version that the manager has seen.
pub async fn destroy(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let draft = find_draft(&mut edit.tx, &id).await?;
    if edit.fields.version() != draft.version {
        let editor = DeletionEditor::load(&mut edit.tx, draft, &edit.manager, edit.now).await?;
        let changed = DeletionEditor { changed: edit.fields.has("version"), ..editor };
        return Err(edit.conflict(&changed, ()).await);
    }
    let entry = actions::drafts::delete(&mut edit.tx, &draft).await?;
    edit.save_private(entry, "/admin", "draft-deleted").await
}

struct DeletionEditor {
    draft: SavedDraft,
    title: String,
    readers: Vec<DraftReader>,
    changed: bool,
}

impl DeletionEditor {
    async fn load<P>(
        tx: &mut Tx,
        draft: SavedDraft,
        manager: &Manager<P>,
        now: DateTime<Utc>,
    ) -> Result<DeletionEditor> {
        let title = actions::drafts::find_title(tx, &draft).await?;
        let mut readers = draft_presence::list_others(tx, &manager.id, now).await?;
        readers.retain(|reader| reader.draft == draft.id);
        Ok(Self { draft, title, readers, changed: false })
    }
}

impl Editor for DeletionEditor {
    type Form = ();
    type Theirs = ();

    async fn html(&self, _: &mut Tx, shell: AdminContext, (): (), _: Problem<()>) -> Result<String> {
        let (draft, title, readers) = (self.draft.clone(), self.title.clone(), self.readers.clone());
        Ok(DraftDeletion { shell, draft, title, readers, changed: self.changed }.html())
    }
}

/// Saves a composer as a draft for all publishers; `incident` is set for an update. A draft that was deleted since is
/// saved as a new one.
///
/// # Errors
/// 409 with the composer if someone else changed the draft, 422 if the limit is reached.
pub(in crate::web::admin) async fn save<C: Composer>(
    mut edit: Edit<CanPublish>,
    composer: &C,
    form: C::Form,
    incident: Option<IncidentId>,
) -> Result<Response> {
    let fields = SavedDraft::fields_to_save(&edit.fields);
    let (edited_by, edited_at) = (edit.manager.name.clone(), edit.now);
    let (id, entry) = match find_submitted_draft(&mut edit.tx, &edit.fields).await? {
        FoundDraft::Conflict(conflict @ DraftConflict::Changed(_)) => {
            let draft = ComposerDraft::Submitted { fields: edit.fields.clone(), conflict: Some(conflict) };
            return Err(edit.conflict(&composer.with_draft(draft), form).await);
        }
        FoundDraft::Same(before) => {
            let mut draft = SavedDraft { fields, edited_by, edited_at, ..before.clone() };
            let entry = actions::drafts::edit(&mut edit.tx, &before, &mut draft).await?;
            (draft.id, entry)
        }
        FoundDraft::None | FoundDraft::Conflict(DraftConflict::Gone) => {
            let id = DraftId::from_random(random_bytes());
            let draft = SavedDraft { id, incident, fields, edited_by, created_at: edited_at, edited_at, version: 1 };
            let added = actions::drafts::add(&mut edit.tx, &draft).await;
            let entry = edit.check_limit(composer, form, added, "body").await?;
            (draft.id, entry)
        }
    };
    edit.save_private(entry, &format!("/admin/drafts/{id}"), "draft-saved").await
}

async fn find_draft(tx: &mut Tx, id: &str) -> Result<SavedDraft> {
    let id = DraftId::parse(id).ok_or(Error::NotFound)?;
    Ok(drafts::find(tx, &id).await?)
}
