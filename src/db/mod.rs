//! The database: SQLite or PostgreSQL behind one set of queries. The only importer of sqlx.
//!
//! Every query runs in a [`Tx`]: a read transaction sees one consistent state, a write transaction is
//! the only writer. A write ends with [`WriteTx::commit`], which takes the audit entry and makes the
//! next revision, so no change can be kept without them.

#[macro_use]
mod query;
mod backup;
mod connection;
mod error;
mod examine;
mod listing;
mod open;
mod outage;
mod postgres;
mod probe;
mod sidecar;
mod sqlite_file;
mod tx;

pub mod api_tokens;
pub mod audit;
pub mod chain;
pub mod components;
pub mod corrections;
pub mod desk;
pub mod devices;
pub mod draft_readers;
pub mod drafts;
pub mod echoes;
pub mod effects;
pub mod factors;
pub mod failures;
pub mod faults;
pub mod feed_ids;
pub mod future_times;
pub mod idempotency;
pub mod identities;
pub mod incidents;
pub mod links;
pub mod maintenances;
pub mod managers;
pub mod outbox;
pub mod page;
pub mod passkeys;
pub mod policy;
pub mod recovery_codes;
pub mod reviews;
pub mod series;
pub mod sessions;
pub mod templates;
pub mod totp;

use crate::credentials::random;

pub use backup::Restored;
pub use error::{Error, Result, failures_of_database};
pub use examine::{FOREIGN_KEYS, Found, State, TABLES};
pub use open::Db;
pub use outage::Outage;
pub use probe::{Depth, RELATIONS};
pub use tx::{Tx, WriteTx};

/// A number for the header of an SQLite file, by which it is told from its copies.
fn random_mark() -> u32 {
    u32::from_be_bytes(random()) >> 1 | 1
}
