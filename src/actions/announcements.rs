//! Announcements.

use chrono::{DateTime, Utc};

use crate::db::{Result, WriteTx, announcements};
use crate::domain::Announcement;
use crate::domain::audit::{Action, Entry};
use crate::domain::forms::NewAnnouncement;

pub async fn add(tx: &mut WriteTx, new: NewAnnouncement, now: DateTime<Utc>) -> Result<(Announcement, Entry)> {
    let added = announcements::create(tx, new, now).await?;
    let entry = Entry::new(Action::AnnouncementAdd, &added.id, &added.title).after(&added);
    Ok((added, entry))
}

pub async fn edit(
    tx: &mut WriteTx,
    before: &Announcement,
    after: &mut Announcement,
    now: DateTime<Utc>,
) -> Result<Entry> {
    announcements::update(tx, after, now).await?;
    Ok(Entry::new(Action::AnnouncementEdit, &after.id, &after.title).before(before).after(after))
}

pub async fn delete(tx: &mut WriteTx, announcement: &Announcement) -> Result<Entry> {
    announcements::delete(tx, &announcement.id).await?;
    Ok(Entry::new(Action::AnnouncementDelete, &announcement.id, &announcement.title).before(announcement))
}
