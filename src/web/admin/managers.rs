use axum::extract::{Path, State as FromState};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};

use crate::actions;
use crate::credentials::secret_token;
use crate::db::one_time_links::{self, Link};
use crate::db::sessions::limits;
use crate::db::{self, Tx, login_policy, managers, second_factors, sessions};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::{Fields, ManagerForm};
use crate::domain::mail_retry::AccountChange;
use crate::domain::manager::{LinkPurpose, normalize_email};
use crate::domain::{Invalid, Manager as KnownManager, ManagerId, Role};
use crate::state::State;
use crate::ui::admin_layout::AdminContext;
use crate::ui::pages::admin::{ManagerEdit, ManagerList, ManagerRow, OneTimeLink};
use crate::web::access::manager::{CanAdminister, Fresh, Manager, Policy};
use crate::web::admin::edit::{Edit, Editor, Problem};
use crate::web::error::as_sentence;
use crate::web::form::{Form, QueryFields};
use crate::web::page::account_mail::queue_change_notice;
use crate::web::page::layout::admin_context;
use crate::web::page::page_response;
use crate::web::page::pagination;
use crate::web::{Error, Result};

const INVITATION_LIFETIME: TimeDelta = TimeDelta::days(3);
const RESET_LIFETIME: TimeDelta = TimeDelta::minutes(30);

const PASSWORDS_DISABLED: &str = "Password login is disabled: managers log in with the identity provider, which \
                            creates their account.";

/// `GET /admin/managers`
pub async fn index(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let form = ManagerForm { role: Role::Publisher.key().to_owned(), ..ManagerForm::default() };
    let mut tx = state.db.read().await?;
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let editor = InvitationEditor { after: ManagerId::parse(&query.text("after")), now: state.clock.now() };
    Ok(page_response(editor.html(&mut tx, shell, form, Problem::none()).await?))
}

/// `POST /admin/managers`: invites a manager; the link is shown once.
pub async fn create(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Form(fields): Form,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, fields).await?;
    let form = ManagerForm::read(&edit.fields);
    if login_policy::load(&mut edit.tx).await?.passwords.break_glass_owner().is_some() {
        return Err(Error::Conflict(PASSWORDS_DISABLED.into()));
    }
    let taken = managers::find_by_email(&mut edit.tx, &normalize_email(&form.email)).await?.is_some();
    let new = form.parse().and_then(|new| match taken {
        true => Err(Invalid::field("email", "A manager with this e-mail address already exists.")),
        false => Ok(new),
    });
    let editor = InvitationEditor { after: None, now: edit.now };
    let new = edit.check(&editor, form, new).await?;
    let (invited, entry) = actions::managers::invite(&mut edit.tx, new, edit.now).await?;
    hand_out_link(edit, invited, LinkPurpose::Invite, entry).await
}

/// `POST /admin/managers/{id}/reset`: a password reset link, or a new invitation.
pub async fn reset(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let other = find_manager(&mut edit.tx, &id).await?;
    if !other.is_active() {
        return Err(Error::Conflict("This account is deactivated. Reactivate it first.".into()));
    }
    if !login_policy::accepts_password(&mut edit.tx, &other.id).await? {
        return Err(Error::Conflict(PASSWORDS_DISABLED.into()));
    }
    // An invitation logs in directly, so it is only for managers who never logged in and have no second factor.
    let is_new = other.is_invited() && !second_factors::load(&mut edit.tx, &other.id).await?.any();
    let purpose = if is_new { LinkPurpose::Invite } else { LinkPurpose::Reset };
    let entry = actions::managers::record_event(Action::ManagerCreateResetLink, &other);
    hand_out_link(edit, other, purpose, entry).await
}

async fn hand_out_link(
    mut edit: Edit<Fresh<CanAdminister>>,
    other: KnownManager,
    purpose: LinkPurpose,
    entry: Entry,
) -> Result<Response> {
    let lifetime = if purpose == LinkPurpose::Invite { INVITATION_LIFETIME } else { RESET_LIFETIME };
    let token = secret_token::fresh_token();
    let link = Link { purpose, manager_id: Some(other.id.clone()), expires_at: edit.now + lifetime };
    one_time_links::create(&mut edit.tx, &secret_token::hash_token(&token), &link, edit.now).await?;
    one_time_links::cancel_email(&mut edit.tx, &other.id).await?;
    let Edit { state, manager, mut tx, now, .. } = edit;
    let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
    tx.commit(&manager.actor(), now, entry).await?;
    let address = format!("{}/setup/{token}", state.origin);
    Ok(page_response(
        OneTimeLink { shell, manager: other, purpose, link: address, valid_until: link.expires_at }.html(),
    ))
}

/// `GET /admin/managers/{id}`
pub async fn show(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
    QueryFields(query): QueryFields,
) -> Result<Response> {
    let mut tx = state.db.read().await?;
    let other = find_manager(&mut tx, &id).await?;
    let role = other.role.key().to_owned();
    let shell = admin_context(&state, &mut tx, &manager, &query).await?;
    let editor = RoleEditor { manager: other, now: state.clock.now() };
    Ok(page_response(editor.html(&mut tx, shell, role, Problem::none()).await?))
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
    let mut edit = Edit::begin(state, manager, fields).await?;
    let before = find_manager(&mut edit.tx, &id).await?;
    let address = manager_path(&before);
    if before.role == role {
        return edit.save_private(None, &address, "role-set").await;
    }
    let (mut other, kept) = (before.clone(), own_session(&edit.manager, &before));
    match actions::managers::set_role(&mut edit.tx, &mut other, role, kept.as_deref(), edit.now).await {
        Err(db::Error::Conflict(reason)) => Err(refuse(edit, before, chosen, reason).await),
        set => edit.save_private(set?, &address, "role-set").await,
    }
}

