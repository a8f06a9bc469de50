//! How a long history affects readers and managers.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::ensure;
use candor::clock::Clock;
use candor::db::Db;
use tokio_util::sync::CancellationToken;

use crate::consistency::Readers;
use crate::history::{self, Size};
use crate::on_demand::{self, Cold};
use crate::postgres::{Cluster, Walks};
use crate::process::resident;
use crate::publishing::PublishingBench;
use crate::report::{self, mb, median, quantile, target_row};
use crate::servers::{self, Server};
use crate::streams::Followers;
use crate::wrk::{self, Load};
use crate::{compare, print_progress};

/// The history with which the long one is compared.
const SHORT: Size = Size { incidents: 100, updates: 500 };
/// An address without a database.
const UNREACHABLE: &str = "postgres://nobody@127.0.0.1:1/nowhere";
/// Readers that check every page while others load the server.
const CHECKING: usize = 4;
/// Publishes that are streamed to the followers.
const STREAMED_PUBLISHES: usize = 5;

/// How much, and on what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The databases to measure with
    #[arg(long, value_delimiter = ',', default_value = "sqlite,postgres")]
    databases: Vec<Kind>,

    /// Incidents in the long history
    #[arg(long, default_value_t = 100_000)]
    incidents: usize,

    /// Updates in the long history
    #[arg(long, default_value_t = 1_000_000)]
    updates: usize,

    /// Publishings whose way to the visitor is timed
    #[arg(long, default_value_t = 200)]
    publishings: usize,

    /// First readers of each kind of deep page, twelve at most
    #[arg(long, default_value_t = on_demand::PLACES)]
    samples: usize,

    /// Event streams at once
    #[arg(long, default_value_t = 10_000)]
    streams: usize,

    /// Rounds in which the long and the short history take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,

    /// How long each turn lasts
    #[arg(long, default_value_t = 4)]
    seconds: u64,

    /// How long something is published every second under load
    #[arg(long, default_value_t = 30)]
    loaded: u64,

    /// Where the long history on SQLite is kept, so that it need not be written again
    #[arg(long, default_value = "target/bench")]
    keep: PathBuf,
}

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

/// `make bench-scale`.
pub async fn run(options: &Options, clock: &Clock) -> anyhow::Result<()> {
    println!("{}", report::machine(clock.now()));
    for kind in &options.databases {
        match kind {
            Kind::Sqlite => {
                let folder = options.keep.join(format!("{}-{}", options.incidents, options.updates));
                std::fs::create_dir_all(&folder)?;
                let url = format!("sqlite://{}", folder.join("candor.db").display());
                measure("SQLite", &url, Some(&folder.join("candor.db")), options, clock).await?;
            }
            Kind::Postgres => {
                let cluster = Cluster::start().await?;
                measure("PostgreSQL", &cluster.url(), None, options, clock).await?;
            }
        }
    }
    Ok(())
}

struct Measured {
    verdicts: Vec<Vec<String>>,
    pages: Vec<Cold>,
}

/// Measures with the database at `url`; `file` is its path if it is SQLite.
async fn measure(name: &str, url: &str, file: Option<&Path>, options: &Options, clock: &Clock) -> anyhow::Result<()> {
    print_progress(&format!("{name}: writing the long history"));
    let db = Db::at(url)?;
    history::write(&db, Size { incidents: options.incidents, updates: options.updates }, clock).await?;
    settle(&db).await?;
    // Loads the file into the page cache, from which a build may have evicted it.
    if let Some(file) = file {
        std::io::copy(&mut std::fs::File::open(file)?, &mut std::io::sink())?;
    }
    let home = tempfile::Builder::new().prefix("candor-bench-").tempdir()?;
    let (server, starts) = compare::started(url, &folder(home.path(), "long")?).await?;
    let mut desk = PublishingBench::log_in(&db, server.address, clock).await?;
    let mut measured = Measured { verdicts: Vec::new(), pages: Vec::new() };
    measured.start(&starts);
    measured.start_without_a_database(&home.path().join("long")).await?;
    measured.reading(&server, home.path(), options, clock).await?;
    let walks = Cluster::walks(&db).await?;
    measured.publishing(&mut desk, options).await?;
    print_progress(&format!("{name}: cold pages"));
    measured.pages = on_demand::measure(&db, &server, &mut desk, options.samples, clock).await?;
    measured.walks(walks, Cluster::walks(&db).await?);
    measured.memory(&server)?;
    measured.following(&server, &mut desk, options).await?;
    measured.under_load(&server, &mut desk, (&db, clock), options).await?;
    drop(server);
    db.close().await;
    println!("{}", measured.report(name, options));
    Ok(())
}

