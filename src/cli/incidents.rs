//! `candor incident …`, with the same validation, transactions and audit log as the web interface.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::components::{find_component, parse_named_status};
use super::{output, read_text_argument};
use crate::actions;
use crate::clock::Clock;
use crate::db::{self, Db, Tx, WriteTx, admin_incidents, components, page_settings};
use crate::domain::audit::Actor;
use crate::domain::forms::{IncidentDetailsForm, IncidentForm, NextUpdateForm, UpdateForm};
use crate::domain::parse_time::parse_any_instant;
use crate::domain::{Component, Incident, IncidentId, Phase, Status, UpdateId, Visibility};

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Create an incident
    Open {
        /// What customers notice
        #[arg(long)]
        title: String,
        /// Status: investigating, identified, monitoring or resolved
        #[arg(long, default_value = "investigating", value_parser = ["investigating", "identified", "monitoring", "resolved"])]
        phase: String,
        /// Impact [default: computed from the components]
        #[arg(long, value_parser = ["none", "minor", "major", "critical"])]
        impact: Option<String>,
        #[command(flatten)]
        said: UpdateArgs,
        /// Start: 2026-03-29T14:05:00Z, or 2026-03-29 14:05 in the page's time zone [default: now]
        #[arg(long, value_name = "TIME")]
        started_at: Option<String>,
        #[command(flatten)]
        seen: VisibilityArgs,
        #[command(flatten)]
        notify: NotifyArgs,
    },
    /// Post an update
    Update {
        /// ID, as shown by `list`
        id: String,
        /// Status: investigating, identified, monitoring or resolved [default: unchanged]
        #[arg(long, value_parser = ["investigating", "identified", "monitoring", "resolved"])]
        phase: Option<String>,
        #[command(flatten)]
        said: UpdateArgs,
        #[command(flatten)]
        notify: NotifyArgs,
    },
    /// Resolve an incident; its components return to their manual status
    Resolve {
        /// ID, as shown by `list`
        id: String,
        /// Message, in Markdown; - reads it from standard input
        #[arg(long, value_name = "TEXT|-", allow_hyphen_values = true)]
        body: String,
        #[command(flatten)]
        notify: NotifyArgs,
    },
    /// Publish an internal incident
    Publish {
        /// ID, as shown by `list`
        id: String,
        #[command(flatten)]
        notify: NotifyArgs,
    },
    /// List open incidents and the latest resolved ones
    List {
        /// Number of incidents that are over
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=1000))]
        limit: u16,
    },
}

/// Whether subscribers are notified.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct NotifyArgs {
    /// Notify no subscribers
    #[arg(long)]
    pub no_notify: bool,
}

/// Who sees an incident; everyone by default.
#[derive(Clone, Debug, clap::Args)]
pub struct VisibilityArgs {
    /// Keep it internal until it is published
    #[arg(long, conflicts_with = "publish_at")]
    internal: bool,

    /// Publish at this time, written like --started-at; internal until then
    #[arg(long, value_name = "TIME")]
    publish_at: Option<String>,
}

/// What an update says.
#[derive(Clone, Debug, clap::Args)]
pub struct UpdateArgs {
    /// Component and its status, like "API=partial_outage"; repeatable
    #[arg(long = "component", value_name = "NAME=STATUS", value_parser = parse_named_status)]
    components: Vec<(String, Status)>,

    /// Message, in Markdown; - reads it from standard input
    #[arg(long, value_name = "TEXT|-", allow_hyphen_values = true)]
    body: String,

    /// Promise the next update: minutes like 30, or a time like 22:45 or 2026-03-29T14:05:00Z
    #[arg(long, value_name = "MINUTES|TIME")]
    next_update: Option<String>,
}

impl NotifyArgs {
    /// Stores the choice for `update`. Call it before the action.
    pub async fn apply(self, tx: &mut WriteTx, subject: &str, update: Option<&UpdateId>) -> anyhow::Result<()> {
        if let Some(update) = update.filter(|_| self.no_notify) {
            let stored = actions::notices::set_notification(tx, subject, update, false).await;
            stored.map_err(output::describe_error)?;
        }
        Ok(())
    }
}

