//! Feeds: entries, their order and their stable ids.

use axum::http::StatusCode;
use candor::db::{feed_ids, incidents};
use candor::domain::{Phase, UpdateId};
use candor::publish::Snapshot;
use candor::publish::feeds::{Feed, render_atom, render_json_feed, render_rss};
use chrono::{DateTime, TimeDelta, Utc};

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures, noon_in, now};

const FEEDS: [(&str, &str); 3] = [
    ("/history.atom", "application/atom+xml; charset=utf-8"),
    ("/history.rss", "application/rss+xml; charset=utf-8"),
    ("/feed.json", "application/feed+json; charset=utf-8"),
];

const DAY_AND_TIME: &str = "%b <var data-var='date'>%e</var>, <var data-var='time'>%H:%M</var>";

/// The feed's text with its XML escapes resolved.
async fn feed_text(app: &TestApp, path: &str) -> String {
    let answer = app.visitor().get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let plain = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&quot;", "\""),
        ("\\n", "\n"),
        ("&amp;", "&"),
    ];
    plain.into_iter().fold(text, |text, (escaped, plain)| text.replace(escaped, plain))
}

#[apply(on_both_databases!)]
async fn feeds_list_updates_newest_first(test: TestDb) {
    let app = TestApp::new(test).await;
    let at = app.clock.now() - TimeDelta::hours(3);
    let mut incident = fixtures::incident("it", at);
    incident.updates.push(fixtures::update("again", at + TimeDelta::minutes(20), Phase::Investigating, &[]));
    incident.updates.push(fixtures::update("done", at + TimeDelta::hours(1), Phase::Resolved, &[]));
    incident.recompute();
    app.add(&[incident]).await;
    for (path, kind) in FEEDS {
        assert_eq!(app.visitor().get(path).await.header("content-type"), kind);
        let text = feed_text(&app, path).await;
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{path} has no {words}: {text}"));
        let newest = format!(
            "<p><small>{} UTC</small><br><strong>Resolved</strong> - Text of done</p>",
            (at + TimeDelta::hours(1)).format(DAY_AND_TIME)
        );
        assert!(place(&newest) < place("<strong>Update</strong> - Text of again"), "{path}");
        assert!(place("<strong>Update</strong>") < place("<strong>Investigating</strong> - Text of it-1"), "{path}");
        place("Status - Incident History");
        place("http://status.test/incidents/it");
    }
    let atom = feed_text(&app, "/history.atom").await;
    let page = app.publisher.snapshot().unwrap().page.id.clone();
    assert!(atom.contains(&format!("<id>tag:{page},2005:/history</id>")), "{atom}");
    assert!(atom.contains(&format!("<id>tag:{page},2005:Incident/it</id>")), "{atom}");
    assert!(atom.contains("xml:lang=\"en-US\""), "{atom}");
}

#[apply(on_both_databases!)]
async fn changed_entry_keeps_id_and_updates_date(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::incident("it", app.clock.now())]).await;
    let before = feed_text(&app, "/history.atom").await;
    app.clock.advance(TimeDelta::hours(1));
    let mut incident = app.incident("it").await;
    (incident.title, incident.updates[0].body) = ("Another title".into(), "Another text".into());
    let mut tx = app.db.write().await.unwrap();
    incidents::update(&mut tx, &mut incident, app.clock.now()).await.unwrap();
    tx.commit(&fixtures::actor(), app.clock.now(), fixtures::entry()).await.unwrap();
    app.publish().await;
    let after = feed_text(&app, "/history.atom").await;
    assert_eq!(texts_between(&before, "<id>", "</id>"), texts_between(&after, "<id>", "</id>"));
    assert!(after.contains("Another text"));
    let published = now().format("<published>%FT%T+00:00</published>").to_string();
    let updated = app.clock.now().format("<updated>%FT%T+00:00</updated>").to_string();
    assert!(after.contains(&published) && after.contains(&updated), "{after}");
}

/// The texts between two marks, in their order.
fn texts_between(text: &str, start: &str, end: &str) -> Vec<String> {
    text.split(start).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0.to_owned())).collect()
}

