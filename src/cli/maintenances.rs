//! `candor maintenance …`, with the same validation, transactions and audit log as the web interface.

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::components::find_component;
use super::incidents::NotifyArgs;
use super::{output, read_text_argument};
use crate::actions;
use crate::clock::Clock;
use crate::db::{self, Db, Tx, components, maintenances, page_settings};
use crate::domain::audit::{Action, Actor};
use crate::domain::forms::{CancellationForm, NewMaintenance, PlanForm, Window, parse_body as message};
use crate::domain::maintenance::Automation;
use crate::domain::parse_time::{parse_any_instant, parse_zone};
use crate::domain::{Maintenance, MaintenanceId, UpdateId};

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Schedule maintenance
    Plan {
        /// Title, for example "Database upgrade"
        #[arg(long)]
        title: String,
        /// Start: 2026-03-29T14:05:00Z, or 2026-03-29 14:05 in --zone
        #[arg(long, value_name = "TIME")]
        from: String,
        /// End, written like the start
        #[arg(long, value_name = "TIME")]
        until: String,
        /// Time zone of start and end, like Europe/Lisbon [default: the page's]
        #[arg(long)]
        zone: Option<String>,
        /// Affected component, by name or ID; repeatable
        #[arg(long = "component", value_name = "NAME")]
        components: Vec<String>,
        /// Message, in Markdown; - reads it from standard input
        #[arg(long, value_name = "TEXT|-", allow_hyphen_values = true)]
        body: String,
        /// Automation to turn off: remind, start, complete, or mark (set component status)
        #[arg(long = "without", value_name = "STEP", value_parser = ["remind", "start", "complete", "mark"])]
        without: Vec<String>,
        #[command(flatten)]
        notify: NotifyArgs,
    },
    /// Start it now, even before the scheduled time
    Start {
        /// ID, as shown by `list`
        id: String,
        #[command(flatten)]
        notify: NotifyArgs,
    },
    /// Complete it now; its components return to their manual status
    Complete {
        /// ID, as shown by `list`
        id: String,
        #[command(flatten)]
        notify: NotifyArgs,
    },
    /// Cancel it; it stays on the page as cancelled
    Cancel {
        /// ID, as shown by `list`
        id: String,
        /// Reason, in Markdown; - reads it from standard input
        #[arg(long, value_name = "TEXT|-", allow_hyphen_values = true)]
        body: Option<String>,
        #[command(flatten)]
        notify: NotifyArgs,
    },
    /// List scheduled and active maintenance and the latest completed
    List {
        /// Number of maintenances that are over
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=1000))]
        limit: u16,
    },
}

pub async fn run(command: Command, db: &Db, clock: &Clock) -> anyhow::Result<()> {
    match command {
        Command::Plan { title, from, until, zone, components, body, without, notify } => {
            let has = |step: &str| !without.iter().any(|left_out| left_out == step);
            let switches = Automation {
                reminds: has("remind"),
                starts: has("start"),
                completes: has("complete"),
                marks: has("mark"),
            };
            let plan = PlanForm { title, switches, ..PlanForm::default() };
            let times = WindowArgs { from: &from, until: &until, zone: zone.as_deref() };
            self::plan(db, plan, &components, (times, notify), body, clock).await
        }
        Command::Start { id, notify } => {
            let what = (Action::MaintenanceStart, "Started", notify);
            change_maintenance(db, &id, what, clock, Maintenance::begin).await
        }
        Command::Complete { id, notify } => {
            let what = (Action::MaintenanceComplete, "Completed", notify);
            change_maintenance(db, &id, what, clock, Maintenance::complete).await
        }
        Command::Cancel { id, body, notify } => {
            let body = body.map(read_text_argument).transpose()?.unwrap_or_default();
            let text = CancellationForm { body, version: 0 }.parse()?;
            let what = (Action::MaintenanceCancel, "Cancelled", notify);
            change_maintenance(db, &id, what, clock, |it, id, now| it.cancel(text, id, now)).await
        }
        Command::List { limit } => list(db, limit).await,
    }
}

struct WindowArgs<'a> {
    from: &'a str,
    until: &'a str,
    zone: Option<&'a str>,
}

