//! Checks that a change could be committed now. A read doesn't detect a full disk, a standby or a stuck writer.

use std::path::Path;

use super::schema::{TABLES, VIEWS};
use super::{Db, Error, Result, Tx};

/// Free bytes that a change needs on the disk of an SQLite database.
const MIN_FREE_SPACE: u64 = 512 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Takes the write lock and checks all tables, but writes nothing to disk.
    Quiet,
    /// Commits an update without effect.
    Committed,
}

impl Db {
    pub async fn probe(&self, depth: Depth) -> Result<()> {
        if let Self::Sqlite { path, .. } = self {
            let path = path.clone();
            tokio::task::spawn_blocking(move || check_file(&path)).await.map_err(Error::other)??;
        }
        let is_sqlite = matches!(self, Self::Sqlite { .. });
        let mut tx = self.write().await?;
        check_tables(&mut tx, is_sqlite).await?;
        // PostgreSQL would keep a dead row for each rolled-back update; SQLite keeps nothing.
        if depth == Depth::Committed || is_sqlite {
            run!(tx, "update revision set number = number where id = 1")?;
        }
        if depth == Depth::Committed { tx.commit_unaudited().await } else { Ok(()) }
    }
}

/// Uses metadata only: closing a descriptor of the file would drop SQLite's locks on it.
fn check_file(path: &Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::Unavailable(format!("{}: {error}", path.display()));
    if std::fs::metadata(path).map_err(failed)?.len() == 0 {
        return Err(Error::Unavailable(format!("{} is malformed: it is empty", path.display())));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if fs4::available_space(folder).map_err(failed)? < MIN_FREE_SPACE {
        return Err(Error::Unavailable(format!("{}: the disk is full", path.display())));
    }
    Ok(())
}

async fn check_tables(tx: &mut Tx, is_sqlite: bool) -> Result<()> {
    let found: Vec<(String,)> = if is_sqlite {
        rows!(tx, (String,), "select name from sqlite_master where type in ('table', 'view')")?
    } else {
        let sql = "select current_setting('transaction_read_only') = 'on' or pg_is_in_recovery()";
        if row!(tx, (bool,), sql)? == Some((true,)) {
            return Err(Error::Unavailable("the database is read-only".to_owned()));
        }
        let sql = "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                   where n.nspname = current_schema()
                     and (c.relkind = 'v' or c.relkind = 'r' and has_table_privilege(c.oid, 'insert'))";
        rows!(tx, (String,), sql)?
    };
    let is_there = |name: &str| found.iter().any(|(found,)| found == name);
    match TABLES.into_iter().chain(VIEWS).find(|name| !is_there(name)) {
        Some(name) => Err(Error::Unavailable(format!("{name} does not exist, or may not be written"))),
        None => Ok(()),
    }
}
