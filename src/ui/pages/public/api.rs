//! `/api`: what programs can read here, in words.

use leptos::prelude::*;

use crate::ui::public_layout::{PageHead, PageKind, PublicContext, PublicLayout};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct ApiPage {
    pub shell: PublicContext,
}

/// Path, whether it can be opened as it stands, and what is there.
type AddressLine = (&'static str, bool, &'static str);

const STATUS: [AddressLine; 5] = [
    ("/api/v2/summary.json", true, "Page, status, components, unresolved incidents and scheduled maintenance."),
    ("/api/v2/status.json", true, "The page's overall status indicator and description."),
    ("/api/v2/components.json", true, "Components and their groups."),
    ("/uptime_showcase", true, "The last 90 days of each component; filter with ?components=A,B."),
    ("/badge.svg", true, "SVG badge for the page; /components/ID/badge.svg for one component."),
];
const INCIDENTS: [AddressLine; 5] = [
    ("/api/v2/incidents.json", true, "The 50 newest incidents."),
    ("/api/v2/incidents/unresolved.json", true, "Unresolved incidents."),
    ("/api/v2/incidents/ID.json", false, "One incident or maintenance."),
    ("/incidents/ID.json", false, "The same, flattened."),
    ("/history.json", true, "Three months per page; use ?page=2 for earlier months."),
];
const MAINTENANCES: [AddressLine; 4] = [
    ("/api/v2/scheduled-maintenances.json", true, "The 50 most recent scheduled maintenances."),
    ("/api/v2/scheduled-maintenances/upcoming.json", true, "Upcoming maintenance."),
    ("/api/v2/scheduled-maintenances/active.json", true, "Maintenance in progress."),
    ("/maintenance.ics", true, "iCalendar feed; /incidents/ID.ics for a single maintenance."),
];
const FEEDS: [AddressLine; 4] = [
    ("/history.atom", true, "Atom."),
    ("/history.rss", true, "RSS 2.0."),
    ("/feed.json", true, "JSON Feed 1.1."),
    ("/api/openapi.json", true, "OpenAPI 3.1 description."),
];

/// The whole document.
pub fn render_api_page(page: ApiPage) -> String {
    crate::ui::render_page(|| view! { <ApiView page=page /> })
}

/// The page of the API.
#[component]
pub fn ApiView(page: ApiPage) -> AnyView {
    let head = PageHead {
        title: "API".to_owned(),
        description: format!("The public JSON API and feeds of {}.", page.shell.page.name),
        kind: PageKind::Regular,
    };
    let sections =
        [("Status", &STATUS[..]), ("Incidents", &INCIDENTS), ("Maintenance", &MAINTENANCES), ("Feeds", &FEEDS)];
    view! {
        <PublicLayout shell=page.shell head=head>
            <div class="intro">
                <h1>"API"</h1>
                <p class="lede">
                    "Public JSON API, compatible with Atlassian Statuspage. No key required; CORS enabled. Responses carry an ETag; poll with If-None-Match, at most every 10 seconds."
                </p>
            </div>
            {sections.into_iter().map(|(title, lines)| address_section(title, lines)).collect_view()}
        </PublicLayout>
    }
    .into_any()
}

fn address_section(title: &'static str, lines: &'static [AddressLine]) -> AnyView {
    view! {
        <h2>{title}</h2>
        <ul class="panel">{lines.iter().map(address_line).collect_view()}</ul>
    }
    .into_any()
}

fn address_line((path, opens, words): &'static AddressLine) -> AnyView {
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
    fn every_public_address_is_listed() {
        let html = render_api_page(ApiPage { shell: fixtures::shell("/api") });
        check(&html);
        for (path, opens, _) in STATUS.iter().chain(&INCIDENTS).chain(&MAINTENANCES).chain(&FEEDS) {
            assert!(html.contains(&format!("<code>{path}</code>")), "{path}");
            assert_eq!(html.contains(&format!("href=\"{path}\"><code>")), *opens, "{path}");
        }
    }
}
