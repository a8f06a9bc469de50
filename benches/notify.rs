//! How fast subscribers are notified, and what a killed server loses or repeats: `make bench-notify`.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use candor::actions;
use candor::clock::Clock;
use candor::credentials::secret_key::SecretKey;
use candor::credentials::secret_token::hash_token;
use candor::db::subscribers::{self, SealedAddress};
use candor::db::{Db, incidents};
use candor::domain::audit::Actor;
use candor::domain::subscriber::{Channel, IncidentEvents, Scope, SubscriberState};
use candor::domain::{Incident, IncidentId, Phase, Subscriber, SubscriberId, Update, UpdateId};
use candor::notify::standard_webhooks::WebhookSecret;
use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::history::{self, Size};
use crate::postgres::Cluster;
use crate::print_progress;
use crate::process::{resident, thread_times};
use crate::report::{self, mb, target_row};
use crate::servers::{self, Server};
use crate::wrk::{self, Load};

const SEED: u64 = 20_261_128;
/// Hosts of the measured endpoints: each takes four requests at once.
const HOSTS: usize = 250;
const PATIENCE: Duration = Duration::from_secs(300);
/// Fewer are notified before readers are measured meanwhile.
const MIN_BESIDE_READERS: usize = 30_000;
const READER_ROUNDS: usize = 5;
const READERS_ROW: &str = "CPU of `/` meanwhile, relative to that at rest";
/// What tokio calls the threads that answer visitors; messages are sent on others.
const VISITOR_THREADS: &str = "tokio-rt-worker";

/// How many, and on what.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The databases to measure with
    #[arg(long, value_delimiter = ',', default_value = "sqlite,postgres")]
    databases: Vec<Kind>,

    /// Subscribers by e-mail
    #[arg(long, default_value_t = 50_000)]
    subscribers: usize,

    /// Connections to the mail server
    #[arg(long, default_value_t = 32)]
    connections: usize,

    /// Webhooks; of ten, one never answers and one always fails
    #[arg(long, default_value_t = 10_000)]
    webhooks: usize,

    /// Times that the server is killed while it tells 5,000 subscribers
    #[arg(long, default_value_t = 100)]
    kills: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

/// `make bench-notify`.
pub async fn run(options: &Options, clock: &Clock) -> anyhow::Result<()> {
    println!("{}", report::machine(clock.now()));
    for kind in &options.databases {
        let home = tempfile::Builder::new().prefix("candor-bench-").tempdir()?;
        let (name, rows) = match kind {
            Kind::Sqlite => {
                let url = |part: &str| format!("sqlite://{}", home.path().join(part).join("candor.db").display());
                ("SQLite", measure([&url("mail"), &url("hooks"), &url("kills")], home.path(), options, clock).await?)
            }
            Kind::Postgres => {
                let clusters = [Cluster::start().await?, Cluster::start().await?, Cluster::start().await?];
                let urls = [clusters[0].url(), clusters[1].url(), clusters[2].url()];
                let urls = [urls[0].as_str(), urls[1].as_str(), urls[2].as_str()];
                // What a killed server has leased is released after 30 s there, so the kills take minutes.
                ("PostgreSQL", measure(urls, home.path(), options, clock).await?)
            }
        };
        println!("{}", report::table(&[name, "target", "measured", ""], &rows));
    }
    Ok(())
}

async fn measure(urls: [&str; 3], home: &Path, options: &Options, clock: &Clock) -> anyhow::Result<Vec<Vec<String>>> {
    let mut rows = mail(urls[0], &folder(home, "mail")?, options, clock).await?;
    rows.extend(webhooks(urls[1], &folder(home, "hooks")?, options, clock).await?);
    rows.extend(kills(urls[2], &folder(home, "kills")?, options, clock).await?);
    Ok(rows)
}

