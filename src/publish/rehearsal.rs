//! A rehearsal: what a change would make of the public documents, rendered by the publisher itself.

use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::deep::Found;
use super::{Deep, Document, Publisher, Reach, Site, Snapshot, pages};
use crate::db::{self, WriteTx};
use crate::domain::IncidentId;

/// What visitors would read.
#[derive(Debug)]
pub struct Rehearsal {
    /// The status page, the incident's own page, the history, then whatever else would change.
    pub renderings: Vec<Rendering>,
    /// The paths of other pages, of which only the header would change: it tells the state of the page.
    pub grazed: Vec<String>,
    /// The paths of the documents for programs, and for other sites, that would change: they tell the same in
    /// other shapes.
    pub told: Vec<String>,
    /// The paths of the documents that would stay as they are.
    pub untouched: Vec<String>,
}

/// One document as it would be.
#[derive(Debug)]
pub struct Rendering {
    pub path: String,
    pub difference: Difference,
    pub document: Arc<Document>,
}

/// How a document would differ from the one that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    New,
    Changed,
    None,
}

impl Publisher {
    /// What visitors would read if what was done in `tx` were kept. It is not: the transaction is dropped,
    /// and nothing of the rendering is stored or served.
    ///
    /// # Errors
    /// Where the database can't be read or a page can't be rendered.
    pub async fn rehearse(&self, mut tx: WriteTx, incident: &IncidentId) -> anyhow::Result<Rehearsal> {
        let now = self.clock.now();
        let after = Snapshot::load(&mut tx, now).await?;
        let own = match Deep::Incident(incident.clone()).load(&mut tx, now).await {
            Ok(found) => Some(found),
            // Visitors would not see it.
            Err(db::Error::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        drop(tx);
        let before = Snapshot::load(&mut self.db.read().await?, now).await?;
        let (served, origin, path) = (self.site(), self.origin.clone(), format!("/incidents/{incident}"));
        let rendered = tokio::task::spawn_blocking(move || {
            // What stands, at this very minute: only then are the differences those of the change.
            let stands = pages::render_site(&before, &served, &origin, now);
            let would = pages::render_site(&after, &stands, &origin, now);
            compare(&stands, &would, own, &path, &origin, now)
        });
        rendered.await.context("rendering the rehearsal")
    }
}

fn compare(
    stands: &Site,
    would: &Site,
    own: Option<Found>,
    own_path: &str,
    origin: &str,
    now: DateTime<Utc>,
) -> Rehearsal {
    let mut documents: Vec<(String, Arc<Document>)> =
        would.pages().filter_map(|(path, _)| Some((path.to_owned(), would.document(path)?.clone()))).collect();
    if let Some(own) = own.filter(|_| would.document(own_path).is_none()) {
        documents.push((own_path.to_owned(), Arc::new(own.render(origin, now))));
    }
    let first = ["/", own_path, "/history"];
    let place = |path: &str| first.iter().position(|first| *first == path).unwrap_or(first.len());
    documents.sort_by(|(a, _), (b, _)| (place(a), a).cmp(&(place(b), b)));
    let mut rehearsal =
        Rehearsal { renderings: Vec::new(), grazed: Vec::new(), told: Vec::new(), untouched: Vec::new() };
    for (path, document) in documents {
        let difference = match stands.document(&path) {
            Some(old) if **old == *document => Difference::None,
            Some(_) => Difference::Changed,
            // An old incident's page is not kept ready; it changes like any other.
            None => Difference::New,
        };
        let first = place(&path) < first.len();
        if !first && difference == Difference::None {
            rehearsal.untouched.push(path);
        } else if document.reach == Reach::Everybody || path.starts_with("/embed") {
            rehearsal.told.push(path);
        } else if !first && (path.starts_with("/incidents/") || path == "/api") {
            rehearsal.grazed.push(path);
        } else {
            rehearsal.renderings.push(Rendering { path, difference, document });
        }
    }
    rehearsal
}
