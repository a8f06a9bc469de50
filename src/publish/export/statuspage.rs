//! Exports the Statuspage API documents as files: complete lists, single incidents and the history.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};

use super::{ensure_empty, write_document, write_file};
use crate::db::{self, Tx};
use crate::domain::brand::Logo;
use crate::domain::forms::{BrandFile, BrandForm};
use crate::domain::history::{Cursor, HistoryFilter, Month, PAGE_SIZE};
use crate::domain::{IncidentId, Page};
use crate::publish::api::{self, EntryRow, PageContext};
use crate::publish::on_demand_json::JsonDocument;
use crate::publish::{Encoding, JsonShape, Publisher, Snapshot, machine_documents};

/// Documents exported exactly as served.
const COPIED_DOCUMENTS: [&str; 8] = [
    "/api/v2/summary.json",
    "/api/v2/status.json",
    "/api/v2/components.json",
    "/api/v2/incidents/unresolved.json",
    "/api/v2/scheduled-maintenances/upcoming.json",
    "/api/v2/scheduled-maintenances/active.json",
    "/history.atom",
    "/history.rss",
];

/// The brand, which no document of the API has.
const BRAND_FILE: &str = "brand.json";

fn brand_file(page: &Page) -> anyhow::Result<Vec<u8>> {
    let base64 =
        |logo: &Option<Logo>| logo.as_ref().map(|logo| BASE64_STANDARD.encode(&logo.bytes)).unwrap_or_default();
    let [logo, logo_dark, favicon] = [&page.brand.logo, &page.brand.logo_dark, &page.brand.favicon].map(base64);
    let brand = BrandFile { form: BrandForm { version: 0, ..BrandForm::from_page(page) }, logo, logo_dark, favicon };
    Ok(serde_json::to_vec(&serde_json::json!({ "brand": brand }))?)
}

impl Publisher {
    /// Writes every document of the public API into the empty folder `target`, with all incidents and maintenances
    /// instead of the newest only. Calls `on_page` for each document and returns their number.
    pub async fn export_documents(&self, target: &Path, mut on_page: impl FnMut(&str)) -> anyhow::Result<usize> {
        ensure_empty(target)?;
        self.publish().await?;
        let (site, snapshot) = (self.site(), self.snapshot().context("nothing was published")?);
        let mut count = 0;
        for path in COPIED_DOCUMENTS {
            let document = site.document(path).with_context(|| format!("{path} was not published"))?;
            write_document(target, path, document)?;
            on_page(path);
            count += 1;
        }
        write_file(&target.join(BRAND_FILE), &brand_file(&snapshot.page)?)?;
        on_page(BRAND_FILE);
        count += 1;
        let mut tx = self.db.read().await?;
        let mut folder = ExportFolder {
            target,
            scene: machine_documents::page_context(&snapshot, &self.origin),
            count,
            on_page: &mut on_page,
        };
        folder.incidents(&mut tx).await?;
        folder.maintenances(&mut tx).await?;
        folder.history(&mut tx, &snapshot, &self.origin, self.clock.now()).await?;
        Ok(folder.count)
    }
}

struct ExportFolder<'a> {
    target: &'a Path,
    scene: PageContext<'a>,
    count: usize,
    on_page: &'a mut dyn FnMut(&str),
}

