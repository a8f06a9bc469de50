//! Every actor x every route of the management API x every state of an incident. The routes come from the router's
//! table, so new ones are included.

use axum::http::{Method, StatusCode};
use candor::db::page_settings;
use candor::domain::subscriber::{Scope, SubscriberState};
use candor::domain::{IncidentId, Role, Visibility};
use candor::web::api::routes;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::actors::{
    Actors, HIDDEN, NEVER, PUBLIC, TestActor, UNPUBLISHED, UNPUBLISHED_TEXT, comparable_answer,
};
use crate::support::app::{Answer, TestApp};
use crate::support::subscribers::add_in;

/// A body that changes something at every route.
fn change_body() -> Value {
    json!({
        "incident": { "name": "Another", "status": "monitoring", "body": "Text" },
        "incident_update": { "body": "Another text" },
        "postmortem": { "body_draft": "Another text" },
        "subscriber": { "email": "reader@example.org" },
    })
}

/// The chosen routes of the table: method, path, minimum role.
fn chosen_routes(wanted: impl Fn(&str) -> bool) -> Vec<(Method, &'static str, Role)> {
    let routes = routes();
    let chosen = routes.table().iter().filter(|line| wanted(line.path));
    chosen.map(|line| (line.method.clone(), line.path, line.role)).collect()
}

/// The address of a route with the page's id, and `id` for every other parameter.
fn address(path: &str, page: &str, id: &str) -> String {
    let path = path.replace("{page}", page).replace("{update}", &format!("{id}-2"));
    ["{incident}", "{component}", "{group}", "{subscriber}", "{organization}"]
        .iter()
        .fold(path, |path, name| path.replace(name, id))
}

async fn page_id(app: &TestApp) -> String {
    page_settings::load(&mut app.db.read().await.unwrap()).await.unwrap().id
}

/// Sends each call a second later, so that the rate limit is always the same.
async fn call(app: &TestApp, who: &TestActor, method: &Method, address: &str) -> Answer {
    app.clock.advance(TimeDelta::seconds(1));
    who.call(method, address, &change_body()).await
}

#[apply(on_both_databases!)]
async fn invalid_token_gets_401_on_every_route(test: TestDb) {
    let actors = Actors::new(test).await;
    let (app, page) = (&actors.app, page_id(&actors.app).await);
    let before = app.all_content().await;
    for (method, path, _) in chosen_routes(|_| true) {
        for who in actors.denied_by_api() {
            let (known, never) = (address(path, &page, PUBLIC), address(path, NEVER, NEVER));
            let answer = call(app, who, &method, &known).await;
            let what = format!("{} {method} {path}", who.name);
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{what}");
            assert_eq!(answer.header("cache-control"), "no-store", "{what}");
            let like = call(app, who, &method, &never).await;
            assert!(
                comparable_answer(&answer, PUBLIC) == comparable_answer(&like, NEVER),
                "{what} tells what there is"
            );
        }
    }
    assert!(app.all_content().await == before, "a request changed content");
}

#[apply(on_both_databases!)]
async fn hidden_incidents_are_404_in_the_api(test: TestDb) {
    let actors = Actors::new(test).await;
    let (app, page) = (&actors.app, page_id(&actors.app).await);
    let before = app.all_content().await;
    let mut asked = 0;
    for (method, path, least) in chosen_routes(|path| path.contains("{incident}")) {
        for who in &actors.people {
            let never = call(app, who, &method, &address(path, &page, NEVER)).await;
            let expected = match who.api_role {
                None => StatusCode::UNAUTHORIZED,
                Some(role) if role < least => StatusCode::FORBIDDEN,
                Some(_) => StatusCode::NOT_FOUND,
            };
            assert_eq!(never.status, expected, "{} {method} {path}", who.name);
            let never = comparable_answer(&never, NEVER);
            // Without permission, the answer is the same even for public incidents.
            let may = who.api_role.is_some_and(|role| role >= least);
            let seen = [PUBLIC, UNPUBLISHED].into_iter().filter(|_| !may);
            for id in HIDDEN.into_iter().chain(seen) {
                let answer = call(app, who, &method, &address(path, &page, id)).await;
                assert_eq!(comparable_answer(&answer, id), never, "{} {method} {path} of {id}", who.name);
                asked += 1;
            }
        }
    }
    assert!(asked > 700, "{asked}");
    assert!(app.all_content().await == before, "a request changed content");
}

