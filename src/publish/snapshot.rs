//! The data a Site is rendered from: one consistent state of the database.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, TimeDelta, Utc};

use super::api::{self, MAX_LISTED};
use crate::db::{self, Tx};
use crate::domain::audit::{PublicDigest, start_of_hour};
use crate::domain::history::{HistoryFilter, IncidentLink, Neighbours, PAGE_SIZE, Totals, start_of_day};
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::uptime::StatusInterval;
use crate::domain::{
    Announcement, Component, Group, Incident, IncidentId, Maintenance, Page, Status, UptimeCorrection,
};
use crate::format::time::today;
use crate::ui::pages::public::DAYS;
use crate::ui::pages::public::status::past_days_start;

/// How many planned maintenances have pages rendered at publish time.
pub(super) const MAX_HOT_MAINTENANCES: usize = 20;

/// The maximum number of incidents in the past days on the status page.
const MAX_RECENT: i64 = 100;
/// How long a past maintenance stays in the calendar, so that programs that poll rarely still see a cancellation.
const FINISHED_RETENTION: TimeDelta = TimeDelta::days(60);
/// The maximum number of maintenances on a history page, and of past or cancelled ones in the calendar.
pub(super) const MAX_MAINTENANCES: usize = 100;

#[derive(Clone, Debug)]
pub struct Snapshot {
    pub revision: i64,
    pub database: db::DatabaseState,
    pub page: Page,
    pub groups: Vec<Group>,
    pub components: Vec<Component>,
    /// Newest start first.
    pub open: Vec<Incident>,
    /// Started within the days shown on the status page, newest first.
    pub recent: Vec<Incident>,
    /// The newest incidents, one more than a history page holds.
    pub newest: Vec<Incident>,
    /// The newest incidents, as many as an API list holds.
    pub listed: Vec<Incident>,
    /// Totals over all incidents.
    pub totals: Totals,
    /// Upcoming and ongoing maintenances, soonest start first.
    pub planned: Vec<Maintenance>,
    /// Maintenances that ended within the last 60 days, latest start first.
    pub finished: Vec<Maintenance>,
    /// Cancelled maintenances whose scheduled time is still ahead.
    pub cancelled: Vec<Maintenance>,
    /// Maintenances since the last of `newest`, one more than a history page holds.
    pub latest_maintenances: Vec<Maintenance>,
    /// The maintenances with the latest scheduled start, as many as an API list holds.
    pub listed_maintenances: Vec<Maintenance>,
    /// Feed item ids of imported entries at their source, by own id.
    pub feed_ids: BTreeMap<String, String>,
    /// Announcements that have not ended.
    pub announcements: Vec<Announcement>,
    /// When an announcement next appears or disappears.
    pub next_announcement_change: Option<DateTime<Utc>>,
    /// When a maintenance or a recurring maintenance next changes automatically.
    pub next_step: Option<DateTime<Utc>>,
    /// The downtime intervals within the days of the uptime bars.
    pub status_intervals: Vec<StatusInterval>,
    /// The titles of the incidents in `status_intervals`.
    pub titles: api::IncidentTitles,
    pub audit: Option<PublicDigest>,
    /// Override `status_intervals`.
    pub corrections: Vec<UptimeCorrection>,
    /// The published postmortems of the incidents above.
    pub postmortems: BTreeMap<IncidentId, PublishedPostmortem>,
    /// The neighbours of the incidents that have a page.
    pub neighbours: BTreeMap<IncidentId, Neighbours>,
}