pub async fn run(command: Command, db: &Db, clock: &Clock) -> anyhow::Result<()> {
    match command {
        Command::Open { title, phase, impact, said, started_at, seen, notify } => {
            let impact = impact.unwrap_or_default();
            let details = IncidentDetailsForm { title, impact, ..Default::default() };
            open(db, phase, details, said, (started_at.as_deref(), &seen, notify), clock).await
        }
        Command::Update { id, phase, said, notify } => update(db, &id, phase, said, notify, clock).await,
        Command::Resolve { id, body, notify } => resolve(db, &id, body, notify, clock).await,
        Command::Publish { id, notify } => publish(db, &id, notify, clock).await,
        Command::List { limit } => list(db, limit).await,
    }
}

async fn open(
    db: &Db,
    phase: String,
    details: IncidentDetailsForm,
    said: UpdateArgs,
    (started_at, seen, notify): (Option<&str>, &VisibilityArgs, NotifyArgs),
    clock: &Clock,
) -> anyhow::Result<()> {
    let (body, now) = (read_text_argument(said.body)?, clock.now());
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let (chosen, known) = choose_components(&mut tx, &said.components).await?;
    let zone = page_settings::load(&mut tx).await?.time_zone;
    let next_update = NextUpdateForm::from_text(said.next_update.as_deref(), zone);
    let title = details.title.clone();
    let form = IncidentForm { title, phase, body, components: chosen, next_update, details, ..IncidentForm::default() };
    let mut new = form.parse()?;
    if let Some(text) = started_at {
        new.details.started_at = Some(parse_time_option("--started-at", text, zone)?);
    }
    new.details.visibility = parse_visibility(seen, zone)?;
    let incident = new.open(fresh_id(), fresh_update_id, &known, now)?;
    notify.apply(&mut tx, incident.id.as_str(), incident.newest_update().map(|update| &update.id)).await?;
    let entry = actions::incidents::open(&mut tx, &incident, None).await.map_err(output::describe_error)?;
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::describe_error)?;
    say!("Opened {}: {}", incident.id, incident_summary(&incident));
    Ok(())
}

async fn update(
    db: &Db,
    id: &str,
    phase: Option<String>,
    said: UpdateArgs,
    notify: NotifyArgs,
    clock: &Clock,
) -> anyhow::Result<()> {
    let body = read_text_argument(said.body)?;
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let incident = load_incident(&mut tx, id).await?;
    let (components, known) = choose_components(&mut tx, &said.components).await?;
    let phase = phase.unwrap_or_else(|| incident.phase.key().to_owned());
    let zone = page_settings::load(&mut tx).await?.time_zone;
    let next_update = NextUpdateForm::from_text(said.next_update.as_deref(), zone);
    let form = UpdateForm { phase, body, components, next_update, version: incident.version };
    post_update(tx, incident, (&form, notify), &known, clock).await
}

async fn resolve(db: &Db, id: &str, body: String, notify: NotifyArgs, clock: &Clock) -> anyhow::Result<()> {
    let body = read_text_argument(body)?;
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let incident = load_incident(&mut tx, id).await?;
    if !incident.is_open() {
        bail!("{id} is already resolved");
    }
    let phase = Phase::Resolved.key().to_owned();
    let form = UpdateForm { phase, body, version: incident.version, ..UpdateForm::default() };
    post_update(tx, incident, (&form, notify), &[], clock).await
}

async fn publish(db: &Db, id: &str, notify: NotifyArgs, clock: &Clock) -> anyhow::Result<()> {
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let before = load_incident(&mut tx, id).await?;
    if before.visibility.is_public() {
        bail!("{id} is already public");
    }
    notify.apply(&mut tx, id, before.newest_update().map(|update| &update.id)).await?;
    let (incident, entry) = actions::incidents::publish(&mut tx, &before, now).await.map_err(output::describe_error)?;
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::describe_error)?;
    say!("Published {}: {}", incident.id, incident_summary(&incident));
    Ok(())
}

