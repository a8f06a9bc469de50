//! State shared by all handlers and workers.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http_connection::AllowedHosts;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::clock::{Clock, Heartbeat, OngoingSince};
use crate::counters::{Counter, NodeGauge, QueueGauge, ResponseCounts};
use crate::credentials::password::PasswordQueue;
use crate::credentials::random_bytes;
use crate::credentials::secret_key::SecretKey;
use crate::credentials::subscriber_links::SubscriberLinks;
use crate::db::Db;
use crate::db::write_health::WriteHealth;
use crate::domain::audit_throttle::DenialThrottle;
use crate::domain::node::NodeSettings;
use crate::domain::rate_limit::RateLimit;
use crate::domain::{ManagerId, TokenId};
use crate::net::certificate::ServedCertificate;
use crate::net::event_streams::{EventStreams, MAX_STREAMS};
use crate::net::per_client::ClientCounter;
use crate::net::trusted_proxies::TrustedProxies;
use crate::net::unnamed_proxy::UntrustedProxy;
use crate::notify::bounce_hooks::BounceHooks;
use crate::notify::{MailWorker, Mailer};
use crate::oidc::Provider;
use crate::publish::Publisher;

/// The shortest time in which a person fills in the form of subscribers.
pub const MIN_FILL_TIME: TimeDelta = TimeDelta::seconds(2);
/// Between two requests to a page that is imported.
const IMPORT_PAUSE: Duration = Duration::from_millis(200);
/// Login attempts per network: burst size, and time until one more is allowed.
const LOGIN_BURST: i32 = 10;
const LOGIN_INTERVAL: TimeDelta = TimeDelta::seconds(6);

/// Password reset requests per network: burst size, and time until one more is allowed.
const RESET_BURST: i32 = 10;
const RESET_INTERVAL: TimeDelta = TimeDelta::minutes(6);

/// Subscription requests per network: burst size, and time until one more is allowed.
const SUBSCRIBE_BURST: i32 = 10;
const SUBSCRIBE_INTERVAL: TimeDelta = TimeDelta::minutes(6);

/// Changes to subscriptions per network: burst size, and time until one more is allowed. Each adds an audit row, or a
/// challenge to an endpoint.
const SUBSCRIBER_CHANGE_BURST: i32 = 30;
const SUBSCRIBER_CHANGE_INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// Writes and reads per minute and API token.
pub const TOKEN_WRITES: i32 = 60;
pub const TOKEN_READS: i32 = 600;

/// Changes per minute and session.
pub const SESSION_CHANGES: i32 = 600;

/// Changes a session may make to its own account: burst size, and time until one more is allowed. Viewers can make them
/// too, and each one adds an audit row.
pub const ACCOUNT_CHANGE_BURST: i32 = 30;
const ACCOUNT_CHANGE_INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// Shared by all handlers and workers; cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    parts: StateParts,
    node_id: Arc<str>,
    node_gauge: NodeGauge,
    streams: EventStreams,
    connections: ClientCounter,
    certificate: ServedCertificate,
    admin_requests: TaskTracker,
    stopping: CancellationToken,
    import_pause: Mutex<Duration>,
    responses: ResponseCounts,
    failed_logins: Counter,
    untrusted_proxy: UntrustedProxy,
    worker_heartbeat: Heartbeat,
    worker_failure: OngoingSince,
    worker_run: OngoingSince,
    writes: WriteHealth,
    mail_heartbeat: Arc<Heartbeat>,
    delivery_queue: QueueGauge,
    min_fill_time: Mutex<TimeDelta>,
    audit_denials: Mutex<DenialThrottle>,
    login_attempts: Mutex<RateLimit>,
    passwords: PasswordQueue,
    password_resets: Mutex<RateLimit>,
    subscription_requests: Mutex<RateLimit>,
    subscriber_changes: Mutex<RateLimit>,
    token_calls: Mutex<TokenCalls>,
    session_changes: Mutex<SessionChanges>,
}

/// A manager's session: the manager and the start of the session.
type SessionKey = (ManagerId, DateTime<Utc>);

pub struct SessionChanges {
    /// Changes to the manager's own account, which every role may make.
    pub own_account: RateLimit<SessionKey>,
    pub others: RateLimit<SessionKey>,
}

