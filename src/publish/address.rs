//! The table of public addresses, used by the router, the fast path, CORS and the page `/api`.

use std::iter::zip;

use crate::domain::history::Month;
use crate::domain::id::is_id;
use crate::domain::{ComponentId, IncidentId};
use crate::ui::pages::public::api::{ApiLine, ApiSection};

/// What answers requests for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A document of the published [`Site`](super::Site); never a query.
    Hot,
    /// The history document of the Site, or one filtered view rendered on demand.
    History,
    Month,
    Uptime,
    UptimeCsv,
    /// The page, `.json`, `.ics` or `.png` of an incident or a maintenance.
    Incident,
    ApiIncident,
    HistoryJson,
    Showcase,
    Events,
    Health,
    Readiness,
    /// The public half of the key pair that signs webhooks.
    WebhookKey,
    /// The form of a new subscription.
    Subscribe,
    /// Mails the link of a subscription.
    SubscriberLinks,
    ConfirmSubscription,
    ManageSubscription,
    Unsubscribe,
    ApiSubscribers,
    ApiSubscriber,
    ApiResend,
    /// Where the forms of Statuspage's pages post to.
    StatuspageForm,
    /// Where mail providers report bounces.
    BounceHook,
    /// Always 404.
    NotFound,
}

/// Which origins may read the responses of an address, including errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cors {
    Denied,
    Allowed,
    /// Only if the path ends in `.json` or `.ics`.
    DataOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Status,
    Incidents,
    Maintenance,
    Feeds,
}

/// The row of an address on the page `/api`.
#[derive(Clone, Copy, Debug)]
struct Listing {
    section: Section,
    /// The path as shown to readers, with `ID` for the variable part.
    path: &'static str,
    summary: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub struct PublicAddress {
    /// The path in the router's syntax.
    pub pattern: &'static str,
    pub endpoint: Endpoint,
    /// The query parameters that change the response. The cache ignores all others.
    parameters: &'static [&'static str],
    cors: Cors,
    listing: Option<Listing>,
}

/// Every public address. The first match wins.
#[rustfmt::skip]
pub const ADDRESSES: [PublicAddress; 45] = [
    address("/", Endpoint::Hot),
    address("/subscribe", Endpoint::Subscribe),
    address("/subscribe/links", Endpoint::SubscriberLinks),
    address("/subscribe/confirm/{token}", Endpoint::ConfirmSubscription),
    address("/subscribe/manage/{token}", Endpoint::ManageSubscription),
    address("/subscribe/unsubscribe/{token}", Endpoint::Unsubscribe),
    address("/subscriptions/{form}", Endpoint::StatuspageForm),
    address("/api/v2/subscribers.json", Endpoint::ApiSubscribers).cors(),
    address("/api/v2/subscribers/{id}", Endpoint::ApiSubscriber).cors(),
    address("/api/v2/subscriptions/{id}/resend_confirmation", Endpoint::ApiResend).cors(),
    address("/hooks/bounces/{source}", Endpoint::BounceHook),
    address("/history", Endpoint::History).parameters(&["q", "component", "impact", "range", "from", "to", "before", "page"]),
    address("/history/{month}", Endpoint::Month).parameters(&["before"]),
    address("/uptime", Endpoint::Uptime).parameters(&["until", "month", "component"]),
    address("/uptime.csv", Endpoint::UptimeCsv).cors().listed(Section::Status, "The uptime of each component in the last 12 months as CSV."),
    address("/api", Endpoint::Hot),
    address("/api/v2/summary.json", Endpoint::Hot).cors().listed(Section::Status, "Page, status, components, unresolved incidents and scheduled maintenance."),
    address("/api/v2/status.json", Endpoint::Hot).cors().listed(Section::Status, "The page's overall status indicator and description."),
    address("/api/v2/components.json", Endpoint::Hot).cors().listed(Section::Status, "Components and their groups."),
    address("/uptime_showcase", Endpoint::Showcase).parameters(&["components"]).cors().listed(Section::Status, "The last 90 days of each component; filter with ?components=A,B."),
    address("/badge.svg", Endpoint::Hot).listed(Section::Status, "SVG badge for the page."),
    address("/components/{id}/badge.svg", Endpoint::Hot).listed_as(Section::Status, "/components/ID/badge.svg", "SVG badge for one component."),
    address("/api/v2/incidents.json", Endpoint::Hot).cors().listed(Section::Incidents, "The 50 newest incidents."),
    address("/api/v2/incidents/unresolved.json", Endpoint::Hot).cors().listed(Section::Incidents, "Unresolved incidents."),
    address("/api/v2/incidents/{id}", Endpoint::ApiIncident).cors().listed_as(Section::Incidents, "/api/v2/incidents/ID.json", "One incident or maintenance."),
    address("/incidents/{id}", Endpoint::Incident).data_cors().listed_as(Section::Incidents, "/incidents/ID.json", "The same, flattened."),
    address("/history.json", Endpoint::HistoryJson).parameters(&["page"]).cors().listed(Section::Incidents, "Three months per page; use ?page=2 for earlier months."),
    address("/api/v2/scheduled-maintenances.json", Endpoint::Hot).cors().listed(Section::Maintenance, "The 50 most recent scheduled maintenances."),
    address("/api/v2/scheduled-maintenances/upcoming.json", Endpoint::Hot).cors().listed(Section::Maintenance, "Upcoming maintenance."),
    address("/api/v2/scheduled-maintenances/active.json", Endpoint::Hot).cors().listed(Section::Maintenance, "Maintenance in progress."),
    address("/api/v2/{*path}", Endpoint::NotFound).cors(),
    address("/maintenance.ics", Endpoint::Hot).cors().listed(Section::Maintenance, "iCalendar feed; /incidents/ID.ics for a single maintenance."),
    address("/history.atom", Endpoint::Hot).cors().listed(Section::Feeds, "Atom."),
    address("/history.rss", Endpoint::Hot).cors().listed(Section::Feeds, "RSS 2.0."),
    address("/feed.json", Endpoint::Hot).cors().listed(Section::Feeds, "JSON Feed 1.1."),
    address("/api/openapi.json", Endpoint::Hot).cors().listed(Section::Feeds, "OpenAPI 3.1 description."),
    address("/social.png", Endpoint::Hot),
    address("/brand/{file}", Endpoint::Hot),
    address("/embed", Endpoint::Hot),
    address("/embed/{part}", Endpoint::Hot),
    address("/.well-known/candor-audit", Endpoint::Hot),
    address("/.well-known/candor-webhook-key", Endpoint::WebhookKey).cors(),
    address("/events", Endpoint::Events),
    address("/healthz", Endpoint::Health),
    address("/readyz", Endpoint::Readiness),
];

