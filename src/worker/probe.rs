//! Probes whether writes to the database work, before a manager needs them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::nodes;
use crate::counters::QueueMeasurement;
use crate::db::{self, Outage, deliveries, sender_rejections};
use crate::state::State;

/// A probe needs a timeout: on a dropped network connection a response may never arrive.
const PROBE_TIMEOUT: Duration = Duration::from_secs(45);

const MEASUREMENT_INTERVAL: Duration = Duration::from_secs(10);

pub async fn run_probe(state: State, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = probe_if_due(&state) => {}
        }
        // On the full second, as other timers, so that a process at rest wakes once a second.
        tokio::select! {
            () = stop.cancelled() => return,
            () = db::next_second() => {}
        }
    }
}

/// Apart from the probes, because each query takes seconds on a silent network.
pub async fn run_measurements(state: State, stop: CancellationToken) {
    loop {
        let measuring = async {
            measure_queue(&state).await;
            record_beat(&state).await;
            db::next_multiple(MEASUREMENT_INTERVAL).await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = measuring => {}
        }
    }
}

async fn record_beat(state: &State) {
    match tokio::time::timeout(PROBE_TIMEOUT, nodes::record_beat(state)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("this node did not tell that it is alive: {error}"),
        Err(_) => tracing::debug!("this node did not tell in time that it is alive"),
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
