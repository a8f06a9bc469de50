use axum::extract::{Path, State as FromState};
use axum::response::Response;

use crate::actions;
use crate::db::{self, Tx, announcements};
use crate::domain::forms::{AnnouncementForm, Fields};
use crate::domain::history::Cursor;
use crate::domain::{Announcement, AnnouncementId};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{AnnouncementDeletion, AnnouncementEdit, AnnouncementList};
use crate::web::access::manager::{CanPublish, CanRead, Fresh, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::admin_context;
use crate::web::page::{page_response, pagination};
use crate::web::{Error, Result};

const LIST: &str = "/admin/announcements";

/// `GET /admin/announcements`
pub async fn index(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let cursor = Cursor::parse(&query.text("before"));
    let mut announcements = announcements::list(&mut tx, cursor.as_ref(), pagination::READ_LIMIT).await?;
    let older = pagination::take_page(&mut announcements, announcements::cursor);
    Ok(page_response(AnnouncementList { shell, announcements, older }.html()))
}

/// `GET /admin/announcements/new`
pub async fn new(manager: Manager<CanPublish>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let zone = db::page_settings::load(&mut tx).await?.time_zone;
    let form = AnnouncementForm::starting(state.clock.now(), zone);
    show(&state, &mut tx, &manager, &AnnouncementEditor { stored: None }, form).await
}

/// `POST /admin/announcements`
pub async fn create(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let (form, editor) = (AnnouncementForm::read(&edit.fields), AnnouncementEditor { stored: None });
    let new = edit.check(&editor, form.clone(), form.parse()).await?;
    let added = actions::announcements::add(&mut edit.tx, new, edit.now).await;
    let (_, entry) = edit.check_limit(&editor, form, added, "title").await?;
    edit.save([entry], LIST, "announcement-added").await
}

/// `GET /admin/announcements/{id}/edit`
pub async fn edit(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let announcement = find_announcement(&mut tx, &id).await?;
    let zone = db::page_settings::load(&mut tx).await?.time_zone;
    let form = AnnouncementForm::from_announcement(&announcement, zone);
    show(&state, &mut tx, &manager, &AnnouncementEditor { stored: Some(announcement) }, form).await
}

/// `POST /admin/announcements/{id}`
pub async fn update(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_announcement(&mut edit.tx, &id).await?;
    let zone = db::page_settings::load(&mut edit.tx).await?.time_zone;
    let (form, editor) = (AnnouncementForm::read(&edit.fields), AnnouncementEditor { stored: Some(before.clone()) });
    let theirs = AnnouncementForm::from_announcement(&before, zone);
    let saved = Saved { audit_id: &id, version: before.version, theirs };
    let form = edit.check_version(&editor, form, saved).await?;
    let new = edit.check(&editor, form.clone(), form.parse()).await?;
    let mut after = Announcement {
        title: new.title,
        body: new.body,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        ..before.clone()
    };
    let entry = match after == before {
        true => None,
        false => Some(actions::announcements::edit(&mut edit.tx, &before, &mut after, edit.now).await?),
    };
    edit.save(entry, LIST, "announcement-saved").await
}

/// `POST /admin/announcements/{id}/end`: visitors stop seeing it now. One that has not started never appears.
pub async fn end(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let before = find_announcement(&mut edit.tx, &id).await?;
    let mut after = before.clone();
    after.end(edit.now);
    let entry = match after == before {
        true => None,
        false => Some(actions::announcements::edit(&mut edit.tx, &before, &mut after, edit.now).await?),
    };
    edit.save(entry, LIST, "announcement-ended").await
}

/// `GET /admin/announcements/{id}/deletion`
pub async fn confirm_delete(
    manager: Manager<CanPublish>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let announcement = find_announcement(&mut tx, &id).await?;
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    Ok(page_response(AnnouncementDeletion { shell, announcement }.html()))
}

/// `POST /admin/announcements/{id}/deletion`
pub async fn destroy(
    manager: Manager<Fresh<CanPublish>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let announcement = find_announcement(&mut edit.tx, &id).await?;
    let entry = actions::announcements::delete(&mut edit.tx, &announcement).await?;
    edit.save([entry], LIST, "announcement-deleted").await
}

async fn find_announcement(tx: &mut Tx, id: &str) -> Result<Announcement> {
    let id = AnnouncementId::parse(id).ok_or(Error::NotFound)?;
    Ok(announcements::find(tx, &id).await?)
}

struct AnnouncementEditor {
    /// `None` for a new one.
    stored: Option<Announcement>,
}

impl Editor for AnnouncementEditor {
    type Form = AnnouncementForm;
    type Theirs = AnnouncementForm;

    async fn html(
        &self,
        _: &mut Tx,
        shell: AdminContext,
        form: AnnouncementForm,
        problem: Problem<AnnouncementForm>,
    ) -> Result<String> {
        let Problem { invalid, conflict } = problem;
        Ok(AnnouncementEdit { shell, stored: self.stored.clone(), form, invalid, conflict }.html())
    }
}
