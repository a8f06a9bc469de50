//! The order of components and groups: up and down, positions without gaps or ties, names that exist already.

use axum::http::{Method, StatusCode};
use candor::db::components;
use candor::domain::Role::{Owner, Publisher};
use candor::domain::api_token::Scope;
use candor::domain::{Component, Group};
use chrono::TimeDelta;
use serde_json::json;

use crate::support::TestDb;
use crate::support::api_client::ApiClient;
use crate::support::app::{Browser, TestApp};

/// `1 Core (1 API, 2 Web), 2 Billing`: every position, and the names in page order.
async fn order(app: &TestApp) -> String {
    let mut tx = app.db.read().await.unwrap();
    let (groups, all) = (components::list_groups(&mut tx).await.unwrap(), components::list(&mut tx).await.unwrap());
    let members = |group: &Group| {
        let mut members: Vec<&Component> = all.iter().filter(|it| it.group_id.as_ref() == Some(&group.id)).collect();
        members.sort_by_key(|member| member.position);
        members.iter().map(|member| format!("{} {}", member.position, member.name)).collect::<Vec<_>>().join(", ")
    };
    let mut top: Vec<(i64, String)> =
        groups.iter().map(|group| (group.position, format!("{} ({})", group.name, members(group)))).collect();
    let single = all.iter().filter(|component| component.group_id.is_none());
    top.extend(single.map(|component| (component.position, component.name.clone())));
    top.sort();
    top.into_iter().map(|(position, words)| format!("{position} {words}")).collect::<Vec<_>>().join(", ")
}

