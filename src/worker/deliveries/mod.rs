//! Tells subscribers: matches notices with subscribers, and sends the messages by mail and HTTP.

mod pipeline;
mod queue;

pub use pipeline::{MAX_ATTEMPT, Pipeline, SendMessage};

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::db::{self, Db, notices};

/// How often new notices and due messages are looked for, if nothing announces them.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Matches all waiting notices with subscribers, newest first, in short transactions. Calls `queued` after each.
pub async fn expand_notices(db: &Db, now: DateTime<Utc>, queued: impl Fn()) -> db::Result<()> {
    if !notices::is_waiting(&mut db.read().await?).await? {
        return Ok(());
    }
    loop {
        let mut tx = db.deliver().await?;
        let expanded = notices::expand_next(&mut tx, now).await?;
        tx.commit().await?;
        if !expanded {
            return Ok(());
        }
        queued();
    }
}
