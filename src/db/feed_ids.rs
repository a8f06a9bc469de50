//! The ids by which feed readers knew incidents and maintenances where they came from.

use std::collections::BTreeMap;

use super::{Result, Tx, WriteTx};

/// Those of the newest incidents and the newest maintenances that visitors may know of, at most `limit` of each, by
/// the ids of what they stand for.
///
/// # Errors
/// Where the database can't be read.
pub async fn of_newest(tx: &mut Tx, limit: i64) -> Result<BTreeMap<String, String>> {
    let incidents = "select id, feed_id from incidents where feed_id is not null and id in (
                       select incident_id from incident_listing where component_id = ''
                       order by started_at desc, incident_id desc limit $1)";
    let maintenances = "select id, feed_id from maintenances where feed_id is not null and id in (
                          select id from maintenances order by scheduled_for desc, id desc limit $1)";
    let mut all: BTreeMap<_, _> = rows!(tx, (String, String), incidents, limit)?.into_iter().collect();
    all.extend(rows!(tx, (String, String), maintenances, limit)?);
    Ok(all)
}

/// The id of the incident or maintenance that has `feed_id`, if one has it.
///
/// # Errors
/// Where the database can't be read.
pub async fn owner(tx: &mut Tx, feed_id: &str) -> Result<Option<String>> {
    let sql = "select id from incidents where feed_id = $1 union all select id from maintenances where feed_id = $1";
    Ok(row!(tx, (String,), sql, feed_id)?.map(|(id,)| id))
}

/// Gives the incident or maintenance `id` this feed id, if it has none; says whether it did.
///
/// # Errors
/// Where the database can't be written, or something else has it.
pub async fn keep(tx: &mut WriteTx, id: &str, feed_id: &str) -> Result<bool> {
    let incidents = run!(tx, "update incidents set feed_id = $1 where id = $2 and feed_id is null", feed_id, id)?;
    let maintenances = run!(tx, "update maintenances set feed_id = $1 where id = $2 and feed_id is null", feed_id, id)?;
    Ok(incidents + maintenances > 0)
}

/// Whether there is an incident or a maintenance `id`.
///
/// # Errors
/// Where the database can't be read.
pub async fn has_subject(tx: &mut Tx, id: &str) -> Result<bool> {
    let sql = "select id from incidents where id = $1 union all select id from maintenances where id = $1";
    Ok(row!(tx, (String,), sql, id)?.is_some())
}
