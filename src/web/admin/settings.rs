use axum::extract::State as FromState;
use axum::response::Response;

use crate::actions;
use crate::db::{self, Tx};
use crate::domain::forms::{Fields, PageForm, PolicyForm};
use crate::domain::{Invalid, Manager as KnownManager};
use crate::state::State;
use crate::ui::pages::admin::{Conflict, Settings};
use crate::web::Result;
use crate::web::access::manager::{CanAdminister, CanRead, Manager};
use crate::web::form::{Form, Search};
use crate::web::page::flash::done;
use crate::web::page::layout::{conflict_with, shell};
use crate::web::page::{conflict, invalid, page};

/// `GET /admin/settings`: who is no owner reads them.
pub async fn edit(
    manager: Manager<CanRead>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let form = PageForm::of(&db::page_settings::load(&mut tx).await?);
    Ok(page(editor(&state, &mut tx, &manager, &query, form, Invalid::new(), None).await?))
}

/// `POST /admin/settings`
pub async fn update(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let mut form = PageForm::read(&fields);
    let (now, none) = (state.clock.now(), Fields::default());
    let mut tx = manager.begin(&state).await?;
    let before = db::page_settings::load(&mut tx).await?;
    if form.version != before.version {
        let met = Some(conflict_with(&mut tx, &before.id, PageForm::of(&before)).await?);
        form.version = before.version;
        return Ok(conflict(editor(&state, &mut tx, &manager, &none, form, Invalid::new(), met).await?));
    }
    let settings = match form.parse() {
        Ok(settings) => settings,
        Err(wrong) => return Ok(invalid(editor(&state, &mut tx, &manager, &none, form, wrong, None).await?)),
    };
    let entry = actions::settings::edit_page(&mut tx, &before, &settings, now).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    state.publish().await;
    Ok(done("/admin/settings", "settings-saved"))
}

async fn editor<P>(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<P>,
    query: &Fields,
    form: PageForm,
    invalid: Invalid,
    conflict: Option<Conflict<PageForm>>,
) -> Result<String> {
    let shell = shell(state, tx, manager, query).await?;
    let policy = PolicyForm::of(&db::login_policy::load(tx).await?);
    let keepers = keepers(state, tx, &policy).await?;
    Ok(Settings { shell, form, policy, keepers, invalid, conflict }.html())
}

/// The page again with the policy as it was chosen, and what is wrong with it.
pub(super) async fn with_policy<P>(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<P>,
    policy: PolicyForm,
    invalid: Invalid,
) -> Result<String> {
    let shell = shell(state, tx, manager, &Fields::default()).await?;
    let form = PageForm::of(&db::page_settings::load(tx).await?);
    let keepers = keepers(state, tx, &policy).await?;
    Ok(Settings { shell, form, policy, keepers, invalid, conflict: None }.html())
}

/// Whose password alone may be left to count; nothing where passwords can't be switched off, for want of another
/// way in.
async fn keepers(state: &State, tx: &mut Tx, policy: &PolicyForm) -> db::Result<Vec<KnownManager>> {
    if state.provider.is_none() && policy.password_only_for.is_empty() {
        return Ok(Vec::new());
    }
    db::managers::keepers(tx).await
}
