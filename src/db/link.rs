//! What all transactions of one PostgreSQL database share: its servers, how statements are sent, and their deadlines.

use std::time::Duration;

use sqlx::postgres::PgPool;

use super::Result;
use super::changes::Changes;
use super::servers::Servers;
use super::statements::Statements;

#[derive(Clone, Debug)]
pub struct Link {
    pub(super) statements: Statements,
    pub(super) servers: Servers,
    pub(super) limits: Limits,
    pub(super) changes: Changes,
}

/// Deadlines of a process. The client's end a little later than the server's, so that only a silent network reaches them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Limits {
    /// Commands may take longer than requests.
    #[default]
    Command,
    /// A request must fail soon.
    Server,
}

impl Limits {
    pub(super) fn read(self) -> Duration {
        match self {
            Self::Command => Duration::from_secs(12),
            Self::Server => Duration::from_secs(3),
        }
    }

    /// Also of `commit`.
    pub(super) fn write(self) -> Duration {
        match self {
            Self::Command => Duration::from_secs(12),
            Self::Server => Duration::from_secs(6),
        }
    }
}

impl Link {
    pub(super) fn new(servers: Servers) -> Self {
        Self { statements: Statements::default(), servers, limits: Limits::default(), changes: Changes::default() }
    }

    /// Call before a connection is taken from the pool.
    pub(super) async fn prepare(&self, pool: &PgPool) -> Result<()> {
        self.servers.choose(pool).await?;
        self.statements.look_for_pooler(pool).await
    }

    pub(super) fn note(&self, error: &sqlx::Error) {
        self.statements.note(error);
        self.servers.note(error);
    }

    /// Call after the pool gave no connection.
    pub(super) fn note_refusal(&self, error: &sqlx::Error) {
        match error {
            sqlx::Error::PoolTimedOut => self.servers.look_again(),
            error => self.servers.note(error),
        }
    }
}
