//! A pooled connection for one transaction.
//!
//! `begin`, `commit` and `rollback` run in their own tasks, so a cancelled request can't leave a connection halfway. A
//! connection returns to the pool only after the database has answered `commit` or `rollback`; otherwise it is closed
//! and the pool opens a new one.
//!
//! sqlx's transactions count nesting, and the count goes wrong: it never returns to zero where SQLite ends a
//! transaction (disk full, I/O error, out of memory), and never leaves zero where PostgreSQL's answer to `begin` is not
//! awaited.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool, Postgres, Sqlite};
use tokio::time::timeout;

use super::deadlines::silence;
use super::faults::{self, Fault, FaultInjector};
use super::link::Link;
use super::{Error, Result};

/// Deadline for opening an SQLite transaction, which has its own busy timeout.
pub(super) const BEGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// Deadline for an orderly close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// How a transaction begins, and the deadlines of its statements.
#[derive(Clone, Copy)]
pub(super) struct Opening {
    pub begin: &'static str,
    pub limit: Duration,
    /// Sent after `begin`, with its deadline.
    pub lock: Option<(&'static str, Duration)>,
    /// Deadline of each statement on PostgreSQL, and of `commit` there.
    pub statement: Duration,
}

impl Opening {
    /// `begin` or `begin immediate` of SQLite, which has no silent network.
    pub(super) fn sqlite(begin: &'static str) -> Self {
        Self { begin, limit: BEGIN_TIMEOUT, lock: None, statement: Sqlite::END_TIMEOUT }
    }
}

pub trait Backend: Database {
    /// Deadline of `rollback`, and of `commit` on SQLite.
    const END_TIMEOUT: Duration;

    /// Call before a connection is taken from the pool.
    fn prepare(_pool: &Pool<Self>, _link: Option<&Link>) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Sends SQL without a prepared statement.
    fn send(connection: &mut Self::Connection, sql: &'static str) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Whether the connection is usable after a statement failed with `error`.
    fn is_sound_after(error: &sqlx::Error) -> bool;

    /// Whether no transaction is open after this result of `rollback`.
    fn is_idle_after(rollback: &sqlx::Result<()>) -> bool {
        rollback.is_ok()
    }
}

impl Backend for Sqlite {
    /// Long, because a thread that waits for the disk can't be interrupted.
    const END_TIMEOUT: Duration = Duration::from_secs(60);

    async fn send(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(sql).execute(connection).await.map(drop)
    }

    /// After an I/O error, a full disk or an out-of-memory error, the connection's caches may be wrong.
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
    /// Longer than the 10 s `statement_timeout`, because a statement may still be running.
    const END_TIMEOUT: Duration = Duration::from_secs(12);

    async fn prepare(pool: &Pool<Self>, link: Option<&Link>) -> Result<()> {
        match link {
            Some(link) => link.prepare(pool).await,
            None => Ok(()),
        }
    }

    async fn send(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(sql).execute(connection).await.map(drop)
    }

