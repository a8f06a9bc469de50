//! The history: months, filters, totals and pagination.

use std::sync::Arc;

use axum::http::StatusCode;
use candor::domain::history::{HistoryFilter, MAX_SEARCHED_INCIDENTS, Month};
use candor::domain::{Impact, Incident, Phase, Role, Status};
use candor::format::duration;
use candor::publish::OnDemandPage;
use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use tokio::task::JoinSet;

use crate::support::app::{Answer, TestApp};
use crate::support::{TestDb, fixtures};

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn incident_ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let anchors = answer.attributes("li[id^=incident-]", "id");
    anchors.iter().map(|anchor| anchor.strip_prefix("incident-").unwrap().to_owned()).collect()
}

fn older_link(answer: &Answer) -> Option<String> {
    answer.attributes(".pager .older", "href").pop()
}

/// Follows "older" from `address` to the end; all addresses must begin with `within`.
async fn walk_pages(app: &TestApp, address: &str, within: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = Some(address.to_owned());
    while let Some(address) = next {
        let answer = app.visitor().get(&address).await;
        pages.push(incident_ids(&answer));
        next = older_link(&answer).filter(|address| address.starts_with(within));
        assert!(pages.len() < 50, "the way has no end");
    }
    pages
}

#[apply(on_both_databases!)]
async fn every_month_has_its_own_page(test: TestDb) {
    let app = TestApp::new(test).await;
    let hour = TimeDelta::hours(1);
    app.add(&[
        fixtures::resolved("october", instant("2026-10-31T23:59:59Z"), hour),
        fixtures::resolved("august", instant("2026-08-15T10:00:00Z"), hour),
        fixtures::resolved("november", instant("2026-11-01T00:00:00Z"), hour),
        fixtures::resolved("older", instant("2024-02-29T10:00:00Z"), hour),
    ])
    .await;
    let all = app.visitor().get("/history").await;
    assert_eq!(incident_ids(&all), ["november", "october", "august", "older"]);
    let months = ["/history/2026-11", "/history/2026-10", "/history/2026-08", "/history/2024-02"];
    assert_eq!(all.attributes("h2 a", "href"), months);
    let october = app.visitor().get("/history/2026-10").await;
    assert_eq!((incident_ids(&october), october.word("h1")), (vec!["october".to_owned()], "October 2026".into()));
    assert_eq!(october.attributes(".pager a", "href"), ["/history/2026-11", "/history/2026-08"]);
    assert_eq!(october.word(".lede"), "1 incident · 1 h in total.");
    assert_eq!(october.attributes(".up a", "href"), ["/history"]);
    let empty = app.visitor().get("/history/2026-09").await;
    assert!(
        incident_ids(&empty).is_empty() && empty.text().contains("No incidents and no maintenance in September 2026.")
    );
    assert_eq!(empty.attributes(".pager a", "href"), ["/history/2026-10", "/history/2026-08"]);
    assert!(older_link(&app.visitor().get("/history/2024-02").await).is_none());
}

#[apply(on_both_databases!)]
async fn month_pagination_loses_and_repeats_nothing(test: TestDb) {
    let app = TestApp::new(test).await;
    let start = instant("2026-10-01T06:00:00.000001Z");
    let hour = TimeDelta::hours(1);
    let sixty: Vec<Incident> =
        (0..60).map(|n| fixtures::resolved(&format!("n{n:02}"), start + hour * (n * 11), hour)).collect();
    let september = fixtures::resolved("september", instant("2026-09-30T12:00:00Z"), hour);
    app.add(&sixty).await;
    app.add(&[september]).await;
    let expected: Vec<String> = (0..60).rev().map(|n| format!("n{n:02}")).collect();
    let pages = walk_pages(&app, "/history/2026-10", "/history/2026-10").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [25, 25, 10]);
    assert_eq!(pages.concat(), expected);
    let last = walk_pages(&app, "/history/2026-10", "/history").await;
    assert_eq!(last.concat().last().unwrap(), "september", "behind the month follows the one before");
    let from_the_top = walk_pages(&app, "/history", "/history").await.concat();
    assert_eq!(from_the_top[..60], expected[..]);
    let filtered = walk_pages(&app, "/history?q=incident", "/history?").await.concat();
    assert_eq!(filtered.len(), 61);
    assert_eq!(filtered[..60], expected[..]);
    let every = app.visitor().get("/history/2026-10").await;
    assert_eq!(every.word(".lede"), "60 incidents · 60 h in total.", "the sentence is of the whole month");
}

