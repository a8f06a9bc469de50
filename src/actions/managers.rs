//! Managers, their logins and their second factors.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, managers, oidc_identities, one_time_links, passkeys, second_factors, sessions, totp};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::NewManager;
use crate::domain::oidc_roles::Identity;
use crate::domain::second_factor::Passkey;
use crate::domain::{Manager, Role};

/// Invites a manager, who has no password yet.
pub async fn invite(tx: &mut WriteTx, new: NewManager, now: DateTime<Utc>) -> Result<(Manager, Entry)> {
    let invited = managers::create(tx, new, None, now).await?;
    let entry = entry(Action::ManagerInvite, &invited).after(&invited);
    Ok((invited, entry))
}

/// Adds a manager, as invited without `password_hash`, and deletes the setup link for the first owner.
pub async fn add(
    tx: &mut WriteTx,
    new: NewManager,
    password_hash: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(Manager, Entry)> {
    let added = managers::create(tx, new, password_hash, now).await?;
    one_time_links::delete_setup(tx).await?;
    let entry = entry(Action::ManagerAdd, &added).after(&added);
    Ok((added, entry))
}

/// The link that creates the first owner also logs in.
pub async fn add_first_owner(
    tx: &mut WriteTx,
    new: NewManager,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<(Manager, Entry)> {
    let added = managers::create(tx, new, Some(password_hash), now).await?;
    managers::record_login(tx, &added.id, now).await?;
    let entry = entry(Action::ManagerCreateFirstOwner, &added).after(&added);
    Ok((added, entry))
}

/// Adds a manager who logged in at the identity provider, and deletes the setup link for the first owner.
pub async fn add_by_oidc(tx: &mut WriteTx, new: NewManager, now: DateTime<Utc>) -> Result<Manager> {
    one_time_links::delete_setup(tx).await?;
    managers::create(tx, new, None, now).await
}

/// Sets the role and ends all sessions except `kept`. Returns `Conflict` for the last active owner and for the
/// break-glass owner of the login policy.
pub async fn set_role(
    tx: &mut WriteTx,
    manager: &mut Manager,
    role: Role,
    kept: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Entry> {
    change_role(tx, Action::ManagerSetRole, (manager, role), kept, now).await
}

/// [`set_role`] with the role that the identity provider names; ends all sessions.
pub async fn sync_role(tx: &mut WriteTx, manager: &mut Manager, role: Role, now: DateTime<Utc>) -> Result<Entry> {
    change_role(tx, Action::ManagerSyncRole, (manager, role), None, now).await
}

async fn change_role(
    tx: &mut WriteTx,
    action: Action,
    (manager, role): (&mut Manager, Role),
    kept: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Entry> {
    let before = manager.clone();
    managers::set_role(tx, manager, role, now).await?;
    sessions::delete_for_manager(tx, &manager.id, kept).await?;
    Ok(entry(action, manager).before(&before).after(manager))
}

/// Disables a manager and ends the sessions. Returns `Conflict` as [`set_role`] does.
pub async fn disable(tx: &mut WriteTx, manager: &mut Manager, now: DateTime<Utc>) -> Result<Entry> {
    let before = manager.clone();
    managers::disable(tx, manager, now).await?;
    Ok(entry(Action::ManagerDisable, manager).before(&before).after(manager))
}

pub async fn enable(tx: &mut WriteTx, manager: &mut Manager, now: DateTime<Utc>) -> Result<Entry> {
    let before = manager.clone();
    managers::enable(tx, manager, now).await?;
    Ok(entry(Action::ManagerEnable, manager).before(&before).after(manager))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemovedFactors {
    pub had_factors: bool,
    pub ended_sessions: u64,
}

/// Removes all second factors and ends all sessions except `kept`.
pub async fn remove_factors(
    tx: &mut WriteTx,
    manager: &Manager,
    kept: Option<&str>,
) -> Result<(RemovedFactors, Entry)> {
    let had_factors = second_factors::load(tx, &manager.id).await?.any();
    second_factors::delete_for_manager(tx, &manager.id).await?;
    let ended_sessions = sessions::delete_for_manager(tx, &manager.id, kept).await?;
    Ok((RemovedFactors { had_factors, ended_sessions }, entry(Action::ManagerRemoveFactors, manager)))
}

/// Ends all sessions except `kept`; `None` if there were none.
pub async fn revoke_sessions(tx: &mut WriteTx, manager: &Manager, kept: Option<&str>) -> Result<Option<Entry>> {
    let ended = sessions::delete_for_manager(tx, &manager.id, kept).await?;
    Ok((ended > 0).then(|| entry(Action::ManagerRevokeSessions, manager)))
}

pub async fn revoke_session(tx: &mut WriteTx, manager: &Manager, id_hash: &str) -> Result<Entry> {
    sessions::delete(tx, id_hash).await?;
    Ok(entry(Action::ManagerRevokeSession, manager))
}

pub async fn log_out(tx: &mut WriteTx, manager: &Manager, id_hash: &str) -> Result<Entry> {
    sessions::delete(tx, id_hash).await?;
    Ok(entry(Action::ManagerLogout, manager))
}

/// Sets the password that a manager chose and ends all sessions except `kept`.
pub async fn set_password(
    tx: &mut WriteTx,
    manager: &mut Manager,
    hash: &str,
    kept: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Entry> {
    managers::set_password(tx, manager, hash, kept, now).await?;
    Ok(entry(Action::ManagerSetPassword, manager))
}

/// Sets the password chosen through a one-time link and ends all sessions. `action` is what the link was for.
pub async fn set_password_by_link(
    tx: &mut WriteTx,
    action: Action,
    manager: &mut Manager,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Entry> {
    managers::set_password(tx, manager, hash, None, now).await?;
    if action == Action::ManagerAcceptInvitation {
        managers::record_login(tx, &manager.id, now).await?;
    }
    Ok(entry(action, manager).after(manager))
}

/// Sets a password from the command line and ends all sessions.
pub async fn reset_password(tx: &mut WriteTx, manager: &mut Manager, hash: &str, now: DateTime<Utc>) -> Result<Entry> {
    let before = manager.clone();
    managers::set_password(tx, manager, hash, None, now).await?;
    Ok(entry(Action::ManagerResetPassword, manager).before(&before).after(manager))
}

/// The entry of a password reset link created on the command line.
pub fn record_reset(manager: &Manager) -> Entry {
    entry(Action::ManagerResetPassword, manager).before(manager).after(manager)
}

/// Sets the e-mail address and deletes the manager's one-time links. Returns `Conflict` if another manager has the
/// address.
pub async fn set_email(tx: &mut WriteTx, manager: &mut Manager, email: String, now: DateTime<Utc>) -> Result<Entry> {
    let before = manager.clone();
    managers::set_email(tx, manager, email, now).await?;
    Ok(entry(Action::ManagerSetEmail, manager).before(&before).after(manager))
}

pub fn request_email(manager: &Manager, email: &str) -> Entry {
    entry(Action::ManagerRequestEmail, manager).after(&serde_json::json!({ "pending_email": email }))
}

/// Deletes an unconfirmed e-mail address; `None` if there is none.
pub async fn cancel_email(tx: &mut WriteTx, manager: &Manager) -> Result<Option<Entry>> {
    let cancelled = one_time_links::cancel_email(tx, &manager.id).await?;
    Ok(cancelled.then(|| entry(Action::ManagerCancelEmail, manager)))
}

/// Accepts the first code of an authenticator app, which makes the app a second factor.
pub async fn add_totp(tx: &mut WriteTx, manager: &Manager, step: i64, now: DateTime<Utc>) -> Result<Entry> {
    totp::accept(tx, &manager.id, step, now).await?;
    Ok(entry(Action::ManagerAddTotp, manager))
}

pub async fn remove_totp(tx: &mut WriteTx, manager: &Manager) -> Result<Entry> {
    totp::delete(tx, &manager.id).await?;
    Ok(entry(Action::ManagerRemoveTotp, manager))
}

/// Adds a passkey with the `(hash, json)` of its credential.
pub async fn add_passkey(
    tx: &mut WriteTx,
    manager: &Manager,
    passkey: &Passkey,
    (hash, json): (&str, &str),
) -> Result<Entry> {
    passkeys::create(tx, &manager.id, passkey, hash, json).await?;
    Ok(entry(Action::ManagerAddPasskey, manager).after(passkey))
}

pub async fn remove_passkey(tx: &mut WriteTx, manager: &Manager, passkey: &Passkey) -> Result<Entry> {
    passkeys::delete(tx, &manager.id, &passkey.id).await?;
    Ok(entry(Action::ManagerRemovePasskey, manager).before(passkey))
}

/// Returns `Conflict` if the login belongs to another manager.
pub async fn connect_oidc(
    tx: &mut WriteTx,
    manager: &mut Manager,
    identity: &Identity,
    now: DateTime<Utc>,
) -> Result<Entry> {
    oidc_identities::create(tx, manager, identity, now).await?;
    Ok(entry(Action::ManagerConnectOidc, manager).after(identity))
}

/// Disconnects all logins at the identity provider and ends all sessions except `kept`.
pub async fn disconnect_oidc(tx: &mut WriteTx, manager: &mut Manager, kept: Option<&str>) -> Result<Entry> {
    let before = oidc_identities::list(tx, &manager.id).await?;
    oidc_identities::delete_for_manager(tx, manager).await?;
    sessions::delete_for_manager(tx, &manager.id, kept).await?;
    Ok(entry(Action::ManagerDisconnectOidc, manager).before(&before))
}

/// Records a completed login; `action` names the factor.
pub async fn log_in(tx: &mut WriteTx, action: Action, manager: &Manager, now: DateTime<Utc>) -> Result<Entry> {
    managers::record_login(tx, &manager.id, now).await?;
    Ok(entry(action, manager))
}

/// The entry of an event that changes no row of the manager: a login step, a reauthentication, a new link.
pub fn record_event(action: Action, manager: &Manager) -> Entry {
    entry(action, manager)
}

/// The entry of a manager created, or an invitation accepted, through the identity provider.
pub fn record_oidc_arrival(action: Action, manager: &Manager) -> Entry {
    entry(action, manager).after(manager)
}

/// The entry of a denied attempt; `what` is what is known of the client.
pub fn record_denial(action: Action, what: impl Into<String>) -> Entry {
    Entry::new(action, "", what)
}

fn entry(action: Action, manager: &Manager) -> Entry {
    Entry::new(action, &manager.id, &manager.name)
}
