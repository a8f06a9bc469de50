//! `candor incident …`: the same rules, transaction and audit as the web.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::components::{find, named_status};
use super::{output, text_or_input};
use crate::actions;
use crate::clock::Clock;
use crate::db::{self, Db, Tx, WriteTx, admin_incidents, components, page_settings};
use crate::domain::audit::Actor;
use crate::domain::forms::{IncidentDetailsForm, IncidentForm, UpdateForm};
use crate::domain::parse_time::{parse_instant, parse_local};
use crate::domain::{Component, Incident, IncidentId, Phase, Status, UpdateId, Visibility};

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Open an incident
    Open {
        /// What the visitor notices
        #[arg(long)]
        title: String,
        /// How far it has come
        #[arg(long, default_value = "investigating", value_parser = ["investigating", "identified", "monitoring", "resolved"])]
        phase: String,
        /// How bad it is; computed from the components where absent
        #[arg(long, value_parser = ["none", "minor", "major", "critical"])]
        impact: Option<String>,
        #[command(flatten)]
        said: Said,
        /// When it began: 2026-03-29T14:05:00Z, or 2026-03-29 14:05 in the zone of the page; now where absent
        #[arg(long, value_name = "TIME")]
        started_at: Option<String>,
        #[command(flatten)]
        seen: Seen,
    },
    /// Post an update
    Update {
        /// The id that `list` shows
        id: String,
        /// How far it has come; the phase it is in where absent
        #[arg(long, value_parser = ["investigating", "identified", "monitoring", "resolved"])]
        phase: Option<String>,
        #[command(flatten)]
        said: Said,
    },
    /// Post the update that ends it; its components stand as they are set again
    Resolve {
        /// The id that `list` shows
        id: String,
        /// What to tell visitors, in Markdown; - reads it from standard input
        #[arg(long, value_name = "TEXT|-", allow_hyphen_values = true)]
        body: String,
    },
    /// Show visitors an incident that only managers see
    Publish {
        /// The id that `list` shows
        id: String,
    },
    /// Open incidents, and the newest of those that are over
    List {
        /// How many of those that are over
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=1000))]
        limit: u16,
    },
}

/// Who sees an incident; everybody where nothing is said.
#[derive(Clone, Debug, clap::Args)]
pub struct Seen {
    /// Only managers see it, until it is published
    #[arg(long, conflicts_with = "publish_at")]
    internal: bool,

    /// From when on visitors see it, written like --started-at; until then only managers do
    #[arg(long, value_name = "TIME")]
    publish_at: Option<String>,
}

/// What an update says.
#[derive(Clone, Debug, clap::Args)]
pub struct Said {
    /// A component and how it stands from now on, like "API=partial_outage"; once for each
    #[arg(long = "component", value_name = "NAME=STATUS", value_parser = named_status)]
    components: Vec<(String, Status)>,

    /// What to tell visitors, in Markdown; - reads it from standard input
    #[arg(long, value_name = "TEXT|-", allow_hyphen_values = true)]
    body: String,
}

pub async fn run(command: Command, db: &Db, clock: &Clock) -> anyhow::Result<()> {
    match command {
        Command::Open { title, phase, impact, said, started_at, seen } => {
            let impact = impact.unwrap_or_default();
            let details = IncidentDetailsForm { title, impact, ..Default::default() };
            open(db, phase, details, said, (started_at.as_deref(), &seen), clock).await
        }
        Command::Update { id, phase, said } => update(db, &id, phase, said, clock).await,
        Command::Resolve { id, body } => resolve(db, &id, body, clock).await,
        Command::Publish { id } => publish(db, &id, clock).await,
        Command::List { limit } => list(db, limit).await,
    }
}

async fn open(
    db: &Db,
    phase: String,
    details: IncidentDetailsForm,
    said: Said,
    (started_at, seen): (Option<&str>, &Seen),
    clock: &Clock,
) -> anyhow::Result<()> {
    let (body, now) = (text_or_input(said.body)?, clock.now());
    let mut tx = db.write().await.map_err(output::plainly)?;
    let (chosen, known) = choose(&mut tx, &said.components).await?;
    let mut new =
        IncidentForm { id: String::new(), title: details.title.clone(), phase, body, components: chosen, details }
            .parse()?;
    let zone = page_settings::load(&mut tx).await?.time_zone;
    if let Some(text) = started_at {
        new.details.started_at = Some(time("--started-at", text, zone)?);
    }
    new.details.visibility = visibility(seen, zone)?;
    let incident = new.open(fresh_id(), fresh_update_id(), &known, now)?;
    let entry = actions::incidents::open(&mut tx, &incident, None).await.map_err(output::plainly)?;
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::plainly)?;
    say!("Opened {}: {}", incident.id, summary(&incident));
    Ok(())
}

