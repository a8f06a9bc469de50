//! What can go wrong in the database.

use crate::metrics::Counter;

/// Queries of this process that failed because of the database, not of what was asked.
static FAILURES: Counter = Counter::new();

/// How often a query failed because of the database.
pub fn failures_of_database() -> u64 {
    FAILURES.value()
}

/// The result of a query.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a query gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such row.
    #[error("not found")]
    NotFound,
    /// The row has changed since it was read, or another one has the same key.
    #[error("conflict: {0}")]
    Conflict(&'static str),
    /// There are as many as there may be; the sentence says what to do.
    #[error("{0}")]
    Full(&'static str),
    /// The database can't be reached, is locked, full or broken.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A fault of ours.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Error {
    /// A fault of ours, in words.
    pub fn other(message: impl std::fmt::Display) -> Self {
        Self::Other(anyhow::anyhow!("{message}"))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let error = Self::judge(error);
        if matches!(error, Self::Unavailable(_)) {
            FAILURES.increment();
        }
        error
    }
}

impl Error {
    fn judge(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::Database(e) if e.is_unique_violation() => Self::Conflict("this already exists"),
            sqlx::Error::Database(e) if is_outage(e.code().as_deref()) => Self::Unavailable(error.to_string()),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            _ => Self::Other(error.into()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => error.into(),
            other => Self::Other(other.into()),
        }
    }
}

/// Whether the code speaks of the database and not of our statement: SQLite's primary result codes
/// BUSY, LOCKED, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB; PostgreSQL's classes 08, 53,
/// 57, 58 and its read-only standby (25006).
fn is_outage(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    if code.len() == 5 {
        return ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) || code == "25006";
    }
    let primary = code.parse::<u32>().map(|code| code & 0xff);
    matches!(primary, Ok(5 | 6 | 7 | 8 | 10 | 11 | 13 | 14 | 26))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_database_is_told_from_a_broken_statement() {
        for code in ["5", "517", "13", "14", "26", "57P01", "08006", "53300", "25006"] {
            assert!(is_outage(Some(code)), "{code}");
        }
        for code in ["1", "19", "2067", "23505", "42601"] {
            assert!(!is_outage(Some(code)), "{code}");
        }
    }
}
