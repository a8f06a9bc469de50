//! The one place that slows down guessing: by the client's network, by the account, and by the queue of
//! passwords to be hashed.
//!
//! An attempt counts as wrong before its password is looked at and is forgiven if it was right: so a
//! hundred attempts at the same time are not a hundred guesses against one count. Nothing here tells a
//! known address from an unknown one, neither by what it answers nor by how much it does.

use std::sync::PoisonError;

use super::denied_audit;
use super::known_browser::KnownBrowser;
use crate::credentials::password::{self, QueueSlot, Verdict};
use crate::db::{self, WriteTx, known_browsers, login_failures, login_policy, managers};
use crate::domain::login_backoff::LoginFailures;
use crate::domain::{Manager, ManagerId};
use crate::state::State;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::{Error, Result};

/// A password that is being tried.
pub struct LoginAttempt {
    place: QueueSlot,
    manager: Option<Manager>,
    /// The hash to compare with; none where nobody is meant, the door is locked, or this password does not count.
    hash: Option<String>,
    counter: FailureCounter,
}

/// What the attempt counts against.
enum FailureCounter {
    /// An account that is not known or is locked: nothing.
    None,
    Account(ManagerId),
    /// A browser that the account knows, by its hash: its own count, whatever others do to the account.
    Browser(String),
}

/// Begins an attempt on the account with the address `email` (lower case).
///
/// # Errors
/// `TooMany` where the client's network has tried too often, `Busy` where too many passwords wait already.
pub async fn begin_attempt(
    state: &State,
    email: &str,
    address: ClientAddress,
    device: &KnownBrowser,
) -> Result<LoginAttempt> {
    // Whoever comes with a browser that the account knows is held up neither by others of their network nor by a flood.
    let place = if is_known_browser(state, email, device).await? {
        password::queue_slot_for_known()?
    } else {
        if let Err(error) = count_attempt(state, address) {
            denied_audit::record_denied_login(state, address, email).await;
            return Err(error);
        }
        password::queue_slot()?
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

/// Whether the account with this address knows the browser, which has not guessed wrong too often itself.
async fn is_known_browser(state: &State, email: &str, device: &KnownBrowser) -> Result<bool> {
    if device.is_unknown() {
        return Ok(false);
    }
    let mut tx = state.db.read().await?;
    let Some((manager, _)) = managers::find_by_email(&mut tx, email).await? else { return Ok(false) };
    let known = device.find_for(&mut tx, &manager.id).await?;
    Ok(known.is_some_and(|(_, failures)| !failures.is_locked(state.clock.now())))
}

/// Counts an attempt from the client's network.
///
/// # Errors
/// `TooMany` where it has tried too often.
pub fn count_attempt(state: &State, ClientAddress(address): ClientAddress) -> Result<()> {
    // Only a test that goes past the connections comes from nowhere.
    let Some(address) = address else { return Ok(()) };
    let mut logins = state.login_attempts().lock().unwrap_or_else(PoisonError::into_inner);
    logins.take(address, state.clock.monotonic()).map_err(Error::TooMany)
}

/// A password that was right when its hash was read. Comparing takes a while, in which the password may have been changed
/// or its manager disabled: so nobody is named before [`VerifiedPassword::confirm`] has looked again.
pub struct VerifiedPassword {
    manager: Manager,
    compared: String,
    rehashed: Option<String>,
    counter: FailureCounter,
}

impl LoginAttempt {
    /// What `password` proves: nothing where it is wrong or its manager may not log in. It takes as long where nobody
    /// is meant or the door is locked.
    ///
    /// # Errors
    /// A fault of ours.
    pub async fn try_password(self, password: String) -> Result<Option<VerifiedPassword>> {
        let verdict = self.place.verify(password, self.hash.clone()).await?;
        let manager = self.manager.filter(|manager| verdict != Verdict::Wrong && manager.is_active());
        let (Some(manager), Some(compared)) = (manager, self.hash) else { return Ok(None) };
        let rehashed = if let Verdict::Outdated(hash) = verdict { Some(hash) } else { None };
        Ok(Some(VerifiedPassword { manager, compared, rehashed, counter: self.counter }))
    }
}

impl VerifiedPassword {
    /// The manager as they are in the transaction that acts on the password; nobody where anything about them has changed
    /// since its hash was read. Takes back what the attempt counted, and the wrong ones before it.
    ///
    /// # Errors
    /// Where the database can't be written.
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
