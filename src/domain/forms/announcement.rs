use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::maintenance::format_local;
use super::{Fields, parse_lines, parse_required_line};
use crate::domain::announcement::{MAX_BODY, MAX_TITLE};
use crate::domain::parse_time::{parse_local, parse_zone};
use crate::domain::{Announcement, Invalid};
use crate::format::markdown::without_comments;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnouncementForm {
    pub title: String,
    pub body: String,
    pub starts_at: String,
    /// Empty for no end.
    pub ends_at: String,
    /// The time zone of the two times.
    pub zone: String,
    pub version: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAnnouncement {
    pub title: String,
    pub body: String,
    pub starts_at: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
}

impl AnnouncementForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            title: fields.text("title"),
            body: fields.text("body"),
            starts_at: fields.text("starts_at"),
            ends_at: fields.text("ends_at"),
            zone: fields.text("zone"),
            version: fields.version(),
        }
    }

    /// A new announcement that starts now.
    pub fn starting(now: DateTime<Utc>, zone: Tz) -> Self {
        Self { starts_at: format_local(now, zone), zone: zone.name().to_owned(), ..Self::default() }
    }

    pub fn from_announcement(announcement: &Announcement, zone: Tz) -> Self {
        Self {
            title: announcement.title.clone(),
            body: announcement.body.clone(),
            starts_at: format_local(announcement.starts_at, zone),
            ends_at: announcement.ends_at.map(|at| format_local(at, zone)).unwrap_or_default(),
            zone: zone.name().to_owned(),
            version: announcement.version,
        }
    }

    pub fn parse(&self) -> Result<NewAnnouncement, Invalid> {
        let mut invalid = Invalid::new();
        let title = invalid.take("title", parse_required_line(&self.title, MAX_TITLE, "Enter a title."));
        let body = invalid.take("body", parse_lines(&without_comments(&self.body), MAX_BODY));
        let zone = invalid.take("zone", parse_zone(&self.zone));
        let starts_at = zone.and_then(|zone| invalid.take("starts_at", parse_local(&self.starts_at, zone)));
        let ends_at = match zone {
            Some(zone) if !self.ends_at.trim().is_empty() => {
                invalid.take("ends_at", parse_local(&self.ends_at, zone)).map(Some)
            }
            _ => Some(None),
        };
        if let (Some(from), Some(Some(until))) = (starts_at, ends_at)
            && until <= from
        {
            invalid.add("ends_at", "The end must be after the start.");
        }
        match (title, body, starts_at, ends_at) {
            (Some(title), Some(body), Some(starts_at), Some(ends_at)) if invalid.is_empty() => {
                Ok(NewAnnouncement { title, body, starts_at, ends_at })
            }
            _ => Err(invalid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> AnnouncementForm {
        AnnouncementForm {
            title: "Office closed".into(),
            starts_at: "2026-12-24T12:00".into(),
            ends_at: "2026-12-27T08:00".into(),
            zone: "Europe/Lisbon".into(),
            ..AnnouncementForm::default()
        }
    }

    #[test]
    fn times_are_in_the_zone_of_the_form() {
        let new = AnnouncementForm { zone: "Asia/Tokyo".into(), ..form() }.parse().unwrap();
        assert_eq!(new.starts_at.to_rfc3339(), "2026-12-24T03:00:00+00:00");
        assert_eq!(AnnouncementForm { ends_at: " ".into(), ..form() }.parse().unwrap().ends_at, None);
    }

    #[test]
    fn announcement_ends_after_its_start() {
        let wrong = |form: AnnouncementForm, field: &str| form.parse().unwrap_err().get(field).is_some();
        assert!(wrong(AnnouncementForm { ends_at: "2026-12-24T12:00".into(), ..form() }, "ends_at"));
        assert!(wrong(AnnouncementForm { title: " ".into(), ..form() }, "title"));
        assert!(wrong(AnnouncementForm { zone: "Mars".into(), ..form() }, "zone"));
        assert!(wrong(AnnouncementForm { body: "x".repeat(MAX_BODY + 1), ..form() }, "body"));
    }
}
