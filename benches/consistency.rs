//! Readers that check every page: it must be one complete version, and not older than the one before.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use candor::format::hex;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::client::Connection;

/// Running readers.
pub struct Readers {
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<Seen>>,
}

/// What the readers saw.
#[derive(Default)]
pub struct Seen {
    pub pages: usize,
    pub versions: usize,
}

impl Readers {
    pub fn start(count: usize, address: SocketAddr) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let stop = stop.clone();
            tasks.spawn(async move { read(address, stop).await });
        }
        Self { stop, tasks }
    }

    /// Stops the readers; returns what they saw, or the first error.
    pub async fn finish(mut self) -> anyhow::Result<Seen> {
        self.stop.cancel();
        let mut all = Seen::default();
        while let Some(seen) = self.tasks.join_next().await {
            let seen = seen??;
            all.pages += seen.pages;
            all.versions = all.versions.max(seen.versions);
        }
        Ok(all)
    }
}

async fn read(address: SocketAddr, stop: CancellationToken) -> anyhow::Result<Seen> {
    let mut connection = Connection::open(address).await?;
    let mut seen = Seen::default();
    let (mut last_tag, mut last_number) = (String::new(), 0);
    while !stop.is_cancelled() {
        let page = connection.get("/", &[]).await?;
        ensure!(page.status == 200, "a reader got status {}", page.status);
        let tag = page.header("etag");
        let digest = hex(&Sha256::digest(&page.body)[..12]);
        ensure!(tag.trim_matches('"') == digest, "a page is not the one its entity tag names: {tag}");
        let text = page.text();
        ensure!(text.ends_with("</html>"), "a page is cut short");
        let number = newest(&text)?;
        ensure!(number >= last_number, "an older version came after a newer one");
        last_number = number;
        seen.pages += 1;
        if tag != last_tag {
            last_tag = tag.to_owned();
            seen.versions += 1;
        }
    }
    Ok(seen)
}

/// The number of the newest text that a [`crate::publishing::PublishingBench`] posted; 0 if there is none.
fn newest(page: &str) -> anyhow::Result<usize> {
    let mut newest = 0;
    for rest in page.split("Rebuilt strip number ").skip(1) {
        newest = newest.max(rest.get(..6).context("a number")?.parse()?);
    }
    Ok(newest)
}
