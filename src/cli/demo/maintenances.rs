//! The sample maintenances: one upcoming, one completed, one weekly.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::ids::{maintenance_id, series_id, update_id};
use crate::domain::forms::{NewMaintenance, Plan, Window};
use crate::domain::maintenance::Automation;
use crate::domain::recurrence::{RecurrenceRule, instant};
use crate::domain::{Component, ComponentId, Invalid, Maintenance, Series};

const FULL_AUTOMATION: Automation = Automation { reminds: true, starts: true, completes: true, marks: true };

/// The maintenances, latest start first, and the recurring maintenance behind one of them.
pub fn demo_maintenances(
    now: DateTime<Utc>,
    zone: Tz,
    components: &[Component],
) -> Result<(Vec<Maintenance>, Series), Invalid> {
    let today = now.with_timezone(&zone).date_naive();
    let (series, weekly) = weekly_series(today, now, zone, components)?;
    let upgrade = DemoMaintenance {
        title: "Satellite imagery moves to new storage",
        body: "While the last scenes are copied, imagery is served from the old storage and new scenes wait. Maps and \
               styles are not affected.",
        day: today + Days::new(2),
        hours: (2, 4),
        components: &["Satellite imagery"],
        told_at: now - TimeDelta::days(1),
    };
    let rekeying = DemoMaintenance {
        title: "New keys for sign-in",
        body: "We replace the keys that sign your sessions. You will be asked to sign in once more.",
        day: today - Days::new(9),
        hours: (5, 6),
        components: &["Sign-in", "Dashboard"],
        told_at: now - TimeDelta::days(12),
    };
    let mut past = rekeying.plan(zone, components)?;
    for index in 1.. {
        if past.take_step(update_id(rekeying.title, index), now).is_none() {
            break;
        }
    }
    past.updates.iter_mut().for_each(|update| update.created_at = update.posted_at);
    past.updated_at = past.ended_at.unwrap_or(now);
    let mut all: Vec<Maintenance> = weekly.into_iter().chain([upgrade.plan(zone, components)?, past]).collect();
    all.sort_by(|a, b| (b.scheduled_for, &b.id).cmp(&(a.scheduled_for, &a.id)));
    Ok((all, series))
}

struct DemoMaintenance {
    title: &'static str,
    body: &'static str,
    day: NaiveDate,
    /// Start and end as hours, in the page's time zone.
    hours: (u32, u32),
    components: &'static [&'static str],
    told_at: DateTime<Utc>,
}

impl DemoMaintenance {
    fn plan(&self, zone: Tz, components: &[Component]) -> Result<Maintenance, Invalid> {
        let at = |hour| instant(self.day.and_time(hour_of_day(hour)), zone);
        let plan = Plan {
            title: self.title.into(),
            components: component_ids(self.components, components),
            switches: FULL_AUTOMATION,
        };
        let window = Window { from: at(self.hours.0), until: at(self.hours.1), zone };
        let new = NewMaintenance { plan, window, body: self.body.into() };
        new.plan((maintenance_id(self.title), update_id(self.title, 0)), components, self.told_at)
    }
}

/// The recurring maintenance, weekly at 3:30, and its next occurrence.
fn weekly_series(
    today: NaiveDate,
    now: DateTime<Utc>,
    zone: Tz,
    components: &[Component],
) -> Result<(Series, Option<Maintenance>), Invalid> {
    let title = "Weekly rebuild of the search index";
    let told_at = now - TimeDelta::days(30);
    let first_start = (today + Days::new(5)).and_time(hour_of_day(3)) + TimeDelta::minutes(30);
    let rule = RecurrenceRule::parse("FREQ=WEEKLY", first_start).map_err(|reason| Invalid::field("rule", reason))?;
    let mut series = Series {
        id: series_id(title),
        title: title.into(),
        body: "Address search answers as usual; new addresses appear once the index is rebuilt.".into(),
        rule,
        zone,
        first_start,
        length: TimeDelta::minutes(45),
        skipped: Vec::new(),
        switches: Automation { reminds: false, marks: false, ..FULL_AUTOMATION },
        components: component_ids(&["Geocoding"], components),
        made_until: None,
        grows_at: Some(told_at),
        created_at: told_at,
        updated_at: told_at,
        version: 1,
    };
    let made = series.plan_next_occurrence((maintenance_id(title), update_id(title, 0)), components, told_at);
    Ok((series, made))
}

fn component_ids(names: &[&str], components: &[Component]) -> Vec<ComponentId> {
    let named = components.iter().filter(|component| names.contains(&component.name.as_str()));
    named.map(|component| component.id.clone()).collect()
}

fn hour_of_day(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or(NaiveTime::MIN)
}

#[cfg(test)]
mod tests {
    use crate::cli::demo::page::demo_data;
    use crate::domain::MaintenancePhase::{Completed, Scheduled};

    #[test]
    fn demo_has_completed_planned_and_recurring_maintenance() {
        for now in ["2026-11-10T12:00:00Z", "2027-03-26T01:30:00Z", "2026-10-24T23:10:00Z"] {
            let now = now.parse().unwrap();
            let company = demo_data(now).unwrap();
            let phases: Vec<_> = company.maintenances.iter().map(|it| it.phase).collect();
            assert_eq!(phases, [Scheduled, Scheduled, Completed]);
            assert!(company.maintenances[..2].iter().all(|it| it.scheduled_for > now));
            assert_eq!(company.maintenances[0].occurrence.as_ref().unwrap().series_id, company.series.id);
            assert!(company.maintenances.iter().all(|it| !it.components.is_empty()));
            let over = &company.maintenances[2];
            assert_eq!((over.started_at, over.ended_at), (Some(over.scheduled_for), Some(over.scheduled_until)));
        }
    }
}
