//! `candor restore FILE`

use std::path::Path;

use super::output;
use crate::clock::Clock;
use crate::db::Db;

pub async fn run(db: &Db, clock: &Clock, file: &Path) -> anyhow::Result<()> {
    let restored = db.restore(file, clock.now()).await.map_err(output::plainly)?;
    say!("The database is restored from {}, revision {}.", file.display(), restored.revision);
    if let Some(replaced) = restored.replaced {
        say!("The one before it is kept as {}.", replaced.display());
    }
    say!("A server that runs publishes it within some seconds.");
    Ok(())
}
