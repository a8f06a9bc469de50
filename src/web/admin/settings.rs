use axum::extract::State as FromState;
use axum::response::Response;

use crate::actions;
use crate::credentials::secret_token;
use crate::db::{self, Tx};
use crate::domain::forms::{Fields, PageForm, PolicyForm};
use crate::domain::{Invalid, Manager as KnownManager};
use crate::notify::OutgoingMail;
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::Settings;
use crate::web::access::manager::{CanAdminister, CanRead, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::{Error, Result};

/// `GET /admin/settings`: managers who are not owners can only read.
pub async fn edit(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let form = PageForm::from_page(&db::page_settings::load(&mut tx).await?);
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    Ok(page_response(SettingsEditor::new(&state).html(&mut tx, shell, form, Problem::none()).await?))
}

/// `POST /admin/settings`
pub async fn update(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let editor = SettingsEditor::new(&state);
    let mut edit = Edit::begin(state, manager, fields).await?;
    let form = PageForm::read(&edit.fields);
    let before = db::page_settings::load(&mut edit.tx).await?;
    let saved = Saved { audit_id: &before.id, version: before.version, theirs: PageForm::from_page(&before) };
    let form = edit.check_version(&editor, form, saved).await?;
    let settings = edit.check(&editor, form.clone(), form.parse(&before)).await?;
    let entry = actions::settings::edit_page(&mut edit.tx, &before, &settings, edit.now).await?;
    edit.save([entry], "/admin/settings", "settings-saved").await
}

/// `POST /admin/settings/test-mail`: mails the owner who asks, and shows what the mail server answered.
pub async fn send_test_mail(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let (Edit { state, manager, tx, now, .. }, own) = Edit::begin_as(state, manager, Fields::default()).await?;
    let mailer = state.mailer.clone().ok_or_else(|| Error::Conflict("No mail server is configured.".into()))?;
    tx.commit(&manager.actor(), now, actions::settings::record_test_mail(&own)).await?;
    let mail = OutgoingMail {
        id: format!("test.{}", secret_token::fresh_token()),
        to: own.email.clone(),
        subject: format!("Test mail from {}", state.origin),
        text: format!("This is a test mail from the status page at {}. Its settings work.\n", state.origin),
        envelope_from: mailer.bounce_address("test"),
        ..OutgoingMail::default()
    };
    let result = match mailer.send_mail(&mail, now).await {
        Ok(()) => format!("The mail server accepted the mail to {}.", own.email),
        Err(failure) => format!("The mail was not sent: {failure}"),
    };
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    let form = PageForm::from_page(&db::page_settings::load(&mut tx).await?);
    let editor = SettingsEditor { test_result: Some(result), ..SettingsEditor::new(&state) };
    Ok(page_response(editor.html(&mut tx, shell, form, Problem::none()).await?))
}

struct SettingsEditor {
    has_provider: bool,
    has_mail: bool,
    /// What a test mail led to.
    test_result: Option<String>,
}

impl SettingsEditor {
    fn new(state: &State) -> Self {
        Self { has_provider: state.provider.is_some(), has_mail: state.mailer.is_some(), test_result: None }
    }
}

impl Editor for SettingsEditor {
    type Form = PageForm;
    type Theirs = PageForm;

    async fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        form: PageForm,
        problem: Problem<PageForm>,
    ) -> Result<String> {
        let policy = PolicyForm::from_policy(&db::login_policy::load(tx).await?);
        let password_owners = break_glass_candidates(self.has_provider, tx, &policy).await?;
        let Problem { invalid, conflict } = problem;
        let (has_mail, test_result) = (self.has_mail, self.test_result.clone());
        Ok(Settings { shell, form, policy, password_owners, invalid, conflict, has_mail, test_result }.html())
    }
}

/// The settings page with a rejected login policy.
pub(super) async fn render_policy_form<P>(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<P>,
    policy: PolicyForm,
    invalid: Invalid,
) -> Result<String> {
    let shell = admin_context(state, tx, manager, &Fields::default()).await?;
    let form = PageForm::from_page(&db::page_settings::load(tx).await?);
    let password_owners = break_glass_candidates(state.provider.is_some(), tx, &policy).await?;
    let has_mail = state.mailer.is_some();
    let (conflict, test_result) = (None, None);
    Ok(Settings { shell, form, policy, password_owners, invalid, conflict, has_mail, test_result }.html())
}

/// Owners whose password may be the only accepted one; empty if password login can't be disabled, for lack of another
/// login.
async fn break_glass_candidates(has_provider: bool, tx: &mut Tx, policy: &PolicyForm) -> db::Result<Vec<KnownManager>> {
    if !has_provider && policy.password_only_for.is_empty() {
        return Ok(Vec::new());
    }
    db::managers::password_owners(tx).await
}
