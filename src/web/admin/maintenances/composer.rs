//! The composers of a new maintenance and of an update.

use crate::credentials::random_bytes;
use crate::db::{Tx, audit};
use crate::domain::audit::Action;
use crate::domain::forms::{MaintenanceUpdateForm, SeriesForm};
use crate::domain::{Maintenance, MaintenanceId, MaintenancePhase};
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{MaintenanceNew, MaintenanceView};
use crate::web::Result;
use crate::web::admin::composer::{Composer, ComposerDraft};
use crate::web::admin::edit::{Editor, Problem};
use crate::web::admin::{notify, templates};
use crate::web::page::layout::component_board;

pub(in crate::web::admin) struct MaintenanceComposer {
    draft: ComposerDraft,
}

impl MaintenanceComposer {
    pub fn new(draft: ComposerDraft) -> Self {
        Self { draft }
    }
}

impl Composer for MaintenanceComposer {
    fn with_draft(&self, draft: ComposerDraft) -> Self {
        Self { draft }
    }
}

impl Editor for MaintenanceComposer {
    type Form = SeriesForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        mut shell: AdminContext,
        mut form: SeriesForm,
        problem: Problem<()>,
    ) -> Result<String> {
        if MaintenanceId::parse_fresh(&form.id).is_none() {
            form.id = MaintenanceId::from_random(random_bytes()).to_string();
        }
        shell.notify.reach = notify::of_new_maintenance(tx).await?;
        let board = component_board(tx).await?;
        let templates = templates::maintenance_templates(tx, &[MaintenancePhase::Scheduled]).await?;
        let extras = self.draft.extras(tx, templates).await?;
        Ok(MaintenanceNew { shell, form, invalid: problem.invalid, board, extras }.html())
    }
}

/// The page of a maintenance, with the form for an update.
pub(in crate::web::admin) struct MaintenanceUpdateComposer {
    maintenance: Maintenance,
    draft: ComposerDraft,
}

impl MaintenanceUpdateComposer {
    pub fn new(maintenance: Maintenance, draft: ComposerDraft) -> Self {
        Self { maintenance, draft }
    }
}

impl Composer for MaintenanceUpdateComposer {
    fn with_draft(&self, draft: ComposerDraft) -> Self {
        Self { maintenance: self.maintenance.clone(), draft }
    }
}

impl Editor for MaintenanceUpdateComposer {
    type Form = MaintenanceUpdateForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        mut shell: AdminContext,
        form: MaintenanceUpdateForm,
        problem: Problem<()>,
    ) -> Result<String> {
        let (Problem { invalid, conflict }, maintenance) = (problem, self.maintenance.clone());
        shell.notify.reach = notify::of_maintenance(tx, &maintenance).await?;
        let undoes_start = can_undo_start(tx, &maintenance).await?;
        let templates = templates::maintenance_templates(tx, maintenance.phase.next()).await?;
        let extras = self.draft.extras(tx, templates).await?;
        Ok(MaintenanceView { shell, maintenance, form, invalid, conflict, undoes_start, extras }.html())
    }
}

/// Whether the start is the last change of the maintenance.
pub(super) async fn can_undo_start(tx: &mut Tx, it: &Maintenance) -> Result<bool> {
    if !it.phase.is_active() {
        return Ok(false);
    }
    let newest = audit::find_latest_of(tx, it.id.as_str(), "maintenance").await?;
    Ok(newest.is_some_and(|record| record.action == Action::MaintenanceStart.key()))
}
