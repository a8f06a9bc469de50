use axum::extract::{Path, State as FromState};
use axum::response::Response;
use chrono::{DateTime, Utc};

use crate::actions;
use crate::credentials::random;
use crate::db::{self, Tx, WriteTx, components, maintenances, series};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::{Fields, MaintenanceUpdateForm, PlanForm, SeriesForm};
use crate::domain::history::Cursor;
use crate::domain::maintenance::Switches;
use crate::domain::{Invalid, Maintenance, MaintenanceId, UpdateId};
use crate::state::State;
use crate::ui::pages::admin::{Conflict, MaintenanceEdit, MaintenanceList, MaintenanceNew, MaintenanceView};
use crate::web::access::manager::{CanPublish, CanRead, Manager};
use crate::web::admin::incidents::double_submit::{self, Sent, series_id};
use crate::web::admin::preview::{self, Rehearsing};
use crate::web::form::{Form, Search};
use crate::web::page::flash::done;
use crate::web::page::layout::{board, conflict_with, shell};
use crate::web::page::pagination;
use crate::web::page::{conflict, invalid, page, room_for};
use crate::web::{Error, Result};

/// What is told of a form that planned something else before.
const SENT_BEFORE: &str =
    "This form was sent before and has planned another maintenance. Send it again to plan this one too.";

/// `GET /admin/maintenances`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    let cursor = Cursor::parse(&query.text("before"));
    let mut maintenances = maintenances::list(&mut tx, cursor.as_ref(), pagination::READ).await?;
    let older = pagination::cut(&mut maintenances, maintenances::cursor);
    let series = series::going_on(&mut tx).await?;
    Ok(page(MaintenanceList { shell, maintenances, series, older }.html()))
}

/// `GET /admin/maintenances/new`: with every switch on, as most maintenances want it.
pub async fn new(manager: Manager<CanPublish>, FromState(state): FromState<State>) -> Result<Response> {
    let mut form = SeriesForm::default();
    form.first.plan.switches = Switches { reminds: true, starts: true, completes: true, marks: true };
    let mut tx = state.db.read().await?;
    form.first.window.zone = db::page_settings::load(&mut tx).await?.time_zone.name().to_owned();
    Ok(page(new_page(&state, &mut tx, &manager, form, Invalid::new()).await?))
}

/// `POST /admin/maintenances`: one, or the first of a series.
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let form = SeriesForm::read(&fields);
    if fields.has("preview") {
        let mut tx = state.db.read().await?;
        return Ok(page(new_page(&state, &mut tx, &manager, form, Invalid::new()).await?));
    }
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let id = MaintenanceId::parse_fresh(&form.id).unwrap_or_else(|| MaintenanceId::from_random(random()));
    match double_submit::maintenance(&mut tx, &manager, &id, &form).await? {
        Sent::First => {}
        Sent::Again(path) => return Ok(done(&path, "maintenance-planned")),
        Sent::Taken => {
            let (form, wrong) = (SeriesForm { id: String::new(), ..form }, Invalid::field("title", SENT_BEFORE));
            return Ok(invalid(new_page(&state, &mut tx, &manager, form, wrong).await?));
        }
    }
    let planned = if form.recurrence.is_wanted() {
        plan_series(&mut tx, &form, &id, now).await?
    } else {
        plan(&mut tx, &form, id, now).await?
    };
    match planned {
        Ok((made, _)) if preview::is_asked(&fields) => {
            let what = Rehearsing::maintenance(made.id.as_str(), "/admin/maintenances".into(), &fields)?;
            preview::show(&state, tx, &manager, what).await
        }
        Ok((made, entries)) => {
            tx.commit_all(&manager.actor(), now, &entries).await?;
            state.publish().await;
            Ok(done(&format!("/admin/maintenances/{}", made.id), "maintenance-planned"))
        }
        Err(wrong) => Ok(invalid(new_page(&state, &mut tx, &manager, form, wrong).await?)),
    }
}

/// What was planned with its entries for the audit, or what is wrong.
type Planned = Result<(Maintenance, Vec<Entry>), Invalid>;