fn folder(home: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = home.join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs the PostgreSQL maintenance that would otherwise run minutes after a bulk load.
async fn settle(db: &Db) -> anyhow::Result<()> {
    if let Db::Postgres(pool, _) = db {
        let mut connection = pool.acquire().await?;
        for statement in ["set statement_timeout = 0", "vacuum analyze", "checkpoint"] {
            sqlx::raw_sql(statement).execute(&mut *connection).await?;
        }
        connection.close().await?;
    }
    Ok(())
}

impl Measured {
    fn add(&mut self, what: &str, target: &str, figure: String, met: bool) {
        print_progress(&format!("{what}: {figure} (target {target})"));
        self.verdicts.push(target_row(what, target, figure, met));
    }

    fn start(&mut self, starts: &[f64]) {
        let start = median(starts.iter().copied());
        self.add("start to first answer", "<= 300 ms", format!("{start:.0} ms"), start <= 300.0);
    }

    /// Starts from the Site file in `folder` with an unreachable database.
    async fn start_without_a_database(&mut self, folder: &Path) -> anyhow::Result<()> {
        let mut starts = Vec::new();
        for _ in 0..compare::STARTS {
            let begun = Instant::now();
            let server = servers::candor(UNREACHABLE, folder)?;
            server.ready().await?;
            // The shutdown is not measured.
            starts.push(report::ms(begun.elapsed()));
        }
        let start = median(starts);
        self.add("the same without the database", "<= 1 s", format!("{start:.0} ms"), start <= 1000.0);
        Ok(())
    }

    /// Sequential scans of long tables by publishing and by on-demand pages.
    fn walks(&mut self, before: Option<Walks>, after: Option<Walks>) {
        let (Some(before), Some(after)) = (before, after) else { return };
        let more = |(table, count): (&String, &i64)| (table.clone(), count - before.get(table).unwrap_or(&0));
        let walked: Vec<_> = after.iter().map(more).filter(|(_, count)| *count > 0).collect();
        let figure = match &walked[..] {
            [] => "0".to_owned(),
            some => some.iter().map(|(table, count)| format!("{count} through {table}")).collect::<Vec<_>>().join(", "),
        };
        self.add("walks through long tables by all this", "0", figure, walked.is_empty());
    }

    async fn reading(&mut self, long: &Server, home: &Path, options: &Options, clock: &Clock) -> anyhow::Result<()> {
        let (short, _) = compare::published(&home.join("short"), SHORT, clock).await?;
        let lasting = Duration::from_secs(options.seconds);
        let [short, long] = compare::costs([&short, long], options.rounds, lasting).await?;
        let figure = format!("{:.2} ({long:.1} to {short:.1} µs)", long / short);
        self.add("CPU of `/`, to that with 100 incidents", "<= 1.05", figure, long / short <= 1.05);
        Ok(())
    }

    async fn publishing(&mut self, desk: &mut PublishingBench, options: &Options) -> anyhow::Result<()> {
        let mut spans = Vec::new();
        for _ in 0..options.publishings {
            spans.push(report::ms(desk.publish().await?));
            desk.take_back().await?;
        }
        let [p50, p99] = [0.5, 0.99].map(|part| quantile(spans.iter().copied(), part));
        let figure = format!("{p99:.0} ms (p50 {p50:.0} ms)");
        self.add("publish to visible, p99", "<= 100 ms", figure, p99 <= 100.0);
        Ok(())
    }

    fn memory(&mut self, server: &Server) -> anyhow::Result<()> {
        let bytes = resident(server.pid())?;
        let figure = format!("{} MB", mb(bytes));
        self.add("memory after all this", "<= 120 MB", figure, bytes <= 120_000_000);
        Ok(())
    }

    async fn following(
        &mut self,
        server: &Server,
        desk: &mut PublishingBench,
        options: &Options,
    ) -> anyhow::Result<()> {
        let before = resident(server.pid())?;
        let mut followers = Followers::open(options.streams, server.address).await?;
        let each = resident(server.pid())?.saturating_sub(before) / options.streams.max(1) as u64;
        let mut last = Vec::new();
        for _ in 0..STREAMED_PUBLISHES {
            // The page may have changed meanwhile, because it changes every minute.
            followers.forget();
            let begun = Instant::now();
            desk.publish().await?;
            last.push(quantile(followers.hear(begun).await?, 1.0));
            desk.take_back().await?;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let (slowest, streams) = (quantile(last, 1.0), options.streams);
        let figure = format!("{:.1} KB", each as f64 / 1e3);
        self.add(&format!("memory of each of {streams} event streams"), "<= 20 KB", figure, each <= 20_000);
        let figure = format!("{slowest:.0} ms");
        self.add("from the form until the last of them is told", "<= 1 s", figure, slowest <= 1000.0);
        Ok(())
    }

    async fn under_load(
        &mut self,
        server: &Server,
        desk: &mut PublishingBench,
        (db, clock): (&Db, &Clock),
        options: &Options,
    ) -> anyhow::Result<()> {
        let readers = Readers::start(CHECKING, server.address);
        let stop = CancellationToken::new();
        let wandering =
            tokio::spawn(on_demand::read_on_demand_pages(db.clone(), server.address, clock.clone(), stop.clone()));
        let lasting = Duration::from_secs(options.loaded);
        let headers = vec!["accept-encoding: gzip".to_owned()];
        let load = Load { address: server.address, connections: 64, lasting, headers };
        let loading = tokio::spawn(wrk::run(load));
        let mut beat = tokio::time::interval(Duration::from_secs(1));
        let mut spans = Vec::new();
        while !loading.is_finished() {
            beat.tick().await;
            spans.push(report::ms(desk.publish().await?));
        }
        let outcome = loading.await??;
        let seen = readers.finish().await?;
        stop.cancel();
        let waits = wandering.await??;
        for _ in &spans {
            desk.take_back().await?;
        }
        ensure!(seen.versions >= spans.len() / 2, "the readers missed most of what was published");
        let figure = format!(
            "{} errors in {} answers; {} checked, {} versions, no mixture",
            outcome.errors, outcome.requests, seen.pages, seen.versions
        );
        self.add("publishing every second under full load", "no error, no mixture", figure, outcome.errors == 0);
        let [p50, p99] = [0.5, 0.99].map(|part| quantile(spans.iter().copied(), part));
        let figure = format!("{p99:.0} ms of {} (p50 {p50:.0} ms)", spans.len());
        self.add("publish to visible meanwhile, p99", "<= 1 s, before the next", figure, p99 <= 1000.0);
        let [p50, p99] = [0.5, 0.99].map(|part| quantile(waits.iter().copied(), part));
        let figure = format!("{} of every kind, p50 {p50:.0} ms, p99 {p99:.0} ms", waits.len());
        self.add("deep pages meanwhile", "no error", figure, !waits.is_empty());
        Ok(())
    }

    fn report(&self, name: &str, options: &Options) -> String {
        let title = format!("{name}, {} incidents, {} updates", options.incidents, options.updates);
        let slowest = quantile(self.pages.iter().map(Cold::slowest), 1.0);
        let mut verdicts = self.verdicts.clone();
        let figure = format!("{slowest:.0} ms");
        verdicts.push(target_row("the slowest of the pages below", "<= 100 ms", figure, slowest <= 100.0));
        let pages: Vec<_> = self.pages.iter().map(Cold::row).collect();
        let pages = report::table(&["first reader after a publishing", "median ms", "slowest ms"], &pages);
        format!("{}\n{pages}", report::table(&[&title, "target", "measured", ""], &verdicts))
    }
}
