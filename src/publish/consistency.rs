//! A property test: the documents of one Site never contradict each other, whatever the history.

mod history_model;

use std::sync::Arc;

use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::Value;

use self::history_model::{build_snapshot, component_model, incident_model, maintenance_model, now};
use super::render_site::{empty_site, render_site};
use super::uptime::UptimeSource;
use super::{Encoding, Site, Snapshot, uptime};
use crate::domain::history::{Month, start_of_day};
use crate::domain::page_status::{PageStatus, Tone};
use crate::domain::uptime::UptimeView;
use crate::domain::{Component, ComponentId, Impact, Status};
use crate::format::duration::{spell_duration, spell_total};
use crate::format::time::{self, today};
use crate::ui::pages::public::DAYS;
use crate::ui::pages::public::uptime::render_uptime_page;
use crate::ui::public_layout::PublicContext;

const ORIGIN: &str = "https://status.test";
const CASES: u32 = 24;
const ZONES: [Tz; 4] = [Tz::UTC, Tz::Europe__Lisbon, Tz::America__New_York, Tz::Asia__Kolkata];

/// The documents of a Site as text.
struct Rendered {
    snapshot: Snapshot,
    site: Site,
    zone: Tz,
}

impl Rendered {
    fn text(&self, path: &str) -> String {
        let document: &Arc<_> = self.site.document(path).unwrap_or_else(|| panic!("{path} is missing"));
        String::from_utf8(document.bytes(Encoding::Plain).to_vec()).unwrap()
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path)).unwrap()
    }

    /// The uptime page with the current month of a component.
    fn uptime_page(&self, component: &ComponentId) -> String {
        let Snapshot { groups, components, status_intervals, corrections, titles, page, .. } = &self.snapshot;
        let source = UptimeSource { groups, components, effects: status_intervals, corrections, titles };
        let month = Month::from_time(now(), self.zone);
        let view = UptimeView { until: None, detail: Some((component.clone(), month)) };
        let shell = PublicContext {
            page: page.clone(),
            base_url: ORIGIN.into(),
            path: "/uptime".into(),
            tone: Tone::Operational,
            is_empty: false,
            picture: None,
            now: now(),
        };
        render_uptime_page(uptime::uptime_page(source, &view, shell))
    }
}

/// The text between the first `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before} is not in {text}"));
    rest.split_once(after).map_or(rest, |(found, _)| found)
}

/// What follows each `before`, up to the next one.
fn parts<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    text.split(before).skip(1).collect()
}

/// The row of a component on the status page.
fn component_row<'a>(html: &'a str, id: &ComponentId) -> &'a str {
    let end = format!("id=\"component-{id}\"");
    let before = html.split_once(&end).unwrap_or_else(|| panic!("{id} is not in {html}")).0;
    let start = before.rfind("<li ").unwrap();
    let (open, rest) = html[start..].split_at(end.len() + 4);
    let length = ["<li id=\"component-", "</section>"].into_iter().filter_map(|next| rest.find(next)).min();
    &html[start..start + open.len() + length.unwrap_or(rest.len())]
}

/// How many days the path with this class draws in the bars of a row, each with a `stroke`.
fn drawn_days(row: &str, class: &str, stroke: &str) -> usize {
    let Some((before, _)) = row.split_once(&format!(" class=\"{class}\"></path>")) else { return 0 };
    let path = &before[before.rfind("<path").unwrap()..];
    between(path, "d=\"", "\"").matches(stroke).count()
}

