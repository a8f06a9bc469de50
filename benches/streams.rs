//! Many followers of the page, each on a connection of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use candor::net::event_streams::MAX_PER_CLIENT;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::Connection;

/// How many connect at once: a queue of the system holds no more.
const CONCURRENCY: usize = 200;
/// How long the last follower may take to hear of a change.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is begun anew where the queue was full after all.
const ATTEMPTS: usize = 5;

/// Followers that have been greeted.
pub struct Followers {
    count: usize,
    heard: mpsc::Receiver<Instant>,
    // Ends them when dropped.
    _tasks: JoinSet<()>,
}

impl Followers {
    /// Opens `count` event streams, from as many addresses as the limit for each of them asks for.
    pub async fn open(count: usize, address: SocketAddr) -> anyhow::Result<Self> {
        let (tell, heard) = mpsc::channel(count);
        let turns = Arc::new(Semaphore::new(CONCURRENCY));
        let mut opening = JoinSet::new();
        for number in 0..count {
            let turns = turns.clone();
            opening.spawn(async move {
                let _turn = turns.acquire_owned().await?;
                greeted(source(number), address).await
            });
        }
        let mut tasks = JoinSet::new();
        while let Some(opened) = opening.join_next().await {
            let (mut connection, tell) = (opened??, tell.clone());
            tasks.spawn(async move {
                while connection.hear("event: published").await.is_ok() {
                    let _ = tell.send(Instant::now()).await;
                }
            });
        }
        Ok(Self { count, heard, _tasks: tasks })
    }

    /// How long after `since` each follower heard of the next change.
    pub async fn hear(&mut self, since: Instant) -> anyhow::Result<Vec<f64>> {
        let mut spans = Vec::with_capacity(self.count);
        for _ in 0..self.count {
            let heard = timeout(PATIENCE, self.heard.recv()).await;
            let at = heard.with_context(|| format!("{} of {} heard nothing", self.count - spans.len(), self.count))?;
            spans.push((at.context("all streams ended")? - since).as_secs_f64() * 1e3);
        }
        Ok(spans)
    }

    /// Forgets what was heard until now.
    pub fn forget(&mut self) {
        while self.heard.try_recv().is_ok() {}
    }
}

/// Follows, and waits for the first word.
async fn greeted(source: IpAddr, address: SocketAddr) -> anyhow::Result<Connection> {
    for attempt in 1.. {
        let opened = timeout(Duration::from_secs(10), follow(source, address)).await;
        match opened {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) if attempt == ATTEMPTS => return Err(error),
            Err(_) => ensure!(attempt < ATTEMPTS, "no greeting for a follower from {source}"),
            Ok(Err(_)) => {}
        }
    }
    unreachable!("the last attempt returns")
}

async fn follow(source: IpAddr, address: SocketAddr) -> anyhow::Result<Connection> {
    let mut connection = Connection::open_from(source, address).await?;
    connection.send("GET", "/events", &[("accept", "text/event-stream")], "").await?;
    connection.hear("event: published").await?;
    Ok(connection)
}

/// The address from which follower `number` comes.
fn source(number: usize) -> IpAddr {
    let client = u32::try_from(number / MAX_PER_CLIENT).unwrap_or(0);
    Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + client).into()
}
