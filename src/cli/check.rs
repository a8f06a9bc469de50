//! `candor check`

use std::process::ExitCode;

use super::output;
use crate::clock::Clock;
use crate::config::SiteConfig;
use crate::db::Db;
use crate::format::duration;
use crate::publish::Site;

pub async fn run(db: &Db, clock: &Clock, site: &SiteConfig) -> anyhow::Result<ExitCode> {
    let faults = db.check_integrity().await.map_err(output::describe_error)?;
    let mut tx = db.read().await.map_err(output::describe_error)?;
    let revision = tx.revision().await.map_err(output::describe_error)?;
    report_site(clock, site, revision);
    if faults.is_empty() {
        say!("Database OK (revision {revision}).");
        return Ok(ExitCode::SUCCESS);
    }
    for fault in &faults {
        say_error!("{fault}");
    }
    say_error!("The database is damaged: restore a backup.");
    Ok(ExitCode::FAILURE)
}

/// Reports on the stored Site, which a server serves while the database is unavailable.
fn report_site(clock: &Clock, config: &SiteConfig, revision: i64) {
    match Site::read(&config.site_file()) {
        Ok(site) => {
            let age =
                duration::format_duration(clock.now() - site.confirmed_at).unwrap_or_else(|| "no time".to_owned());
            let behind = if site.revision == revision { "up to date" } else { "behind the database" };
            say!("Stored page: revision {}, {behind}, confirmed {age} ago.", site.revision);
        }
        Err(error) if config.site_file().symlink_metadata().is_ok() => {
            say!("The stored page can't be used: {error:#}.");
        }
        Err(_) => say!("No published page stored yet."),
    }
}
