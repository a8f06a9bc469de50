//! `candor backup FILE`

use std::path::Path;

use super::output;
use crate::db::Db;

pub async fn run(db: &Db, file: &Path) -> anyhow::Result<()> {
    db.backup(file).await.map_err(output::describe_error)?;
    say!("Database backed up to {}.", file.display());
    Ok(())
}
