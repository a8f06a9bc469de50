//! `candor backup FILE`

use std::path::Path;

use super::tell;
use crate::db::Db;

pub async fn run(db: &Db, file: &Path) -> anyhow::Result<()> {
    db.backup(file).await.map_err(tell::plainly)?;
    say!("The database is copied to {}.", file.display());
    Ok(())
}