#[apply(on_both_databases!)]
async fn pagination_handles_equal_times(test: TestDb) {
    let app = TestApp::new(test).await;
    let same: Vec<Incident> = (0..60)
        .map(|n| fixtures::resolved(&format!("n{n:02}"), instant("2026-10-07T10:00:00Z"), TimeDelta::hours(1)))
        .collect();
    app.add(&same).await;
    let mut walked = walk_pages(&app, "/history/2026-10", "/history/2026-10").await.concat();
    assert_eq!(walked.len(), 60);
    walked.sort();
    walked.dedup();
    assert_eq!(walked.len(), 60, "one was repeated");
}

#[apply(on_both_databases!)]
async fn new_incidents_do_not_affect_pagination(test: TestDb) {
    let app = TestApp::new(test).await;
    let start = instant("2026-10-01T06:00:00Z");
    let fifty: Vec<Incident> =
        (0..50).map(|n| fixtures::incident(&format!("n{n:02}"), start + TimeDelta::hours(n))).collect();
    app.add(&fifty).await;
    let first = app.visitor().get("/history/2026-10").await;
    app.add(&[fixtures::incident("new", instant("2026-10-30T10:00:00Z"))]).await;
    let second = app.visitor().get(&older_link(&first).unwrap()).await;
    let walked = [incident_ids(&first), incident_ids(&second)].concat();
    assert_eq!(walked, (0..50).rev().map(|n| format!("n{n:02}")).collect::<Vec<_>>());
}

/// Five incidents that differ in component, impact, text and time.
async fn varied_incidents(test: TestDb) -> (TestApp, String, String) {
    let app = TestApp::new(test.at_noon()).await;
    let (api, mail) = (app.component("API").await.id.to_string(), app.component("Mail").await.id.to_string());
    let make = |id: &str, title: &str, began: &str, minutes, component: Option<(&str, Status)>| {
        let mut incident = fixtures::resolved(id, instant(began), TimeDelta::minutes(minutes));
        incident.title = title.into();
        let named: Vec<(&str, Status)> = component.into_iter().collect();
        incident.updates[0] = fixtures::update(&format!("{id}-1"), instant(began), Phase::Identified, &named);
        incident.recompute();
        incident
    };
    app.add(&[
        make("a", "S3 is slow", "2026-11-01T10:00:00Z", 10, Some((&api, Status::DegradedPerformance))),
        make("b", "100% of mail is lost", "2026-06-01T10:00:00Z", 20, Some((&mail, Status::MajorOutage))),
        make("c", "snake_case breaks", "2025-10-01T10:00:00Z", 40, Some((&api, Status::PartialOutage))),
        make("d", "ÄRGER mit Umlauten", "2024-12-01T10:00:00Z", 80, None),
        make("e", "A \\ path and it's \"quoted\"", "2023-03-01T10:00:00Z", 160, Some((&mail, Status::MajorOutage))),
    ])
    .await;
    (app, api, mail)
}

#[apply(on_both_databases!)]
async fn filter_shows_exactly_matching_incidents(test: TestDb) {
    let (app, api, mail) = varied_incidents(test).await;
    let cases = [
        (String::new(), "a b c d e"),
        (format!("component={api}"), "a c"),
        (format!("component={mail}"), "b e"),
        ("component=gone".into(), ""),
        ("impact=none".into(), "d"),
        ("impact=minor".into(), "a"),
        ("impact=major".into(), "c"),
        ("impact=critical".into(), "b e"),
        (format!("impact=critical&component={api}"), ""),
        (format!("component={mail}&range=12m"), "b"),
        ("range=12m".into(), "a b"),
        ("range=2y".into(), "a b c d"),
        ("from=2025-10-01&to=2026-06-01".into(), "b c"),
        ("from=2025-10-02".into(), "a b"),
        ("to=2024-12-01".into(), "d e"),
        ("to=2024-11-30".into(), "e"),
        ("from=2026-12-01&to=2026-01-01".into(), ""),
        ("from=2025-10-01&range=12m".into(), "a b c"),
    ];
    for (query, expected) in cases {
        let answer = app.visitor().get(&format!("/history?{query}")).await;
        assert_eq!(incident_ids(&answer).join(" "), expected, "{query}");
        if expected.is_empty() {
            let is_reversed = query.starts_with("from=2026-12-01&to=2026-01-01");
            let words = if is_reversed { "The end is before the start." } else { "No incidents match these filters." };
            assert!(answer.text().contains(words), "{query}");
        }
        let is_unknown = query == "component=gone";
        assert_eq!(answer.words("#component-error").len(), usize::from(is_unknown), "{query}");
        assert!(answer.words("option").iter().all(|option| option != "gone"), "{query}");
        let robots = answer.attributes("meta[name='robots']", "content");
        assert_eq!(robots.is_empty(), query.is_empty(), "a filtered view is kept out of search engines");
    }
    let chosen = app.visitor().get(&format!("/history?component={mail}&impact=critical&range=2y&q=mail")).await;
    assert_eq!((chosen.field("component"), chosen.field("impact")), (mail, "critical".to_owned()));
    assert_eq!((chosen.field("range"), chosen.field("q")), ("2y".to_owned(), "mail".to_owned()));
    let lede = chosen.word(".lede");
    assert!(
        lede.contains(" with major outage") && lede.contains(" affecting Mail, matching “mail”, in the last 2 years"),
        "{lede}"
    );
}