#[apply(on_both_databases!)]
async fn entry_ids_survive_another_address(test: TestDb) {
    let app = TestApp::new(test).await;
    let now = app.clock.now();
    app.add(&[fixtures::incident("it", now), fixtures::incident("known", now)]).await;
    app.plan(&[fixtures::maintenance("work", now + TimeDelta::days(1), now + TimeDelta::days(2), &[])]).await;
    let mut tx = app.db.write().await.unwrap();
    feed_ids::insert(&mut tx, "known", "tag:status.acme.test,2005:Incident/28461093").await.unwrap();
    app.test.commit(tx).await;
    let snapshot = Snapshot::load(&mut app.db.read().await.unwrap(), now).await.unwrap();
    let ids = |origin: &str| {
        let feed = Feed::from_snapshot(&snapshot, origin);
        let rss = render_rss(&feed);
        assert_eq!(rss.matches("<guid isPermaLink=\"false\">").count(), 3, "{rss}");
        let guids = texts_between(&rss, "<guid isPermaLink=\"false\">", "</guid>");
        let atom = texts_between(&render_atom(&feed), "<id>", "</id>");
        let json: serde_json::Value = serde_json::from_str(&render_json_feed(&feed)).unwrap();
        let items = json["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned());
        (guids, atom, items.collect::<Vec<_>>())
    };
    let (guids, atom, json) = ids("http://status.test");
    for origin in ["https://status.test", "https://status.test:8443", "https://other.example"] {
        assert_eq!(ids(origin), (guids.clone(), atom.clone(), json.clone()), "{origin}");
    }
    assert_eq!(atom[1..], json[..]);
    assert!(json.contains(&"tag:status.acme.test,2005:Incident/28461093".to_owned()), "{json:?}");
    assert!(guids.contains(&"https://status.acme.test/incidents/known".to_owned()), "{guids:?}");
    let all: std::collections::BTreeSet<&String> = atom.iter().collect();
    assert_eq!(all.len(), 4, "{atom:?}");
}

#[apply(on_both_databases!)]
async fn the_same_history_gives_the_same_bytes(test: TestDb) {
    let app = TestApp::new(test).await;
    app.add(&[fixtures::resolved("it", app.clock.now() - TimeDelta::days(1), TimeDelta::hours(1))]).await;
    for (path, _) in FEEDS {
        let before = app.visitor().get(path).await;
        app.clock.advance(TimeDelta::hours(7));
        app.publisher.publish().await.unwrap();
        let known = app.visitor().get_with(path, &[("if-none-match", before.header("etag"))]).await;
        assert_eq!(known.status, StatusCode::NOT_MODIFIED, "{path}");
    }
}

#[apply(on_both_databases!)]
async fn maintenance_entry_states_its_end(test: TestDb) {
    let app = TestApp::new(test).await;
    let tomorrow = noon_in(1);
    let mut maintenance = fixtures::maintenance("work", tomorrow, tomorrow + TimeDelta::hours(4), &[]);
    maintenance.begin(UpdateId::parse("begun").unwrap(), tomorrow).unwrap();
    app.plan(&[maintenance]).await;
    let rss = feed_text(&app, "/history.rss").await;
    for part in [
        &format!(
            "<p><strong>THIS IS A SCHEDULED EVENT {} - <var data-var='time'>16:00</var> UTC</strong></p>",
            tomorrow.format(DAY_AND_TIME)
        ),
        &tomorrow.format("<maintenanceEndDate>%a, %-d %b %Y 16:00:00 +0000</maintenanceEndDate>").to_string(),
        &tomorrow.format("<pubDate>%a, %-d %b %Y 12:00:00 +0000</pubDate>").to_string(),
        "<strong>In progress</strong>",
    ] {
        assert!(rss.contains(part), "{part} in {rss}");
    }
}

#[apply(on_both_databases!)]
async fn maintenance_begun_early_has_its_actual_date(test: TestDb) {
    let app = TestApp::new(test).await;
    let now = app.clock.now();
    let mut maintenance = fixtures::maintenance("work", now + TimeDelta::days(8), now + TimeDelta::days(9), &[]);
    maintenance.begin(UpdateId::parse("begun").unwrap(), now).unwrap();
    app.plan(&[maintenance]).await;
    let date = |at: DateTime<Utc>| at.format("<pubDate>%a, %-d %b %Y %H:%M:%S +0000</pubDate>").to_string();
    let rss = feed_text(&app, "/history.rss").await;
    let (_, item) = rss.split_once("<item>").unwrap();
    assert!(item.contains(&date(now)) && !item.contains(&date(now + TimeDelta::days(8))), "{item}");
    let calendar = app.visitor().get("/maintenance.ics").await.text();
    assert!(calendar.contains(&now.format("DTSTART:%Y%m%dT%H%M%SZ").to_string()), "{calendar}");
    let history = app.visitor().get("/history").await;
    assert_eq!(history.words("h2 a"), [now.format("%B %Y").to_string()]);
}

#[apply(on_both_databases!)]
async fn only_statuspage_feeds_have_its_texts(test: TestDb) {
    let app = TestApp::new(test).await;
    let tomorrow = noon_in(1);
    app.plan(&[fixtures::maintenance("work", tomorrow, tomorrow + TimeDelta::hours(4), &[])]).await;
    for (path, count) in [("/history.atom", 1), ("/history.rss", 1), ("/feed.json", 0)] {
        let text = feed_text(&app, path).await;
        assert_eq!(text.matches("THIS IS A SCHEDULED EVENT").count(), count, "{path}: {text}");
        assert!(text.contains("Status - Incident History") && !text.contains("Status Status"), "{path}: {text}");
        assert!(!text.contains(">Statuspage<"), "{path}: {text}");
    }
    let words = tomorrow.format("<strong>Maintenance: %-d %b %Y, 12:00 to 16:00 UTC</strong>").to_string();
    assert!(feed_text(&app, "/feed.json").await.contains(&words));
}

#[apply(on_both_databases!)]
async fn hostile_text_is_escaped_in_feeds(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut incident = fixtures::incident("it", app.clock.now());
    incident.title = "]]></title><script>alert(1)</script> & \u{feff}عطل 🛠️".into();
    incident.updates[0].body = "**bold** <script>alert(1)</script>\u{7} ]]> &amp;".into();
    app.add(std::slice::from_ref(&incident)).await;
    let bytes = async |path: &str| app.visitor().get(path).await.body;
    let atom = atom_syndication::Feed::read_from(&bytes("/history.atom").await[..]).unwrap();
    let rss = rss::Channel::read_from(&bytes("/history.rss").await[..]).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&bytes("/feed.json").await).unwrap();
    let (title, entry, item) = (incident.title.as_str(), &atom.entries[0], &rss.items[0]);
    assert_eq!((entry.title.as_str(), item.title.as_deref()), (title, Some(title)));
    let content = entry.content.as_ref().and_then(|content| content.value.as_deref());
    for html in [content, item.description.as_deref(), json["items"][0]["content_html"].as_str()] {
        let html = html.unwrap();
        assert!(
            html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && html.contains("<strong>bold</strong>"),
            "{html}"
        );
        assert!(!html.contains("<script") && !html.contains('\u{7}'), "{html}");
    }
}

