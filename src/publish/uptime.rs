//! The uptime of every component by month, with the incidents, manual changes and corrections behind the figures.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;

use crate::db;
use crate::domain::component_order::page_order;
use crate::domain::history::{Month, start_of_day};
use crate::domain::uptime::{Downtime, StatusInterval, UptimeView, apply_corrections, month_days};
use crate::domain::{Component, ComponentId, Group, IncidentId, Status, UptimeCorrection};
use crate::format::time;
use crate::ui::pages::public::DAYS;
use crate::ui::pages::public::uptime::{
    ComponentUptime, DetailIncident, MAX_LISTED, MonthUptime, UptimeBlock, UptimeDetail, UptimePage,
};
use crate::ui::public_layout::PublicContext;

/// Months on the uptime page.
const MONTHS: usize = 12;

/// What the uptime is computed from. Intervals and corrections reach back to the first of the months.
#[derive(Clone, Copy)]
pub(super) struct UptimeSource<'a> {
    pub groups: &'a [Group],
    pub components: &'a [Component],
    pub effects: &'a [StatusInterval],
    pub corrections: &'a [UptimeCorrection],
    pub titles: &'a BTreeMap<IncidentId, String>,
}

/// The months that `view` shows, oldest first. A detail that is older than the usual ones is the last.
pub(super) fn uptime_months(view: &UptimeView, now: DateTime<Utc>, zone: Tz) -> Vec<Month> {
    let current = Month::from_time(now, zone);
    let until = |last: Month| std::iter::successors(Some(last), |month| Some(month.previous())).take(MONTHS);
    let is_usual = |month: &Month| until(current).any(|usual| usual == *month);
    let older = view.detail.as_ref().map(|(_, month)| *month).filter(|month| !is_usual(month));
    let mut months: Vec<Month> = until(view.until.or(older).unwrap_or(current)).collect();
    months.reverse();
    months
}

/// Fails with `NotFound` for a view that shows nothing: of an unknown component, or of months without data. There are
/// only as many views as months and components.
pub(super) fn check_uptime_view(
    view: &UptimeView,
    components: &[Component],
    now: DateTime<Utc>,
    zone: Tz,
) -> db::Result<()> {
    let current = Month::from_time(now, zone);
    let has_data = |component: &Component, month: Month| {
        month <= current && Month::from_time(component.history_start(zone), zone) <= month
    };
    let shown = uptime_months(view, now, zone);
    let is_known = view.until.is_none_or(|until| components.iter().any(|it| has_data(it, until)));
    let has_detail = view.detail.as_ref().is_none_or(|(id, month)| {
        shown.contains(month) && components.iter().any(|it| it.id == *id && has_data(it, *month))
    });
    if is_known && has_detail { Ok(()) } else { Err(db::Error::NotFound) }
}

pub(super) fn uptime_page(source: UptimeSource<'_>, view: &UptimeView, shell: PublicContext) -> UptimePage {
    let (zone, now) = (shell.zone(), shell.now);
    let months = uptime_months(view, now, zone);
    let current = Month::from_time(now, zone);
    let (first, last) = (months.first().copied().unwrap_or(current), months.last().copied().unwrap_or(current));
    let blocks = page_order(source.groups, source.components).into_iter().map(|(group, members)| UptimeBlock {
        group: group.map(|group| group.name.clone()),
        rows: members.into_iter().map(|component| component_uptime(component, source, &months, zone, now)).collect(),
    });
    let blocks = blocks.collect();
    let starts = source.components.iter().map(|component| component.history_start(zone));
    let has_older = starts.min().is_some_and(|start| Month::from_time(start, zone) < first);
    let detail = view.detail.as_ref().and_then(|(id, month)| {
        let component = source.components.iter().find(|component| component.id == *id)?;
        Some(uptime_detail(component, *month, source, zone, now))
    });
    let newer = (last < current).then(|| {
        let months = std::iter::successors(Some(last), |month| Some(month.next()));
        months.take_while(|month| *month <= current).take(MONTHS + 1).last().filter(|month| *month != current)
    });
    UptimePage {
        shell,
        blocks,
        until: (last != current).then_some(last),
        older: has_older.then(|| first.previous()),
        newer,
        months,
        detail,
    }
}

fn component_uptime(
    component: &Component,
    source: UptimeSource<'_>,
    months: &[Month],
    zone: Tz,
    now: DateTime<Utc>,
) -> ComponentUptime {
    let own = component_intervals(component, source.effects, source.corrections);
    let corrections = component_corrections(component, source.corrections);
    let start = component.history_start(zone);
    let month = |month: &Month| {
        let (from, to) = month.bounds(zone);
        let outage = Downtime::in_span(&own, from, to, start, now);
        let incidents = incidents_within(&own, (from.max(start), to), now).len();
        let is_quiet = outage.worst == Status::Operational && incidents == 0;
        let days = if is_quiet { Vec::new() } else { month_days(&own, *month, start, zone, now) };
        let ticks = days.iter().zip(1..).filter(|(day, _)| day.outage.worst != Status::Operational);
        let ticks = ticks.map(|(day, number)| (number, day.outage.worst)).collect();
        let corrected = corrections.iter().any(|correction| correction.overlaps(from, to));
        MonthUptime { month: *month, outage, incidents, corrected, ticks }
    };
    ComponentUptime {
        id: component.id.clone(),
        name: component.name.clone(),
        months: months.iter().map(month).collect(),
    }
}