#[apply(on_both_databases!)]
async fn search_is_literal_and_case_insensitive(test: TestDb) {
    let (app, _, _) = varied_incidents(test).await;
    let cases = [
        ("s3", "a"),
        ("S3 IS", "a"),
        ("Text of B-1", "b"),
        ("%", "b"),
        ("0% of", "b"),
        ("_", "c"),
        ("snake_", "c"),
        ("snake-", ""),
        ("a%l", ""),
        ("ärger", "d"),
        ("Ärger MIT umlauten", "d"),
        ("\\", "e"),
        ("\\ path", "e"),
        ("it's \"quoted\"", "e"),
        ("' or 1=1 --", ""),
        ("  s3  ", "a"),
    ];
    for (text, expected) in cases {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", text).finish();
        let answer = app.visitor().get(&format!("/history?{query}")).await;
        assert_eq!(incident_ids(&answer).join(" "), expected, "{text}");
        assert_eq!(answer.field("q"), text.trim(), "the form keeps what was searched");
    }
}

#[apply(on_both_databases!)]
async fn search_states_its_limit_and_continues(test: TestDb) {
    const SQLITE_MANY: &str = "
        insert into incidents (id, title, computed_impact, phase, started_at, ended_at, duration_seconds, visibility,
                               search_text, created_at, updated_at, version)
          with recursive number (n) as (select 1 union all select n + 1 from number where n < 10001)
          select 'many' || n, 'Tiles fail', 'minor', 'resolved', '2021-05-04T12:00:00.000000+00:00',
                 '2021-05-04T12:00:00.000000+00:00', 0, 'public', 'tiles fail', '2021-05-04T12:00:00.000000+00:00',
                 '2021-05-04T12:00:00.000000+00:00', 1 from number;
        insert into incident_index (component_id, started_at, incident_id, impact, duration_seconds)
          select '', started_at, id, 'minor', 0 from incidents where id like 'many%'";
    // PostgreSQL does not convert text to a timestamp here, so its statement has typed literals.
    const POSTGRES_MANY: &str = "
        insert into incidents (id, title, computed_impact, phase, started_at, ended_at, duration_seconds, visibility,
                               search_text, created_at, updated_at, version)
          with recursive number (n) as (select 1 union all select n + 1 from number where n < 10001)
          select 'many' || n, 'Tiles fail', 'minor', 'resolved', timestamptz '2021-05-04 12:00Z',
                 timestamptz '2021-05-04 12:00Z', 0, 'public', 'tiles fail', timestamptz '2021-05-04 12:00Z',
                 timestamptz '2021-05-04 12:00Z', 1 from number;
        insert into incident_index (component_id, started_at, incident_id, impact, duration_seconds)
          select '', started_at, id, 'minor', 0 from incidents where id like 'many%'";
    let app = TestApp::new(test).await;
    let lost = Incident {
        title: "The lighthouse is dark".into(),
        ..fixtures::incident("lost", instant("2020-01-01T12:00:00Z"))
    };
    app.add(&[lost]).await;
    let found = app.visitor().get("/history?q=lighthouse").await;
    assert_eq!((incident_ids(&found), found.text().contains("Searched the latest")), (vec!["lost".to_owned()], false));
    app.tamper(SQLITE_MANY, POSTGRES_MANY).await;
    app.add(&[fixtures::incident("new", instant("2026-11-01T12:00:00Z"))]).await;
    let stopped = app.visitor().get("/history?q=lighthouse").await;
    assert_eq!(incident_ids(&stopped), [""; 0]);
    let on = stopped.attributes("main p a", "href").pop().unwrap();
    assert_eq!(on, "/history?q=lighthouse&to=2021-05-04");
    assert!(
        stopped.text().contains(&format!("Searched the latest {MAX_SEARCHED_INCIDENTS} incidents")),
        "{}",
        stopped.word("main")
    );
    let before = app.visitor().get("/history?q=lighthouse&to=2021-05-03").await;
    assert_eq!(incident_ids(&before), ["lost"]);
}

