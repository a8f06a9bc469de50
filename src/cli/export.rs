//! `candor export DIR`

use std::path::Path;

use indicatif::ProgressBar;

use crate::clock::Clock;
use crate::config::{DEFAULT_LISTEN, SiteConfig};
use crate::db::Db;
use crate::publish::Publisher;
use crate::web::edge::assets;

/// What is written.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Format {
    /// All public pages
    Site,
    /// JSON files in the shape of Statuspage's API
    Statuspage,
}

pub async fn run(db: &Db, clock: &Clock, site: &SiteConfig, target: &Path, format: Format) -> anyhow::Result<()> {
    let origin = site.origin(DEFAULT_LISTEN.parse()?)?;
    let publisher = Publisher::new(db.clone(), clock.clone(), origin, site.site_file());
    let progress = ProgressBar::new_spinner();
    let on_page = |path: &str| {
        progress.set_message(path.to_owned());
        progress.tick();
    };
    let (count, things) = match format {
        Format::Site => (publisher.export(target, assets::fixed_files(), on_page).await?, "pages"),
        Format::Statuspage => (publisher.export_documents(target, on_page).await?, "documents"),
    };
    progress.finish_and_clear();
    say!("Exported {count} {things} to {}.", target.display());
    Ok(())
}
