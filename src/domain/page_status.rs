//! The overall status of the page: [`Banner`] for people, [`PageStatus`] for the JSON documents.

use serde::{Deserialize, Serialize};

use super::{Component, Impact, Incident, Status};

/// Statuspage's indicator names, for the JSON documents; `Maintenance` is its undocumented fifth value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    None,
    Maintenance,
    Minor,
    Major,
    Critical,
}

impl Indicator {
    pub fn key(self) -> &'static str {
        match self {
            Indicator::None => "none",
            Indicator::Maintenance => "maintenance",
            Indicator::Minor => "minor",
            Indicator::Major => "major",
            Indicator::Critical => "critical",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageStatus {
    pub indicator: Indicator,
    pub description: &'static str,
}

impl PageStatus {
    /// Statuspage's rule, from its support article "Top-level status and incident impact calculations". Groups don't
    /// count.
    pub fn from_components(statuses: &[Status]) -> Self {
        let all = |status| !statuses.is_empty() && statuses.iter().all(|s| *s == status);
        let some = |status| statuses.contains(&status);
        let (indicator, description) = if all(Status::MajorOutage) {
            (Indicator::Critical, "Major System Outage")
        } else if some(Status::MajorOutage) || all(Status::PartialOutage) {
            (Indicator::Major, "Partial System Outage")
        } else if some(Status::PartialOutage) {
            (Indicator::Minor, "Minor Service Outage")
        } else if all(Status::DegradedPerformance) && statuses.len() > 1 {
            (Indicator::Minor, "Degraded System Service")
        } else if some(Status::DegradedPerformance) {
            (Indicator::Minor, "Partially Degraded Service")
        } else if some(Status::UnderMaintenance) {
            (Indicator::Maintenance, "Service Under Maintenance")
        } else {
            (Indicator::None, "All Systems Operational")
        };
        Self { indicator, description }
    }
}

/// The state of the page for people, from best to worst. It is the worst of the component statuses and of the present
/// impacts of open incidents, so page, badge and embed never look better than any part of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    #[default]
    Operational,
    /// An open incident without impact: neutral, not green.
    Notice,
    Maintenance,
    Degraded,
    PartialOutage,
    MajorOutage,
}

impl Tone {
    pub fn of_page(statuses: impl IntoIterator<Item = Status>, open: &[Incident]) -> Self {
        let components = statuses.into_iter().map(Self::from);
        components.chain(open.iter().map(|incident| incident.present_impact().into())).max().unwrap_or_default()
    }

    /// The name in style classes.
    pub fn key(self) -> &'static str {
        match self {
            Tone::Operational => "none",
            Tone::Notice => "notice",
            Tone::Maintenance => "maintenance",
            Tone::Degraded => "minor",
            Tone::PartialOutage => "major",
            Tone::MajorOutage => "critical",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Tone::Operational => "All Systems Operational",
            Tone::Notice => "Notice",
            Tone::Maintenance => "Service Under Maintenance",
            Tone::Degraded => Status::DegradedPerformance.words(),
            Tone::PartialOutage => Status::PartialOutage.words(),
            Tone::MajorOutage => Status::MajorOutage.words(),
        }
    }
}

impl From<Status> for Tone {
    fn from(status: Status) -> Self {
        match status {
            Status::Operational => Tone::Operational,
            Status::UnderMaintenance => Tone::Maintenance,
            Status::DegradedPerformance => Tone::Degraded,
            Status::PartialOutage => Tone::PartialOutage,
            Status::MajorOutage => Tone::MajorOutage,
        }
    }
}

/// The tone of an open incident.
impl From<Impact> for Tone {
    fn from(impact: Impact) -> Self {
        match impact {
            Impact::None => Tone::Notice,
            Impact::Maintenance => Tone::Maintenance,
            Impact::Minor => Tone::Degraded,
            Impact::Major => Tone::PartialOutage,
            Impact::Critical => Tone::MajorOutage,
        }
    }
}

/// The banner of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    pub tone: Tone,
    /// What is affected and how; without a time.
    pub headline: String,
}

/// The most components that the headline names.
pub const MAX_NAMED: usize = 3;

impl Banner {
    /// Names the components that are not operational, worst first, or their number if there are many. Names the
    /// incidents with the worst impact if that is worse than every component.
    pub fn new(components: &[(&Component, Status)], open: &[Incident]) -> Self {
        if components.is_empty() && open.is_empty() {
            return Self { tone: Tone::Notice, headline: "This status page is being set up".to_owned() };
        }
        let tone = Tone::of_page(components.iter().map(|(_, status)| *status), open);
        if tone == Tone::Operational {
            return Self { tone, headline: "All systems operational".to_owned() };
        }
        let affected: Vec<(&str, Status)> = components
            .iter()
            .filter(|(_, status)| *status != Status::Operational)
            .map(|(component, status)| (component.name.as_str(), *status))
            .collect();
        let is_of_component = affected.iter().any(|(_, status)| Tone::from(*status) == tone);
        let headline = match affected.len() {
            _ if !is_of_component => {
                let worst = open.iter().filter(|incident| Tone::from(incident.present_impact()) == tone);
                list_names(&worst.map(|incident| incident.title.as_str()).collect::<Vec<_>>())
            }
            number if number > MAX_NAMED => format!("{number} components affected"),
            _ => name_by_status(&affected),
        };
        Self { tone, headline }
    }
}

