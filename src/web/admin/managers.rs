use axum::extract::{Path, State as FromState};
use axum::response::Response;
use chrono::TimeDelta;

use crate::actions;
use crate::credentials::secret_token;
use crate::db::one_time_links::{self, Link};
use crate::db::sessions::limits;
use crate::db::{self, Tx, WriteTx, login_policy, managers, second_factors, sessions};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::{Fields, ManagerForm};
use crate::domain::mail_retry::AccountChange;
use crate::domain::manager::{LinkPurpose, fold_email};
use crate::domain::{Invalid, Manager as KnownManager, ManagerId, Role};
use crate::state::State;
use crate::ui::pages::admin::{LinkMade, ManagerEdit, ManagerList, ManagerRow};
use crate::web::access::manager::{CanAdminister, Fresh, Manager};
use crate::web::error::capitalised;
use crate::web::form::{Form, Search};
use crate::web::page::account_mail::announce;
use crate::web::page::flash::done;
use crate::web::page::layout::shell;
use crate::web::page::pagination;
use crate::web::page::{invalid, page};
use crate::web::{Error, Result};

/// How long an invitation is good.
const INVITATION_LIFETIME: TimeDelta = TimeDelta::days(3);
/// How long a link for a new password is good.
const RESET_LIFETIME: TimeDelta = TimeDelta::minutes(30);

/// Why there is no link for a password.
const NO_PASSWORDS: &str = "Passwords are switched off here, but for one owner's: managers log in at the identity \
                            provider, and become managers by that.";

/// `GET /admin/managers`
pub async fn index(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Search(query): Search,
) -> Result<Response> {
    let form = ManagerForm { role: Role::Publisher.key().to_owned(), ..ManagerForm::default() };
    let mut tx = state.db.read().await?;
    Ok(page(list(&state, &mut tx, &manager, &query, form, Invalid::new()).await?))
}

/// `POST /admin/managers`: invites somebody; the link is shown once.
pub async fn create(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let form = ManagerForm::read(&fields);
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    if login_policy::load(&mut tx).await?.passwords.keeper().is_some() {
        return Err(Error::Conflict(NO_PASSWORDS.into()));
    }
    let parsed = form.parse();
    let taken = managers::find_by_email(&mut tx, &fold_email(&form.email)).await?.is_some();
    let new = match parsed {
        Ok(new) if !taken => new,
        parsed => {
            let taken = || Invalid::field("email", "Somebody with this address is a manager already.");
            let wrong = parsed.err().unwrap_or_else(taken);
            return Ok(invalid(list(&state, &mut tx, &manager, &Fields::default(), form, wrong).await?));
        }
    };
    let (invited, entry) = actions::managers::invite(&mut tx, new, now).await?;
    hand_out_link(&state, tx, &manager, invited, LinkPurpose::Invite, entry).await
}

/// `POST /admin/managers/{id}/reset`: a link for a new password, or a new invitation.
pub async fn reset(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let other = find(&mut tx, &id).await?;
    if !other.is_active() {
        return Err(Error::Conflict("This manager is disabled: let them log in again first.".into()));
    }
    if !login_policy::counts_password_of(&mut tx, &other.id).await? {
        return Err(Error::Conflict(NO_PASSWORDS.into()));
    }
    // An invitation logs in at once: it is for whoever never did, and has nothing else to prove.
    let is_new = other.is_invited() && !second_factors::of(&mut tx, &other.id).await?.any();
    let purpose = if is_new { LinkPurpose::Invite } else { LinkPurpose::Reset };
    let entry = actions::managers::record_event(Action::ManagerCreateResetLink, &other);
    hand_out_link(&state, tx, &manager, other, purpose, entry).await
}

async fn hand_out_link(
    state: &State,
    mut tx: WriteTx,
    manager: &Manager<Fresh<CanAdminister>>,
    other: KnownManager,
    purpose: LinkPurpose,
    entry: Entry,
) -> Result<Response> {
    let now = state.clock.now();
    let lifetime = if purpose == LinkPurpose::Invite { INVITATION_LIFETIME } else { RESET_LIFETIME };
    let token = secret_token::fresh();
    let link = Link { purpose, manager_id: Some(other.id.clone()), expires_at: now + lifetime };
    one_time_links::create(&mut tx, &secret_token::hash(&token), &link, now).await?;
    one_time_links::cancel_email(&mut tx, &other.id).await?;
    let shell = shell(state, &mut tx, manager, &Fields::default()).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    let address = format!("{}/setup/{token}", state.origin);
    Ok(page(LinkMade { shell, manager: other, purpose, link: address, valid_until: link.expires_at }.html()))
}

/// `GET /admin/managers/{id}`
pub async fn show(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Search(query): Search,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let other = find(&mut tx, &id).await?;
    let role = other.role.key().to_owned();
    Ok(page(editor(&state, &mut tx, &manager, &query, other, role, Invalid::new()).await?))
}

