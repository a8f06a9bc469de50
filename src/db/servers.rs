//! The PostgreSQL servers of one database, tried in order for one that accepts writes.
//!
//! sqlx connects to one host. The pool's host is therefore chosen here, and again after every sign of a failover: a lost
//! connection, a statement without an answer, a read-only server. Connections from before that sign are not used again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::Row as _;
use sqlx::postgres::{PgConnectOptions, PgPool};
use tokio::time::timeout;

use super::deadlines::ACQUIRE_TIMEOUT;
use super::{Error, Result};

/// The shortest time in which a server must answer, so that a silent one does not hide the next.
const MIN_PATIENCE: Duration = Duration::from_millis(700);

#[derive(Clone, Debug)]
pub(super) struct Servers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    candidates: Vec<PgConnectOptions>,
    state: Mutex<State>,
    /// Held by the one who looks for a server.
    search: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    /// The place of the pool's server among the candidates; `None` while it must be looked for.
    chosen: Option<usize>,
    last: Option<usize>,
    /// Connections opened before are not used again.
    trusted_since: Option<Instant>,
}

impl Servers {
    /// `candidates` is not empty.
    pub(super) fn new(candidates: Vec<PgConnectOptions>) -> Self {
        let chosen = (candidates.len() == 1).then_some(0);
        let state = Mutex::new(State { chosen, last: chosen, trusted_since: None });
        Self(Arc::new(Shared { candidates, state, search: tokio::sync::Mutex::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a connection of this age may be used.
    pub(super) fn trusts(&self, age: Duration) -> bool {
        self.state().trusted_since.is_none_or(|since| age <= since.elapsed())
    }

    /// Distrusts all open connections if `error` shows that the server may be gone or read-only.
    pub(super) fn note(&self, error: &sqlx::Error) {
        let is_gone = match error {
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => true,
            sqlx::Error::Database(error) => {
                error.code().is_some_and(|code| code == "25006" || code.starts_with("57P") || code.starts_with("08"))
            }
            _ => false,
        };
        if is_gone {
            self.distrust();
        }
    }

    /// Looks for a server again, and closes open connections instead of using them again.
    pub(super) fn distrust(&self) {
        let mut state = self.state();
        state.trusted_since = Some(Instant::now());
        if self.0.candidates.len() > 1 {
            state.chosen = None;
        }
    }

    /// Looks for a server again after no connection could be opened. Open connections stay: the pool may only be busy.
    pub(super) fn look_again(&self) {
        if self.0.candidates.len() > 1 {
            self.state().chosen = None;
        }
    }

    /// Points the pool to a server that accepts writes. With a single server there is nothing to choose.
    pub(super) async fn choose(&self, pool: &PgPool) -> Result<()> {
        if self.state().chosen.is_some() {
            return Ok(());
        }
        let searching = timeout(ACQUIRE_TIMEOUT, self.0.search.lock()).await;
        let _search = searching.map_err(|_| Error::Unavailable("no server accepts writes yet".to_owned()))?;
        if self.state().chosen.is_some() {
            return Ok(());
        }
        let (place, options) = self.find_writable().await?;
        pool.set_connect_options(options.clone());
        let mut state = self.state();
        if state.last != Some(place) {
            tracing::info!("PostgreSQL: the writable server is {}", name(options));
            state.trusted_since = Some(Instant::now());
        }
        (state.chosen, state.last) = (Some(place), Some(place));
        Ok(())
    }

    /// The options of the first server that accepts writes.
    pub(super) async fn find_writable(&self) -> Result<(usize, &PgConnectOptions)> {
        let candidates = &self.0.candidates;
        let share = ACQUIRE_TIMEOUT / u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        let mut reasons = Vec::new();
        for (place, options) in candidates.iter().enumerate() {
            match timeout(share.max(MIN_PATIENCE), is_writable(options)).await {
                Ok(Ok(true)) => return Ok((place, options)),
                Ok(Ok(false)) => reasons.push(format!("{} is read-only", name(options))),
                Ok(Err(error)) => reasons.push(format!("{}: {error}", name(options))),
                Err(_) => reasons.push(format!("{} does not answer", name(options))),
            }
        }
        Err(Error::from(sqlx::Error::Io(std::io::Error::other(format!(
            "no server accepts writes ({})",
            reasons.join("; ")
        )))))
    }
}

fn name(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

async fn is_writable(options: &PgConnectOptions) -> sqlx::Result<bool> {
    let mut connection = options.connect().await?;
    let sql = "select not (pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool)";
    // Not prepared: the session may be a pooler's.
    let answer = sqlx::raw_sql(sql).fetch_one(&mut connection).await;
    let _ = connection.close().await;
    answer?.try_get(0)
}