impl Snapshot {
    pub async fn load(tx: &mut Tx, now: DateTime<Utc>) -> db::Result<Self> {
        let page = db::page_settings::load(tx).await?;
        let since = Some(past_days_start(now, page.time_zone));
        let first_bar = start_of_day(today(now, page.time_zone) - Days::new(DAYS - 1), page.time_zone);
        let all = HistoryFilter::default();
        let listed = db::incidents::list(tx, &all, (None, None), None, MAX_LISTED as i64).await?;
        let newest: Vec<Incident> = listed.iter().take(PAGE_SIZE + 1).cloned().collect();
        let oldest = newest.get(PAGE_SIZE).map(|incident| incident.started_at);
        let planned = db::maintenances::list_planned(tx).await?;
        let steps = planned.iter().filter_map(|it| it.next_step().map(|(at, _)| at));
        let growth = db::series::list_active(tx).await?.into_iter().filter_map(|series| series.grows_at);
        let announcements = db::announcements::list_current(tx, now).await?;
        let mut snapshot = Self {
            next_announcement_change: announcements.iter().filter_map(|it| it.next_change(now)).min(),
            announcements,
            next_step: steps.chain(growth).min(),
            planned,
            finished: db::maintenances::list_past_since(tx, now - FINISHED_RETENTION, now, MAX_MAINTENANCES as i64)
                .await?,
            cancelled: db::maintenances::list_cancelled(tx, now, MAX_MAINTENANCES as i64).await?,
            latest_maintenances: db::maintenances::list_within(tx, (oldest, None), MAX_MAINTENANCES as i64 + 1).await?,
            newest,
            listed,
            listed_maintenances: db::maintenances::list(tx, None, MAX_LISTED as i64).await?,
            feed_ids: db::feed_ids::list_newest(tx, MAX_LISTED as i64).await?,
            revision: tx.revision().await?,
            database: db::DatabaseState::load(tx).await?,
            groups: db::components::list_groups(tx).await?,
            components: db::components::list(tx).await?,
            open: db::incidents::list_open(tx).await?,
            recent: db::incidents::list(tx, &all, (since, None), None, MAX_RECENT).await?,
            totals: db::incidents::totals(tx, &all, (None, None)).await?,
            status_intervals: db::status_intervals::list_since(tx, first_bar).await?,
            titles: db::status_intervals::titles_since(tx, first_bar).await?,
            audit: db::audit_chain::public_digest(tx, start_of_hour(now)).await?,
            corrections: db::uptime_corrections::list_since(tx, first_bar).await?,
            postmortems: BTreeMap::new(),
            neighbours: BTreeMap::new(),
            page,
        };
        snapshot.load_postmortems(tx).await?;
        snapshot.load_neighbours(tx).await?;
        Ok(snapshot)
    }

    /// Whether ages on the pages change: an incident is open, a maintenance is active, or a component is not
    /// operational.
    pub fn is_ongoing(&self) -> bool {
        let is_active = self.planned.iter().any(|it| it.phase.is_active());
        !self.open.is_empty() || is_active || self.components.iter().any(|it| it.status != Status::Operational)
    }

    /// The present intervals of manual statuses.
    pub fn present_baselines(&self) -> Vec<StatusInterval> {
        let present = self.status_intervals.iter().filter(|it| it.incident_id.is_none() && it.to.is_none());
        present.cloned().collect()
    }

    pub fn postmortem_for(&self, incident: &Incident) -> Option<&PublishedPostmortem> {
        self.postmortems.get(&incident.id)
    }

    /// The newest incidents are listed without gaps, so only the others need queries.
    async fn load_neighbours(&mut self, tx: &mut Tx) -> db::Result<()> {
        let newest = if self.recent.len() > self.listed.len() { &self.recent } else { &self.listed };
        let mut found = BTreeMap::new();
        for (place, incident) in newest.iter().enumerate() {
            // Of the last one, the older neighbour is unknown.
            if let Some(older) = newest.get(place + 1) {
                let newer = place.checked_sub(1).and_then(|before| newest.get(before));
                let (older, newer) = (Some(IncidentLink::from(older)), newer.map(IncidentLink::from));
                found.insert(incident.id.clone(), Neighbours { older, newer });
            }
        }
        for incident in self.open.iter().chain(&self.recent).chain(&self.newest) {
            if !found.contains_key(&incident.id) {
                found.insert(incident.id.clone(), db::incidents::neighbours(tx, incident).await?);
            }
        }
        self.neighbours = found;
        Ok(())
    }

    async fn load_postmortems(&mut self, tx: &mut Tx) -> db::Result<()> {
        let all = self.open.iter().chain(&self.recent).chain(&self.listed);
        let reviewed =
            all.filter(|incident| incident.postmortem_published_at.is_some()).map(|incident| incident.id.clone());
        for id in reviewed.collect::<BTreeSet<_>>() {
            if let Some(postmortem) = db::postmortems::find_published(tx, &id).await? {
                self.postmortems.insert(id, postmortem);
            }
        }
        Ok(())
    }
}
