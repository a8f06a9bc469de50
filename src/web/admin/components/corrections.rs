use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::component::find_component;
use crate::actions;
use crate::credentials::random_bytes;
use crate::db::{Tx, page_settings, uptime_corrections};
use crate::domain::forms::{CorrectionForm, Fields};
use crate::domain::history::Month;
use crate::domain::{Component, CorrectionId, Status};
use crate::publish::PreviewSubject;
use crate::state::State;
use crate::ui::admin_layout::{AdminContext, Section};
use crate::ui::pages::admin::CorrectionList;
use crate::web::access::manager::{CanPublish, Fresh, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, show};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::{Error, Result};

/// `GET /admin/components/{id}/corrections`
pub async fn index(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let component = find_component(&mut tx, &id).await?;
    let form = CorrectionForm { status: Status::Operational.key().to_owned(), ..CorrectionForm::default() };
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    Ok(page_response(CorrectionEditor { component }.html(&mut tx, shell, form, Problem::none()).await?))
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
        let component = find_component(&mut tx, &id).await?;
        return show(&state, &mut tx, &manager, &CorrectionEditor { component }, form).await;
    }
    let mut edit = Edit::begin(state, manager, fields).await?;
    let component = find_component(&mut edit.tx, &id).await?;
    let others = uptime_corrections::list_for_component(&mut edit.tx, &component.id).await?;
    let fresh = CorrectionId::from_random(random_bytes());
    let zone = page_settings::load(&mut edit.tx).await?.time_zone;
    let parsed = form.parse().and_then(|new| new.into_correction(&component, zone, fresh, &others, edit.now));
    let editor = CorrectionEditor { component };
    let correction = edit.check(&editor, form.clone(), parsed).await?;
    let added = actions::components::correct_uptime(&mut edit.tx, &editor.component, &correction).await;
    let entry = edit.check_limit(&editor, form, added, "reason").await?;
    let address = format!("/admin/components/{id}/corrections");
    if edit.wants_preview() {
        let month = Month::from_time(correction.from, zone);
        let subject = PreviewSubject::uptime(editor.component.id.clone(), month);
        return edit.preview_page(subject, Section::Components, address).await;
    }
    edit.save([entry], &address, "correction-added").await
}

/// `POST /admin/components/{id}/corrections/{correction}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanPublish>>,
    FromState(state): FromState<State>,
    Path((id, correction)): Path<(String, String)>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let component = find_component(&mut edit.tx, &id).await?;
    let all = uptime_corrections::list_for_component(&mut edit.tx, &component.id).await?;
    let removed = all.into_iter().find(|other| other.id.as_str() == correction).ok_or(Error::NotFound)?;
    let entry = actions::components::remove_correction(&mut edit.tx, &component, &removed).await?;
    edit.save([entry], &format!("/admin/components/{id}/corrections"), "correction-removed").await
}

struct CorrectionEditor {
    component: Component,
}

impl Editor for CorrectionEditor {
    type Form = CorrectionForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        form: CorrectionForm,
        problem: Problem<()>,
    ) -> Result<String> {
        let component = self.component.clone();
        let corrections = uptime_corrections::list_for_component(tx, &component.id).await?;
        Ok(CorrectionList { shell, component, corrections, form, invalid: problem.invalid }.html())
    }
}
