//! Notices commits of other processes.
//!
//! PostgreSQL notifies a connection that listens. Each commit of a revision, and of what background jobs wait for, sends
//! one notification. Without a working listener (a pooler in transaction mode, a lost connection), the database is
//! looked at every second. The write-ahead log of a SQLite database changes with each commit; Linux reports it;
//! elsewhere it is looked at every second too.

use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::changes::{Changes, Origin};
use super::deadlines::{ACQUIRE_TIMEOUT, bounded};
use super::file_watch::FileWatch;
use super::link::Link;
use super::postgres_url::parse_servers;
use super::servers::Servers;
use super::{Db, Result};

/// How often a commit of another process is looked for where nothing tells of it.
const POLL: Duration = Duration::from_secs(1);
/// From a write to a SQLite file to its announcement: most are of this process, which publishes meanwhile.
const FILE_PAUSE: Duration = Duration::from_millis(250);
/// How often everything is looked at, although nothing was announced.
const FALLBACK: Duration = Duration::from_secs(10);
/// How long a notification may take that this process sends to its listener.
const ECHO: Duration = Duration::from_secs(3);
/// The longest pause before listening is tried again.
const MAX_PAUSE: Duration = Duration::from_secs(30);

impl Db {
    /// Announces commits of other processes in [`Db::changes`] until `stop`. `listen_url` is a direct address of the same
    /// PostgreSQL database, for where the other one leads to a pooler.
    ///
    /// # Errors
    /// `listen_url` is malformed.
    pub async fn follow_changes(&self, listen_url: Option<&str>, stop: CancellationToken) -> Result<()> {
        let following = async {
            match self {
                Self::Sqlite { path, opened, .. } => {
                    follow_file(path, &opened.changes, || opened.check(path)).await;
                    Ok(())
                }
                Self::Postgres(pool, link) => {
                    let servers = match listen_url {
                        Some(url) => Servers::new(parse_servers(url)?),
                        None => link.servers.clone(),
                    };
                    follow_notifications(pool, link, &servers, listen_url.is_some()).await;
                    Ok(())
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            followed = following => followed,
        }
    }

    /// Fails if `url` can't be an address to listen at.
    pub fn check_listen_url(url: &str) -> Result<()> {
        parse_servers(url).map(drop)
    }

    /// Whether a listener hears of each commit. Always true on SQLite.
    pub fn is_listening(&self) -> bool {
        match self {
            Self::Sqlite { .. } => true,
            Self::Postgres(_, link) => link.changes.is_listening(),
        }
    }

    pub fn changes(&self) -> &Changes {
        match self {
            Self::Sqlite { opened, .. } => &opened.changes,
            Self::Postgres(_, link) => &link.changes,
        }
    }
}

/// Announces writes to the database's files. Where they can't be watched, it announces every second.
async fn follow_file(path: &Path, changes: &Changes, check: impl Fn() -> Result<()>) {
    let check_and_announce = || {
        // It notices another file; jobs notice its result.
        let _ = check();
        changes.announce(Origin::Elsewhere);
    };
    let mut is_watched = true;
    loop {
        let ended = match FileWatch::open(path) {
            Ok(mut watch) => {
                is_watched = true;
                follow_watch(&mut watch, &check_and_announce).await
            }
            Err(error) => error,
        };
        if std::mem::replace(&mut is_watched, false) {
            tracing::info!("the database's files are not watched, looking every second: {ended}");
        }
        next_second().await;
        check_and_announce();
    }
}

/// Returns why the watch ended.
async fn follow_watch(watch: &mut FileWatch, check_and_announce: &impl Fn()) -> io::Error {
    loop {
        // What was written before the watch began is announced too.
        check_and_announce();
        let waited = tokio::select! {
            waited = watch.wait_for_change() => waited,
            () = next_multiple(FALLBACK) => {
                if let Err(ended) = watch.renew() {
                    return ended;
                }
                continue;
            }
        };
        if let Err(ended) = waited {
            return ended;
        }
        sleep(FILE_PAUSE).await;
    }
}

/// Waits for the next full second of the process.
pub async fn next_second() {
    next_multiple(POLL).await;
}

/// Waits until the process has run for a multiple of `interval`, so that several tasks wake it only once.
pub async fn next_multiple(interval: Duration) {
    static EPOCH: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let epoch = *EPOCH.get_or_init(Instant::now);
    let passed = epoch.elapsed().as_millis() / interval.as_millis();
    sleep_until(epoch + interval * u32::try_from(passed + 1).unwrap_or(u32::MAX)).await;
}

async fn follow_notifications(pool: &PgPool, link: &Link, servers: &Servers, is_direct: bool) {
    let mut pause = POLL;
    loop {
        let listened = if is_direct || link.statements.are_kept() {
            let begun = Instant::now();
            let ended = listen(pool, link, servers).await;
            link.changes.set_listening(false);
            if begun.elapsed() > MAX_PAUSE {
                pause = POLL;
            }
            ended.map_or_else(|error| error.to_string(), |never| match never {})
        } else {
            "the database is behind a pooler in transaction mode; set --database-listen-url".to_owned()
        };
        if pause == POLL {
            tracing::info!("not notified of changes of other nodes, looking every second: {listened}");
        }
        // Looks every second during the pause.
        let until = Instant::now() + pause;
        while Instant::now() < until {
            link.changes.announce(Origin::Elsewhere);
            sleep(POLL).await;
        }
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Listens until the connection fails.
async fn listen(pool: &PgPool, link: &Link, servers: &Servers) -> sqlx::Result<std::convert::Infallible> {
    let unreachable = |error: super::Error| sqlx::Error::Io(io::Error::other(error.to_string()));
    let (_, options) = servers.find_writable().await.map_err(unreachable)?;
    let mut listener = open_listener(options).await?;
    // An echo from another connection shows that notifications arrive: a pooler would swallow them.
    bounded(ACQUIRE_TIMEOUT, sqlx::raw_sql("select pg_notify('candor', 'echo')").execute(pool)).await?;
    if !matches!(timeout(ECHO, listener.try_recv()).await, Ok(Ok(Some(_)))) {
        return Err(sqlx::Error::Io(io::Error::other("no notification arrives")));
    }
    link.changes.set_listening(true);
    // What was committed before was not announced.
    link.changes.announce(Origin::Elsewhere);
    loop {
        match timeout(FALLBACK, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => match notification.payload().parse() {
                Ok(revision) if link.changes.is_own(revision) => {}
                _ => link.changes.announce(Origin::Elsewhere),
            },
            Ok(Ok(None)) => return Err(sqlx::Error::Io(io::ErrorKind::ConnectionAborted.into())),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                // The heartbeat: a half-open connection gives no error.
                bounded(ACQUIRE_TIMEOUT, sqlx::Executor::execute(&mut listener, sqlx::raw_sql("select 1"))).await?;
                link.changes.announce(Origin::Elsewhere);
            }
        }
    }
}

async fn open_listener(options: &PgConnectOptions) -> sqlx::Result<PgListener> {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
    let pool = pool.max_lifetime(None).idle_timeout(None).connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    bounded(ACQUIRE_TIMEOUT, listener.listen("candor")).await?;
    Ok(listener)
}
