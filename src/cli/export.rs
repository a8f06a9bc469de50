//! `candor export DIR`

use std::path::Path;

use indicatif::ProgressBar;

use crate::clock::Clock;
use crate::config::{DEFAULT_LISTEN, SiteConfig};
use crate::db::Db;
use crate::publish::Publisher;
use crate::web::assets;

pub async fn run(db: &Db, clock: &Clock, site: &SiteConfig, target: &Path) -> anyhow::Result<()> {
    let origin = site.origin(DEFAULT_LISTEN.parse()?)?;
    let publisher = Publisher::new(db.clone(), clock.clone(), origin, site.site_file());
    let progress = ProgressBar::new_spinner();
    let count = publisher.export(target, assets::fixed_files(), |path| {
        progress.set_message(path.to_owned());
        progress.tick();
    });
    let count = count.await?;
    progress.finish_and_clear();
    println!("{count} pages are written to {}.", target.display());
    Ok(())
}
