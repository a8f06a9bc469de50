//! Read and write transactions.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::Relaxed;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqlitePool;
use sqlx::{Postgres, Sqlite};

use super::changes::Origin;
use super::connection::{self, Opening, Transaction};
use super::{Db, Error, Result, audit, audit_chain};
use crate::domain::audit::{Actor, Digest, Entry};

/// Dropping a transaction rolls it back.
pub enum Tx {
    Sqlite(Transaction<Sqlite>),
    Postgres(Transaction<Postgres>),
}

/// The only write transaction.
pub struct WriteTx {
    tx: Tx,
    /// For checking whether a commit without an answer happened.
    db: Db,
    /// Whether background jobs wait for this transaction.
    wakes: bool,
    /// The revision that it creates.
    revision: Option<i64>,
}

impl Deref for WriteTx {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.tx
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.tx
    }
}

/// A transaction on notices and deliveries only. On PostgreSQL it does not wait for other changes, and they don't wait
/// for it.
pub struct DeliveryTx(pub(super) Tx);

impl Deref for DeliveryTx {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.0
    }
}

impl DerefMut for DeliveryTx {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.0
    }
}

impl DeliveryTx {
    /// No audit row and no revision: visitors see nothing of it.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            Tx::Sqlite(tx) => tx.commit().await,
            Tx::Postgres(tx) => tx.commit().await,
        }
    }
}

impl WriteTx {
    pub(super) fn new(tx: Tx, db: Db) -> Self {
        Self { tx, db, wakes: false, revision: None }
    }

    pub(super) fn into_tx(self) -> Tx {
        self.tx
    }

    /// Commits the change with its audit row and the next revision, and returns the revision. [`Error::Uncertain`] if
    /// the connection broke during the commit and the outcome can't be looked up.
    pub async fn commit(self, actor: &Actor, at: DateTime<Utc>, entry: Entry) -> Result<i64> {
        self.commit_all(actor, at, &[entry]).await
    }

    /// As [`WriteTx::commit`], for several audit entries in one revision.
    pub async fn commit_all(mut self, actor: &Actor, at: DateTime<Utc>, entries: &[Entry]) -> Result<i64> {
        let revision = self.next_revision(at).await?;
        let mut last = None;
        for entry in entries {
            last = Some(audit::record(&mut self, actor, at, entry, revision).await?);
        }
        self.finish(last).await?;
        Ok(revision)
    }

    /// Commits a change that visitors can't see, with its audit rows and without a revision: nothing is rendered again.
    pub async fn commit_private(mut self, actor: &Actor, at: DateTime<Utc>, entries: &[Entry]) -> Result<()> {
        let revision = self.revision().await?;
        let mut last = None;
        for entry in entries {
            last = Some(audit::record(&mut self, actor, at, entry, revision).await?);
        }
        self.finish(last).await
    }

    /// Commits the counters or locks of a denied request, and its audit row if given. Denied requests never create a
    /// revision.
    pub async fn commit_denial(mut self, actor: &Actor, at: DateTime<Utc>, entry: Option<&Entry>) -> Result<()> {
        let mut last = None;
        if let Some(entry) = entry {
            let revision = self.revision().await?;
            last = Some(audit::record(&mut self, actor, at, entry, revision).await?);
        }
        self.finish(last).await
    }

    /// Commits what visitors can't see and no manager did, such as a session's last use: no audit row, no revision.
    pub async fn commit_unaudited(self) -> Result<()> {
        self.finish(None).await
    }

    /// Wakes the background jobs of all nodes when the transaction is committed.
    pub(super) fn wake_jobs(&mut self) {
        self.wakes = true;
    }

    async fn next_revision(&mut self, at: DateTime<Utc>) -> Result<i64> {
        let sql = match self.tx {
            Tx::Sqlite(_) => "update revision set number = number + 1, changed_at = $1 where id = 1 returning number",
            // One notification per commit, with nothing but the revision.
            Tx::Postgres(_) => {
                "with next as (update revision set number = number + 1, changed_at = $1 where id = 1 returning number)
                 select number from next, lateral pg_notify('candor', number::text)"
            }
        };
        let next: Option<(i64,)> = row!(self, (i64,), sql, at)?;
        let number = next.map(|(number,)| number).ok_or_else(|| Error::other("the revision row is missing"))?;
        self.revision = Some(number);
        Ok(number)
    }

    /// Commits. If the outcome is unknown, the last audit row decides.
    async fn finish(mut self, last: Option<Digest>) -> Result<()> {
        let is_announced = self.wakes || self.revision.is_some();
        // Other processes learn of the jobs from the revision, if there is one.
        if self.wakes && self.revision.is_none() && matches!(self.tx, Tx::Postgres(_)) {
            run!(self, "select pg_notify('candor', '')")?;
        }
        if let Some(revision) = self.revision {
            self.db.changes().add_own(revision);
        }
        let committed = match self.tx {
            Tx::Sqlite(tx) => tx.commit().await,
            Tx::Postgres(tx) => tx.commit().await,
        };
        let outcome = match (committed, last) {
            (Err(Error::Uncertain(cause)), Some(row)) => look_for_row(&self.db, &row, cause).await,
            (committed, _) => committed,
        };
        if matches!(outcome, Err(Error::Uncertain(_))) {
            self.db.uncertain().fetch_add(1, Relaxed);
        }
        if let (Err(_), Some(revision)) = (&outcome, self.revision) {
            self.db.changes().remove_own(revision);
        }
        if is_announced {
            self.db.changes().announce(Origin::Here);
        }
        outcome
    }
}

/// Succeeds if the audit log holds `row`. The write lock is free only once the uncertain transaction has ended.
async fn look_for_row(db: &Db, row: &Digest, cause: String) -> Result<()> {
    let found = async { audit_chain::find_row_hash(&mut *db.write().await?, row.id).await };
    match found.await {
        Ok(Some(hash)) if hash == row.hash => Ok(()),
        Ok(_) => Err(Error::Unavailable(cause)),
        Err(_) => Err(Error::Uncertain(cause)),
    }
}

impl Tx {
    /// Skips the check that the file is the open one.
    pub(super) async fn begin_on(pool: &SqlitePool, sql: &'static str) -> Result<Self> {
        Ok(Self::Sqlite(connection::begin(pool, Opening::sqlite(sql), None).await?))
    }

    pub(super) async fn before(&mut self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.before_statement(sql).await,
            Self::Postgres(tx) => tx.before_statement(sql).await,
        }
    }

    /// The revision in this transaction's snapshot.
    pub async fn revision(&mut self) -> Result<i64> {
        let row = row!(self, (i64,), "select number from revision where id = 1")?;
        row.map(|(number,)| number).ok_or(Error::NotFound)
    }
}
