//! What handlers share.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::{Clock, Heartbeat, OngoingSince};
use crate::counters::{Counter, ResponseCounts};
use crate::credentials::secret_key::SecretKey;
use crate::db::Db;
use crate::db::write_health::WriteHealth;
use crate::domain::audit_throttle::DenialThrottle;
use crate::domain::rate_limit::RateLimit;
use crate::domain::{ManagerId, TokenId};
use crate::net::allowed_hosts::AllowedHosts;
use crate::net::event_streams::{EventStreams, MAX_STREAMS};
use crate::net::per_client::ClientCounter;
use crate::net::unnamed_proxy::UntrustedProxy;
use crate::notify::{MailWorker, Mailer};
use crate::oidc::Provider;
use crate::publish::Publisher;

/// How many attempts to log in one network has at once, and how long until it has one more.
const LOGIN_BURST: i32 = 10;
const LOGIN_INTERVAL: TimeDelta = TimeDelta::seconds(6);

/// How many mails with a link for a new password one network may ask for at once, and how long until one more.
const RESET_BURST: i32 = 10;
const RESET_INTERVAL: TimeDelta = TimeDelta::minutes(6);

/// How often one API token may change something, and read something, in a minute.
pub const TOKEN_WRITES: i32 = 60;
pub const TOKEN_READS: i32 = 600;

/// How many changes one session of a manager may make in a minute.
pub const SESSION_CHANGES: i32 = 600;

/// How many changes of their own account a session may make at once, and how long until one more. Every viewer may make
/// them, and each is a row of the audit.
pub const ACCOUNT_CHANGE_BURST: i32 = 30;
const ACCOUNT_CHANGE_INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// Shared by all handlers and workers; cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    parts: StateParts,
    streams: EventStreams,
    connections: ClientCounter,
    responses: ResponseCounts,
    failed_logins: Counter,
    untrusted_proxy: UntrustedProxy,
    worker_heartbeat: Heartbeat,
    worker_failure: OngoingSince,
    writes: WriteHealth,
    mail_heartbeat: Arc<Heartbeat>,
    audit_denials: Mutex<DenialThrottle>,
    login_attempts: Mutex<RateLimit>,
    password_resets: Mutex<RateLimit>,
    token_calls: Mutex<TokenCalls>,
    session_changes: Mutex<SessionChanges>,
}

/// A session of a manager: whose it is, and when it began.
type SessionKey = (ManagerId, DateTime<Utc>);

/// What each session changed lately.
pub struct SessionChanges {
    /// What every manager may change: their own account.
    pub own_account: RateLimit<SessionKey>,
    pub others: RateLimit<SessionKey>,
}

impl Default for SessionChanges {
    fn default() -> Self {
        let own_account = RateLimit::new(ACCOUNT_CHANGE_BURST, ACCOUNT_CHANGE_INTERVAL);
        Self { own_account, others: RateLimit::per_minute(SESSION_CHANGES) }
    }
}

/// What each API token did lately.
pub struct TokenCalls {
    pub reads: RateLimit<TokenId>,
    pub writes: RateLimit<TokenId>,
}

impl TokenCalls {
    /// So many of each a minute.
    pub fn per_minute(reads: i32, writes: i32) -> Self {
        Self { reads: RateLimit::per_minute(reads), writes: RateLimit::per_minute(writes) }
    }
}