/// `POST /admin/managers/{id}/disablement`
pub async fn disable(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let before = find_manager(&mut edit.tx, &id).await?;
    let address = manager_path(&before);
    if !before.is_active() {
        return edit.save_private(None, &address, "disabled").await;
    }
    let mut other = before.clone();
    match actions::managers::disable(&mut edit.tx, &mut other, edit.now).await {
        Err(db::Error::Conflict(reason)) => {
            let role = before.role.key().to_owned();
            Err(refuse(edit, before, role, reason).await)
        }
        disabled => edit.save_private(disabled?, &address, "disabled").await,
    }
}

/// `POST /admin/managers/{id}/enablement`
pub async fn enable(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let mut other = find_manager(&mut edit.tx, &id).await?;
    let address = manager_path(&other);
    let entry = match other.is_active() {
        true => None,
        false => Some(actions::managers::enable(&mut edit.tx, &mut other, edit.now).await?),
    };
    edit.save_private(entry, &address, "enabled").await
}

/// `POST /admin/managers/{id}/factors/removal`: for managers who lost their device and their recovery codes.
pub async fn remove_factors(
    manager: Manager<Fresh<CanAdminister>>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let other = find_manager(&mut edit.tx, &id).await?;
    let kept = own_session(&edit.manager, &other);
    let (removed, entry) = actions::managers::remove_factors(&mut edit.tx, &other, kept.as_deref()).await?;
    if removed.had_factors {
        queue_change_notice(&edit.state, &mut edit.tx, &other, None, AccountChange::FactorRemoved).await?;
    }
    let entry = (removed.had_factors || removed.ended_sessions > 0).then_some(entry);
    edit.save_private(entry, &manager_path(&other), "factors-removed").await
}

/// `POST /admin/managers/{id}/sessions/revocation`
pub async fn revoke_sessions(
    manager: Manager<CanAdminister>,
    FromState(state): FromState<State>,
    Path(id): Path<String>,
) -> Result<Response> {
    let mut edit = Edit::begin(state, manager, Fields::default()).await?;
    let other = find_manager(&mut edit.tx, &id).await?;
    let kept = own_session(&edit.manager, &other);
    let entry = actions::managers::revoke_sessions(&mut edit.tx, &other, kept.as_deref()).await?;
    edit.save_private(entry, &manager_path(&other), "sessions-revoked").await
}

/// An owner who changes their own account keeps the current session.
fn own_session<P>(manager: &Manager<P>, other: &KnownManager) -> Option<String> {
    (manager.id == other.id).then(|| manager.session_hash.clone())
}

/// Denies a change to the last owner, or to the only owner whose password is accepted, with a message beside the role.
/// Rolls back.
async fn refuse<P: Policy>(edit: Edit<P>, other: KnownManager, role: String, reason: &'static str) -> Error {
    let Edit { state, manager, tx, now, .. } = edit;
    drop(tx);
    let wrong = Invalid::field("role", as_sentence(reason));
    let rendered = async {
        let mut tx = state.db.read().await?;
        let shell = admin_context(&state, &mut tx, &manager, &Fields::default()).await?;
        let problem = Problem { invalid: wrong, conflict: None };
        RoleEditor { manager: other, now }.html(&mut tx, shell, role, problem).await
    };
    match rendered.await {
        Ok(html) => Error::page(crate::web::page::invalid_response(html)),
        Err(error) => error,
    }
}

fn manager_path(other: &KnownManager) -> String {
    format!("/admin/managers/{}", other.id)
}

async fn find_manager(tx: &mut Tx, id: &str) -> Result<KnownManager> {
    let id = ManagerId::parse(id).ok_or(Error::NotFound)?;
    Ok(managers::find(tx, &id).await?)
}

struct InvitationEditor {
    after: Option<ManagerId>,
    now: DateTime<Utc>,
}

impl Editor for InvitationEditor {
    type Form = ManagerForm;
    type Theirs = ();

    async fn html(&self, tx: &mut Tx, shell: AdminContext, form: ManagerForm, problem: Problem<()>) -> Result<String> {
        let mut listed = managers::list(tx, self.after.as_ref(), pagination::READ_LIMIT).await?;
        let more = pagination::take_page(&mut listed, |other| Some(other.id.clone()));
        let (mut rows, alive) = (Vec::new(), limits(tx, self.now).await?);
        for other in listed {
            let sessions = sessions::count(tx, &other.id, alive).await?;
            let has_factor = second_factors::load(tx, &other.id).await?.any();
            rows.push(ManagerRow { manager: other, has_factor, sessions });
        }
        Ok(ManagerList { shell, managers: rows, more, form, invalid: problem.invalid }.html())
    }
}

struct RoleEditor {
    manager: KnownManager,
    now: DateTime<Utc>,
}

impl Editor for RoleEditor {
    type Form = String;
    type Theirs = ();

    async fn html(&self, tx: &mut Tx, shell: AdminContext, role: String, problem: Problem<()>) -> Result<String> {
        let manager = self.manager.clone();
        let alive = limits(tx, self.now).await?;
        let sessions = sessions::count(tx, &manager.id, alive).await?;
        let factors = second_factors::load(tx, &manager.id).await?;
        Ok(ManagerEdit { shell, manager, factors, sessions, role, invalid: problem.invalid }.html())
    }
}
