//! The command line, one file per noun. Commands open the database themselves; a running server polls the revision and
//! publishes their changes within a second.

mod audit;
mod backup;
mod check;
mod completions;
mod components;
mod config;
pub mod demo;
mod export;
mod health;
mod import;
mod incidents;
mod mail;
mod maintenances;
mod managers;
mod manual;
mod nodes;
mod output;
mod restore;
mod settings;
mod subscribers;

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{FromArgMatches as _, Parser, Subcommand};

use self::settings::{Settings, read_settings};
use crate::clock::Clock;
use crate::config::{DatabaseConfig, ServeConfig, SiteConfig};
use crate::db::Db;
use crate::server::app;

/// The exit code for a command line or settings that can't be understood.
const USAGE_ERROR: i32 = 2;
/// In bytes; longer than the longest possible update.
const MAX_INPUT: u64 = 1 << 20;

/// Self-hosted status page server.
///
/// Every setting is a flag, an environment variable and a key of the settings file. Start with
/// `candor serve`; it prints a link to set up the owner account. `candor sample` fills an empty database
/// with a fictional company.
#[derive(Clone, Debug, Parser)]
#[command(name = "candor", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten, next_help_heading = "Database")]
    pub database: DatabaseConfig,
    /// Settings file (TOML) with long flags as keys, like base-url = "https://status.example.org"; flags and
    /// environment variables have precedence
    #[arg(long = "config", env = "CANDOR_CONFIG", value_name = "FILE", global = true, help_heading = "Settings")]
    pub config_file: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
    /// What reading them found.
    #[arg(skip)]
    settings: Settings,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the server: the public page and the admin
    Serve(Box<ServeConfig>),
    /// Manage the people who can log in
    #[command(subcommand)]
    Manager(managers::Command),
    /// Manage incidents from the command line
    #[command(subcommand)]
    Incident(incidents::Command),
    /// Schedule and run maintenance
    #[command(subcommand)]
    Maintenance(maintenances::Command),
    /// List, add, import, export and forget subscribers
    #[command(subcommand)]
    Subscriber(subscribers::Command),
    /// List components and set their status
    #[command(subcommand)]
    Component(components::Command),
    /// Import from Statuspage, Cachet, cState or Uptime Kuma
    #[command(subcommand)]
    Import(import::Command),
    /// Check the mail settings, send a test mail, read a bounce
    #[command(subcommand)]
    Mail(mail::Command),
    /// Fill an empty database with a fictional company and two years of its incidents
    Sample,
    /// Export the public page as files
    Export {
        /// The target folder; it is created if missing
        dir: PathBuf,
        /// Pages for any web server, or the JSON files of Statuspage's API with every incident, which API clients and
        /// `candor import statuspage DIR` read
        #[arg(long, value_enum, default_value_t = export::Format::Site)]
        format: export::Format,
        #[command(flatten)]
        site: SiteConfig,
    },
    /// Back up the database to a new file; works while the server runs
    Backup {
        /// The target file; it must not exist
        file: PathBuf,
    },
    /// Restore the database from a backup; works while the server runs and keeps the old database
    Restore {
        /// The backup file
        file: PathBuf,
    },
    /// List the servers that share this PostgreSQL database: state, revision, leases
    Nodes {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Verify the audit log
    #[command(subcommand)]
    Audit(audit::Command),
    /// Check database integrity; the exit code is 0 if it is intact
    Check(SiteConfig),
    /// Show every setting of the server with its value and where it comes from, and check them; the exit code is 1 if
    /// there is a problem
    Config(Box<config::Args>),
    /// Ask the running server whether it is well; the exit code is 0 if it is
    Health(health::Args),
    /// Print the completions for a shell
    Completions(completions::Args),
    /// Write the man pages into a folder
    Man(manual::Args),
}

impl Command {
    /// Whether it works with settings of a server. Others run although the settings have problems.
    fn needs_settings(&self) -> bool {
        !matches!(self, Self::Config(_) | Self::Health(_) | Self::Completions(_) | Self::Man(_))
    }
}

/// Parses the command line and reads the other sources of settings, or prints the help or errors and exits.
pub fn parse() -> Cli {
    let arguments: Vec<_> = std::env::args_os().collect();
    let (matches, settings) = read_settings(&arguments).unwrap_or_else(|error| error.exit());
    let mut cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    if !settings.problems.is_empty() && cli.command.needs_settings() {
        settings.print_problems();
        std::process::exit(USAGE_ERROR);
    }
    cli.settings = settings;
    cli
}

