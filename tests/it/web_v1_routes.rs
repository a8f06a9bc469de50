//! Access to the management API, and the headers of its responses.

use axum::http::{Method, StatusCode};
use candor::domain::Role::{self, Owner, Publisher, Viewer};
use candor::domain::api_token::Scope;
use candor::web::api::routes;
use chrono::TimeDelta;
use serde_json::json;

use crate::support::TestDb;
use crate::support::api_client::{ApiClient, json};
use crate::support::app::TestApp;

/// Every route: method, path, and minimum role of token and manager.
#[rustfmt::skip]
const TABLE: &[(&str, &str, Role)] = &[
    ("GET", "/v1/token", Viewer),
    ("GET", "/v1/pages", Viewer),
    ("GET", "/v1/pages/{page}", Viewer),
    ("PATCH", "/v1/pages/{page}", Owner),
    ("PUT", "/v1/pages/{page}", Owner),
    ("GET", "/v1/pages/{page}/components", Viewer),
    ("POST", "/v1/pages/{page}/components", Owner),
    ("GET", "/v1/pages/{page}/components/{component}", Viewer),
    ("PATCH", "/v1/pages/{page}/components/{component}", Publisher),
    ("PUT", "/v1/pages/{page}/components/{component}", Publisher),
    ("DELETE", "/v1/pages/{page}/components/{component}", Owner),
    ("GET", "/v1/pages/{page}/components/{component}/uptime", Viewer),
    ("GET", "/v1/pages/{page}/component-groups", Viewer),
    ("POST", "/v1/pages/{page}/component-groups", Owner),
    ("GET", "/v1/pages/{page}/component-groups/{group}", Viewer),
    ("PATCH", "/v1/pages/{page}/component-groups/{group}", Owner),
    ("PUT", "/v1/pages/{page}/component-groups/{group}", Owner),
    ("DELETE", "/v1/pages/{page}/component-groups/{group}", Owner),
    ("GET", "/v1/pages/{page}/component-groups/{group}/uptime", Viewer),
    ("GET", "/v1/pages/{page}/incidents", Viewer),
    ("POST", "/v1/pages/{page}/incidents", Publisher),
    ("GET", "/v1/pages/{page}/incidents/unresolved", Viewer),
    ("GET", "/v1/pages/{page}/incidents/scheduled", Viewer),
    ("GET", "/v1/pages/{page}/incidents/upcoming", Viewer),
    ("GET", "/v1/pages/{page}/incidents/active_maintenance", Viewer),
    ("GET", "/v1/pages/{page}/incidents/{incident}", Viewer),
    ("PATCH", "/v1/pages/{page}/incidents/{incident}", Publisher),
    ("PUT", "/v1/pages/{page}/incidents/{incident}", Publisher),
    ("DELETE", "/v1/pages/{page}/incidents/{incident}", Publisher),
    ("PATCH", "/v1/pages/{page}/incidents/{incident}/incident_updates/{update}", Publisher),
    ("PUT", "/v1/pages/{page}/incidents/{incident}/incident_updates/{update}", Publisher),
    ("GET", "/v1/pages/{page}/incidents/{incident}/postmortem", Viewer),
    ("PUT", "/v1/pages/{page}/incidents/{incident}/postmortem", Publisher),
    ("DELETE", "/v1/pages/{page}/incidents/{incident}/postmortem", Publisher),
    ("PUT", "/v1/pages/{page}/incidents/{incident}/postmortem/publish", Publisher),
    ("PUT", "/v1/pages/{page}/incidents/{incident}/postmortem/revert", Publisher),
    ("GET", "/v1/pages/{page}/incidents/{incident}/subscribers", Publisher),
    ("POST", "/v1/pages/{page}/incidents/{incident}/subscribers", Owner),
    ("GET", "/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}", Publisher),
    ("DELETE", "/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}", Owner),
    ("POST", "/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}/resend_confirmation", Owner),
    ("GET", "/v1/pages/{page}/incident_templates", Viewer),
    ("POST", "/v1/pages/{page}/incident_templates", Publisher),
    ("GET", "/v1/pages/{page}/subscribers", Publisher),
    ("POST", "/v1/pages/{page}/subscribers", Owner),
    ("GET", "/v1/pages/{page}/subscribers/count", Viewer),
    ("GET", "/v1/pages/{page}/subscribers/histogram_by_state", Viewer),
    ("GET", "/v1/pages/{page}/subscribers/unsubscribed", Viewer),
    ("POST", "/v1/pages/{page}/subscribers/unsubscribe", Owner),
    ("POST", "/v1/pages/{page}/subscribers/reactivate", Owner),
    ("POST", "/v1/pages/{page}/subscribers/resend_confirmation", Owner),
    ("GET", "/v1/pages/{page}/subscribers/{subscriber}", Publisher),
    ("PATCH", "/v1/pages/{page}/subscribers/{subscriber}", Owner),
    ("DELETE", "/v1/pages/{page}/subscribers/{subscriber}", Owner),
    ("POST", "/v1/pages/{page}/subscribers/{subscriber}/resend_confirmation", Owner),
    ("GET", "/v1/pages/{page}/metrics", Viewer),
    ("GET", "/v1/pages/{page}/metrics_providers", Viewer),
    ("GET", "/v1/pages/{page}/page_access_users", Viewer),
    ("GET", "/v1/pages/{page}/page_access_groups", Viewer),
    ("GET", "/v1/pages/{page}/status_embed_config", Viewer),
    ("PATCH", "/v1/pages/{page}/status_embed_config", Owner),
    ("PUT", "/v1/pages/{page}/status_embed_config", Owner),
    ("GET", "/v1/organizations/{organization}/users", Viewer),
];

