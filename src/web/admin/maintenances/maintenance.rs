use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::composer::{MaintenanceComposer, MaintenanceUpdateComposer};
use crate::actions;
use crate::credentials::random_bytes;
use crate::db::{self, Tx, components, maintenances, series};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::{MaintenanceUpdateForm, PlanForm, SeriesForm};
use crate::domain::history::Cursor;
use crate::domain::maintenance::Automation;
use crate::domain::{Invalid, Maintenance, MaintenanceId, UpdateId};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{MaintenanceEdit, MaintenanceList};
use crate::web::access::manager::{CanPublish, CanRead, Manager, Policy};
use crate::web::admin::composer::{ComposerDraft, check_draft};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show as show_editor, show_submitted};
use crate::web::admin::incidents::double_submit::{self, Submission, series_id};
use crate::web::admin::incidents::drafts;
use crate::web::admin::templates;
use crate::web::form::{Form, QueryFields};
use crate::web::page::flash::redirect_with_flash;
use crate::web::page::layout::{admin_context, component_board};
use crate::web::page::page_response;
use crate::web::page::pagination;
use crate::web::{Error, Result};

/// For a submitted form whose id is already taken.
const ALREADY_SUBMITTED: &str = "This form was already submitted. Submit it again to schedule a second maintenance.";

/// `GET /admin/maintenances`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let cursor = Cursor::parse(&query.text("before"));
    let mut maintenances = maintenances::list(&mut tx, cursor.as_ref(), pagination::READ_LIMIT).await?;
    let older = pagination::take_page(&mut maintenances, maintenances::cursor);
    let series = series::list_active(&mut tx).await?;
    Ok(page_response(MaintenanceList { shell, maintenances, series, older }.html()))
}

/// `GET /admin/maintenances/new`: with all automation on, which suits most maintenances; filled from a template if the
/// query names one.
pub async fn new(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut form = SeriesForm::default();
    form.first.plan.switches = Automation { reminds: true, starts: true, completes: true, marks: true };
    let (mut tx, mut is_on) = (state.db.read().await?, true);
    if let Some(template) = templates::requested_template(&mut tx, &query).await? {
        let meanings = templates::placeholder_values(&mut tx, &template, None, state.clock.now()).await?;
        form.first.apply_template(&template, &meanings);
        is_on = template.notify;
    }
    form.first.window.zone = db::page_settings::load(&mut tx).await?.time_zone.name().to_owned();
    let mut shell = admin_context(&state, &mut tx, &manager, &query).await?;
    shell.notify.is_on = is_on;
    Ok(page_response(MaintenanceComposer::new(ComposerDraft::None).html(&mut tx, shell, form, Problem::none()).await?))
}

/// `POST /admin/maintenances`: a single maintenance, or a recurring one.
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let form = SeriesForm::read(&fields);
    let composer = MaintenanceComposer::new(ComposerDraft::submitted(&fields));
    if fields.has("preview") && !fields.has("save_draft") {
        let mut tx = state.db.read().await?;
        return show_submitted(&state, &mut tx, &manager, &composer, (form, &fields)).await;
    }
    let mut edit = Edit::begin(state, manager, fields).await?;
    if edit.fields.has("save_draft") {
        return drafts::save(edit, &composer, form, None).await;
    }
    let id = MaintenanceId::parse_fresh(&form.id).unwrap_or_else(|| MaintenanceId::from_random(random_bytes()));
    match double_submit::find_submitted_maintenance(&mut edit.tx, &edit.manager, &id, &form).await? {
        Submission::First => {}
        Submission::Again(path) => return Ok(redirect_with_flash(&path, "maintenance-planned")),
        Submission::Taken => {
            let (form, wrong) = (SeriesForm { id: String::new(), ..form }, Invalid::field("title", ALREADY_SUBMITTED));
            return Err(edit.reject(&composer, form, wrong).await);
        }
    }
    let draft = check_draft(&mut edit, &composer, form.clone()).await?;
    let (made, entries) = if form.recurrence.is_wanted() {
        schedule_recurring(&mut edit, &composer, form, &id).await?
    } else {
        schedule(&mut edit, &composer, form, id).await?
    };
    actions::drafts::delete_published(&mut edit.tx, draft.as_ref()).await?;
    if edit.wants_preview() {
        return edit.preview_maintenance(&made.id, "/admin/maintenances".into()).await;
    }
    edit.save(entries, &address(&made), "maintenance-planned").await
}

async fn schedule(
    edit: &mut Edit<CanPublish>,
    composer: &MaintenanceComposer,
    form: SeriesForm,
    id: MaintenanceId,
) -> Result<(Maintenance, Vec<Entry>)> {
    let known = components::list(&mut edit.tx).await?;
    let planned = form.first.parse().and_then(|new| new.plan((id, fresh_update_id()), &known, edit.now));
    let made = edit.check(composer, form, planned).await?;
    edit.apply_notify_switch(made.id.as_str(), made.newest_update().map(|update| &update.id)).await?;
    choose_step_notifications(edit, made.id.as_str()).await?;
    let entry = actions::maintenances::schedule(&mut edit.tx, &made).await?;
    Ok((made, vec![entry]))
}

