//! `candor backup FILE`

use std::path::Path;

use super::output;
use crate::db::Db;

pub async fn run(db: &Db, file: &Path) -> anyhow::Result<()> {
    db.backup(file).await.map_err(output::plainly)?;
    say!("Database backed up to {}.", file.display());
    Ok(())
}