async fn post_update(
    mut tx: WriteTx,
    mut incident: Incident,
    (form, notify): (&UpdateForm, NotifyArgs),
    known: &[Component],
    clock: &Clock,
) -> anyhow::Result<()> {
    let now = clock.now();
    let before = incident.clone();
    form.parse()?.post(&mut incident, fresh_update_id(), known, now)?;
    let subject = incident.id.to_string();
    notify.apply(&mut tx, &subject, incident.newest_update().map(|update| &update.id)).await?;
    let posted = actions::incidents::post_update(&mut tx, &before, &mut incident, None, now).await;
    tx.commit(&Actor::shell(), now, posted.map_err(output::describe_error)?).await.map_err(output::describe_error)?;
    say!("Posted to {}: {}", incident.id, incident_summary(&incident));
    Ok(())
}

/// Open incidents listed, unless `limit` is higher; `limit` counts the others.
const MAX_OPEN_LISTED: i64 = 100;

async fn list(db: &Db, limit: u16) -> anyhow::Result<()> {
    let mut tx = db.read().await.map_err(output::describe_error)?;
    let zone = page_settings::load(&mut tx).await?.time_zone;
    let mut shown = admin_incidents::list_open(&mut tx, None, i64::from(limit).max(MAX_OPEN_LISTED)).await?;
    let newest = admin_incidents::list(&mut tx, None, i64::from(limit)).await?;
    shown.extend(newest.into_iter().filter(|incident| !incident.is_open()));
    let row = |incident: &Incident| {
        let (phase, impact) = (incident.phase.key().to_owned(), incident.impact().key().to_owned());
        let seen = incident.visibility.key().to_owned();
        [
            incident.id.to_string(),
            output::format_time(incident.started_at, zone),
            phase,
            impact,
            seen,
            incident.title.clone(),
        ]
    };
    let head = ["ID", "STARTED", "STATUS", "IMPACT", "VISIBILITY", "TITLE"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(shown.iter().map(row)).collect();
    say!("{}", output::format_table(&rows));
    Ok(())
}

/// The named components as form values, and all components.
async fn choose_components(
    tx: &mut Tx,
    named: &[(String, Status)],
) -> anyhow::Result<(BTreeMap<String, String>, Vec<Component>)> {
    let (known, groups) = (components::list(tx).await?, components::list_groups(tx).await?);
    let mut chosen = BTreeMap::new();
    for (name, status) in named {
        let id = find_component(&known, &groups, name)?.id.to_string();
        if chosen.insert(id, status.key().to_owned()).is_some() {
            bail!("“{name}” is given twice");
        }
    }
    Ok((chosen, known))
}

async fn load_incident(tx: &mut Tx, id: &str) -> anyhow::Result<Incident> {
    let missing = || format!("unknown incident {id} (see `candor incident list`)");
    let parsed = IncidentId::parse(id).with_context(missing)?;
    match admin_incidents::find(tx, &parsed).await {
        Err(db::Error::NotFound) => bail!(missing()),
        found => found.map_err(output::describe_error),
    }
}

fn parse_visibility(seen: &VisibilityArgs, zone: Tz) -> anyhow::Result<Option<Visibility>> {
    Ok(match &seen.publish_at {
        Some(text) => Some(Visibility::Embargoed(parse_time_option("--publish-at", text, zone)?)),
        None => seen.internal.then_some(Visibility::Internal),
    })
}

/// Parses an instant in any common form, in `zone` if it has no offset.
fn parse_time_option(option: &str, text: &str, zone: Tz) -> anyhow::Result<DateTime<Utc>> {
    parse_any_instant(text, zone).map_err(|reason| anyhow::anyhow!("{option}: {reason}"))
}

fn incident_summary(incident: &Incident) -> String {
    format!("{} ({}, {})", incident.title, incident.impact().words(), incident.phase.words())
}

fn fresh_id() -> IncidentId {
    IncidentId::from_random(crate::credentials::random_bytes())
}

fn fresh_update_id() -> UpdateId {
    UpdateId::from_random(crate::credentials::random_bytes())
}