impl ExportFolder<'_> {
    async fn incidents(&mut self, tx: &mut Tx) -> anyhow::Result<()> {
        let mut list = StreamedList::open(self.target.join("api/v2/incidents.json"), &self.scene, "incidents")?;
        let (all, mut cursor) = (HistoryFilter::default(), None);
        loop {
            let some = db::incidents::list(tx, &all, (None, None), cursor.as_ref(), PAGE_SIZE as i64).await?;
            let Some(last) = some.last() else { break };
            cursor = Some(Cursor::after_incident(last));
            for incident in &some {
                let postmortem = match incident.postmortem_published_at {
                    Some(_) => db::postmortems::find_published(tx, &incident.id).await?,
                    None => None,
                };
                let entry = EntryRow::incident(&self.scene, incident, postmortem.as_ref());
                list.add(&entry)?;
                self.write_incident(
                    &incident.id,
                    entry,
                    &api::flat_incident(&self.scene, incident, postmortem.as_ref()),
                )?;
            }
        }
        self.count += 1;
        list.close()
    }

    async fn maintenances(&mut self, tx: &mut Tx) -> anyhow::Result<()> {
        let file = self.target.join("api/v2/scheduled-maintenances.json");
        let mut list = StreamedList::open(file, &self.scene, "scheduled_maintenances")?;
        let mut cursor = None;
        loop {
            let some = db::maintenances::list(tx, cursor.as_ref(), PAGE_SIZE as i64).await?;
            cursor = some.last().and_then(db::maintenances::cursor);
            if cursor.is_none() {
                break;
            }
            for it in &some {
                let entry = EntryRow::maintenance(&self.scene, it);
                list.add(&entry)?;
                if let Some(id) = IncidentId::parse(it.id.as_str()) {
                    self.write_incident(&id, entry, &api::flat_maintenance(&self.scene, it))?;
                }
            }
        }
        self.count += 1;
        list.close()
    }

    fn write_incident(&mut self, id: &IncidentId, entry: EntryRow<'_>, flat: &str) -> anyhow::Result<()> {
        let wrapped = api::render_incident(&self.scene, entry);
        for (form, text) in [(JsonShape::Api, wrapped.as_str()), (JsonShape::Flat, flat)] {
            self.write_file(&form.path(id), text.as_bytes())?;
        }
        Ok(())
    }

    /// Writes three months per file, back to the months in which the oldest incident and maintenance ended.
    async fn history(
        &mut self,
        tx: &mut Tx,
        snapshot: &Arc<Snapshot>,
        origin: &str,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let zone = snapshot.page.time_zone;
        let first = [db::incidents::earliest_end(tx).await?, db::maintenances::earliest_end(tx).await?];
        let oldest = Month::from_time(first.into_iter().flatten().min().unwrap_or(now), zone);
        for page in 1..=api::MAX_PAGE {
            let Snapshot { components, open, planned, .. } = snapshot.as_ref();
            let around = JsonDocument::with_context(tx, components.clone(), open.clone(), planned.clone()).await?;
            let record = around.for_quarter(tx, page, zone, now, i64::MAX).await?;
            let document = record.render(&snapshot.page, origin, now);
            let name = if page == 1 { "/history.json".to_owned() } else { format!("/history-{page}.json") };
            self.write_file(&name, document.bytes(Encoding::Plain))?;
            if api::history_months(page, now, zone).last().is_none_or(|month| *month <= oldest) {
                break;
            }
        }
        Ok(())
    }

    fn write_file(&mut self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        write_file(&self.target.join(path.trim_start_matches('/')), bytes)?;
        (self.on_page)(path);
        self.count += 1;
        Ok(())
    }
}

/// A JSON list written entry by entry, since all entries may not fit into memory.
struct StreamedList {
    file: PathBuf,
    out: BufWriter<File>,
    is_empty: bool,
}

impl StreamedList {
    fn open(file: PathBuf, scene: &PageContext<'_>, kind: &str) -> anyhow::Result<Self> {
        write_file(&file, b"")?;
        let out = BufWriter::new(File::create(&file)?);
        let mut list = Self { file, out, is_empty: true };
        list.write(&format!("{{\"page\":{},\"{kind}\":[", scene.page_json()))?;
        Ok(list)
    }

    fn add(&mut self, entry: &EntryRow<'_>) -> anyhow::Result<()> {
        if !std::mem::take(&mut self.is_empty) {
            self.write(",")?;
        }
        self.write(&entry.to_json())
    }

    fn close(mut self) -> anyhow::Result<()> {
        self.write("]}")?;
        self.out.flush().with_context(|| format!("writing {}", self.file.display()))
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        self.out.write_all(text.as_bytes()).with_context(|| format!("writing {}", self.file.display()))
    }
}
