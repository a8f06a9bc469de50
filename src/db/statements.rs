//! Whether PostgreSQL statements are prepared and cached.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::Result;
use super::deadlines::{ACQUIRE_TIMEOUT, bounded, silence};

/// Whether to cache prepared statements in PostgreSQL sessions.
///
/// A pooler in transaction mode (PgBouncer) gives each transaction any free session: statement names of two clients
/// collide, and cached statements are missing in other sessions.
#[derive(Clone, Debug, Default)]
pub struct Statements {
    are_dropped: Arc<AtomicBool>,
    /// Set after the check for a pooler.
    looked: Arc<OnceCell<()>>,
    /// Commits whose outcome is unknown.
    pub(super) uncertain: Arc<AtomicU64>,
}

impl Statements {
    pub(super) fn are_kept(&self) -> bool {
        !self.are_dropped.load(Relaxed)
    }

    /// Stops caching if `error` shows shared sessions: a prepared statement that already exists (42P05) or is missing
    /// (26000).
    pub(super) fn note(&self, error: &sqlx::Error) {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        if matches!(code.as_deref(), Some("42P05" | "26000")) {
            self.drop_all();
        }
    }

    /// Checks once whether two connections share a session, which happens only behind a pooler in transaction mode.
    pub(super) async fn look_for_pooler(&self, pool: &PgPool) -> Result<()> {
        if self.looked.initialized() {
            return Ok(());
        }
        // Only one looks; the others wait for it, but no longer than for a connection.
        let looking = timeout(ACQUIRE_TIMEOUT, self.looked.get_or_try_init(|| self.compare_sessions(pool)));
        looking.await.unwrap_or_else(|_| Err(silence().into())).copied()
    }

    async fn compare_sessions(&self, pool: &PgPool) -> Result<()> {
        let mut first = pool.acquire().await?;
        let Ok(mut second) = pool.acquire().await else { return Ok(()) };
        let mut sessions = Vec::new();
        for _ in 0..3 {
            sessions.push((session(&mut first).await?, session(&mut second).await?));
        }
        // A busy pooler may give two different sessions each time, but then they change.
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

async fn session(connection: &mut PgConnection) -> Result<i32> {
    // Not prepared, so no statement name can collide.
    let row = bounded(ACQUIRE_TIMEOUT, sqlx::raw_sql("select pg_backend_pid()").fetch_one(connection)).await?;
    Ok(row.try_get(0)?)
}
