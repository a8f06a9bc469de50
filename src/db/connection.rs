//! A pooled connection for the time of one transaction.
//!
//! `begin`, `commit` and `rollback` run in tasks of their own, so a request that is dropped can't leave a connection
//! between two of them. A connection returns to the pool only after the database has answered `commit` or `rollback`;
//! every other one is closed, and the pool opens a new one when it is needed.
//!
//! sqlx's own transactions are not used, because they count: where SQLite ends a transaction by itself (disk full,
//! I/O error, out of memory) the count never returns to zero, and where the answer to PostgreSQL's `begin` is not
//! awaited it never leaves zero.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool, Postgres, Sqlite};
use tokio::time::timeout;

use super::faults::{self, Fault, FaultInjector};
use super::statements::Statements;
use super::{Error, Result};

/// How long a request waits for a connection before it is told that the database is unavailable.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long opening a transaction may take on SQLite, which bounds its waiting itself.
pub(super) const BEGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long closing a connection in order may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// What differs between the two databases.
pub trait Backend: Database {
    /// How long `commit` and `rollback` may take.
    const END_TIMEOUT: Duration;

    /// Sends SQL without preparing it.
    fn send(connection: &mut Self::Connection, sql: &'static str) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Whether the connection itself is sound, although a statement gave `error`.
    fn is_sound_after(error: &sqlx::Error) -> bool;

    /// Whether no transaction is open, given the answer to `rollback`.
    fn is_idle_after(rollback: &sqlx::Result<()>) -> bool {
        rollback.is_ok()
    }
}

impl Backend for Sqlite {
    /// A thread that waits for the disk can't be interrupted, so this is long.
    const END_TIMEOUT: Duration = Duration::from_secs(60);

    async fn send(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(sql).execute(connection).await.map(drop)
    }

    /// After an I/O error, a full disk or too little memory the caches of a connection are not to be trusted.
    fn is_sound_after(error: &sqlx::Error) -> bool {
        const ERROR: u32 = 1;
        const BUSY: u32 = 5;
        const LOCKED: u32 = 6;
        const CONSTRAINT: u32 = 19;
        let sqlx::Error::Database(error) = error else { return false };
        let primary = error.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
        matches!(primary, Some(ERROR | BUSY | LOCKED | CONSTRAINT))
    }

    fn is_idle_after(rollback: &sqlx::Result<()>) -> bool {
        match rollback {
            Ok(()) => true,
            Err(error) => error.to_string().contains("no transaction is active"),
        }
    }
}

impl Backend for Postgres {
    /// Longer than the statement that may still be running.
    const END_TIMEOUT: Duration = Duration::from_secs(12);

    async fn send(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(sql).execute(connection).await.map(drop)
    }

    /// Unsound: the server ended the session, or the plans and prepared statements of the session are stale.
    fn is_sound_after(error: &sqlx::Error) -> bool {
        let sqlx::Error::Database(error) = error else { return false };
        let code = error.code().unwrap_or_default();
        let ended = ["08", "57P", "58", "XX"].iter().any(|class| code.starts_with(class));
        let stale = ["0A000", "26000", "42P05", "25P03", "25P04"].contains(&code.as_ref());
        !ended && !stale
    }
}

/// What is known of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// Every statement so far succeeded.
    Sound,
    /// A statement was sent, and its answer was not awaited to the end.
    Unanswered,
    /// A statement failed; the connection is good once the transaction is rolled back.
    Failed,
    /// The connection itself is not to be used again.
    Broken,
}

/// An open transaction; dropping it rolls back.
pub struct Transaction<D: Backend> {
    /// Present until the transaction has ended.
    connection: Option<PoolConnection<D>>,
    health: Health,
    /// Whether it was dropped once and is rolling back.
    is_dropped: bool,
    statements: Statements,
    faults: Option<Arc<dyn FaultInjector>>,
}

impl<D: Backend> Deref for Transaction<D> {
    type Target = D::Connection;

    fn deref(&self) -> &Self::Target {
        self.connection.as_ref().expect("the transaction is open")
    }
}

impl<D: Backend> DerefMut for Transaction<D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection.as_mut().expect("the transaction is open")
    }
}

/// Opens a transaction with `sql`. Idle connections that turn out to be dead are replaced.
///
/// # Errors
/// Where no connection is free in time, none can be opened, or `sql` fails on a sound one.
pub(super) async fn begin<D: Backend>(
    pool: &Pool<D>,
    sql: &'static str,
    limit: Duration,
    statements: &Statements,
) -> Result<Transaction<D>> {
    let faults = faults::current();
    let (begun, patience) = (Instant::now(), pool.options().get_acquire_timeout());
    let mut replaced = 0;
    loop {
        // The pool sends nothing on an idle connection, so that being dropped here harms none.
        let connection = pool.acquire().await?;
        let transaction = Transaction {
            connection: Some(connection),
            health: Health::Sound,
            is_dropped: false,
            statements: statements.clone(),
            faults: faults.clone(),
        };
        match transaction.open(sql, limit).await {
            Err(error) if replaced < pool.options().get_max_connections() && begun.elapsed() < patience => {
                if D::is_sound_after(&error) {
                    return Err(error.into());
                }
                replaced += 1;
            }
            opened => return Ok(opened?),
        }
    }
}

