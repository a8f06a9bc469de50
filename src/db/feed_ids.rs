//! The ids by which feed readers knew incidents and maintenances where they came from.

use std::collections::BTreeMap;

use super::list::end_of_time;
use super::{Result, Tx, WriteTx};

/// Those of the newest incidents and the newest maintenances that visitors may know of, at most `limit` of each, by
/// the ids of what they stand for.
///
/// # Errors
/// Where the database can't be read.
pub async fn list_newest(tx: &mut Tx, limit: i64) -> Result<BTreeMap<String, String>> {
    let sql = "select id, feed_id from public_feed_ids where id in (
                 select incident_id from (
                   select incident_id from incident_index where component_id = '' and started_at < $2
                   order by started_at desc, incident_id desc limit $1) as newest
                 union all
                 select id from (
                   select id from maintenances where scheduled_for < $2
                   order by scheduled_for desc, id desc limit $1) as latest)";
    Ok(rows!(tx, (String, String), sql, limit, end_of_time())?.into_iter().collect())
}

/// Gives the incident or maintenance `id` this feed id, if it has none; says whether it did.
///
/// # Errors
/// Where the database can't be written, or something else has it.
pub async fn insert(tx: &mut WriteTx, id: &str, feed_id: &str) -> Result<bool> {
    let incidents = run!(tx, "update incidents set feed_id = $1 where id = $2 and feed_id is null", feed_id, id)?;
    let maintenances = run!(tx, "update maintenances set feed_id = $1 where id = $2 and feed_id is null", feed_id, id)?;
    Ok(incidents + maintenances > 0)
}
