use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::incident::{address, find_incident};
use crate::actions;
use crate::db::{Tx, postmortems};
use crate::domain::audit::Action;
use crate::domain::forms::PostmortemForm;
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::{Incident, Postmortem};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::PostmortemEdit;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved};
use crate::web::admin::notify;
use crate::web::admin::preview::{self, PreviewRequest};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::{Error, Result};

/// `GET /admin/incidents/{id}/postmortem`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find_incident(&mut tx, &id).await?;
    let postmortem = postmortems::find(&mut tx, &incident.id).await?;
    let form = postmortem.as_ref().map(PostmortemForm::from_postmortem).unwrap_or_default();
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    Ok(page_response(PostmortemEditor { incident, postmortem }.html(&mut tx, shell, form, Problem::none()).await?))
}

/// `POST /admin/incidents/{id}/postmortem`: saves the draft; the button `publish` also publishes it.
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let incident = find_incident(&mut edit.tx, &id).await?;
    let before = postmortems::find(&mut edit.tx, &incident.id).await?;
    let version = before.as_ref().map_or(0, |postmortem| postmortem.version);
    let editor = PostmortemEditor { incident: incident.clone(), postmortem: before.clone() };
    let audit_id = actions::postmortems::audit_id(&incident.id);
    let theirs = before.as_ref().map(PostmortemForm::from_postmortem).unwrap_or_default();
    let form = PostmortemForm::read(&edit.fields);
    let form = edit.check_version(&editor, form, Saved { audit_id: &audit_id, version, theirs }).await?;
    let body = edit.check(&editor, form.clone(), form.parse()).await?;
    let publishes = edit.fields.has("publish") || edit.wants_preview();
    let published = if publishes {
        Some(PublishedPostmortem { body: body.clone(), at: edit.now, update_id: None })
    } else {
        before.as_ref().and_then(|postmortem| postmortem.published.clone())
    };
    let mut postmortem = Postmortem { incident: incident.id.clone(), body, published, updated_at: edit.now, version };
    let action = if publishes { Action::PostmortemPublish } else { Action::PostmortemEdit };
    if publishes && let Some(notifies) = edit.fields.notify_choice() {
        actions::notices::set_postmortem_notification(&mut edit.tx, &incident.id, notifies).await?;
    }
    let saved = (before.as_ref(), &mut postmortem);
    let entry = actions::postmortems::save(&mut edit.tx, action, &incident, saved, edit.now).await?;
    let address = format!("{}/postmortem", address(&incident));
    if edit.wants_preview() {
        preview::make_public(&mut edit.tx, &incident, edit.now).await?;
        let what = PreviewRequest::incident(&incident, address, &edit.fields);
        return preview::show_preview(&edit.state, edit.tx, &edit.manager, what.button("publish")).await;
    }
    edit.save([entry], &address, if publishes { "postmortem-published" } else { "postmortem-saved" }).await
}

/// `POST /admin/incidents/{id}/postmortem/withdrawal`: unpublishes the postmortem; the draft stays.
pub async fn withdraw(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let incident = find_incident(&mut edit.tx, &id).await?;
    let found = postmortems::find(&mut edit.tx, &incident.id).await?;
    let Some(before) = found.filter(|postmortem| postmortem.published.is_some()) else {
        return Err(Error::Conflict("There is no published postmortem to unpublish.".into()));
    };
    if edit.fields.version() != before.version {
        return Err(Error::Conflict("The postmortem was changed in the meantime; it is still published.".into()));
    }
    let mut postmortem = Postmortem { published: None, ..before.clone() };
    let (action, saved) = (Action::PostmortemWithdraw, (Some(&before), &mut postmortem));
    let entry = actions::postmortems::save(&mut edit.tx, action, &incident, saved, edit.now).await?;
    edit.save([entry], &format!("{}/postmortem", address(&incident)), "postmortem-withdrawn").await
}

struct PostmortemEditor {
    incident: Incident,
    postmortem: Option<Postmortem>,
}

impl Editor for PostmortemEditor {
    type Form = PostmortemForm;
    type Theirs = PostmortemForm;

    async fn html(
        &self,
        tx: &mut Tx,
        mut shell: AdminContext,
        form: PostmortemForm,
        problem: Problem<PostmortemForm>,
    ) -> Result<String> {
        shell.notify.reach = notify::of_postmortem(tx, &self.incident).await?;
        let (incident, postmortem) = (self.incident.clone(), self.postmortem.clone());
        let Problem { invalid, conflict } = problem;
        Ok(PostmortemEdit { shell, incident, postmortem, form, invalid, conflict }.html())
    }
}
