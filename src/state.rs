//! What handlers share.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::{Clock, Lasting, Pulse};
use crate::counters::{Counter, Responses};
use crate::credentials::secret_key::SecretKey;
use crate::db::Db;
use crate::db::write_health::WriteHealth;
use crate::domain::audit_throttle::Refusals;
use crate::domain::rate_limit::Rate;
use crate::domain::{ManagerId, TokenId};
use crate::net::allowed_hosts::Hosts;
use crate::net::event_streams::{MAX_STREAMS, Streams};
use crate::net::per_client::ByAddress;
use crate::net::unnamed_proxy::UnnamedProxy;
use crate::notify::{Courier, Mailer};
use crate::oidc::Provider;
use crate::publish::Publisher;

/// How many attempts to log in one network has at once, and how long until it has one more.
const LOGINS_AT_ONCE: i32 = 10;
const LOGIN_EVERY: TimeDelta = TimeDelta::seconds(6);

/// How many mails with a link for a new password one network may ask for at once, and how long until one more.
const RESETS_AT_ONCE: i32 = 10;
const RESET_EVERY: TimeDelta = TimeDelta::minutes(6);

/// How often one API token may change something, and read something, in a minute.
pub const TOKEN_WRITES: i32 = 60;
pub const TOKEN_READS: i32 = 600;

/// How many changes one session of a manager may make in a minute.
pub const SESSION_CHANGES: i32 = 600;

/// How many changes of their own account a session may make at once, and how long until one more. Every viewer may make
/// them, and each is a row of the audit.
pub const ACCOUNT_DEEDS: i32 = 30;
const ACCOUNT_DEED_EVERY: TimeDelta = TimeDelta::seconds(10);

/// Shared by all handlers and workers; cheap to clone.
#[derive(Clone)]
pub struct State(Arc<Shared>);

struct Shared {
    parts: Parts,
    streams: Streams,
    connections: ByAddress,
    responses: Responses,
    refused_logins: Counter,
    unnamed_proxy: UnnamedProxy,
    worker: Pulse,
    worker_failing: Lasting,
    writes: WriteHealth,
    courier: Arc<Pulse>,
    refusals: Mutex<Refusals>,
    logins: Mutex<Rate>,
    resets: Mutex<Rate>,
    calls: Mutex<Calls>,
    deeds: Mutex<Deeds>,
}

/// A session of a manager: whose it is, and when it began.
type SessionKey = (ManagerId, DateTime<Utc>);

/// What each session changed lately.
pub struct Deeds {
    /// What every manager may change: their own account.
    pub own_account: Rate<SessionKey>,
    pub others: Rate<SessionKey>,
}

impl Default for Deeds {
    fn default() -> Self {
        let own_account = Rate::new(ACCOUNT_DEEDS, ACCOUNT_DEED_EVERY);
        Self { own_account, others: Rate::per_minute(SESSION_CHANGES) }
    }
}

/// What each API token did lately.
pub struct Calls {
    pub reads: Rate<TokenId>,
    pub writes: Rate<TokenId>,
}

impl Calls {
    /// So many of each a minute.
    pub fn per_minute(reads: i32, writes: i32) -> Self {
        Self { reads: Rate::per_minute(reads), writes: Rate::per_minute(writes) }
    }
}

/// What a [`State`] is made of.
pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub publisher: Publisher,
    /// Encrypts what has to be read again.
    pub secret_key: SecretKey,
    /// Scheme, host and port of the address visitors use.
    pub origin: String,
    /// The hosts under which it may be asked.
    pub hosts: Hosts,
    /// Sends mail, where a server for it is named.
    pub mailer: Option<Mailer>,
    /// The identity provider that managers may log in with, where one is named.
    pub provider: Option<Provider>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

impl State {
    /// The state made of `parts`.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Shared {
            worker: Pulse::new(parts.clock.clone()),
            worker_failing: Lasting::new(parts.clock.clone()),
            writes: WriteHealth::new(parts.clock.clone()),
            courier: Arc::new(Pulse::new(parts.clock.clone())),
            parts,
            streams: Streams::new(MAX_STREAMS),
            connections: ByAddress::default(),
            responses: Responses::default(),
            refused_logins: Counter::default(),
            unnamed_proxy: UnnamedProxy::default(),
            refusals: Mutex::default(),
            logins: Mutex::new(Rate::new(LOGINS_AT_ONCE, LOGIN_EVERY)),
            resets: Mutex::new(Rate::new(RESETS_AT_ONCE, RESET_EVERY)),
            calls: Mutex::new(Calls::per_minute(TOKEN_READS, TOKEN_WRITES)),
            deeds: Mutex::default(),
        }))
    }

    /// The open event streams.
    pub fn streams(&self) -> &Streams {
        &self.0.streams
    }

    /// The refused attempts of the current minute.
    pub fn refusals(&self) -> &Mutex<Refusals> {
        &self.0.refusals
    }

    /// The attempts to log in that each network made lately.
    pub fn logins(&self) -> &Mutex<Rate> {
        &self.0.logins
    }

    /// The links for a new password that each network asked for lately.
    pub fn resets(&self) -> &Mutex<Rate> {
        &self.0.resets
    }

    /// The calls that each API token made lately.
    pub fn calls(&self) -> &Mutex<Calls> {
        &self.0.calls
    }

    /// The changes that each session made lately.
    pub fn deeds(&self) -> &Mutex<Deeds> {
        &self.0.deeds
    }

    /// What sends mail in the name of this server.
    pub fn courier(&self) -> Courier {
        let Parts { db, clock, mailer, origin, .. } = &self.0.parts;
        let pulse = self.0.courier.clone();
        Courier { db: db.clone(), clock: clock.clone(), mailer: mailer.clone(), origin: origin.clone(), pulse }
    }

    /// The open connections.
    pub fn connections(&self) -> &ByAddress {
        &self.0.connections
    }

    /// What was answered so far.
    pub fn responses(&self) -> &Responses {
        &self.0.responses
    }

    /// How often a login was refused.
    pub fn refused_logins(&self) -> &Counter {
        &self.0.refused_logins
    }

    /// A proxy that passes requests on and that no setting names.
    pub fn unnamed_proxy(&self) -> &UnnamedProxy {
        &self.0.unnamed_proxy
    }

    /// When the worker ended its last round.
    pub fn worker(&self) -> &Pulse {
        &self.0.worker
    }

    /// Since when rounds of the worker fail.
    pub fn worker_failing(&self) -> &Lasting {
        &self.0.worker_failing
    }

    /// Whether the database takes changes.
    pub fn writes(&self) -> &WriteHealth {
        &self.0.writes
    }

    /// When the courier last looked at the outbox; it does where there is a mail server.
    pub fn courier_pulse(&self) -> Option<&Pulse> {
        self.mailer.as_ref().map(|_| self.0.courier.as_ref())
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
            self.publisher.outdate_copies();
            tracing::error!("a change was saved but could not be published yet: {error:#}");
        }
    }
}

impl Deref for State {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}
