//! Builds, runs and stops the server.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use http_connection::AllowedHosts;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::acme::{Acme, AcmeStore};
use crate::clock::Clock;
use crate::config::{CertificateSource, DatabaseConfig, ServeConfig, certificate_check, find_problems, min_fill_time};
use crate::credentials::secret_key::SecretKey;
use crate::db::Db;
use crate::domain::node::MigrateMode;
use crate::net::certificate::ServedCertificate;
use crate::net::trusted_proxies::TrustedProxies;
use crate::publish::Publisher;
use crate::server::activation::InheritedListeners;
use crate::server::connection_limits::ConnectionLimits;
use crate::server::connections::{self, Entrance, Service, Sharing};
use crate::server::core_dumps::disable_core_dumps;
use crate::server::listener::{Listener, bind_tcp};
use crate::server::redirect::Redirect;
use crate::server::service_manager::ServiceManager;
use crate::server::signals::Signals;
use crate::server::tls::tls_acceptor;
use crate::state::{State, StateParts, TokenCalls};
use crate::web::FastPath;
use crate::{log, output, web, worker};

const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

pub struct App {
    state: State,
    listener: Listener,
    redirect: Option<Listener>,
    metrics: Option<TcpListener>,
    tls: Option<TlsAcceptor>,
    acme: Option<Acme>,
    limits: ConnectionLimits,
}

impl App {
    /// Binds the address and reads the last published Site. The worker opens the database later, so that the page is
    /// served while the database is unavailable.
    pub async fn build(serve: &ServeConfig, database: &DatabaseConfig, clock: Clock) -> anyhow::Result<Self> {
        Self::build_on(InheritedListeners::default(), serve, database, clock).await
    }

    /// As [`App::build`], on listeners that are already bound.
    async fn build_on(
        inherited: InheritedListeners,
        serve: &ServeConfig,
        database: &DatabaseConfig,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let has_redirect = inherited.redirect.is_some() || serve.tls.redirect_listen.is_some();
        let source = serve.tls.source(has_redirect)?;
        let listener = inherited.site.map_or_else(|| Listener::bind(&serve.listen), Ok)?;
        let redirect = match (inherited.redirect, serve.tls.redirect_listen) {
            (Some(listener), _) => Some(listener),
            (None, Some(address)) => Some(Listener::Tcp(bind_tcp(address)?)),
            (None, None) => None,
        };
        let metrics = match (inherited.metrics, serve.metrics_listen) {
            (Some(listener), _) => Some(listener),
            (None, Some(address)) => Some(bind_tcp(address)?),
            (None, None) => None,
        };
        let address = listener.address();
        let origin = serve.origin(address)?;
        let allowed_hosts = [&serve.allowed_hosts[..], &serve.tls.acme_domain].concat();
        let hosts = AllowedHosts::new(&origin, &allowed_hosts);
        let hosts = address.into_iter().fold(hosts, AllowedHosts::with_listen_address);
        let db = Db::at(&database.url()?)?.for_server();
        let file = serve.site.site_file();
        let node = serve.node.settings()?;
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
            node,
        };
        let state = State::new(parts);
        *state.token_calls().lock().unwrap_or_else(PoisonError::into_inner) =
            TokenCalls::per_minute(serve.api_reads, serve.api_writes);
        *state.min_fill_time().lock().unwrap_or_else(PoisonError::into_inner) = min_fill_time()?;
        let mut acme = None;
        match source {
            Some(CertificateSource::Files(certificate, key)) => state.certificate().use_files(certificate, key)?,
            Some(CertificateSource::Acme(settings)) => {
                let store = AcmeStore::folder(&state.data_dir).with_database(&state.db, &state.secret_key);
                acme = Some(Acme::new(settings, store, state.certificate().clone(), state.clock.clone())?);
            }
            None => {}
        }
        let tls = serve.tls.is_used().then(|| tls_acceptor(state.certificate().clone())).transpose()?;
        Ok(Self { state, listener, redirect, metrics, tls, acme, limits: ConnectionLimits::default() })
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

