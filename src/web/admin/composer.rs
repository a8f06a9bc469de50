//! The composer of incidents and updates, with templates and drafts beside the form.

use super::edit::{Edit, Editor, Problem};
use super::notify;
use crate::credentials::random_bytes;
use crate::db::{self, Tx, admin_incidents, drafts, templates};
use crate::domain::draft::DraftReader;
use crate::domain::forms::{Fields, IncidentForm, UpdateForm};
use crate::domain::{DraftId, Incident, IncidentId, SavedDraft};
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{ComposerExtras, Conflict, DraftConflict, IncidentNew, IncidentView};
use crate::web::Result;
use crate::web::access::manager::CanPublish;
use crate::web::page::layout::component_board;

/// Maximum number of other open incidents listed beside one; the dashboard lists all.
const MAX_OTHERS: i64 = 100;

/// The draft in a composer.
#[derive(Clone, Debug)]
pub(super) enum ComposerDraft {
    /// No draft; the composer offers templates.
    None,
    /// A draft that was opened, and the other managers who have it open.
    Opened { draft: SavedDraft, readers: Vec<DraftReader> },
    /// The draft named in the submitted fields, with the conflict if it was changed since.
    Submitted { fields: Fields, conflict: Option<DraftConflict> },
}

impl ComposerDraft {
    pub fn submitted(fields: &Fields) -> Self {
        Self::Submitted { fields: fields.clone(), conflict: None }
    }

    async fn extras(&self, tx: &mut Tx) -> Result<ComposerExtras> {
        let (fields, conflict) = match self {
            Self::Opened { draft, readers } => {
                let (draft, readers) = (Some(draft.clone()), readers.clone());
                return Ok(ComposerExtras { templates: Vec::new(), draft, conflict: None, readers });
            }
            Self::None => (&Fields::default(), None),
            Self::Submitted { fields, conflict } => (fields, conflict.clone()),
        };
        let draft = match (&conflict, DraftId::parse(&fields.text("draft"))) {
            (Some(DraftConflict::Changed(both)), _) => Some(both.0.theirs.clone()),
            // Keeps the version it was opened with, so that posting it detects a conflict.
            (None, Some(id)) => {
                let draft = drafts::find(tx, &id).await.ok();
                draft.map(|draft| SavedDraft { version: submitted_version(fields), ..draft })
            }
            _ => None,
        };
        let mut templates = templates::list(tx).await?;
        templates.retain(|template| !template.phase.is_maintenance());
        Ok(ComposerExtras { templates, draft, conflict, readers: Vec::new() })
    }
}

/// A composer that can continue a draft.
pub(super) trait Composer: Editor {
    fn with_draft(&self, draft: ComposerDraft) -> Self;
}

pub(super) struct IncidentComposer {
    pub draft: ComposerDraft,
}

impl Editor for IncidentComposer {
    type Form = IncidentForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        mut shell: AdminContext,
        mut form: IncidentForm,
        problem: Problem<()>,
    ) -> Result<String> {
        if IncidentId::parse_fresh(&form.id).is_none() {
            form.id = IncidentId::from_random(random_bytes()).to_string();
        }
        shell.notify.reach = notify::of_new_incident(tx).await?;
        let (board, extras) = (component_board(tx).await?, self.draft.extras(tx).await?);
        Ok(IncidentNew { shell, form, invalid: problem.invalid, board, extras }.html())
    }
}

impl Composer for IncidentComposer {
    fn with_draft(&self, draft: ComposerDraft) -> Self {
        Self { draft }
    }
}

pub(super) struct UpdateComposer {
    pub incident: Incident,
    pub draft: ComposerDraft,
}

impl Editor for UpdateComposer {
    type Form = UpdateForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        mut shell: AdminContext,
        form: UpdateForm,
        problem: Problem<()>,
    ) -> Result<String> {
        shell.notify.reach = match self.incident.visibility.is_public() {
            true => notify::of_update(tx, &self.incident).await?,
            false => notify::of_publication(tx, &self.incident).await?,
        };
        let (board, extras) = (component_board(tx).await?, self.draft.extras(tx).await?);
        let open = admin_incidents::list_open(tx, None, MAX_OTHERS).await?;
        let (Problem { invalid, conflict }, incident) = (problem, self.incident.clone());
        Ok(IncidentView { shell, incident, form, invalid, board, open, conflict, extras }.html())
    }
}

impl Composer for UpdateComposer {
    fn with_draft(&self, draft: ComposerDraft) -> Self {
        Self { incident: self.incident.clone(), draft }
    }
}

/// The draft of a submission.
pub(super) enum FoundDraft {
    /// The submission names no draft.
    None,
    /// Unchanged since the composer was opened.
    Same(SavedDraft),
    /// Changed or deleted since the composer was opened.
    Conflict(DraftConflict),
}

pub(super) async fn find_submitted_draft(tx: &mut Tx, fields: &Fields) -> Result<FoundDraft> {
    let Some(id) = DraftId::parse(&fields.text("draft")) else { return Ok(FoundDraft::None) };
    let saved = match drafts::find(tx, &id).await {
        Err(db::Error::NotFound) => return Ok(FoundDraft::Conflict(DraftConflict::Gone)),
        found => found?,
    };
    if saved.version == submitted_version(fields) {
        return Ok(FoundDraft::Same(saved));
    }
    let yours = SavedDraft { fields: SavedDraft::fields_to_save(fields), ..saved.clone() };
    let conflict = Conflict { by: Some(saved.edited_by.clone()), at: Some(saved.edited_at), theirs: saved };
    Ok(FoundDraft::Conflict(DraftConflict::Changed(Box::new((conflict, yours)))))
}

/// Returns the submission's draft, or the composer with a 409 if the draft was changed or deleted since.
pub(super) async fn check_draft<C: Composer>(
    edit: &mut Edit<CanPublish>,
    composer: &C,
    form: C::Form,
) -> Result<Option<SavedDraft>> {
    match find_submitted_draft(&mut edit.tx, &edit.fields).await? {
        FoundDraft::None => Ok(None),
        FoundDraft::Same(draft) => Ok(Some(draft)),
        FoundDraft::Conflict(conflict) => {
            let draft = ComposerDraft::Submitted { fields: edit.fields.clone(), conflict: Some(conflict) };
            Err(edit.conflict(&composer.with_draft(draft), form).await)
        }
    }
}

fn submitted_version(fields: &Fields) -> i64 {
    fields.text("draft_version").parse().unwrap_or(0)
}
