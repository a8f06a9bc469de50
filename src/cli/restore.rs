//! `candor restore FILE`

use std::path::Path;

use super::tell;
use crate::clock::Clock;
use crate::db::Db;

pub async fn run(db: &Db, clock: &Clock, file: &Path) -> anyhow::Result<()> {
    let restored = db.restore(file, clock.now()).await.map_err(tell::plainly)?;
    println!("The database is restored from {}, revision {}.", file.display(), restored.revision);
    if let Some(replaced) = restored.replaced {
        println!("The one before it is kept as {}.", replaced.display());
    }
    println!("A server that runs publishes it within some seconds.");
    Ok(())
}
