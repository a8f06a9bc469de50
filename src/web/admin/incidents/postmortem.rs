use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::incident::{address, find};
use crate::actions;
use crate::db::{Tx, postmortems};
use crate::domain::audit::Action;
use crate::domain::forms::ReviewForm;
use crate::domain::postmortem::PublishedReview;
use crate::domain::{Incident, Review};
use crate::state::State;
use crate::ui::admin_layout::Shell;
use crate::ui::pages::admin::ReviewEdit;
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved};
use crate::web::admin::preview::{self, Rehearsing};
use crate::web::form::{Form, Search};
use crate::web::page::layout::shell;
use crate::web::page::page;
use crate::web::{Error, Result};

/// `GET /admin/incidents/{id}/review`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let incident = find(&mut tx, &id).await?;
    let review = postmortems::find(&mut tx, &incident.id).await?;
    let form = review.as_ref().map(ReviewForm::of).unwrap_or_default();
    let shell = shell(&state, &mut tx, &manager, &query).await?;
    Ok(page(PostmortemEditor { incident, review }.html(&mut tx, shell, form, Problem::none()).await?))
}

/// `POST /admin/incidents/{id}/review`: saves what is written; the button says whether it is published too.
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let incident = find(&mut edit.tx, &id).await?;
    let before = postmortems::find(&mut edit.tx, &incident.id).await?;
    let version = before.as_ref().map_or(0, |review| review.version);
    let editor = PostmortemEditor { incident: incident.clone(), review: before.clone() };
    let audit_id = actions::postmortems::audit_id(&incident);
    let theirs = before.as_ref().map(ReviewForm::of).unwrap_or_default();
    let form = ReviewForm::read(&edit.fields);
    let form = edit.check_version(&editor, form, Saved { audit_id: &audit_id, version, theirs }).await?;
    let body = edit.check(&editor, form.clone(), form.parse()).await?;
    let publishes = edit.fields.has("publish") || edit.wants_preview();
    let published = if publishes {
        Some(PublishedReview { body: body.clone(), at: edit.now })
    } else {
        before.as_ref().and_then(|review| review.published.clone())
    };
    let mut review = Review { incident: incident.id.clone(), body, published, updated_at: edit.now, version };
    let action = if publishes { Action::PostmortemPublish } else { Action::PostmortemEdit };
    let saved = (before.as_ref(), &mut review);
    let entry = actions::postmortems::save(&mut edit.tx, action, &incident, saved, edit.now).await?;
    let address = format!("{}/review", address(&incident));
    if edit.wants_preview() {
        preview::unveil(&mut edit.tx, &incident, edit.now).await?;
        let what = Rehearsing::incident(&incident, address, &edit.fields);
        return preview::show(&edit.state, edit.tx, &edit.manager, what.pressing("publish")).await;
    }
    edit.save([entry], &address, if publishes { "review-published" } else { "review-saved" }).await
}

/// `POST /admin/incidents/{id}/review/withdrawal`: visitors no longer read it; what is written stays.
pub async fn withdraw(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let incident = find(&mut edit.tx, &id).await?;
    let found = postmortems::find(&mut edit.tx, &incident.id).await?;
    let Some(before) = found.filter(|review| review.published.is_some()) else {
        return Err(Error::Conflict("There is no published postmortem to unpublish.".into()));
    };
    if edit.fields.version() != before.version {
        return Err(Error::Conflict("The postmortem was changed in the meantime; it is still published.".into()));
    }
    let mut review = Review { published: None, ..before.clone() };
    let (action, saved) = (Action::PostmortemWithdraw, (Some(&before), &mut review));
    let entry = actions::postmortems::save(&mut edit.tx, action, &incident, saved, edit.now).await?;
    edit.save([entry], &format!("{}/review", address(&incident)), "review-withdrawn").await
}

/// The page on which a postmortem is written.
struct PostmortemEditor {
    incident: Incident,
    review: Option<Review>,
}

impl Editor for PostmortemEditor {
    type Form = ReviewForm;
    type Theirs = ReviewForm;

    async fn html(&self, _: &mut Tx, shell: Shell, form: ReviewForm, problem: Problem<ReviewForm>) -> Result<String> {
        let (incident, review) = (self.incident.clone(), self.review.clone());
        let Problem { invalid, conflict } = problem;
        Ok(ReviewEdit { shell, incident, review, form, invalid, conflict }.html())
    }
}
