//! Copies of an SQLite database.

use std::path::Path;

use sqlx::{AssertSqlSafe, ConnectOptions as _};

use super::{Db, Error, Result};

impl Db {
    /// Copies the whole database to the new file `target` while it is in use.
    ///
    /// # Errors
    /// On PostgreSQL, whose own pg_dump does this; where the file exists or can't be written.
    pub async fn backup(&self, target: &Path) -> Result<()> {
        let Self::Sqlite { readers, .. } = self else {
            return Err(Error::other("a PostgreSQL database is backed up with pg_dump"));
        };
        // VACUUM INTO only reads the database but is refused under query_only, so not on a reader.
        let options = readers.connect_options().as_ref().clone().pragma("query_only", "OFF");
        let mut connection = options.connect().await?;
        vacuum_into(&mut connection, target).await
    }
}

/// Copies the database to a new file that only its owner can read, as the database itself.
pub(super) async fn vacuum_into(connection: &mut sqlx::SqliteConnection, target: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let new = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(target);
    new.map_err(|error| Error::Unavailable(format!("{}: {error}", target.display())))?;
    // The name of a file can't be bound, so it is quoted as SQL quotes text.
    let quoted = target.display().to_string().replace('\'', "''");
    let copied = sqlx::query(AssertSqlSafe(format!("vacuum into '{quoted}'"))).execute(connection).await;
    if copied.is_err() {
        let _ = std::fs::remove_file(target);
    }
    copied.map(drop).map_err(Error::from)
}
