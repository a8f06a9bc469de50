//! Data shared by all API documents of one rendering.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Serialize;

use super::schema::IndicatorKey;
use crate::domain::page_status::PageStatus;
use crate::domain::{Component, ComponentId, Group, Incident, Maintenance, Page, Status};

pub struct PageContext<'a> {
    pub page: &'a Page,
    pub origin: &'a str,
    pub groups: &'a [Group],
    /// In page order, each with its effective status.
    pub components: Vec<(&'a Component, Status)>,
    /// The latest change of any content that visitors see.
    updated_at: DateTime<Utc>,
}

#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "Page", deny_unknown_fields)]
pub struct PageRow<'a> {
    id: &'a str,
    name: &'a str,
    url: &'a str,
    time_zone: &'a str,
    #[schemars(with = "DateTime<Utc>")]
    updated_at: String,
}

#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "Status", deny_unknown_fields)]
pub struct StatusRow {
    #[schemars(with = "IndicatorKey")]
    indicator: &'static str,
    description: &'static str,
}

impl<'a> PageContext<'a> {
    pub fn new(
        page: &'a Page,
        origin: &'a str,
        groups: &'a [Group],
        components: &'a [Component],
        open: &[Incident],
        planned: &[Maintenance],
    ) -> Self {
        let with_status = |component: &'a Component| (component, component.effective_status(open, planned));
        let rows = components.iter().map(|component| component.updated_at);
        let groups_changed = groups.iter().map(|group| group.updated_at);
        let incidents = open.iter().map(|incident| incident.updated_at);
        let maintenances = planned.iter().map(|maintenance| maintenance.updated_at);
        let newest = rows.chain(groups_changed).chain(incidents).chain(maintenances).max();
        Self {
            components: components.iter().map(with_status).collect(),
            updated_at: newest.map_or(page.updated_at, |at| at.max(page.updated_at)),
            page,
            origin: origin.trim_end_matches('/'),
            groups,
        }
    }

    /// Raises `updated_at` to the latest of these times.
    pub fn with_changes(mut self, changes: impl Iterator<Item = DateTime<Utc>>) -> Self {
        self.updated_at = changes.fold(self.updated_at, DateTime::max);
        self
    }

    pub fn zone(&self) -> Tz {
        self.page.time_zone
    }

    /// Formats a time with milliseconds, in the UTC offset of the page's time zone.
    pub fn stamp(&self, at: DateTime<Utc>) -> String {
        stamp(at, self.zone())
    }

    pub fn page_row(&self) -> PageRow<'a> {
        PageRow {
            id: &self.page.id,
            name: &self.page.name,
            url: if self.page.url.is_empty() { self.origin } else { &self.page.url },
            time_zone: zone_name(self.zone()),
            updated_at: self.stamp(self.updated_at),
        }
    }

    pub fn page_json(&self) -> String {
        super::to_json(&self.page_row())
    }

    /// The page status from component statuses alone, as in Statuspage: an open incident with all components
    /// operational doesn't raise the status. The status page itself does show the incident.
    pub fn status_row(&self) -> StatusRow {
        let statuses: Vec<Status> = self.components.iter().map(|(_, status)| *status).collect();
        let PageStatus { indicator, description } = PageStatus::from_components(&statuses);
        StatusRow { indicator: indicator.key(), description }
    }

    /// The component name, prefixed with its group: `Mail - Inbound`.
    pub fn full_name(&self, id: &ComponentId, name: &str) -> String {
        let component = self.components.iter().find(|(component, _)| component.id == *id);
        let group_id = component.and_then(|(component, _)| component.group_id.as_ref());
        match self.groups.iter().find(|group| Some(&group.id) == group_id) {
            Some(group) => format!("{} - {name}", group.name),
            None => name.to_owned(),
        }
    }

    /// The URL of an incident's or maintenance's page.
    pub fn permalink(&self, id: &str) -> String {
        format!("{}/incidents/{id}", self.origin)
    }
}

/// Formats a time with milliseconds, in the UTC offset of `zone` at that time; `Z` if `zone` is UTC.
pub fn stamp(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Millis, is_utc(zone))
}

fn is_utc(zone: Tz) -> bool {
    matches!(zone, Tz::UTC | Tz::Etc__UTC)
}

fn zone_name(zone: Tz) -> &'static str {
    if is_utc(zone) { "Etc/UTC" } else { zone.name() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_milliseconds_and_the_offset_of_its_own_day() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let denver = Tz::America__Denver;
        assert_eq!(stamp(at("2026-03-04T16:15:02.417999Z"), denver), "2026-03-04T09:15:02.417-07:00");
        assert_eq!(stamp(at("2026-07-04T16:15:02Z"), denver), "2026-07-04T10:15:02.000-06:00");
        assert_eq!(stamp(at("2026-03-04T16:15:02.417Z"), Tz::UTC), "2026-03-04T16:15:02.417Z");
        assert_eq!(stamp(at("2026-01-04T16:15:02Z"), Tz::Europe__London), "2026-01-04T16:15:02.000+00:00");
    }

    #[test]
    fn utc_has_the_name_that_readers_know() {
        assert_eq!((zone_name(Tz::UTC), zone_name(Tz::Europe__Lisbon)), ("Etc/UTC", "Europe/Lisbon"));
    }
}
