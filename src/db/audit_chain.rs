//! The hash chain of the audit log: each row carries the SHA-256 of its content and of the previous row's hash.
//!
//! Altering, removing, inserting or swapping rows breaks the chain. Recomputing all later hashes, or removing the last
//! rows, changes the newest hash, which is published.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;
use sha2::{Digest as _, Sha256};

use super::{Error, Result, Tx, WriteTx};
use crate::domain::audit::{Digest, PublicDigest};
use crate::format::hex;

/// Versions the hashed form.
const HASH_PREFIX: &[u8] = b"candor audit 1";
/// The "previous hash" of the first row.
const ZERO_HASH: [u8; 64] = [b'0'; 64];
const BATCH: i64 = 1000;

#[apply(from_row!)]
struct Row {
    id: i64,
    at: DateTime<Utc>,
    manager_id: Option<String>,
    actor_name: String,
    address: String,
    action: String,
    subject_id: String,
    subject_name: String,
    before: Option<String>,
    after: Option<String>,
    revision: i64,
    hash: String,
}

impl Row {
    /// The hash of this row after one with the hash `previous`. Each part has a presence byte and its length as a
    /// prefix, so that two different rows never hash the same bytes.
    fn hash(&self, previous: &str) -> String {
        let (id, at, revision) = (self.id.to_be_bytes(), self.at.timestamp_micros().to_be_bytes(), self.revision);
        let mut hasher = Sha256::new_with_prefix(HASH_PREFIX);
        let mut part = |bytes: Option<&[u8]>| {
            hasher.update([u8::from(bytes.is_some())]);
            hasher.update((bytes.unwrap_or_default().len() as u64).to_be_bytes());
            hasher.update(bytes.unwrap_or_default());
        };
        part(Some(previous.as_bytes()));
        part(Some(&id));
        part(Some(&at));
        part(self.manager_id.as_deref().map(str::as_bytes));
        for text in [&self.actor_name, &self.address, &self.action, &self.subject_id, &self.subject_name] {
            part(Some(text.as_bytes()));
        }
        part(self.before.as_deref().map(str::as_bytes));
        part(self.after.as_deref().map(str::as_bytes));
        part(Some(&revision.to_be_bytes()));
        hex(&hasher.finalize())
    }
}

pub async fn head(tx: &mut Tx) -> Result<Option<Digest>> {
    let sql = "select id, hash, at from audit_log where id = (select max(id) from audit_log)";
    let row = row!(tx, (i64, String, DateTime<Utc>), sql)?;
    Ok(row.map(|(id, hash, at)| Digest { id, hash, at }))
}

/// The digest to publish: the hash of the newest row from before `until`.
pub async fn public_digest(tx: &mut Tx, until: DateTime<Utc>) -> Result<Option<PublicDigest>> {
    // Scans backwards past the last hour's rows; the condition `id > 0` makes both databases use the primary key.
    let sql = "select hash from audit_log where id > 0 and at < $1 order by id desc limit 1";
    Ok(row!(tx, (String,), sql, until)?.map(|(hash,)| PublicDigest { until, hash }))
}

pub async fn find_hash(tx: &mut Tx, hash: &str) -> Result<Option<i64>> {
    Ok(row!(tx, (i64,), "select id from audit_log where hash = $1", hash)?.map(|(id,)| id))
}

pub async fn find_row_hash(tx: &mut Tx, id: i64) -> Result<Option<String>> {
    Ok(row!(tx, (String,), "select hash from audit_log where id = $1", id)?.map(|(hash,)| hash))
}

pub async fn length(tx: &mut Tx) -> Result<i64> {
    Ok(row!(tx, (i64,), "select count(*) from audit_log")?.map_or(0, |(count,)| count))
}

/// Chains the row `id`, which must be the newest, and returns its hash.
pub(super) async fn append(tx: &mut WriteTx, id: i64) -> Result<String> {
    let before = "select hash from audit_log where id < $1 order by id desc limit 1";
    let previous = row!(tx, (String,), before, id)?.map_or_else(start, |(hash,)| hash);
    let row = rows_after(tx, id - 1, 1).await?.pop().ok_or(Error::NotFound)?;
    let hash = row.hash(&previous);
    set_hash(tx, id, &hash).await?;
    Ok(hash)
}

