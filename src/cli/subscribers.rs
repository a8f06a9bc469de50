//! `candor subscriber …`. Addresses and links need the server's key file.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::components::find_component;
use super::output;
use crate::actions;
use crate::actions::subscriber_import::KnownAddresses;
use crate::actions::subscribers::{SubscriberKeys, SubscriptionRequest, parse_endpoint};
use crate::clock::Clock;
use crate::credentials::secret_key::SecretKey;
use crate::credentials::subscriber_links::SubscriberLinks;
use crate::db::subscribers::{SubscriberFilter, SubscriberSort};
use crate::db::{Db, Tx, components, page_settings, subscribers, suppressions};
use crate::domain::Subscriber;
use crate::domain::audit::Actor;
use crate::domain::subscriber::{Channel, IncidentEvents, Scope, SubscriberState, parse_email};
use crate::import::subscriber_list::{MAX_LIST, SubscriberList, export_list, read_list, skip_known};

/// Skipped rows that are printed.
const MAX_PRINTED: usize = 20;

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List subscribers, newest first
    List {
        /// Only those in this state
        #[arg(long, value_parser = ["active", "unconfirmed", "quarantined"])]
        state: Option<String>,
        /// Part of an e-mail address or of a webhook's host
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Number of subscribers
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Add a subscriber who has agreed to get messages
    Add {
        /// E-mail address; for a webhook, who is told when it fails
        email: String,
        /// Webhook URL; Slack, Teams, Discord and Google Chat are recognized by their host
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
        /// Component, by name or ID; repeatable [default: the whole page]
        #[arg(long = "component", value_name = "NAME")]
        components: Vec<String>,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Import a CSV file with the columns email, endpoint, components; without --agreed, only checks it
    Import {
        /// The CSV file
        file: PathBuf,
        /// These people have agreed to get messages: add them without a confirmation mail
        #[arg(long)]
        agreed: bool,
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Print all subscribers as CSV
    Export {
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Delete everything about an e-mail address
    Forget {
        /// E-mail address
        address: String,
        #[command(flatten)]
        key: KeyArgs,
    },
}

/// Where the server's key is.
#[derive(Clone, Debug, clap::Args)]
pub struct KeyArgs {
    /// The server's key file [default: DATA_DIR/secret.key]
    #[arg(long, env = "CANDOR_SECRET_KEY_FILE", value_name = "FILE")]
    pub secret_key_file: Option<PathBuf>,
    /// The server's data folder
    #[arg(long, env = "CANDOR_DATA_DIR", default_value = "data", value_name = "DIR")]
    pub data_dir: PathBuf,
}

pub struct Keys {
    secret_key: SecretKey,
    links: SubscriberLinks,
}

impl KeyArgs {
    /// A missing file is created only if nothing depends on it: another key would accept addresses that unsubscribed.
    pub async fn load(&self, tx: &mut Tx) -> anyhow::Result<Keys> {
        let file = self.secret_key_file.clone().unwrap_or_else(|| self.data_dir.join("secret.key"));
        let is_needed = subscribers::count_all(tx).await? > 0 || !suppressions::list_all(tx).await?.is_empty();
        if is_needed && !file.exists() {
            bail!("there is no key file at {}: set --data-dir or --secret-key-file as for the server", file.display());
        }
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        }
        let secret_key = SecretKey::from_file(file);
        let links = SubscriberLinks::from_secret_key(&secret_key)?;
        Ok(Keys { secret_key, links })
    }
}

impl Keys {
    pub fn keys(&self) -> SubscriberKeys<'_> {
        SubscriberKeys { secret_key: &self.secret_key, links: &self.links }
    }
}

pub async fn run(command: Command, db: &Db, clock: &Clock) -> anyhow::Result<()> {
    match command {
        Command::List { state, search, limit } => list(db, state.as_deref(), search, limit).await,
        Command::Add { email, endpoint, components, key } => {
            add(db, clock, (&email, endpoint.as_deref()), &components, &key).await
        }
        Command::Import { file, agreed, key } => import(db, clock, &file, agreed, &key).await,
        Command::Export { key } => export(db, clock, &key).await,
        Command::Forget { address, key } => forget(db, clock, &address, &key).await,
    }
}

async fn list(db: &Db, state: Option<&str>, search: Option<String>, limit: u32) -> anyhow::Result<()> {
    let mut tx = db.read().await.map_err(output::describe_error)?;
    let zone = page_settings::load(&mut tx).await?.time_zone;
    let filter = SubscriberFilter {
        search: search.unwrap_or_default(),
        state: state.and_then(SubscriberState::from_key),
        ..SubscriberFilter::default()
    };
    let sort = (SubscriberSort::Created, false);
    let found = subscribers::list_window(&mut tx, &filter, &[], sort, (0, i64::from(limit))).await?;
    let row = |it: &Subscriber| {
        let scope = match &it.scope {
            Scope::Components(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            Scope::Page | Scope::Incident(_) => "page".to_owned(),
        };
        let address = it.endpoint_host.clone().or_else(|| it.email.clone()).unwrap_or_default();
        let (channel, state) = (it.channel.key().to_owned(), it.state.key().to_owned());
        [it.id.to_string(), channel, state, output::format_time(it.requested_at, zone), scope, address]
    };
    let head = ["ID", "CHANNEL", "STATE", "SINCE", "COVERS", "ADDRESS"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(found.iter().map(row)).collect();
    say!("{}", output::format_table(&rows));
    Ok(())
}

async fn add(
    db: &Db,
    clock: &Clock,
    (email, endpoint): (&str, Option<&str>),
    named: &[String],
    key: &KeyArgs,
) -> anyhow::Result<()> {
    let email = parse_email(email).with_context(|| format!("“{email}” is not an e-mail address"))?;
    let (channel, endpoint) = match endpoint {
        None => (Channel::Email, None),
        Some(url) => parse_endpoint(url)
            .map(|(channel, url)| (channel, Some(url)))
            .map_err(|reason| anyhow::anyhow!("--endpoint: {reason}"))?,
    };
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let keys = key.load(&mut tx).await?;
    let (known, groups) = (components::list(&mut tx).await?, components::list_groups(&mut tx).await?);
    let mut chosen = Vec::new();
    for name in named {
        chosen.push(find_component(&known, &groups, name)?.id.clone());
    }
    let scope = if chosen.is_empty() { Scope::Page } else { Scope::Components(chosen) };
    let incidents = IncidentEvents::All;
    let wish = SubscriptionRequest { channel, email: Some(email), endpoint, scope, incidents, maintenance: true };
    let added = actions::subscribers::add(&mut tx, keys.keys(), &wish, SubscriberState::Active, now).await;
    let (subscriber, entry) = added.map_err(output::describe_error)?;
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::describe_error)?;
    say!("Added {}", subscriber.id);
    Ok(())
}

async fn import(db: &Db, clock: &Clock, file: &std::path::Path, agreed: bool, key: &KeyArgs) -> anyhow::Result<()> {
    let about = std::fs::metadata(file).with_context(|| format!("reading {}", file.display()))?;
    if about.len() > u64::try_from(MAX_LIST).unwrap_or(u64::MAX) {
        bail!("{} is larger than {} MB: split it", file.display(), MAX_LIST / (1024 * 1024));
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let keys = key.load(&mut tx).await?;
    let known = components::list(&mut tx).await?;
    let mut list = read_list(&text, &known).map_err(anyhow::Error::msg)?;
    skip_known(&mut list, &mut KnownAddresses::load(&mut tx).await?, keys.keys());
    print_skipped(&list);
    if !agreed {
        say!("{} would be added. Add --agreed if these people have agreed to get messages.", list.wishes.len());
        return Ok(());
    }
    let skipped = list.skipped.len();
    let imported = actions::subscriber_import::import(&mut tx, keys.keys(), &list.wishes, skipped, now).await;
    let (added, entry) = imported.map_err(output::describe_error)?;
    tx.commit(&Actor::shell(), now, entry).await.map_err(output::describe_error)?;
    say!("Added {}, skipped {skipped}", output::format_count(added, "subscriber"));
    Ok(())
}

pub fn print_skipped(list: &SubscriberList) {
    for row in list.skipped.iter().take(MAX_PRINTED) {
        let line = if row.line == 0 { String::new() } else { format!("line {}: ", row.line) };
        say!("Skipped {line}{}: {}", row.address, row.reason);
    }
    let more = list.skipped.len().saturating_sub(MAX_PRINTED);
    if more > 0 {
        say!("and {more} more skipped");
    }
}

async fn export(db: &Db, clock: &Clock, key: &KeyArgs) -> anyhow::Result<()> {
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let keys = key.load(&mut tx).await?;
    let (text, count) = export_list(&mut tx, &keys.secret_key).await?;
    let entry = actions::subscriber_import::record_export(count);
    tx.commit(&Actor::shell(), clock.now(), entry).await.map_err(output::describe_error)?;
    say!("{}", text.trim_end());
    Ok(())
}

async fn forget(db: &Db, clock: &Clock, address: &str, key: &KeyArgs) -> anyhow::Result<()> {
    let email = parse_email(address).with_context(|| format!("“{address}” is not an e-mail address"))?;
    let now = clock.now();
    let mut tx = db.write().await.map_err(output::describe_error)?;
    let keys = key.load(&mut tx).await?;
    let entries =
        actions::subscribers::erase(&mut tx, keys.keys(), &email, now).await.map_err(output::describe_error)?;
    if entries.is_empty() {
        say!("There is nothing about this address");
        return Ok(());
    }
    tx.commit_all(&Actor::shell(), now, &entries).await.map_err(output::describe_error)?;
    say!("Deleted {}", output::format_count(entries.len(), "subscription"));
    Ok(())
}
