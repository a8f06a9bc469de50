//! The monthly uptime of a component, with the incidents, manual changes and corrections behind the figures.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;

use crate::domain::history::{Month, start_of_day};
use crate::domain::uptime::{Downtime, StatusInterval, apply_corrections};
use crate::domain::{Component, IncidentId, Status, UptimeCorrection};
use crate::format::time;
use crate::ui::pages::public::DAYS;
use crate::ui::pages::public::uptime::{ComponentUptime, MAX_LISTED, PeriodUptime, UptimePeriod};

/// Months on the uptime page, including the current one.
const MONTHS: usize = 12;

/// The months of the uptime page, newest first.
pub(super) fn uptime_months(now: DateTime<Utc>, zone: Tz) -> Vec<Month> {
    let months = std::iter::successors(Some(Month::from_time(now, zone)), |month| Some(month.previous()));
    months.take(MONTHS).collect()
}

pub(super) fn component_uptime(
    component: &Component,
    (effects, corrections): (&[StatusInterval], &[UptimeCorrection]),
    titles: &BTreeMap<IncidentId, String>,
    zone: Tz,
    now: DateTime<Utc>,
) -> ComponentUptime {
    let own = component_intervals(component, effects, corrections);
    let corrections = component_corrections(component, corrections);
    let start = component.history_start(zone);
    let line = |span: UptimePeriod, (from, to): (DateTime<Utc>, DateTime<Utc>)| {
        let known_from = from.max(start);
        let here =
            own.iter().filter(|effect| known_from < to && effect.from < to && effect.to.unwrap_or(now) > known_from);
        let mut touching: Vec<_> =
            here.filter_map(|effect| Some((effect.from, effect.incident_id.as_ref()?))).collect();
        touching.sort_unstable_by(|a, b| b.cmp(a));
        let mut met = BTreeSet::new();
        touching.retain(|(_, id)| met.insert(*id));
        let listed = touching.iter().take(MAX_LISTED);
        let listed = listed.filter_map(|(_, id)| Some(((*id).clone(), titles.get(id)?.clone()))).collect();
        let corrected = corrections.iter().any(|correction| correction.overlaps(from, to));
        let outage = Downtime::in_span(&own, from, to, start, now);
        PeriodUptime { span, outage, incidents: touching.len(), listed, corrected }
    };
    let today = time::today(now, zone);
    let last_days = line(UptimePeriod::LastDays(DAYS, today), (start_of_day(today - Days::new(DAYS - 1), zone), now));
    let months = uptime_months(now, zone)
        .into_iter()
        .map(|month| line(UptimePeriod::Month(month), month.bounds(zone)))
        .collect();
    let (by_hand, more_by_hand) = manual_intervals(component, effects);
    let (id, name) = (component.id.clone(), component.name.clone());
    ComponentUptime { id, name, start, last_days, months, corrections, by_hand, more_by_hand }
}

/// Periods in which managers set the component to a status other than operational, newest first, and the number of
/// omitted ones. Manual maintenance status doesn't affect uptime and is left out.
fn manual_intervals(component: &Component, effects: &[StatusInterval]) -> (Vec<StatusInterval>, usize) {
    let is_told = |effect: &&StatusInterval| {
        effect.component_id == component.id && effect.incident_id.is_none() && effect.status != Status::UnderMaintenance
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
