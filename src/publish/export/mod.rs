//! Exports the public site as files: as a static website, or as API documents for import elsewhere.

mod statuspage;

use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::db;
use crate::domain::IncidentId;
use crate::domain::history::{Cursor, HistoryFilter, Month, PAGE_SIZE};
use crate::domain::uptime::UptimeView;
use crate::publish::render_site::render_feeds_page;
use crate::publish::{Document, Encoding, JsonShape, OnDemandPage, Publisher};

/// Files take no subscriptions: this page offers the feeds.
const FEEDS_PATH: &str = "/subscribe";

impl Publisher {
    /// Writes every public page and the extra `files` into the empty folder `target`, and calls `on_page` for each
    /// page. Returns the number of pages.
    pub async fn export(
        &self,
        target: &Path,
        files: impl Iterator<Item = (String, Vec<u8>)>,
        mut on_page: impl FnMut(&str),
    ) -> anyhow::Result<usize> {
        ensure_empty(target)?;
        self.publish().await?;
        let site = self.site();
        let mut count = 0;
        for (path, document) in site.pages() {
            write_document(target, path, document)?;
            on_page(path);
            count += 1;
        }
        let feeds = self.snapshot().map(|snapshot| render_feeds_page(&snapshot, &self.origin, self.clock.now()));
        if let Some(feeds) = feeds {
            write_document(target, FEEDS_PATH, &Document::html(200, feeds))?;
            on_page(FEEDS_PATH);
            count += 1;
        }
        for page in self.on_demand_pages().await? {
            let path = page.address();
            if site.document(&path).is_none() {
                let answer = self.on_demand(page).await?;
                write_document(target, &path, answer.document())?;
                on_page(&path);
                count += 1;
            }
        }
        for (name, bytes) in files {
            write_file(&target.join(&name), &bytes)?;
        }
        Ok(count)
    }

    /// Every incident and maintenance, and every month that has one, as HTML and JSON.
    async fn on_demand_pages(&self) -> db::Result<Vec<OnDemandPage>> {
        let mut pages = Vec::new();
        let mut months: Vec<Month> = Vec::new();
        let mut cursor = None;
        let mut tx = self.db.read().await?;
        let zone = db::page_settings::load(&mut tx).await?.time_zone;
        loop {
            let all = HistoryFilter::default();
            let incidents = db::incidents::list(&mut tx, &all, (None, None), cursor.as_ref(), PAGE_SIZE as i64).await?;
            let Some(last) = incidents.last() else { break };
            cursor = Some(Cursor::after_incident(last));
            for incident in &incidents {
                let month = Month::from_time(incident.started_at, zone);
                if months.last() != Some(&month) {
                    months.push(month);
                }
                pages.push(OnDemandPage::Incident(incident.id.clone()));
                pages.push(OnDemandPage::Picture(incident.id.clone()));
                pages.extend(
                    [JsonShape::Api, JsonShape::Flat].map(|form| OnDemandPage::Json(incident.id.clone(), form)),
                );
            }
        }
        let mut cursor = None;
        loop {
            let maintenances = db::maintenances::list(&mut tx, cursor.as_ref(), PAGE_SIZE as i64).await?;
            cursor = maintenances.last().and_then(db::maintenances::cursor);
            if cursor.is_none() {
                break;
            }
            for maintenance in &maintenances {
                months.push(Month::from_time(maintenance.scheduled_for, zone));
                if let Some(id) = IncidentId::parse(maintenance.id.as_str()) {
                    pages.extend([JsonShape::Api, JsonShape::Flat].map(|form| OnDemandPage::Json(id.clone(), form)));
                    pages.push(OnDemandPage::Picture(id.clone()));
                    pages.push(OnDemandPage::Incident(id));
                }
                pages.push(OnDemandPage::CalendarEvent(maintenance.id.clone()));
            }
        }
        months.sort_unstable();
        months.dedup();
        pages.extend([OnDemandPage::Uptime(UptimeView::default()), OnDemandPage::UptimeCsv, OnDemandPage::Quarter(1)]);
        pages.extend(months.into_iter().map(|month| OnDemandPage::Month(month, None)));
        Ok(pages)
    }
}

/// Writes `/history` as `history/index.html`, so that URLs stay the same. Documents other than HTML keep their file
/// name.
fn write_document(target: &Path, path: &str, document: &Document) -> anyhow::Result<()> {
    let place = target.join(path.trim_start_matches('/'));
    let file = if document.content_type.starts_with("text/html") { place.join("index.html") } else { place };
    write_file(&file, document.bytes(Encoding::Plain))
}

fn ensure_empty(target: &Path) -> anyhow::Result<()> {
    let empty = !target.exists() || std::fs::read_dir(target)?.next().is_none();
    ensure!(empty, "{} is not empty; nothing was exported", target.display());
    Ok(())
}

fn write_file(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    std::fs::write(file, bytes).with_context(|| format!("writing {}", file.display()))
}
