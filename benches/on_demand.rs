//! On-demand pages, each requested by its first reader since a publish.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use candor::clock::Clock;
use candor::db::{Db, incidents};
use candor::domain::history::{Cursor, HistoryFilter};
use candor::domain::{Component, Incident};
use chrono::{Datelike as _, Months};
use tokio_util::sync::CancellationToken;

use crate::client::Connection;
use crate::history::{COMMON_WORD, RARE_WORD};
use crate::publishing::PublishingBench;
use crate::servers::Server;
use crate::{history, report};

/// The number of places in the history, and so the most samples per kind.
pub const PLACES: usize = 12;

/// The times of the first readers of one kind of page, in milliseconds.
pub struct Cold {
    pub kind: &'static str,
    pub spans: Vec<f64>,
}

impl Cold {
    pub fn slowest(&self) -> f64 {
        report::quantile(self.spans.iter().copied(), 1.0)
    }

    /// A row of the table of pages.
    pub fn row(&self) -> Vec<String> {
        let median = report::median(self.spans.iter().copied());
        vec![self.kind.to_owned(), format!("{median:.1}"), format!("{:.1}", self.slowest())]
    }
}

/// The components and incidents that the sampled addresses name.
struct Places {
    components: Vec<Component>,
    /// From the whole history.
    incidents: Vec<Incident>,
}

/// A kind of page: its name, its status, and the address of each sample.
type Kind = (&'static str, u16, fn(&Places, usize) -> String);

const KINDS: [Kind; 17] = [
    ("an old incident", 200, |places, i| format!("/incidents/{}", places.incidents[i].id)),
    ("an incident that does not exist", 404, |_, i| format!("/incidents/nowhere{i}")),
    ("an old month", 200, |places, i| format!("/history/{}", places.incidents[i].started_at.format("%Y-%m"))),
    ("the whole history from deep within", 200, |places, i| {
        let incident = &places.incidents[i];
        let cursor = Cursor { started_at: incident.started_at, id: incident.id.clone() };
        format!("/history?before={cursor}")
    }),
    ("one component", 200, |places, i| format!("/history?component={}", component(places, i))),
    ("one impact", 200, |_, i| format!("/history?impact={}", impact(i))),
    ("a year", 200, |places, i| {
        let year = places.incidents[i].started_at.year();
        format!("/history?from={year}-01-01&to={year}-12-31")
    }),
    ("the last two years", 200, |_, i| format!("/history?range=2y&impact={}", impact(i))),
    ("a word of many incidents", 200, |_, i| format!("/history?q={COMMON_WORD}{}", "+of".repeat(i % 2))),
    ("a word of few incidents", 200, |_, i| format!("/history?q={}", &RARE_WORD[..RARE_WORD.len() - i % 3])),
    ("a word of none", 200, |_, i| format!("/history?q=zeppelin{i}")),
    ("component, impact, word and years", 200, |places, i| {
        let component = component(places, i);
        format!("/history?component={component}&impact={}&q={RARE_WORD}&from=2010-01-01&to=2020-12-31", impact(i))
    }),
    ("uptime of twelve months", 200, |_, _| "/uptime".to_owned()),
    ("an old incident, for programs", 200, |places, i| format!("/api/v2/incidents/{}.json", places.incidents[i].id)),
    ("the same at its own address", 200, |places, i| format!("/incidents/{}.json", places.incidents[i].id)),
    ("three months, for programs", 200, |_, i| format!("/history.json?page={}", 10 + 8 * i)),
    ("the last days of one component", 200, |places, i| {
        format!("/uptime_showcase?components={}", component(places, i))
    }),
];

fn component(places: &Places, i: usize) -> String {
    places.components[i % places.components.len()].id.to_string()
}

fn impact(i: usize) -> &'static str {
    ["critical", "major", "minor", "none"][i % 4]
}

/// Requests `samples` different pages of every kind, with a publish before each.
pub async fn measure(
    db: &Db,
    server: &Server,
    desk: &mut PublishingBench,
    samples: usize,
    clock: &Clock,
) -> anyhow::Result<Vec<Cold>> {
    let places =
        Places { components: history::components(db).await?, incidents: incidents_across_history(db, clock).await? };
    let mut measured = Vec::new();
    for (kind, status, address) in KINDS {
        let mut spans = Vec::new();
        for i in 0..samples.min(PLACES) {
            desk.change().await?;
            let path = address(&places, i);
            let mut reader = Connection::open(server.address).await?;
            let begun = Instant::now();
            let answer = reader.get(&path, &[("accept-encoding", "gzip")]).await?;
            spans.push(report::ms(begun.elapsed()));
            ensure!(answer.status == status, "{path}: status {}", answer.status);
        }
        measured.push(Cold { kind, spans });
        // Lets SQLite finish its checkpoint, so that it does not slow the next kind down.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(measured)
}

/// Reads on-demand pages in turn until `stop`, during publishes. Returns the times in milliseconds.
pub async fn read_on_demand_pages(
    db: Db,
    address: SocketAddr,
    clock: Clock,
    stop: CancellationToken,
) -> anyhow::Result<Vec<f64>> {
    let places =
        Places { components: history::components(&db).await?, incidents: incidents_across_history(&db, &clock).await? };
    let mut reader = Connection::open(address).await?;
    let mut spans = Vec::new();
    let mut addresses = Vec::new();
    for i in 0..PLACES {
        addresses.extend(KINDS.map(|(_, status, address)| (status, address(&places, i))));
    }
    for (status, path) in addresses.iter().cycle() {
        if stop.is_cancelled() {
            break;
        }
        let begun = Instant::now();
        let answer = reader.get(path, &[("accept-encoding", "gzip")]).await?;
        ensure!(answer.status == *status, "{path}: status {} under load", answer.status);
        spans.push(report::ms(begun.elapsed()));
    }
    Ok(spans)
}

/// The newest incidents before dates in the past: the first three years ago, then every 16 months.
async fn incidents_across_history(db: &Db, clock: &Clock) -> anyhow::Result<Vec<Incident>> {
    let mut tx = db.read().await?;
    let mut found = Vec::new();
    for i in 0..PLACES {
        let before = clock.now().checked_sub_months(Months::new(36 + 16 * u32::try_from(i)?));
        found.extend(incidents::list(&mut tx, &HistoryFilter::default(), (None, before), None, 1).await?);
    }
    ensure!(found.len() == PLACES, "the past is too short");
    Ok(found)
}