#[apply(on_both_databases!)]
async fn feed_has_at_most_25_entries(test: TestDb) {
    let app = TestApp::new(test).await;
    let hour = |n| app.clock.now() - TimeDelta::hours(n);
    let all: Vec<_> = (1..=40).map(|n| fixtures::resolved(&format!("i{n}"), hour(n), TimeDelta::minutes(5))).collect();
    app.add(&all).await;
    let atom = feed_text(&app, "/history.atom").await;
    assert_eq!(atom.matches("<entry>").count(), 25);
    assert!(atom.contains("/incidents/i25\"") && !atom.contains("/incidents/i26\""));
    assert_eq!(feed_text(&app, "/history.rss").await.matches("<item>").count(), 25);
}

#[apply(on_both_databases!)]
async fn every_page_links_the_feeds(test: TestDb) {
    let app = TestApp::new(test).await;
    for path in ["/", "/history", "/uptime", "/api"] {
        let page = app.visitor().get(path).await;
        let links = page.attributes("link[rel='alternate']", "href");
        assert_eq!(links, ["/history.atom", "/history.rss", "/feed.json"], "{path}");
        let footer = page.attributes("footer a", "href");
        for href in ["/history.rss", "/maintenance.ics", "/api"] {
            assert!(footer.contains(&href.to_owned()), "{path}: {footer:?}");
        }
        for href in links.into_iter().chain(footer).filter(|href| href.starts_with('/')) {
            let href = href.as_str();
            assert_eq!(app.visitor().get(href).await.status, StatusCode::OK, "{href}");
        }
    }
}
