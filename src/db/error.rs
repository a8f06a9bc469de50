//! Errors of the database layer.

use super::schema::SchemaError;
use crate::counters::Counter;

/// Failed queries of this process, counted only where the database was the cause.
static FAILURES: Counter = Counter::new();

pub fn failures_of_database() -> u64 {
    FAILURES.value()
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not found")]
    NotFound,
    /// The row changed since the caller read it, or its key is taken.
    #[error("conflict: {0}")]
    Conflict(&'static str),
    /// A limit is reached; the sentence says what to do.
    #[error("{0}")]
    Full(&'static str),
    /// The database is unreachable, locked, full, damaged or misconfigured. Nothing was written.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The connection broke during a commit, so the commit may or may not have happened.
    #[error("the database connection was lost during a commit, which may have taken place: {0}")]
    Uncertain(String),
    /// A pre-release, a newer version or another application made the schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Error {
    pub fn other(message: impl std::fmt::Display) -> Self {
        Self::Other(anyhow::anyhow!("{message}"))
    }

    pub(super) fn uncertain(cause: impl std::fmt::Display) -> Self {
        FAILURES.increment();
        Self::Uncertain(cause.to_string())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let error = Self::classify(error);
        if matches!(error, Self::Unavailable(_)) {
            FAILURES.increment();
        }
        error
    }
}

impl Error {
    fn classify(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::Database(e) if e.is_unique_violation() => Self::Conflict("this already exists"),
            sqlx::Error::Database(e) if is_outage(e.code().as_deref()) || is_table_missing(e.message()) => {
                Self::Unavailable(error.to_string())
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Protocol(_)
            | sqlx::Error::BeginFailed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.to_string()),
            _ => Self::Other(error.into()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError::{Execute, ExecuteMigration};
        match error {
            Execute(error) => error.into(),
            ExecuteMigration(error, version) => match Self::from(error) {
                outage @ Self::Unavailable(_) => outage,
                // Another application's tables are in the database.
                other => {
                    let error = sqlx::Error::AnyDriverError(Box::new(other));
                    SchemaError::Migrate(ExecuteMigration(error, version)).into()
                }
            },
            other => SchemaError::Migrate(other).into(),
        }
    }
}

/// Whether the error code blames the database or its operator, not our statement.
fn is_outage(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    if code.len() == 5 { is_postgres_outage(code) } else { is_sqlite_outage(code) }
}

/// Classes: connections (08), wrong role or password (28), too few resources and full disks (53), operator (57),
/// system (58), configuration (F0), damaged data (XX).
fn is_postgres_outage(code: &str) -> bool {
    const CLASSES: [&str; 7] = ["08", "28", "53", "57", "58", "F0", "XX"];
    const CODES: [&str; 14] = [
        "0A000", // cached plan of a table that a newer version altered
        "25006", // read-only
        "25P03", // idle transaction timeout
        "25P04", // transaction timeout
        "26000", // no such prepared statement: behind a pooler
        "3D000", // no such database
        "3F000", // no such schema
        "40001", // serialization failure: recovery conflict on a standby, or a stricter isolation level
        "40P01", // deadlock
        "42501", // permission denied
        "42P01", // no such table: dropped, or being restored
        "42P05", // prepared statement exists: behind a pooler
        "55006", // object in use
        "55P03", // lock timeout
    ];
    CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code)
}

/// Primary result codes: PERM, ABORT, BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN,
/// PROTOCOL, SCHEMA, AUTH, NOTADB.
fn is_sqlite_outage(code: &str) -> bool {
    let primary = code.parse::<u32>().map(|code| code & 0xff);
    matches!(primary, Ok(3..=11 | 13..=15 | 17 | 23 | 26))
}

/// SQLite has no error code for a missing table.
fn is_table_missing(message: &str) -> bool {
    message.contains("no such table")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_differ_from_statement_errors() {
        for code in ["5", "517", "13", "14", "26", "57P01", "08006", "53300", "25006"] {
            assert!(is_outage(Some(code)), "{code}");
        }
        for code in ["1", "19", "2067", "23505", "42601"] {
            assert!(!is_outage(Some(code)), "{code}");
        }
    }

    #[test]
    fn permission_errors_are_outages() {
        for code in ["3", "7", "8", "10", "778", "3850", "11", "15", "17"] {
            assert!(is_outage(Some(code)), "SQLite {code}");
        }
        for code in ["55P03", "40001", "40P01", "3D000", "28000", "28P01", "42501", "57014", "57P03", "53100", "XX001"]
        {
            assert!(is_outage(Some(code)), "PostgreSQL {code}");
        }
        for code in ["12", "18", "20", "22023", "42703", "25P02", "23502"] {
            assert!(!is_outage(Some(code)), "{code}");
        }
    }
}