#[apply(on_both_databases!)]
async fn days_follow_the_page_zone(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Role::Owner).await;
    let settings = [("version", "1"), ("name", "Tidewater"), ("time_zone", "Pacific/Auckland")];
    assert_eq!(owner.post("/admin/settings", &settings).await.status, StatusCode::SEE_OTHER);
    // Auckland is at UTC+13 in October: its 10 October begins at 11:00 UTC on the 9th.
    app.add(&[
        fixtures::incident("before", instant("2026-10-09T10:59:59Z")),
        fixtures::incident("first", instant("2026-10-09T11:00:00Z")),
        fixtures::incident("last", instant("2026-10-10T10:59:59Z")),
        fixtures::incident("after", instant("2026-10-10T11:00:00Z")),
        fixtures::incident("november", instant("2026-10-31T11:00:00Z")),
    ])
    .await;
    let day = app.visitor().get("/history?from=2026-10-10&to=2026-10-10").await;
    assert_eq!(incident_ids(&day), ["last", "first"]);
    assert_eq!(day.attributes("input[name='from'], input[name='to']", "value"), ["2026-10-10", "2026-10-10"]);
    assert_eq!(incident_ids(&app.visitor().get("/history/2026-11").await), ["november"]);
    assert_eq!(incident_ids(&app.visitor().get("/history/2026-10").await), ["after", "last", "first", "before"]);
    let page = app.visitor().get("/incidents/first").await;
    assert!(page.word("dl").contains("10 Oct 2026, 00:00 NZDT"), "{}", page.word("dl"));
}

#[apply(on_both_databases!)]
async fn summary_counts_match_the_list(test: TestDb) {
    let (app, api, mail) = varied_incidents(test).await;
    app.add(&[fixtures::incident("open", instant("2026-11-10T11:00:00Z"))]).await;
    let now = app.clock.now();
    let months = |from: DateTime<Utc>| (now - from).num_seconds() as f64 / (365.25 * 86400.0 / 12.0);
    for query in [
        "q=is".to_owned(),
        format!("component={api}"),
        format!("component={mail}"),
        "impact=critical".into(),
        "impact=none".into(),
        "range=12m".into(),
        "range=2y".into(),
        "from=2025-01-01".into(),
        format!("component={api}&impact=major&range=2y"),
    ] {
        let answer = app.visitor().get(&format!("/history?{query}")).await;
        let mut shown = Vec::new();
        for id in incident_ids(&answer) {
            shown.push(app.incident(&id).await);
        }
        let lasted = |it: &Incident| (it.ended_at.unwrap_or(app.clock.now()) - it.started_at).num_seconds();
        let (seconds, open) = (shown.iter().map(lasted).sum(), shown.iter().filter(|it| it.is_open()).count());
        let first = shown.last().expect(&query).started_at;
        let from = match query.as_str() {
            q if q.ends_with("range=12m") => Utc.with_ymd_and_hms(2025, 11, 10, 12, 0, 0).unwrap(),
            q if q.ends_with("range=2y") => Utc.with_ymd_and_hms(2024, 11, 10, 12, 0, 0).unwrap(),
            "from=2025-01-01" => instant("2025-01-01T00:00:00Z"),
            _ => first,
        };
        let rate = shown.len() as f64 / months(from).max(1.0);
        let total =
            if seconds > 0 { format!(" · {} in total", duration::spell_total(seconds)) } else { String::new() };
        let ongoing = if open > 0 { format!(", {open} ongoing") } else { String::new() };
        let expected = format!("{} · {rate:.1} per month{total}{ongoing}.", first.format("%-d %b %Y"));
        let summary = answer.word(".lede");
        assert!(summary.starts_with(&format!("{} ", shown.len())), "{query}: {summary}");
        assert!(summary.contains(&expected), "{query}: {summary} instead of {expected}");
    }
    let all = app.visitor().get("/history").await;
    assert!(all.word(".lede").starts_with("6 incidents since 1 Mar 2023 · "), "{}", all.word(".lede"));
}

