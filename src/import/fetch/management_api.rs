//! Fetches from the management API, which includes data that visitors don't see.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::{DownloadCache, FetchStep, ThrottledClient};
use crate::domain::id::is_id;

/// Items per request.
const PER_PAGE: usize = 100;
/// The maximum number of requests per list.
const MAX_PAGES: usize = 1000;

pub async fn fetch_all(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    id: Option<&str>,
) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let id = fetch_page(polite, keep, id).await?;
    for (kind, path, size) in [
        ("component_groups", "component-groups", "per_page"),
        ("components", "components", "per_page"),
        ("incidents", "incidents", "limit"),
        ("incident_templates", "incident_templates", "per_page"),
    ] {
        if let Some(problem) = fetch_list(polite, keep, kind, &format!("v1/pages/{id}/{path}"), size).await? {
            problems.push(problem);
        }
    }
    fetch_subscribers(polite, keep, &id).await?;
    Ok(problems)
}

/// Stores the page and returns its id.
async fn fetch_page(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    wanted: Option<&str>,
) -> anyhow::Result<String> {
    let name = "v1/page.json";
    let page = match keep.document(name) {
        Some(kept) => serde_json::from_slice::<Value>(&kept)?["page"].clone(),
        None => {
            let pages =
                fetch_json(polite, "v1/pages").await?.context("/v1/pages not found: this is not a management API")?;
            let pages = pages.as_array().cloned().unwrap_or_default();
            let ids: Vec<&str> = pages.iter().filter_map(|page| page["id"].as_str()).collect();
            let chosen = match wanted {
                Some(wanted) => pages.iter().find(|page| page["id"] == wanted),
                None if pages.len() == 1 => pages.first(),
                None => bail!("choose a page with --page: {}", ids.join(", ")),
            };
            chosen.cloned().with_context(|| format!("unknown page; available: {}", ids.join(", ")))?
        }
    };
    let id = page["id"].as_str().filter(|id| is_id(id)).context("the page has no id")?.to_owned();
    keep.put(name, json!({ "page": page }).to_string().as_bytes())?;
    Ok(id)
}

/// Stores every page of a list; returns a message if the list doesn't exist.
async fn fetch_list(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    kind: &str,
    path: &str,
    size: &str,
) -> anyhow::Result<Option<String>> {
    let mut known = BTreeSet::new();
    for number in 1..=MAX_PAGES {
        let name = format!("v1/{kind}-{number}.json");
        let items = match keep.document(&name) {
            Some(kept) => serde_json::from_slice::<Value>(&kept)?[kind].clone(),
            None => match fetch_json(polite, &format!("{path}?{size}={PER_PAGE}&page={number}")).await? {
                Some(items) => items,
                None => return Ok(Some(format!("there is no /{path}"))),
            },
        };
        let rows = items.as_array().with_context(|| format!("/{path}: it is no list"))?;
        let before = known.len();
        known.extend(rows.iter().filter_map(|row| row["id"].as_str()).map(str::to_owned));
        // A server without pagination returns the same items for every page.
        if known.len() == before {
            break;
        }
        keep.put(&name, json!({ kind: items }).to_string().as_bytes())?;
        if kind == "incidents" {
            polite.report(FetchStep::Incidents(known.len(), known.len()));
        }
        if rows.len() < PER_PAGE {
            break;
        }
    }
    Ok(None)
}

/// The states in which Statuspage lists subscribers.
pub const SUBSCRIBER_STATES: [&str; 3] = ["active", "unconfirmed", "quarantined"];

/// The name of a stored page of subscribers; pages count from 0.
pub fn subscriber_document(state: &str, number: usize) -> String {
    format!("v1/subscribers-{state}-{number}.json")
}

/// Stores every page of subscribers of each state.
async fn fetch_subscribers(polite: &mut ThrottledClient<'_>, keep: &DownloadCache, id: &str) -> anyhow::Result<()> {
    for state in SUBSCRIBER_STATES {
        let mut known = BTreeSet::new();
        for number in 0..MAX_PAGES {
            let name = subscriber_document(state, number);
            let path = format!("v1/pages/{id}/subscribers?state={state}&limit={PER_PAGE}&page={number}");
            let items = match keep.document(&name) {
                Some(kept) => serde_json::from_slice::<Value>(&kept)?["subscribers"].clone(),
                None => fetch_json(polite, &path).await?.unwrap_or_default(),
            };
            let rows = items.as_array().cloned().unwrap_or_default();
            let before = known.len();
            known.extend(rows.iter().filter_map(|row| row["id"].as_str()).map(str::to_owned));
            // A server without pagination returns the same items for every page.
            if known.len() == before {
                break;
            }
            keep.put(&name, json!({ "subscribers": items }).to_string().as_bytes())?;
            if rows.len() < PER_PAGE {
                break;
            }
        }
    }
    Ok(())
}

async fn fetch_json(polite: &mut ThrottledClient<'_>, path: &str) -> anyhow::Result<Option<Value>> {
    let Some(body) = polite.get(path).await? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&body).with_context(|| format!("/{path}"))?))
}