/// The incidents with an interval within `span`, with the start of their latest one, newest first.
fn incidents_within(
    own: &[StatusInterval],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Vec<&IncidentId> {
    let touches = |effect: &&StatusInterval| from < to && effect.from < to && effect.to.unwrap_or(now) > from;
    let here = own.iter().filter(touches).filter_map(|effect| Some((effect.from, effect.incident_id.as_ref()?)));
    let mut here: Vec<_> = here.collect();
    here.sort_unstable_by(|a, b| b.cmp(a));
    let mut met = BTreeSet::new();
    here.retain(|(_, id)| met.insert(*id));
    here.into_iter().map(|(_, id)| id).collect()
}

pub(super) fn uptime_detail(
    component: &Component,
    month: Month,
    source: UptimeSource<'_>,
    zone: Tz,
    now: DateTime<Utc>,
) -> UptimeDetail {
    let own = component_intervals(component, source.effects, source.corrections);
    let start = component.history_start(zone);
    let (from, to) = month.bounds(zone);
    let incidents = incidents_within(&own, (from.max(start), to), now);
    let listed = incidents.iter().take(MAX_LISTED).filter_map(|id| {
        // The length is that of the whole incident, also outside the month and before corrections.
        let of =
            |effect: &&StatusInterval| effect.component_id == component.id && effect.incident_id.as_ref() == Some(*id);
        let began = source.effects.iter().filter(of).map(|effect| effect.from).min()?;
        let is_over = source.effects.iter().filter(of).all(|effect| effect.to.is_some());
        let ended = source.effects.iter().filter(of).filter_map(|effect| effect.to).max().filter(|_| is_over);
        Some(DetailIncident { id: (*id).clone(), title: source.titles.get(*id)?.clone(), began, ended })
    });
    let mut corrections = component_corrections(component, source.corrections);
    corrections.retain(|correction| correction.overlaps(from, to));
    let today = time::today(now, zone);
    let first_bar = start_of_day(today - Days::new(DAYS - 1), zone);
    let (by_hand, more_by_hand) = manual_intervals(component, source.effects, (from, to), now);
    UptimeDetail {
        component: component.id.clone(),
        name: component.name.clone(),
        description: component.description.clone(),
        month,
        start,
        outage: Downtime::in_span(&own, from, to, start, now),
        last_days: Downtime::in_span(&own, first_bar, now, start, now),
        days: month_days(&own, month, start, zone, now),
        incidents: incidents.len(),
        listed: listed.collect(),
        corrections,
        by_hand,
        more_by_hand,
    }
}

/// Periods in which managers set the component to a status other than operational, newest first, and the number of
/// omitted ones. Manual maintenance status doesn't affect uptime and is left out.
fn manual_intervals(
    component: &Component,
    effects: &[StatusInterval],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> (Vec<StatusInterval>, usize) {
    let is_told = |effect: &&StatusInterval| {
        effect.component_id == component.id
            && effect.incident_id.is_none()
            && effect.status != Status::UnderMaintenance
            && effect.from < to
            && effect.to.unwrap_or(now) > from
    };
    let mut listed: Vec<StatusInterval> = effects.iter().filter(is_told).cloned().collect();
    listed.sort_unstable_by_key(|effect| std::cmp::Reverse(effect.from));
    let more = listed.len().saturating_sub(MAX_LISTED);
    listed.truncate(MAX_LISTED);
    (listed, more)
}

/// The downtime intervals of this component after corrections.
pub(super) fn component_intervals(
    component: &Component,
    effects: &[StatusInterval],
    corrections: &[UptimeCorrection],
) -> Vec<StatusInterval> {
    let own = effects.iter().filter(|effect| effect.component_id == component.id).cloned().collect();
    apply_corrections(own, &component_corrections(component, corrections))
}

pub(super) fn component_corrections(component: &Component, corrections: &[UptimeCorrection]) -> Vec<UptimeCorrection> {
    corrections.iter().filter(|correction| correction.component_id == component.id).cloned().collect()
}

/// The figures of the last twelve months as CSV: one line per component and month with data.
pub(super) fn render_uptime_csv(source: UptimeSource<'_>, zone: Tz, now: DateTime<Utc>) -> String {
    let months = uptime_months(&UptimeView::default(), now, zone);
    let mut lines = csv::Writer::from_writer(Vec::new());
    // Writing to memory can't fail.
    let _ = lines.write_record(CSV_COLUMNS);
    for (group, members) in page_order(source.groups, source.components) {
        for component in members {
            let row = component_uptime(component, source, &months, zone, now);
            for month in row.months.iter().filter(|month| month.outage.has_data()) {
                let Downtime { major, partial, degraded, maintenance, covered, .. } = month.outage;
                let group = group.map(|group| as_csv_text(&group.name)).unwrap_or_default();
                let uptime = month.outage.uptime_words().trim_end_matches('%').to_owned();
                let seconds = [covered, month.outage.counted_seconds(), major, partial, degraded, maintenance];
                let texts = [group, as_csv_text(&row.name), csv_id(&row.id), month.month.to_string(), uptime];
                let numbers = seconds.map(|seconds| seconds.to_string());
                let _ = lines.write_record(texts.iter().chain(&numbers).chain([&month.incidents.to_string()]));
            }
        }
    }
    lines.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

const CSV_COLUMNS: [&str; 12] = [
    "group",
    "component",
    "component_id",
    "month",
    "uptime_percent",
    "seconds_with_data",
    "seconds_counted_as_downtime",
    "seconds_major_outage",
    "seconds_partial_outage",
    "seconds_degraded_performance",
    "seconds_under_maintenance",
    "incidents",
];

fn csv_id(id: &ComponentId) -> String {
    as_csv_text(id.as_str())
}

/// Text that a spreadsheet does not take for a formula.
fn as_csv_text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::component::tests::component;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn named(id: &str, name: &str, since: &str) -> Component {
        let id = ComponentId::parse(id).unwrap();
        Component { id, name: name.into(), created_at: at(since), ..component(Status::Operational) }
    }

    fn view(until: Option<&str>, detail: Option<(&str, &str)>) -> UptimeView {
        let month = |text: &str| Month::parse(text).unwrap();
        let detail = detail.map(|(id, text)| (ComponentId::parse(id).unwrap(), month(text)));
        UptimeView { until: until.map(month), detail }
    }

    const NOW: &str = "2026-11-23T14:32:00Z";

    #[test]
    fn twelve_months_end_with_the_current_one() {
        let months = |view: &UptimeView| {
            let months = uptime_months(view, at(NOW), Tz::UTC);
            assert_eq!(months.len(), 12);
            (months[0].to_string(), months[11].to_string())
        };
        assert_eq!(months(&view(None, None)), ("2025-12".into(), "2026-11".into()));
        assert_eq!(months(&view(None, Some(("a", "2026-01")))), ("2025-12".into(), "2026-11".into()));
        assert_eq!(months(&view(None, Some(("a", "2025-06")))), ("2024-07".into(), "2025-06".into()));
        assert_eq!(months(&view(Some("2025-11"), None)), ("2024-12".into(), "2025-11".into()));
    }

    #[test]
    fn views_without_data_do_not_exist() {
        let components = [named("a", "API", "2026-03-05T00:00:00Z"), named("b", "Web", "2025-01-05T00:00:00Z")];
        let is_found = |view: UptimeView| check_uptime_view(&view, &components, at(NOW), Tz::UTC).is_ok();
        for found in [
            view(None, None),
            view(Some("2025-01"), None),
            view(None, Some(("a", "2026-03"))),
            view(None, Some(("b", "2025-01"))),
            view(Some("2025-11"), Some(("b", "2025-11"))),
        ] {
            assert!(is_found(found.clone()), "{found:?}");
        }
        for missing in [
            view(Some("2024-12"), None),
            view(Some("2026-12"), None),
            view(None, Some(("a", "2026-02"))),
            view(None, Some(("a", "2026-12"))),
            view(None, Some(("never", "2026-11"))),
            view(Some("2025-11"), Some(("b", "2025-12"))),
        ] {
            assert!(!is_found(missing.clone()), "{missing:?}");
        }
    }

    #[test]
    fn csv_names_are_no_formulas() {
        let components = [
            named("a", "=HYPERLINK(\"https://evil.test\")", "2026-10-05T00:00:00Z"),
            named("b", "Web, \"fast\"\nand small", "2026-11-05T00:00:00Z"),
        ];
        let titles = BTreeMap::new();
        let source =
            UptimeSource { groups: &[], components: &components, effects: &[], corrections: &[], titles: &titles };
        let text = render_uptime_csv(source, Tz::UTC, at(NOW));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], CSV_COLUMNS.join(","));
        assert!(lines[1].starts_with(",\"'=HYPERLINK(\"\"https://evil.test\"\")\",a,2026-10,100,"), "{text}");
        assert!(text.contains(",\"Web, \"\"fast\"\"\nand small\",b,2026-11,100,"), "{text}");
        assert_eq!(text.matches(",2026-1").count(), 3, "no line without data: {text}");
    }
}
