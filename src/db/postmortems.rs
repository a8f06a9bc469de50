//! Postmortems of incidents.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::{Error, Result, Tx, WriteTx};
use crate::domain::postmortem::PublishedPostmortem;
use crate::domain::{IncidentId, Postmortem, UpdateId};

#[apply(from_row!)]
struct Row {
    body: String,
    published_body: Option<String>,
    published_at: Option<DateTime<Utc>>,
    update_id: Option<String>,
    updated_at: DateTime<Utc>,
    version: i64,
}

/// What visitors may read.
pub async fn find_published(tx: &mut Tx, incident: &IncidentId) -> Result<Option<PublishedPostmortem>> {
    let sql = "select body, published_at, update_id from public_postmortems where incident_id = $1";
    let row = row!(tx, (String, DateTime<Utc>, Option<String>), sql, incident.as_str())?;
    Ok(row.map(|(body, at, update_id)| PublishedPostmortem { body, at, update_id: parse_update_id(update_id) }))
}

/// The postmortem as managers see it, including an unpublished draft.
pub async fn find(tx: &mut Tx, incident: &IncidentId) -> Result<Option<Postmortem>> {
    let sql = "select body, published_body, published_at, update_id, updated_at, version
               from postmortems where incident_id = $1";
    let row = row!(tx, Row, sql, incident.as_str())?;
    Ok(row.map(|row| Postmortem {
        incident: incident.clone(),
        body: row.body,
        published: row.published_body.zip(row.published_at).map(|(body, at)| PublishedPostmortem {
            body,
            at,
            update_id: parse_update_id(row.update_id),
        }),
        updated_at: row.updated_at,
        version: row.version,
    }))
}

fn parse_update_id(id: Option<String>) -> Option<UpdateId> {
    id.as_deref().and_then(UpdateId::parse)
}

/// Deletes a draft or published postmortem; the audit log keeps its content.
pub async fn delete(tx: &mut WriteTx, incident: &IncidentId) -> Result<()> {
    run!(tx, "delete from postmortems where incident_id = $1", incident.as_str())?;
    Ok(())
}

/// Saves `postmortem` and increments its version; version 0 inserts it. `Conflict` if the stored version differs. A
/// stored update id stays.
pub async fn save(tx: &mut WriteTx, postmortem: &mut Postmortem, now: DateTime<Utc>) -> Result<()> {
    let body = postmortem.published.as_ref().map(|published| published.body.as_str());
    let at = postmortem.published.as_ref().map(|published| published.at);
    let update_id = postmortem.published.as_ref().and_then(|published| published.update_id.as_ref());
    let update_id = update_id.map(UpdateId::as_str);
    let kept = if postmortem.version == 0 {
        let sql =
            "insert into postmortems (incident_id, body, published_body, published_at, updated_at, update_id, version)
                   values ($1, $2, $3, $4, $5, $6, 1)";
        run!(tx, sql, postmortem.incident.as_str(), postmortem.body.as_str(), body, at, now, update_id)?
    } else {
        let sql = "update postmortems set body = $1, published_body = $2, published_at = $3, updated_at = $4,
                                      update_id = coalesce($5, update_id), version = version + 1
                   where incident_id = $6 and version = $7";
        let (incident, version) = (postmortem.incident.as_str(), postmortem.version);
        run!(tx, sql, postmortem.body.as_str(), body, at, now, update_id, incident, version)?
    };
    if kept == 0 {
        return Err(Error::Conflict("the postmortem was changed in the meantime"));
    }
    postmortem.version += 1;
    postmortem.updated_at = now;
    Ok(())
}
