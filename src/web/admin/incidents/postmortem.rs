use axum::extract::{Path, State as FromState};
use axum::response::Response;

use super::incident::find;
use crate::actions;
use crate::db::{Tx, postmortems};
use crate::domain::audit::Action;
use crate::domain::forms::{Fields, ReviewForm};
use crate::domain::postmortem::PublishedReview;
use crate::domain::{Incident, Invalid, Review};
use crate::state::State;
use crate::ui::pages::admin::{Conflict, ReviewEdit};
use crate::web::access::manager::{CanPublish, Manager};
use crate::web::admin::preview::{self, Rehearsing};
use crate::web::form::{Form, Search};
use crate::web::page::flash::done;
use crate::web::page::layout::{conflict_with, shell};
use crate::web::page::{conflict, invalid, page};
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
    let editing = Editing { incident, review, form, invalid: Invalid::new(), conflict: None };
    Ok(page(editor(&state, &mut tx, &manager, &query, editing).await?))
}

/// `POST /admin/incidents/{id}/review`: keeps what is written; the button says whether it is published too.
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = ReviewForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let incident = find(&mut tx, &id).await?;
    let before = postmortems::find(&mut tx, &incident.id).await?;
    let stands = before.as_ref().map_or(0, |review| review.version);
    let none = Fields::default();
    if form.version != stands {
        let theirs = before.as_ref().map(ReviewForm::of).unwrap_or_default();
        let met = Some(conflict_with(&mut tx, &actions::postmortems::audit_id(&incident), theirs).await?);
        form.version = stands;
        let editing = Editing { incident, review: before, form, invalid: Invalid::new(), conflict: met };
        return Ok(conflict(editor(&state, &mut tx, &manager, &none, editing).await?));
    }
    let parsed = form.parse();
    let body = match parsed {
        Ok(body) if !fields.has("preview") => body,
        parsed => {
            let previewing = fields.has("preview");
            let wrong = if previewing { Invalid::new() } else { parsed.err().unwrap_or_default() };
            let editing = Editing { incident, review: before, form, invalid: wrong, conflict: None };
            let html = editor(&state, &mut tx, &manager, &none, editing).await?;
            return Ok(if previewing { page(html) } else { invalid(html) });
        }
    };
    let rehearses = preview::is_asked(&fields);
    let publishes = fields.has("publish") || rehearses;
    let published = if publishes {
        Some(PublishedReview { body: body.clone(), at: now })
    } else {
        before.as_ref().and_then(|review| review.published.clone())
    };
    let mut review = Review { incident: incident.id.clone(), body, published, updated_at: now, version: stands };
    let action = if publishes { Action::PostmortemPublish } else { Action::PostmortemEdit };
    let saved = (before.as_ref(), &mut review);
    let entry = actions::postmortems::save(&mut tx, action, &incident, saved, now).await?;
    if rehearses {
        preview::unveil(&mut tx, &incident, now).await?;
        let what = Rehearsing::incident(&incident, format!("/admin/incidents/{id}/review"), &fields);
        return preview::show(&state, tx, &manager, what.pressing("publish")).await;
    }
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    let word = if publishes { "review-published" } else { "review-saved" };
    Ok(done(&format!("/admin/incidents/{id}/review"), word))
}

/// `POST /admin/incidents/{id}/review/withdrawal`: visitors no longer read it; what is written stays.
pub async fn withdraw(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let incident = find(&mut tx, &id).await?;
    let Some(before) = postmortems::find(&mut tx, &incident.id).await?.filter(|review| review.published.is_some())
    else {
        return Err(Error::Conflict("There is no published review to withdraw.".into()));
    };
    if fields.version() != before.version {
        return Err(Error::Conflict("The review was changed in the meantime, nothing was withdrawn.".into()));
    }
    let mut review = Review { published: None, ..before.clone() };
    let (action, saved) = (Action::PostmortemWithdraw, (Some(&before), &mut review));
    let entry = actions::postmortems::save(&mut tx, action, &incident, saved, now).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done(&format!("/admin/incidents/{id}/review"), "review-withdrawn"))
}

/// What the editor of a review shows.
struct Editing {
    incident: Incident,
    review: Option<Review>,
    form: ReviewForm,
    invalid: Invalid,
    conflict: Option<Conflict<ReviewForm>>,
}

async fn editor(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<CanPublish>,
    query: &Fields,
    editing: Editing,
) -> Result<String> {
    let shell = shell(state, tx, manager, query).await?;
    let Editing { incident, review, form, invalid, conflict } = editing;
    Ok(ReviewEdit { shell, incident, review, form, invalid, conflict }.html())
}