#[test]
fn api_route_table_is_exact() {
    let routes = routes();
    let real = routes.table().iter().map(|line| (line.method.as_str(), line.path, line.role));
    assert_eq!(real.collect::<Vec<_>>(), TABLE);
}

/// The operations of Statuspage's API: methods and path.
#[rustfmt::skip]
const OFFICIAL: &[(&str, &str)] = &[
    ("GET", "/v1/pages"),
    ("GET PATCH PUT", "/v1/pages/{page}"),
    ("GET POST", "/v1/pages/{page}/components"),
    ("GET PATCH PUT DELETE", "/v1/pages/{page}/components/{component}"),
    ("GET", "/v1/pages/{page}/components/{component}/uptime"),
    ("POST DELETE", "/v1/pages/{page}/components/{component}/page_access_users"),
    ("POST DELETE", "/v1/pages/{page}/components/{component}/page_access_groups"),
    ("GET POST", "/v1/pages/{page}/component-groups"),
    ("GET PATCH PUT DELETE", "/v1/pages/{page}/component-groups/{group}"),
    ("GET", "/v1/pages/{page}/component-groups/{group}/uptime"),
    ("GET POST", "/v1/pages/{page}/incidents"),
    ("GET", "/v1/pages/{page}/incidents/unresolved"),
    ("GET", "/v1/pages/{page}/incidents/scheduled"),
    ("GET", "/v1/pages/{page}/incidents/upcoming"),
    ("GET", "/v1/pages/{page}/incidents/active_maintenance"),
    ("GET PATCH PUT DELETE", "/v1/pages/{page}/incidents/{incident}"),
    ("PATCH PUT", "/v1/pages/{page}/incidents/{incident}/incident_updates/{update}"),
    ("GET PUT DELETE", "/v1/pages/{page}/incidents/{incident}/postmortem"),
    ("PUT", "/v1/pages/{page}/incidents/{incident}/postmortem/publish"),
    ("PUT", "/v1/pages/{page}/incidents/{incident}/postmortem/revert"),
    ("GET POST", "/v1/pages/{page}/incidents/{incident}/subscribers"),
    ("GET DELETE", "/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}"),
    ("POST", "/v1/pages/{page}/incidents/{incident}/subscribers/{subscriber}/resend_confirmation"),
    ("GET POST", "/v1/pages/{page}/incident_templates"),
    ("GET POST", "/v1/pages/{page}/subscribers"),
    ("GET", "/v1/pages/{page}/subscribers/count"),
    ("GET", "/v1/pages/{page}/subscribers/histogram_by_state"),
    ("GET", "/v1/pages/{page}/subscribers/unsubscribed"),
    ("POST", "/v1/pages/{page}/subscribers/unsubscribe"),
    ("POST", "/v1/pages/{page}/subscribers/reactivate"),
    ("POST", "/v1/pages/{page}/subscribers/resend_confirmation"),
    ("GET PATCH DELETE", "/v1/pages/{page}/subscribers/{subscriber}"),
    ("POST", "/v1/pages/{page}/subscribers/{subscriber}/resend_confirmation"),
    ("GET PATCH PUT", "/v1/pages/{page}/status_embed_config"),
    ("GET", "/v1/pages/{page}/metrics"),
    ("POST", "/v1/pages/{page}/metrics/data"),
    ("GET PATCH PUT DELETE", "/v1/pages/{page}/metrics/{metric}"),
    ("POST DELETE", "/v1/pages/{page}/metrics/{metric}/data"),
    ("GET POST", "/v1/pages/{page}/metrics_providers"),
    ("GET PATCH PUT DELETE", "/v1/pages/{page}/metrics_providers/{provider}"),
    ("GET POST", "/v1/pages/{page}/metrics_providers/{provider}/metrics"),
    ("GET POST", "/v1/pages/{page}/page_access_users"),
    ("GET PATCH PUT DELETE", "/v1/pages/{page}/page_access_users/{user}"),
    ("GET POST PATCH PUT DELETE", "/v1/pages/{page}/page_access_users/{user}/components"),
    ("DELETE", "/v1/pages/{page}/page_access_users/{user}/components/{component}"),
    ("GET POST PATCH PUT DELETE", "/v1/pages/{page}/page_access_users/{user}/metrics"),
    ("DELETE", "/v1/pages/{page}/page_access_users/{user}/metrics/{metric}"),
    ("GET POST", "/v1/pages/{page}/page_access_groups"),
    ("GET PATCH PUT DELETE", "/v1/pages/{page}/page_access_groups/{group}"),
    ("GET POST PATCH PUT DELETE", "/v1/pages/{page}/page_access_groups/{group}/components"),
    ("DELETE", "/v1/pages/{page}/page_access_groups/{group}/components/{component}"),
    ("GET POST", "/v1/organizations/{organization}/users"),
    ("DELETE", "/v1/organizations/{organization}/users/{user}"),
    ("GET PUT", "/v1/organizations/{organization}/permissions/{user}"),
];
#[test]
fn documented_number_of_operations_is_true() {
    let all = OFFICIAL.iter().flat_map(|(methods, path)| methods.split(' ').map(move |method| (method, *path)));
    let all: Vec<_> = all.collect();
    let routed = |(method, path): &&(&str, &str)| TABLE.iter().any(|line| (line.0, line.1) == (*method, *path));
    let answered = all.iter().filter(routed).count();
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/COMPATIBILITY.md")).unwrap();
    let said = format!("Of the {} operations of Statuspage's API, {answered} answer as documented.", all.len());
    assert!(text.contains(&said), "{said}");
    let rows = text.lines().skip_while(|line| !line.starts_with("| Group | Operations")).skip(2);
    let rows: Vec<Vec<usize>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').skip(2).take(2).map(|cell| cell.trim().parse().unwrap()).collect())
        .collect();
    let sum = |column: usize| rows.iter().map(|row| row[column]).sum::<usize>();
    assert_eq!((sum(0), sum(1)), (all.len(), answered));
}

