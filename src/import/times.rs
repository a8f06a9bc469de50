//! When an imported incident began and ended.
//!
//! Sources mix the times of what happened with the times at which rows were written. This module decides which is
//! which; `docs/moving.md` has the rule as a table.

use chrono::{DateTime, TimeDelta, Utc};

use super::source::{SourceIncident, SourceUpdate};
use crate::domain::parse_time::parse_instant;

/// Two times of one row differ by less than this.
const SAME_ROW: TimeDelta = TimeDelta::minutes(1);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentTimes {
    pub begin: DateTime<Utc>,
    /// `None` while the incident is open.
    pub end: Option<DateTime<Utc>>,
    pub warnings: Vec<String>,
}

/// The displayed time of an update.
pub fn displayed_at(row: &SourceUpdate) -> Option<DateTime<Utc>> {
    read_time(&row.display_at).or_else(|| read_time(&row.created_at))
}

/// Reads a time. Some programs write the Unix epoch for "never".
pub fn read_time(text: &str) -> Option<DateTime<Utc>> {
    parse_instant(text).ok().filter(|at| *at > DateTime::UNIX_EPOCH)
}

/// Updates in the order in which they are displayed. Most documents list the newest first.
pub fn oldest_first(mut rows: Vec<&SourceUpdate>) -> Vec<&SourceUpdate> {
    let shown: Vec<DateTime<Utc>> = rows.iter().filter_map(|row| displayed_at(row)).collect();
    if shown.first() >= shown.last() {
        rows.reverse();
    }
    rows.sort_by_key(|row| (displayed_at(row), read_time(&row.created_at)));
    rows
}

/// Decides when an incident began and ended. `rows` are its updates, oldest first; `is_over` is whether it is resolved.
///
/// Begin: `started_at`, or `created_at` if it is missing. An update that is displayed earlier begins the incident: the
/// row was written afterwards. Without any of these, the incident begins with its first update, or its end.
///
/// End: `resolved_at`, unless it is only the time at which a row was written and people moved the displayed time of the
/// resolving update, or it is before the begin. Otherwise the incident ends with the first update that resolved it for
/// good.
pub fn incident_times(source: &SourceIncident, rows: &[&SourceUpdate], is_over: bool) -> Option<IncidentTimes> {
    let mut warnings = Vec::new();
    for (name, text) in [("start", &source.started_at), ("end", &source.resolved_at)] {
        if !text.is_empty() && parse_instant(text).is_err() {
            warnings.push(format!("its {name} “{text}” can't be read; another of its times is used"));
        }
    }
    let resolved_at = read_time(&source.resolved_at);
    let begin = begin(source, rows, resolved_at, &mut warnings)?;
    let end = is_over.then(|| end(source, rows, begin, resolved_at, &mut warnings));
    Some(IncidentTimes { begin, end, warnings })
}

fn begin(
    source: &SourceIncident,
    rows: &[&SourceUpdate],
    resolved_at: Option<DateTime<Utc>>,
    warnings: &mut Vec<String>,
) -> Option<DateTime<Utc>> {
    let (started_at, created_at) = (read_time(&source.started_at), read_time(&source.created_at));
    let first_shown = rows.iter().filter_map(|row| displayed_at(row)).min();
    let written = started_at.or(created_at);
    // Without updates, only the end can tell that the row was written afterwards.
    let is_row_time = started_at.is_none() || started_at.zip(created_at).is_some_and(|(a, b)| is_same_row(a, b));
    let earlier = first_shown.or(resolved_at.filter(|_| is_row_time || written.is_none()));
    match (written, earlier) {
        (Some(written), Some(earlier)) if earlier < written => {
            if written - earlier >= SAME_ROW {
                let name = if started_at.is_some() { "start" } else { "creation" };
                let what = if first_shown.is_some() { "an update is displayed" } else { "it was resolved" };
                warnings.push(format!("{what} before its {name} {}; it begins then", written.to_rfc3339()));
            }
            Some(earlier)
        }
        (written, earlier) => written.or(earlier),
    }
}

