//! Throttles password guessing by the client's network, by account, and by the queue of password hashes.
//!
//! An attempt counts as wrong before its password is checked, and a correct one clears the count, so parallel attempts
//! get no extra guesses. Responses and work are the same for known and unknown accounts.

use std::sync::PoisonError;

use super::denied_audit;
use super::known_browser::KnownBrowser;
use crate::credentials::password::{QueueSlot, Verdict};
use crate::db::{self, WriteTx, known_browsers, login_failures, login_policy, managers};
use crate::domain::login_backoff::LoginFailures;
use crate::domain::{Manager, ManagerId};
use crate::state::State;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::{Error, Result};

/// A login attempt whose password is not checked yet.
pub struct LoginAttempt {
    place: QueueSlot,
    manager: Option<Manager>,
    /// The hash to compare with; `None` for an unknown or locked account, and where the password is not accepted.
    hash: Option<String>,
    counter: FailureCounter,
}

enum FailureCounter {
    /// Unknown or locked account.
    None,
    Account(ManagerId),
    /// A known browser, by its hash: it has its own count, so others can't lock it.
    Browser(String),
}

/// Begins an attempt on the account with the address `email` (lower case).
///
/// # Errors
/// `TooMany` if the client's network tried too often, `Busy` if too many passwords are queued.
pub async fn begin_attempt(
    state: &State,
    email: &str,
    address: ClientAddress,
    device: &KnownBrowser,
) -> Result<LoginAttempt> {
    // A known browser is exempt from the network limit and has its own queue.
    let place = if is_known_browser(state, email, device).await? {
        state.passwords().slot_for_known()?
    } else {
        if let Err(error) = count_attempt(state, address) {
            denied_audit::record_denied_login(state, address, email).await;
            return Err(error);
        }
        state.passwords().slot()?
    };
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let (manager, hash) = managers::find_by_email(&mut tx, email).await?.unzip();
    let (failures, mut counted) = match &manager {
        None => (LoginFailures::default(), FailureCounter::None),
        Some(Manager { id, .. }) => match device.find_for(&mut tx, id).await? {
            Some((hash, failures)) => (failures, FailureCounter::Browser(hash)),
            None => (login_failures::load(&mut tx, id).await?, FailureCounter::Account(id.clone())),
        },
    };
    let passwords = login_policy::load(&mut tx).await?.passwords;
    let counts = manager.as_ref().is_none_or(|manager| passwords.accepted_for(&manager.id));
    let locked = failures.is_locked(now);
    if locked {
        counted = FailureCounter::None;
    }
    match &counted {
        FailureCounter::None => login_failures::add(&mut tx, None, now).await?,
        FailureCounter::Account(id) => login_failures::add(&mut tx, Some(id), now).await?,
        FailureCounter::Browser(hash) => known_browsers::add_failure(&mut tx, hash, now).await?,
    }
    tx.commit_unaudited().await?;
    Ok(LoginAttempt { place, manager, hash: hash.flatten().filter(|_| !locked && counts), counter: counted })
}

/// Whether the account knows the browser and the browser is not locked.
async fn is_known_browser(state: &State, email: &str, device: &KnownBrowser) -> Result<bool> {
    if device.is_unknown() {
        return Ok(false);
    }
    let mut tx = state.db.read().await?;
    let Some((manager, _)) = managers::find_by_email(&mut tx, email).await? else { return Ok(false) };
    let known = device.find_for(&mut tx, &manager.id).await?;
    Ok(known.is_some_and(|(_, failures)| !failures.is_locked(state.clock.now())))
}

/// Counts an attempt from the client's network; `TooMany` if it exceeds the limit.
pub fn count_attempt(state: &State, ClientAddress(address): ClientAddress) -> Result<()> {
    // Only tests without a connection have no address.
    let Some(address) = address else { return Ok(()) };
    let mut logins = state.login_attempts().lock().unwrap_or_else(PoisonError::into_inner);
    logins.take(address, state.clock.monotonic()).map_err(Error::TooMany)
}

/// A password that matched its hash. Hashing takes a while, in which the password or the manager may change, so
/// [`VerifiedPassword::confirm`] checks both again.
pub struct VerifiedPassword {
    manager: Manager,
    compared: String,
    rehashed: Option<String>,
    counter: FailureCounter,
}

impl LoginAttempt {
    /// Verifies the password; `None` if it is wrong or the manager is inactive. Takes equally long for unknown and
    /// locked accounts.
    pub async fn try_password(self, password: String) -> Result<Option<VerifiedPassword>> {
        let verdict = self.place.verify(password, self.hash.clone()).await?;
        let manager = self.manager.filter(|manager| verdict != Verdict::Wrong && manager.is_active());
        let (Some(manager), Some(compared)) = (manager, self.hash) else { return Ok(None) };
        let rehashed = if let Verdict::Outdated(hash) = verdict { Some(hash) } else { None };
        Ok(Some(VerifiedPassword { manager, compared, rehashed, counter: self.counter }))
    }
}

impl VerifiedPassword {
    /// Returns the manager as loaded in the transaction that uses the password, or `None` if they changed since the
    /// check. Clears the failure count.
    pub async fn confirm(self, tx: &mut WriteTx) -> db::Result<Option<Manager>> {
        let manager = managers::find(tx, &self.manager.id).await?;
        if !manager.is_unchanged(&self.manager) || !login_policy::accepts_password(tx, &manager.id).await? {
            return Ok(None);
        }
        match self.counter {
            FailureCounter::None => {}
            FailureCounter::Account(id) => login_failures::clear(tx, &id).await?,
            FailureCounter::Browser(hash) => known_browsers::clear_failures(tx, &hash).await?,
        }
        managers::record_password(tx, &manager.id, &self.compared, self.rehashed.as_deref()).await?;
        Ok(Some(manager))
    }
}
