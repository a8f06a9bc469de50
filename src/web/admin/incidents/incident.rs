use axum::extract::{Path, State as FromState};
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::actions;
use crate::credentials::random_bytes;
use crate::db::{self, Tx, admin_incidents, components};
use crate::domain::forms::{Fields, IncidentDetailsForm, IncidentForm, PAST_INCIDENT, UpdateForm};
use crate::domain::history::Cursor;
use crate::domain::search::IncidentSearch;
use crate::domain::{Incident, IncidentId, Invalid, Phase, Status, UpdateId, Visibility};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{IncidentDeletion, IncidentEdit, IncidentList};
use crate::web::access::manager::{CanPublish, CanRead, Fresh, Manager};
use crate::web::admin::composer::{
    ComposerDraft, IncidentComposer, UpdateComposer, check_draft, check_status, confirmed_phase,
};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show as show_editor, show_submitted};
use crate::web::admin::incidents::double_submit::{self, Submission};
use crate::web::admin::incidents::drafts;
use crate::web::admin::notify;
use crate::web::admin::preview::{self, PreviewRequest, previewed_visibility};
use crate::web::admin::templates;
use crate::web::form::{Form, QueryFields};
use crate::web::page::flash::redirect_with_flash;
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::page::pagination;
use crate::web::{Error, Result};

/// For a submitted form whose id is already taken.
const ALREADY_SUBMITTED: &str = "This form was already submitted. Submit it again to create a second incident.";

/// `GET /admin/incidents`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let cursor = Cursor::parse(&query.text("before"));
    let search = IncidentSearch::read(&query);
    let mut incidents = admin_incidents::search(&mut tx, &search, cursor.as_ref(), pagination::READ_LIMIT).await?;
    let older = pagination::take_page(&mut incidents, admin_incidents::incident_cursor);
    Ok(page_response(IncidentList { shell, search, incidents, older }.html()))
}

/// `GET /admin/incidents/new`
pub async fn new(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut form = IncidentForm { phase: Phase::Investigating.key().to_owned(), ..IncidentForm::default() };
    let mut tx = state.db.read().await?;
    let mut shell = admin_context(&state, &mut tx, &manager, &query).await?;
    if let Some(template) = templates::requested_template(&mut tx, &query).await? {
        if template.phase.is_maintenance() {
            let path = format!("/admin/maintenances/new?template={}", template.id);
            return Ok(Redirect::to(&path).into_response());
        }
        let meanings = templates::placeholder_values(&mut tx, &template, None, state.clock.now()).await?;
        form.apply_template(&template, &meanings);
        shell.notify.is_on = template.notify;
    }
    if query.has(PAST_INCIDENT) {
        form.begin_past();
    }
    preset_components(&mut tx, &query, &mut form).await?;
    form.details.zone = db::page_settings::load(&mut tx).await?.time_zone.name().to_owned();
    form.details.publish_zone = form.details.zone.clone();
    let composer = IncidentComposer::new(ComposerDraft::None);
    Ok(page_response(composer.html(&mut tx, shell, form, Problem::none()).await?))
}

/// Adds the components that the query names, with their status or, if they are operational, the mildest other.
async fn preset_components(tx: &mut Tx, query: &Fields, form: &mut IncidentForm) -> Result<()> {
    let named = query.values("component");
    if named.is_empty() {
        return Ok(());
    }
    for component in components::list(tx).await?.iter().filter(|it| named.iter().any(|id| *id == it.id.as_str())) {
        let status = match component.status {
            Status::Operational => Status::DegradedPerformance,
            status => status,
        };
        form.components.entry(component.id.to_string()).or_insert_with(|| status.key().to_owned());
    }
    Ok(())
}

