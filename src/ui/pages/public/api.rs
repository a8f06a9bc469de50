//! `/api`: what programs can read here, in words.

use leptos::prelude::*;

use crate::ui::public_layout::{Head, Kind, Layout, Shell};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct ApiPage {
    pub shell: Shell,
}

/// Path, whether it can be opened as it stands, and what is there.
type Line = (&'static str, bool, &'static str);

const STATUS: [Line; 5] = [
    ("/api/v2/summary.json", true, "Page, status, components, unresolved incidents and scheduled maintenance."),
    ("/api/v2/status.json", true, "The page's overall status indicator and description."),
    ("/api/v2/components.json", true, "Components and their groups."),
    ("/uptime_showcase", true, "The last 90 days of each component; filter with ?components=A,B."),
    ("/badge.svg", true, "SVG badge for the page; /components/ID/badge.svg for one component."),
];
const INCIDENTS: [Line; 5] = [
    ("/api/v2/incidents.json", true, "The 50 newest incidents."),
    ("/api/v2/incidents/unresolved.json", true, "Unresolved incidents."),
    ("/api/v2/incidents/ID.json", false, "One incident or maintenance."),
    ("/incidents/ID.json", false, "The same, flattened."),
    ("/history.json", true, "Three months per page; use ?page=2 for earlier months."),
];
const MAINTENANCES: [Line; 4] = [
    ("/api/v2/scheduled-maintenances.json", true, "The 50 most recent scheduled maintenances."),
    ("/api/v2/scheduled-maintenances/upcoming.json", true, "Upcoming maintenance."),
    ("/api/v2/scheduled-maintenances/active.json", true, "Maintenance in progress."),
    ("/maintenance.ics", true, "iCalendar feed; /incidents/ID.ics for a single maintenance."),
];
const FEEDS: [Line; 4] = [
    ("/history.atom", true, "Atom."),
    ("/history.rss", true, "RSS 2.0."),
    ("/feed.json", true, "JSON Feed 1.1."),
    ("/api/openapi.json", true, "OpenAPI 3.1 description."),
];

/// The whole document.
pub fn render(page: ApiPage) -> String {
    crate::ui::render(|| view! { <ApiView page=page /> })
}

/// The page of the API.
#[component]
pub fn ApiView(page: ApiPage) -> AnyView {
    let head = Head {
        title: "API".to_owned(),
        description: format!("The public JSON API and feeds of {}.", page.shell.page.name),
        kind: Kind::Regular,
    };
    let sections =
        [("Status", &STATUS[..]), ("Incidents", &INCIDENTS), ("Maintenance", &MAINTENANCES), ("Feeds", &FEEDS)];
    view! {
        <Layout shell=page.shell head=head>
            <div class="intro">
                <h1>"API"</h1>
                <p class="lede">
                    "Public JSON API, compatible with Atlassian Statuspage. No key required; CORS enabled. Responses carry an ETag; poll with If-None-Match, at most every 10 seconds."
                </p>
            </div>
            {sections.into_iter().map(|(title, lines)| section(title, lines)).collect_view()}
        </Layout>
    }
    .into_any()
}

fn section(title: &'static str, lines: &'static [Line]) -> AnyView {
    view! {
        <h2>{title}</h2>
        <ul class="panel">{lines.iter().map(line).collect_view()}</ul>
    }
    .into_any()
}

fn line((path, opens, words): &'static Line) -> AnyView {
    let address = if *opens {
        view! { <a href=*path><code>{*path}</code></a> }.into_any()
    } else {
        view! { <code>{*path}</code> }.into_any()
    };
    view! { <li class="row"><div>{address}<span class="about">{*words}</span></div></li> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::pages::public::fixtures::{self, check};

    #[test]
    fn every_address_stands_there() {
        let html = render(ApiPage { shell: fixtures::shell("/api") });
        check(&html);
        for (path, opens, _) in STATUS.iter().chain(&INCIDENTS).chain(&MAINTENANCES).chain(&FEEDS) {
            assert!(html.contains(&format!("<code>{path}</code>")), "{path}");
            assert_eq!(html.contains(&format!("href=\"{path}\"><code>")), *opens, "{path}");
        }
    }
}
