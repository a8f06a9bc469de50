//! Every list is paginated: all items are on some page. A list that is shown whole has a limit and shows when it is
//! reached.

use axum::http::{Method, StatusCode};
use candor::credentials::secret_token;
use candor::db::sessions::{self, Session};
use candor::db::{self, api_tokens, components, managers, series};
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::api_token::Scope;
use candor::domain::forms::{NewApiToken, NewGroup};
use candor::domain::{Incident, Maintenance, Manager, SeriesId, Visibility};
use chrono::TimeDelta;
use serde_json::Value;

use crate::support::TestDb;
use crate::support::api_client::{ApiClient, json};
use crate::support::app::{Answer, Browser, TestApp};
use crate::support::fixtures;

/// More than two pages.
const MANY: i64 = 120;

async fn walk_pages(browser: &mut Browser, address: &str) -> Vec<Answer> {
    let (mut pages, mut next) = (Vec::new(), Some(address.to_owned()));
    while let Some(address) = next {
        assert!(pages.len() < 20, "{address}: the list never ends");
        let page = browser.get(&address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        next = page.attributes("a[rel=next]", "href").pop();
        pages.push(page);
    }
    assert!(pages.len() > 2, "{} pages of {address}", pages.len());
    pages
}

fn all_attributes(pages: &[Answer], selector: &str, name: &str) -> Vec<String> {
    pages.iter().flat_map(|page| page.attributes(selector, name)).collect()
}

/// The addresses of the revocation buttons of the list `list`.
fn revocations(pages: &[Answer], list: &str) -> Vec<String> {
    let of_one = |action: &String| {
        let id = action.strip_prefix(list).and_then(|rest| rest.strip_suffix("/revocation"));
        id.is_some_and(|id| id.len() > 1)
    };
    all_attributes(pages, "form", "action").into_iter().filter(of_one).collect()
}

/// Sessions of `manager`, one second apart; some at the same instant.
async fn log_in_everywhere(app: &TestApp, manager: &Manager) {
    let mut tx = app.db.write().await.unwrap();
    for number in 0..MANY {
        let at = app.clock.now() - TimeDelta::seconds(number / 3);
        let session = Session {
            id_hash: secret_token::hash_token(&format!("{}{number}", manager.id)),
            manager_id: Some(manager.id.to_string()),
            data: "{}".into(),
            address: "192.0.2.1".into(),
            user_agent: format!("FakeAuthenticator {number}"),
            created_at: at,
            last_seen_at: at,
        };
        sessions::insert(&mut tx, &session).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
}

#[apply(on_both_databases!)]
async fn session_list_is_paginated_for_owners(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    log_in_everywhere(&app, &app.manager("Vera", Viewer).await).await;
    let found = revocations(&walk_pages(&mut owner, "/admin/sessions").await, "/admin/sessions");
    let mut once = found.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!((found.len(), once.len()), (120, 120), "each of them once");
    let ended = owner.post(found.last().unwrap(), &[]).await;
    assert_eq!(ended.location(), "/admin/sessions?done=session-revoked");
    let left = revocations(&walk_pages(&mut owner, "/admin/sessions").await, "/admin/sessions");
    assert_eq!(left, found[..119]);
}

#[apply(on_both_databases!)]
async fn own_session_list_is_paginated(test: TestDb) {
    let app = TestApp::new(test).await;
    let (vera, rui) = (app.manager("Vera", Viewer).await, app.manager("Rui", Viewer).await);
    let mut browser = app.with_session(&vera).await;
    log_in_everywhere(&app, &vera).await;
    let found = revocations(&walk_pages(&mut browser, "/admin/account").await, "/admin/account/sessions");
    assert_eq!(found.len(), 120);
    let last = found.last().unwrap();
    let foreign = app.with_session(&rui).await.post(last, &[]).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "somebody else's is none");
    assert_eq!(browser.post(last, &[]).await.location(), "/admin/account?done=session-revoked");
    assert_eq!(revocations(&walk_pages(&mut browser, "/admin/account").await, "/admin/account/sessions"), found[..119]);
}

#[apply(on_both_databases!)]
async fn manager_list_is_paginated(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let mut tx = app.db.write().await.unwrap();
    for number in 0..MANY {
        let mut new = fixtures::manager(&format!("m{number}"), Viewer);
        // Some have the same name.
        new.name = format!("{} {:03}", if number % 2 == 0 { "vera" } else { "Vera" }, number / 4);
        managers::create(&mut tx, new, None, app.clock.now()).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
    let pages = walk_pages(&mut owner, "/admin/managers").await;
    let mut found = all_attributes(&pages, "tbody th a", "href");
    let names: Vec<String> = pages.iter().flat_map(|page| page.words("tbody th a")).collect();
    assert!(names.iter().map(|name| name.to_lowercase()).is_sorted(), "{names:?}");
    assert_eq!(owner.get(found.last().unwrap()).await.status, StatusCode::OK);
    found.sort_unstable();
    found.dedup();
    assert_eq!((names.len(), found.len()), (121, 121), "each of them once");
    assert_eq!(owner.get("/admin/managers?after=nobody").await.words("tbody th"), [""; 0]);
}

#[apply(on_both_databases!)]
async fn token_list_is_paginated(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    for name in ["Ines", "Rui", "Vera"] {
        let manager = app.manager(name, Viewer).await;
        for number in 0..MANY / 3 {
            let secret = secret_token::fresh_api_token();
            let new = NewApiToken { name: format!("{name} {number}"), scope: Scope::Read, days: 30 };
            let at = app.clock.now() + TimeDelta::seconds(number / 2);
            let mut tx = app.db.write().await.unwrap();
            api_tokens::create(&mut tx, &manager, new, (&secret_token::hash_token(&secret), "last"), at).await.unwrap();
            tx.commit_unaudited().await.unwrap();
        }
    }
    let found = revocations(&walk_pages(&mut owner, "/admin/tokens").await, "/admin/tokens");
    assert_eq!(found.len(), 120);
    // The cursor still works after the token it names was revoked.
    let second = owner.get("/admin/tokens").await.attributes("a[rel=next]", "href").remove(0);
    for action in [&found[49], &found[119]] {
        assert_eq!(owner.post(action, &[]).await.location(), "/admin/tokens?done=token-revoked");
    }
    let left = revocations(&[owner.get(&second).await], "/admin/tokens");
    assert_eq!(left, found[50..100]);
}

fn open_incident(app: &TestApp, number: i64, visibility: Visibility) -> Incident {
    let mut incident = fixtures::incident(&format!("it{number:03}"), app.clock.now() - TimeDelta::minutes(number / 2));
    incident.visibility = visibility;
    incident
}

#[apply(on_both_databases!)]
async fn dashboard_paginates_open_incidents(test: TestDb) {
    let app = TestApp::new(test).await;
    let visibility = |number| if number % 2 == 0 { Visibility::Public } else { Visibility::Internal };
    let all_open: Vec<Incident> = (0..MANY).map(|number| open_incident(&app, number, visibility(number))).collect();
    app.add(&all_open).await;
    let mut publisher = app.logged_in(Publisher).await;
    let mut found = all_attributes(&walk_pages(&mut publisher, "/admin").await, ".card h3 a", "href");
    assert_eq!(found.len(), 120);
    found.sort_unstable();
    let expected: Vec<String> = (0..MANY).map(|number| format!("/admin/incidents/it{number:03}")).collect();
    assert_eq!(found, expected);
}

#[apply(on_both_databases!)]
async fn api_paginates_open_incidents_and_planned_maintenances(test: TestDb) {
    let app = TestApp::new(test).await;
    let program = ApiClient::new(&app, &app.manager("Ines", Owner).await, "Copy", Scope::Read).await;
    // Hidden incidents take no place on a page.
    let hidden = (0..MANY).map(|number| open_incident(&app, number, Visibility::Internal));
    let shown = (MANY..2 * MANY).map(|number| open_incident(&app, number, Visibility::Public));
    app.add(&hidden.chain(shown).collect::<Vec<_>>()).await;
    let now = app.clock.now();
    let planned = |number: i64| -> Maintenance {
        let from = now + TimeDelta::days(1) + TimeDelta::minutes(number);
        fixtures::maintenance(&format!("work{number:03}"), from, from + TimeDelta::hours(1), &[])
    };
    app.plan(&(0..210).map(planned).collect::<Vec<_>>()).await;
    for (path, first, count) in [
        ("/incidents/unresolved", "it120", 120),
        ("/incidents/scheduled", "work000", 210),
        ("/incidents/upcoming", "work000", 210),
    ] {
        let mut ids = Vec::new();
        for page in 1..=4 {
            let answer = program.send(Method::GET, &format!("{path}?page={page}"), &Value::Null).await;
            let listed = json(&answer);
            ids.extend(listed.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()));
        }
        assert_eq!(ids.len(), count, "{path}");
        assert!(ids[0] == first || path.ends_with("unresolved"), "{path} begins with {}", ids[0]);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((ids[0].as_str(), ids.len()), (first, count), "{path}");
    }
}

#[apply(on_both_databases!)]
async fn unpaginated_lists_are_limited(test: TestDb) {
    let app = TestApp::new(test).await;
    app.tamper(
        "insert into components (id, name, description, status, position, only_show_if_degraded, created_at, updated_at, version)
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
         select 'c' || i, 'Part', '', 'operational', i, 0, '2026-11-10T12:00:00+00:00', '2026-11-10T12:00:00+00:00', 1 from n",
        "insert into components (id, name, description, status, position, only_show_if_degraded, created_at, updated_at, version)
         select 'c' || i, 'Part', '', 'operational', i, false, now(), now(), 1 from generate_series(1, 2000) i",
    )
    .await;
    app.tamper(
        "insert into component_groups (id, name, description, position, created_at, updated_at, version)
         with recursive n(i) as (select 1 union all select i + 1 from n where i < 500)
         select 'g' || i, 'Group', '', i, '2026-11-10T12:00:00+00:00', '2026-11-10T12:00:00+00:00', 1 from n",
        "insert into component_groups (id, name, description, position, created_at, updated_at, version)
         select 'g' || i, 'Group', '', i, now(), now(), 1 from generate_series(1, 500) i",
    )
    .await;
    let now = app.clock.now();
    let mut tx = app.db.write().await.unwrap();
    let one_more = components::create(&mut tx, fixtures::component("One more"), now).await;
    assert!(matches!(one_more, Err(db::Error::Full(reason)) if reason.contains("2000 components")));
    let new = NewGroup { name: "One more".into(), description: String::new(), position: None };
    let one_more = components::create_group(&mut tx, new, now).await;
    assert!(matches!(one_more, Err(db::Error::Full(reason)) if reason.contains("500 groups")));
    drop(tx);
    app.create_series("first", now + TimeDelta::days(1)).await;
    let mut tx = app.db.write().await.unwrap();
    let mut again = series::find(&mut tx, &SeriesId::parse("first").unwrap()).await.unwrap();
    for number in 1..200 {
        again.id = SeriesId::parse(&format!("s{number}")).unwrap();
        series::insert(&mut tx, &again).await.unwrap();
    }
    again.id = SeriesId::parse("one-more").unwrap();
    let one_more = series::insert(&mut tx, &again).await;
    assert!(matches!(one_more, Err(db::Error::Full(reason)) if reason.contains("200 recurring maintenances")));
    assert_eq!(series::list_active(&mut tx).await.unwrap().len(), 200);
}
