//! SQLite or PostgreSQL behind one set of queries. No other module imports sqlx.
//!
//! A read [`Tx`] sees one consistent snapshot; only one [`WriteTx`] is open at a time. [`WriteTx::commit`] takes the
//! audit entry and writes the next revision, so a change can't be committed without them.

#[macro_use]
mod dispatch;
pub mod acme;
mod backup;
mod changes;
mod connect;
mod connection;
mod deadlines;
mod disk_file;
mod error;
mod examine;
mod file_watch;
mod follow;
mod incident_index;
mod link;
mod list;
mod outage;
mod postgres;
mod postgres_url;
mod probe;
mod schema;
mod servers;
mod sidecar;
mod sqlite_file;
mod statements;
mod tx;

pub mod admin_incidents;
pub mod announcements;
pub mod api_metadata;
pub mod api_tokens;
pub mod audit;
pub mod audit_chain;
pub mod challenges;
pub mod components;
pub mod deliveries;
pub mod draft_presence;
pub mod drafts;
pub mod faults;
pub mod feed_ids;
pub mod future_times;
pub mod idempotency;
pub mod incidents;
pub mod known_browsers;
pub mod leases;
pub mod login_failures;
pub mod login_policy;
pub mod maintenances;
pub mod managers;
pub mod nodes;
pub mod notices;
pub mod oidc_identities;
pub mod one_time_links;
pub mod outbox;
pub mod page_imports;
pub mod page_settings;
pub mod passkeys;
pub mod pending_forms;
pub mod postmortems;
pub mod recovery_codes;
pub mod second_factors;
pub mod sender_rejections;
pub mod series;
pub mod sessions;
pub mod status_intervals;
pub mod subscribers;
pub mod suppressions;
pub mod templates;
pub mod totp;
pub mod uptime_corrections;
pub mod write_health;

use crate::credentials::random_bytes;

pub use backup::RestoreResult;
pub use changes::{Changes, Origin, Subscription};
pub use connect::Db;
pub use error::{Error, Result, failures_of_database};
pub use examine::{DatabaseState, Examination};
pub use follow::{next_multiple, next_second};
pub use outage::Outage;
pub use probe::Depth;
pub use schema::{FOREIGN_KEYS, PRE_RELEASE, SchemaError, TABLES, VIEWS};
pub use tx::{DeliveryTx, Tx, WriteTx};

/// A random mark for the header of an SQLite file, which distinguishes the file from its copies.
fn random_mark() -> u32 {
    u32::from_be_bytes(random_bytes()) >> 1 | 1
}
