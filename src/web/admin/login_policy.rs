use axum::extract::State as FromState;
use axum::response::Response;

use super::settings;
use crate::actions;
use crate::db::{WriteTx, login_policy, managers};
use crate::domain::forms::PolicyForm;
use crate::domain::{Invalid, LoginPolicy};
use crate::state::State;
use crate::web::Result;
use crate::web::access::manager::{CanAdminister, Fresh, Manager};
use crate::web::form::Form;
use crate::web::page::flash::redirect_with_flash;
use crate::web::page::invalid_response;

/// `POST /admin/policy`: the login policy; its form is on the settings page.
pub async fn update(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let form = PolicyForm::read(&fields);
    let mut tx = manager.begin(&state).await?;
    let before = login_policy::load(&mut tx).await?;
    let chosen = match parse_policy(&state, &mut tx, &form, &before).await? {
        Ok(chosen) => chosen,
        Err(wrong) => {
            return Ok(invalid_response(settings::render_policy_form(&state, &mut tx, &manager, form, wrong).await?));
        }
    };
    if chosen == before {
        return Ok(redirect_with_flash("/admin/settings", "policy-saved"));
    }
    let entry = actions::settings::edit_login_policy(&mut tx, &before, &chosen, state.clock.now()).await?;
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    Ok(redirect_with_flash("/admin/settings", "policy-saved"))
}

/// Allows disabling password login only if an identity provider is configured.
async fn parse_policy(
    state: &State,
    tx: &mut WriteTx,
    form: &PolicyForm,
    before: &LoginPolicy,
) -> Result<std::result::Result<LoginPolicy, Invalid>> {
    let chosen = match form.parse(&managers::password_owners(tx).await?, before) {
        Ok(chosen) => chosen,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let switches_off = chosen.passwords.break_glass_owner().is_some() && before.passwords.break_glass_owner().is_none();
    if switches_off && state.provider.is_none() {
        let message = "Password login can be disabled only if an identity provider is configured.";
        return Ok(Err(Invalid::field("password_only_for", message)));
    }
    Ok(Ok(chosen))
}
