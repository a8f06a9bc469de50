//! One page, served in turn by a TCP loop, an axum handler, nginx and Candor.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use candor::clock::Clock;
use candor::db::Db;

use crate::client::Answer;
use crate::history::{self, Size};
use crate::process::{processor_time, resident};
use crate::report::{self, median, ms, target_row};
use crate::servers::{self, Server};
use crate::wrk::{self, Load, Outcome};
use crate::{baseline, print_progress};

/// How often Candor is started to measure its start.
pub const STARTS: usize = 5;
/// The page of a young company.
const SIZE: Size = Size { incidents: 100, updates: 500 };
/// Headers that depend on the server or that nginx writes itself.
const NGINX_WRITES: [&str; 10] = [
    "content-type",
    "content-encoding",
    "content-length",
    "etag",
    "vary",
    "date",
    "connection",
    "x-request-id",
    "last-modified",
    "accept-ranges",
];

/// How long and how often.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How many times the servers take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,

    /// How long each turn lasts
    #[arg(long, default_value_t = 4)]
    seconds: u64,
}

#[derive(Clone, Copy)]
struct Turn {
    outcome: Outcome,
    /// CPU time per request, in microseconds.
    cost: f64,
}

#[derive(Default)]
struct Turns {
    full: Vec<Turn>,
    single: Vec<Turn>,
    unchanged: Vec<Turn>,
    resident: u64,
}

/// `make bench`.
pub async fn run(options: &Options, clock: &Clock) -> anyhow::Result<()> {
    let machine = report::machine(clock.now());
    let home = tempfile::Builder::new().prefix("candor-bench-").tempdir()?;
    let (candor, starts) = published(&home.path().join("candor"), SIZE, clock).await?;
    let answers = Answers::of(&candor).await?;
    let servers = beside(candor, &answers, home.path()).await?;
    let mut turns: Vec<Turns> = servers.iter().map(|_| Turns::default()).collect();
    for round in 1..=options.rounds {
        for (server, turns) in servers.iter().zip(&mut turns) {
            print_progress(&format!("round {round} of {}: {}", options.rounds, server.name));
            turns.take(server, options).await?;
        }
    }
    println!("{machine}\n{}", answers.sizes());
    println!("{}", comparison(&servers, &turns, &answers));
    println!("{}", verdicts(&turns, &starts));
    Ok(())
}

/// Writes the sample and a history of this size, and publishes. Returns the server and the times from its starts to its
/// first answer from the Site file, in milliseconds.
pub async fn published(folder: &Path, size: Size, clock: &Clock) -> anyhow::Result<(Server, Vec<f64>)> {
    std::fs::create_dir_all(folder)?;
    let url = format!("sqlite://{}", folder.join("candor.db").display());
    let db = Db::at(&url)?;
    history::write(&db, size, clock).await?;
    db.close().await;
    started(&url, folder).await
}

/// The same with an existing database.
pub async fn started(url: &str, folder: &Path) -> anyhow::Result<(Server, Vec<f64>)> {
    let mut server = servers::candor(url, folder)?;
    server.ready().await?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        drop(server);
        let begun = Instant::now();
        server = servers::candor(url, folder)?;
        server.ready().await?;
        starts.push(ms(begun.elapsed()));
    }
    // Waits until the database is open and the page is published again.
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok((server, starts))
}

/// Candor's response in each encoding.
struct Answers {
    plain: Answer,
    gzip: Answer,
    brotli: Answer,
    unchanged: Answer,
}

impl Answers {
    async fn of(candor: &Server) -> anyhow::Result<Self> {
        let gzip = candor.get("/", &[("accept-encoding", "gzip")]).await?;
        let known = [("accept-encoding", "gzip"), ("if-none-match", gzip.header("etag"))];
        let unchanged = candor.get("/", &known).await?;
        ensure!(unchanged.status == 304, "status {} instead of 304", unchanged.status);
        let brotli = candor.get("/", &[("accept-encoding", "gzip, deflate, br, zstd")]).await?;
        Ok(Self { plain: candor.get("/", &[]).await?, brotli, unchanged, gzip })
    }