/// What a [`State`] is made of.
pub struct StateParts {
    pub db: Db,
    pub clock: Clock,
    pub publisher: Publisher,
    /// Encrypts what has to be read again.
    pub secret_key: SecretKey,
    /// Scheme, host and port of the address visitors use.
    pub origin: String,
    /// The hosts under which it may be asked.
    pub hosts: AllowedHosts,
    /// Sends mail, where a server for it is named.
    pub mailer: Option<Mailer>,
    /// The identity provider that managers may log in with, where one is named.
    pub provider: Option<Provider>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

impl State {
    /// The state made of `parts`.
    pub fn new(parts: StateParts) -> Self {
        Self(Arc::new(Shared {
            worker_heartbeat: Heartbeat::new(parts.clock.clone()),
            worker_failure: OngoingSince::new(parts.clock.clone()),
            writes: WriteHealth::new(parts.clock.clone()),
            mail_heartbeat: Arc::new(Heartbeat::new(parts.clock.clone())),
            parts,
            streams: EventStreams::new(MAX_STREAMS),
            connections: ClientCounter::default(),
            responses: ResponseCounts::default(),
            failed_logins: Counter::default(),
            untrusted_proxy: UntrustedProxy::default(),
            audit_denials: Mutex::default(),
            login_attempts: Mutex::new(RateLimit::new(LOGIN_BURST, LOGIN_INTERVAL)),
            password_resets: Mutex::new(RateLimit::new(RESET_BURST, RESET_INTERVAL)),
            token_calls: Mutex::new(TokenCalls::per_minute(TOKEN_READS, TOKEN_WRITES)),
            session_changes: Mutex::default(),
        }))
    }

    /// The open event streams.
    pub fn streams(&self) -> &EventStreams {
        &self.0.streams
    }

    /// The refused attempts of the current minute.
    pub fn audit_denials(&self) -> &Mutex<DenialThrottle> {
        &self.0.audit_denials
    }

    /// The attempts to log in that each network made lately.
    pub fn login_attempts(&self) -> &Mutex<RateLimit> {
        &self.0.login_attempts
    }

    /// The links for a new password that each network asked for lately.
    pub fn password_resets(&self) -> &Mutex<RateLimit> {
        &self.0.password_resets
    }

    /// The calls that each API token made lately.
    pub fn token_calls(&self) -> &Mutex<TokenCalls> {
        &self.0.token_calls
    }

    /// The changes that each session made lately.
    pub fn session_changes(&self) -> &Mutex<SessionChanges> {
        &self.0.session_changes
    }

    /// What sends mail in the name of this server.
    pub fn mail_worker(&self) -> MailWorker {
        let StateParts { db, clock, mailer, origin, .. } = &self.0.parts;
        let pulse = self.0.mail_heartbeat.clone();
        MailWorker {
            db: db.clone(),
            clock: clock.clone(),
            mailer: mailer.clone(),
            origin: origin.clone(),
            heartbeat: pulse,
        }
    }

    /// The open connections.
    pub fn connections(&self) -> &ClientCounter {
        &self.0.connections
    }

    /// What was answered so far.
    pub fn responses(&self) -> &ResponseCounts {
        &self.0.responses
    }

    /// How often a login was refused.
    pub fn failed_logins(&self) -> &Counter {
        &self.0.failed_logins
    }

    /// A proxy that passes requests on and that no setting names.
    pub fn untrusted_proxy(&self) -> &UntrustedProxy {
        &self.0.untrusted_proxy
    }

    /// When the worker ended its last round.
    pub fn worker_heartbeat(&self) -> &Heartbeat {
        &self.0.worker_heartbeat
    }

    /// Since when rounds of the worker fail.
    pub fn worker_failure(&self) -> &OngoingSince {
        &self.0.worker_failure
    }

    /// Whether the database takes changes.
    pub fn writes(&self) -> &WriteHealth {
        &self.0.writes
    }

    /// When the courier last looked at the outbox; it does where there is a mail server.
    pub fn mail_heartbeat(&self) -> Option<&Heartbeat> {
        self.mailer.as_ref().map(|_| self.0.mail_heartbeat.as_ref())
    }

    /// Reads again what may be read again while the server runs: the file of the secret key, and what the identity
    /// provider says of itself. Settings are not among it.
    pub fn reload(&self) {
        if let Err(error) = self.secret_key.reload() {
            tracing::warn!("keeping the current secret key, its file can't be read: {error:#}");
        }
        if let Some(provider) = &self.provider {
            provider.reload();
        }
        tracing::info!("reloaded the secret key; identity provider metadata is fetched again at the next login");
    }

    /// Whether visitors come over TLS: cookies are then marked so.
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// Shows what was just committed before the manager's answer is sent. The change itself is kept
    /// already; where showing it fails the worker tries again.
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
