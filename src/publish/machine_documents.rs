//! The hot documents for programs: API, feeds, badges and embed scripts.

use chrono::{DateTime, Utc};

use super::api::{self, EntryRow, PageContext};
use super::feeds::{self, Feed};
use super::snapshot::MAX_HOT_MAINTENANCES;
use super::{JsonShape, Snapshot};
use crate::domain::page_status::Tone;
use crate::domain::{Incident, IncidentId, Status};

pub const JSON: &str = "application/json; charset=utf-8";
const SVG: &str = "image/svg+xml; charset=utf-8";

/// The script that other sites include to show the embedded notice.
const EMBED_SCRIPT: &str = include_str!("../../public/embed.js");
/// The script inside the frame of the embedded notice.
const FRAME_SCRIPT: &str = include_str!("../../public/frame.js");

pub const SHOWCASE_PATH: &str = "/uptime_showcase";

/// Path, content type and text of each document.
pub fn render_machine_documents(
    snapshot: &Snapshot,
    origin: &str,
    now: DateTime<Utc>,
) -> Vec<(String, &'static str, String)> {
    let scene = page_context(snapshot, origin);
    let mut all: Vec<(String, &'static str, String)> = Vec::new();
    all.extend(
        api::render_v2_documents(&scene, snapshot).into_iter().map(|(path, text)| (path.to_owned(), JSON, text)),
    );
    all.extend(incident_documents(&scene, snapshot));
    let feed = Feed::from_snapshot(snapshot, origin);
    all.push(("/history.atom".to_owned(), "application/atom+xml; charset=utf-8", feeds::render_atom(&feed)));
    all.push(("/history.rss".to_owned(), "application/rss+xml; charset=utf-8", feeds::render_rss(&feed)));
    all.push(("/feed.json".to_owned(), "application/feed+json; charset=utf-8", feeds::render_json_feed(&feed)));
    let Snapshot { status_intervals: effects, corrections, titles, .. } = snapshot;
    let showcase = api::render_showcase(&scene, |_| true, effects, corrections, titles, now);
    all.push((SHOWCASE_PATH.to_owned(), JSON, showcase));
    all.extend(badge_documents(&scene, snapshot));
    for (path, script) in [("/embed/script.js", EMBED_SCRIPT), ("/embed/frame.js", FRAME_SCRIPT)] {
        all.push((path.to_owned(), "text/javascript; charset=utf-8", script.to_owned()));
    }
    all.push(("/api/openapi.json".to_owned(), JSON, api::OPENAPI.clone()));
    all
}

pub fn page_context<'a>(snapshot: &'a Snapshot, origin: &'a str) -> PageContext<'a> {
    let Snapshot { page, groups, components, open, planned, .. } = snapshot;
    let changes = snapshot.listed.iter().map(|it| it.updated_at);
    let changes = changes.chain(snapshot.listed_maintenances.iter().map(|it| it.updated_at));
    PageContext::new(page, origin, groups, components, open, planned).with_changes(changes)
}

/// Every incident and maintenance with a hot page, in both JSON shapes.
fn incident_documents(scene: &PageContext<'_>, snapshot: &Snapshot) -> Vec<(String, &'static str, String)> {
    let mut all = Vec::new();
    let incidents: Vec<&Incident> = snapshot.open.iter().chain(&snapshot.recent).chain(&snapshot.newest).collect();
    for it in incidents {
        let postmortem = snapshot.postmortem_for(it);
        let entry = EntryRow::incident(scene, it, postmortem);
        all.push((JsonShape::Api.path(&it.id), JSON, api::render_incident(scene, entry)));
        all.push((JsonShape::Flat.path(&it.id), JSON, api::flat_incident(scene, it, postmortem)));
    }
    for it in snapshot.planned.iter().take(MAX_HOT_MAINTENANCES) {
        let Some(id) = IncidentId::parse(it.id.as_str()) else { continue };
        all.push((JsonShape::Api.path(&id), JSON, api::render_incident(scene, EntryRow::maintenance(scene, it))));
        all.push((JsonShape::Flat.path(&id), JSON, api::flat_maintenance(scene, it)));
    }
    all
}

/// One badge for the page and one for each component.
fn badge_documents(scene: &PageContext<'_>, snapshot: &Snapshot) -> Vec<(String, &'static str, String)> {
    let tone = Tone::of_page(scene.components.iter().map(|(_, status)| *status), &snapshot.open);
    let whole = api::render_badge(&snapshot.page.name, tone.words(), tone);
    let component = |(component, status): &(&crate::domain::Component, Status)| {
        let badge = api::render_badge(&component.name, status.words(), Tone::from(*status));
        (api::badge_path(&component.id), SVG, badge)
    };
    let components = scene.components.iter().map(component);
    std::iter::once(("/badge.svg".to_owned(), SVG, whole)).chain(components).collect()
}