#[apply(on_both_databases!)]
async fn hostile_query_strings_return_200(test: TestDb) {
    let (app, api, _) = varied_incidents(test).await;
    let long = "x".repeat(10_000);
    let wide = "é".repeat(5_000);
    let many = "component=a&".repeat(2_000);
    let queries = [
        "before=garbage".to_owned(),
        "before=9223372036854775807_a".into(),
        "before=-9223372036854775808_a".into(),
        "before=0_a&q=is".into(),
        "before=1_'--&q=is".into(),
        format!("q={long}"),
        format!("q={wide}"),
        format!("{long}={long}"),
        many,
        "q=a&q=b&q=is".into(),
        "q[]=a&q[$ne]=1".into(),
        "q=%00".into(),
        "q=%ff%fe".into(),
        "q=%".into(),
        "q=%E2%80%AE".into(),
        "q=';drop table incidents;--".into(),
        "component=../../etc/passwd".into(),
        "component=%00&impact=%00".into(),
        format!("component={api}&component=x/y"),
        "impact=NONE".into(),
        "range=-1y".into(),
        "from=0000-00-00&to=99999-99-99".into(),
        "from=-262143-01-01".into(),
        "from=%2B262142-12-31&to=%2B262142-12-31".into(),
        "to=9999-12-31".into(),
        "from=2026-11-10T12:00".into(),
        "&&&===&&".into(),
    ];
    for query in queries {
        for address in [format!("/history?{query}"), format!("/history/2026-11?{query}")] {
            let uri = address.replace(' ', "+").replace('\'', "%27");
            let answer = app.visitor().get(&uri).await;
            let short: String = uri.chars().take(80).collect();
            assert!([200, 400, 404].contains(&answer.status.as_u16()), "{short}: {}", answer.status);
            if answer.status == StatusCode::OK {
                assert!(answer.body.len() < 200_000, "{short}");
            }
        }
    }
    assert_eq!(app.incidents().await.len(), 5);
    let long_query = app.visitor().get(&format!("/history?q={}", "é".repeat(500))).await;
    assert_eq!(long_query.field("q"), "é".repeat(100));
}

#[apply(on_both_databases!)]
async fn concurrent_readers_share_one_render(test: TestDb) {
    let app = Arc::new(TestApp::new(test).await);
    let start = instant("2025-03-01T06:00:00Z");
    let month: Vec<Incident> =
        (0..20).map(|n| fixtures::incident(&format!("n{n:02}"), start + TimeDelta::hours(n))).collect();
    app.add(&month).await;
    let mut readers = JoinSet::new();
    for _ in 0..1000 {
        let app = app.clone();
        readers.spawn(async move {
            app.publisher.on_demand(OnDemandPage::Month(Month { year: 2025, month: 3 }, None)).await.unwrap()
        });
    }
    let documents = readers.join_all().await;
    assert_eq!(app.publisher.counts().rendered.value(), 1);
    // A second rendering would have created another document.
    assert!(documents.iter().all(|document| Arc::ptr_eq(document, &documents[0])));
    let mut visitors = JoinSet::new();
    for _ in 0..100 {
        let mut visitor = app.visitor();
        visitors.spawn(async move { visitor.get("/history?impact=none&to=2025-12-31").await });
    }
    let answers = visitors.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK && answer.body == answers[0].body));
    assert_eq!(incident_ids(&answers[0]).len(), 20);
    let impact = HistoryFilter { impact: Some(Impact::None), ..HistoryFilter::default() };
    let first = app.publisher.on_demand(OnDemandPage::Filtered(impact.clone(), None)).await.unwrap();
    let again = app.publisher.on_demand(OnDemandPage::Filtered(impact, None)).await.unwrap();
    assert!(Arc::ptr_eq(&first, &again), "what was rendered is kept");
}

#[apply(on_both_databases!)]
async fn on_demand_page_shows_changes_immediately(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("old", instant("2025-03-01T06:00:00Z"))]).await;
    for address in ["/history/2025-03", "/history?q=incident"] {
        assert_eq!(incident_ids(&app.visitor().get(address).await), ["old"], "{address}");
    }
    app.add(&[fixtures::incident("new", instant("2025-03-02T06:00:00Z"))]).await;
    for address in ["/history/2025-03", "/history?q=incident"] {
        assert_eq!(incident_ids(&app.visitor().get(address).await), ["new", "old"], "{address}");
    }
}
