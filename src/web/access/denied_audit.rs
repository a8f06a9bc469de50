//! Audit rows of denied attempts, without the secrets they carried.

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

/// Recorded instead of input that is not an e-mail address.
const NOT_AN_EMAIL: &str = "not an address";
/// Longest path segment that is recorded, in bytes; ids have at most 40.
const MAX_PATH_SEGMENT: usize = 40;
const MAX_DESCRIPTION: usize = 254;

/// Records a denial. If that fails, the response stays the same.
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

pub async fn record_anonymous_denial(state: &State, address: ClientAddress, action: Action, what: &str) {
    record_denial(state, Actor::anonymous(address), action, what).await;
}

/// Records a denied login. The input is kept only if it is an e-mail address: people type passwords into the wrong
/// field, and an audit row can't be deleted.
pub async fn record_denied_login(state: &State, address: ClientAddress, typed: &str) {
    let what = parse_email(typed).unwrap_or_else(|_| NOT_AN_EMAIL.to_owned());
    record_anonymous_denial(state, address, Action::ManagerDenyLogin, &what).await;
}

/// Commits the counters changed in `tx`, with an audit row if the throttle allows one for the address.
pub async fn commit_denial(state: &State, tx: WriteTx, actor: &Actor, entry: &Entry) -> db::Result<()> {
    let recorded = should_record(state, &actor.address).then_some(entry);
    tx.commit_denial(actor, state.clock.now(), recorded).await
}

/// Whether the throttle allows an audit row for `address`.
pub fn should_record(state: &State, address: &str) -> bool {
    let mut refusals = state.audit_denials().lock().unwrap_or_else(PoisonError::into_inner);
    refusals.should_record(address, state.clock.monotonic())
}

/// Method and path of a denied request. A segment longer than any id may be a misplaced secret and is left out.
pub fn describe_request(method: &Method, path: &str) -> String {
    let path = loggable_path(path);
    let parts: Vec<&str> = path.split('/').map(|part| if part.len() > MAX_PATH_SEGMENT { "…" } else { part }).collect();
    format!("{method} {}", parts.join("/"))
}

/// Client input as one line of limited length.
pub fn sanitize_description(what: &str) -> String {
    what.chars().filter(|c| !c.is_control()).take(MAX_DESCRIPTION).collect()
}
