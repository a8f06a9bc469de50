//! A long history for the sample's company, with a given number of incidents and updates and a fixed seed. The sample's
//! incidents stay the newest, so that `/` is the same with any history.

use anyhow::Context as _;
use candor::cli::demo;
use candor::clock::Clock;
use candor::db::{self, Db, components, incidents};
use candor::domain::audit::{Action, Actor, Entry};
use candor::domain::history::HistoryFilter;
use candor::domain::{AffectedComponent, Component, Impact, Incident, IncidentId, Phase, Status, Update, UpdateId};
use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

/// Fixed, so that every run writes the same history.
const SEED: u64 = 20_261_124;
/// Incidents per transaction.
const BATCH: usize = 2_000;
/// How long before the sample's oldest incident the history begins.
const PAST: TimeDelta = TimeDelta::days(20 * 365);
/// One incident in so many contains `RARE_WORD`, for searches with few results.
const ONE_IN: usize = 5_000;
pub const RARE_WORD: &str = "lighthouse";
/// A word that most incidents contain, for searches with many results.
pub const COMMON_WORD: &str = "customers";

const PARTS: [&str; 8] = [
    "tiles",
    "satellite scenes",
    "tide tables",
    "buoy readings",
    "chart corrections",
    "address searches",
    "invoices",
    "wave forecasts",
];
const PLACES: [&str; 8] = [
    "the Bay of Biscay",
    "Lisbon",
    "the Kattegat",
    "northern Norway",
    "the Azores",
    "Galicia",
    "the Irish Sea",
    "Madeira",
];
const TROUBLES: [&str; 6] =
    ["arrive late", "are missing", "come twice", "are out of date", "answer with an error", "load slowly"];
const CAUSES: [&str; 6] = [
    "a disk that filled up overnight",
    "a certificate that ran out",
    "a cable cut by an excavator",
    "a queue that grew faster than it was read",
    "a table without its index",
    "a build that lost a file",
];
const STEPS: [&str; 6] = [
    "We are putting yesterday's build back and watch what happens.",
    "Half of the servers have been restarted; the rest follow one after the other.",
    "The supplier has confirmed the fault on their side and works on it.",
    "Traffic goes through Marseille while Porto is being mended.",
    "The index is being built anew, which takes about an hour.",
    "We have doubled the number of workers and the queue is shrinking.",
];

/// The number of incidents, the sample's included, and of updates.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub incidents: usize,
    /// Of the history only, without the sample's.
    pub updates: usize,
}

/// Writes the sample and its history into a new database; keeps one that already has them.
pub async fn write(db: &Db, size: Size, clock: &Clock) -> anyhow::Result<()> {
    db.prepare(clock.now()).await?;
    let held = held(db).await?;
    if held >= size.incidents {
        return Ok(());
    }
    anyhow::ensure!(held == 0, "the database holds {held} incidents: begin with a new one");
    let company = demo::load_demo(db, clock).await?;
    let oldest = company.incidents.last().context("the sample has incidents")?.started_at;
    let count = size.incidents.saturating_sub(company.incidents.len());
    let mut past = Past::before(oldest, count, size.updates / count.max(1), company.components);
    let mut written = 0;
    while written < count {
        let batch = BATCH.min(count - written);
        write_batch(db, &mut past, batch, clock.now()).await?;
        written += batch;
        if written.is_multiple_of(BATCH * 5) {
            crate::print_progress(&format!("{written} of {count} incidents written"));
        }
    }
    Ok(())
}

async fn held(db: &Db) -> db::Result<usize> {
    let totals = incidents::totals(&mut db.read().await?, &HistoryFilter::default(), (None, None)).await?;
    Ok(usize::try_from(totals.count).unwrap_or(0))
}

async fn write_batch(db: &Db, past: &mut Past, batch: usize, now: DateTime<Utc>) -> db::Result<()> {
    let mut tx = db.write().await?;
    for _ in 0..batch {
        incidents::insert(&mut tx, &past.next()).await?;
    }
    tx.commit(&Actor::shell(), now, Entry::new(Action::SampleLoad, "", "The past")).await.map(drop)
}

