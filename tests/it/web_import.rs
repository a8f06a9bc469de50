//! A recorded history: imported and compared with an aggregator's page.

use std::path::Path;

use axum::http::StatusCode;
use candor::import::{ImportOptions, import, read};
use chrono::NaiveDateTime;

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures};

#[derive(Debug, Default, PartialEq)]
struct AggregatedIncident {
    severity: String,
    title: String,
    detected_by: String,
    started: String,
    resolved: String,
    duration: String,
    affected: String,
    /// Phase, time and text, oldest first.
    updates: Vec<(String, String, String)>,
}

fn aggregated_incidents(text: &str) -> Vec<AggregatedIncident> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let severities = ["Notice ", "Minor ", "Major ", "Critical "];
    let mut all: Vec<AggregatedIncident> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let next = |step: usize| lines.get(index + step).copied().unwrap_or_default();
        if severities.iter().any(|word| line.starts_with(word)) && next(2).starts_with("Detected by") {
            let severity = line.split(' ').next().unwrap().to_owned();
            all.push(AggregatedIncident { severity, title: next(1).to_owned(), ..AggregatedIncident::default() });
        }
        let Some(it) = all.last_mut() else { continue };
        if let Some(who) = line.strip_prefix("Detected by ") {
            (it.detected_by, it.started) = (who.to_owned(), convert_time(next(1)));
        } else if *line == "Resolved" {
            it.resolved = convert_time(next(1));
        } else if *line == "Duration" && next(1).starts_with(|c: char| c.is_ascii_digit()) {
            it.duration = next(1).to_owned();
        } else if let Some(names) = line.strip_prefix("Affected: ") {
            it.affected = names.to_owned();
        } else if let Some((_, phase, at)) = parse_numbered(line) {
            it.updates.push((phase, convert_time(&at), next(1).to_owned()));
        }
    }
    all
}

/// Parses `1. identified Oct 07, 2024, 08:00 PM UTC`.
fn parse_numbered(line: &str) -> Option<(u32, String, String)> {
    let (number, rest) = line.split_once(". ")?;
    let (phase, at) = rest.split_once(' ')?;
    Some((number.parse().ok()?, phase.to_owned(), at.to_owned()))
}

/// Converts `Oct 07, 2024, 08:00 PM UTC` to the format of our pages.
fn convert_time(text: &str) -> String {
    let at = NaiveDateTime::parse_from_str(text, "%b %d, %Y, %I:%M %p UTC").unwrap_or_else(|_| panic!("{text}"));
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

async fn imported_app(test: TestDb, folder: &Path) -> TestApp {
    let app = TestApp::new(test).await;
    let document = |name: &str| read(&std::fs::read(folder.join(name)).unwrap()).unwrap();
    let sources = [document("mailprotector-components.json"), document("mailprotector-incidents.json")];
    let options = ImportOptions { detected_by: Some("Pingoru".into()) };
    import(&app.db, &sources, &options, app.clock.now(), || {}).await.unwrap();
    app.publish().await;
    app
}

#[apply(on_both_databases!)]
async fn history_matches_the_aggregator(test: TestDb) {
    let Some(folder) = fixtures() else { return };
    let expected = aggregated_incidents(&std::fs::read_to_string(folder.join("000_9ed4461f84d2863b.txt")).unwrap());
    assert_eq!(expected.len(), 8, "the aggregator's page is read");
    let durations: Vec<&str> = expected.iter().map(|it| it.duration.as_str()).collect();
    assert_eq!(durations, ["12m", "32m", "", "4h 50m", "3h 57m", "3h 53m", "", ""]);
    let app = imported_app(test, &folder).await;
    let history = app.visitor().get("/history").await;
    let lede = history.word(".lede");
    assert!(
        lede.starts_with("8 incidents since 10 Jul 2024 · ") && lede.ends_with(" · 13 h 27 min in total."),
        "{lede}"
    );
    assert_eq!(history.words(".entries h3"), expected.iter().map(|it| it.title.clone()).collect::<Vec<_>>());
    assert_eq!(history.words(".entries .pill"), [""; 0], "all are resolved");
    let months = ["October 2024", "September 2024", "August 2024", "July 2024"];
    assert_eq!(history.words("h2 a"), months);
    let cards = history.words(".entries li");
    let addresses = history.attributes(".entries h3 a", "href");
    for ((expected, card), address) in expected.iter().zip(cards).zip(addresses) {
        let severity = match expected.severity.as_str() {
            "Critical" => "major outage",
            "Major" => "partial outage",
            "Minor" => "degraded performance",
            _ => "",
        };
        for words in [&spelled(&expected.duration), &expected.affected, &severity.to_owned()] {
            assert!(card.to_lowercase().contains(&words.to_lowercase()), "{words} in {card}");
        }
        let page = app.visitor().get(&address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        assert_page_shows(&page, expected);
    }
}

/// `4h 50m` as the page writes it: `4 h 50 min`.
fn spelled(duration: &str) -> String {
    duration.replace('h', " h").replace('m', " min")
}

fn assert_page_shows(page: &crate::support::app::Answer, expected: &AggregatedIncident) {
    assert_eq!(page.word("h1"), expected.title);
    assert_eq!(page.word(".banner .phase"), "Resolved");
    assert_eq!(page.word("article h2"), "Timeline");
    let (terms, facts) = (page.words("dt"), page.words("dd"));
    let fact = |term: &str| {
        let found = terms.iter().zip(&facts).find(|(known, _)| *known == term);
        found.map(|(_, fact)| fact.clone()).unwrap_or_default()
    };
    assert_eq!(fact("Detected by"), expected.detected_by);
    assert_eq!(fact("Started"), expected.started, "{}", expected.title);
    assert_eq!(fact("Duration"), spelled(&expected.duration), "{}", expected.title);
    assert_eq!(fact("Affected"), expected.affected);
    // One incident was resolved before it began, according to its source; the import uses its start as its end.
    let impossible = expected.resolved == "25 Jul 2024, 17:00 UTC";
    assert_eq!(fact("Resolved"), if impossible { &expected.started } else { &expected.resolved }.as_str());
    let headings = page.words(".timeline .said");
    let texts = page.words(".timeline .text");
    assert_eq!(headings.len(), expected.updates.len(), "{}", expected.title);
    let times = page.attributes(".timeline .said time", "datetime");
    assert_eq!(times.len(), headings.len(), "{times:?}");
    for (n, (phase, at, text)) in expected.updates.iter().rev().enumerate() {
        let phase = phase[..1].to_uppercase() + &phase[1..];
        let instant = NaiveDateTime::parse_from_str(&times[n], "%Y-%m-%dT%H:%M:%SZ").unwrap();
        assert_eq!(&instant.format("%-d %b %Y, %H:%M UTC").to_string(), at);
        // The date is left out within a day, and the page names its zone once.
        let clock = instant.format("%H:%M").to_string();
        assert!(headings[n].starts_with(&phase) && headings[n].ends_with(&clock), "{} is {phase} {at}", headings[n]);
        assert_eq!(&texts[n], text);
    }
}