#[apply(on_both_databases!)]
async fn matrix_requests_succeed_with_permission(test: TestDb) {
    let actors = Actors::new(test).await;
    let (app, page) = (&actors.app, page_id(&actors.app).await);
    let admin = actors.people.iter().find(|who| who.name == "a token to administer").unwrap();
    for (number, (method, path, _)) in chosen_routes(|path| path.contains("{incident}")).into_iter().enumerate() {
        let id = format!("zqdone{number:02}");
        app.add(&[actors.incident(&id, Visibility::Public)]).await;
        actors.save_postmortem(&id).await;
        let email = format!("reader{number}@example.org");
        let scope = Scope::Incident(IncidentId::parse(&id).unwrap());
        let subscriber = add_in(app, &email, scope, SubscriberState::Unconfirmed).await.id;
        let path = path.replace("{subscriber}", subscriber.as_str());
        let answer = call(app, admin, &method, &address(&path, &page, &id)).await;
        assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text());
    }
}

#[apply(on_both_databases!)]
async fn api_lists_omit_hidden_incidents(test: TestDb) {
    let actors = Actors::new(test).await;
    let (app, page) = (&actors.app, page_id(&actors.app).await);
    for (_, path, _) in
        chosen_routes(|path| !path.contains("{incident}")).into_iter().filter(|line| line.0 == Method::GET)
    {
        for who in actors.people.iter().filter(|who| who.api_role.is_some()) {
            let at = address(path, &page, NEVER);
            let list = call(app, who, &Method::GET, &at).await;
            assert!(!list.text().contains(UNPUBLISHED_TEXT), "{} {path}", who.name);
            let nothing = comparable_answer(&call(app, who, &Method::GET, &format!("{at}?q={NEVER}")).await, NEVER);
            for id in HIDDEN {
                assert!(!list.text().contains(id), "{} {path} names {id}", who.name);
                let found = comparable_answer(&call(app, who, &Method::GET, &format!("{at}?q={id}")).await, id);
                assert!(found == nothing, "{} finds {id} at {path}", who.name);
            }
        }
    }
}

#[apply(on_both_databases!)]
async fn unpublished_postmortem_is_only_at_its_endpoint(test: TestDb) {
    let actors = Actors::new(test).await;
    let (app, page) = (&actors.app, page_id(&actors.app).await);
    for (_, path, _) in
        chosen_routes(|path| path.contains("{incident}")).into_iter().filter(|line| line.0 == Method::GET)
    {
        for who in actors.people.iter().filter(|who| who.api_role.is_some()) {
            let answer = call(app, who, &Method::GET, &address(path, &page, UNPUBLISHED)).await;
            let like = call(app, who, &Method::GET, &address(path, &page, PUBLIC)).await;
            if path.ends_with("/postmortem") {
                assert_eq!((answer.status, like.status), (StatusCode::OK, StatusCode::NOT_FOUND), "{}", who.name);
            } else {
                // Addresses of subscribers need the scope publish, and there is none.
                let denials = [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];
                let is_denied = path.contains("/subscribers") && denials.contains(&answer.status);
                assert!(is_denied || answer.status == StatusCode::OK, "{} {path}: {}", who.name, answer.status);
                assert_eq!(
                    comparable_answer(&answer, UNPUBLISHED),
                    comparable_answer(&like, PUBLIC),
                    "{} {path}",
                    who.name
                );
            }
        }
    }
}
