//! Composers, with templates and drafts beside the form: of incidents and updates here, of maintenances in their folder.

use super::edit::{Edit, Editor, Problem};
use super::notify;
use crate::credentials::random_bytes;
use crate::db::{self, Tx, drafts, templates};
use crate::domain::draft::DraftReader;
use crate::domain::forms::{Fields, IncidentForm, UpdateForm};
use crate::domain::{DraftId, Incident, IncidentId, Phase, SavedDraft, Template};
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{ComposerExtras, Conflict, DraftConflict, IncidentNew, IncidentView};
use crate::web::Result;
use crate::web::access::manager::CanPublish;
use crate::web::page::layout::component_board;

/// The answer to the question which status is right: a status, or `keep`.
const CONFIRMED: &str = "confirm_status";

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

    /// `templates` are those that suit the composer.
    pub async fn extras(&self, tx: &mut Tx, templates: Vec<Template>) -> Result<ComposerExtras> {
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
        Ok(ComposerExtras { templates, draft, conflict, readers: Vec::new() })
    }
}

/// A composer that can continue a draft.
pub(super) trait Composer: Editor {
    fn with_draft(&self, draft: ComposerDraft) -> Self;
}

/// A composer that can ask which status is right.
pub(super) trait AsksStatus: Composer {
    fn asking(&self, suggested: Phase) -> Self;
}

async fn incident_templates(tx: &mut Tx) -> Result<Vec<Template>> {
    Ok(templates::list(tx).await?.into_iter().filter(|template| !template.phase.is_maintenance()).collect())
}

/// The status in `form` (a key), or the one that the answer to the question about the status chooses.
pub(super) fn confirmed_phase(fields: &Fields, form: String) -> String {
    Phase::from_key(&fields.text(CONFIRMED)).map_or(form, |phase| phase.key().to_owned())
}

/// 409 with the question which status is right, if the message contradicts the chosen one and the question was not
/// answered yet.
pub(super) async fn check_status<C: AsksStatus>(
    edit: &mut Edit<CanPublish>,
    composer: &C,
    form: C::Form,
    (phase, body): (Phase, &str),
) -> Result<()> {
    match phase.suggested_by(body) {
        Some(suggested) if !edit.fields.has(CONFIRMED) => Err(edit.conflict(&composer.asking(suggested), form).await),
        _ => Ok(()),
    }
}

pub(super) struct IncidentComposer {
    draft: ComposerDraft,
    suggested_phase: Option<Phase>,
    focus_update: Option<usize>,
}

impl IncidentComposer {
    pub fn new(draft: ComposerDraft) -> Self {
        Self { draft, suggested_phase: None, focus_update: None }
    }

    /// Gives the update at `focus_update` of a past incident the focus.
    pub fn focusing(self, focus_update: Option<usize>) -> Self {
        Self { focus_update, ..self }
    }
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
        let templates = incident_templates(tx).await?;
        let (board, extras) = (component_board(tx).await?, self.draft.extras(tx, templates).await?);
        let (suggested_phase, focus_update) = (self.suggested_phase, self.focus_update);
        Ok(IncidentNew { shell, form, invalid: problem.invalid, board, extras, suggested_phase, focus_update }.html())
    }
}

impl Composer for IncidentComposer {
    fn with_draft(&self, draft: ComposerDraft) -> Self {
        Self { draft, suggested_phase: self.suggested_phase, focus_update: None }
    }
}

impl AsksStatus for IncidentComposer {
    fn asking(&self, suggested: Phase) -> Self {
        Self { draft: self.draft.clone(), suggested_phase: Some(suggested), focus_update: None }
    }
}

pub(super) struct UpdateComposer {
    incident: Incident,
    draft: ComposerDraft,
    suggested_phase: Option<Phase>,
}

impl UpdateComposer {
    pub fn new(incident: Incident, draft: ComposerDraft) -> Self {
        Self { incident, draft, suggested_phase: None }
    }
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
        let templates = incident_templates(tx).await?;
        let (board, extras) = (component_board(tx).await?, self.draft.extras(tx, templates).await?);
        let (Problem { invalid, conflict }, incident) = (problem, self.incident.clone());
        let suggested_phase = self.suggested_phase;
        Ok(IncidentView { shell, incident, form, invalid, board, conflict, extras, suggested_phase }.html())
    }
}

impl Composer for UpdateComposer {
    fn with_draft(&self, draft: ComposerDraft) -> Self {
        Self { incident: self.incident.clone(), draft, suggested_phase: self.suggested_phase }
    }
}

impl AsksStatus for UpdateComposer {
    fn asking(&self, suggested: Phase) -> Self {
        let (incident, draft) = (self.incident.clone(), self.draft.clone());
        Self { incident, draft, suggested_phase: Some(suggested) }
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
    if edit.is_live_preview() {
        return Ok(None);
    }
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
