//! Saving the admin's forms: version check (409), message preview (200), validation (422), page preview, commit,
//! publish, flash. A handler loads the object, calls the action and chooses the redirect.

use axum::response::Response;
use chrono::{DateTime, Utc};

use super::preview::{self, PreviewRequest};
use crate::actions;
use crate::db::{self, Tx, WriteTx, incidents};
use crate::domain::audit::Entry;
use crate::domain::forms::{self, Fields};
use crate::domain::{self, Incident, Invalid, MaintenanceId, UpdateId};
use crate::publish::PreviewSubject;
use crate::state::State;
use crate::ui::admin_layout::{AdminContext, Section};
use crate::ui::pages::admin::Conflict;
use crate::web::access::manager::{Manager, Policy};
use crate::web::page::flash::redirect_with_flash;
use crate::web::page::layout::{admin_context, load_conflict};
use crate::web::page::{conflict_response, invalid_response, page_response};
use crate::web::{Error, Result};

/// Why a submitted form was not saved; shown on the form's page.
#[derive(Clone, Debug)]
pub(super) struct Problem<T> {
    pub invalid: Invalid,
    /// Another manager saved first: who, when, and the result.
    pub conflict: Option<Conflict<T>>,
}

impl<T> Problem<T> {
    pub fn none() -> Self {
        Self { invalid: Invalid::new(), conflict: None }
    }
}

/// A page with one form.
pub(super) trait Editor: Sync {
    type Form: Send;
    /// What a conflict shows of the other manager's version: its form, or nothing.
    type Theirs: Send;

    fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        form: Self::Form,
        problem: Problem<Self::Theirs>,
    ) -> impl Future<Output = Result<String>> + Send;
}

/// Responds to a GET with the form's page.
pub(super) async fn show<P, E: Editor>(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<P>,
    editor: &E,
    form: E::Form,
) -> Result<Response> {
    show_submitted(state, tx, manager, editor, (form, &Fields::default())).await
}

/// Responds with the page of a form that was submitted to preview its message.
pub(super) async fn show_submitted<P, E: Editor>(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<P>,
    editor: &E,
    (form, fields): (E::Form, &Fields),
) -> Result<Response> {
    let shell = AdminContext { notice: None, ..admin_context(state, tx, manager, fields).await? };
    Ok(page_response(editor.html(tx, shell, form, Problem::none()).await?))
}

/// A form with the version of the object it edits.
pub(super) trait Versioned {
    fn version(&mut self) -> &mut i64;
}

macro_rules! versioned {
    ($($form:ident),+) => {
        $(impl Versioned for forms::$form {
            fn version(&mut self) -> &mut i64 {
                &mut self.version
            }
        })+
    };
}

versioned!(
    AnnouncementForm,
    CancellationForm,
    ComponentForm,
    ExtensionForm,
    GroupForm,
    IncidentDetailsForm,
    MaintenanceUpdateForm,
    PageForm,
    PlanForm,
    PostmortemForm,
    ScheduleForm,
    StartForm,
    SubscriberForm,
    TemplateForm,
    UpdateEditForm,
    UpdateForm
);

impl Versioned for forms::SeriesForm {
    fn version(&mut self) -> &mut i64 {
        &mut self.first.plan.version
    }
}

/// The stored object: its id in the audit log, its version, and its form for a conflict.
pub(super) struct Saved<'a, T> {
    pub audit_id: &'a str,
    pub version: i64,
    pub theirs: T,
}

/// A submitted form in the transaction that saves it.
pub(super) struct Edit<P> {
    pub state: State,
    pub manager: Manager<P>,
    pub fields: Fields,
    pub tx: WriteTx,
    pub now: DateTime<Utc>,
}

impl<P: Policy> Edit<P> {
    /// Begins the transaction and checks access again, as [`Manager::begin`].
    pub async fn begin(state: State, manager: Manager<P>, fields: Fields) -> Result<Self> {
        Ok(Self::begin_as(state, manager, fields).await?.0)
    }

    /// As [`Edit::begin`], with the manager as loaded in this transaction.
    pub async fn begin_as(state: State, manager: Manager<P>, fields: Fields) -> Result<(Self, domain::Manager)> {
        let now = state.clock.now();
        let (tx, own) = manager.begin_as(&state).await?;
        Ok((Self { state, manager, fields, tx, now }, own))
    }

    /// Returns `form` if it edits the stored version, otherwise a 409 with the form, which overwrites the other change
    /// if it is submitted again.
    pub async fn check_version<E>(
        &mut self,
        editor: &E,
        mut form: E::Form,
        saved: Saved<'_, E::Theirs>,
    ) -> Result<E::Form>
    where
        E: Editor,
        E::Form: Versioned,
    {
        if *form.version() == saved.version || self.is_live_preview() {
            return Ok(form);
        }
        let theirs = load_conflict(&mut self.tx, saved.audit_id, saved.theirs).await?;
        *form.version() = saved.version;
        let problem = Problem { invalid: Invalid::new(), conflict: Some(theirs) };
        Err(Error::page(conflict_response(self.render(editor, form, problem).await?)))
    }

