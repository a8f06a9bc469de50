//! `candor check`

use std::process::ExitCode;

use super::tell;
use crate::db::Db;

pub async fn run(db: &Db) -> anyhow::Result<ExitCode> {
    let faults = db.faults().await.map_err(tell::plainly)?;
    let mut tx = db.read().await.map_err(tell::plainly)?;
    let revision = tx.revision().await.map_err(tell::plainly)?;
    if faults.is_empty() {
        println!("The database is sound and stands at revision {revision}.");
        return Ok(ExitCode::SUCCESS);
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    eprintln!("The database is damaged: restore a backup.");
    Ok(ExitCode::FAILURE)
}