/// `POST /admin/managers/{id}/role`: ends the manager's sessions, so that the next login has the new role.
pub async fn set_role(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    Form(fields): Form,
) -> Result<Response> {
    let chosen = fields.text("role");
    let role = Role::from_key(&chosen).ok_or_else(|| Error::BadRequest("Choose a role from the list.".into()))?;
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    if before.role == role {
        return Ok(done(&address(&before), "role-set"));
    }
    let mut other = before.clone();
    let kept = own_session(&manager, &before);
    let entry = match actions::managers::set_role(&mut tx, &mut other, role, kept, now).await {
        Err(db::Error::Conflict(reason)) => return refused(&state, tx, &manager, before, chosen, reason).await,
        changed => changed?,
    };
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(done(&address(&other), "role-set"))
}

/// `POST /admin/managers/{id}/disablement`
pub async fn disable(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    if !before.is_active() {
        return Ok(done(&address(&before), "disabled"));
    }
    let mut other = before.clone();
    let entry = match actions::managers::disable(&mut tx, &mut other, now).await {
        Err(db::Error::Conflict(reason)) => {
            let role = before.role.key().to_owned();
            return refused(&state, tx, &manager, before, role, reason).await;
        }
        changed => changed?,
    };
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(done(&address(&other), "disabled"))
}

/// `POST /admin/managers/{id}/enablement`
pub async fn enable(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let now = state.clock.now();
    let mut tx = manager.begin(&state).await?;
    let before = find(&mut tx, &id).await?;
    if before.is_active() {
        return Ok(done(&address(&before), "enabled"));
    }
    let mut other = before;
    let entry = actions::managers::enable(&mut tx, &mut other, now).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    Ok(done(&address(&other), "enabled"))
}

/// `POST /admin/managers/{id}/factors/removal`: for who lost the device and the recovery codes.
pub async fn remove_factors(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let other = find(&mut tx, &id).await?;
    let kept = own_session(&manager, &other);
    let (removed, entry) = actions::managers::remove_factors(&mut tx, &other, kept).await?;
    if !removed.had_factors && removed.ended_sessions == 0 {
        return Ok(done(&address(&other), "factors-removed"));
    }
    if removed.had_factors {
        announce(&state, &mut tx, &other, None, AccountChange::FactorRemoved).await?;
    }
    tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    Ok(done(&address(&other), "factors-removed"))
}

/// `POST /admin/managers/{id}/sessions/revocation`
pub async fn revoke_sessions(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut tx = manager.begin(&state).await?;
    let other = find(&mut tx, &id).await?;
    if let Some(entry) = actions::managers::revoke_sessions(&mut tx, &other, own_session(&manager, &other)).await? {
        tx.commit(&manager.actor(), state.clock.now(), entry).await?;
    }
    Ok(done(&address(&other), "sessions-revoked"))
}

/// Whoever acts on themselves stays logged in where they are.
fn own_session<'a, P>(manager: &'a Manager<P>, other: &KnownManager) -> Option<&'a str> {
    (manager.id == other.id).then_some(manager.session_hash.as_str())
}

/// The last owner can't go, nor the one whose password alone counts: the page says so beside the role. The change
/// before is undone.
async fn refused(
    state: &State,
    tx: WriteTx,
    manager: &Manager<Fresh<CanAdminister>>,
    other: KnownManager,
    role: String,
    reason: &'static str,
) -> Result<Response> {
    drop(tx);
    let wrong = Invalid::field("role", format!("{}.", capitalised(reason)));
    let mut tx = state.db.read().await?;
    Ok(invalid(editor(state, &mut tx, manager, &Fields::default(), other, role, wrong).await?))
}

fn address(other: &KnownManager) -> String {
    format!("/admin/managers/{}", other.id)
}

async fn find(tx: &mut Tx, id: &str) -> Result<KnownManager> {
    let id = ManagerId::parse(id).ok_or(Error::NotFound)?;
    Ok(managers::find(tx, &id).await?)
}

async fn list<P>(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<P>,
    query: &Fields,
    form: ManagerForm,
    invalid: Invalid,
) -> Result<String> {
    let shell = shell(state, tx, manager, query).await?;
    let cursor = ManagerId::parse(&query.text("after"));
    let mut listed = managers::list(tx, cursor.as_ref(), pagination::READ).await?;
    let more = pagination::cut(&mut listed, |other| Some(other.id.clone()));
    let mut rows = Vec::new();
    for other in listed {
        let sessions = session_count(state, tx, &other).await?;
        let has_factor = second_factors::of(tx, &other.id).await?.any();
        rows.push(ManagerRow { manager: other, has_factor, sessions });
    }
    Ok(ManagerList { shell, managers: rows, more, form, invalid }.html())
}

async fn editor<P>(
    state: &State,
    tx: &mut Tx,
    manager: &Manager<P>,
    query: &Fields,
    other: KnownManager,
    role: String,
    invalid: Invalid,
) -> Result<String> {
    let shell = shell(state, tx, manager, query).await?;
    let sessions = session_count(state, tx, &other).await?;
    let factors = second_factors::of(tx, &other.id).await?;
    Ok(ManagerEdit { shell, manager: other, factors, sessions, role, invalid }.html())
}

async fn session_count(state: &State, tx: &mut Tx, other: &KnownManager) -> db::Result<i64> {
    sessions::count(tx, &other.id, limits(state.clock.now())).await
}
