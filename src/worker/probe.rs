//! Probes whether writes to the database work, before a manager needs them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::db::{self, Outage};
use crate::state::State;

const PROBE_INTERVAL: Duration = Duration::from_millis(300);
/// A probe needs a timeout: on a dropped network connection a response may never arrive.
const PROBE_TIMEOUT: Duration = Duration::from_secs(45);

pub async fn run_probe(state: State, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = probe_if_due(&state) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PROBE_INTERVAL) => {}
        }
    }
}

pub async fn probe_if_due(state: &State) {
    let writes = state.writes();
    let Some(depth) = writes.is_due() else { return };
    writes.begin();
    let probed = match tokio::time::timeout(PROBE_TIMEOUT, state.db.probe(depth)).await {
        Ok(probed) => probed,
        Err(_) => Err(db::Error::Unavailable(format!("no answer in {} s", PROBE_TIMEOUT.as_secs()))),
    };
    let was_failing = writes.is_failing();
    let failed = probed.as_ref().err().map(Outage::from_error);
    writes.end(failed);
    match (probed, was_failing) {
        (Err(error), false) => tracing::warn!("the database is not writable: {error:#}"),
        (Ok(()), true) => tracing::info!("the database is writable again"),
        _ => {}
    }
}