const fn address(pattern: &'static str, endpoint: Endpoint) -> PublicAddress {
    PublicAddress { pattern, endpoint, parameters: &[], cors: Cors::Denied, listing: None }
}

impl PublicAddress {
    pub fn find(path: &str) -> Option<&'static Self> {
        ADDRESSES.iter().find(|address| matches_pattern(address.pattern, path))
    }

    /// Whether CORS preflight requests are answered for this address.
    pub fn has_preflight(&self) -> bool {
        self.cors != Cors::Denied
    }

    /// Whether requests of other sites may change something here. What counts there is a signed token, the mail
    /// that confirms the request, or the proof of a mail provider; no cookie does.
    pub fn takes_cross_site_changes(&self) -> bool {
        !self.methods().is_empty() && !matches!(self.endpoint, Endpoint::Subscribe | Endpoint::SubscriberLinks)
    }

    /// The methods beside GET and HEAD.
    pub fn methods(&self) -> &'static [&'static str] {
        match self.endpoint {
            Endpoint::Subscribe
            | Endpoint::SubscriberLinks
            | Endpoint::ConfirmSubscription
            | Endpoint::ManageSubscription
            | Endpoint::Unsubscribe
            | Endpoint::ApiSubscribers
            | Endpoint::ApiResend
            | Endpoint::StatuspageForm
            | Endpoint::BounceHook => &["POST"],
            Endpoint::ApiSubscriber => &["DELETE"],
            _ => &[],
        }
    }

    /// Whether GET is answered at all.
    pub fn is_readable(&self) -> bool {
        !matches!(
            self.endpoint,
            Endpoint::ApiSubscribers
                | Endpoint::ApiSubscriber
                | Endpoint::ApiResend
                | Endpoint::StatuspageForm
                | Endpoint::BounceHook
        )
    }

    const fn parameters(self, parameters: &'static [&'static str]) -> Self {
        Self { parameters, ..self }
    }

    const fn cors(self) -> Self {
        Self { cors: Cors::Allowed, ..self }
    }

    const fn data_cors(self) -> Self {
        Self { cors: Cors::DataOnly, ..self }
    }

    const fn listed(self, section: Section, summary: &'static str) -> Self {
        let path = self.pattern;
        self.listed_as(section, path, summary)
    }

    const fn listed_as(self, section: Section, path: &'static str, summary: &'static str) -> Self {
        Self { listing: Some(Listing { section, path, summary }), ..self }
    }

    /// Whether `path`, which matches this address, may name a page that only the database has.
    fn is_on_demand(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        // An escaped name may still be valid; the router decodes it.
        let is_escaped = name.contains('%');
        match self.endpoint {
            Endpoint::Hot | Endpoint::NotFound => false,
            Endpoint::Month => is_escaped || Month::parse(name).is_some(),
            Endpoint::Incident | Endpoint::ApiIncident => {
                let id = [".json", ".ics", ".png"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
                is_escaped || IncidentId::parse(id).is_some()
            }
            _ => true,
        }
    }
}

