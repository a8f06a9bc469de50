//! Fetches the pages of Instatus, OpenStatus, incident.io and Upptime.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use url::Url;

use super::super::feed::has_feed;
use super::{DownloadCache, FetchStep, ThrottledClient};
use crate::domain::id::is_id;

/// Items per request.
const PER_PAGE: usize = 100;
/// The maximum number of requests per list.
const MAX_PAGES: usize = 1000;

/// The only public document of a status page of OpenStatus that has its history.
pub async fn fetch_openstatus(polite: &mut ThrottledClient<'_>, keep: &DownloadCache) -> anyhow::Result<Vec<String>> {
    ensure!(fetch_document(polite, keep, "feed/json", "feed.json").await?, "/feed/json not found");
    Ok(fetch_feed(polite, keep, "feed/atom").await?.into_iter().collect())
}

/// The documents that a status page of incident.io at `host` loads, or else its copy of Statuspage's API.
pub async fn fetch_incident_io(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    host: &str,
) -> anyhow::Result<Vec<String>> {
    if fetch_document(polite, keep, &format!("proxy/{host}"), "proxy.json").await? {
        let incidents = format!("proxy/{host}/incidents");
        let is_found = fetch_document(polite, keep, &incidents, "proxy-incidents.json").await?;
        let missing = (!is_found).then(|| format!("/{incidents} not found: only what goes on can be imported"));
        return Ok(missing.into_iter().chain(fetch_feed(polite, keep, "feed.atom").await?).collect());
    }
    let mut problems = Vec::new();
    let lists = ["summary.json", "components.json", "incidents.json", "scheduled-maintenances.json"];
    for list in lists {
        let path = format!("api/v2/{list}");
        if !fetch_document(polite, keep, &path, &path).await? {
            problems.push(format!("/{path} not found"));
        }
    }
    ensure!(problems.len() < lists.len(), "neither /proxy/{host} nor /api/v2/summary.json was found");
    problems.extend(fetch_feed(polite, keep, "feed.atom").await?);
    Ok(problems)
}

/// The public documents of a status page of Instatus, which have no past incidents.
pub async fn fetch_instatus(polite: &mut ThrottledClient<'_>, keep: &DownloadCache) -> anyhow::Result<Vec<String>> {
    let mut problems = vec!["past incidents are not public: use --token-file and https://api.instatus.com".to_owned()];
    ensure!(fetch_document(polite, keep, "summary.json", "summary.json").await?, "/summary.json not found");
    if !fetch_document(polite, keep, "components.json", "components.json").await? {
        problems.push("/components.json not found".into());
    }
    problems.extend(fetch_feed(polite, keep, "history.atom").await?);
    Ok(problems)
}

/// Everything that Instatus' API has of the page `id`, or of the only page of the token.
pub async fn fetch_instatus_managed(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    id: Option<&str>,
) -> anyhow::Result<Vec<String>> {
    let pages = fetch_all_pages(polite, "v2/pages").await?.context("/v2/pages not found")?;
    let ids: Vec<&str> = pages.iter().filter_map(|page| page["id"].as_str()).filter(|id| is_id(id)).collect();
    let chosen = match id {
        Some(wanted) => ids.iter().find(|id| **id == wanted),
        None if ids.len() == 1 => ids.first(),
        None => bail!("choose a page with --page: {}", ids.join(", ")),
    };
    let id = chosen.with_context(|| format!("unknown page; available: {}", ids.join(", ")))?;
    let page: Vec<&Value> = pages.iter().filter(|page| page["id"] == **id).collect();
    keep.put("page.json", json!(page).to_string().as_bytes())?;
    let mut problems = Vec::new();
    for (path, name) in [
        (format!("v2/{id}/components"), "components.json"),
        (format!("v1/{id}/incidents"), "incidents.json"),
        (format!("v2/{id}/maintenances"), "maintenances.json"),
    ] {
        if keep.has(name) {
            continue;
        }
        match fetch_all_pages(polite, &path).await? {
            Some(rows) => keep.put(name, Value::from(rows).to_string().as_bytes())?,
            None => problems.push(format!("/{path} not found")),
        }
    }
    Ok(problems)
}

