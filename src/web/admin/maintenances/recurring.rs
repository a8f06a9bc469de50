use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::maintenance::choose_step_notifications;
use crate::actions;
use crate::db::{self, Tx, components, maintenances, series};
use crate::domain::forms::SeriesForm;
use crate::domain::{Series, SeriesId};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{SeriesEdit, SeriesEnd};
use crate::web::Result;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show};
use crate::web::form::Form;
use crate::web::page::layout::component_board;

const LIST: &str = "/admin/maintenances";

/// `GET /admin/series/{id}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let series = find_series(&mut tx, &id).await?;
    let form = SeriesForm::from_series(&series, state.clock.now());
    show(&state, &mut tx, &manager, &SeriesEditor { series }, form).await
}

/// `POST /admin/series/{id}`: changes future maintenances; those that have begun stay as they are.
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_series(&mut edit.tx, &id).await?;
    let (form, editor) = (SeriesForm::read(&edit.fields), SeriesEditor { series: before.clone() });
    let saved = Saved { audit_id: &id, version: before.version, theirs: SeriesForm::from_series(&before, edit.now) };
    let form = edit.check_version(&editor, form, saved).await?;
    let mut after = before.clone();
    let known = components::list(&mut edit.tx).await?;
    let applied = form.parse().and_then(|new| new.apply(&mut after, &known, edit.now));
    edit.check(&editor, form, applied).await?;
    choose_step_notifications(&mut edit, &id).await?;
    let entries = actions::recurring_maintenances::edit(&mut edit.tx, &before, &mut after, edit.now).await?;
    edit.save(entries, LIST, "series-saved").await
}

/// `GET /admin/series/{id}/end`: asks before a series stops.
pub async fn confirm_end(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let series = find_series(&mut tx, &id).await?;
    show(&state, &mut tx, &manager, &EndEditor { series }, false).await
}

/// `POST /admin/series/{id}/end`: stops only the version that the question showed.
pub async fn end(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_series(&mut edit.tx, &id).await?;
    if edit.fields.version() != before.version {
        return Err(edit.conflict(&EndEditor { series: before }, true).await);
    }
    let mut after = before.clone();
    after.end();
    let entry = match after == before {
        true => None,
        false => Some(actions::recurring_maintenances::end(&mut edit.tx, &before, &mut after, edit.now).await?),
    };
    edit.save(entry, LIST, "series-ended").await
}

async fn find_series(tx: &mut Tx, id: &str) -> Result<Series> {
    let id = SeriesId::parse(id).ok_or(db::Error::NotFound)?;
    Ok(series::find(tx, &id).await?)
}

struct SeriesEditor {
    series: Series,
}

impl Editor for SeriesEditor {
    type Form = SeriesForm;
    type Theirs = SeriesForm;

    async fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        form: SeriesForm,
        problem: Problem<SeriesForm>,
    ) -> Result<String> {
        let (board, series) = (component_board(tx).await?, self.series.clone());
        let Problem { invalid, conflict } = problem;
        let notifies_steps = actions::notices::steps_notify(tx, series.id.as_str()).await?;
        Ok(SeriesEdit { shell, series, form, invalid, board, conflict, notifies_steps }.html())
    }
}

struct EndEditor {
    series: Series,
}

impl Editor for EndEditor {
    /// Whether the series was changed after the question was shown.
    type Form = bool;
    type Theirs = ();

    async fn html(&self, tx: &mut Tx, shell: AdminContext, changed: bool, _: Problem<()>) -> Result<String> {
        let next = maintenances::find_next_occurrence(tx, &self.series.id).await?;
        Ok(SeriesEnd { shell, series: self.series.clone(), next, changed }.html())
    }
}
