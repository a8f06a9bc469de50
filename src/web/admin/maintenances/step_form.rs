//! Steps of a maintenance with a form of their own: each loads the maintenance, checks the version and the input, and
//! saves with a message for visitors.

use std::marker::PhantomData;

use axum::response::Response;
use chrono::{DateTime, Utc};

use super::maintenance::{address, find_maintenance, save};
use crate::db::Tx;
use crate::domain::audit::Action;
use crate::domain::forms::Fields;
use crate::domain::{Invalid, Maintenance};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::web::Result;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, Versioned, show};
use crate::web::admin::notify;

pub(super) trait StepForm: Versioned + Send + Sync {
    /// The last segment of the form's address.
    const SEGMENT: &'static str;
    const ACTION: Action;
    const FLASH: &'static str;

    fn from_stored(maintenance: &Maintenance, now: DateTime<Utc>) -> Self;

    fn from_fields(fields: &Fields) -> Self;

    fn apply_to(&self, maintenance: &mut Maintenance, now: DateTime<Utc>) -> std::result::Result<(), Invalid>;

    fn render(self, shell: AdminContext, maintenance: Maintenance, problem: Problem<()>) -> String;
}

/// Responds to a GET with the form's page.
pub(super) async fn show_step<F: StepForm>(manager: &Manager<CanPublish>, state: &State, id: &str) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find_maintenance(&mut tx, id).await?;
    let form = F::from_stored(&maintenance, state.clock.now());
    show(state, &mut tx, manager, &StepEditor::new(maintenance), form).await
}

pub(super) async fn save_step<F: StepForm>(
    manager: Manager<CanPublish>,
    state: State,
    id: &str,
    fields: Fields,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_maintenance(&mut edit.tx, id).await?;
    let (form, editor) = (F::from_fields(&edit.fields), StepEditor::new(before.clone()));
    let saved = Saved { audit_id: id, version: before.version, theirs: () };
    let form = edit.check_version(&editor, form, saved).await?;
    let mut after = before.clone();
    let applied = form.apply_to(&mut after, edit.now);
    edit.check(&editor, form, applied).await?;
    let form_address = format!("{}/{}", address(&before), F::SEGMENT);
    save(edit, F::ACTION, (&before, after), form_address, F::FLASH).await
}

struct StepEditor<F> {
    maintenance: Maintenance,
    form: PhantomData<F>,
}

impl<F> StepEditor<F> {
    fn new(maintenance: Maintenance) -> Self {
        Self { maintenance, form: PhantomData }
    }
}

impl<F: StepForm> Editor for StepEditor<F> {
    type Form = F;
    type Theirs = ();

    async fn html(&self, tx: &mut Tx, mut shell: AdminContext, form: F, problem: Problem<()>) -> Result<String> {
        shell.notify.reach = notify::of_maintenance(tx, &self.maintenance).await?;
        Ok(form.render(shell, self.maintenance.clone(), problem))
    }
}