    /// The address of the listener that redirects.
    pub fn redirect_address(&self) -> Option<SocketAddr> {
        self.redirect.as_ref().and_then(Listener::address)
    }

    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        self.listener.address().context("a Unix socket has no address")
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
        if self.tls.is_some() {
            let certificate = self.state.certificate().clone();
            tokio::spawn(follow_certificate(certificate, self.limits.certificate_check, stop.clone()));
        }
        let challenges = self.acme.as_ref().map(Acme::challenges);
        if let Some(acme) = self.acme {
            tokio::spawn(acme.run(self.limits.certificate_check, stop.clone()));
        }
        let redirect = self.redirect.map(|listener| {
            let service = Service::Redirect(Redirect::new(self.state.origin.clone(), challenges));
            Entrance { listener, service }
        });
        let site = Entrance { listener: self.listener, service: Service::Site(front, self.tls) };
        let entrances = std::iter::once(site).chain(redirect).collect();
        let sharing = Sharing {
            open: self.state.connections().clone(),
            running: self.state.admin_requests().clone(),
            trusted: self.state.trusted_proxies.clone(),
            limits: self.limits,
            stop: stop.clone(),
        };
        let serving = tokio::spawn(connections::serve(entrances, sharing));
        let working = worker::run_worker(self.state.clone(), stop.clone());
        let too_late = async {
            stop.cancelled().await;
            tokio::time::sleep(self.limits.grace).await;
        };
        let worked = tokio::select! {
            worked = working => worked,
            () = too_late => {
                tracing::warn!("shutdown timeout: requests or background work did not finish in {} s and were aborted", self.limits.grace.as_secs());
                Ok(())
            }
        };
        stop.cancel();
        worker::nodes::say_goodbye(&self.state).await;
        serving.await.context("serving")?;
        if timeout(CLOSE_TIMEOUT, self.state.db.close()).await.is_err() {
            tracing::warn!("the database did not close in {} s", CLOSE_TIMEOUT.as_secs());
        }
        worked
    }
}

/// Loads the certificate again when its files change.
async fn follow_certificate(certificate: ServedCertificate, pause: Duration, stop: CancellationToken) {
    while timeout(pause, stop.cancelled()).await.is_err() {
        let certificate = certificate.clone();
        // The files may be on a network.
        let _ = tokio::task::spawn_blocking(move || certificate.reload_changed_files()).await;
    }
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

/// `candor serve`: runs until SIGINT, SIGTERM or SIGQUIT. `warnings` are about the settings.
pub async fn serve(
    serve: &ServeConfig,
    database: &DatabaseConfig,
    clock: Clock,
    warnings: &[String],
) -> anyhow::Result<()> {
    let signals = Signals::handle()?;
    let _log = log::start_log(serve.log_json);
    if serve.node.migrate == MigrateMode::Only {
        return migrate_only(database, &clock).await;
    }
    connections::raise_open_files();
    if !serve.core_dumps {
        disable_core_dumps();
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    refuse_bad_settings(serve, database)?;
    let manager = Arc::new(ServiceManager::from_environment());
    let mut app = App::build_on(InheritedListeners::from_environment()?, serve, database, clock).await?;
    if let Some(pause) = certificate_check()? {
        app.limits.certificate_check = pause;
    }
    output::print_detached(format!("Listening on {}", app.state.origin));
    let stop = CancellationToken::new();
    tokio::spawn(signals.run(app.state.clone(), manager.clone(), stop.clone()));
    manager.notify_ready();
    let (state, stopped) = (app.state.clone(), stop.clone());
    tokio::spawn(async move { manager.run_watchdog(&state, &stopped).await });
    app.run(stop).await
}

/// Names all problems at once.
fn refuse_bad_settings(serve: &ServeConfig, database: &DatabaseConfig) -> anyhow::Result<()> {
    let problems: Vec<String> = find_problems(serve, database).iter().map(|problem| format!("{problem:#}")).collect();
    if problems.is_empty() { Ok(()) } else { Err(anyhow!(problems.join("\ncandor: "))) }
}
