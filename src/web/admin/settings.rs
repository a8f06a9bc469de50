use axum::extract::State as FromState;
use axum::response::Response;

use crate::actions;
use crate::db::{self, Tx};
use crate::domain::forms::{Fields, PageForm, PolicyForm};
use crate::domain::{Invalid, Manager as KnownManager};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::Settings;
use crate::web::Result;
use crate::web::access::manager::{CanAdminister, CanRead, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;

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
    let settings = edit.check(&editor, form.clone(), form.parse()).await?;
    let entry = actions::settings::edit_page(&mut edit.tx, &before, &settings, edit.now).await?;
    edit.save([entry], "/admin/settings", "settings-saved").await
}

struct SettingsEditor {
    has_provider: bool,
}

impl SettingsEditor {
    fn new(state: &State) -> Self {
        Self { has_provider: state.provider.is_some() }
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
        Ok(Settings { shell, form, policy, password_owners, invalid, conflict }.html())
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
    Ok(Settings { shell, form, policy, password_owners, invalid, conflict: None }.html())
}

/// Owners whose password may be the only accepted one; empty if password login can't be disabled, for lack of another
/// login.
async fn break_glass_candidates(has_provider: bool, tx: &mut Tx, policy: &PolicyForm) -> db::Result<Vec<KnownManager>> {
    if !has_provider && policy.password_only_for.is_empty() {
        return Ok(Vec::new());
    }
    db::managers::password_owners(tx).await
}
