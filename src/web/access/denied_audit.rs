//! Refused attempts in the audit: who was refused what, without any secret they came with.

use std::sync::PoisonError;

use axum::http::Method;

use crate::actions;
use crate::db::{self, WriteTx};
use crate::domain::audit::{Action, Actor, Entry};
use crate::domain::manager::parse_email;
use crate::log_limit::{LogPermit, OUTAGES};
use crate::state::State;
use crate::web::edge::client_ip::ClientAddress;
use crate::web::edge::headers::loggable_path;

/// What stands in the audit for a text that is no address.
const NOT_AN_EMAIL: &str = "not an address";
/// The longest part of a path that is kept, in bytes: ids have at most 40.
const MAX_PATH_SEGMENT: usize = 40;
/// The longest text of a refused attempt that is kept, in characters.
const MAX_DESCRIPTION: usize = 254;

/// Keeps that `actor` was refused. Trouble in keeping it changes nothing for whoever is refused.
pub async fn record_denial(state: &State, actor: Actor, action: Action, what: &str) {
    let entry = actions::managers::record_denial(action, sanitize_description(what));
    if !should_record(state, &actor.address) {
        return;
    }
    let kept = async {
        let tx = state.db.write().await?;
        tx.commit_denial(&actor, state.clock.now(), Some(&entry)).await
    };
    if let Err(error) = kept.await
        && let Some(LogPermit { left_out }) = OUTAGES.acquire()
    {
        tracing::warn!(left_out, "a denied attempt could not be audited: {error}");
    }
}

/// A stranger's refused attempt.
pub async fn record_anonymous_denial(state: &State, address: ClientAddress, action: Action, what: &str) {
    record_denial(state, Actor::anonymous(address), action, what).await;
}

/// A refused login. What was typed is kept only if it has the form of an address: people type passwords into the wrong field,
/// and a row of the audit can't be deleted.
pub async fn record_denied_login(state: &State, address: ClientAddress, typed: &str) {
    let what = parse_email(typed).unwrap_or_else(|_| NOT_AN_EMAIL.to_owned());
    record_anonymous_denial(state, address, Action::ManagerDenyLogin, &what).await;
}

/// Keeps what was counted in `tx` because `actor` was refused, and as many rows of it as an address may have.
///
/// # Errors
/// Where the database can't be written.
pub async fn commit_denial(state: &State, tx: WriteTx, actor: &Actor, entry: &Entry) -> db::Result<()> {
    let told = should_record(state, &actor.address).then_some(entry);
    tx.commit_denial(actor, state.clock.now(), told).await
}

/// Whether one more refused attempt from `address` gets a row of its own.
pub fn should_record(state: &State, address: &str) -> bool {
    let mut refusals = state.audit_denials().lock().unwrap_or_else(PoisonError::into_inner);
    refusals.should_record(address, state.clock.monotonic())
}

/// The method and path of a refused request. A part that is longer than any id may be a secret in the wrong place.
pub fn describe_request(method: &Method, path: &str) -> String {
    let path = loggable_path(path);
    let parts: Vec<&str> = path.split('/').map(|part| if part.len() > MAX_PATH_SEGMENT { "…" } else { part }).collect();
    format!("{method} {}", parts.join("/"))
}

/// One line of bounded length, as it is kept of what a stranger sent.
pub fn sanitize_description(what: &str) -> String {
    what.chars().filter(|c| !c.is_control()).take(MAX_DESCRIPTION).collect()
}
