//! Probes whether writes to the database work, before a manager needs them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::counters::QueueMeasurement;
use crate::db::{self, Outage, deliveries, sender_rejections};
use crate::state::State;

const PROBE_INTERVAL: Duration = Duration::from_millis(300);
/// A probe needs a timeout: on a dropped network connection a response may never arrive.
const PROBE_TIMEOUT: Duration = Duration::from_secs(45);

/// Probes between two measurements of the queue: ten seconds.
const PROBES_PER_MEASUREMENT: u32 = 33;

pub async fn run_probe(state: State, stop: CancellationToken) {
    for number in 0_u32.. {
        if number.is_multiple_of(PROBES_PER_MEASUREMENT) {
            measure_queue(&state).await;
        }
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

/// Measures the messages to subscribers that wait. While the database is unavailable, the last measurement stays.
pub async fn measure_queue(state: &State) {
    let measuring = async {
        let mut tx = state.db.read().await?;
        let (waiting, _) = deliveries::count_waiting(&mut tx).await?;
        let oldest_mail = deliveries::find_oldest_mail(&mut tx).await?;
        let is_sender_rejected = sender_rejections::find_current(&mut tx, state.clock.now()).await?.is_some();
        state.delivery_queue().set(QueueMeasurement { waiting, oldest_mail, is_sender_rejected });
        Ok::<_, db::Error>(())
    };
    match tokio::time::timeout(PROBE_TIMEOUT, measuring).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("the queue of messages was not measured: {error}"),
        Err(_) => tracing::debug!("the queue of messages was not measured in time"),
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