async fn plan(tx: &mut WriteTx, form: &SeriesForm, id: MaintenanceId, now: DateTime<Utc>) -> Result<Planned> {
    let known = components::list(tx).await?;
    let ids = (id, fresh_update_id());
    let made = match form.first.parse().and_then(|new| new.plan(ids, &known, now)) {
        Ok(made) => made,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let entry = actions::maintenances::schedule(tx, &made).await?;
    Ok(Ok((made, vec![entry])))
}

/// The series gets the `id` of the form; each of its maintenances gets one of its own.
async fn plan_series(tx: &mut WriteTx, form: &SeriesForm, id: &MaintenanceId, now: DateTime<Utc>) -> Result<Planned> {
    let known = components::list(tx).await?;
    let id = series_id(id)?;
    let begun = match form.parse().and_then(|new| new.begin(id, &known, now)) {
        Ok(begun) => begun,
        Err(wrong) => return Ok(Err(wrong)),
    };
    match room_for(actions::recurring_maintenances::add(tx, begun, now).await, "repeats")? {
        Ok(Some(added)) => Ok(Ok(added)),
        Ok(None) => Ok(Err(Invalid::field("scheduled_until", "By this rule it is over already."))),
        Err(full) => Ok(Err(full)),
    }
}

async fn new_page(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    mut form: SeriesForm,
    wrong: Invalid,
) -> Result<String> {
    if MaintenanceId::parse_fresh(&form.id).is_none() {
        form.id = MaintenanceId::from_random(random()).to_string();
    }
    let shell = shell(state, tx, manager, &Fields::default()).await?;
    let board = board(tx).await?;
    Ok(MaintenanceNew { shell, form, invalid: wrong, board }.html())
}

/// `GET /admin/maintenances/{id}`
pub async fn show(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find(&mut tx, &id).await?;
    let form = MaintenanceUpdateForm::of(&maintenance);
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    Ok(page(MaintenanceView { shell, maintenance, form, invalid: Invalid::new(), conflict: None }.html()))
}

/// `GET /admin/maintenances/{id}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let maintenance = find(&mut tx, &id).await?;
    let form = PlanForm::of(&maintenance);
    Ok(page(editor(&state, &mut tx, &manager, maintenance, form, Invalid::new(), None).await?))
}

/// `POST /admin/maintenances/{id}`
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = PlanForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    if form.version != before.version {
        let met = Some(conflict_with(&mut tx, &id, PlanForm::of(&before)).await?);
        form.version = before.version;
        return Ok(conflict(editor(&state, &mut tx, &manager, before, form, Invalid::new(), met).await?));
    }
    if fields.has("preview") {
        return Ok(page(editor(&state, &mut tx, &manager, before, form, Invalid::new(), None).await?));
    }
    let mut after = before.clone();
    let known = components::list(&mut tx).await?;
    if let Err(wrong) = form.parse().and_then(|plan| plan.apply(&mut after, &known, now)) {
        return Ok(invalid(editor(&state, &mut tx, &manager, before, form, wrong, None).await?));
    }
    if preview::is_asked(&fields) {
        return rehearse(&state, tx, &manager, after, format!("/admin/maintenances/{id}"), &fields).await;
    }
    if after != before {
        save(&state, tx, &manager, Action::MaintenanceEdit, &before, after).await?;
    }
    Ok(done(&format!("/admin/maintenances/{id}"), "maintenance-saved"))
}

async fn editor(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    maintenance: Maintenance,
    form: PlanForm,
    wrong: Invalid,
    conflict: Option<Conflict<PlanForm>>,
) -> Result<String> {
    let shell = shell(state, tx, manager, &Fields::default()).await?;
    let board = board(tx).await?;
    Ok(MaintenanceEdit { shell, maintenance, form, invalid: wrong, board, conflict }.html())
}

/// `POST /admin/maintenances/{id}/beginning`: now, whatever was planned.
pub async fn begin(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    let mut after = before.clone();
    after.begin(fresh_update_id(), now).map_err(|sentence| Error::Conflict(sentence.to_owned()))?;
    save(&state, tx, &manager, Action::MaintenanceStart, &before, after).await?;
    Ok(done(&format!("/admin/maintenances/{id}"), "maintenance-begun"))
}

/// `POST /admin/maintenances/{id}/completion`
pub async fn complete(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    let mut after = before.clone();
    after.complete(fresh_update_id(), now).map_err(|sentence| Error::Conflict(sentence.to_owned()))?;
    save(&state, tx, &manager, Action::MaintenanceComplete, &before, after).await?;
    Ok(done(&format!("/admin/maintenances/{id}"), "maintenance-completed"))
}

/// Saves `after` in place of `before` and publishes it.
pub(super) async fn save(
    state: &State,
    mut tx: WriteTx,
    manager: &Manager<CanPublish>,
    action: Action,
    before: &Maintenance,
    mut after: Maintenance,
) -> Result<()> {
    let now = state.clock.now();
    let entries = actions::maintenances::save(&mut tx, action, before, &mut after, now).await?;
    tx.commit_all(&manager.actor(), now, &entries).await?;
    state.publish().await;
    Ok(())
}

/// What visitors would read if `after` were kept.
pub(super) async fn rehearse(
    state: &State,
    mut tx: WriteTx,
    manager: &Manager<CanPublish>,
    mut after: Maintenance,
    action: String,
    fields: &Fields,
) -> Result<Response> {
    let now = state.clock.now();
    let before = maintenances::find(&mut tx, &after.id).await?;
    actions::maintenances::save(&mut tx, Action::MaintenanceEdit, &before, &mut after, now).await?;
    preview::show(state, tx, manager, Rehearsing::maintenance(after.id.as_str(), action, fields)?).await
}

/// The maintenance of an address.
pub(super) async fn find(tx: &mut Tx, id: &str) -> Result<Maintenance> {
    let id = MaintenanceId::parse(id).ok_or(Error::NotFound)?;
    Ok(maintenances::find(tx, &id).await?)
}

pub(super) fn fresh_update_id() -> UpdateId {
    UpdateId::from_random(random())
}