fn folder(home: &Path, name: &str) -> anyhow::Result<std::path::PathBuf> {
    let folder = home.join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Time until the mail server has the last mail, and the memory that it takes.
async fn mail(url: &str, folder: &Path, options: &Options, clock: &Clock) -> anyhow::Result<Vec<Vec<String>>> {
    let sink = Sink::open().await?;
    let db = prepare(url, clock).await?;
    let added = Instant::now();
    subscribe_mail(&db, options.subscribers, clock).await?;
    print_progress(&format!("{} subscribers added in {:.1} s", options.subscribers, added.elapsed().as_secs_f64()));
    let server = start(url, folder, &sink, options.connections).await?;
    let idle = resident(server.pid())?;
    let (begun, mut most) = (Instant::now(), 0);
    open_incident(&db, clock).await?;
    while sink.count() < options.subscribers {
        ensure!(begun.elapsed() < PATIENCE, "only {} mails arrived", sink.count());
        most = most.max(resident(server.pid())?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (took, more) = (begun.elapsed().as_secs_f64(), most.saturating_sub(idle));
    let limit = 60 * 1024 * 1024;
    let beside_readers = if options.subscribers >= MIN_BESIDE_READERS {
        Some(measure_readers(&server, &sink, &db, options.subscribers, clock).await?)
    } else {
        print_progress(&format!("CPU of `/` meanwhile is measured with {MIN_BESIDE_READERS} subscribers or more"));
        None
    };
    let rows = vec![
        target_row(
            &format!("{} mails handed to the mail server", options.subscribers),
            "<= 60 s",
            format!("{took:.1} s, {:.0}/s", options.subscribers as f64 / took),
            took <= 60.0,
        ),
        target_row("memory above idle meanwhile", "<= 60 MB", format!("{} MB", mb(more)), more <= limit),
    ];
    Ok(rows.into_iter().chain(beside_readers).collect())
}

/// CPU time per request of `/` while mails are sent, relative to that before and after.
async fn measure_readers(
    server: &Server,
    sink: &Sink,
    db: &Db,
    subscribers: usize,
    clock: &Clock,
) -> anyhow::Result<Vec<String>> {
    let (mut rest, mut meanwhile) = (0.0, 0.0);
    for _ in 0..READER_ROUNDS {
        let before = time_per_request(server).await?;
        let expected = sink.count() + subscribers;
        open_incident(db, clock).await?;
        meanwhile += time_per_request(server).await?;
        if sink.count() >= expected {
            let measured = "not measured: all mails were sent before the readers ended".to_owned();
            return Ok(target_row(READERS_ROW, "<= 1.05", measured, false));
        }
        let begun = Instant::now();
        while sink.count() < expected {
            ensure!(begun.elapsed() < PATIENCE, "only {} of {expected} mails arrived", sink.count());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        rest += f64::midpoint(before, time_per_request(server).await?);
    }
    let ratio = meanwhile / rest;
    let rounds = READER_ROUNDS as f64;
    Ok(target_row(
        READERS_ROW,
        "<= 1.05",
        format!("{ratio:.3} ({:.1} to {:.1} µs)", rest / rounds, meanwhile / rounds),
        ratio <= 1.05,
    ))
}

/// CPU time of the threads that answer visitors, in microseconds per request of `/`.
async fn time_per_request(server: &Server) -> anyhow::Result<f64> {
    let headers = vec!["Accept-Encoding: gzip".to_owned()];
    let load = Load { address: server.address, connections: 64, lasting: Duration::from_secs(5), headers };
    let before = thread_times(server.pid(), VISITOR_THREADS)?;
    let outcome = wrk::run(load).await?;
    let after = thread_times(server.pid(), VISITOR_THREADS)?;
    let spent: u64 = before.iter().filter_map(|(thread, begun)| Some(after.get(thread)? - begun)).sum();
    Ok(spent as f64 / 1000.0 / outcome.requests as f64)
}

/// Time until all endpoints that answer are notified, beside others that never answer or always fail.
async fn webhooks(url: &str, folder: &Path, options: &Options, clock: &Clock) -> anyhow::Result<Vec<Vec<String>>> {
    let sink = Sink::open().await?;
    let endpoints = Endpoints::open().await?;
    let db = prepare(url, clock).await?;
    subscribe_webhooks(&db, folder, &endpoints, options.webhooks, clock).await?;
    let server = start(url, folder, &sink, 1).await?;
    let begun = Instant::now();
    open_incident(&db, clock).await?;
    let healthy = options.webhooks - 2 * (options.webhooks / 10);
    while endpoints.told.load(Ordering::Relaxed) < healthy {
        let told = endpoints.told.load(Ordering::Relaxed);
        ensure!(begun.elapsed() < PATIENCE, "only {told} of {healthy} endpoints were told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = begun.elapsed().as_secs_f64();
    drop(server);
    let what = format!("{healthy} webhooks told, beside {} that never answer or fail", options.webhooks - healthy);
    Ok(vec![target_row(&what, "<= 30 s", format!("{took:.1} s"), took <= 30.0)])
}

/// Kills the server at random moments while it tells 5,000 subscribers.
async fn kills(url: &str, folder: &Path, options: &Options, clock: &Clock) -> anyhow::Result<Vec<Vec<String>>> {
    const TOLD: usize = 5_000;
    let sink = Sink::open().await?;
    let db = prepare(url, clock).await?;
    subscribe_mail(&db, TOLD, clock).await?;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    open_incident(&db, clock).await?;
    let mut killed = 0;
    while killed < options.kills && sink.recipients() < TOLD {
        let mut server = start(url, folder, &sink, options.connections).await?;
        let before = sink.count();
        while sink.count() == before && sink.recipients() < TOLD {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(0..25))).await;
        server.kill();
        killed += 1;
    }
    let server = start(url, folder, &sink, options.connections).await?;
    let begun = Instant::now();
    while sink.recipients() < TOLD {
        ensure!(begun.elapsed() < PATIENCE, "{} subscribers were not told", TOLD - sink.recipients());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(server);
    let (twice, other) = (sink.count() - TOLD, sink.different_ids());
    let most = killed * options.connections;
    Ok(vec![
        target_row(&format!("subscribers lost in {killed} kills"), "0", (TOLD - sink.recipients()).to_string(), true),
        target_row(
            "mails sent twice",
            &format!("<= {most}, one per connection and kill"),
            twice.to_string(),
            twice <= most,
        ),
        target_row("of these with another Message-ID", "0", other.to_string(), other == 0),
    ])
}

async fn prepare(url: &str, clock: &Clock) -> anyhow::Result<Db> {
    let db = Db::at(url)?;
    history::write(&db, Size { incidents: 100, updates: 500 }, clock).await?;
    Ok(db)
}

async fn start(url: &str, folder: &Path, sink: &Sink, connections: usize) -> anyhow::Result<Server> {
    let smtp = format!("smtp://{}", sink.address);
    let connections = connections.to_string();
    let hosts = (1..=HOSTS).map(|at| format!("http://127.0.1.{at}")).collect::<Vec<_>>().join(",");
    let arguments = [
        "--smtp-url",
        &smtp,
        "--smtp-from",
        "Status <status@tidewater.example>",
        "--mail-connections",
        &connections,
        "--endpoint-hosts",
        &hosts,
    ];
    let server = servers::candor_with(url, folder, &arguments)?;
    server.ready().await?;
    Ok(server)
}

async fn open_incident(db: &Db, clock: &Clock) -> anyhow::Result<()> {
    let now = clock.now();
    let mut incident = incidents::list_open(&mut db.read().await?).await?.pop().context("an incident of the sample")?;
    incident.id = IncidentId::from_random(candor::credentials::random_bytes());
    incident.title = "Bench".into();
    incident.updates = vec![Update {
        id: UpdateId::from_random(candor::credentials::random_bytes()),
        phase: Phase::Investigating,
        body: "We look into **slow tiles**. More at https://example.org/tiles.".into(),
        posted_at: now,
        created_at: now,
        edited_at: None,
        version: 1,
        components: Vec::new(),
    }];
    let mut incident = Incident { started_at: now, created_at: now, updated_at: now, version: 1, ..incident };
    incident.recompute();
    let mut tx = db.write().await?;
    let entry = actions::incidents::open(&mut tx, &incident, None).await?;
    tx.commit(&Actor::shell(), now, entry).await?;
    Ok(())
}

fn subscriber(id: &str, channel: Channel, host: Option<String>, clock: &Clock) -> anyhow::Result<Subscriber> {
    let now = clock.now();
    Ok(Subscriber {
        id: SubscriberId::parse(id).context("an id")?,
        channel,
        email: Some(format!("{id}@example.org")),
        endpoint_host: host,
        scope: Scope::Page,
        incidents: IncidentEvents::All,
        maintenance: true,
        state: SubscriberState::Active,
        paused_at: None,
        requested_at: now,
        confirmed_at: Some(now),
        consent_version: 1,
        quarantined_at: None,
        quarantine_reason: None,
        updated_at: now,
        version: 1,
    })
}

async fn subscribe_mail(db: &Db, count: usize, clock: &Clock) -> anyhow::Result<()> {
    let mut tx = db.write().await?;
    for at in 0..count {
        let subscriber = subscriber(&format!("s{at:06}"), Channel::Email, None, clock)?;
        let address = SealedAddress { hash: hash_token(subscriber.id.as_str()), endpoint: None, secret: None };
        subscribers::insert(&mut tx, &subscriber, &address).await?;
    }
    Ok(tx.commit_unaudited().await?)
}

async fn subscribe_webhooks(
    db: &Db,
    folder: &Path,
    endpoints: &Endpoints,
    count: usize,
    clock: &Clock,
) -> anyhow::Result<()> {
    let key = SecretKey::from_file(folder.join("secret.key"));
    let mut tx = db.write().await?;
    for at in 0..count {
        let kind = ["silent", "failing", "fine"][(at % 10).min(2)];
        // Each kind has hosts of its own.
        let host = match at % 10 {
            0 => at / 10 % 25,
            1 => 25 + at / 10 % 25,
            _ => 50 + at % (HOSTS - 50),
        };
        let host = format!("127.0.1.{}", host + 1);
        let subscriber = subscriber(&format!("w{at:06}"), Channel::Webhook, Some(host.clone()), clock)?;
        let id = subscriber.id.as_str();
        let url = format!("http://{host}:{}/{kind}/{at}", endpoints.port);
        let address = SealedAddress {
            hash: hash_token(&url),
            endpoint: Some(key.seal(id, url.as_bytes())?),
            secret: Some(key.seal(id, WebhookSecret::generate().reveal().as_bytes())?),
        };
        subscribers::insert(&mut tx, &subscriber, &address).await?;
    }
    Ok(tx.commit_unaudited().await?)
}

/// A mail server that counts mails and remembers their recipients and message ids.
#[derive(Clone)]
struct Sink {
    address: SocketAddr,
    count: Arc<AtomicUsize>,
    /// The message id of each recipient's first mail.
    ids: Arc<Mutex<HashMap<String, String>>>,
    differs: Arc<AtomicUsize>,
}

impl Sink {
    async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let sink = Self { address, count: Arc::default(), ids: Arc::default(), differs: Arc::default() };
        let serving = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sink = serving.clone();
                tokio::spawn(async move { sink.talk(stream).await });
            }
        });
        Ok(sink)
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn recipients(&self) -> usize {
        self.ids.lock().map(|ids| ids.len()).unwrap_or_default()
    }

    /// Repeated mails whose message id is another one.
    fn different_ids(&self) -> usize {
        self.differs.load(Ordering::Relaxed)
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 sink\r\n").await?;
        let (mut to, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let reply: &[u8] = match line.get(..4).unwrap_or_default() {
                "EHLO" => b"250-sink\r\n250 8BITMIME\r\n",
                "RCPT" => {
                    to = line.trim().to_owned();
                    b"250 ok\r\n"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    self.receive(&mut stream, &to).await?;
                    b"250 taken\r\n"
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => b"250 ok\r\n",
            };
            stream.write_all(reply).await?;
        }
    }

    async fn receive(&self, stream: &mut BufReader<TcpStream>, to: &str) -> std::io::Result<()> {
        let (mut id, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                // The sender was killed before the end of the mail.
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line == ".\r\n" {
                break;
            }
            if let Some(value) = line.strip_prefix("Message-ID: ") {
                id = value.trim().to_owned();
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut ids) = self.ids.lock()
            && *ids.entry(to.to_owned()).or_insert_with(|| id.clone()) != id
        {
            self.differs.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// HTTP endpoints on many addresses: `/fine/…` answers 200, `/failing/…` 500, `/silent/…` never.
struct Endpoints {
    port: u16,
    told: Arc<AtomicUsize>,
}

impl Endpoints {
    async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        let port = listener.local_addr()?.port();
        let told: Arc<AtomicUsize> = Arc::default();
        let counting = told.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let told = counting.clone();
                tokio::spawn(async move { answer(stream, &told).await });
            }
        });
        Ok(Self { port, told })
    }
}

async fn answer(stream: TcpStream, told: &AtomicUsize) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            line.clear();
            stream.read_line(&mut line).await?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        body.resize(length, 0);
        stream.read_exact(&mut body).await?;
        if path.starts_with("/silent") {
            tokio::time::sleep(PATIENCE).await;
        }
        let reply: &[u8] = if path.starts_with("/fine") {
            told.fetch_add(1, Ordering::Relaxed);
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
        } else {
            b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"
        };
        stream.write_all(reply).await?;
    }
}