    /// The response sizes on the wire.
    fn sizes(&self) -> String {
        let row = |what: &str, answer: &Answer| {
            vec![what.to_owned(), answer.on_the_wire.to_string(), answer.body.len().to_string()]
        };
        report::table(
            &["`/` as Candor answers it", "bytes on the wire", "of these the body"],
            &[
                row("brotli", &self.brotli),
                row("gzip", &self.gzip),
                row("not compressed", &self.plain),
                row("304 Not Modified", &self.unchanged),
            ],
        )
    }

    /// Candor's own headers, as an nginx configuration.
    fn for_nginx(&self) -> String {
        let own = self.gzip.headers.iter().filter(|(name, _)| !NGINX_WRITES.contains(&name.as_str()));
        own.map(|(name, value)| format!("add_header {name} \"{}\";\n", value.replace('"', "\\\""))).collect()
    }
}

/// The servers in the order of their turns: TCP loop, axum handler, nginx twice, Candor.
async fn beside(candor: Server, answers: &Answers, home: &Path) -> anyhow::Result<Vec<Server>> {
    let pages = [answers.plain.body.as_slice(), answers.gzip.body.as_slice()];
    baseline::save_response(&answers.gzip, &home.join("bare"))?;
    let servers = vec![
        servers::tcp_loop(&home.join("bare"))?,
        servers::bare_handler(&home.join("bare"))?,
        servers::nginx("nginx, the same headers", &home.join("nginx"), pages, &answers.for_nginx())?,
        servers::nginx("nginx, its own headers only", &home.join("nginx-plain"), pages, "")?,
        candor,
    ];
    for server in &servers {
        server.ready().await?;
        let answer = server.get("/", &[("accept-encoding", "gzip")]).await?;
        ensure!(answer.header("content-encoding") == "gzip", "{} does not compress", server.name);
    }
    Ok(servers)
}

impl Turns {
    async fn take(&mut self, server: &Server, options: &Options) -> anyhow::Result<()> {
        let lasting = Duration::from_secs(options.seconds);
        let load = |connections, headers| Load { address: server.address, connections, lasting, headers };
        let gzip = "accept-encoding: gzip".to_owned();
        self.full.push(turn(server, load(64, vec![gzip.clone()])).await?);
        self.single.push(turn(server, load(1, vec![gzip.clone()])).await?);
        let tag = tag(server).await?;
        let known = [("accept-encoding", "gzip"), ("if-none-match", tag.as_str())];
        // The TCP loop never answers 304.
        if server.get("/", &known).await?.status == 304 {
            let unchanged = turn(server, load(64, vec![gzip, format!("if-none-match: {tag}")])).await?;
            // A page with an open incident changes every minute; discard the turn if it did.
            if tag == self::tag(server).await? {
                self.unchanged.push(unchanged);
            }
        }
        self.resident = resident(server.pid())?;
        Ok(())
    }
}

async fn tag(server: &Server) -> anyhow::Result<String> {
    let answer = server.get("/", &[("accept-encoding", "gzip")]).await?;
    Ok(answer.header("etag").to_owned())
}

async fn turn(server: &Server, load: Load) -> anyhow::Result<Turn> {
    let before = processor_time(server.pid())?;
    let outcome = wrk::run(load).await?;
    ensure!(outcome.errors == 0, "{}: {} errors", server.name, outcome.errors);
    let taken = processor_time(server.pid())? - before;
    Ok(Turn { outcome, cost: taken.as_secs_f64() * 1e6 / outcome.requests as f64 })
}

fn cost(turns: &[Turn]) -> f64 {
    median(turns.iter().map(|turn| turn.cost))
}