fn ids(entries: &Value) -> Vec<String> {
    let mut ids: Vec<String> =
        entries.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// Banner, rows, badge, embed and JSON show the same state.
fn check_status(site: &Rendered) {
    let (html, open) = (site.text("/"), &site.snapshot.open);
    let mut worst = open.iter().map(|it| Tone::from(it.present_impact())).max().unwrap_or_default();
    let mut statuses = Vec::new();
    for row in site.json("/api/v2/components.json")["components"].as_array().unwrap() {
        let status = Status::from_key(row["status"].as_str().unwrap()).unwrap();
        let id = ComponentId::parse(row["id"].as_str().unwrap()).unwrap();
        let line = component_row(&html, &id);
        assert!(line.contains(&format!("class=\"row status-{}\"", status.key())), "{line}");
        let state = between(line, "<span class=\"state ", "</span>");
        let words = format!("</svg>{}", status.words());
        assert!(state.starts_with(&format!("status-{}\"", status.key())) && state.ends_with(&words), "{line}");
        assert_eq!(line.contains("<span class=\"why\"><time "), status != Status::Operational, "{line}");
        let badge = site.text(&format!("/components/{id}/badge.svg"));
        assert!(badge.contains(&format!(": {}</title>", status.words())), "{badge}");
        worst = worst.max(status.into());
        statuses.push(status);
    }
    let headline = between(&html, "<h1 dir=\"auto\">", "</h1>").split("<span").next().unwrap();
    assert!(html.contains(&format!("<body class=\"tone-{}\">", worst.key())), "{worst:?}");
    check_headline(headline, site, worst);
    let badge = site.text("/badge.svg");
    assert!(badge.contains(&format!(": {}</title>", worst.words())), "{badge}");
    for path in ["/embed", "/embed/frame"] {
        let embed = site.text(path);
        assert!(embed.contains(&format!("class=\"embed tone-{}\"", worst.key())), "{embed}");
        assert!(embed.contains(headline), "{embed}");
    }
    assert!(open.is_empty() || worst > Tone::Operational);
    assert!(open.iter().all(|it| it.present_impact() <= Impact::Maintenance) || worst >= Tone::Degraded);
    assert_eq!(html.contains("All systems operational"), worst == Tone::Operational, "{html}");
    let operational = statuses.iter().filter(|status| **status == Status::Operational).count();
    let others = match operational {
        1 => "The other component is operational.".to_owned(),
        number => format!("The other {number} components are operational."),
    };
    let has_both = (1..statuses.len()).contains(&operational);
    assert_eq!(html.contains(&others), has_both, "{others} in {html}");
    assert_eq!(html.matches("The other ").count() > 0, has_both, "{html}");
    let counted = PageStatus::from_components(&statuses);
    let status = &site.json("/api/v2/status.json")["status"];
    assert_eq!(
        (status["indicator"].as_str(), status["description"].as_str()),
        (Some(counted.indicator.key()), Some(counted.description))
    );
}

/// The headline names every component that is not operational with its status, or the worst incident.
fn check_headline(headline: &str, site: &Rendered, worst: Tone) {
    let components = site.json("/api/v2/components.json");
    let affected: Vec<(&str, Status)> = components["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), Status::from_key(row["status"].as_str().unwrap()).unwrap()))
        .filter(|(_, status)| *status != Status::Operational)
        .collect();
    if worst == Tone::Operational {
        assert_eq!(headline, "All systems operational");
    } else if affected.iter().any(|(_, status)| Tone::from(*status) == worst) {
        assert!(affected.len() <= 3, "every model has three components");
        for (name, status) in affected {
            let part = headline.split("; ").find(|part| part.contains(name));
            let part = part.unwrap_or_else(|| panic!("{name} is not in {headline}"));
            assert!(part.ends_with(&format!(": {}", status.words().to_lowercase())), "{headline}");
        }
    } else {
        let named = site.snapshot.open.iter().filter(|it| Tone::from(it.present_impact()) == worst);
        assert!(named.clone().count() > 0 && named.take(1).all(|it| headline.contains(&it.title)), "{headline}");
    }
}

/// The lists of open incidents are equal, and each is said to be as long open as it is.
fn check_open_incidents(site: &Rendered) {
    let html = site.text("/");
    let mut open: Vec<String> = site.snapshot.open.iter().map(|it| it.id.to_string()).collect();
    open.sort();
    assert_eq!(ids(&site.json("/api/v2/incidents/unresolved.json")["incidents"]), open);
    assert_eq!(ids(&site.json("/api/v2/summary.json")["incidents"]), open);
    let cards = parts(&html, "<article id=\"incident-").into_iter();
    let mut shown: Vec<String> = cards.map(|card| card.split('"').next().unwrap().to_owned()).collect();
    shown.sort();
    assert_eq!(shown, open);
    for it in &site.snapshot.open {
        let page = site.text(&format!("/incidents/{}", it.id));
        let banner = format!("<div class=\"banner tint impact-{}\">", it.present_impact().key());
        let phase = format!("<p class=\"phase\">{}</p>", it.phase.words());
        assert!(page.contains(&banner) && page.contains(&phase), "{banner} and {phase} in {page}");
        let age = spell_duration(now() - it.started_at).map(|words| format!("{words} so far"));
        assert_eq!(shown_duration(&page), age, "{page}");
        assert!(!page.contains("<dt>Resolved</dt>") && page.contains("Get updates on this incident"), "{page}");
    }
}

/// The duration among the facts of an incident's page.
fn shown_duration(page: &str) -> Option<String> {
    page.contains("<dt>Duration</dt>").then(|| between(page, "<dt>Duration</dt><dd dir=\"auto\">", "</dd>").to_owned())
}

/// Resolved incidents are resolved everywhere, and last from their start to their end.
fn check_resolved_incidents(site: &Rendered) {
    for it in site.snapshot.listed.iter().filter(|it| !it.is_open()) {
        let (page, row) =
            (site.text(&format!("/incidents/{}", it.id)), site.json(&format!("/incidents/{}.json", it.id)));
        let time = |key: &str| row[key].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        assert_eq!(shown_duration(&page), spell_duration(time("resolved_at") - time("started_at")));
        let banner = "<div class=\"banner tint resolved\">";
        assert!(page.contains(banner) && page.contains("<p class=\"phase\">Resolved</p>"), "{page}");
        assert!(!page.contains("so far") && !page.contains("Get updates on this incident"), "{page}");
        assert!(page.contains(&time::format_full(time("resolved_at"), site.zone)), "{page}");
        let near = today(it.started_at, site.zone) == today(now(), site.zone);
        let clock = format!(">{}<", time::format_clock_with_zone(it.updates[0].posted_at, site.zone));
        assert!(near || !page.contains(&clock), "a time without its date in {page}");
        assert!(!page.contains("</bdi>: operational"), "{page}");
    }
    let history = site.text("/history");
    let totals = &site.snapshot.totals;
    let seconds: i64 =
        site.snapshot.listed.iter().map(|it| (it.ended_at.unwrap_or_else(now) - it.started_at).num_seconds()).sum();
    let total = format!("{} in total", spell_total(seconds));
    assert_eq!(history.contains(&total), seconds > 0, "{total} in {history}");
    assert_eq!(history.contains(&format!("{} ongoing", totals.open)), totals.open > 0, "{history}");
}

/// Percentages, bars, seconds and days without data agree, on the page, on the uptime page and in JSON.
fn check_uptime(site: &Rendered) {
    let html = site.text("/");
    let showcase = site.json("/uptime_showcase");
    for it in &site.snapshot.components {
        let (id, start) = (it.id.as_str(), it.history_start(site.zone));
        let row = component_row(&html, &it.id);
        let percent = between(row, "<span class=\"percent\">", "<span");
        let days = showcase["timelines"][id]["days"].as_array().unwrap();
        let seconds = |day: &Value, key: &str| day["outages"][key].as_i64().unwrap_or(0);
        let down: i64 = days.iter().map(|day| seconds(day, "p") + seconds(day, "m")).sum();
        let value = showcase["values"].as_array().unwrap().iter().find(|value| value["component"] == id).unwrap();
        let words = match value["ninety"].as_f64() {
            None => "no data".to_owned(),
            Some(all) if all >= 100.0 => "100%".to_owned(),
            Some(part) => format!("{part:.2}%"),
        };
        assert!(percent == words || percent.starts_with(&format!("{words} since ")), "{percent}: {words}");
        assert_eq!(value["ninety"].is_null(), start >= now(), "{id}");
        assert_eq!(words == "100%", down == 0 && start < now(), "{down} s in {row}");
        let with = |key| days.iter().filter(|day| seconds(day, key) > 0).count();
        let red = drawn_days(row, "major_outage", "M");
        let orange = drawn_days(row, "partial_outage", "M");
        let only_partial = days.iter().filter(|day| seconds(day, "p") > 0 && seconds(day, "m") == 0).count();
        assert_eq!((red, orange), (with("m"), only_partial), "{row}");
        let uptime_page = site.uptime_page(&it.id);
        let section = between(&uptime_page, "<section aria-labelledby=\"detail\">", "</section>");
        let last_days = between(between(section, "<p class=\"last soft\">", "</p>"), "<b>", "</b>");
        assert_eq!(last_days, words, "{section}");
        check_days_without_data(site, it, start, row, &showcase);
        let row = between(&uptime_page, &format!("<tr id=\"component-{id}\""), "<td class=\"total\">");
        let cells = row.split_once("</th>").unwrap().1;
        let known = cells.matches("<td").count() - cells.matches("class=\"none\">").count();
        assert_eq!(known > 0, start < now(), "{cells}");
    }
}

fn check_days_without_data(site: &Rendered, it: &Component, start: DateTime<Utc>, row: &str, showcase: &Value) {
    let last = today(now(), site.zone);
    let day_end = |back: u64| start_of_day(last - Days::new(back) + Days::new(1), site.zone).min(now());
    let unknown = (0..DAYS).filter(|back| day_end(*back) <= start).count();
    assert_eq!(drawn_days(row, "none", "h0"), unknown, "{row}");
    let svg = showcase["components"][it.id.as_str()].as_str().unwrap();
    assert_eq!(svg.matches("#b3bac5").count(), unknown, "{svg}");
    let events = showcase["timelines"][it.id.as_str()]["days"].as_array().unwrap();
    assert!(events[..unknown].iter().all(|day| day["related_events"] == serde_json::json!([])), "{events:?}");
    assert_eq!(showcase["timelines"][it.id.as_str()]["component"]["startDate"], today(start, site.zone).to_string());
}

/// Maintenances have one time everywhere: the actual one once begun.
fn check_maintenances(site: &Rendered) {
    let (rss, history) = (site.text("/history.rss"), site.text("/history"));
    let calendar = site.text("/maintenance.ics").replace("\r\n ", "");
    for it in &site.snapshot.listed_maintenances {
        let (from, to) = it.window();
        let item = parts(&rss, "<item>").into_iter().find(|item| item.contains(&format!("<title>{}<", it.title)));
        let date = between(item.unwrap_or_else(|| panic!("{} is not in {rss}", it.id)), "<pubDate>", "</pubDate>");
        assert_eq!(DateTime::parse_from_rfc2822(date).unwrap(), from, "{rss}");
        let event =
            parts(&calendar, "BEGIN:VEVENT").into_iter().find(|event| event.contains(&format!("UID:{}@", it.id)));
        let event = event.unwrap_or_else(|| panic!("{} is not in {calendar}", it.id));
        let stamp = |at: DateTime<Utc>| at.format("%Y%m%dT%H%M%SZ").to_string();
        assert!(event.contains(&format!("DTSTART:{}", stamp(from))), "{event}");
        assert!(event.contains(&format!("DTEND:{}", stamp(to))), "{event}");
        let row = between(&history, &format!("<li id=\"maintenance-{}\"", it.id), "</li>");
        let day = between(row, " datetime=\"", "\"");
        assert_eq!(day, today(from, site.zone).to_string(), "{history}");
    }
}

/// A day either lists something or says that there is nothing.
fn check_past_days(site: &Rendered) {
    let html = site.text("/");
    for day in parts(&html, "<div class=\"day\">") {
        let day = day.split("</section>").next().unwrap();
        assert_eq!(day.contains(">No incidents<"), !day.contains("class=\"past "), "{day}");
    }
    let history = site.text("/history");
    let is_empty = site.snapshot.listed.is_empty() && site.snapshot.listed_maintenances.is_empty();
    assert_eq!(history.contains("No incidents reported."), is_empty, "{history}");
}

/// Feeds list the same entries as the JSON documents.
fn check_feeds(site: &Rendered) {
    let json = site.json("/feed.json");
    let mut listed: Vec<String> = ids(&site.json("/api/v2/incidents.json")["incidents"]);
    listed.extend(ids(&site.json("/api/v2/scheduled-maintenances.json")["scheduled_maintenances"]));
    listed.sort();
    let items = json["items"].as_array().unwrap().iter();
    let mut shown: Vec<&str> = items.map(|item| item["url"].as_str().unwrap().rsplit('/').next().unwrap()).collect();
    shown.sort_unstable();
    assert_eq!(shown, listed);
    for (path, entry) in [("/history.atom", "<entry>"), ("/history.rss", "<item>")] {
        assert_eq!(site.text(path).matches(entry).count(), listed.len(), "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 64, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn documents_of_a_site_never_contradict_each_other(
        zone in 0..ZONES.len(),
        components in proptest::collection::vec(component_model(), 3),
        incidents in proptest::collection::vec(incident_model(), 0..5),
        maintenances in proptest::collection::vec(maintenance_model(), 0..3),
    ) {
        let zone = ZONES[zone];
        let snapshot = build_snapshot(zone, &components, &incidents, &maintenances);
        let site = render_site(&snapshot, &empty_site(now(), ORIGIN), ORIGIN, now());
        let rendered = Rendered { snapshot, site, zone };
        check_status(&rendered);
        check_open_incidents(&rendered);
        check_resolved_incidents(&rendered);
        check_uptime(&rendered);
        check_maintenances(&rendered);
        check_past_days(&rendered);
        check_feeds(&rendered);
    }
}