    /// False if the server ended the session or is a standby, or the session's plans or prepared statements are stale.
    fn is_sound_after(error: &sqlx::Error) -> bool {
        let sqlx::Error::Database(error) = error else { return false };
        let code = error.code().unwrap_or_default();
        let ended = ["08", "57P", "58", "XX"].iter().any(|class| code.starts_with(class));
        let stale = ["0A000", "25006", "26000", "42P05", "25P03", "25P04"].contains(&code.as_ref());
        !ended && !stale
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Sound,
    /// A statement was sent and its result was not awaited.
    Unanswered,
    /// A statement failed; the connection is usable after a rollback.
    Failed,
    /// The connection must not be reused.
    Broken,
}

/// An open transaction; dropping it rolls back.
pub struct Transaction<D: Backend> {
    /// `None` once the transaction has ended.
    connection: Option<PoolConnection<D>>,
    health: Health,
    /// Set in the rollback task: dropping it again closes the connection.
    is_dropped: bool,
    /// Deadline of a statement on PostgreSQL.
    limit: Duration,
    /// None for SQLite.
    link: Option<Link>,
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

/// Opens a transaction, and replaces idle connections that turn out to be dead.
pub(super) async fn begin<D: Backend>(pool: &Pool<D>, opening: Opening, link: Option<&Link>) -> Result<Transaction<D>> {
    let faults = faults::current();
    let (begun, patience) = (Instant::now(), pool.options().get_acquire_timeout());
    let mut replaced = 0;
    loop {
        D::prepare(pool, link).await?;
        // The pool sends nothing on an idle connection, so cancelling here is safe.
        let connection =
            pool.acquire().await.inspect_err(|error| link.into_iter().for_each(|link| link.note_refusal(error)))?;
        let transaction = Transaction {
            connection: Some(connection),
            health: Health::Sound,
            is_dropped: false,
            limit: opening.statement,
            link: link.cloned(),
            faults: faults.clone(),
        };
        match transaction.open(opening).await {
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
    async fn open(mut self, opening: Opening) -> sqlx::Result<Self> {
        let opening = tokio::spawn(async move {
            self.send(opening.begin, opening.limit).await?;
            if let Some((lock, limit)) = opening.lock {
                self.send(lock, limit).await?;
            }
            Ok(self)
        });
        opening.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// Commits. Any error but [`Error::Uncertain`] means that nothing was written.
    pub(super) async fn commit(mut self) -> Result<()> {
        self.check()?;
        let committing = tokio::spawn(async move {
            let Err(error) = self.send("commit", self.limit).await else {
                drop(self.connection.take());
                return Ok(());
            };
            let is_undone = self.roll_back().await;
            Err(if is_undone { error.into() } else { Error::uncertain(error) })
        });
        committing.await.unwrap_or_else(|lost| Err(Error::uncertain(lost)))
    }

    /// Fails unless every statement so far succeeded. Where SQLite has ended the transaction, the next statement would
    /// be a transaction of its own; PostgreSQL answers `commit` after a failed statement with a rollback that looks
    /// like success.
    fn check(&self) -> Result<()> {
        match self.health {
            Health::Sound => Ok(()),
            Health::Failed => Err(Error::other("a transaction was used after one of its statements had failed")),
            Health::Unanswered | Health::Broken => {
                Err(Error::Unavailable("the transaction lost its connection".to_owned()))
            }
        }
    }

    /// Call before each statement. Fails if an earlier statement failed, or with an injected fault.
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

    /// Call after each statement, with its result.
    pub(super) fn after_statement<T>(&mut self, result: sqlx::Result<T>) -> Result<T> {
        self.update_health(&result);
        Ok(result?)
    }

    /// Whether statements may be prepared and cached.
    pub(super) fn keeps_statements(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.statements.are_kept())
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    async fn send(&mut self, sql: &'static str, limit: Duration) -> sqlx::Result<()> {
        self.health = Health::Unanswered;
        let sending = async {
            self.inject_fault(sql).await?;
            D::send(self, sql).await
        };
        let result = timeout(limit, sending).await.unwrap_or_else(|_| Err(silence()));
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
                self.link.iter().for_each(|link| link.note(error));
                Health::Broken
            }
        };
    }

    /// Rolls back and returns the connection to the pool, or closes it if the database did not confirm. Returns whether
    /// the database confirmed the rollback.
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

/// Closes a connection that must not be reused. The pool opens no replacement until this returns.
pub(super) async fn close<D: Database>(connection: PoolConnection<D>) {
    // Fails if the connection is lost already.
    let _ = timeout(CLOSE_TIMEOUT, connection.close()).await;
}

impl<D: Backend> Drop for Transaction<D> {
    /// Without a runtime to roll back in, the connection is closed, which also rolls back.
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
            limit: self.limit,
            link: self.link.clone(),
            faults: self.faults.take(),
        };
        runtime.spawn(async move { transaction.roll_back().await });
    }
}
