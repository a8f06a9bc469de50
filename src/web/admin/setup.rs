//! The guided setup after the first owner, and the checklist on the dashboard.

use axum::extract::State as FromState;
use axum::response::Response;

use crate::actions;
use crate::db::{self, Tx, admin_incidents, components, page_settings, second_factors};
use crate::domain::forms::{ComponentNamesForm, Fields, PageForm};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{
    ChecklistItem, ChecklistStep, SetupChecklist, SetupComponents, SetupManagers, SetupPageStep, SetupStep,
};
use crate::web::Result;
use crate::web::access::manager::{CanAdminister, Manager};
use crate::web::admin::edit::{Edit, Editor, Problem, Saved, show};
use crate::web::form::{Form, QueryFields};
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;

const DASHBOARD: &str = "/admin";

/// `GET /admin/setup/page`
pub async fn edit_page(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let form = PageForm::from_page(&page_settings::load(&mut tx).await?);
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    Ok(page_response(PageEditor.html(&mut tx, shell, form, Problem::none()).await?))
}

/// `POST /admin/setup/page`
pub async fn update_page(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = page_settings::load(&mut edit.tx).await?;
    let PageForm { name, url, time_zone, version, .. } = PageForm::read(&edit.fields);
    let form = PageForm { name, url, time_zone, version, ..PageForm::from_page(&before) };
    let saved = Saved { audit_id: &before.id, version: before.version, theirs: PageForm::from_page(&before) };
    let form = edit.check_version(&PageEditor, form, saved).await?;
    let settings = edit.check(&PageEditor, form.clone(), form.parse(&before)).await?;
    let entry = actions::settings::edit_page(&mut edit.tx, &before, &settings, edit.now).await?;
    edit.save([entry], SetupStep::Brand.path(), "settings-saved").await
}

struct PageEditor;

impl Editor for PageEditor {
    type Form = PageForm;
    type Theirs = PageForm;

    async fn html(
        &self,
        _: &mut Tx,
        shell: AdminContext,
        form: PageForm,
        problem: Problem<PageForm>,
    ) -> Result<String> {
        Ok(SetupPageStep { shell, form, invalid: problem.invalid }.html())
    }
}

/// `GET /admin/setup/components`
pub async fn new_components(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let mut tx = state.db.read().await?;
    show(&state, &mut tx, &manager, &ComponentsEditor, ComponentNamesForm::default()).await
}

/// `POST /admin/setup/components`
pub async fn create_components(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let form = ComponentNamesForm::read(&edit.fields);
    let known = components::list(&mut edit.tx).await?;
    let names = edit.check(&ComponentsEditor, form.clone(), form.parse(&known)).await?;
    let mut entries = Vec::new();
    for new in names {
        let added = actions::components::add(&mut edit.tx, new, edit.now).await;
        let (_, entry) = edit.check_limit(&ComponentsEditor, form.clone(), added, "names").await?;
        entries.push(entry);
    }
    edit.save(entries, SetupStep::Managers.path(), "components-added").await
}

struct ComponentsEditor;

impl Editor for ComponentsEditor {
    type Form = ComponentNamesForm;
    type Theirs = ();

    async fn html(
        &self,
        tx: &mut Tx,
        shell: AdminContext,
        form: ComponentNamesForm,
        problem: Problem<()>,
    ) -> Result<String> {
        let known = components::list(tx).await?.len();
        Ok(SetupComponents { shell, form, known, invalid: problem.invalid }.html())
    }
}

/// `GET /admin/setup/managers`
pub async fn invite(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    Ok(page_response(SetupManagers { shell }.html()))
}

/// `POST /admin/setup/finish`
pub async fn finish(manager: Manager<CanAdminister>, FromState(state): FromState<State>) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let entry = actions::settings::finish_setup(&mut edit.tx).await?;
    edit.save_private(entry, DASHBOARD, "setup-finished").await
}

/// `POST /admin/setup/checklist/dismissal`
pub async fn dismiss_checklist(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let entry = actions::settings::dismiss_checklist(&mut edit.tx, edit.now).await?;
    edit.save_private(entry, DASHBOARD, "checklist-dismissed").await
}

/// What is left to do; `None` for managers who are not owners, once all is done, and after it was dismissed.
pub(super) async fn load_checklist(
    state: &State,
    tx: &mut Tx,
    shell: &AdminContext,
) -> db::Result<Option<SetupChecklist>> {
    if !shell.is_owner() || page_settings::is_checklist_dismissed(tx).await? {
        return Ok(None);
    }
    let is_set_up = page_settings::setup_step(tx).await? == page_settings::SETUP_FINISHED;
    let item = |is_done, words, step| ChecklistItem { is_done, words, step };
    let has_factor = second_factors::load(tx, &shell.manager.id).await?.any();
    let has_components = !components::list(tx).await?.is_empty();
    let has_test = admin_incidents::has_internal(tx).await?;
    let items = vec![
        item(is_set_up, "Set up the page", ChecklistStep::Link(SetupStep::Page.path())),
        item(has_components, "Add components", ChecklistStep::Link(SetupStep::Components.path())),
        item(has_factor, "Protect your account with a second factor", ChecklistStep::Link("/admin/account/factors")),
        item(state.mailer.is_some(), "Connect a mail server", ChecklistStep::Hint("Start Candor with --smtp-url.")),
        item(
            state.is_secure(),
            "Serve the page by HTTPS",
            ChecklistStep::Hint("Set --base-url to its https:// address."),
        ),
        item(has_test, "Open a test incident that only managers see", ChecklistStep::Link("/admin/incidents/new")),
    ];
    Ok(items.iter().any(|item| !item.is_done).then_some(SetupChecklist { items }))
}