/// An owner, a group Core with API and Web, and Billing and DNS without a group.
async fn company(test: TestDb) -> (TestApp, Browser) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    owner.post("/admin/groups", &[("name", "Core")]).await;
    let group = app_group(&app, "Core").await.id.to_string();
    for (name, group) in [("API", group.as_str()), ("Web", &group), ("Billing", ""), ("DNS", "")] {
        let fields = [("name", name), ("status", "operational"), ("group", group)];
        app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(owner.post("/admin/components", &fields).await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(order(&app).await, "1 Core (1 API, 2 Web), 2 Billing, 3 DNS");
    (app, owner)
}

async fn app_group(app: &TestApp, name: &str) -> Group {
    let groups = components::list_groups(&mut app.db.read().await.unwrap()).await.unwrap();
    groups.into_iter().find(|group| group.name == name).unwrap()
}

async fn stored(app: &TestApp, name: &str) -> Component {
    let all = components::list(&mut app.db.read().await.unwrap()).await.unwrap();
    all.into_iter().find(|component| component.name == name).unwrap()
}

#[apply(on_both_databases!)]
async fn buttons_move_one_step_and_stop_at_the_ends(test: TestDb) {
    let (app, mut owner) = company(test).await;
    let billing = format!("/admin/components/{}/position", stored(&app, "Billing").await.id);
    let list = owner.get("/admin/components").await;
    assert_eq!(list.words(".steps").len(), 5, "one list of groups with their members");
    assert_eq!(
        list.words(".steps button[disabled] .unseen"),
        ["Move up: Core", "Move up: API", "Move down: Web", "Move down: DNS"]
    );
    let answer = owner.post(&billing, &[("direction", "up")]).await;
    let id = stored(&app, "Billing").await.id;
    assert_eq!(answer.location(), format!("/admin/components?done=position-set#component-{id}"));
    assert_eq!(order(&app).await, "1 Billing, 2 Core (1 API, 2 Web), 3 DNS");
    let before = app.counts().await;
    owner.post(&billing, &[("direction", "up")]).await;
    assert_eq!(app.counts().await, before, "the first stays, without an audit row");
    let group = format!("/admin/groups/{}/position", app_group(&app, "Core").await.id);
    owner.post(&group, &[("direction", "down")]).await;
    let web = format!("/admin/components/{}/position", stored(&app, "Web").await.id);
    owner.post(&web, &[("direction", "up")]).await;
    assert_eq!(order(&app).await, "1 Billing, 2 DNS, 3 Core (1 Web, 2 API)");
    let actions: Vec<String> = app.audit().await.into_iter().map(|row| row.action).take(3).collect();
    assert_eq!(actions, ["component.edit", "group.edit", "component.edit"]);
    assert_eq!(app.visitor().get("/").await.words("li.row").len(), 4);
    assert_eq!(owner.post(&web, &[("direction", "sideways")]).await.status, StatusCode::BAD_REQUEST);
    let mut publisher = app.logged_in(Publisher).await;
    assert!(publisher.get("/admin/components").await.words(".steps").is_empty());
    assert_eq!(publisher.post(&web, &[("direction", "up")]).await.status, StatusCode::FORBIDDEN);
}

#[apply(on_both_databases!)]
async fn typed_position_takes_effect_and_neighbors_make_room(test: TestDb) {
    let (app, mut owner) = company(test).await;
    let dns = stored(&app, "DNS").await;
    let path = format!("/admin/components/{}", dns.id);
    let form = owner.get(&format!("{path}/edit")).await;
    assert_eq!((form.field("position"), form.field("opened_position")), ("3".into(), "3".into()));
    let send = |version: &str, position: &str, opened: &str| {
        [
            ("name", "DNS"),
            ("status", "operational"),
            ("version", version),
            ("position", position),
            ("opened_position", opened),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    for (version, position, opened, expected) in [
        ("1", "1", "3", "1 DNS, 2 Core (1 API, 2 Web), 3 Billing"),
        ("2", "2", "1", "1 Core (1 API, 2 Web), 2 DNS, 3 Billing"),
        // Another form moved it meanwhile; a position that was not changed moves nothing back.
        ("3", "3", "3", "1 Core (1 API, 2 Web), 2 DNS, 3 Billing"),
        ("3", "9000", "2", "1 Core (1 API, 2 Web), 2 Billing, 3 DNS"),
        ("4", "1", "3", "1 DNS, 2 Core (1 API, 2 Web), 3 Billing"),
        ("5", "", "1", "1 Core (1 API, 2 Web), 2 Billing, 3 DNS"),
    ] {
        let fields = send(version, position, opened);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = owner.post(&path, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{position}: {}", answer.text());
        assert_eq!(order(&app).await, expected, "{position}");
    }
    assert_eq!(stored(&app, "Billing").await.version, 1, "a renumbered neighbor keeps its version");
}

#[apply(on_both_databases!)]
async fn new_and_deleted_components_leave_no_gaps(test: TestDb) {
    let (app, mut owner) = company(test).await;
    let fields = [("name", "Login"), ("status", "operational"), ("position", "1")];
    owner.post("/admin/components", &fields).await;
    assert_eq!(order(&app).await, "1 Login, 2 Core (1 API, 2 Web), 3 Billing, 4 DNS");
    let core = app_group(&app, "Core").await.id;
    let billing = stored(&app, "Billing").await;
    let fields = [("name", "Billing"), ("status", "operational"), ("version", "1"), ("group", core.as_str())];
    owner.post(&format!("/admin/components/{}", billing.id), &fields).await;
    assert_eq!(order(&app).await, "1 Login, 2 Core (1 API, 2 Web, 3 Billing), 3 DNS", "it comes last in its new group");
    owner.post(&format!("/admin/components/{}/deletion", stored(&app, "API").await.id), &[]).await;
    assert_eq!(order(&app).await, "1 Login, 2 Core (1 Web, 2 Billing), 3 DNS");
    owner.post(&format!("/admin/groups/{core}/deletion"), &[]).await;
    assert_eq!(order(&app).await, "1 Login, 2 Web, 3 Billing, 4 DNS", "its components take the place of the group");
}

#[apply(on_both_databases!)]
async fn api_changes_leave_no_gaps_or_ties(test: TestDb) {
    let (app, _) = company(test).await;
    let api = ApiClient::new(&app, &app.manager("Ines", Owner).await, "Deploy", Scope::Admin).await;
    let (core, dns) = (app_group(&app, "Core").await.id, stored(&app, "DNS").await.id);
    let body = json!({ "component": { "group_id": core.as_str() } });
    let moved = api.change(Method::PATCH, &format!("/components/{dns}"), &body).await;
    assert_eq!(moved["position"], 3, "the answer has the settled position");
    assert_eq!(order(&app).await, "1 Core (1 API, 2 Web, 3 DNS), 2 Billing");
    let web = stored(&app, "Web").await.id;
    let body = json!({ "component_group": { "components": [dns.as_str(), web.as_str()] } });
    api.change(Method::PUT, &format!("/component-groups/{core}"), &body).await;
    assert_eq!(order(&app).await, "1 Core (1 DNS, 2 Web), 2 Billing, 3 API");
    let billing = stored(&app, "Billing").await.id;
    api.send(Method::DELETE, &format!("/components/{billing}"), &json!({})).await;
    let made = api.make("/components", &json!({ "component": { "name": "Mail" } })).await;
    assert_eq!(made["position"], 3);
    assert_eq!(order(&app).await, "1 Core (1 DNS, 2 Web), 2 API, 3 Mail");
}

#[apply(on_both_databases!)]
async fn equal_positions_of_an_import_are_resolved(test: TestDb) {
    let (app, mut owner) = company(test).await;
    let mut tx = app.db.write().await.unwrap();
    for name in ["Billing", "DNS"] {
        components::set_position(&mut tx, &stored(&app, name).await.id, 1).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
    let dns = format!("/admin/components/{}/position", stored(&app, "DNS").await.id);
    owner.post(&dns, &[("direction", "up")]).await;
    assert_eq!(order(&app).await, "1 Core (1 API, 2 Web), 2 DNS, 3 Billing");
}

#[apply(on_both_databases!)]
async fn same_name_in_one_list_asks_first(test: TestDb) {
    let (app, mut owner) = company(test).await;
    let before = app.all_content().await;
    let fields = [("name", "billing "), ("status", "major_outage"), ("description", "Invoices")];
    let asked = owner.post("/admin/components", &fields).await;
    assert_eq!(asked.status, StatusCode::CONFLICT);
    assert_eq!(asked.word(".conflict h2"), "Another component has this name");
    assert_eq!((asked.field("description").as_str(), asked.field("status").as_str()), ("Invoices", "major_outage"));
    assert_eq!(asked.words("button[name='same_name']"), ["Create anyway"]);
    assert!(app.all_content().await == before);
    let answer = owner.post("/admin/components", &[&fields[..], &[("same_name", "1")]].concat()).await;
    assert_eq!(answer.location(), "/admin/components?done=component-added");
    let core = app_group(&app, "Core").await.id;
    let elsewhere = [("name", "Billing"), ("status", "operational"), ("group", core.as_str())];
    let answer = owner.post("/admin/components", &elsewhere).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "another group has names of its own");
    let renamed = [("name", "API"), ("status", "operational"), ("version", "1"), ("group", core.as_str())];
    let web = format!("/admin/components/{}", stored(&app, "Web").await.id);
    let asked = owner.post(&web, &renamed).await;
    assert_eq!(
        (asked.status, asked.words("button[name='same_name']")),
        (StatusCode::CONFLICT, vec!["Save anyway".into()])
    );
    let asked = owner.post("/admin/groups", &[("name", "CORE")]).await;
    assert_eq!(asked.status, StatusCode::CONFLICT);
    let answer = owner.post("/admin/groups", &[("name", "CORE"), ("same_name", "1")]).await;
    assert_eq!(answer.location(), "/admin/components?done=group-added");
    let unchanged = [("name", "Core"), ("version", "1"), ("description", "All of it")];
    let answer = owner.post(&format!("/admin/groups/{core}"), &unchanged).await;
    assert_eq!(answer.location(), "/admin/components?done=group-saved", "an unchanged name does not ask");
}

#[apply(on_both_databases!)]
async fn dropped_item_gets_its_position(test: TestDb) {
    let (app, mut owner) = company(test).await;
    let dns = format!("/admin/components/{}/position", stored(&app, "DNS").await.id);
    assert_eq!(owner.post(&dns, &[("position", "1")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(order(&app).await, "1 DNS, 2 Core (1 API, 2 Web), 3 Billing");
    let core = format!("/admin/groups/{}/position", app_group(&app, "Core").await.id);
    assert_eq!(owner.post(&core, &[("position", "3")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(order(&app).await, "1 DNS, 2 Billing, 3 Core (1 API, 2 Web)");
    for wrong in ["0", "-1", "99999999999999999999", "first"] {
        assert_eq!(owner.post(&core, &[("position", wrong)]).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[apply(on_both_databases!)]
async fn several_components_are_added_together_or_not_at_all(test: TestDb) {
    let (app, mut owner) = company(test).await;
    let group = app_group(&app, "Core").await.id.to_string();
    let fields = |more: &'static str| {
        [("name", "Login"), ("status", "operational"), ("group", group.as_str()), ("more_names", more)]
    };
    for (more, says) in [
        ("Search\nweb", "“web” is in this list already."),
        ("Search\nLOGIN", "“LOGIN” is listed twice."),
        ("Search\nsearch", "“search” is listed twice."),
    ] {
        let answer = owner.post("/admin/components", &fields(more)).await;
        assert_eq!((answer.status, answer.message("more_names").as_str()), (StatusCode::UNPROCESSABLE_ENTITY, says));
        assert_eq!(answer.field("more_names"), more);
    }
    assert_eq!(order(&app).await, "1 Core (1 API, 2 Web), 2 Billing, 3 DNS");
    let answer = owner.post("/admin/components", &fields("Search\n\n  Mail  \n")).await;
    assert_eq!(answer.location(), "/admin/components?done=components-added");
    assert_eq!(order(&app).await, "1 Core (1 API, 2 Web, 3 Login, 4 Search, 5 Mail), 2 Billing, 3 DNS");
}
