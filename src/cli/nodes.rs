//! `candor nodes`

use anyhow::bail;
use serde::Serialize;

use super::output;
use crate::clock::Clock;
use crate::db::nodes::{self, Node};
use crate::db::{Db, leases};

/// A node as `--json` prints it.
#[derive(Serialize)]
struct ListedNode {
    name: String,
    id: String,
    version: String,
    alive: bool,
    seen_seconds_ago: i64,
    started_at: String,
    revision: i64,
    revision_lag: i64,
    notified: bool,
    leases: Vec<String>,
}

pub async fn run(db: &Db, clock: &Clock, json: bool) -> anyhow::Result<()> {
    if matches!(db, Db::Sqlite { .. }) {
        bail!("a SQLite database has one server; several nodes need PostgreSQL");
    }
    let mut tx = db.read().await.map_err(output::describe_error)?;
    let newest = tx.revision().await?;
    let held = leases::list_held(&mut tx, clock.now()).await?;
    let listed: Vec<_> =
        nodes::list(&mut tx).await?.into_iter().map(|node| describe_node(node, newest, &held)).collect();
    if json {
        say!("{}", serde_json::to_string_pretty(&listed)?);
        return Ok(());
    }
    if listed.is_empty() {
        say!("No node has used this database yet.");
        return Ok(());
    }
    let header = ["NAME", "STATE", "VERSION", "REVISION", "LAG", "NOTIFIED", "LEASES"].map(str::to_owned);
    let rows = listed.into_iter().map(|node| {
        let state = if node.alive { "alive".to_owned() } else { format!("silent for {} s", node.seen_seconds_ago) };
        let notified = if node.notified { "yes" } else { "polls" };
        let (revision, lag) = (node.revision.to_string(), node.revision_lag.to_string());
        [node.name, state, node.version, revision, lag, notified.to_owned(), node.leases.join(",")]
    });
    say!("{}", output::format_table(&std::iter::once(header).chain(rows).collect::<Vec<_>>()));
    Ok(())
}

fn describe_node(node: Node, newest: i64, held: &[leases::Lease]) -> ListedNode {
    let leases = held.iter().filter(|lease| lease.holder == node.id).map(|lease| lease.name.clone()).collect();
    ListedNode {
        alive: node.is_alive(),
        name: node.name,
        id: node.id,
        version: node.version,
        seen_seconds_ago: node.silence,
        started_at: node.started_at.to_rfc3339(),
        revision: node.revision,
        revision_lag: newest - node.revision,
        notified: node.is_listening,
        leases,
    }
}