/// `POST /admin/incidents`
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let (form, pressed) = read_submitted(&fields);
    let composer = IncidentComposer::new(ComposerDraft::submitted(&fields)).focusing(pressed);
    if pressed.is_some() || (fields.has("preview") && !fields.has("save_draft")) {
        let mut tx = state.db.read().await?;
        return show_submitted(&state, &mut tx, &manager, &composer, (form, &fields)).await;
    }
    let mut edit = Edit::begin(state, manager, fields).await?;
    if edit.fields.has("save_draft") {
        return drafts::save(edit, &composer, form, None).await;
    }
    let id = IncidentId::parse_fresh(&form.id).unwrap_or_else(|| IncidentId::from_random(random_bytes()));
    match double_submit::find_submitted_incident(&mut edit.tx, &edit.manager, &id, &form).await? {
        Submission::First => {}
        Submission::Again(opened) => return Ok(redirect_with_flash(&address(&opened), opened_flash(&opened))),
        Submission::Taken => {
            let (form, wrong) =
                (IncidentForm { id: String::new(), ..form }, Invalid::field("title", ALREADY_SUBMITTED));
            return Err(edit.reject(&composer, form, wrong).await);
        }
    }
    let draft = check_draft(&mut edit, &composer, form.clone()).await?;
    let components = components::list(&mut edit.tx).await?;
    let fresh_id = || UpdateId::from_random(random_bytes());
    let opened = form.parse().and_then(|new| new.open(id, fresh_id, &components, edit.now));
    let incident = edit.check(&composer, form.clone(), opened).await?;
    if edit.wants_preview() {
        return preview_opened(edit, incident).await;
    }
    let newest = incident.newest_update().map_or("", |newest| &newest.body);
    check_status(&mut edit, &composer, form, (incident.phase, newest)).await?;
    choose_notification(&mut edit, &incident).await?;
    let entry = actions::incidents::open(&mut edit.tx, &incident, draft.as_ref()).await?;
    edit.save([entry], &address(&incident), opened_flash(&incident)).await
}

/// The form with the confirmed status, after the button that adds or removes an update of a past incident, and the index
/// of the update to continue with.
fn read_submitted(fields: &Fields) -> (IncidentForm, Option<usize>) {
    let mut form = IncidentForm::read(fields);
    let phase = form.newest_phase();
    *phase = confirmed_phase(fields, std::mem::take(phase));
    let pressed = form.press_row_button(fields);
    (form, pressed)
}

/// Stores the choice of the form. A past incident, or one that was over when it was entered, has a tick of its own, off
/// by default.
async fn choose_notification(edit: &mut Edit<CanPublish>, incident: &Incident) -> Result<()> {
    let Some(newest) = incident.newest_update() else { return Ok(()) };
    let (is_wanted, is_past) = (edit.fields.has("notify_backfill"), edit.fields.has(PAST_INCIDENT));
    // An internal incident follows the switch of its publication.
    let would_notify = incident.is_open() && incident.visibility != Visibility::Internal;
    if is_past && !is_wanted && !would_notify {
        return Ok(());
    }
    if is_past || (incident.is_backfilled() && is_wanted) {
        let subject = incident.id.as_str();
        return Ok(actions::notices::set_notification(&mut edit.tx, subject, &newest.id, is_wanted).await?);
    }
    edit.apply_notify_switch(incident.id.as_str(), Some(&newest.id)).await
}

/// Previews a new incident; an embargoed one as it will look once it is public.
async fn preview_opened(mut edit: Edit<CanPublish>, mut incident: Incident) -> Result<Response> {
    let what = PreviewRequest::incident(&incident, "/admin/incidents".to_owned(), &edit.fields);
    incident.visibility = previewed_visibility(incident.visibility);
    actions::incidents::open(&mut edit.tx, &incident, None).await?;
    preview::show_preview(&edit.state, edit.tx, &edit.manager, what).await
}

fn opened_flash(incident: &Incident) -> &'static str {
    if incident.visibility.is_public() { "incident-opened" } else { "incident-kept" }
}

/// `GET /admin/incidents/{id}`: the composer above the timeline.
pub async fn show(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find_incident(&mut tx, &id).await?;
    let mut shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let mut form = UpdateForm::from_incident(&incident);
    let phase = Phase::from_key(&query.text("phase")).unwrap_or_else(|| incident.phase.likely_next());
    form.phase = phase.key().to_owned();
    let template = templates::requested_template(&mut tx, &query).await?;
    if let Some(template) = template.filter(|template| !template.phase.is_maintenance()) {
        let subject = Some((&incident).into());
        let meanings = templates::placeholder_values(&mut tx, &template, subject, state.clock.now()).await?;
        form.apply_template(&template, &meanings);
        shell.notify.is_on = template.notify;
    }
    let composer = UpdateComposer::new(incident, ComposerDraft::None);
    Ok(page_response(composer.html(&mut tx, shell, form, Problem::none()).await?))
}

