//! Feed entry ids that imported incidents and maintenances had on their previous status page.

use std::collections::BTreeMap;

use super::list::end_of_time;
use super::{Result, Tx, WriteTx};

/// For entries whose feed named them by a bare UUID, which is no URL as Atom requires.
pub const UUID_PREFIX: &str = "urn:uuid:";

/// Feed ids of the newest public incidents and the newest maintenances, at most `limit` of each, by incident or
/// maintenance id.
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

/// Sets the feed id of the incident or maintenance `id` unless it has one, and returns whether it did. `Conflict` if
/// the feed id is taken.
pub async fn insert(tx: &mut WriteTx, id: &str, feed_id: &str) -> Result<bool> {
    let incidents = run!(tx, "update incidents set feed_id = $1 where id = $2 and feed_id is null", feed_id, id)?;
    let maintenances = run!(tx, "update maintenances set feed_id = $1 where id = $2 and feed_id is null", feed_id, id)?;
    Ok(incidents + maintenances > 0)
}