pub async fn components(db: &Db) -> db::Result<Vec<Component>> {
    components::list(&mut db.read().await?).await
}

/// Generates the history from the newest incident to the oldest.
struct Past {
    random: Xoshiro256PlusPlus,
    components: Vec<Component>,
    updates: usize,
    /// The number of the next incident.
    number: usize,
    /// The start of the next incident, and the time between two starts.
    at: DateTime<Utc>,
    step: TimeDelta,
}

impl Past {
    fn before(oldest: DateTime<Utc>, count: usize, updates: usize, components: Vec<Component>) -> Self {
        let step = PAST / i32::try_from(count.max(1)).unwrap_or(i32::MAX);
        let random = Xoshiro256PlusPlus::seed_from_u64(SEED);
        Self { random, components, updates: updates.max(2), number: 0, at: oldest - TimeDelta::days(1), step }
    }

    fn next(&mut self) -> Incident {
        let (part, place) = (self.one_of(&PARTS), self.one_of(&PLACES));
        let (trouble, cause) = (self.one_of(&TROUBLES), self.one_of(&CAUSES));
        let started_at = self.at;
        let affected = self.affected();
        let mut at = started_at;
        let mut updates = Vec::with_capacity(self.updates);
        for index in 0..self.updates {
            at += TimeDelta::minutes(self.random.random_range(2..25));
            let (phase, body) = match index {
                0 => {
                    let body = format!("Since a few minutes ago {part} for {place} {trouble}. We are looking into it.");
                    (Phase::Investigating, body)
                }
                _ if index + 1 == self.updates => {
                    (Phase::Resolved, format!("Everything works again. What had happened: {cause}. We are sorry."))
                }
                _ if index + 2 == self.updates => {
                    (Phase::Monitoring, format!("It looks right again for {COMMON_WORD} of {place}. We keep watching."))
                }
                _ => (Phase::Identified, format!("The cause is {cause}. {}", self.one_of(&STEPS))),
            };
            let named = if index <= 1 { affected.clone() } else { Vec::new() };
            updates.push(self.update(phase, body, at, named));
        }
        let rare = if self.number.is_multiple_of(ONE_IN) { format!(" near the {RARE_WORD}") } else { String::new() };
        let title = format!("Some {part} for {place} {trouble}{rare}");
        self.number += 1;
        self.at -= self.step;
        incident(IncidentId::from_random(self.bytes()), title, started_at, updates)
    }

    fn update(&mut self, phase: Phase, body: String, at: DateTime<Utc>, components: Vec<AffectedComponent>) -> Update {
        let id = UpdateId::from_random(self.bytes());
        Update { id, phase, body, posted_at: at, created_at: at, edited_at: None, version: 1, components }
    }

    /// One to three components with an outage.
    fn affected(&mut self) -> Vec<AffectedComponent> {
        let first = self.random.random_range(0..self.components.len());
        let count = self.random.random_range(1..=3);
        let status = match self.random.random_range(0..10) {
            0 => Status::MajorOutage,
            1..=3 => Status::PartialOutage,
            _ => Status::DegradedPerformance,
        };
        let named = self.components.iter().cycle().skip(first).take(count);
        named.map(|it| AffectedComponent { id: it.id.clone(), name: it.name.clone(), status }).collect()
    }

    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.random.random_range(0..texts.len())]
    }

    fn bytes(&mut self) -> [u8; 12] {
        let mut bytes = [0; 12];
        self.random.fill_bytes(&mut bytes);
        bytes
    }
}

fn incident(id: IncidentId, title: String, started_at: DateTime<Utc>, updates: Vec<Update>) -> Incident {
    let mut incident = Incident {
        id,
        title,
        computed_impact: Impact::None,
        impact_override: None,
        phase: Phase::Resolved,
        started_at,
        ended_at: None,
        detected_by: Some("Monitoring".to_owned()),
        visibility: candor::domain::Visibility::Public,
        reminder: candor::domain::Reminder::default(),
        next_update_at: None,
        postmortem_published_at: None,
        internal_note: None,
        created_at: started_at,
        updated_at: started_at,
        version: 1,
        updates,
    };
    incident.recompute();
    incident
}
