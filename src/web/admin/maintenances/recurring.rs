use axum::extract::{Path, State as FromState};
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::maintenance::fresh_update_id;
use crate::credentials::random;
use crate::db::{self, Tx, WriteTx, components, maintenances, series};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::{Fields, SeriesForm};
use crate::domain::{Invalid, Maintenance, MaintenanceId, Series, SeriesId};
use crate::state::State;
use crate::ui::pages::admin::{Conflict, SeriesEdit};
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::form::Form;
use crate::web::page::flash::done;
use crate::web::page::layout::{board, conflict_with, shell};
use crate::web::page::{conflict, invalid, page};
use crate::web::{Error, Result};

/// `GET /admin/series/{id}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let series = find(&mut tx, &id).await?;
    let form = SeriesForm::of(&series, state.clock.now());
    Ok(page(editor(&state, &mut tx, &manager, series, form, Invalid::new(), None).await?))
}

/// `POST /admin/series/{id}`: this and all that follow; what has begun stays as it is.
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = SeriesForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    if form.first.plan.version != before.version {
        let met = Some(conflict_with(&mut tx, &id, SeriesForm::of(&before, now)).await?);
        form.first.plan.version = before.version;
        return Ok(conflict(editor(&state, &mut tx, &manager, before, form, Invalid::new(), met).await?));
    }
    let mut after = before.clone();
    let known = components::list(&mut tx).await?;
    if let Err(wrong) = form.parse().and_then(|new| new.apply(&mut after, &known, now)) {
        return Ok(invalid(editor(&state, &mut tx, &manager, before, form, wrong, None).await?));
    }
    let next = follow(&mut tx, &mut after, now).await?;
    let mut entries = vec![Entry::new(Action::SeriesEdit, &after.id, &after.title).before(&before).after(&after)];
    entries.extend(next);
    tx.commit_all(&manager.actor(), now, &entries).await?;
    state.publish().await;
    Ok(done("/admin/maintenances", "series-saved"))
}

/// Keeps the series, and makes the occurrence that is to come follow it: changed where one is planned
/// already, else new; cancelled where there is none any more.
async fn follow(tx: &mut WriteTx, changed: &mut Series, now: DateTime<Utc>) -> Result<Option<Entry>> {
    let Some(before) = maintenances::next_of(tx, &changed.id).await? else {
        let made = series::grow(tx, changed, now).await?;
        return Ok(made.map(|made| Entry::new(Action::MaintenanceSchedule, &made.id, &made.title).after(&made)));
    };
    let known = components::list(tx).await?;
    let ids = (MaintenanceId::from_random(random()), fresh_update_id());
    let made = changed.grow(ids, &known, now);
    series::update(tx, changed, now).await?;
    let mut after = before.clone();
    let action = match made {
        Some(made) => adopt(&mut after, made, now),
        None => {
            let usual = crate::domain::MaintenancePhase::Cancelled.usual_text().to_owned();
            after.cancel(usual, fresh_update_id(), now).map_err(|sentence| Error::Conflict(sentence.to_owned()))?;
            Action::MaintenanceCancel
        }
    };
    maintenances::update(tx, &mut after, now).await?;
    Ok(Some(Entry::new(action, &after.id, &after.title).before(&before).after(&after)))
}

/// Gives the planned occurrence `it` what `made` has, under its own id and with what was said so far.
fn adopt(it: &mut Maintenance, made: Maintenance, now: DateTime<Utc>) -> Action {
    let moved = (it.scheduled_for, it.scheduled_until) != (made.scheduled_for, made.scheduled_until);
    if let (Some(first), Some(text)) = (it.updates.first_mut(), made.updates.first())
        && first.body != text.body
    {
        first.body.clone_from(&text.body);
        first.edited_at = Some(now);
        first.version += 1;
    }
    it.title = made.title;
    it.components = made.components;
    it.switches = made.switches;
    it.occurrence = made.occurrence;
    if moved {
        let text = "This maintenance has been moved to another time.".to_owned();
        // It is to come and the rule gives an end after the start: nothing to refuse.
        let _ = it.reschedule((made.scheduled_for, made.scheduled_until), made.zone, text, fresh_update_id(), now);
        return Action::MaintenanceReschedule;
    }
    it.plan_reminder(now);
    Action::MaintenanceEdit
}

/// `POST /admin/series/{id}/end`
pub async fn end(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    let mut after = before.clone();
    after.end();
    if after == before {
        return Ok(done("/admin/maintenances", "series-ended"));
    }
    series::update(&mut tx, &mut after, now).await?;
    let entry = Entry::new(Action::SeriesEnd, &after.id, &after.title).before(&before).after(&after);
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done("/admin/maintenances", "series-ended"))
}

async fn editor(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    series: Series,
    form: SeriesForm,
    wrong: Invalid,
    conflict: Option<Conflict<SeriesForm>>,
) -> Result<String> {
    let shell = shell(state, tx, manager, &Fields::default()).await?;
    let board = board(tx).await?;
    Ok(SeriesEdit { shell, series, form, invalid: wrong, board, conflict }.html())
}

async fn find(tx: &mut Tx, id: &str) -> Result<Series> {
    let id = SeriesId::parse(id).ok_or(db::Error::NotFound)?;
    Ok(series::find(tx, &id).await?)
}
