//! Deadlines of connections and statements.

use std::time::Duration;

use tokio::time::timeout;

/// How long a request waits for a connection before it fails as unavailable.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// Waits for the answer to a statement on PostgreSQL. A silent network never gives one.
pub(super) async fn bounded<T>(limit: Duration, answer: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    timeout(limit, answer).await.unwrap_or_else(|_| Err(silence()))
}

/// The error of an answer that did not come in time.
pub(super) fn silence() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database does not answer"))
}