async fn plan(
    db: &Db,
    mut plan: PlanForm,
    named: &[String],
    (times, notify): (WindowArgs<'_>, NotifyArgs),
    body: String,
    clock: &Clock,
) -> anyhow::Result<()> {
    let body = message(&read_text_argument(body)?).map_err(|reason| anyhow::anyhow!("--body: {reason}"))?;
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let window = parse_window(&times, page_settings::load(&mut tx).await?.time_zone)?;
    let (known, groups) = (components::list(&mut tx).await?, components::list_groups(&mut tx).await?);
    for name in named {
        plan.components.insert(find_component(&known, &groups, name)?.id.to_string());
    }
    let new = NewMaintenance { plan: plan.parse()?, window, body };
    let made =
        new.plan((MaintenanceId::from_random(crate::credentials::random_bytes()), fresh_update_id()), &known, now)?;
    notify.apply(&mut tx, made.id.as_str(), made.newest_update().map(|update| &update.id)).await?;
    let entry = actions::maintenances::schedule(&mut tx, &made).await.map_err(output::describe_error)?;
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::describe_error)?;
    say!("Scheduled {}: {}", made.id, made.title);
    Ok(())
}

fn parse_window(times: &WindowArgs<'_>, page_zone: Tz) -> anyhow::Result<Window> {
    let zone = times.zone.map(parse_zone).transpose().map_err(|reason| anyhow::anyhow!("--zone: {reason}"))?;
    let zone = zone.unwrap_or(page_zone);
    let read =
        |flag: &str, text: &str| parse_any_instant(text, zone).map_err(|reason| anyhow::anyhow!("{flag}: {reason}"));
    let (from, until) = (read("--from", times.from)?, read("--until", times.until)?);
    if until <= from {
        bail!("--until: the end must be after the start");
    }
    Ok(Window { from, until, zone })
}

async fn change_maintenance(
    db: &Db,
    id: &str,
    (action, done, notify): (Action, &str, NotifyArgs),
    clock: &Clock,
    step: impl FnOnce(&mut Maintenance, UpdateId, DateTime<Utc>) -> Result<(), &'static str>,
) -> anyhow::Result<()> {
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let mut maintenance = load_maintenance(&mut tx, id).await?;
    let before = maintenance.clone();
    step(&mut maintenance, fresh_update_id(), now).map_err(anyhow::Error::msg)?;
    notify.apply(&mut tx, id, maintenance.newest_update().map(|update| &update.id)).await?;
    let saved = actions::maintenances::save(&mut tx, action, &before, &mut maintenance, now).await;
    tx.commit_all(&Actor::shell(), now, &saved.map_err(output::describe_error)?)
        .await
        .map_err(output::describe_error)?;
    say!("{done} {}: {}", maintenance.id, maintenance.title);
    Ok(())
}

async fn list(db: &Db, limit: u16) -> anyhow::Result<()> {
    let mut tx = db.read().await.map_err(output::describe_error)?;
    let zone = page_settings::load(&mut tx).await?.time_zone;
    let mut shown = maintenances::list_planned(&mut tx).await?;
    shown.extend(maintenances::list_completed_since(&mut tx, DateTime::UNIX_EPOCH, i64::from(limit)).await?);
    let row = |it: &Maintenance| {
        let (from, until) =
            (output::format_time(it.scheduled_for, zone), output::format_time(it.scheduled_until, zone));
        [it.id.to_string(), from, until, it.phase.key().to_owned(), it.title.clone()]
    };
    let head = ["ID", "FROM", "UNTIL", "STATUS", "TITLE"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(shown.iter().map(row)).collect();
    say!("{}", output::format_table(&rows));
    Ok(())
}

async fn load_maintenance(tx: &mut Tx, id: &str) -> anyhow::Result<Maintenance> {
    let missing = || format!("unknown maintenance {id} (see `candor maintenance list`)");
    let parsed = MaintenanceId::parse(id).with_context(missing)?;
    match maintenances::find(tx, &parsed).await {
        Err(db::Error::NotFound) => bail!(missing()),
        found => found.map_err(output::describe_error),
    }
}

fn fresh_update_id() -> UpdateId {
    UpdateId::from_random(crate::credentials::random_bytes())
}
