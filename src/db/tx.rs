//! Transactions.

use std::ops::{Deref, DerefMut};

use chrono::{DateTime, Utc};
use sqlx::{Postgres, Sqlite, Transaction};

use super::{Error, Result, audit};
use crate::domain::audit::{Actor, Entry};

/// A transaction; dropping it undoes what it did.
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction that may write, and is the only one that does.
pub struct WriteTx(pub(super) Tx);

impl Deref for WriteTx {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.0
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.0
    }
}

impl WriteTx {
    /// Keeps the change together with its audit row and the next revision, which is returned.
    ///
    /// # Errors
    /// Where any of the three can't be written; then none is.
    pub async fn commit(self, actor: &Actor, at: DateTime<Utc>, entry: Entry) -> Result<i64> {
        self.commit_all(actor, at, &[entry]).await
    }

    /// Keeps several changes made as one.
    ///
    /// # Errors
    /// As [`WriteTx::commit`].
    pub async fn commit_all(mut self, actor: &Actor, at: DateTime<Utc>, entries: &[Entry]) -> Result<i64> {
        let revision = self.next_revision(at).await?;
        for entry in entries {
            audit::record(&mut self, actor, at, entry, revision).await?;
        }
        self.finish().await?;
        Ok(revision)
    }

    /// Keeps what was counted or locked because somebody was refused, and the audit row that tells of it where
    /// one is to be written. It shows nowhere, so it makes no revision: who is refused publishes nothing.
    ///
    /// # Errors
    /// Where the database can't keep it.
    pub async fn commit_refusal(mut self, actor: &Actor, at: DateTime<Utc>, entry: Option<&Entry>) -> Result<()> {
        if let Some(entry) = entry {
            let revision = self.revision().await?;
            audit::record(&mut self, actor, at, entry, revision).await?;
        }
        self.finish().await
    }

    /// Keeps what is nobody's deed and shows nowhere: a session seen, a link that ran out.
    ///
    /// # Errors
    /// Where the database can't keep it.
    pub async fn commit_unaudited(self) -> Result<()> {
        self.finish().await
    }

    async fn next_revision(&mut self, at: DateTime<Utc>) -> Result<i64> {
        let sql = "update revision set number = number + 1, changed_at = $1 where id = 1 returning number";
        let next: Option<(i64,)> = row!(self, (i64,), sql, at)?;
        next.map(|(number,)| number).ok_or_else(|| Error::other("the revision row is missing"))
    }

    async fn finish(self) -> Result<()> {
        match self.0 {
            Tx::Sqlite(tx) => tx.commit().await?,
            Tx::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

impl Tx {
    /// The revision this transaction sees.
    ///
    /// # Errors
    /// Where the database can't be read.
    pub async fn revision(&mut self) -> Result<i64> {
        let row = row!(self, (i64,), "select number from revision where id = 1")?;
        row.map(|(number,)| number).ok_or(Error::NotFound)
    }
}