fn comparison(servers: &[Server], turns: &[Turns], answers: &Answers) -> String {
    let bare = cost(&turns[1].full);
    let row = |(server, turns): (&Server, &Turns)| {
        let of = |figure: fn(&Outcome) -> f64, turns: &[Turn]| median(turns.iter().map(|turn| figure(&turn.outcome)));
        let micros = |figure: fn(&Outcome) -> Duration, turns: &[Turn]| {
            format!("{:.0}", median(turns.iter().map(|turn| figure(&turn.outcome).as_secs_f64() * 1e6)))
        };
        vec![
            server.name.to_owned(),
            format!("{:.1}", cost(&turns.full)),
            format!("{:.2}", cost(&turns.full) / bare),
            format!("{:.0}", of(|outcome| outcome.per_second, &turns.full)),
            micros(|outcome| outcome.p50, &turns.full),
            micros(|outcome| outcome.p99, &turns.full),
            format!("{:.1}", cost(&turns.single)),
            micros(|outcome| outcome.p50, &turns.single),
            micros(|outcome| outcome.p99, &turns.single),
            if turns.unchanged.is_empty() { "–".to_owned() } else { format!("{:.1}", cost(&turns.unchanged)) },
            report::mb(turns.resident),
        ]
    };
    let rows: Vec<Vec<String>> = servers.iter().zip(turns).map(row).collect();
    let about = format!("gzip, {} bytes a page; medians of {} rounds", answers.gzip.on_the_wire, turns[0].full.len());
    let columns = [
        &about,
        "CPU µs per request, 64 connections",
        "ratio to bare",
        "requests/s",
        "p50 µs",
        "p99 µs",
        "CPU µs per request, 1 connection",
        "p50 µs",
        "p99 µs",
        "CPU µs per 304",
        "memory MB",
    ];
    report::table(&columns, &rows)
}

fn verdicts(turns: &[Turns], starts: &[f64]) -> String {
    let [floor, bare, nginx, plain, candor] = turns else { return String::new() };
    let full = |to: &Turns| cost(&candor.full) / cost(&to.full);
    let single = |to: &Turns| cost(&candor.single) / cost(&to.single);
    let ratio_row = |what: &str, ratio: f64, target: f64| {
        target_row(what, &format!("<= {target:.2}"), format!("{ratio:.2}"), ratio <= target)
    };
    let unchanged = cost(&candor.unchanged) / cost(&candor.full);
    let start = median(starts.iter().copied());
    let memory = candor.resident as f64 / 1e6;
    let columns = ["Candor, 100 incidents", "target", "measured", ""];
    report::table(
        &columns,
        &[
            ratio_row("CPU per request to the bare handler, 64 connections", full(bare), 1.05),
            ratio_row("to the TCP loop, 64 connections", full(floor), 1.30),
            ratio_row("to the bare handler, 1 connection", single(bare), 1.10),
            ratio_row("to nginx with the same headers, 64 connections", full(nginx), 0.85),
            ratio_row("to nginx with its own headers only, 64 connections", full(plain), 0.85),
            ratio_row("to nginx with its own headers only, 1 connection", single(plain), 0.85),
            target_row("CPU of a 304, to that of a 200", "< 1", format!("{unchanged:.2}"), unchanged < 1.0),
            target_row("memory after the load", "<= 40 MB", format!("{memory:.1} MB"), memory <= 40.0),
            target_row("start to first answer", "<= 300 ms", format!("{start:.0} ms"), start <= 300.0),
        ],
    )
}

/// CPU microseconds per request of `/` at each server: medians of alternating rounds.
pub async fn costs(servers: [&Server; 2], rounds: usize, lasting: Duration) -> anyhow::Result<[f64; 2]> {
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (server, costs) in servers.iter().zip(&mut costs) {
            let headers = vec!["accept-encoding: gzip".to_owned()];
            costs.push(turn(server, Load { address: server.address, connections: 64, lasting, headers }).await?.cost);
        }
    }
    Ok(costs.map(median))
}
