//! What can go wrong in the database.

use super::schema::SchemaError;
use crate::counters::Counter;

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
    /// The database can't be reached, is locked, full, broken or set up so that it refuses us. Nothing was written.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database left during a commit and did not say whether it took place.
    #[error("the database connection was lost during a commit, which may have taken place: {0}")]
    Uncertain(String),
    /// The schema is of a pre-release or of a newer version, or not one of ours.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A fault of ours.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Error {
    /// A fault of ours, in words.
    pub fn other(message: impl std::fmt::Display) -> Self {
        Self::Other(anyhow::anyhow!("{message}"))
    }

    /// A commit whose outcome is not known.
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
                // It meets tables that another program made.
                other => {
                    let error = sqlx::Error::AnyDriverError(Box::new(other));
                    SchemaError::Migrate(ExecuteMigration(error, version)).into()
                }
            },
            other => SchemaError::Migrate(other).into(),
        }
    }
}

/// Whether the code speaks of the database or its operator, and not of our statement.
fn is_outage(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    if code.len() == 5 { is_postgres_outage(code) } else { is_sqlite_outage(code) }
}

/// Classes: connections (08), wrong role or password (28), too few resources and full disks (53), operator (57),
/// system (58), configuration (F0), damaged data (XX).
fn is_postgres_outage(code: &str) -> bool {
    const CLASSES: [&str; 7] = ["08", "28", "53", "57", "58", "F0", "XX"];
    const CODES: [&str; 14] = [
        "0A000", // a cached plan of a table that a newer version has altered
        "25006", // read-only
        "25P03", // idle in a transaction for too long
        "25P04", // a transaction for too long
        "26000", // no such prepared statement: a pooler in between
        "3D000", // no such database
        "3F000", // no such schema
        "40001", // conflict with recovery on a standby, or with a stricter isolation level
        "40P01", // deadlock
        "42501", // no rights
        "42P01", // no such table: dropped, or being restored
        "42P05", // the prepared statement exists: a pooler in between
        "55006", // object in use
        "55P03", // a lock was not to be had in time
    ];
    CLASSES.iter().any(|class| code.starts_with(class)) || CODES.contains(&code)
}

/// Primary result codes: PERM, ABORT, BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN,
/// PROTOCOL, SCHEMA, AUTH, NOTADB.
fn is_sqlite_outage(code: &str) -> bool {
    let primary = code.parse::<u32>().map(|code| code & 0xff);
    matches!(primary, Ok(3..=11 | 13..=15 | 17 | 23 | 26))
}

/// SQLite has no code of its own for it.
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
