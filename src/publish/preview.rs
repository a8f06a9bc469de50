//! Preview: the public documents after a change, rendered by the publisher and not stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::notices::{NoticeSubject, PreviewedNotice, preview_notice};
use super::on_demand::LoadedPage;
use super::{Document, JsonShape, OnDemandPage, Publisher, Site, Snapshot, render_site};
use crate::db::{self, Tx, WriteTx};
use crate::domain::history::Month;
use crate::domain::uptime::UptimeView;
use crate::domain::{ComponentId, IncidentId, MaintenanceId};

#[derive(Debug, Default)]
pub struct SitePreview {
    /// The status page, the page of the subject, the history, then all other changed pages.
    pub pages: Vec<PreviewedPage>,
    /// Changed API documents, feeds, badges and embeds, by path.
    pub machine_paths: Vec<String>,
    /// Other pages where only the page status in the header changes, by path.
    pub header_paths: Vec<String>,
    /// The path of the subject's page, if visitors can no longer read it.
    pub removed: Option<String>,
    pub notice: PreviewedNotice,
}

#[derive(Debug)]
pub struct PreviewedPage {
    pub path: String,
    pub difference: Difference,
    pub document: Arc<Document>,
}

/// The difference from the served document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    New,
    Changed,
    None,
}

/// The on-demand documents of what is changed, its page first.
#[derive(Clone, Debug, Default)]
pub struct PreviewSubject(Vec<OnDemandPage>);

impl PreviewSubject {
    pub fn incident(id: &IncidentId) -> Self {
        let mut own = vec![OnDemandPage::Incident(id.clone())];
        own.extend([JsonShape::Api, JsonShape::Flat].map(|form| OnDemandPage::Json(id.clone(), form)));
        own.extend(MaintenanceId::parse(id.as_str()).map(OnDemandPage::CalendarEvent));
        Self(own)
    }

    /// A month of a component.
    pub fn uptime(component: ComponentId, month: Month) -> Self {
        Self(vec![OnDemandPage::Uptime(UptimeView { until: None, detail: Some((component, month)) })])
    }

    pub fn page() -> Self {
        Self::default()
    }

    /// Loads the documents that exist.
    async fn load(&self, tx: &mut Tx, now: DateTime<Utc>) -> db::Result<Vec<(String, LoadedPage)>> {
        let mut found = Vec::new();
        for deep in &self.0 {
            match deep.clone().load(tx, now).await {
                Ok(document) => found.push((deep.address(), document)),
                // Not visible to visitors.
                Err(db::Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The incident or maintenance.
    fn event_id(&self) -> Option<&IncidentId> {
        self.0.iter().find_map(|page| match page {
            OnDemandPage::Incident(id) => Some(id),
            _ => None,
        })
    }

    /// The paths listed first.
    fn first_paths(&self) -> Vec<String> {
        let history = matches!(self.0.first(), Some(OnDemandPage::Incident(_))).then(|| "/history".to_owned());
        std::iter::once("/".to_owned()).chain(self.0.first().map(OnDemandPage::address)).chain(history).collect()
    }
}

impl Publisher {
    /// Renders the public site as if `tx` were committed. The transaction is rolled back, and nothing of the rendering
    /// is stored or served.
    pub async fn preview(&self, mut tx: WriteTx, subject: PreviewSubject) -> anyhow::Result<SitePreview> {
        let now = self.clock.now();
        let after = Snapshot::load(&mut tx, now).await?;
        let own_after = subject.load(&mut tx, now).await?;
        let notice = match subject.event_id() {
            Some(id) => {
                let stored = NoticeSubject::load(&mut self.db.read().await?, id).await?;
                preview_notice(&mut tx, id, &stored, &self.origin, now).await?
            }
            None => PreviewedNotice::default(),
        };
        drop(tx);
        let mut tx = self.db.read().await?;
        let before = Snapshot::load(&mut tx, now).await?;
        let own_before = subject.load(&mut tx, now).await?;
        drop(tx);
        let (served, origin) = (self.site(), self.origin.clone());
        let rendered = tokio::task::spawn_blocking(move || {
            // Render the current state for this minute too; otherwise changed ages would count as differences.
            let current = render_site(&before, &served, &origin, now);
            let would = render_site(&after, &current, &origin, now);
            let render = |own: Vec<(String, LoadedPage)>, site: &Site| -> Vec<(String, Arc<Document>)> {
                let cold = own.into_iter().filter(|(path, _)| site.document(path).is_none());
                cold.map(|(path, found)| (path, Arc::new(found.render(&origin, now)))).collect()
            };
            let before = all_documents(&current, render(own_before, &current));
            let after = all_documents(&would, render(own_after, &would));
            compare_sites(&before, after, &subject)
        });
        let preview = rendered.await.context("rendering the preview")?;
        Ok(SitePreview { notice, ..preview })
    }
}

type Documents = BTreeMap<String, Arc<Document>>;

fn all_documents(site: &Site, own: Vec<(String, Arc<Document>)>) -> Documents {
    let hot = site.pages().filter_map(|(path, _)| Some((path.to_owned(), site.document(path)?.clone())));
    hot.chain(own).collect()
}

fn compare_sites(before: &Documents, after: Documents, subject: &PreviewSubject) -> SitePreview {
    let first = subject.first_paths();
    let place = |path: &str| first.iter().position(|first| first == path);
    let own = subject.0.first().map(OnDemandPage::address);
    let removed = own.filter(|path| before.contains_key(path) && !after.contains_key(path));
    let mut preview = SitePreview { removed, ..SitePreview::default() };
    for (path, document) in after {
        let difference = match before.get(&path) {
            Some(old) if *old == document => Difference::None,
            Some(_) => Difference::Changed,
            None => Difference::New,
        };
        let is_first = place(&path).is_some();
        if difference == Difference::None && !is_first {
            continue;
        }
        if is_machine_document(&path, &document) {
            preview.machine_paths.push(path);
        } else if !is_first && (path.starts_with("/incidents/") || path == "/api") {
            preview.header_paths.push(path);
        } else {
            preview.pages.push(PreviewedPage { path, difference, document });
        }
    }
    preview.pages.sort_by_key(|page| place(&page.path).unwrap_or(first.len()));
    preview
}

/// Whether the document is for programs or other sites.
fn is_machine_document(path: &str, document: &Document) -> bool {
    !document.content_type.starts_with("text/html") || path.starts_with("/embed")
}