/// The address of a route with the page's id, and unknown ids for all other parameters.
fn address(path: &str, program: &ApiClient) -> String {
    let page = program.root.trim_start_matches("/v1/pages/");
    ["{component}", "{group}", "{incident}", "{update}", "{subscriber}", "{organization}"]
        .iter()
        .fold(path.replace("{page}", page), |path, name| path.replace(name, "never"))
}

#[apply(on_both_databases!)]
async fn token_scope_decides_access(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let viewer = app.manager("Rui", Viewer).await;
    let programs = [
        (ApiClient::new(&app, &owner, "read", Scope::Read).await, Viewer),
        (ApiClient::new(&app, &owner, "publish", Scope::Publish).await, Publisher),
        (ApiClient::new(&app, &owner, "admin", Scope::Admin).await, Owner),
        (ApiClient::new(&app, &viewer, "more than its manager", Scope::Admin).await, Viewer),
    ];
    let before = app.all_content().await;
    for (method, path, least) in TABLE {
        for (program, role) in &programs {
            let method: Method = method.parse().unwrap();
            let answer = program.send(method.clone(), &address(path, program), &json!({})).await;
            let what = format!("{role:?} {method} {path}: {} {}", answer.status, answer.text());
            if role < least {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
                assert_eq!(json(&answer)["error"], "forbidden", "{what}");
            } else {
                assert!([200, 404, 422].contains(&answer.status.as_u16()), "{what}");
            }
        }
        let answer = app.visitor().send(method.parse().unwrap(), &address(path, &programs[0].0), &[], "".into()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert!(json(&answer)["error"].is_string() && json(&answer)["message"].is_string());
    }
    assert!(app.all_content().await == before, "a request changed content");
}

#[apply(on_both_databases!)]
async fn api_not_found_is_json(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let program = ApiClient::new(&app, &owner, "Deploy", Scope::Admin).await;
    for (method, path) in [
        (Method::GET, "/metrics/never"),
        (Method::GET, "/v1/pages/another"),
        (Method::GET, "/v1/pages/another/incidents"),
        (Method::DELETE, "/components/never"),
        (Method::GET, "/components/a%2Fb"),
        (Method::GET, "/v1/"),
    ] {
        let answer = program.send(method, path, &json!({})).await;
        assert_eq!(
            (answer.status, json(&answer)["error"].clone()),
            (StatusCode::NOT_FOUND, "not_found".into()),
            "{path}"
        );
    }
    let answer = program.send(Method::DELETE, "/components", &json!({})).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.header("allow").contains("POST") && json(&answer)["message"].is_string());
    for (body, status) in [("{", 400), ("[1]", 422), ("", 422), ("\u{0}", 422), ("component=x", 422)] {
        let answer = program.send_with(Method::POST, "/components", body.into(), &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{body:?} {}", answer.text());
        assert!(json(&answer)["error"].is_string() && json(&answer)["message"].is_string());
    }
    let large = program.send_with(Method::POST, "/components", "x".repeat(600 * 1024), &[]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(json(&large)["message"].is_string());
}

#[apply(on_both_databases!)]
async fn an_address_may_end_in_json(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let program = ApiClient::new(&app, &owner, "Deploy", Scope::Admin).await;
    let created = program.make("/components.json", &json!({ "component": { "name": "API" } })).await;
    let path = format!("/components/{}", created["id"].as_str().unwrap());
    assert_eq!(program.get(&format!("{path}.json")).await, program.get(&path).await);
    let answer = program.send(Method::DELETE, &format!("{path}.json"), &json!({})).await;
    assert_eq!(
        (answer.status, answer.text().as_str(), answer.header("content-type")),
        (StatusCode::NO_CONTENT, "", "")
    );
    assert_eq!(program.get("/v1/pages.json").await[0]["id"], program.get("/v1/pages").await[0]["id"]);
}

#[apply(on_both_databases!)]
async fn token_in_query_needs_owner_opt_in(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let program = ApiClient::new(&app, &owner, "Old", Scope::Read).await;
    let address = format!("/v1/pages?api_key={}", program.secret);
    let mut browser = program.browser.clone();
    assert_eq!(browser.get(&address).await.status, StatusCode::UNAUTHORIZED);
    let mut ines = app.with_session(&owner).await;
    let version = app.texts("select cast(version as text) from login_policy").await.remove(0);
    let answer = ines.post("/admin/policy", &[("version", &version), ("api_key_in_query", "yes")]).await;
    assert_eq!(answer.location(), "/admin/settings?done=policy-saved");
    assert!(!ines.get("/admin/settings").await.field("api_key_in_query").is_empty());
    assert_eq!(browser.get(&address).await.status, StatusCode::OK);
    assert_eq!(browser.get("/v1/pages?api_key=candor_never").await.status, StatusCode::UNAUTHORIZED);
    let row = app.audit().await.into_iter().find(|row| row.action == "policy.edit").unwrap();
    assert_eq!(row.after.unwrap()["api_key_in_query"], true);
}

#[apply(on_both_databases!)]
async fn token_calls_are_rate_limited(test: TestDb) {
    let app = TestApp::new(test).await;
    let owner = app.manager("Ines", Owner).await;
    let program = ApiClient::new(&app, &owner, "Eager", Scope::Admin).await;
    let other = ApiClient::new(&app, &owner, "Calm", Scope::Admin).await;
    let write = async |program: &ApiClient| program.send(Method::POST, "/components", &json!({})).await;
    for used in 1..=60 {
        let answer = write(&program).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{used}");
        assert_eq!(answer.header("ratelimit-limit"), "60");
        assert_eq!(answer.header("ratelimit-remaining"), (60 - used).to_string());
    }
    let refused = write(&program).await;
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "2"));
    assert_eq!((refused.header("ratelimit-remaining"), refused.header("ratelimit-reset")), ("0", "60"));
    assert_eq!(json(&refused)["error"], "too_many_requests");
    assert_eq!(write(&other).await.status, StatusCode::UNPROCESSABLE_ENTITY, "another token has its own");
    let read = program.send(Method::GET, "/components", &json!({})).await;
    assert_eq!((read.status, read.header("ratelimit-limit")), (StatusCode::OK, "600"), "reading is counted by itself");
    app.clock.advance(TimeDelta::seconds(2));
    assert_eq!(write(&program).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[apply(on_both_databases!)]
async fn openapi_document_has_every_route(test: TestDb) {
    let app = TestApp::new(test).await;
    let answer = app.visitor().get("/v1/openapi.json").await;
    let document = json(&answer);
    assert_eq!(document["openapi"], "3.1.0");
    for (method, path, _) in TABLE {
        let operation = &document["paths"][path][method.to_ascii_lowercase()];
        assert!(operation["summary"].is_string() && operation["responses"]["401"].is_object(), "{method} {path}");
    }
}
