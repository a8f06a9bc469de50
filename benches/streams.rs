//! Many event streams, each on its own connection.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use candor::net::event_streams::MAX_PER_CLIENT;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::Connection;

/// Concurrent connects: more would overflow the listen backlog.
const CONCURRENCY: usize = 200;
/// How long the last follower may wait for a message.
const PATIENCE: Duration = Duration::from_secs(30);
/// Attempts per connection, for when the backlog overflows anyway.
const ATTEMPTS: usize = 5;

/// Followers whose streams are open.
pub struct Followers {
    count: usize,
    heard: mpsc::Receiver<Instant>,
    // Aborted when dropped.
    _tasks: JoinSet<()>,
}

impl Followers {
    /// Opens `count` event streams, from as many client addresses as the limit per client requires.
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

    /// The time in milliseconds from `since` until each follower received the next message.
    pub async fn hear(&mut self, since: Instant) -> anyhow::Result<Vec<f64>> {
        let mut spans = Vec::with_capacity(self.count);
        for _ in 0..self.count {
            let heard = timeout(PATIENCE, self.heard.recv()).await;
            let at = heard.with_context(|| format!("{} of {} heard nothing", self.count - spans.len(), self.count))?;
            spans.push((at.context("all streams ended")? - since).as_secs_f64() * 1e3);
        }
        Ok(spans)
    }

    /// Discards the messages received so far.
    pub fn forget(&mut self) {
        while self.heard.try_recv().is_ok() {}
    }
}

/// Opens a stream and waits for its first message.
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

/// The client address of follower `number`.
fn source(number: usize) -> IpAddr {
    let client = u32::try_from(number / MAX_PER_CLIENT).unwrap_or(0);
    Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + client).into()
}