/// `GET /admin/incidents/{id}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find_incident(&mut tx, &id).await?;
    let form = IncidentDetailsForm::from_incident(&incident, db::page_settings::load(&mut tx).await?.time_zone);
    show_editor(&state, &mut tx, &manager, &DetailsEditor { incident }, form).await
}

/// `POST /admin/incidents/{id}`
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_incident(&mut edit.tx, &id).await?;
    let (form, editor) = (IncidentDetailsForm::read(&edit.fields), DetailsEditor { incident: before.clone() });
    let zone = db::page_settings::load(&mut edit.tx).await?.time_zone;
    let saved =
        Saved { audit_id: &id, version: before.version, theirs: IncidentDetailsForm::from_incident(&before, zone) };
    let form = edit.check_version(&editor, form, saved).await?;
    let mut after = before.clone();
    let applied = form.parse().and_then(|details| details.apply(&mut after, edit.now));
    edit.check(&editor, form, applied).await?;
    let address = address(&before);
    if edit.wants_preview() {
        return edit.preview_incident(after, address).await;
    }
    if !before.visibility.is_public() {
        edit.apply_notify_switch(&id, after.newest_update().map(|update| &update.id)).await?;
    }
    let entry = match after == before {
        true => None,
        false => Some(actions::incidents::edit(&mut edit.tx, &before, &mut after, edit.now).await?),
    };
    edit.save(entry, &address, "incident-saved").await
}

/// The form for title, times, impact and visibility.
struct DetailsEditor {
    incident: Incident,
}

impl Editor for DetailsEditor {
    type Form = IncidentDetailsForm;
    type Theirs = IncidentDetailsForm;

    async fn html(
        &self,
        tx: &mut Tx,
        mut shell: AdminContext,
        form: IncidentDetailsForm,
        problem: Problem<IncidentDetailsForm>,
    ) -> Result<String> {
        shell.notify.reach = notify::of_publication(tx, &self.incident).await?;
        let (Problem { invalid, conflict }, incident) = (problem, self.incident.clone());
        Ok(IncidentEdit { shell, incident, form, invalid, conflict }.html())
    }
}

/// `GET /admin/incidents/{id}/deletion`: asks for the title.
pub async fn confirm_delete(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find_incident(&mut tx, &id).await?;
    show_editor(&state, &mut tx, &manager, &DeletionEditor { incident }, String::new()).await
}

/// `POST /admin/incidents/{id}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanPublish>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let incident = find_incident(&mut edit.tx, &id).await?;
    let editor = DeletionEditor { incident: incident.clone() };
    edit.check_deletion(&editor, ("incident", incident.version, &incident.title)).await?;
    let entry = actions::incidents::delete(&mut edit.tx, &incident).await?;
    edit.save([entry], "/admin/incidents", "incident-deleted").await
}

/// A deletion is confirmed by typing the incident's title.
struct DeletionEditor {
    incident: Incident,
}

impl Editor for DeletionEditor {
    type Form = String;
    type Theirs = ();

    async fn html(&self, _: &mut Tx, shell: AdminContext, typed: String, problem: Problem<()>) -> Result<String> {
        Ok(IncidentDeletion { shell, incident: self.incident.clone(), typed, invalid: problem.invalid }.html())
    }
}

/// The incident's path in the admin.
pub(super) fn address(incident: &Incident) -> String {
    format!("/admin/incidents/{}", incident.id)
}

pub(super) async fn find_incident(tx: &mut Tx, id: &str) -> Result<Incident> {
    let id = IncidentId::parse(id).ok_or(Error::NotFound)?;
    Ok(admin_incidents::find(tx, &id).await?)
}
