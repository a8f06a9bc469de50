//! Rescheduling, extending and cancelling a maintenance.

use axum::extract::{Path, State as FromState};
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::maintenance::fresh_update_id;
use super::step_form::{StepForm, save_step, show_step};
use crate::domain::audit::Action;
use crate::domain::forms::{CancellationForm, ExtensionForm, Fields, ScheduleForm};
use crate::domain::{Invalid, Maintenance};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{MaintenanceCancellation, MaintenanceExtension, MaintenanceSchedule};
use crate::web::Result;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::edit::Problem;
use crate::web::form::Form;

/// `GET /admin/maintenances/{id}/schedule`
pub async fn edit_schedule(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    show_step::<ScheduleForm>(&manager, &state, &id).await
}

/// `POST /admin/maintenances/{id}/schedule`
pub async fn update_schedule(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    save_step::<ScheduleForm>(manager, state, &id, fields).await
}

/// `GET /admin/maintenances/{id}/extension`
pub async fn edit_extension(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    show_step::<ExtensionForm>(&manager, &state, &id).await
}

/// `POST /admin/maintenances/{id}/extension`
pub async fn extend(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    save_step::<ExtensionForm>(manager, state, &id, fields).await
}

/// `GET /admin/maintenances/{id}/cancellation`
pub async fn confirm_cancel(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    show_step::<CancellationForm>(&manager, &state, &id).await
}

/// `POST /admin/maintenances/{id}/cancellation`
pub async fn cancel(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    save_step::<CancellationForm>(manager, state, &id, fields).await
}

impl StepForm for ScheduleForm {
    const SEGMENT: &'static str = "schedule";
    const ACTION: Action = Action::MaintenanceReschedule;
    const FLASH: &'static str = "maintenance-moved";

    fn from_stored(maintenance: &Maintenance, _: DateTime<Utc>) -> Self {
        Self::from_maintenance(maintenance)
    }

    fn from_fields(fields: &Fields) -> Self {
        Self::read(fields)
    }

    fn apply_to(&self, maintenance: &mut Maintenance, now: DateTime<Utc>) -> std::result::Result<(), Invalid> {
        self.apply(maintenance, fresh_update_id(), now)
    }

    fn render(self, shell: AdminContext, maintenance: Maintenance, problem: Problem<()>) -> String {
        let Problem { invalid, conflict } = problem;
        MaintenanceSchedule { shell, maintenance, form: self, invalid, conflict }.html()
    }
}

impl StepForm for ExtensionForm {
    const SEGMENT: &'static str = "extension";
    const ACTION: Action = Action::MaintenanceExtend;
    const FLASH: &'static str = "maintenance-extended";

    fn from_stored(maintenance: &Maintenance, now: DateTime<Utc>) -> Self {
        Self::from_maintenance(maintenance, now)
    }

    fn from_fields(fields: &Fields) -> Self {
        Self::read(fields)
    }

    fn apply_to(&self, maintenance: &mut Maintenance, now: DateTime<Utc>) -> std::result::Result<(), Invalid> {
        self.apply(maintenance, fresh_update_id(), now)
    }

    fn render(self, shell: AdminContext, maintenance: Maintenance, problem: Problem<()>) -> String {
        let Problem { invalid, conflict } = problem;
        MaintenanceExtension { shell, maintenance, form: self, invalid, conflict }.html()
    }
}

impl StepForm for CancellationForm {
    const SEGMENT: &'static str = "cancellation";
    const ACTION: Action = Action::MaintenanceCancel;
    const FLASH: &'static str = "maintenance-cancelled";

    fn from_stored(maintenance: &Maintenance, _: DateTime<Utc>) -> Self {
        Self { body: String::new(), version: maintenance.version }
    }

    fn from_fields(fields: &Fields) -> Self {
        Self::read(fields)
    }

    fn apply_to(&self, maintenance: &mut Maintenance, now: DateTime<Utc>) -> std::result::Result<(), Invalid> {
        let cancelled = maintenance.cancel(self.parse()?, fresh_update_id(), now);
        cancelled.map_err(|sentence| Invalid::field("body", sentence))
    }

    fn render(self, shell: AdminContext, maintenance: Maintenance, problem: Problem<()>) -> String {
        let Problem { invalid, conflict } = problem;
        MaintenanceCancellation { shell, maintenance, form: self, invalid, conflict }.html()
    }
}
