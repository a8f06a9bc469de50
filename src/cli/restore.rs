//! `candor restore FILE`

use std::path::Path;

use super::output;
use crate::clock::Clock;
use crate::db::Db;

pub async fn run(db: &Db, clock: &Clock, file: &Path) -> anyhow::Result<()> {
    let restored = db.restore(file, clock.now()).await.map_err(output::describe_error)?;
    say!("Database restored from {} (revision {}).", file.display(), restored.revision);
    if let Some(replaced) = restored.replaced {
        say!("The previous database is kept as {}.", replaced.display());
    }
    say!("A running server publishes it within seconds.");
    Ok(())
}
