//! Filters, totals and cursors of the incident history.

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::forms::Fields;
use super::parse_time::parse_day;
use super::{ComponentId, Impact, Incident, IncidentId};

/// In characters.
pub const MAX_SEARCH_LENGTH: usize = 100;
/// A text search scans this many incidents, newest first. There is no full-text index, so this bounds the cost.
pub const MAX_SEARCHED_INCIDENTS: usize = 5_000;
pub const PAGE_SIZE: usize = 25;

/// The default selects all incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    pub component: Option<ComponentId>,
    pub impact: Option<Impact>,
    /// Matches title and updates, ignoring case.
    pub text: Option<String>,
    pub range: HistoryRange,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HistoryRange {
    #[default]
    AllTime,
    LastYear,
    LastTwoYears,
    /// Inclusive dates in the page's time zone; either end may be open.
    Days {
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    },
}

/// Totals over one set of incidents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub count: i64,
    /// Sum of the durations of resolved incidents, in seconds.
    pub resolved_seconds: i64,
    pub open: i64,
    /// Sum of the starts of open incidents, in seconds since the epoch.
    pub open_starts: i64,
    pub first_started_at: Option<DateTime<Utc>>,
}

/// Removes control characters and truncates to [`MAX_SEARCH_LENGTH`].
pub(super) fn normalize_search(typed: &str) -> String {
    let clean: String = typed.chars().filter(|c| !c.is_control()).collect();
    clean.trim().chars().take(MAX_SEARCH_LENGTH).collect::<String>().trim_end().to_owned()
}

impl HistoryFilter {
    /// Ignores invalid parameters.
    pub fn from_query(query: &Fields) -> Self {
        let text = normalize_search(&query.text("q"));
        let from = parse_day(&query.text("from")).ok();
        let to = parse_day(&query.text("to")).ok();
        let range = match query.text("range").as_str() {
            // Explicit dates win over the range choice.
            _ if from.is_some() || to.is_some() => HistoryRange::Days { from, to },
            "12m" => HistoryRange::LastYear,
            "2y" => HistoryRange::LastTwoYears,
            _ => HistoryRange::AllTime,
        };
        Self {
            component: ComponentId::parse(&query.text("component")),
            impact: Impact::from_key(&query.text("impact")),
            text: (!text.is_empty()).then_some(text),
            range,
        }
    }

    /// Why the dates select nothing; belongs to the end of the period.
    pub fn range_error(&self) -> Option<&'static str> {
        match self.range {
            HistoryRange::Days { from: Some(from), to: Some(to) } if from > to => {
                Some("The end is before the start. Choose a later day.")
            }
            _ => None,
        }
    }

    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// The same filter, limited to incidents that started on `day` or earlier.
    pub fn until(&self, day: NaiveDate) -> Self {
        let from = match self.range {
            HistoryRange::Days { from, .. } => from,
            _ => None,
        };
        Self { range: HistoryRange::Days { from, to: Some(day) }, ..self.clone() }
    }

    /// Query parameters in a fixed order, so that equal filters give equal URLs.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        if let Some(text) = &self.text {
            pairs.push(("q", text.clone()));
        }
        if let Some(component) = &self.component {
            pairs.push(("component", component.to_string()));
        }
        if let Some(impact) = self.impact {
            pairs.push(("impact", impact.key().to_owned()));
        }
        match self.range {
            HistoryRange::AllTime => {}
            HistoryRange::LastYear => pairs.push(("range", "12m".to_owned())),
            HistoryRange::LastTwoYears => pairs.push(("range", "2y".to_owned())),
            HistoryRange::Days { from, to } => {
                pairs.extend(from.map(|day| ("from", day.to_string())));
                pairs.extend(to.map(|day| ("to", day.to_string())));
            }
        }
        pairs
    }
}

