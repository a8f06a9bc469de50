//! The sample page: Tidewater Maps, a fictional company.

use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;

use super::ids::stable_bytes;
use super::{incidents, maintenances};
use crate::domain::forms::PageSettings;
use crate::domain::history::start_of_day;
use crate::domain::page::Link;
use crate::domain::{Component, ComponentId, Group, GroupId, Incident, IncidentId, Maintenance, Series, Status};

const ZONE: Tz = chrono_tz::Europe::Lisbon;

/// Name, description and age in days.
type DemoComponent = (&'static str, &'static str, u64);

const GROUPS: [(&str, &str, [DemoComponent; 4]); 3] = [
    (
        "Maps",
        "What a map is drawn from",
        [
            ("Tile API", "Raster and vector tiles, static images", 730),
            ("Vector styles", "Styles, fonts and symbols", 730),
            ("Satellite imagery", "Aerial and satellite scenes", 730),
            ("Geocoding", "From an address to a place, and back", 730),
        ],
    ),
    (
        "Sea data",
        "What the water does",
        [
            ("Tide predictions", "High and low water for 4,100 stations", 730),
            ("Chart updates", "Weekly corrections of nautical charts", 730),
            ("Wave and wind", "Forecasts for five days", 400),
            ("Buoy feed", "Readings from 600 buoys", 480),
        ],
    ),
    (
        "Account",
        "What you do with us",
        [
            ("Dashboard", "Keys, usage and limits", 730),
            ("Sign-in", "By password or by your company's account", 730),
            ("Billing", "Invoices and payments", 730),
            ("Developer docs", "docs.tidewater.example", 730),
        ],
    ),
];

/// The sample data; deterministic for a given `now`.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoData {
    pub now: DateTime<Utc>,
    pub page_id: String,
    pub settings: PageSettings,
    pub groups: Vec<Group>,
    pub components: Vec<Component>,
    /// Newest first; the first one is open.
    pub incidents: Vec<Incident>,
    /// Latest start first.
    pub maintenances: Vec<Maintenance>,
    pub series: Series,
}

pub fn demo_data(now: DateTime<Utc>) -> anyhow::Result<DemoData> {
    let (groups, components) = demo_components(now);
    let incidents = incidents::demo_incidents(now, ZONE, &components)?;
    let (maintenances, series) = maintenances::demo_maintenances(now, ZONE, &components)?;
    let link = |label: &str, url: &str| Link { label: label.into(), url: url.into() };
    let settings = PageSettings {
        name: "Tidewater Maps".into(),
        url: "https://tidewater.example".into(),
        time_zone: ZONE,
        logo_text: String::new(),
        embedders: Vec::new(),
        links: vec![
            link("Documentation", "https://docs.tidewater.example"),
            link("Support", "mailto:help@tidewater.example"),
            link("Terms", "https://tidewater.example/terms"),
        ],
    };
    Ok(DemoData { now, page_id: stable_letters("page"), settings, groups, components, incidents, maintenances, series })
}

fn demo_components(now: DateTime<Utc>) -> (Vec<Group>, Vec<Component>) {
    let today = now.with_timezone(&ZONE).date_naive();
    let (mut groups, mut components) = (Vec::new(), Vec::new());
    for (place, (name, description, members)) in (1..).zip(GROUPS) {
        let founded = start_of_day(today - Days::new(730), ZONE);
        let id = GroupId::from_random(stable_bytes(name));
        for (place, (name, description, age)) in (1..).zip(members) {
            let start = today - Days::new(age);
            components.push(Component {
                id: ComponentId::from_random(stable_bytes(name)),
                group_id: Some(id.clone()),
                name: name.into(),
                description: description.into(),
                status: Status::Operational,
                position: place,
                start_date: Some(start),
                only_show_if_degraded: false,
                created_at: start_of_day(start, ZONE),
                updated_at: start_of_day(start, ZONE),
                version: 1,
            });
        }
        groups.push(Group {
            id,
            name: name.into(),
            description: description.into(),
            position: place,
            created_at: founded,
            updated_at: founded,
            version: 1,
        });
    }
    (groups, components)
}

fn stable_letters(label: &str) -> String {
    IncidentId::from_random(stable_bytes(label)).to_string()
}
