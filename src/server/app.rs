//! Builds, runs and stops the server.

use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{DatabaseConfig, ServeConfig, min_fill_time};
use crate::credentials::secret_key::SecretKey;
use crate::db::Db;
use crate::domain::node::MigrateMode;
use crate::net::allowed_hosts::AllowedHosts;
use crate::net::trusted_proxies::TrustedProxies;
use crate::publish::Publisher;
use crate::server::connection_limits::ConnectionLimits;
use crate::server::connections;
use crate::server::core_dumps::disable_core_dumps;
use crate::server::signals::Signals;
use crate::state::{State, StateParts, TokenCalls};
use crate::web::FastPath;
use crate::{log, output, web, worker};

const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

pub struct App {
    state: State,
    listener: TcpListener,
    metrics: Option<TcpListener>,
    limits: ConnectionLimits,
}

impl App {
    /// Binds the address and reads the last published Site. The worker opens the database later, so that the page is
    /// served while the database is unavailable.
    pub async fn build(serve: &ServeConfig, database: &DatabaseConfig, clock: Clock) -> anyhow::Result<Self> {
        let listener = bind(serve.listen).await?;
        let metrics = match serve.metrics_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let address = listener.local_addr()?;
        let origin = serve.site.origin(address)?;
        let hosts = AllowedHosts::new(&origin, &serve.allowed_hosts).with_listen_address(address);
        let db = Db::at(&database.url()?)?.for_server();
        let file = serve.site.site_file();
        if let Some(url) = &serve.node.database_listen_url {
            Db::check_listen_url(url).context("--database-listen-url")?;
        }
        let publisher =
            Publisher::new(db.clone(), clock.clone(), origin.clone(), file).with_accept_empty(serve.accept_empty);
        let trusted_proxies = TrustedProxies::new(serve.trusted_proxies.iter().copied());
        let secret_key = SecretKey::from_file(serve.secret_key_file());
        let mailer = serve.mail.mailer(&origin)?;
        let bounce_hooks = serve.mail.bounce_hooks()?;
        let provider = serve.oidc.provider(&origin)?;
        let endpoint_hosts = serve.endpoint_hosts.clone();
        let parts = StateParts {
            db,
            clock,
            publisher,
            secret_key,
            origin,
            hosts,
            mailer,
            bounce_hooks,
            provider,
            trusted_proxies,
            endpoint_hosts,
            data_dir: serve.site.data_dir.clone(),
            node: serve.node.settings(),
        };
        let state = State::new(parts);
        *state.token_calls().lock().unwrap_or_else(PoisonError::into_inner) =
            TokenCalls::per_minute(serve.api_reads, serve.api_writes);
        *state.min_fill_time().lock().unwrap_or_else(PoisonError::into_inner) = min_fill_time()?;
        Ok(Self { state, listener, metrics, limits: ConnectionLimits::default() })
    }

    #[must_use]
    pub fn with_limits(self, limits: ConnectionLimits) -> Self {
        Self { limits, ..self }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until `stop`, then waits up to 10 seconds: `grace` (8 s) for open requests and 2 s for the database.
    /// Fails if the database has a newer schema or is not a Candor database.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let front = FastPath::new(self.state.clone(), self.limits.body);
        let (state, stopped) = (self.state.clone(), stop.clone());
        tokio::spawn(async move {
            stopped.cancelled().await;
            state.streams().close_all();
            state.stopping().cancel();
        });
        if let Some(listener) = self.metrics {
            tokio::spawn(web::edge::prometheus::serve_metrics(listener, self.state.clone(), stop.clone()));
        }
        let (open, running) = (self.state.connections().clone(), self.state.admin_requests().clone());
        let trusted = self.state.trusted_proxies.clone();
        let serving = connections::serve(open, running, self.listener, front, trusted, self.limits, stop.clone());
        let serving = tokio::spawn(serving);
        let working = worker::run_worker(self.state.clone(), stop.clone());
        let too_late = async {
            stop.cancelled().await;
            tokio::time::sleep(self.limits.grace).await;
        };
        let worked = tokio::select! {
            worked = working => worked,
            () = too_late => {
                tracing::warn!("shutdown timeout: requests did not finish in {} s and were aborted", self.limits.grace.as_secs());
                Ok(())
            }
        };
        stop.cancel();
        worker::nodes::say_goodbye(&self.state).await;
        serving.await.context("serving")?;
        if tokio::time::timeout(CLOSE_TIMEOUT, self.state.db.close()).await.is_err() {
            tracing::warn!("the database did not close in {} s", CLOSE_TIMEOUT.as_secs());
        }
        worked
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))
}

/// `candor serve --migrate only`
async fn migrate_only(database: &DatabaseConfig, clock: &Clock) -> anyhow::Result<()> {
    let db = Db::at(&database.url()?)?;
    let prepared = db.prepare(clock.now()).await;
    db.close().await;
    prepared?;
    output::print_detached("The database is up to date.".to_owned());
    Ok(())
}

/// `candor serve`: runs until SIGINT, SIGTERM or SIGQUIT.
pub async fn serve(serve: &ServeConfig, database: &DatabaseConfig, clock: Clock) -> anyhow::Result<()> {
    let signals = Signals::handle()?;
    let _log = log::start_log(serve.log_json);
    if serve.node.migrate == MigrateMode::Only {
        return migrate_only(database, &clock).await;
    }
    connections::raise_open_files();
    if !serve.core_dumps {
        disable_core_dumps();
    }
    let app = App::build(serve, database, clock).await?;
    output::print_detached(format!("Listening on {}", app.state.origin));
    let stop = CancellationToken::new();
    tokio::spawn(signals.run(app.state.clone(), stop.clone()));
    app.run(stop).await
}
