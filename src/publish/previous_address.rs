//! Addresses of the status pages that people move from. Each leads to the document here that has the same content.

use std::iter::zip;

use crate::domain::IncidentId;
use crate::domain::id::is_id;

/// The pattern of an address, and the address here. `{id}` is an id that the import kept; `{name}` is the name of a
/// file, from which the import derives the id; `{any}` may be anything. If a pattern occurs twice, the first address
/// that exists counts.
#[rustfmt::skip]
const PREVIOUS_ADDRESSES: [(&str, &str); 39] = [
    // Cachet
    ("/schedules/{id}", "/incidents/schedule-{id}"),
    ("/rss", "/history.rss"),
    ("/rss/{any}", "/history.rss"),
    ("/atom", "/history.atom"),
    ("/atom/{any}", "/history.atom"),
    ("/api/v1/status", "/api/v2/status.json"),
    ("/api/v1/components", "/api/v2/components.json"),
    ("/api/v1/incidents", "/api/v2/incidents.json"),
    ("/api/v1/incidents/{id}", "/api/v2/incidents/{id}.json"),
    ("/api/v1/schedules", "/api/v2/scheduled-maintenances.json"),
    ("/api/v1/schedules/{id}", "/api/v2/incidents/schedule-{id}.json"),
    ("/api/status", "/api/v2/status.json"),
    ("/api/components", "/api/v2/components.json"),
    ("/api/incidents", "/api/v2/incidents.json"),
    ("/api/incidents/{id}", "/api/v2/incidents/{id}.json"),
    ("/api/schedules", "/api/v2/scheduled-maintenances.json"),
    ("/api/schedules/{id}", "/api/v2/incidents/schedule-{id}.json"),
    // cState
    ("/issues", "/history"),
    ("/issues/{name}", "/incidents/{name}"),
    ("/index.json", "/api/v2/summary.json"),
    ("/index.xml", "/history.rss"),
    // incident.io; the ids of incidents are the same
    ("/maintenances/{id}", "/incidents/{id}"),
    ("/feed.rss", "/history.rss"),
    ("/feed.atom", "/history.atom"),
    ("/api/v1/summary", "/api/v2/summary.json"),
    // Instatus
    ("/incident/{id}", "/incidents/{id}"),
    ("/maintenance/{id}", "/incidents/{id}"),
    ("/summary.json", "/api/v2/summary.json"),
    ("/components.json", "/api/v2/components.json"),
    // OpenStatus
    ("/events/report/{id}", "/incidents/report-{id}"),
    ("/events/maintenance/{id}", "/incidents/maintenance-{id}"),
    ("/feed/rss", "/history.rss"),
    ("/feed/atom", "/history.atom"),
    ("/feed/json", "/feed.json"),
    // Upptime
    ("/incident/{id}", "/incidents/issue-{id}"),
    // Uptime Kuma
    ("/status", "/"),
    ("/status/{any}", "/"),
    ("/status/{any}/rss", "/history.rss"),
    ("/status-page", "/"),
];

/// An address here that may answer for a previous one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousTarget {
    /// Built from the table and a checked id.
    pub address: String,
    /// Exists only if visitors see this incident or maintenance.
    pub event: Option<IncidentId>,
}

/// The addresses that may answer for `path`, the best first.
pub fn previous_targets(path: &str) -> impl Iterator<Item = PreviousTarget> {
    let path = path.trim_end_matches('/');
    // Scanners ask for many paths; most differ in the first segment.
    let may_match = move |pattern: &str| first_segment(pattern) == first_segment(path);
    let rows = PREVIOUS_ADDRESSES.iter().filter(move |(pattern, _)| may_match(pattern));
    rows.filter_map(move |(pattern, address)| build_target(pattern, address, path))
}

fn first_segment(path: &str) -> Option<&str> {
    path.split('/').nth(1)
}

fn build_target(pattern: &str, address: &str, path: &str) -> Option<PreviousTarget> {
    if pattern.split('/').count() != path.split('/').count() {
        return None;
    }
    let mut id = None;
    for (wanted, given) in zip(pattern.split('/'), path.split('/')) {
        match wanted {
            "{any}" if is_id(given) => {}
            "{id}" if is_id(given) => id = Some(given.to_owned()),
            "{name}" if is_id(given) => id = Some(given.to_ascii_lowercase().replace('_', "-")),
            _ if wanted == given => {}
            _ => return None,
        }
    }
    let Some(id) = id else { return Some(PreviousTarget { address: address.to_owned(), event: None }) };
    let address = address.replace("{id}", &id).replace("{name}", &id);
    let event = IncidentId::parse(address.rsplit('/').next()?.trim_end_matches(".json"))?;
    Some(PreviousTarget { address, event: Some(event) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish::address::{PublicAddress, canonical_path};

    fn targets(path: &str) -> Vec<String> {
        previous_targets(path).map(|target| target.address).collect()
    }

    #[test]
    fn previous_addresses_lead_to_ours() {
        for (path, address) in [
            ("/issues/2026-11-21-Storage_move/", "/incidents/2026-11-21-storage-move"),
            ("/index.xml", "/history.rss"),
            ("/status/main", "/"),
            ("/schedules/7", "/incidents/schedule-7"),
            ("/api/v1/incidents/7", "/api/v2/incidents/7.json"),
            ("/events/report/7", "/incidents/report-7"),
        ] {
            assert_eq!(targets(path), [address], "{path}");
        }
        assert_eq!(targets("/incident/7"), ["/incidents/7", "/incidents/issue-7"]);
        let target = previous_targets("/api/v1/schedules/7").next().unwrap();
        assert_eq!(target.event, IncidentId::parse("schedule-7"));
        for path in ["/", "", "//issues/x", "/issues//x", "/issues/a%2fb", "/issues/..", "/status/a.b", "/rss/x/y"] {
            assert!(targets(path).is_empty(), "{path}");
        }
        assert!(targets(&format!("/issues/{}", "x".repeat(41))).is_empty());
    }

    #[test]
    fn targets_are_public_and_previous_addresses_are_not() {
        for (pattern, address) in PREVIOUS_ADDRESSES {
            let example = |text: &str| text.replace("{id}", "7").replace("{name}", "x").replace("{any}", "x");
            let (path, address) = (example(pattern), example(address));
            assert!(PublicAddress::find(&path).is_none(), "{path} is an address of ours");
            assert_eq!(canonical_path(&path), None, "{path}");
            let found = PublicAddress::find(&address).unwrap();
            assert_ne!(found.pattern, "/api/v2/{*path}", "{address}");
        }
    }
}