fn end(
    source: &SourceIncident,
    rows: &[&SourceUpdate],
    begin: DateTime<Utc>,
    resolved_at: Option<DateTime<Utc>>,
    warnings: &mut Vec<String>,
) -> DateTime<Utc> {
    let resolving = resolving_update(rows);
    let shown = resolving.and_then(displayed_at).filter(|shown| *shown >= begin);
    match (resolved_at, shown) {
        (Some(resolved_at), _) if resolved_at < begin => {
            warnings.push(match shown {
                Some(_) => "it was resolved before it started; it ends with the update that resolved it".into(),
                None => "it was resolved before it started; its duration is set to 0".into(),
            });
            shown.unwrap_or(begin)
        }
        (Some(resolved_at), Some(shown)) if !is_same_row(resolved_at, shown) => {
            if resolving.is_some_and(|row| is_moved(row, source, resolved_at, shown)) {
                warnings.push("its end is the time at which it was written; it ends with its resolving update".into());
                return shown;
            }
            resolved_at
        }
        (Some(resolved_at), _) => resolved_at,
        (None, Some(shown)) => shown,
        (None, None) => {
            warnings.push("its end is unknown; its duration is set to 0".into());
            begin
        }
    }
}

/// The update that resolved the incident for good: the first of the resolved ones at the end, or the newest update.
fn resolving_update<'a>(rows: &[&'a SourceUpdate]) -> Option<&'a SourceUpdate> {
    let is_resolved = |row: &&&SourceUpdate| matches!(row.status.as_str(), "resolved" | "postmortem");
    rows.iter().rev().take_while(is_resolved).last().or(rows.last()).copied()
}

/// Whether people moved the displayed time of the resolving update, while `resolved_at` remained a row's time.
fn is_moved(row: &SourceUpdate, source: &SourceIncident, resolved_at: DateTime<Utc>, shown: DateTime<Utc>) -> bool {
    let written = read_time(&row.created_at);
    let is_row_time = [&row.created_at, &row.updated_at, &source.created_at, &source.updated_at]
        .into_iter()
        .filter_map(|text| read_time(text))
        .any(|at| is_same_row(at, resolved_at));
    let is_moved = match written {
        Some(written) => !is_same_row(written, shown),
        // Without its time of entry, only an end later than what is displayed looks like a row's time.
        None => shown < resolved_at,
    };
    is_row_time && is_moved
}

