//! Says every ten seconds that this node is alive, learns the database's time, and releases the messages of dead nodes.

use std::time::Duration;

use crate::counters::NodeMeasurement;
use crate::db::nodes::{self, Beat};
use crate::db::{self, Db, leases};
use crate::state::State;

/// A stop does not wait longer for the database.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);

/// Records that this node is alive. Its clock then follows the database's, so that the nodes agree about the time. A
/// SQLite database has one node, which needs none of this.
pub async fn record_beat(state: &State) -> db::Result<()> {
    let Db::Postgres(..) = &state.db else { return measure(state, 0).await };
    let beat = Beat {
        id: state.node_id(),
        name: state.node.name.as_str(),
        version: env!("CARGO_PKG_VERSION"),
        revision: state.publisher.site().revision,
        is_listening: state.db.is_listening(),
    };
    let mut tx = state.db.deliver().await?;
    let answer = nodes::record_beat(&mut tx, &beat).await?;
    state.clock.follow_database(answer.now);
    let released = nodes::release_deliveries_of_dead(&mut tx, state.clock.now()).await?;
    tx.commit().await?;
    if released > 0 {
        tracing::info!("took over {released} messages of a node that has gone");
        state.db.changes().announce(db::Origin::Elsewhere);
    }
    measure(state, answer.revision - state.publisher.site().revision).await
}

async fn measure(state: &State, revision_lag: i64) -> db::Result<()> {
    let held = leases::list_held(&mut state.db.read().await?, state.clock.now()).await?;
    let leases = [leases::OUTBOX, leases::SWEEP].map(|name| {
        let is_own = held.iter().any(|lease| lease.name == name && *lease.holder == **state.node_id());
        (name.to_owned(), is_own)
    });
    state.node_gauge().set(NodeMeasurement { revision_lag: revision_lag.max(0), leases: leases.into() });
    Ok(())
}

/// Ends the leases of this node at its shutdown, so that others need not wait.
pub async fn say_goodbye(state: &State) {
    let leaving = async {
        let mut tx = state.db.deliver().await?;
        leases::release_all(&mut tx, state.node_id(), state.clock.now()).await?;
        if matches!(state.db, Db::Postgres(..)) {
            nodes::release_deliveries_of_node(&mut tx, state.node_id(), state.clock.now()).await?;
            nodes::remove(&mut tx, state.node_id()).await?;
        }
        tx.commit().await
    };
    match tokio::time::timeout(GOODBYE_TIMEOUT, leaving).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("the leases of this node end later: {error}"),
        Err(_) => tracing::debug!("the leases of this node end later: the database does not answer"),
    }
}