impl<D: Backend> Transaction<D> {
    async fn open(mut self, sql: &'static str, limit: Duration) -> sqlx::Result<Self> {
        let opening = tokio::spawn(async move {
            self.send(sql, limit).await?;
            Ok(self)
        });
        opening.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// Commits.
    ///
    /// # Errors
    /// [`Error::Uncertain`] where the database did not say whether it committed. Any other error means that nothing
    /// was written.
    pub(super) async fn commit(mut self) -> Result<()> {
        self.check()?;
        let committing = tokio::spawn(async move {
            let Err(error) = self.send("commit", D::END_TIMEOUT).await else {
                drop(self.connection.take());
                return Ok(());
            };
            let is_undone = self.roll_back().await;
            Err(if is_undone { error.into() } else { Error::uncertain(error) })
        });
        committing.await.unwrap_or_else(|lost| Err(Error::uncertain(lost)))
    }

    /// Whether every statement so far succeeded. Where SQLite has ended the transaction, a further statement would be
    /// a transaction of its own; PostgreSQL would answer `commit` with a rollback that looks like success.
    fn check(&self) -> Result<()> {
        match self.health {
            Health::Sound => Ok(()),
            Health::Failed => Err(Error::other("a transaction was used after one of its statements had failed")),
            Health::Unanswered | Health::Broken => {
                Err(Error::Unavailable("the transaction lost its connection".to_owned()))
            }
        }
    }

    /// Comes before each statement.
    ///
    /// # Errors
    /// Where an earlier statement failed, or a test wants this one to fail.
    pub(super) async fn before_statement(&mut self, sql: &str) -> Result<()> {
        self.check()?;
        self.health = Health::Unanswered;
        if self.faults.is_none() {
            return Ok(());
        }
        let struck = self.inject_fault(sql).await;
        self.update_health(&struck);
        self.health = if struck.is_ok() { Health::Unanswered } else { self.health };
        Ok(struck?)
    }

    /// Comes behind each statement, with its result.
    ///
    /// # Errors
    /// The one of the statement.
    pub(super) fn after_statement<T>(&mut self, result: sqlx::Result<T>) -> Result<T> {
        self.update_health(&result);
        Ok(result?)
    }

    /// Whether statements may stay prepared.
    pub(super) fn keeps_statements(&self) -> bool {
        self.statements.are_kept()
    }

    async fn send(&mut self, sql: &'static str, limit: Duration) -> sqlx::Result<()> {
        self.health = Health::Unanswered;
        let sending = async {
            self.inject_fault(sql).await?;
            D::send(self, sql).await
        };
        let result = timeout(limit, sending).await;
        let result = result.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())));
        self.update_health(&result);
        result
    }

    async fn inject_fault(&mut self, sql: &str) -> sqlx::Result<()> {
        let Some(Fault { sql, error }) = self.faults.as_ref().and_then(|faults| faults.inject(sql)) else {
            return Ok(());
        };
        if let Some(sql) = sql {
            D::send(self, sql).await?;
        }
        error.map_or(Ok(()), Err)
    }

    fn update_health<T>(&mut self, result: &sqlx::Result<T>) {
        self.health = match result {
            Ok(_) => Health::Sound,
            Err(error) if D::is_sound_after(error) => Health::Failed,
            Err(error) => {
                self.statements.note(error);
                Health::Broken
            }
        };
    }

    /// Ends the transaction: the connection returns to the pool where the database confirms that no transaction is
    /// open, and is closed otherwise. Gives whether the database said that it rolled back.
    async fn roll_back(&mut self) -> bool {
        let rollback = match self.health {
            Health::Broken => None,
            _ => Some(self.send("rollback", D::END_TIMEOUT).await),
        };
        let Some(connection) = self.connection.take() else { return false };
        if !rollback.as_ref().is_some_and(D::is_idle_after) {
            close(connection).await;
        }
        matches!(rollback, Some(Ok(())))
    }
}

/// Closes a connection that is not to be used again. The pool opens no other one in its place before this has ended.
pub(super) async fn close<D: Database>(connection: PoolConnection<D>) {
    // In vain where the connection is lost already.
    let _ = timeout(CLOSE_TIMEOUT, connection.close()).await;
}

impl<D: Backend> Drop for Transaction<D> {
    /// Where no runtime is left to roll back in, the connection is closed, which rolls back too.
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let runtime = tokio::runtime::Handle::try_current().ok().filter(|_| !self.is_dropped);
        let Some(runtime) = runtime else {
            drop(connection.detach());
            return;
        };
        let mut transaction = Self {
            connection: Some(connection),
            health: self.health,
            is_dropped: true,
            statements: self.statements.clone(),
            faults: self.faults.take(),
        };
        runtime.spawn(async move { transaction.roll_back().await });
    }
}
