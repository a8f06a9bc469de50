//! Everybody x every address x whatever became of an incident. Nothing here lists addresses: those of managers come
//! from the router's own table, those of visitors from its source, so a new one is walked from its first day.

use axum::http::{Method, StatusCode};
use candor::publish::address::canonical_path;
use candor::web::access::routes::{Access, Route};
use candor::web::admin::routes;

use crate::support::TestDb;
use crate::support::actors::{
    ABSENT, AccessResult, Actors, HIDDEN, NEVER, PUBLIC, STAND, UNPUBLISHED, UNPUBLISHED_TEXT, told,
};

/// The routes of managers that `wanted` chooses.
fn guarded(wanted: impl Fn(&str) -> bool) -> Vec<Route> {
    let routes = routes();
    let chosen = routes.table().iter().filter(|route| route.access != Access::Public && wanted(route.path));
    chosen.cloned().collect()
}

#[apply(on_both_databases!)]
async fn roles_decide_access_for_every_incident_state(test: TestDb) {
    let Actors { app, people } = Actors::before(test).await;
    let before = app.everything().await;
    let mut asked = 0;
    for route in guarded(|path| path.starts_with("/admin/incidents/{id}")) {
        let Route { method, path, .. } = &route;
        let at = |id: &str| path.replace("{id}", id).replace("{update}", &format!("{id}-2"));
        for who in &people {
            let met = who.meets(&route);
            let mut answers = Vec::new();
            for id in STAND.into_iter().chain(ABSENT) {
                let answer = who.ask(method, &at(id)).await;
                let what = format!("{} {method} {path} of {id}: {}", who.name, answer.status);
                assert_eq!(answer.header("cache-control"), "no-store", "{what}");
                if met != AccessResult::Nothing {
                    assert!(met.is_told(method, &at(id), &answer), "{what} is not {met:?}");
                } else if !STAND.contains(&id) {
                    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{what}");
                } else if method == Method::GET {
                    assert_eq!(answer.status, StatusCode::OK, "{what}");
                } else if [PUBLIC, UNPUBLISHED].contains(&id) && path.ends_with("/publication") {
                    // What visitors see already is not published again, and nobody is told of a conflict.
                    let page = format!("/admin/incidents/{id}");
                    assert!(answer.location().starts_with(&page), "{what}: {}", answer.location());
                } else {
                    assert!([409, 422].contains(&answer.status.as_u16()), "{what}: {}", answer.text());
                }
                answers.push(told(&answer, id));
                asked += 1;
            }
            for absent in answers[STAND.len()..].windows(2) {
                assert!(absent[0] == absent[1], "{} {method} {path} tells what is gone from what never was", who.name);
            }
            if met != AccessResult::Nothing {
                for pair in answers.windows(2) {
                    assert_eq!(pair[0], pair[1], "{} {method} {path}", who.name);
                }
            }
        }
    }
    assert!(asked > 500, "{asked}");
    assert!(app.everything().await == before, "somebody changed something");
}

/// Where the last part of the address is not the id of a thing of its own kind.
const ROUTES_WITHOUT_ID: [&str; 2] = ["/admin/islands/{*call}", "/admin/account/sessions/{session}/revocation"];