/// Chains rows from before the chain existed. If any row has a hash, does nothing: a row without one is then a break.
pub(super) async fn chain_existing_rows(tx: &mut WriteTx) -> Result<()> {
    if row!(tx, (i64,), "select id from audit_log where hash <> '' limit 1")?.is_some() {
        return Ok(());
    }
    let mut last = Digest { id: i64::MIN, hash: start(), at: DateTime::UNIX_EPOCH };
    loop {
        let rows = rows_after(tx, last.id, BATCH).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            last = Digest { id: row.id, hash: row.hash(&last.hash), at: row.at };
            set_hash(tx, row.id, &last.hash).await?;
        }
    }
}

/// Verifies the chain from its first row.
pub struct ChainWalk {
    id: i64,
    hash: String,
    /// Verified rows.
    pub rows: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainStep {
    On,
    End,
    /// The first row that breaks the chain, and why.
    Broken(i64, &'static str),
}

impl Default for ChainWalk {
    fn default() -> Self {
        Self { id: i64::MIN, hash: start(), rows: 0 }
    }
}

impl ChainWalk {
    /// Verifies the next 1000 rows.
    pub async fn step(&mut self, tx: &mut Tx) -> Result<ChainStep> {
        let rows = match rows_after(tx, self.id, BATCH).await {
            Err(Error::Other(_)) => return self.careful_step(tx).await,
            rows => rows?,
        };
        if rows.is_empty() {
            return Ok(ChainStep::End);
        }
        for row in rows {
            if let Some(reason) = self.follow(row.id, &row) {
                return Ok(ChainStep::Broken(row.id, reason));
            }
        }
        Ok(ChainStep::On)
    }

    /// Reads one row, to name the row with an invalid column value.
    async fn careful_step(&mut self, tx: &mut Tx) -> Result<ChainStep> {
        let next = row!(tx, (i64,), "select id from audit_log where id > $1 order by id limit 1", self.id)?;
        let Some((id,)) = next else { return Ok(ChainStep::End) };
        let row = rows_after(tx, self.id, 1).await.ok().and_then(|mut rows| rows.pop());
        let reason = row.map_or(Some("it can't be read"), |row| self.follow(id, &row));
        Ok(reason.map_or(ChainStep::On, |reason| ChainStep::Broken(id, reason)))
    }

    /// Advances to `row`, or returns why it breaks the chain.
    fn follow(&mut self, id: i64, row: &Row) -> Option<&'static str> {
        if row.hash.is_empty() {
            return Some("it carries no hash");
        }
        if row.hash != row.hash(&self.hash) {
            return Some("its hash is not that of what it says and of the row before it");
        }
        (self.id, self.rows) = (id, self.rows + 1);
        self.hash.clone_from(&row.hash);
        None
    }
}

fn start() -> String {
    ZERO_HASH.iter().copied().map(char::from).collect()
}

async fn rows_after(tx: &mut Tx, id: i64, limit: i64) -> Result<Vec<Row>> {
    let sql = "select id, at, manager_id, actor_name, address, action, subject_id, subject_name, before, after,
                 revision, hash
               from audit_log where id > $1 order by id limit $2";
    rows!(tx, Row, sql, id, limit)
}

async fn set_hash(tx: &mut WriteTx, id: i64, hash: &str) -> Result<()> {
    run!(tx, "update audit_log set hash = $1 where id = $2", hash, id)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            id: 1,
            at: DateTime::UNIX_EPOCH,
            manager_id: None,
            actor_name: "Ines".into(),
            address: "192.0.2.1".into(),
            action: "incident.open".into(),
            subject_id: "it".into(),
            subject_name: "Tiles fail".into(),
            before: None,
            after: Some("{}".into()),
            revision: 7,
            hash: String::new(),
        }
    }

    #[test]
    fn hash_covers_every_column_and_previous_row() {
        let seal = |row: Row| row.hash("previous");
        let all = [
            row().hash("another"),
            seal(row()),
            seal(Row { id: 2, ..row() }),
            seal(Row { at: DateTime::UNIX_EPOCH + chrono::TimeDelta::microseconds(1), ..row() }),
            seal(Row { manager_id: Some(String::new()), ..row() }),
            seal(Row { actor_name: "Ine".into(), ..row() }),
            seal(Row { address: "192.0.2.2".into(), ..row() }),
            seal(Row { action: "incident.edit".into(), ..row() }),
            seal(Row { subject_id: "i".into(), subject_name: "tTiles fail".into(), ..row() }),
            seal(Row { before: Some("{}".into()), after: None, ..row() }),
            seal(Row { after: None, ..row() }),
            seal(Row { revision: 8, ..row() }),
        ];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(all[1], seal(Row { hash: "another".into(), ..row() }), "the hash itself is not hashed");
    }
}
