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
    /// Once after each of these hours without an update.
    After(HourSet),
    Off,
}

/// Hours from 1 to 24; a bit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<u32>", try_from = "Vec<u32>")]
pub struct HourSet(u32);

impl HourSet {
    /// `None` unless the hours increase strictly, from 1 to 24 at most. An empty list means no reminders.
    fn from_hours(hours: &[u32]) -> Option<Self> {
        let is_valid = !hours.is_empty()
            && hours.iter().all(|hour| (1..=24).contains(hour))
            && hours.windows(2).all(|pair| pair[0] < pair[1]);
        is_valid.then(|| Self(hours.iter().fold(0, |bits, hour| bits | 1 << hour)))
    }

    fn hours(self) -> impl Iterator<Item = u32> {
        (1..=24).filter(move |hour| self.0 & 1 << hour != 0)
    }
}

impl From<HourSet> for Vec<u32> {
    fn from(set: HourSet) -> Self {
        set.hours().collect()
    }
}

impl TryFrom<Vec<u32>> for HourSet {
    type Error = &'static str;

    fn try_from(hours: Vec<u32>) -> Result<Self, Self::Error> {
        Self::from_hours(&hours).ok_or("hours from 1 to 24, strictly increasing")
    }
}

impl Reminder {
    /// The value in the database and in Statuspage's API: `None` for the default, `4` for every four hours, `[1, 5]` for
    /// a list, `[]` for off.
    pub fn to_text(self) -> Option<String> {
        match self {
            Reminder::Usual => None,
            Reminder::Every(hours) => Some(hours.to_string()),
            Reminder::After(set) => {
                let hours: Vec<String> = set.hours().map(|hour| hour.to_string()).collect();
                Some(format!("[{}]", hours.join(", ")))
            }
            Reminder::Off => Some("[]".to_owned()),
        }
    }

    /// Reads what [`Reminder::to_text`] writes, and the values of the admin's form: empty for the default, 0 for off.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(list) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            if list.trim().is_empty() {
                return Some(Reminder::Off);
            }
            let hours: Vec<u32> = list.split(',').map(|hour| hour.trim().parse().ok()).collect::<Option<_>>()?;
            return HourSet::from_hours(&hours).map(Reminder::After);
        }
        match text {
            "" => Some(Reminder::Usual),
            "0" => Some(Reminder::Off),
            hours => hours.parse().ok().filter(|hours| (1..=MAX_HOURS).contains(hours)).map(Reminder::Every),
        }
    }

    /// The value of the admin's form: as [`Reminder::to_text`], with 0 for off.
    pub fn to_field(self) -> String {
        match self {
            Reminder::Off => "0".to_owned(),
            other => other.to_text().unwrap_or_default(),
        }
    }

    /// As the admin's form offers it. Only the API can set a list of hours.
    pub fn words(self) -> String {
        match self {
            Reminder::Usual => "After 3, 6, 12 and 24 hours, then daily".into(),
            Reminder::Every(1) => "Every hour".into(),
            Reminder::Every(hours) => format!("Every {hours} hours"),
            Reminder::After(set) => {
                let mut hours: Vec<String> = set.hours().map(|hour| format!("{hour} h")).collect();
                let last = hours.pop().unwrap_or_default();
                let list = if hours.is_empty() { last } else { format!("{} and {last}", hours.join(", ")) };
                format!("After {list}, as set by the API")
            }
            Reminder::Off => "Never".into(),
        }
    }

    /// How many reminders are due after `silence`.
    pub fn count_due(self, silence: TimeDelta) -> i64 {
        let hours = silence.num_hours();
        match self {
            Reminder::Off => 0,
            Reminder::Every(every) => (hours / every.max(1)).max(0),
            Reminder::After(set) => set.hours().filter(|after| hours >= i64::from(*after)).count() as i64,
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
    fn listed_reminders_end_with_the_list() {
        let listed = Reminder::from_text("[1, 5]").unwrap();
        let counts: Vec<i64> = [0, 1, 4, 5, 100].into_iter().map(|hours| due(listed, hours * 60)).collect();
        assert_eq!(counts, [0, 1, 1, 2, 2]);
        assert_eq!(due(listed, -600), 0);
    }

    #[test]
    fn listed_hours_are_named() {
        let words = |text: &str| Reminder::from_text(text).unwrap().words();
        assert_eq!(words("[4]"), "After 4 h, as set by the API");
        assert_eq!(words("[1, 4, 12]"), "After 1 h, 4 h and 12 h, as set by the API");
        assert_eq!((words("1").as_str(), words("5").as_str()), ("Every hour", "Every 5 hours"));
    }

    #[test]
    fn every_reminder_is_found_by_its_text() {
        let listed = Reminder::from_text("[1,5,7,24]").unwrap();
        assert_eq!(listed.to_text().as_deref(), Some("[1, 5, 7, 24]"));
        for reminder in [Reminder::Usual, Reminder::Off, Reminder::Every(1), Reminder::Every(MAX_HOURS), listed] {
            assert_eq!(Reminder::from_text(&reminder.to_text().unwrap_or_default()), Some(reminder));
            assert_eq!(Reminder::from_text(&reminder.to_field()), Some(reminder));
            let json = serde_json::to_string(&reminder).unwrap();
            assert_eq!(serde_json::from_str::<Reminder>(&json).unwrap(), reminder, "{json}");
        }
        for wrong in ["-1", "169", "4h", "[0]", "[25]", "[5, 1]", "[1, 1]", "[1", "1]", "[a]", "[1,]", "1,5"] {
            assert_eq!(Reminder::from_text(wrong), None, "{wrong}");
        }
    }
}
