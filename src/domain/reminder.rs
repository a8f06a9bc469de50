//! Reminders to post an update of an open incident.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// The default intervals after the newest update, in hours.
const DEFAULT_HOURS: [i64; 4] = [3, 6, 12, 24];
/// In hours: one week.
pub const MAX_HOURS: i64 = 168;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// After 3, 6, 12 and 24 hours without an update, then daily.
    #[default]
    Usual,
    /// Every so many hours without an update, 1 to [`MAX_HOURS`].
    Every(i64),
    Off,
}

impl Reminder {
    /// The value in the database: `None` for the default, 0 for off.
    pub fn hours(self) -> Option<i64> {
        match self {
            Reminder::Usual => None,
            Reminder::Every(hours) => Some(hours),
            Reminder::Off => Some(0),
        }
    }

    pub fn from_hours(hours: Option<i64>) -> Option<Self> {
        match hours {
            None => Some(Reminder::Usual),
            Some(0) => Some(Reminder::Off),
            Some(hours @ 1..=MAX_HOURS) => Some(Reminder::Every(hours)),
            Some(_) => None,
        }
    }

    /// How many reminders are due after `silence`.
    pub fn count_due(self, silence: TimeDelta) -> i64 {
        let hours = silence.num_hours();
        match self {
            Reminder::Off => 0,
            Reminder::Every(every) => (hours / every.max(1)).max(0),
            Reminder::Usual => {
                let usual = DEFAULT_HOURS.iter().filter(|after| hours >= **after).count() as i64;
                usual + (hours / 24 - 1).max(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(reminder: Reminder, minutes: i64) -> i64 {
        reminder.count_due(TimeDelta::minutes(minutes))
    }

    #[test]
    fn default_reminders_at_3_6_12_24_hours_then_daily() {
        let hours = [0, 3, 6, 12, 24, 47, 48, 72];
        let counts: Vec<i64> = hours.into_iter().map(|hours| due(Reminder::Usual, hours * 60)).collect();
        assert_eq!(counts, [0, 1, 2, 3, 4, 4, 5, 6]);
        assert_eq!(due(Reminder::Usual, 179), 0);
        assert_eq!(due(Reminder::Usual, -600), 0);
    }

    #[test]
    fn custom_reminders_follow_the_chosen_interval() {
        assert_eq!(
            (due(Reminder::Every(2), 119), due(Reminder::Every(2), 120), due(Reminder::Every(2), 300)),
            (0, 1, 2)
        );
        assert_eq!(due(Reminder::Off, 100_000), 0);
        assert_eq!(due(Reminder::Every(1), -120), 0);
    }

    #[test]
    fn every_choice_is_found_by_its_hours() {
        for reminder in [Reminder::Usual, Reminder::Off, Reminder::Every(1), Reminder::Every(MAX_HOURS)] {
            assert_eq!(Reminder::from_hours(reminder.hours()), Some(reminder));
        }
        assert_eq!(Reminder::from_hours(Some(-1)), None);
        assert_eq!(Reminder::from_hours(Some(MAX_HOURS + 1)), None);
    }
}
