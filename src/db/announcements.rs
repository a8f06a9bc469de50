//! Announcements.

use chrono::{DateTime, Utc};
use macro_rules_attribute::apply;

use super::list::behind;
use super::{Error, Result, Tx, WriteTx};
use crate::credentials::random_bytes;
use crate::domain::announcement::MAX_ANNOUNCEMENTS;
use crate::domain::forms::NewAnnouncement;
use crate::domain::history::Cursor;
use crate::domain::{Announcement, AnnouncementId};

/// How many are listed.
const MAX_LISTED: i64 = 200;

#[apply(from_row!)]
struct Row {
    id: String,
    title: String,
    body: String,
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl TryFrom<Row> for Announcement {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: AnnouncementId::parse(&row.id).ok_or_else(|| Error::other("an announcement's id"))?,
            title: row.title,
            body: row.body,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}

/// At most `limit` behind `cursor`, the latest start first.
pub async fn list(tx: &mut Tx, cursor: Option<&Cursor>, limit: i64) -> Result<Vec<Announcement>> {
    let sql = "select id, title, body, starts_at, ends_at, created_at, updated_at, version
               from announcements
               where (starts_at, id) < ($1, $2)
               order by starts_at desc, id desc limit $3";
    let (before, id) = behind(cursor);
    rows!(tx, Row, sql, before, id, limit)?.into_iter().map(Announcement::try_from).collect()
}

/// The cursor after this announcement.
pub fn cursor(announcement: &Announcement) -> Option<Cursor> {
    Cursor::at(announcement.starts_at, announcement.id.as_str())
}

/// Those that have not ended.
pub async fn list_current(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<Announcement>> {
    let sql = "select id, title, body, starts_at, ends_at, created_at, updated_at, version
               from announcements where ends_at is null or ends_at > $1 order by starts_at desc, id limit $2";
    rows!(tx, Row, sql, now, MAX_LISTED)?.into_iter().map(Announcement::try_from).collect()
}

pub async fn find(tx: &mut Tx, id: &AnnouncementId) -> Result<Announcement> {
    let sql = "select id, title, body, starts_at, ends_at, created_at, updated_at, version
               from announcements where id = $1";
    row!(tx, Row, sql, id.as_str())?.ok_or(Error::NotFound)?.try_into()
}

/// `Full` at the limit.
pub async fn create(tx: &mut WriteTx, new: NewAnnouncement, now: DateTime<Utc>) -> Result<Announcement> {
    let sql = "select count(*) from announcements where ends_at is null or ends_at > $1";
    if row!(tx, (i64,), sql, now)?.is_some_and(|(count,)| count >= MAX_ANNOUNCEMENTS as i64) {
        return Err(Error::Full("Limit reached (50 announcements). Delete one first."));
    }
    let announcement = Announcement {
        id: AnnouncementId::from_random(random_bytes()),
        title: new.title,
        body: new.body,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    run!(
        tx,
        "insert into announcements (id, title, body, starts_at, ends_at, created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, 1)",
        announcement.id.as_str(),
        announcement.title.as_str(),
        announcement.body.as_str(),
        announcement.starts_at,
        announcement.ends_at,
        now,
        now
    )?;
    Ok(announcement)
}

/// Saves `announcement` and increments its version. `Conflict` if the stored version differs.
pub async fn update(tx: &mut WriteTx, announcement: &mut Announcement, now: DateTime<Utc>) -> Result<()> {
    let changed = run!(
        tx,
        "update announcements set title = $1, body = $2, starts_at = $3, ends_at = $4, updated_at = $5,
           version = version + 1
         where id = $6 and version = $7",
        announcement.title.as_str(),
        announcement.body.as_str(),
        announcement.starts_at,
        announcement.ends_at,
        now,
        announcement.id.as_str(),
        announcement.version
    )?;
    if changed == 0 {
        return Err(Error::Conflict("the announcement was changed in the meantime"));
    }
    announcement.version += 1;
    announcement.updated_at = now;
    Ok(())
}

pub async fn delete(tx: &mut WriteTx, id: &AnnouncementId) -> Result<()> {
    run!(tx, "delete from announcements where id = $1", id.as_str())?;
    Ok(())
}