/// Whether only the published Site can answer for `path`. A path missing from the Site is a 404 without a query.
pub fn is_hot_only(path: &str) -> bool {
    PublicAddress::find(path).is_none_or(|address| !address.is_on_demand(path))
}

/// Whether scripts of any origin may read the response for `path`, including errors.
pub fn is_cross_origin(path: &str) -> bool {
    PublicAddress::find(path).is_some_and(|address| match address.cors {
        Cors::Denied => false,
        Cors::Allowed => true,
        Cors::DataOnly => [".json", ".ics"].iter().any(|ending| path.ends_with(ending)),
    })
}

/// Whether `path` belongs to an API: its errors are JSON, and scripts of any origin may read them.
pub fn is_api_path(path: &str) -> bool {
    path == "/v1" || ["/api/", "/v1/"].iter().any(|prefix| path.starts_with(prefix))
}

/// The address that `path` means if it differs from it only by slashes at the end or a missing `.json`. The result is
/// built from the table and checked ids; it never contains other text of `path`.
pub fn canonical_path(path: &str) -> Option<String> {
    let bare = path.trim_end_matches('/');
    let is_file = bare.rsplit('/').next().is_some_and(|name| name.contains('.'));
    if bare.is_empty() || is_file && bare.len() == path.len() {
        return None;
    }
    let address = build_address(bare).or_else(|| build_address(&format!("{bare}.json")))?;
    (address != path).then_some(address)
}

/// `path` rebuilt from its entry in the table; `None` if no document can have this path.
fn build_address(path: &str) -> Option<String> {
    let address = PublicAddress::find(path).filter(|address| address.endpoint != Endpoint::NotFound)?;
    let segments = zip(address.pattern.split('/'), path.split('/'));
    let checked =
        segments.map(
            |(wanted, given)| {
                if wanted.starts_with('{') { checked_name(address, given) } else { Some(wanted.to_owned()) }
            },
        );
    Some(checked.collect::<Option<Vec<String>>>()?.join("/"))
}

/// The variable segment of an address, if it is valid there.
fn checked_name(address: &PublicAddress, given: &str) -> Option<String> {
    match address.endpoint {
        Endpoint::Month => Month::parse(given).map(|month| month.to_string()),
        Endpoint::ApiIncident => {
            let id = IncidentId::parse(given.strip_suffix(".json").unwrap_or(given))?;
            Some(format!("{id}.json"))
        }
        Endpoint::Incident => {
            let endings = [".json", ".ics", ".png", ""];
            let (id, ending) = endings.iter().find_map(|ending| Some((given.strip_suffix(ending)?, ending)))?;
            Some(format!("{}{ending}", IncidentId::parse(id)?))
        }
        _ if address.pattern.starts_with("/components/") => ComponentId::parse(given).map(|id| id.to_string()),
        _ => given.split('.').all(is_id).then(|| given.to_owned()),
    }
}

/// Whether `query` has a parameter that changes the response for `path`.
pub fn has_known_parameter(path: &str, query: &str) -> bool {
    let Some(address) = PublicAddress::find(path).filter(|address| !address.parameters.is_empty()) else {
        return false;
    };
    // An escaped name may be a known parameter; the handler decodes it.
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        name.contains('%') || address.parameters.contains(&name)
    })
}

/// An address of the page `/api`.
#[derive(Clone, Copy, Debug)]
pub struct ListedAddress {
    /// The path with `ID` for the variable part.
    pub path: &'static str,
    pub summary: &'static str,
    pub parameters: &'static [&'static str],
}

pub fn listed_addresses() -> impl Iterator<Item = ListedAddress> {
    ADDRESSES.iter().filter_map(|address| {
        let Listing { path, summary, .. } = address.listing?;
        Some(ListedAddress { path, summary, parameters: address.parameters })
    })
}

pub fn api_sections() -> Vec<ApiSection> {
    let titles = [
        (Section::Status, "Status"),
        (Section::Incidents, "Incidents"),
        (Section::Maintenance, "Maintenance"),
        (Section::Feeds, "Feeds"),
    ];
    let lines = |wanted: Section| {
        let listed = ADDRESSES.iter().filter_map(|address| Some((address, address.listing?)));
        let listed = listed.filter(move |(_, listing)| listing.section == wanted);
        listed.map(|(address, Listing { path, summary, .. })| ApiLine { path, opens: path == address.pattern, summary })
    };
    titles.into_iter().map(|(section, title)| ApiSection { title, lines: lines(section).collect() }).collect()
}

