use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::component::find;
use crate::actions;
use crate::credentials::random;
use crate::db::{Tx, uptime_corrections};
use crate::domain::forms::{CorrectionForm, Fields};
use crate::domain::{Component, CorrectionId, Invalid, Status};
use crate::publish::Subject;
use crate::state::State;
use crate::ui::admin_layout::Section;
use crate::ui::pages::admin::CorrectionList;
use crate::web::access::manager::{CanPublish, Fresh, Manager};
use crate::web::admin::preview::{self, Rehearsing};
use crate::web::form::{Form, Search};
use crate::web::page::flash::done;
use crate::web::page::layout::shell;
use crate::web::page::{invalid, page, room_for};
use crate::web::{Error, Result};

/// `GET /admin/components/{id}/corrections`
pub async fn index(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let component = find(&mut tx, &id).await?;
    let form = CorrectionForm { status: Status::Operational.key().to_owned(), ..CorrectionForm::default() };
    Ok(page(list(&state, &mut tx, &manager, &query, component, form, Invalid::new()).await?))
}

/// `POST /admin/components/{id}/corrections`
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let form = CorrectionForm::read(&fields);
    if fields.has("preview") {
        let mut tx = state.db.read().await?;
        let component = find(&mut tx, &id).await?;
        return Ok(page(list(&state, &mut tx, &manager, &Fields::default(), component, form, Invalid::new()).await?));
    }
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let component = find(&mut tx, &id).await?;
    let others = uptime_corrections::of(&mut tx, &component.id).await?;
    let fresh = CorrectionId::from_random(random());
    let correction = match form.parse().and_then(|new| new.of(component.id.clone(), fresh, &others, now)) {
        Ok(correction) => correction,
        Err(wrong) => {
            let none = Fields::default();
            return Ok(invalid(list(&state, &mut tx, &manager, &none, component, form, wrong).await?));
        }
    };
    let added = actions::components::correct_uptime(&mut tx, &component, &correction).await;
    let entry = match room_for(added, "reason")? {
        Ok(entry) => entry,
        Err(full) => {
            let none = Fields::default();
            return Ok(invalid(list(&state, &mut tx, &manager, &none, component, form, full).await?));
        }
    };
    if preview::is_asked(&fields) {
        let action = format!("/admin/components/{id}/corrections");
        let what = Rehearsing::of(Subject::uptime(), Section::Components, action, &fields);
        return preview::show(&state, tx, &manager, what).await;
    }
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done(&format!("/admin/components/{id}/corrections"), "correction-added"))
}

/// `POST /admin/components/{id}/corrections/{correction}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanPublish>>,
    FromState(state): FromState<State>,
    Path((id, correction)): Path<(String, String)>,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let component = find(&mut tx, &id).await?;
    let all = uptime_corrections::of(&mut tx, &component.id).await?;
    let doomed = all.into_iter().find(|other| other.id.as_str() == correction).ok_or(Error::NotFound)?;
    let entry = actions::components::remove_correction(&mut tx, &component, &doomed).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    state.publish().await;
    Ok(done(&format!("/admin/components/{id}/corrections"), "correction-removed"))
}

async fn list(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    query: &Fields,
    component: Component,
    form: CorrectionForm,
    invalid: Invalid,
) -> Result<String> {
    let shell = shell(state, tx, manager, query).await?;
    let corrections = uptime_corrections::of(tx, &component.id).await?;
    Ok(CorrectionList { shell, component, corrections, form, invalid }.html())
}