/// Runs the command. Errors are messages for the user; a failed command leaves nothing half-written.
pub async fn run(cli: Cli, clock: &Clock) -> anyhow::Result<ExitCode> {
    let database = &cli.database;
    match &cli.command {
        Command::Serve(serve) => {
            app::serve(serve, database, clock.clone(), &cli.settings.warnings).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Config(args) => return Ok(config::run(args, database, &cli.settings)),
        Command::Health(args) => return Ok(health::run(args).await),
        Command::Completions(args) => return Ok(completions::run(args)),
        Command::Man(args) => return manual::run(args),
        _ => {}
    }
    if let Command::Mail(command @ (mail::Command::Check { .. } | mail::Command::Test { .. })) = &cli.command {
        return mail::run(command, clock).await;
    }
    let db = match &cli.command {
        Command::Manager(managers::Command::Add { .. }) | Command::Import(_) | Command::Sample => {
            prepare_database(database, clock).await?
        }
        Command::Audit(_) | Command::Backup { .. } | Command::Check(_) => {
            let db = open_existing_database(database)?;
            db.protect_from_old_wal(clock.now()).await.map_err(output::describe_error)?;
            db.refuse_pre_release().await.map_err(output::describe_error)?;
            db
        }
        Command::Restore { .. } => Db::at(&database.url()?).map_err(output::describe_error)?,
        _ => {
            open_existing_database(database)?;
            prepare_database(database, clock).await?
        }
    };
    let done = run_command(cli.command, &db, clock).await;
    db.close().await;
    done
}

async fn run_command(command: Command, db: &Db, clock: &Clock) -> anyhow::Result<ExitCode> {
    match command {
        Command::Mail(mail::Command::Bounce { site, secret_key_file }) => {
            let key_file = secret_key_file.unwrap_or_else(|| site.data_dir.join("secret.key"));
            return mail::read_bounce(db, clock, key_file).await;
        }
        Command::Serve(_)
        | Command::Mail(_)
        | Command::Config(_)
        | Command::Health(_)
        | Command::Completions(_)
        | Command::Man(_) => unreachable!("these open no database here"),
        Command::Export { dir, format, site } => export::run(db, clock, &site, &dir, format).await?,
        Command::Manager(command) => managers::run(command, db, clock).await?,
        Command::Incident(command) => incidents::run(command, db, clock).await?,
        Command::Maintenance(command) => maintenances::run(command, db, clock).await?,
        Command::Subscriber(command) => subscribers::run(command, db, clock).await?,
        Command::Component(command) => components::run(command, db, clock).await?,
        Command::Import(command) => return import::run(command, db, clock).await,
        Command::Sample => demo::run(db, clock).await?,
        Command::Backup { file } => backup::run(db, &file).await?,
        Command::Restore { file } => restore::run(db, clock, &file).await?,
        Command::Nodes { json } => nodes::run(db, clock, json).await?,
        Command::Audit(command) => return audit::run(command, db).await,
        Command::Check(site) => return check::run(db, clock, &site).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens the database, and creates or upgrades it first.
async fn prepare_database(config: &DatabaseConfig, clock: &Clock) -> anyhow::Result<Db> {
    let db = Db::at(&config.url()?).map_err(output::describe_error)?;
    db.prepare(clock.now()).await.map_err(output::describe_error)?;
    Ok(db)
}

/// Opens an existing database. A command run in the wrong folder must not create a new, empty one.
fn open_existing_database(config: &DatabaseConfig) -> anyhow::Result<Db> {
    let db = Db::at(&config.url()?).map_err(output::describe_error)?;
    if let Db::Sqlite { path, .. } = &db {
        if !path.exists() {
            bail!("there is no database at {}: set --database-url or CANDOR_DATABASE_URL", path.display());
        }
        if std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() == 0) {
            bail!("the database at {} is empty: restore it with candor restore FILE", path.display());
        }
    }
    Ok(db)
}

/// The argument itself, or standard input for `-`.
fn read_text_argument(argument: String) -> anyhow::Result<String> {
    if argument != "-" {
        return Ok(argument);
    }
    let mut text = String::new();
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut text).context("reading the text from standard input")?;
    Ok(text.replace("\r\n", "\n"))
}
