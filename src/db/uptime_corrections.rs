//! Corrections of computed uptime.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx};
use crate::domain::{ComponentId, CorrectionId, Status, UptimeCorrection};

/// Limit per component: all are listed at once.
const MAX_CORRECTIONS: i64 = 500;

#[apply(from_row!)]
struct Row {
    id: String,
    component_id: String,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    status: String,
    reason: String,
    created_at: DateTime<Utc>,
}

/// Corrections of all components that end after `at`, newest first.
pub async fn list_since(tx: &mut Tx, at: DateTime<Utc>) -> Result<Vec<UptimeCorrection>> {
    let sql = "select id, component_id, started_at, ended_at, status, reason, created_at
               from uptime_corrections where ended_at > $1 order by started_at desc, id";
    rows!(tx, Row, sql, at)?.into_iter().map(UptimeCorrection::try_from).collect()
}

/// Newest first.
pub async fn list_for_component(tx: &mut Tx, component: &ComponentId) -> Result<Vec<UptimeCorrection>> {
    let sql = "select id, component_id, started_at, ended_at, status, reason, created_at
               from uptime_corrections where component_id = $1 order by started_at desc, id";
    rows!(tx, Row, sql, component.as_str())?.into_iter().map(UptimeCorrection::try_from).collect()
}

/// Fails with `Full` at the limit.
pub async fn insert(tx: &mut WriteTx, correction: &UptimeCorrection) -> Result<()> {
    let sql = "select count(*) from uptime_corrections where component_id = $1";
    let count = row!(tx, (i64,), sql, correction.component_id.as_str())?;
    if count.is_some_and(|(count,)| count >= MAX_CORRECTIONS) {
        return Err(Error::Full("Limit reached (500 corrections of this component). Remove some first."));
    }
    run!(
        tx,
        "insert into uptime_corrections (id, component_id, started_at, ended_at, status, reason, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        correction.id.as_str(),
        correction.component_id.as_str(),
        correction.from,
        correction.to,
        correction.status.key(),
        correction.reason.as_str(),
        correction.created_at
    )?;
    Ok(())
}

/// Deletes a correction, so that incidents and baselines count again.
pub async fn delete(tx: &mut WriteTx, id: &CorrectionId) -> Result<()> {
    run!(tx, "delete from uptime_corrections where id = $1", id.as_str())?;
    Ok(())
}

impl TryFrom<Row> for UptimeCorrection {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: CorrectionId::parse(&row.id).ok_or_else(|| Error::other("a correction's id"))?,
            component_id: ComponentId::parse(&row.component_id).ok_or_else(|| Error::other("a component's id"))?,
            from: row.started_at,
            to: row.ended_at,
            status: Status::from_key(&row.status).ok_or_else(|| Error::other("a correction's status"))?,
            reason: row.reason,
            created_at: row.created_at,
        })
    }
}
