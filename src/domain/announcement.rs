//! Announcements: notices above the status that are no incidents.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::AnnouncementId;

/// In characters.
pub const MAX_TITLE: usize = 120;
pub const MAX_BODY: usize = 1_000;
/// Current and future ones.
pub const MAX_ANNOUNCEMENTS: usize = 50;
/// Shown at the same time; further ones wait.
pub const MAX_SHOWN: usize = 3;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    pub id: AnnouncementId,
    pub title: String,
    /// Markdown; may be empty.
    pub body: String,
    pub starts_at: DateTime<Utc>,
    /// Shown until it is deleted if `None`.
    pub ends_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnouncementState {
    Scheduled,
    Shown,
    Ended,
}

impl AnnouncementState {
    pub fn words(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Shown => "Shown now",
            Self::Ended => "Ended",
        }
    }
}

impl Announcement {
    pub fn state(&self, now: DateTime<Utc>) -> AnnouncementState {
        if now < self.starts_at {
            AnnouncementState::Scheduled
        } else if self.ends_at.is_some_and(|end| end <= now) {
            AnnouncementState::Ended
        } else {
            AnnouncementState::Shown
        }
    }

    /// Ends it now; one that has not started begins and ends now.
    pub fn end(&mut self, now: DateTime<Utc>) {
        if self.state(now) != AnnouncementState::Ended {
            self.starts_at = self.starts_at.min(now);
            self.ends_at = Some(now);
        }
    }

    /// When it next appears or disappears.
    pub fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        [Some(self.starts_at), self.ends_at].into_iter().flatten().find(|at| *at > now)
    }
}

/// Those that visitors see now, the latest start first.
pub fn shown_announcements(all: &[Announcement], now: DateTime<Utc>) -> Vec<Announcement> {
    let mut shown: Vec<_> = all.iter().filter(|it| it.state(now) == AnnouncementState::Shown).cloned().collect();
    shown.sort_by(|a, b| b.starts_at.cmp(&a.starts_at).then_with(|| a.id.cmp(&b.id)));
    shown.truncate(MAX_SHOWN);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minute * 60, 0).unwrap()
    }

    fn announcement(id: &str, starts: i64, ends: Option<i64>) -> Announcement {
        Announcement {
            id: AnnouncementId::parse(id).unwrap(),
            title: "Office closed".into(),
            body: String::new(),
            starts_at: at(starts),
            ends_at: ends.map(at),
            created_at: at(0),
            updated_at: at(0),
            version: 1,
        }
    }

    #[test]
    fn announcement_is_shown_from_its_start_until_its_end() {
        let it = announcement("a", 10, Some(20));
        let states = [9, 10, 19, 20].map(|minute| it.state(at(minute)));
        use AnnouncementState::{Ended, Scheduled, Shown};
        assert_eq!(states, [Scheduled, Shown, Shown, Ended]);
        assert_eq!([0, 10, 20].map(|minute| it.next_change(at(minute))), [Some(at(10)), Some(at(20)), None]);
        assert_eq!(announcement("b", 10, None).state(at(100_000)), Shown);
    }

    #[test]
    fn ended_announcement_keeps_its_end() {
        for (starts, ends, now) in [(10, None, 15), (10, Some(20), 15), (30, Some(40), 15)] {
            let mut it = announcement("a", starts, ends);
            it.end(at(now));
            assert_eq!((it.ends_at, it.state(at(now))), (Some(at(now)), AnnouncementState::Ended));
        }
        let mut it = announcement("a", 10, Some(20));
        it.end(at(30));
        assert_eq!(it.ends_at, Some(at(20)));
    }

    #[test]
    fn newest_announcements_come_first_and_few_are_shown() {
        let all: Vec<_> =
            (1..=5).map(|n| announcement(&format!("a{n}"), n, None)).chain([announcement("later", 99, None)]).collect();
        let shown: Vec<_> = shown_announcements(&all, at(50)).into_iter().map(|it| it.id.to_string()).collect();
        assert_eq!(shown, ["a5", "a4", "a3"]);
    }
}
