//! Which managers have a draft open. Stored apart from the draft, without a new version and without an audit row.

use chrono::{DateTime, Utc};

use super::{Result, Tx, WriteTx};
use crate::domain::draft::{DraftReader, PRESENCE_TIMEOUT};
use crate::domain::{DraftId, ManagerId};

const MAX_LISTED: i64 = 500;

/// Records that the manager has the draft open, unless it was deleted, and deletes stale presence rows.
pub async fn record(tx: &mut WriteTx, draft: &DraftId, manager: &ManagerId, now: DateTime<Utc>) -> Result<()> {
    run!(tx, "delete from draft_presence where seen_at <= $1", now - PRESENCE_TIMEOUT)?;
    run!(
        tx,
        "insert into draft_presence (draft_id, manager_id, opened_at, seen_at)
         select id, $2, $3, $3 from drafts where id = $1
         on conflict (draft_id, manager_id) do update set seen_at = excluded.seen_at",
        draft.as_str(),
        manager.as_str(),
        now
    )?;
    Ok(())
}

/// The other managers who have drafts open, in the order in which they opened them.
pub async fn list_others(tx: &mut Tx, manager: &ManagerId, now: DateTime<Utc>) -> Result<Vec<DraftReader>> {
    let sql = "select r.draft_id, m.name, r.opened_at
               from draft_presence r join managers m on m.id = r.manager_id
               where r.manager_id <> $1 and r.seen_at > $2 and m.disabled_at is null
               order by r.opened_at, m.name, r.draft_id limit $3";
    let rows = rows!(tx, (String, String, DateTime<Utc>), sql, manager.as_str(), now - PRESENCE_TIMEOUT, MAX_LISTED)?;
    let reader = |(draft, name, opened_at): (String, String, DateTime<Utc>)| {
        Some(DraftReader { draft: DraftId::parse(&draft)?, name, opened_at })
    };
    Ok(rows.into_iter().filter_map(reader).collect())
}