#[apply(on_both_databases!)]
async fn missing_and_forbidden_are_indistinguishable(test: TestDb) {
    let Actors { app, people } = Actors::before(test).await;
    let before = app.everything().await;
    let mut wrong = Vec::new();
    for route in guarded(|path| path.contains('{') && !ROUTES_WITHOUT_ID.contains(&path)) {
        let Route { method, path, .. } = &route;
        let names = ["{id}", "{update}", "{correction}", "{session}"];
        let address = names.iter().fold((*path).to_owned(), |path, name| path.replace(name, NEVER));
        for who in &people {
            let answer = who.ask(method, &address).await;
            let is_right = match who.meets(&route) {
                AccessResult::Nothing => answer.status == StatusCode::NOT_FOUND,
                met => met.is_told(method, &address, &answer),
            };
            if !is_right {
                wrong.push(format!("{} {method} {path}: {} {}", who.name, answer.status, answer.location()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(app.everything().await == before, "somebody changed something");
}

/// Every public address but `/events`: a stream never ends, see tests/it/event_stream.rs.
fn public_paths() -> Vec<&'static str> {
    let patterns = candor::publish::address::ADDRESSES.iter().map(|address| address.pattern);
    let paths: Vec<_> = patterns.filter(|path| *path != "/events").collect();
    assert!(paths.contains(&"/") && paths.contains(&"/incidents/{id}"), "{paths:?}");
    paths
}

/// The addresses below a path with `id` in the place of whatever it asks for. What a path leaves open is asked for
/// in every folder that the documents of the Site know.
fn filled(path: &str, id: &str) -> Vec<String> {
    match (path.find('{'), path.rfind('}')) {
        (Some(begin), Some(end)) if path[begin..].starts_with("{*") => {
            FOLDERS.iter().map(|folder| format!("{}{folder}{id}{}", &path[..begin], &path[end + 1..])).collect()
        }
        (Some(begin), Some(end)) => vec![format!("{}{id}{}", &path[..begin], &path[end + 1..])],
        _ => vec![path.to_owned()],
    }
}

const FOLDERS: [&str; 4] = ["", "incidents/", "scheduled-maintenances/", "components/"];

/// What may stand behind an address.
const ENDINGS: [&str; 5] = ["", ".json", ".ics", "?before=1", "/"];

/// Every address of visitors that names `id`.
fn naming(id: &str) -> Vec<String> {
    let paths = public_paths().into_iter().filter(|path| path.contains('{'));
    let addresses = paths.flat_map(|path| filled(path, id));
    addresses.flat_map(|address| ENDINGS.map(|ending| format!("{address}{ending}"))).collect()
}

#[apply(on_both_databases!)]
async fn visitors_get_identical_responses(test: TestDb) {
    let Actors { app, people } = Actors::before(test).await;
    let plain = public_paths().into_iter().filter(|path| !path.contains('{')).map(str::to_owned);
    for address in plain.chain(naming(PUBLIC)) {
        let plain = told(&people[0].ask(&Method::GET, &address).await, PUBLIC);
        for who in &people[1..] {
            let answer = who.ask(&Method::GET, &address).await;
            assert!(answer.cookies().is_empty(), "{} {address}", who.name);
            let read = told(&answer, PUBLIC);
            assert!(read == plain, "{} reads {address} otherwise: {:?} {:?}", who.name, read.1, plain.1);
        }
        for id in HIDDEN {
            assert!(!plain.2.contains(id), "{address} names {id}");
        }
    }
    for address in ["/incidents/ID", "/incidents/ID.json", "/api/v2/incidents/ID.json"] {
        assert!(naming(PUBLIC).contains(&address.replace("ID", PUBLIC)), "{address} is walked");
        assert_eq!(app.visitor().get(&address.replace("ID", PUBLIC)).await.status, StatusCode::OK, "{address}");
    }
}

#[apply(on_both_databases!)]
async fn hidden_incidents_answer_like_missing_ones(test: TestDb) {
    let Actors { app: _app, people } = Actors::before(test).await;
    for (place, address) in naming(NEVER).iter().enumerate() {
        for who in &people {
            let never = who.ask(&Method::GET, address).await;
            // A slash at the end redirects without looking for the document.
            let is_redirected = canonical_path(address.split('?').next().unwrap()).is_some();
            let status = if is_redirected { StatusCode::PERMANENT_REDIRECT } else { StatusCode::NOT_FOUND };
            assert_eq!(never.status, status, "{address}");
            let never = told(&never, NEVER);
            for id in HIDDEN {
                let answer = who.ask(&Method::GET, &naming(id)[place]).await;
                assert!(told(&answer, id) == never, "{} is told of {id} at {address}", who.name);
            }
        }
    }
}

#[apply(on_both_databases!)]
async fn unpublished_texts_are_never_public(test: TestDb) {
    let crowd = Actors::before(test).await;
    for (unsaid, public) in naming(UNPUBLISHED).iter().zip(naming(PUBLIC)) {
        for who in &crowd.people {
            let mut answer = told(&who.ask(&Method::GET, unsaid).await, UNPUBLISHED);
            let mut like = told(&who.ask(&Method::GET, &public).await, PUBLIC);
            // It is made of the bytes, and so of the id.
            for headers in [&mut answer.1, &mut like.1] {
                headers.retain(|header| !header.starts_with("etag"));
            }
            assert_eq!(answer, like, "{} is told of it at {unsaid}", who.name);
        }
    }
    let plain = public_paths().into_iter().filter(|path| !path.contains('{'));
    for path in plain {
        let answer = crowd.app.visitor().get(path).await;
        assert!(!answer.text().contains(UNPUBLISHED_TEXT), "{path}");
    }
}

#[apply(on_both_databases!)]
async fn token_works_only_for_the_api(test: TestDb) {
    let Actors { app, people } = Actors::before(test).await;
    for who in &people {
        let answer = who.ask(&Method::GET, "/v1/token").await;
        let expected = if who.reach.is_some() { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        assert_eq!(answer.status, expected, "{}: a session is no token", who.name);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let before = app.everything().await;
    for Route { method, path, .. } in guarded(|path| !path.contains('{')) {
        for who in people.iter().filter(|who| who.role.is_none()) {
            let answer = who.ask(&method, path).await;
            assert!(AccessResult::Login.is_told(&method, path, &answer), "{} {method} {path}", who.name);
        }
    }
    assert!(app.everything().await == before, "somebody changed something");
}

/// The routes of the admin that are open to everybody and yet not in the list of what everybody sees: the way back from an
/// identity provider leads on, and the second step of a login is the last of `end2end/pages/account.ts`.
const TESTED_ELSEWHERE: [&str; 2] = [candor::oidc::CALLBACK, "/login/factor"];

/// The addresses whose pages `end2end/tests/accessibility.spec.ts` judges, in the router's own words.
fn check_access() -> Vec<&'static str> {
    let (_, list) = include_str!("../../end2end/pages/public.ts").split_once("function publicPages").unwrap();
    let (list, _) = list.split_once("\n}\n").unwrap();
    list.lines().filter_map(|line| line.trim().strip_prefix('\'')?.split_once("': [").map(|(path, _)| path)).collect()
}

#[apply(on_both_databases!)]
async fn every_public_page_is_saved_for_axe(test: TestDb) {
    let Actors { app, .. } = Actors::before(test).await;
    let month = app.clock.now().format("%Y-%m").to_string();
    let mut pages = Vec::new();
    for path in public_paths() {
        let addresses = [PUBLIC, &month, "frame"].into_iter().flat_map(|id| filled(path, id));
        for address in addresses {
            let answer = app.visitor().get(&address).await;
            if answer.status == StatusCode::OK && answer.header("content-type").starts_with("text/html") {
                pages.push(path);
            }
        }
    }
    pages.dedup();
    assert!(pages.len() >= 8, "{pages:?}");
    let routes = routes();
    let open = routes.table().iter().filter(|route| (&route.method, route.access) == (&Method::GET, Access::Public));
    let open = open.map(|route| route.path).filter(|path| !TESTED_ELSEWHERE.contains(path));
    let judged = check_access();
    let forgotten: Vec<_> = pages.into_iter().chain(open).filter(|path| !judged.contains(path)).collect();
    assert_eq!(forgotten, [""; 0], "add them to end2end/pages/public.ts");
}