/// `API and Website: major outage; Search: degraded performance`
fn name_by_status(affected: &[(&str, Status)]) -> String {
    let worst_first = Status::ALL.into_iter().rev();
    let parts = worst_first.filter_map(|status| {
        let names: Vec<&str> = affected.iter().filter(|(_, own)| *own == status).map(|(name, _)| *name).collect();
        (!names.is_empty()).then(|| format!("{}: {}", join_names(&names), status.words().to_lowercase()))
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// `API`, `API and Website`, `API, Website and Search`
pub fn join_names(names: &[&str]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        names => names.concat(),
    }
}

/// `API`, `API and Website`, `API, Website and 3 more`
fn list_names(names: &[&str]) -> String {
    match names {
        [first, second] => format!("{first} and {second}"),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
        names => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Phase;
    use crate::domain::incident::tests::{incident, update};
    use Status::*;

    #[test]
    fn the_page_follows_the_count_rule() {
        let cases: [(&[Status], Indicator, &str); 15] = [
            (&[], Indicator::None, "All Systems Operational"),
            (&[Operational, Operational], Indicator::None, "All Systems Operational"),
            (&[DegradedPerformance], Indicator::Minor, "Partially Degraded Service"),
            (&[PartialOutage], Indicator::Major, "Partial System Outage"),
            (&[MajorOutage], Indicator::Critical, "Major System Outage"),
            (&[UnderMaintenance], Indicator::Maintenance, "Service Under Maintenance"),
            (&[MajorOutage, MajorOutage], Indicator::Critical, "Major System Outage"),
            (&[MajorOutage, Operational], Indicator::Major, "Partial System Outage"),
            (&[PartialOutage, PartialOutage], Indicator::Major, "Partial System Outage"),
            (&[PartialOutage, Operational], Indicator::Minor, "Minor Service Outage"),
            (&[PartialOutage, DegradedPerformance], Indicator::Minor, "Minor Service Outage"),
            (&[DegradedPerformance, DegradedPerformance], Indicator::Minor, "Degraded System Service"),
            (&[DegradedPerformance, Operational], Indicator::Minor, "Partially Degraded Service"),
            (&[DegradedPerformance, UnderMaintenance], Indicator::Minor, "Partially Degraded Service"),
            (&[UnderMaintenance, Operational], Indicator::Maintenance, "Service Under Maintenance"),
        ];
        for (statuses, indicator, description) in cases {
            assert_eq!(PageStatus::from_components(statuses), PageStatus { indicator, description }, "{statuses:?}");
        }
    }

    fn component(name: &str, status: Status) -> Component {
        Component { name: name.into(), ..crate::domain::component::tests::component(status) }
    }

    fn banner(components: &[(&str, Status)], open: &[Incident]) -> Banner {
        let components: Vec<Component> = components.iter().map(|(name, status)| component(name, *status)).collect();
        let rows: Vec<(&Component, Status)> = components.iter().map(|it| (it, it.status)).collect();
        Banner::new(&rows, open)
    }

    fn open(title: &str, impact: Impact) -> Incident {
        let mut open = incident(vec![update(0, Phase::Investigating, &[])]);
        (open.title, open.impact_override) = (title.into(), Some(impact));
        open
    }

    #[test]
    fn open_incident_over_green_components_sets_the_tone() {
        let late = open("Login mails arrive late", Impact::Minor);
        let found = banner(&[("API", Operational)], std::slice::from_ref(&late));
        assert_eq!((found.tone, found.headline.as_str()), (Tone::Degraded, "Login mails arrive late"));
        let two = banner(&[("API", Operational)], &[open("Login fails", Impact::Critical), late]);
        assert_eq!((two.tone, two.headline.as_str()), (Tone::MajorOutage, "Login fails"));
    }

    #[test]
    fn incident_without_impact_is_neutral() {
        let found = banner(&[("API", Operational)], &[open("New address", Impact::None)]);
        assert_eq!((found.tone, found.headline.as_str()), (Tone::Notice, "New address"));
    }

    #[test]
    fn banner_names_the_worst_components() {
        let rows = [("A", PartialOutage), ("B", DegradedPerformance), ("C", PartialOutage), ("D", PartialOutage)];
        let of = |count: usize| banner(&rows[..count], &[open("Other", Impact::Minor)]).headline;
        assert_eq!(of(1), "A: partial outage");
        assert_eq!(of(2), "A: partial outage; B: degraded performance");
        assert_eq!(of(3), "A and C: partial outage; B: degraded performance");
        assert_eq!(of(4), "4 components affected");
        let worse = banner(&rows, &[open("Fire", Impact::Critical)]);
        assert_eq!((worse.tone, worse.headline.as_str()), (Tone::MajorOutage, "Fire"));
    }

    #[test]
    fn page_without_components_is_neutral() {
        let found = banner(&[], &[]);
        assert_eq!((found.tone, found.headline.as_str()), (Tone::Notice, "This status page is being set up"));
    }

    #[test]
    fn maintenance_never_hides_an_incident_with_impact() {
        let incident = [open("Fire", Impact::Minor)];
        assert_eq!(banner(&[("API", UnderMaintenance)], &incident).tone, Tone::Degraded);
        let calm = banner(&[("API", UnderMaintenance), ("Web", Operational)], &[open("News", Impact::None)]);
        assert_eq!((calm.tone, calm.headline.as_str()), (Tone::Maintenance, "API: under maintenance"));
    }

    #[test]
    fn all_operational_without_incident_is_stated() {
        let found = banner(&[("API", Operational)], &[]);
        assert_eq!((found.tone, found.headline.as_str()), (Tone::Operational, "All systems operational"));
    }
}