async fn update(db: &Db, id: &str, phase: Option<String>, said: Said, clock: &Clock) -> anyhow::Result<()> {
    let body = text_or_input(said.body)?;
    let mut tx = db.write().await.map_err(output::plainly)?;
    let incident = load(&mut tx, id).await?;
    let (components, known) = choose(&mut tx, &said.components).await?;
    let phase = phase.unwrap_or_else(|| incident.phase.key().to_owned());
    let form = UpdateForm { phase, body, components, version: incident.version };
    post(tx, incident, &form, &known, clock).await
}

async fn resolve(db: &Db, id: &str, body: String, clock: &Clock) -> anyhow::Result<()> {
    let body = text_or_input(body)?;
    let mut tx = db.write().await.map_err(output::plainly)?;
    let incident = load(&mut tx, id).await?;
    if !incident.is_open() {
        bail!("{id} is resolved already");
    }
    let phase = Phase::Resolved.key().to_owned();
    let form = UpdateForm { phase, body, components: BTreeMap::new(), version: incident.version };
    post(tx, incident, &form, &[], clock).await
}

async fn publish(db: &Db, id: &str, clock: &Clock) -> anyhow::Result<()> {
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::plainly)?;
    let before = load(&mut tx, id).await?;
    if before.visibility.is_public() {
        bail!("visitors see {id} already");
    }
    let (incident, entry) = actions::incidents::publish(&mut tx, &before, now).await.map_err(output::plainly)?;
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::plainly)?;
    say!("Published {}: {}", incident.id, summary(&incident));
    Ok(())
}

async fn post(
    mut tx: WriteTx,
    mut incident: Incident,
    form: &UpdateForm,
    known: &[Component],
    clock: &Clock,
) -> anyhow::Result<()> {
    let now = clock.now();
    let before = incident.clone();
    form.parse()?.post(&mut incident, fresh_update_id(), known, now)?;
    let posted = actions::incidents::post_update(&mut tx, &before, &mut incident, None, now).await;
    tx.commit(&Actor::shell(), now, posted.map_err(output::plainly)?).await.map_err(output::plainly)?;
    say!("Posted to {}: {}", incident.id, summary(&incident));
    Ok(())
}

/// So many open incidents are listed whatever the limit of the others is.
const MOST_OPEN: i64 = 100;

async fn list(db: &Db, limit: u16) -> anyhow::Result<()> {
    let mut tx = db.read().await.map_err(output::plainly)?;
    let zone = page_settings::load(&mut tx).await?.time_zone;
    let mut shown = admin_incidents::open(&mut tx, None, i64::from(limit).max(MOST_OPEN)).await?;
    let newest = admin_incidents::list(&mut tx, None, i64::from(limit)).await?;
    shown.extend(newest.into_iter().filter(|incident| !incident.is_open()));
    let row = |incident: &Incident| {
        let (phase, impact) = (incident.phase.key().to_owned(), incident.impact().key().to_owned());
        let seen = incident.visibility.key().to_owned();
        [incident.id.to_string(), output::time(incident.started_at, zone), phase, impact, seen, incident.title.clone()]
    };
    let head = ["ID", "BEGAN", "PHASE", "IMPACT", "SEEN", "TITLE"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(shown.iter().map(row)).collect();
    say!("{}", output::table(&rows));
    Ok(())
}

/// The named components as a form has them, and all components.
async fn choose(tx: &mut Tx, named: &[(String, Status)]) -> anyhow::Result<(BTreeMap<String, String>, Vec<Component>)> {
    let (known, groups) = (components::list(tx).await?, components::groups(tx).await?);
    let mut chosen = BTreeMap::new();
    for (name, status) in named {
        let id = find(&known, &groups, name)?.id.to_string();
        if chosen.insert(id, status.key().to_owned()).is_some() {
            bail!("“{name}” is named twice");
        }
    }
    Ok((chosen, known))
}

async fn load(tx: &mut Tx, id: &str) -> anyhow::Result<Incident> {
    let missing = || format!("there is no incident {id}; `candor incident list` shows them");
    let parsed = IncidentId::parse(id).with_context(missing)?;
    match admin_incidents::find(tx, &parsed).await {
        Err(db::Error::NotFound) => bail!(missing()),
        found => found.map_err(output::plainly),
    }
}

fn visibility(seen: &Seen, zone: Tz) -> anyhow::Result<Option<Visibility>> {
    Ok(match &seen.publish_at {
        Some(text) => Some(Visibility::Embargoed(time("--publish-at", text, zone)?)),
        None => seen.internal.then_some(Visibility::Internal),
    })
}

/// An instant, or a time in the zone of the page.
fn time(option: &str, text: &str, zone: Tz) -> anyhow::Result<DateTime<Utc>> {
    let read = parse_instant(text).or_else(|_| parse_local(text, zone));
    read.map_err(|reason| anyhow::anyhow!("{option}: {reason}"))
}

fn summary(incident: &Incident) -> String {
    format!("{} ({}, {})", incident.title, incident.impact().words(), incident.phase.words())
}

fn fresh_id() -> IncidentId {
    IncidentId::from_random(crate::credentials::random())
}

fn fresh_update_id() -> UpdateId {
    UpdateId::from_random(crate::credentials::random())
}