impl Default for SessionChanges {
    fn default() -> Self {
        let own_account = RateLimit::new(ACCOUNT_CHANGE_BURST, ACCOUNT_CHANGE_INTERVAL);
        Self { own_account, others: RateLimit::per_minute(SESSION_CHANGES) }
    }
}

pub struct TokenCalls {
    pub reads: RateLimit<TokenId>,
    pub writes: RateLimit<TokenId>,
}

impl TokenCalls {
    pub fn per_minute(reads: i32, writes: i32) -> Self {
        Self { reads: RateLimit::per_minute(reads), writes: RateLimit::per_minute(writes) }
    }
}

pub struct StateParts {
    pub db: Db,
    pub clock: Clock,
    pub publisher: Publisher,
    /// Encrypts stored secrets that must be read again.
    pub secret_key: SecretKey,
    /// Scheme, host and port of the public URL.
    pub origin: String,
    /// Hosts that requests may name.
    pub hosts: AllowedHosts,
    /// `None` if no mail server is configured.
    pub mailer: Option<Mailer>,
    /// Which mail providers may report bounces.
    pub bounce_hooks: BounceHooks,
    /// `None` if no identity provider is configured.
    pub provider: Option<Provider>,
    /// Proxies whose forwarding headers are trusted.
    pub trusted_proxies: TrustedProxies,
    /// Endpoints of subscribers and imported pages at these hosts may have private addresses.
    pub endpoint_hosts: Vec<Url>,
    /// The folder of the server's files.
    pub data_dir: PathBuf,
    pub node: NodeSettings,
}

impl State {
    pub fn new(parts: StateParts) -> Self {
        Self(Arc::new(Shared {
            node_id: TokenId::from_random(random_bytes()).as_str().into(),
            node_gauge: NodeGauge::default(),
            worker_heartbeat: Heartbeat::new(parts.clock.clone()),
            worker_failure: OngoingSince::new(parts.clock.clone()),
            worker_run: OngoingSince::new(parts.clock.clone()),
            writes: WriteHealth::new(parts.clock.clone()),
            mail_heartbeat: Arc::new(Heartbeat::new(parts.clock.clone())),
            delivery_queue: QueueGauge::default(),
            min_fill_time: Mutex::new(MIN_FILL_TIME),
            parts,
            streams: EventStreams::new(MAX_STREAMS),
            connections: ClientCounter::default(),
            certificate: ServedCertificate::default(),
            admin_requests: TaskTracker::new(),
            stopping: CancellationToken::new(),
            import_pause: Mutex::new(IMPORT_PAUSE),
            responses: ResponseCounts::default(),
            failed_logins: Counter::default(),
            untrusted_proxy: UntrustedProxy::default(),
            audit_denials: Mutex::default(),
            login_attempts: Mutex::new(RateLimit::new(LOGIN_BURST, LOGIN_INTERVAL)),
            passwords: PasswordQueue::default(),
            password_resets: Mutex::new(RateLimit::new(RESET_BURST, RESET_INTERVAL)),
            subscription_requests: Mutex::new(RateLimit::new(SUBSCRIBE_BURST, SUBSCRIBE_INTERVAL)),
            subscriber_changes: Mutex::new(RateLimit::new(SUBSCRIBER_CHANGE_BURST, SUBSCRIBER_CHANGE_INTERVAL)),
            token_calls: Mutex::new(TokenCalls::per_minute(TOKEN_READS, TOKEN_WRITES)),
            session_changes: Mutex::default(),
        }))
    }

    /// Signs the links of subscribers. Fails if the key file can't be read.
    pub fn subscriber_links(&self) -> anyhow::Result<SubscriberLinks> {
        SubscriberLinks::from_secret_key(&self.secret_key)
    }

    /// Names this run of the server in leases.
    pub fn node_id(&self) -> &Arc<str> {
        &self.0.node_id
    }

    /// What this node knows of itself in the cluster.
    pub fn node_gauge(&self) -> &NodeGauge {
        &self.0.node_gauge
    }

    pub fn streams(&self) -> &EventStreams {
        &self.0.streams
    }

    /// Limits the audit rows of denied attempts.
    pub fn audit_denials(&self) -> &Mutex<DenialThrottle> {
        &self.0.audit_denials
    }

    pub fn login_attempts(&self) -> &Mutex<RateLimit> {
        &self.0.login_attempts
    }