/// The API address of a GitHub repository, from its own or its API's address.
pub fn github_api(url: &Url) -> anyhow::Result<Url> {
    if url.host_str() != Some("github.com") {
        return Ok(url.clone());
    }
    let parts: Vec<&str> = url.path().trim_matches('/').split('/').collect();
    let [owner, name] = parts.as_slice() else { bail!("{url}: use the address of a repository") };
    Ok(format!("https://api.github.com/repos/{owner}/{}", name.trim_end_matches(".git")).parse()?)
}

/// The sites and issues of an Upptime repository, from GitHub's API.
pub async fn fetch_upptime(polite: &mut ThrottledClient<'_>, keep: &DownloadCache) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    if !fetch_document(polite, keep, "contents/history/summary.json", "summary.json").await? {
        problems.push("/contents/history/summary.json not found: components are created from issues".to_owned());
    }
    if keep.has("issues.json") {
        return Ok(problems);
    }
    let mut issues = BTreeMap::new();
    for label in ["status", "maintenance"] {
        let rows = fetch_all_pages(polite, &format!("issues?state=all&labels={label}")).await?;
        let rows = rows.context("/issues not found: this is not a repository of GitHub")?;
        issues.extend(rows.into_iter().filter_map(|row| Some((row["url"].as_str()?.to_owned(), row))));
    }
    let comments = fetch_all_pages(polite, "issues/comments").await?.unwrap_or_default();
    for comment in comments {
        let Some(issue) = comment["issue_url"].as_str().and_then(|url| issues.get_mut(url)) else { continue };
        // GitHub writes the number of comments here.
        if !issue["comments"].is_array() {
            issue["comments"] = json!([]);
        }
        if let Some(list) = issue["comments"].as_array_mut() {
            list.push(comment);
        }
    }
    polite.report(FetchStep::Incidents(issues.len(), issues.len()));
    keep.put("issues.json", Value::from(issues.into_values().collect::<Vec<_>>()).to_string().as_bytes())?;
    Ok(problems)
}

/// Caches the document at `path` under `name`; returns whether there is one.
async fn fetch_document(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    path: &str,
    name: &str,
) -> anyhow::Result<bool> {
    if keep.has(name) {
        return Ok(true);
    }
    let Some(body) = polite.get(path).await? else { return Ok(false) };
    serde_json::from_slice::<Value>(&body).with_context(|| format!("/{path} is not JSON"))?;
    keep.put(name, &body)?;
    Ok(true)
}

/// Caches the feed at `path`; returns a message if there is none.
async fn fetch_feed(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    path: &str,
) -> anyhow::Result<Option<String>> {
    const FILE: &str = "feed.atom";
    if keep.has(FILE) {
        return Ok(None);
    }
    match polite.get(path).await?.filter(|body| has_feed(body)) {
        Some(body) => keep.put(FILE, &body).map(|()| None),
        None => Ok(Some(format!("/{path} not found: feed readers will show the imported incidents as new"))),
    }
}

/// All pages of a list; `None` if it doesn't exist.
async fn fetch_all_pages(polite: &mut ThrottledClient<'_>, path: &str) -> anyhow::Result<Option<Vec<Value>>> {
    let mut all = Vec::new();
    for number in 1..=MAX_PAGES {
        let joint = if path.contains('?') { '&' } else { '?' };
        let Some(body) = polite.get(&format!("{path}{joint}per_page={PER_PAGE}&page={number}")).await? else {
            return Ok(None);
        };
        let rows: Vec<Value> = serde_json::from_slice(&body).with_context(|| format!("/{path}: it is no list"))?;
        let count = rows.len();
        all.extend(rows);
        if count < PER_PAGE {
            break;
        }
    }
    Ok(Some(all))
}