impl HistoryRange {
    /// Start (inclusive) and end (exclusive).
    pub fn bounds(self, zone: Tz, now: DateTime<Utc>) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let back = |months| now.checked_sub_months(Months::new(months));
        match self {
            HistoryRange::AllTime => (None, None),
            HistoryRange::LastYear => (back(12), None),
            HistoryRange::LastTwoYears => (back(24), None),
            HistoryRange::Days { from, to } => {
                let begin = from.map(|day| start_of_day(day, zone));
                let end = to.and_then(|day| day.succ_opt()).map(|day| start_of_day(day, zone));
                (begin, end)
            }
        }
    }
}

impl Totals {
    /// Adds the start of every open incident.
    pub fn with_open(self, starts: impl IntoIterator<Item = DateTime<Utc>>) -> Self {
        starts.into_iter().fold(self, |sum, at| Self {
            open: sum.open + 1,
            open_starts: sum.open_starts + at.timestamp(),
            ..sum
        })
    }

    /// The total duration in seconds; of an open incident, what has passed until `now`.
    pub fn seconds(&self, now: DateTime<Utc>) -> i64 {
        self.resolved_seconds + (self.open * now.timestamp() - self.open_starts).max(0)
    }

    /// Incidents per month since `from`, or since the first incident. A month is 1/12 of 365.25 days, and the range
    /// counts as at least one month.
    pub fn per_month(&self, from: Option<DateTime<Utc>>, to: DateTime<Utc>) -> f64 {
        const SECONDS_PER_MONTH: f64 = 365.25 * 86400.0 / 12.0;
        let Some(from) = from.or(self.first_started_at) else { return 0.0 };
        let months = (to - from).num_seconds() as f64 / SECONDS_PER_MONTH;
        self.count as f64 / months.max(1.0)
    }
}

/// Handles zones whose daylight saving change skips midnight.
pub fn start_of_day(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let hours = (0..24).filter_map(|hour| day.and_hms_opt(hour, 0, 0));
    hours
        .filter_map(|local| zone.from_local_datetime(&local).earliest())
        .next()
        .map_or_else(|| day.and_time(chrono::NaiveTime::MIN).and_utc(), |at| at.to_utc())
}

/// A calendar month in the page's time zone, written `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Month {
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
}

impl Month {
    pub fn from_time(at: DateTime<Utc>, zone: Tz) -> Self {
        let local = at.with_timezone(&zone);
        Self { year: local.year(), month: local.month() }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        let parsed = Self { year: year.parse().ok()?, month: month.parse().ok()? };
        ((1970..2200).contains(&parsed.year) && (1..=12).contains(&parsed.month)).then_some(parsed)
    }

    /// Start (inclusive) and end (exclusive) in `zone`.
    pub fn bounds(self, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.start(zone), self.next().start(zone))
    }

    pub fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.month, 1).unwrap_or_default()
    }

    pub fn last_day(self) -> NaiveDate {
        self.next().first_day().pred_opt().unwrap_or_default()
    }

    pub fn previous(self) -> Self {
        match self.month {
            1 => Self { year: self.year - 1, month: 12 },
            month => Self { month: month - 1, ..self },
        }
    }

    pub fn next(self) -> Self {
        match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { month: month + 1, ..self },
        }
    }

    fn start(self, zone: Tz) -> DateTime<Utc> {
        start_of_day(self.first_day(), zone)
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// What a link to an incident says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentLink {
    pub id: IncidentId,
    pub title: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl From<&Incident> for IncidentLink {
    fn from(incident: &Incident) -> Self {
        let Incident { id, title, started_at, ended_at, .. } = incident;
        Self { id: id.clone(), title: title.clone(), started_at: *started_at, ended_at: *ended_at }
    }
}

/// The incidents that began before and after another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    pub older: Option<IncidentLink>,
    pub newer: Option<IncidentLink>,
}

/// A keyset cursor in a list sorted from newest to oldest. Insertions before it don't shift the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub started_at: DateTime<Utc>,
    pub id: IncidentId,
}

impl Cursor {
    pub fn after_incident(incident: &Incident) -> Self {
        Self { started_at: incident.started_at, id: incident.id.clone() }
    }