    /// The queue of password hashes.
    pub fn passwords(&self) -> &PasswordQueue {
        &self.0.passwords
    }

    pub fn password_resets(&self) -> &Mutex<RateLimit> {
        &self.0.password_resets
    }

    pub fn subscription_requests(&self) -> &Mutex<RateLimit> {
        &self.0.subscription_requests
    }

    pub fn subscriber_changes(&self) -> &Mutex<RateLimit> {
        &self.0.subscriber_changes
    }

    pub fn token_calls(&self) -> &Mutex<TokenCalls> {
        &self.0.token_calls
    }

    pub fn session_changes(&self) -> &Mutex<SessionChanges> {
        &self.0.session_changes
    }

    pub fn mail_worker(&self) -> MailWorker {
        let StateParts { db, clock, mailer, origin, secret_key, .. } = &self.0.parts;
        let pulse = self.0.mail_heartbeat.clone();
        MailWorker {
            db: db.clone(),
            clock: clock.clone(),
            mailer: mailer.clone(),
            origin: origin.clone(),
            secret_key: secret_key.clone(),
            node_id: self.0.node_id.clone(),
            heartbeat: pulse,
            stopping: self.stopping().clone(),
        }
    }

    pub fn connections(&self) -> &ClientCounter {
        &self.0.connections
    }

    /// The certificate of TLS connections; without one there are none.
    pub fn certificate(&self) -> &ServedCertificate {
        &self.0.certificate
    }

    /// Requests on the threads for managers, which run to their end even if the client disconnects.
    pub fn admin_requests(&self) -> &TaskTracker {
        &self.0.admin_requests
    }

    /// Cancelled when the server stops; imports of pages end then.
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// The pause between two requests to a page that is imported.
    pub fn import_pause(&self) -> &Mutex<Duration> {
        &self.0.import_pause
    }

    pub fn responses(&self) -> &ResponseCounts {
        &self.0.responses
    }

    pub fn failed_logins(&self) -> &Counter {
        &self.0.failed_logins
    }

    /// Records a proxy that `--trusted-proxies` does not name.
    pub fn untrusted_proxy(&self) -> &UntrustedProxy {
        &self.0.untrusted_proxy
    }

    /// When the worker last completed a run.
    pub fn worker_heartbeat(&self) -> &Heartbeat {
        &self.0.worker_heartbeat
    }

    /// How long the worker's runs have been failing.
    pub fn worker_failure(&self) -> &OngoingSince {
        &self.0.worker_failure
    }

    /// How long the worker's present run has lasted, if one is going on.
    pub fn worker_run(&self) -> &OngoingSince {
        &self.0.worker_run
    }

    /// Whether the database accepts writes.
    pub fn writes(&self) -> &WriteHealth {
        &self.0.writes
    }

    /// When the mail worker last checked the outbox; `None` without a mail server.
    pub fn mail_heartbeat(&self) -> Option<&Heartbeat> {
        self.mailer.as_ref().map(|_| self.0.mail_heartbeat.as_ref())
    }

    /// The shortest time in which the form of subscribers is accepted.
    pub fn min_fill_time(&self) -> &Mutex<TimeDelta> {
        &self.0.min_fill_time
    }

    /// The messages to subscribers that wait.
    pub fn delivery_queue(&self) -> &QueueGauge {
        &self.0.delivery_queue
    }

    /// Reloads the secret key file, the TLS certificate and the identity provider's metadata. Changed settings need a
    /// restart.
    pub fn reload(&self) {
        if let Err(error) = self.secret_key.reload() {
            tracing::warn!("keeping the current secret key, its file can't be read: {error:#}");
        }
        self.certificate().reload_files();
        if let Some(provider) = &self.provider {
            provider.reload();
        }
        tracing::info!("reloaded the secret key; identity provider metadata is fetched again at the next login");
    }

    /// Whether the public URL is HTTPS; cookies are then `Secure`.
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// Publishes a committed change before the manager gets the response. If publishing fails, the worker retries.
    pub async fn publish(&self) {
        if let Err(error) = self.publisher.publish().await {
            self.publisher.invalidate_copies();
            tracing::error!("a change was saved but could not be published yet: {error:#}");
        }
    }
}

impl Deref for State {
    type Target = StateParts;

    fn deref(&self) -> &StateParts {
        &self.0.parts
    }
}