    /// Returns the parsed form.
    ///
    /// # Errors
    /// 422 with messages beside the invalid fields; 200 with the form if only the message is previewed.
    pub async fn check<E: Editor, T>(
        &mut self,
        editor: &E,
        form: E::Form,
        checked: std::result::Result<T, Invalid>,
    ) -> Result<T> {
        if self.fields.has("preview") {
            return Err(Error::page(page_response(self.render(editor, form, Problem::none()).await?)));
        }
        match checked {
            Ok(checked) => Ok(checked),
            // While someone writes, a form that is not complete yet is no error.
            Err(_) if self.is_live_preview() => {
                Err(Error::page(page_response(self.render(editor, form, Problem::none()).await?)))
            }
            Err(wrong) => Err(self.reject(editor, form, wrong).await),
        }
    }

    /// Returns what was added, or a 422 with a message beside `field` if the limit is reached.
    pub async fn check_limit<E: Editor, T>(
        &mut self,
        editor: &E,
        form: E::Form,
        added: db::Result<T>,
        field: &'static str,
    ) -> Result<T> {
        match added {
            Err(db::Error::Full(sentence)) => Err(self.reject(editor, form, Invalid::field(field, sentence)).await),
            added => Ok(added?),
        }
    }

    /// Checks a deletion that is confirmed by typing the title of the object (its noun, version and title).
    ///
    /// # Errors
    /// 422 with the question if the object was changed after the question was shown, or the title differs.
    pub async fn check_deletion<E: Editor<Form = String>>(
        &mut self,
        editor: &E,
        (noun, version, title): (&str, i64, &str),
    ) -> Result<()> {
        let typed = self.fields.text("title");
        let message = if self.fields.version() != version {
            format!("The {noun} was changed in the meantime. Check it again before you delete it.")
        } else if typed.trim() != title {
            "The title does not match.".to_owned()
        } else {
            return Ok(());
        };
        Err(self.reject(editor, typed, Invalid::field("title", message)).await)
    }

    /// 422: the form with messages beside the invalid fields.
    pub async fn reject<E: Editor>(&mut self, editor: &E, form: E::Form, wrong: Invalid) -> Error {
        match self.render(editor, form, Problem { invalid: wrong, conflict: None }).await {
            Ok(html) => Error::page(invalid_response(html)),
            Err(error) => error,
        }
    }

    /// 409: the form, which itself explains the conflict.
    pub async fn conflict<E: Editor>(&mut self, editor: &E, form: E::Form) -> Error {
        match self.render(editor, form, Problem::none()).await {
            Ok(html) => Error::page(conflict_response(html)),
            Err(error) => error,
        }
    }

    async fn render<E: Editor>(&mut self, editor: &E, form: E::Form, problem: Problem<E::Theirs>) -> Result<String> {
        let shell = admin_context(&self.state, &mut self.tx, &self.manager, &self.fields).await?;
        let shell = AdminContext { notice: None, ..shell };
        editor.html(&mut self.tx, shell, form, problem).await
    }

    /// Stores that `update` notifies no subscribers if the form's switch is off. Call it before the action.
    pub async fn apply_notify_switch(&mut self, subject: &str, update: Option<&UpdateId>) -> Result<()> {
        match update {
            Some(update) if self.fields.notify_choice() == Some(false) => {
                Ok(actions::notices::set_notification(&mut self.tx, subject, update, false).await?)
            }
            _ => Ok(()),
        }
    }

    /// Commits the entries, publishes, and redirects to `path` with a flash.
    pub async fn save(
        self,
        entries: impl IntoIterator<Item = Entry>,
        path: &str,
        flash: &'static str,
    ) -> Result<Response> {
        let entries: Vec<Entry> = entries.into_iter().collect();
        if !entries.is_empty() {
            self.tx.commit_all(&self.manager.actor(), self.now, &entries).await?;
            self.state.publish().await;
        }
        Ok(redirect_with_flash(path, flash))
    }

    /// Commits an entry that does not affect the public page, and redirects to `path` with a flash.
    pub async fn save_private(
        self,
        entry: impl Into<Option<Entry>>,
        path: &str,
        flash: &'static str,
    ) -> Result<Response> {
        if let Some(entry) = entry.into() {
            self.tx.commit(&self.manager.actor(), self.now, entry).await?;
        }
        Ok(redirect_with_flash(path, flash))
    }

    /// Whether the composer's script asks for the preview beside the form.
    pub fn is_live_preview(&self) -> bool {
        self.fields.has("live")
    }

    pub fn wants_preview(&self) -> bool {
        preview::is_preview_requested(&self.fields)
    }

    /// Previews the public page of `incident`, which need not be stored; the preview's form posts to `action`.
    pub async fn preview_incident(mut self, mut incident: Incident, action: String) -> Result<Response> {
        let what = PreviewRequest::incident(&incident, action, &self.fields);
        incident.visibility = preview::previewed_visibility(incident.visibility);
        incidents::update(&mut self.tx, &mut incident, self.now).await?;
        preview::show_preview(&self.state, self.tx, &self.manager, what).await
    }

    /// Previews the public page of maintenance `id` with this transaction's changes; the preview's form posts to
    /// `action`.
    pub async fn preview_maintenance(self, id: &MaintenanceId, action: String) -> Result<Response> {
        let what = PreviewRequest::maintenance(id.as_str(), action, &self.fields)?;
        preview::show_preview(&self.state, self.tx, &self.manager, what).await
    }

    /// Previews the public pages of `subject` with this transaction's changes; the preview's form posts to `action`.
    pub async fn preview_page(self, subject: PreviewSubject, section: Section, action: String) -> Result<Response> {
        let what = PreviewRequest::new(subject, section, action, &self.fields);
        preview::show_preview(&self.state, self.tx, &self.manager, what).await
    }
}
