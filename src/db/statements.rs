//! Whether the statements of PostgreSQL stay prepared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::OnceCell;

use super::Result;

/// Whether statements stay prepared in the sessions of the server.
///
/// They don't where a pooler in transaction mode (PgBouncer) gives each transaction whichever session is free: the
/// names of two clients collide there, and a statement is looked for where it was never prepared.
#[derive(Clone, Debug, Default)]
pub struct Statements {
    are_dropped: Arc<AtomicBool>,
    /// Set once it was looked for a pooler.
    looked: Arc<OnceCell<()>>,
    /// Commits whose outcome is not known.
    pub(super) uncertain: Arc<AtomicU64>,
}

impl Statements {
    pub(super) fn are_kept(&self) -> bool {
        !self.are_dropped.load(Relaxed)
    }

    /// Looks whether `error` tells of shared sessions: a prepared statement that exists already, or not.
    pub(super) fn note(&self, error: &sqlx::Error) {
        let code = error.as_database_error().and_then(|error| error.code());
        if matches!(code.as_deref(), Some("42P05" | "26000")) {
            self.drop_all();
        }
    }

    /// Looks, the first time, whether two connections share a session, which only a pooler in transaction mode lets
    /// happen.
    ///
    /// # Errors
    /// Where the server can't be reached.
    pub(super) async fn look_for_pooler(&self, pool: &PgPool) -> Result<()> {
        self.looked.get_or_try_init(|| self.compare_sessions(pool)).await.copied()
    }

    async fn compare_sessions(&self, pool: &PgPool) -> Result<()> {
        let mut first = pool.acquire().await?;
        let Ok(mut second) = pool.acquire().await else { return Ok(()) };
        let mut sessions = Vec::new();
        for _ in 0..3 {
            sessions.push((session(&mut first).await?, session(&mut second).await?));
        }
        // Behind a busy pooler the two may differ each time, but then they also change.
        if sessions.iter().any(|(first, second)| first == second || (*first, *second) != sessions[0]) {
            self.drop_all();
        }
        Ok(())
    }

    fn drop_all(&self) {
        if !self.are_dropped.swap(true, Relaxed) {
            tracing::info!("PostgreSQL is behind a pooler in transaction mode: statements are not kept prepared");
        }
    }
}

/// The process of the server that answers.
async fn session(connection: &mut PgConnection) -> Result<i32> {
    // Not prepared, and so no name to collide.
    let row = sqlx::raw_sql("select pg_backend_pid()").fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}