/// The recurring maintenance gets the form's `id`; each of its maintenances gets a new one.
async fn schedule_recurring(
    edit: &mut Edit<CanPublish>,
    composer: &MaintenanceComposer,
    form: SeriesForm,
    id: &MaintenanceId,
) -> Result<(Maintenance, Vec<Entry>)> {
    let known = components::list(&mut edit.tx).await?;
    let id = series_id(id)?;
    let begun = form.parse().and_then(|new| new.begin(id, &known, edit.now));
    let begun = edit.check(composer, form.clone(), begun).await?;
    choose_step_notifications(edit, begun.id.as_str()).await?;
    let announces = edit.fields.notify_choice().unwrap_or(true);
    let added = actions::recurring_maintenances::add(&mut edit.tx, begun, announces, edit.now).await;
    match edit.check_limit(composer, form.clone(), added, "repeats").await? {
        Some(added) => Ok(added),
        None => {
            let wrong = Invalid::field("scheduled_until", "This rule produces no future dates.");
            Err(edit.reject(composer, form, wrong).await)
        }
    }
}

/// Stores whether automatic steps notify subscribers, if the form has that tick.
pub(super) async fn choose_step_notifications<P: Policy>(edit: &mut Edit<P>, subject: &str) -> Result<()> {
    if edit.fields.has("notify_steps_shown") {
        let notifies = edit.fields.has("notify_steps");
        actions::notices::set_step_notifications(&mut edit.tx, subject, notifies).await?;
    }
    Ok(())
}

/// `GET /admin/maintenances/{id}`: the composer above the timeline, filled from a template if the query names one.
pub async fn show(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find_maintenance(&mut tx, &id).await?;
    let mut form = MaintenanceUpdateForm::from_maintenance(&maintenance);
    let template = templates::requested_template(&mut tx, &query).await?;
    if let Some(template) = template.filter(|template| template.phase.is_maintenance()) {
        let subject = Some((&maintenance).into());
        let meanings = templates::placeholder_values(&mut tx, &template, subject, state.clock.now()).await?;
        form.apply_template(&template, &meanings);
    }
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let composer = MaintenanceUpdateComposer::new(maintenance, ComposerDraft::None);
    Ok(page_response(composer.html(&mut tx, shell, form, Problem::none()).await?))
}

/// `GET /admin/maintenances/{id}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find_maintenance(&mut tx, &id).await?;
    let form = PlanForm::from_maintenance(&maintenance);
    show_editor(&state, &mut tx, &manager, &PlanEditor { maintenance }, form).await
}

/// `POST /admin/maintenances/{id}`
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_maintenance(&mut edit.tx, &id).await?;
    let (form, editor) = (PlanForm::read(&edit.fields), PlanEditor { maintenance: before.clone() });
    let saved = Saved { audit_id: &id, version: before.version, theirs: PlanForm::from_maintenance(&before) };
    let form = edit.check_version(&editor, form, saved).await?;
    let mut after = before.clone();
    let known = components::list(&mut edit.tx).await?;
    let applied = form.parse().and_then(|plan| plan.apply(&mut after, &known, edit.now));
    edit.check(&editor, form, applied).await?;
    let notified = actions::notices::steps_notify(&mut edit.tx, &id).await?;
    choose_step_notifications(&mut edit, &id).await?;
    let changes_steps = notified != actions::notices::steps_notify(&mut edit.tx, &id).await?;
    if after == before && !changes_steps && !edit.wants_preview() {
        return edit.save(None, &address(&before), "maintenance-saved").await;
    }
    save(edit, Action::MaintenanceEdit, (&before, after), address(&before), "maintenance-saved").await
}

struct PlanEditor {
    maintenance: Maintenance,
}

impl Editor for PlanEditor {
    type Form = PlanForm;
    type Theirs = PlanForm;

    async fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        form: PlanForm,
        problem: Problem<PlanForm>,
    ) -> Result<String> {
        let board = component_board(tx).await?;
        let notifies_steps = actions::notices::steps_notify(tx, self.maintenance.id.as_str()).await?;
        let Problem { invalid, conflict } = problem;
        let maintenance = self.maintenance.clone();
        Ok(MaintenanceEdit { shell, maintenance, form, invalid, board, conflict, notifies_steps }.html())
    }
}

/// Saves a maintenance, or previews its public page with a form that posts to `form_address`.
pub(super) async fn save(
    mut edit: Edit<CanPublish>,
    action: Action,
    (before, mut after): (&Maintenance, Maintenance),
    form_address: String,
    flash: &'static str,
) -> Result<Response> {
    if let Some(update) = after.newest_update().filter(|_| after.updates.len() > before.updates.len()) {
        edit.apply_notify_switch(after.id.as_str(), Some(&update.id)).await?;
    }
    let entries = actions::maintenances::save(&mut edit.tx, action, before, &mut after, edit.now).await?;
    if edit.wants_preview() {
        return edit.preview_maintenance(&after.id, form_address).await;
    }
    edit.save(entries, &address(&after), flash).await
}

/// The maintenance's path in the admin.
pub(super) fn address(maintenance: &Maintenance) -> String {
    format!("/admin/maintenances/{}", maintenance.id)
}

pub(super) async fn find_maintenance(tx: &mut Tx, id: &str) -> Result<Maintenance> {
    let id = MaintenanceId::parse(id).ok_or(Error::NotFound)?;
    Ok(maintenances::find(tx, &id).await?)
}

pub(super) fn fresh_update_id() -> UpdateId {
    UpdateId::from_random(random_bytes())
}