    pub fn at(time: DateTime<Utc>, id: &str) -> Option<Self> {
        Some(Self { started_at: time, id: IncidentId::parse(id)? })
    }

    /// Written as `MICROSECONDS_ID`.
    pub fn parse(text: &str) -> Option<Self> {
        let (micros, id) = text.split_once('_')?;
        let started_at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
        let within = (0..2230).contains(&started_at.year());
        within.then_some(())?;
        Some(Self { started_at, id: IncidentId::parse(id)? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}", self.started_at.timestamp_micros(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn query(pairs: &[(&str, &str)]) -> HistoryFilter {
        HistoryFilter::from_query(&Fields(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()))
    }

    #[test]
    fn reversed_dates_are_an_error() {
        let error = |from, to| query(&[("from", from), ("to", to)]).range_error();
        assert!(error("2026-02-02", "2026-02-01").is_some());
        for (from, to) in [("2026-02-01", "2026-02-01"), ("2026-02-01", ""), ("", "2026-02-01"), ("x", "y")] {
            assert_eq!(error(from, to), None, "{from} {to}");
        }
    }

    #[test]
    fn filter_query_round_trips() {
        let filter = query(&[
            ("q", " S3 "),
            ("component", "api"),
            ("impact", "major"),
            ("from", "2024-01-01"),
            ("to", "2024-02-01"),
        ]);
        let pairs: Vec<(String, String)> = filter.pairs().into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        assert_eq!(HistoryFilter::from_query(&Fields(pairs)), filter);
    }

    #[test]
    fn invalid_query_values_are_ignored() {
        let filter = query(&[
            ("component", "../x"),
            ("impact", "huge"),
            ("from", "soon"),
            ("range", "9z"),
            ("utm_source", "mail"),
        ]);
        assert!(filter.is_all());
    }

    #[test]
    fn day_starts_by_zone_even_without_midnight() {
        let beirut: Tz = "Asia/Beirut".parse().unwrap();
        let day = NaiveDate::from_ymd_opt(2022, 3, 27).unwrap();
        assert_eq!(start_of_day(day, beirut).to_rfc3339(), "2022-03-26T22:00:00+00:00");
    }

    #[test]
    fn month_bounds_follow_the_zone() {
        let month = Month::parse("2026-10").unwrap();
        let (from, to) = month.bounds("Europe/Lisbon".parse().unwrap());
        assert_eq!(to - from, TimeDelta::hours(31 * 24 + 1));
        assert_eq!(month.to_string(), "2026-10");
        assert_eq!(month.last_day().to_string(), "2026-10-31");
        assert_eq!(Month { year: 2026, month: 1 }.previous().to_string(), "2025-12");
        for bad in ["2026", "2026-13", "2026-1", "26-01", "2026-00", "+026-01", "2026-01-01"] {
            assert!(Month::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn cursor_round_trips() {
        let cursor = Cursor {
            started_at: "2024-10-07T20:00:40.123456Z".parse().unwrap(),
            id: IncidentId::parse("a_b").unwrap(),
        };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for bad in ["", "_", "x_y", "9223372036854775807_a", "1_a/b"] {
            assert!(Cursor::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn average_uses_months_in_range() {
        let first = DateTime::UNIX_EPOCH;
        let totals = Totals { count: 24, first_started_at: Some(first), ..Totals::default() };
        let year = TimeDelta::hours(8766);
        assert!((totals.per_month(None, first + year) - 2.0).abs() < 1e-9);
        assert!((totals.per_month(None, first + TimeDelta::days(1)) - 24.0).abs() < 1e-9);
        assert_eq!(Totals::default().per_month(None, first), 0.0);
    }

    #[test]
    fn total_duration_includes_open_incidents() {
        let at = |minute| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let totals = Totals { count: 3, resolved_seconds: 60, ..Totals::default() }.with_open([at(4), at(10)]);
        assert_eq!((totals.open, totals.seconds(at(80))), (2, 60 + (76 + 70) * 60));
    }
}