fn is_same_row(a: DateTime<Utc>, b: DateTime<Utc>) -> bool {
    (a - b).abs() < SAME_ROW
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(minute: i64) -> String {
        (DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minute)).to_rfc3339()
    }

    fn at(minute: i64) -> DateTime<Utc> {
        read_time(&time(minute)).unwrap()
    }

    fn update(status: &str, displayed: Option<i64>, created: Option<i64>) -> SourceUpdate {
        SourceUpdate {
            status: status.into(),
            display_at: displayed.map(time).unwrap_or_default(),
            created_at: created.map(time).unwrap_or_default(),
            ..SourceUpdate::default()
        }
    }

    fn incident(created: Option<i64>, started: Option<i64>, resolved: Option<i64>) -> SourceIncident {
        let text = |minute: Option<i64>| minute.map(time).unwrap_or_default();
        SourceIncident {
            created_at: text(created),
            started_at: text(started),
            resolved_at: text(resolved),
            ..SourceIncident::default()
        }
    }

    /// Begin and end in minutes, and the number of warnings.
    fn decided(source: &SourceIncident, rows: &[SourceUpdate]) -> Option<(i64, i64, usize)> {
        let times = incident_times(source, &rows.iter().collect::<Vec<_>>(), true)?;
        let minute = |found: DateTime<Utc>| (found - at(0)).num_minutes();
        Some((minute(times.begin), minute(times.end?), times.warnings.len()))
    }

    /// Two updates that are written when they are displayed.
    fn live(first: i64, last: i64) -> Vec<SourceUpdate> {
        vec![update("investigating", Some(first), Some(first)), update("resolved", Some(last), Some(last))]
    }

    /// Name, incident, updates, and the begin, end and number of warnings.
    type Case = (&'static str, SourceIncident, Vec<SourceUpdate>, (i64, i64, usize));

    #[test]
    fn times_follow_what_happened() {
        const DAYS: i64 = 7 * 1440;
        let afterwards = |status: &str, shown: i64| update(status, Some(shown), Some(DAYS));
        let cases: [Case; 14] = [
            ("usual", incident(Some(10), Some(10), Some(40)), live(10, 40), (10, 40, 0)),
            ("no started_at", incident(Some(10), None, Some(40)), live(10, 40), (10, 40, 0)),
            ("no resolved_at", incident(Some(10), Some(10), None), live(10, 40), (10, 40, 0)),
            ("only updates", incident(None, None, None), live(10, 40), (10, 40, 0)),
            ("started before it was written", incident(Some(10), Some(2), Some(40)), live(10, 40), (2, 40, 0)),
            (
                "written days afterwards",
                incident(Some(DAYS), Some(DAYS), Some(DAYS)),
                vec![afterwards("investigating", 10), afterwards("resolved", 40)],
                (10, 40, 2),
            ),
            (
                "written days afterwards, with its end",
                incident(Some(DAYS), None, Some(40)),
                vec![afterwards("identified", 10), afterwards("resolved", 40)],
                (10, 40, 1),
            ),
            ("row newer than its incident", incident(Some(DAYS), None, Some(40)), live(10, 40), (10, 40, 1)),
            (
                "end moved by people",
                incident(Some(10), Some(10), Some(60)),
                vec![update("investigating", Some(10), Some(10)), update("resolved", Some(40), Some(60))],
                (10, 40, 1),
            ),
            ("end set apart from its update", incident(Some(10), Some(10), Some(30)), live(10, 40), (10, 30, 0)),
            ("end before start", incident(Some(100), Some(100), Some(40)), vec![], (40, 40, 1)),
            ("end before everything", incident(Some(10), Some(10), Some(1)), live(10, 40), (10, 40, 1)),
            ("no updates", incident(Some(10), Some(10), Some(40)), vec![], (10, 40, 0)),
            ("no end", incident(Some(10), Some(10), None), vec![], (10, 10, 1)),
        ];
        for (name, source, rows, expected) in cases {
            assert_eq!(decided(&source, &rows), Some(expected), "{name}");
        }
        assert_eq!(decided(&incident(None, None, None), &[]), None);
    }

    #[test]
    fn followup_after_resolving_does_not_prolong_the_incident() {
        let mut rows = live(10, 40);
        rows.push(update("resolved", Some(500), Some(500)));
        assert_eq!(decided(&incident(Some(10), None, None), &rows), Some((10, 40, 0)));
        rows.push(update("investigating", Some(510), Some(510)));
        rows.push(update("resolved", Some(520), Some(520)));
        assert_eq!(decided(&incident(Some(10), None, None), &rows), Some((10, 520, 0)));
    }

    fn some_minute() -> impl Strategy<Value = Option<i64>> {
        proptest::option::of(prop_oneof![Just(1), Just(10), Just(40), Just(7 * 1440), 0..20_000_i64])
    }

    proptest! {
        #[test]
        fn every_combination_of_times_is_consistent(
            (created, started, resolved) in (some_minute(), some_minute(), some_minute()),
            updates in proptest::collection::vec((some_minute(), some_minute(), 0..4_usize), 0..5),
            is_over in any::<bool>(),
        ) {
            let statuses = ["investigating", "monitoring", "resolved", "postmortem"];
            let rows: Vec<SourceUpdate> =
                updates.iter().map(|(shown, written, status)| update(statuses[*status], *shown, *written)).collect();
            let mut rows: Vec<&SourceUpdate> = rows.iter().collect();
            rows.sort_by_key(|row| displayed_at(row));
            let source = incident(created, started, resolved);
            let all_shown = || rows.iter().filter_map(|row| displayed_at(row));
            let known: Vec<DateTime<Utc>> = [created, started, resolved].into_iter().flatten().map(at)
                .chain(all_shown()).collect();
            let Some(times) = incident_times(&source, &rows, is_over) else {
                prop_assert!(known.is_empty());
                return Ok(());
            };
            prop_assert!(known.contains(&times.begin), "the begin is one of the source's times");
            prop_assert!(all_shown().all(|shown| shown >= times.begin), "no update is before the begin");
            prop_assert_eq!(times.end.is_some(), is_over);
            if let Some(end) = times.end {
                prop_assert!(end >= times.begin);
                prop_assert!(known.contains(&end), "the end is one of the source's times");
            }
            let expected = started.or(created).map(at);
            if expected.is_some_and(|expected| expected - times.begin >= SAME_ROW) {
                prop_assert!(!times.warnings.is_empty(), "a moved begin is reported");
            }
            if all_shown().next().is_some() && expected.is_some() {
                let first = all_shown().min();
                prop_assert_eq!(Some(times.begin), first.min(expected).or(expected));
            }
        }
    }
}
