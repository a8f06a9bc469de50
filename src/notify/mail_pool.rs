//! Connections to the mail server that several mails share: a new connection and TLS handshake for each would be slow,
//! and receivers count them.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use lettre::address::Envelope;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

use super::mail_failure::SmtpFailure;
use super::smtp::{MailServer, SendProblem, SessionState, SmtpSession};

pub const DEFAULT_CONNECTIONS: u16 = 8;

#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// The most connections at a time.
    pub connections: usize,
    /// Servers such as Postfix and Exchange count the mails of a connection.
    pub mails_per_connection: u32,
    /// A connection that was idle for this long is asked with NOOP before it gets a mail.
    pub noop_after: Duration,
    /// A connection that was idle for this long is closed.
    pub idle: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            connections: DEFAULT_CONNECTIONS.into(),
            mails_per_connection: 100,
            noop_after: Duration::from_secs(30),
            idle: Duration::from_secs(60),
        }
    }
}

/// A clone shares the connections.
#[derive(Clone)]
pub struct MailPool(Arc<Pool>);

struct Pool {
    server: MailServer,
    limits: PoolLimits,
    /// One permit for each connection that a mail uses.
    free: Arc<Semaphore>,
    idle: Mutex<IdleSessions>,
}

#[derive(Default)]
struct IdleSessions {
    /// The most recently used is last.
    sessions: Vec<IdleSession>,
    has_closer: bool,
}

struct IdleSession {
    session: SmtpSession,
    since: Instant,
}

impl std::fmt::Debug for MailPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailPool").field("server", &self.0.server).field("limits", &self.0.limits).finish()
    }
}

impl MailPool {
    /// Opens no connection yet.
    pub fn new(server: MailServer, limits: PoolLimits) -> Self {
        let free = Arc::new(Semaphore::new(limits.connections.max(1)));
        Self(Arc::new(Pool { server, limits, free, idle: Mutex::default() }))
    }

    /// The most connections at a time.
    pub fn connections(&self) -> usize {
        self.0.limits.connections
    }

    /// The same server with another number of connections.
    #[must_use]
    pub fn with_connections(&self, connections: usize) -> Self {
        Self::new(self.0.server.clone(), PoolLimits { connections, ..self.0.limits })
    }

    /// Sends one mail; waits while all connections are in use. If the caller drops the future, or the server does not
    /// answer in time, it is unknown whether the mail was accepted.
    pub async fn send(&self, envelope: &Envelope, mail: &[u8]) -> Result<(), SmtpFailure> {
        let permit = self.0.free.clone().acquire_owned().await.map_err(SmtpFailure::temporary)?;
        let time = self.0.server.limits().time;
        let sent = timeout(time, self.0.send(envelope, mail)).await;
        let (result, session) = sent.unwrap_or_else(|_| {
            let words = format!("the mail server did not accept it within {} s", time.as_secs());
            (Err(SmtpFailure::temporary(words)), None)
        });
        if let Some(session) = session {
            self.release(session, permit);
        }
        result
    }

    /// Opens a connection and closes it. Returns whether it is encrypted.
    pub async fn test_connection(&self) -> Result<bool, SmtpFailure> {
        let time = self.0.server.limits().time;
        let session = timeout(time, self.0.server.open()).await.map_err(|_| {
            SmtpFailure::temporary(format!("the mail server did not answer within {} s", time.as_secs()))
        })??;
        let is_encrypted = session.is_encrypted;
        session.quit().await;
        Ok(is_encrypted)
    }

    /// Closes the idle connections.
    pub async fn close(&self) {
        quit_all(self.0.take_idle_since(Instant::now())).await;
    }

    /// Keeps the session for the next mail, or closes it if it has sent enough. The permit is released after that.
    fn release(&self, session: SmtpSession, permit: OwnedSemaphorePermit) {
        if session.mails >= self.0.limits.mails_per_connection {
            tokio::spawn(async move {
                session.quit().await;
                drop(permit);
            });
        } else if self.0.put_back(session) {
            tokio::spawn(close_idle_sessions(Arc::downgrade(&self.0)));
        }
    }
}

impl Pool {
    /// Returns the session if it takes further mails.
    async fn send(&self, envelope: &Envelope, mail: &[u8]) -> (Result<(), SmtpFailure>, Option<SmtpSession>) {
        while let Some(IdleSession { mut session, since }) = self.take_idle() {
            if !session.is_ready(since.elapsed() >= self.limits.noop_after).await {
                continue;
            }
            match session.send(envelope, mail).await {
                Err(SendProblem { session: SessionState::ClosedBefore, .. }) => {}
                sent => return finish_send(session, sent),
            }
        }
        match self.server.open().await {
            Ok(mut session) => {
                let sent = session.send(envelope, mail).await;
                finish_send(session, sent)
            }
            Err(failure) => (Err(failure), None),
        }
    }

    fn take_idle(&self) -> Option<IdleSession> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).sessions.pop()
    }

    /// Returns whether a closer must be started.
    fn put_back(&self, session: SmtpSession) -> bool {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.sessions.push(IdleSession { session, since: Instant::now() });
        !std::mem::replace(&mut idle.has_closer, true)
    }

    fn take_idle_since(&self, until: Instant) -> Vec<IdleSession> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.sessions.extract_if(.., |idle| idle.since <= until).collect()
    }

    /// When the session that is idle for the longest has to be closed. Without one, the closer ends.
    fn next_closing(&self) -> Option<Instant> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = idle.sessions.iter().map(|idle| idle.since).min();
        idle.has_closer = oldest.is_some();
        oldest.map(|since| since + self.limits.idle)
    }
}

fn finish_send(session: SmtpSession, sent: Result<(), SendProblem>) -> (Result<(), SmtpFailure>, Option<SmtpSession>) {
    match sent {
        Ok(()) => (Ok(()), Some(session)),
        Err(problem) => (Err(problem.failure), (problem.session == SessionState::Open).then_some(session)),
    }
}

/// Ends when no session is idle.
async fn close_idle_sessions(pool: Weak<Pool>) {
    while let Some(at) = pool.upgrade().and_then(|pool| pool.next_closing()) {
        sleep_until(at).await;
        let Some(pool) = pool.upgrade() else { return };
        let expired = Instant::now().checked_sub(pool.limits.idle).map(|since| pool.take_idle_since(since));
        quit_all(expired.unwrap_or_default()).await;
    }
}

async fn quit_all(sessions: Vec<IdleSession>) {
    join_all(sessions.into_iter().map(|idle| idle.session.quit())).await;
}