/// Compares by segment: `{name}` matches one non-empty segment, `{*name}` matches the rest.
fn matches_pattern(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted.starts_with("{*") => return !given.is_empty(),
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(path: &str) -> Option<&'static str> {
        PublicAddress::find(path).map(|address| address.pattern)
    }

    #[test]
    fn paths_find_their_address() {
        assert_eq!(pattern("/"), Some("/"));
        assert_eq!(pattern("/history/2026-11"), Some("/history/{month}"));
        assert_eq!(pattern("/components/c1/badge.svg"), Some("/components/{id}/badge.svg"));
        assert_eq!(pattern("/api/v2/incidents/unresolved.json"), Some("/api/v2/incidents/unresolved.json"));
        assert_eq!(pattern("/api/v2/incidents/i1.json"), Some("/api/v2/incidents/{id}"));
        assert_eq!(pattern("/api/v2/a/b/c"), Some("/api/v2/{*path}"));
        for nothing in ["/history/", "/history/2026-11/x", "/components/c1", "/api/v2/", "/nothing", ""] {
            assert_eq!(pattern(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn hot_only_paths_need_no_query() {
        for path in
            ["/api/v2/nothing.json", "/embed/x", "/history/soon", "/components/x/badge.svg", "/history/2026-11/x"]
        {
            assert!(is_hot_only(path), "{path}");
        }
        for path in ["/incidents/i1", "/incidents/i1.ics", "/api/v2/incidents/i1.json", "/history/2026-11", "/uptime"] {
            assert!(!is_hot_only(path), "{path}");
        }
        assert!(!is_hot_only("/history/2026%2D11"));
    }

    #[test]
    fn scripts_of_any_origin_read_json_and_feeds() {
        for path in ["/api/v2/status.json", "/api/v2/x", "/history.rss", "/feed.json", "/maintenance.ics"] {
            assert!(is_cross_origin(path), "{path}");
        }
        for path in ["/incidents/i1.json", "/incidents/i1.ics"] {
            assert!(is_cross_origin(path), "{path}");
        }
        for path in ["/", "/history", "/incidents/i1", "/events", "/admin"] {
            assert!(!is_cross_origin(path), "{path}");
        }
    }

    #[test]
    fn slash_and_missing_json_lead_to_the_address() {
        for (path, address) in [
            ("/history/", "/history"),
            ("/history//", "/history"),
            ("/uptime/", "/uptime"),
            ("/api/", "/api"),
            ("/history/2026-11/", "/history/2026-11"),
            ("/incidents/i1/", "/incidents/i1"),
            ("/incidents/i1.json/", "/incidents/i1.json"),
            ("/incidents/i1.ics/", "/incidents/i1.ics"),
            ("/incidents/i1.png/", "/incidents/i1.png"),
            ("/api/v2/summary", "/api/v2/summary.json"),
            ("/api/v2/summary/", "/api/v2/summary.json"),
            ("/api/v2/summary.json/", "/api/v2/summary.json"),
            ("/api/v2/incidents/i1", "/api/v2/incidents/i1.json"),
            ("/api/v2/incidents/unresolved/", "/api/v2/incidents/unresolved.json"),
            ("/components/c1/badge.svg/", "/components/c1/badge.svg"),
            ("/embed/script.js/", "/embed/script.js"),
            ("/feed", "/feed.json"),
        ] {
            assert_eq!(canonical_path(path).as_deref(), Some(address), "{path}");
        }
    }

    #[test]
    fn other_paths_have_no_canonical_address() {
        let addresses = ["/", "/history", "/api/v2/summary.json", "/incidents/i1", "/api/v2/incidents/i1.json"];
        let unknown = ["", "//", "/nothing/", "/api/v2/", "/api/v2/nothing", "/wp-login.php", "/admin/", "/v1/pages/"];
        let hostile = [
            "//history/",
            "//evil.test/",
            "/history//x/",
            "/incidents/a b/",
            "/incidents/%2f%2fevil.test/",
            "/incidents/../",
            "/embed/..//",
            "/components/../badge.svg/",
            "/history/2026-13/",
            "/api/v2/incidents/a.b/",
        ];
        for path in addresses.into_iter().chain(unknown).chain(hostile) {
            assert_eq!(canonical_path(path), None, "{path}");
        }
    }

    #[test]
    fn only_known_parameters_change_the_answer() {
        assert!(has_known_parameter("/history", "utm=1&q=dns"));
        assert!(has_known_parameter("/history/2026-11", "before=x"));
        assert!(has_known_parameter("/history.json", "p%61ge=2"));
        assert!(!has_known_parameter("/history", "utm=1"));
        assert!(!has_known_parameter("/", "q=dns"));
    }

    #[test]
    fn listed_paths_belong_to_their_address() {
        for address in &ADDRESSES {
            if let Some(listing) = address.listing {
                assert_eq!(pattern(&listing.path.replace("ID", "i1")), Some(address.pattern));
            }
        }
    }
}
