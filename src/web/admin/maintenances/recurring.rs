use axum::extract::{Path, State as FromState};
use axum::response::Response;

use crate::actions;
use crate::db::{self, Tx, components, series};
use crate::domain::forms::{Fields, SeriesForm};
use crate::domain::{Invalid, Series, SeriesId};
use crate::state::State;
use crate::ui::pages::admin::{Conflict, SeriesEdit};
use crate::web::Result;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::form::Form;
use crate::web::page::flash::done;
use crate::web::page::layout::{board, conflict_with, shell};
use crate::web::page::{conflict, invalid, page};

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
    let entries = actions::recurring_maintenances::edit(&mut tx, &before, &mut after, now).await?;
    tx.commit_all(&manager.actor(), now, &entries).await?;
    state.publish().await;
    Ok(done("/admin/maintenances", "series-saved"))
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
    let entry = actions::recurring_maintenances::end(&mut tx, &before, &mut after, now).await?;
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
