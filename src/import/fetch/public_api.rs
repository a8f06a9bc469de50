//! Fetches a public page: its lists, the history for older incidents, each of those, and the feed.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::throttled_client::FetchStopped;
use super::{DownloadCache, FetchStep, ThrottledClient};
use crate::domain::id::is_id;
use crate::import::{Source, read};

/// Each list holds the newest fifty entries.
const LISTS: [&str; 4] =
    ["api/v2/summary.json", "api/v2/components.json", "api/v2/incidents.json", "api/v2/scheduled-maintenances.json"];
const FEED: &str = "history.atom";
/// Stop after this many history pages without a new incident; eight pages are two years.
const MAX_EMPTY_PAGES: usize = 8;
/// The maximum number of history pages; 200 pages are fifty years.
const MAX_PAGES: usize = 200;
const MAX_INCIDENTS: usize = 100_000;
/// Some servers truncate a history page at this number of incidents.
const TRUNCATED_AT: usize = 500;

#[derive(Deserialize)]
struct History {
    months: Vec<Month>,
}

#[derive(Deserialize)]
struct Month {
    #[serde(default)]
    incidents: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    code: String,
}

pub async fn fetch_all(polite: &mut ThrottledClient<'_>, keep: &DownloadCache) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut listed = Source::default();
    for list in LISTS {
        listed.extend(fetch_required(polite, keep, list).await?);
    }
    // Not every page has a feed.
    if !keep.has(FEED)
        && let Some(feed) = polite.get(FEED).await?
    {
        match read(&feed) {
            Ok(_) => keep.put(FEED, &feed)?,
            Err(error) => problems.push(format!("{FEED}: {error}")),
        }
    }
    let codes = fetch_history(polite, keep, &mut problems).await?;
    let whole: BTreeSet<&str> = listed.incidents.iter().chain(&listed.maintenances).map(|it| it.id.as_str()).collect();
    let older: Vec<&String> = codes.iter().filter(|code| !whole.contains(code.as_str())).collect();
    for (done, code) in older.iter().enumerate() {
        polite.report(FetchStep::Incidents(done, older.len()));
        problems.extend(fetch_incident(polite, keep, code).await?);
    }
    polite.report(FetchStep::Incidents(older.len(), older.len()));
    for planned in listed.maintenances.iter().filter(|it| it.status != "completed" && is_id(&it.id)) {
        problems.extend(fetch_automation(polite, keep, &planned.id).await?);
    }
    Ok(problems)
}

/// A required document; fails if it doesn't exist.
async fn fetch_required(polite: &mut ThrottledClient<'_>, keep: &DownloadCache, name: &str) -> anyhow::Result<Source> {
    if let Some(kept) = keep.document(name) {
        return read(&kept).with_context(|| keep.folder().join(name).display().to_string());
    }
    let Some(body) = polite.get(name).await? else {
        bail!("/{name} not found: this page can't be imported from its URL");
    };
    let source = read(&body).with_context(|| name.to_owned())?;
    keep.put(name, &body)?;
    Ok(source)
}

/// The ids of all incidents in the history, newest first.
async fn fetch_history(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    problems: &mut Vec<String>,
) -> anyhow::Result<Vec<String>> {
    let (mut codes, mut known) = (Vec::new(), BTreeSet::new());
    let mut quiet = 0;
    for page in 1..=MAX_PAGES {
        let name = if page == 1 { "history.json".to_owned() } else { format!("history-{page}.json") };
        let body = match keep.document(&name) {
            Some(kept) => kept.into(),
            None => match polite.get(&format!("history.json?page={page}")).await? {
                Some(body) => body,
                None if page == 1 => {
                    problems.push("/history.json not found: only the newest 50 incidents can be imported".into());
                    break;
                }
                None => break,
            },
        };
        let rows = parse_rows(&body).with_context(|| format!("history.json?page={page}"))?;
        keep.put(&name, &body)?;
        if rows.len() >= TRUNCATED_AT {
            problems.push(format!("history.json?page={page} lists {} incidents; there may be more", rows.len()));
        }
        let before = codes.len();
        for row in rows {
            if !is_id(&row.code) {
                problems.push(format!("incident “{}” of the history: its id can't be kept", row.code));
            } else if known.insert(row.code.clone()) {
                codes.push(row.code);
            }
        }
        quiet = if codes.len() == before { quiet + 1 } else { 0 };
        if quiet == MAX_EMPTY_PAGES {
            break;
        }
        if codes.len() >= MAX_INCIDENTS {
            problems.push(format!("the history has more than {MAX_INCIDENTS} incidents; the rest is skipped"));
            break;
        }
    }
    Ok(codes)
}

fn parse_rows(body: &[u8]) -> Result<Vec<Row>, serde_json::Error> {
    let history: History = serde_json::from_slice(body)?;
    Ok(history.months.into_iter().flat_map(|month| month.incidents).collect())
}

/// Fetches an incident from either path; returns a message if neither has it.
async fn fetch_incident(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    code: &str,
) -> anyhow::Result<Option<String>> {
    let places = [format!("api/v2/incidents/{code}.json"), format!("incidents/{code}.json")];
    if places.iter().any(|place| keep.has(place)) {
        return Ok(None);
    }
    let mut problem = "it is listed in the history, but has no page".to_owned();
    for place in &places {
        let body = match polite.get(place).await {
            Ok(Some(body)) => body,
            Ok(None) => continue,
            Err(error) if error.is::<FetchStopped>() => return Err(error),
            Err(error) => {
                problem = format!("{error:#}");
                continue;
            }
        };
        match read(&body) {
            Ok(source) if source.incidents.iter().chain(&source.maintenances).any(|it| it.id == code) => {
                keep.put(place, &body)?;
                return Ok(None);
            }
            Ok(_) => problem = "the file of that name describes something else".to_owned(),
            Err(error) => problem = error.to_string(),
        }
    }
    Ok(Some(format!("incident {code}: {problem}")))
}

/// Automatic start and completion of an upcoming maintenance are only in its own document, if there is one.
async fn fetch_automation(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    id: &str,
) -> anyhow::Result<Option<String>> {
    let place = format!("incidents/{id}.json");
    if keep.has(&place) {
        return Ok(None);
    }
    let body = match polite.get(&place).await {
        Err(error) if error.is::<FetchStopped>() => return Err(error),
        Err(error) => return Ok(Some(format!("automation settings of maintenance {id}: {error:#}"))),
        Ok(body) => body,
    };
    let is_maintenance = |body: &[u8]| read(body).is_ok_and(|it| it.maintenances.iter().any(|it| it.id == id));
    if let Some(body) = body.filter(|body| is_maintenance(body)) {
        keep.put(&place, &body)?;
    }
    Ok(None)
}
