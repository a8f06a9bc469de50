//! The one place that slows down guessing: by the client's network, by the account, and by the queue of
//! passwords to be hashed.
//!
//! An attempt counts as wrong before its password is looked at and is forgiven if it was right: so a
//! hundred attempts at the same time are not a hundred guesses against one count. Nothing here tells a
//! known address from an unknown one, neither by what it answers nor by how much it does.

use std::sync::PoisonError;

use super::denied_audit;
use super::known_browser::Device;
use crate::credentials::password::{self, Place, Verdict};
use crate::db::{self, WriteTx, known_browsers, login_failures, login_policy, managers};
use crate::domain::login_backoff::Failures;
use crate::domain::{Manager, ManagerId};
use crate::state::State;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::{Error, Result};

/// A password that is being tried.
pub struct Attempt {
    place: Place,
    manager: Option<Manager>,
    /// The hash to compare with; none where nobody is meant, the door is locked, or this password does not count.
    hash: Option<String>,
    counted: Counted,
}

/// What the attempt counts against.
enum Counted {
    /// An account that is not known or is locked: nothing.
    Nobody,
    Account(ManagerId),
    /// A browser that the account knows, by its hash: its own count, whatever others do to the account.
    Device(String),
}

/// Begins an attempt on the account with the address `email` (lower case).
///
/// # Errors
/// `TooMany` where the client's network has tried too often, `Busy` where too many passwords wait already.
pub async fn begin(state: &State, email: &str, address: ClientAddress, device: &Device) -> Result<Attempt> {
    // Whoever comes with a browser that the account knows is held up neither by others of their network nor by a flood.
    let place = if is_known(state, email, device).await? {
        password::place_for_known()?
    } else {
        if let Err(error) = take_turn(state, address) {
            denied_audit::record_login(state, address, email).await;
            return Err(error);
        }
        password::place()?
    };
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    let (manager, hash) = managers::find_by_email(&mut tx, email).await?.unzip();
    let (failures, mut counted) = match &manager {
        None => (Failures::default(), Counted::Nobody),
        Some(Manager { id, .. }) => match device.known_to(&mut tx, id).await? {
            Some((hash, failures)) => (failures, Counted::Device(hash)),
            None => (login_failures::of(&mut tx, id).await?, Counted::Account(id.clone())),
        },
    };
    let passwords = login_policy::load(&mut tx).await?.passwords;
    let counts = manager.as_ref().is_none_or(|manager| passwords.count_for(&manager.id));
    let locked = failures.is_locked(now);
    if locked {
        counted = Counted::Nobody;
    }
    match &counted {
        Counted::Nobody => login_failures::add(&mut tx, None, now).await?,
        Counted::Account(id) => login_failures::add(&mut tx, Some(id), now).await?,
        Counted::Device(hash) => known_browsers::add_failure(&mut tx, hash, now).await?,
    }
    tx.commit_unaudited().await?;
    Ok(Attempt { place, manager, hash: hash.flatten().filter(|_| !locked && counts), counted })
}

/// Whether the account with this address knows the browser, which has not guessed wrong too often itself.
async fn is_known(state: &State, email: &str, device: &Device) -> Result<bool> {
    if device.is_new() {
        return Ok(false);
    }
    let mut tx = state.db.read().await?;
    let Some((manager, _)) = managers::find_by_email(&mut tx, email).await? else { return Ok(false) };
    let known = device.known_to(&mut tx, &manager.id).await?;
    Ok(known.is_some_and(|(_, failures)| !failures.is_locked(state.clock.now())))
}

/// Counts an attempt from the client's network.
///
/// # Errors
/// `TooMany` where it has tried too often.
pub fn take_turn(state: &State, ClientAddress(address): ClientAddress) -> Result<()> {
    // Only a test that goes past the connections comes from nowhere.
    let Some(address) = address else { return Ok(()) };
    let mut logins = state.logins().lock().unwrap_or_else(PoisonError::into_inner);
    logins.take(address, state.clock.monotonic()).map_err(Error::TooMany)
}

/// A password that was right when its hash was read. Comparing takes a while, in which the password may have been changed
/// or its manager disabled: so nobody is named before [`Proven::keep`] has looked again.
pub struct Proven {
    manager: Manager,
    compared: String,
    rehashed: Option<String>,
    counted: Counted,
}

impl Attempt {
    /// What `password` proves: nothing where it is wrong or its manager may not log in. It takes as long where nobody
    /// is meant or the door is locked.
    ///
    /// # Errors
    /// A fault of ours.
    pub async fn try_password(self, password: String) -> Result<Option<Proven>> {
        let verdict = self.place.verify(password, self.hash.clone()).await?;
        let manager = self.manager.filter(|manager| verdict != Verdict::Wrong && manager.is_active());
        let (Some(manager), Some(compared)) = (manager, self.hash) else { return Ok(None) };
        let rehashed = if let Verdict::Outdated(hash) = verdict { Some(hash) } else { None };
        Ok(Some(Proven { manager, compared, rehashed, counted: self.counted }))
    }
}

impl Proven {
    /// The manager as they are in the transaction that acts on the password; nobody where anything about them has changed
    /// since its hash was read. Takes back what the attempt counted, and the wrong ones before it.
    ///
    /// # Errors
    /// Where the database can't be written.
    pub async fn keep(self, tx: &mut WriteTx) -> db::Result<Option<Manager>> {
        let manager = managers::find(tx, &self.manager.id).await?;
        if !manager.is_still(&self.manager) || !login_policy::counts_password_of(tx, &manager.id).await? {
            return Ok(None);
        }
        match self.counted {
            Counted::Nobody => {}
            Counted::Account(id) => login_failures::clear(tx, &id).await?,
            Counted::Device(hash) => known_browsers::clear_failures(tx, &hash).await?,
        }
        managers::record_password(tx, &manager.id, &self.compared, self.rehashed.as_deref()).await?;
        Ok(Some(manager))
    }
}
