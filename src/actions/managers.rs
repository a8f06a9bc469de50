//! Managers, their logins and their second factors.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, managers, oidc_identities, one_time_links, passkeys, second_factors, sessions, totp};
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::NewManager;
use crate::domain::oidc_roles::Identity;
use crate::domain::second_factor::Passkey;
use crate::domain::{Manager, Role};

/// Invites a manager, who has no password yet.
///
/// # Errors
/// If the database can't be written.
pub async fn invite(tx: &mut WriteTx, new: NewManager, now: DateTime<Utc>) -> Result<(Manager, Entry)> {
    let invited = managers::create(tx, new, None, now).await?;
    let entry = entry(Action::ManagerInvite, &invited).after(&invited);
    Ok((invited, entry))
}

/// Adds a manager, with a password hash or as invited. The link for the first owner is no longer needed and is deleted.
///
/// # Errors
/// If the database can't be written.
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

/// Adds the first owner.
///
/// # Errors
/// If the database can't be written.
pub async fn add_first_owner(
    tx: &mut WriteTx,
    new: NewManager,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<(Manager, Entry)> {
    let added = managers::create(tx, new, Some(password_hash), now).await?;
    let entry = entry(Action::ManagerCreateFirstOwner, &added).after(&added);
    Ok((added, entry))
}

/// Adds a manager who logged in at the identity provider.
///
/// # Errors
/// If the database can't be written.
pub async fn add_by_oidc(tx: &mut WriteTx, new: NewManager, now: DateTime<Utc>) -> Result<Manager> {
    one_time_links::delete_setup(tx).await?;
    managers::create(tx, new, None, now).await
}

/// Gives a manager another role and ends their sessions but `kept`, so that the next login has the new role.
///
/// # Errors
/// A conflict if this is the last owner, or the one whose password alone is accepted.
pub async fn set_role(
    tx: &mut WriteTx,
    manager: &mut Manager,
    role: Role,
    kept: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Entry> {
    change_role(tx, Action::ManagerSetRole, (manager, role), kept, now).await
}

/// Gives a manager the role that the identity provider names; otherwise as [`set_role`].
///
/// # Errors
/// As [`set_role`].
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

/// Disables a manager and ends their sessions.
///
/// # Errors
/// As [`set_role`].
pub async fn disable(tx: &mut WriteTx, manager: &mut Manager, now: DateTime<Utc>) -> Result<Entry> {
    let before = manager.clone();
    managers::disable(tx, manager, now).await?;
    Ok(entry(Action::ManagerDisable, manager).before(&before).after(manager))
}

/// Enables a manager again.
///
/// # Errors
/// A conflict if the manager was changed in the meantime.
pub async fn enable(tx: &mut WriteTx, manager: &mut Manager, now: DateTime<Utc>) -> Result<Entry> {
    let before = manager.clone();
    managers::enable(tx, manager, now).await?;
    Ok(entry(Action::ManagerEnable, manager).before(&before).after(manager))
}

/// What [`remove_factors`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemovedFactors {
    pub had_factors: bool,
    pub ended_sessions: u64,
}

/// Removes all second factors of a manager and ends their sessions but `kept`.
///
/// # Errors
/// If the database can't be written.
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

/// Ends the sessions of a manager but `kept`; `None` if there was none.
///
/// # Errors
/// If the database can't be written.
pub async fn revoke_sessions(tx: &mut WriteTx, manager: &Manager, kept: Option<&str>) -> Result<Option<Entry>> {
    let ended = sessions::delete_for_manager(tx, &manager.id, kept).await?;
    Ok((ended > 0).then(|| entry(Action::ManagerRevokeSessions, manager)))
}

/// Ends one session of a manager.
///
/// # Errors
/// If the database can't be written.
pub async fn revoke_session(tx: &mut WriteTx, manager: &Manager, id_hash: &str) -> Result<Entry> {
    sessions::delete(tx, id_hash).await?;
    Ok(entry(Action::ManagerRevokeSession, manager))
}

/// Ends the session in which a manager logs out.
///
/// # Errors
/// If the database can't be written.
pub async fn log_out(tx: &mut WriteTx, manager: &Manager, id_hash: &str) -> Result<Entry> {
    sessions::delete(tx, id_hash).await?;
    Ok(entry(Action::ManagerLogout, manager))
}

/// Sets the password that a manager chose; `kept` is the session that goes on.
///
/// # Errors
/// A conflict if the manager was changed in the meantime.
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

/// Sets the password that was chosen through a one-time link; `action` says what the link was for. Ends every session.
///
/// # Errors
/// As [`set_password`].
pub async fn set_password_by_link(
    tx: &mut WriteTx,
    action: Action,
    manager: &mut Manager,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Entry> {
    managers::set_password(tx, manager, hash, None, now).await?;
    Ok(entry(action, manager).after(manager))
}

/// Sets a password from the shell. Ends every session.
///
/// # Errors
/// As [`set_password`].
pub async fn reset_password(tx: &mut WriteTx, manager: &mut Manager, hash: &str, now: DateTime<Utc>) -> Result<Entry> {
    let before = manager.clone();
    managers::set_password(tx, manager, hash, None, now).await?;
    Ok(entry(Action::ManagerResetPassword, manager).before(&before).after(manager))
}

/// The entry of a link for a new password that was made in the shell.
pub fn record_reset(manager: &Manager) -> Entry {
    entry(Action::ManagerResetPassword, manager).before(manager).after(manager)
}

/// Sets another e-mail address. That ends every one-time link of the manager.
///
/// # Errors
/// A conflict if another manager has it.
pub async fn set_email(tx: &mut WriteTx, manager: &mut Manager, email: String, now: DateTime<Utc>) -> Result<Entry> {
    let before = manager.clone();
    managers::set_email(tx, manager, email, now).await?;
    Ok(entry(Action::ManagerSetEmail, manager).before(&before).after(manager))
}

/// The entry of a new e-mail address that waits for its confirmation.
pub fn request_email(manager: &Manager, email: &str) -> Entry {
    entry(Action::ManagerRequestEmail, manager).after(&serde_json::json!({ "pending_email": email }))
}

/// Drops an e-mail address that waits for its confirmation; `None` if there is none.
///
/// # Errors
/// If the database can't be written.
pub async fn cancel_email(tx: &mut WriteTx, manager: &Manager) -> Result<Option<Entry>> {
    let cancelled = one_time_links::cancel_email(tx, &manager.id).await?;
    Ok(cancelled.then(|| entry(Action::ManagerCancelEmail, manager)))
}

/// Accepts the first code of an authenticator app, which from then on is a second factor.
///
/// # Errors
/// If the database can't be written.
pub async fn add_totp(tx: &mut WriteTx, manager: &Manager, step: i64, now: DateTime<Utc>) -> Result<Entry> {
    totp::accept(tx, &manager.id, step, now).await?;
    Ok(entry(Action::ManagerAddTotp, manager))
}

/// Removes the authenticator app.
///
/// # Errors
/// `NotFound` if there is none.
pub async fn remove_totp(tx: &mut WriteTx, manager: &Manager) -> Result<Entry> {
    totp::delete(tx, &manager.id).await?;
    Ok(entry(Action::ManagerRemoveTotp, manager))
}

/// Adds a passkey with the `(hash, json)` of its credential.
///
/// # Errors
/// `Full` if the manager has as many as they may have.
pub async fn add_passkey(
    tx: &mut WriteTx,
    manager: &Manager,
    passkey: &Passkey,
    (hash, json): (&str, &str),
) -> Result<Entry> {
    passkeys::create(tx, &manager.id, passkey, hash, json).await?;
    Ok(entry(Action::ManagerAddPasskey, manager).after(passkey))
}

/// Removes a passkey.
///
/// # Errors
/// `NotFound` if it is gone.
pub async fn remove_passkey(tx: &mut WriteTx, manager: &Manager, passkey: &Passkey) -> Result<Entry> {
    passkeys::delete(tx, &manager.id, &passkey.id).await?;
    Ok(entry(Action::ManagerRemovePasskey, manager).before(passkey))
}

/// Connects a login at the identity provider.
///
/// # Errors
/// A conflict if it belongs to another manager.
pub async fn connect_oidc(
    tx: &mut WriteTx,
    manager: &mut Manager,
    identity: &Identity,
    now: DateTime<Utc>,
) -> Result<Entry> {
    oidc_identities::create(tx, manager, identity, now).await?;
    Ok(entry(Action::ManagerConnectOidc, manager).after(identity))
}

/// Disconnects every login at the identity provider and ends the sessions but `kept`.
///
/// # Errors
/// If the database can't be written.
pub async fn disconnect_oidc(tx: &mut WriteTx, manager: &mut Manager, kept: Option<&str>) -> Result<Entry> {
    let before = oidc_identities::list(tx, &manager.id).await?;
    oidc_identities::delete_for_manager(tx, manager).await?;
    sessions::delete_for_manager(tx, &manager.id, kept).await?;
    Ok(entry(Action::ManagerDisconnectOidc, manager).before(&before))
}

/// Records a finished login; `action` says by which factor.
///
/// # Errors
/// If the database can't be written.
pub async fn log_in(tx: &mut WriteTx, action: Action, manager: &Manager, now: DateTime<Utc>) -> Result<Entry> {
    managers::record_login(tx, &manager.id, now).await?;
    Ok(entry(action, manager))
}

/// The entry of an event that changes no row of the manager: a login step, a reauthentication, a link that was made.
pub fn record_event(action: Action, manager: &Manager) -> Entry {
    entry(action, manager)
}

/// The entry of a manager as the identity provider made them: created, or an accepted invitation.
pub fn record_oidc_arrival(action: Action, manager: &Manager) -> Entry {
    entry(action, manager).after(manager)
}

/// The entry of a denied attempt, with what is known of who tried it.
pub fn record_denial(action: Action, what: impl Into<String>) -> Entry {
    Entry::new(action, "", what)
}

/// An entry about `manager`.
fn entry(action: Action, manager: &Manager) -> Entry {
    Entry::new(action, &manager.id, &manager.name)
}
