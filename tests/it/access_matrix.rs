//! Every actor x every route x every state of an incident. Admin routes come from the router's table and public ones
//! from its source, so new routes are included.

use axum::http::{Method, StatusCode};
use candor::publish::address::{PublicAddress, canonical_path};
use candor::web::access::routes::{Access, Route};
use candor::web::admin::routes;

use crate::support::TestDb;
use crate::support::actors::{
    AccessResult, Actors, HIDDEN, NEVER, PUBLIC, READABLE, UNPUBLISHED, UNPUBLISHED_TEXT, UNREADABLE, comparable_answer,
};

fn guarded_routes(wanted: impl Fn(&str) -> bool) -> Vec<Route> {
    let routes = routes();
    let chosen = routes.table().iter().filter(|route| route.access != Access::Public && wanted(route.path));
    chosen.cloned().collect()
}

#[apply(on_both_databases!)]
async fn roles_decide_access_for_every_incident_state(test: TestDb) {
    let Actors { app, people } = Actors::new(test).await;
    let before = app.all_content().await;
    let mut asked = 0;
    for route in guarded_routes(|path| path.starts_with("/admin/incidents/{id}")) {
        let Route { method, path, .. } = &route;
        let at = |id: &str| path.replace("{id}", id).replace("{update}", &format!("{id}-2"));
        for who in &people {
            let expected = who.expected_access(&route);
            let mut answers = Vec::new();
            for id in READABLE.into_iter().chain(UNREADABLE) {
                let answer = who.request(method, &at(id)).await;
                let what = format!("{} {method} {path} of {id}: {}", who.name, answer.status);
                assert_eq!(answer.header("cache-control"), "no-store", "{what}");
                if expected != AccessResult::Nothing {
                    assert!(expected.matches_answer(method, &at(id), &answer), "{what} is not {expected:?}");
                } else if !READABLE.contains(&id) {
                    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{what}");
                } else if method == Method::GET {
                    assert_eq!(answer.status, StatusCode::OK, "{what}");
                } else if [PUBLIC, UNPUBLISHED].contains(&id) && path.ends_with("/publication") {
                    // A public incident is not published again, and the answer contains no conflict.
                    let page = format!("/admin/incidents/{id}");
                    assert!(answer.location().starts_with(&page), "{what}: {}", answer.location());
                } else {
                    assert!([409, 422].contains(&answer.status.as_u16()), "{what}: {}", answer.text());
                }
                answers.push(comparable_answer(&answer, id));
                asked += 1;
            }
            for absent in answers[READABLE.len()..].windows(2) {
                assert!(absent[0] == absent[1], "{} {method} {path} tells what is gone from what never was", who.name);
            }
            if expected != AccessResult::Nothing {
                for pair in answers.windows(2) {
                    assert_eq!(pair[0], pair[1], "{} {method} {path}", who.name);
                }
            }
        }
    }
    assert!(asked > 500, "{asked}");
    assert!(app.all_content().await == before, "a request changed content");
}

/// Routes whose last parameter is not the id of a resource.
const ROUTES_WITHOUT_ID: [&str; 2] = ["/admin/islands/{*call}", "/admin/account/sessions/{session}/revocation"];

#[apply(on_both_databases!)]
async fn missing_and_forbidden_are_indistinguishable(test: TestDb) {
    let Actors { app, people } = Actors::new(test).await;
    let before = app.all_content().await;
    let mut wrong = Vec::new();
    for route in guarded_routes(|path| path.contains('{') && !ROUTES_WITHOUT_ID.contains(&path)) {
        let Route { method, path, .. } = &route;
        let names = ["{id}", "{update}", "{correction}", "{session}"];
        let address = names.iter().fold((*path).to_owned(), |path, name| path.replace(name, NEVER));
        for who in &people {
            let answer = who.request(method, &address).await;
            let is_right = match who.expected_access(&route) {
                AccessResult::Nothing => answer.status == StatusCode::NOT_FOUND,
                expected => expected.matches_answer(method, &address, &answer),
            };
            if !is_right {
                wrong.push(format!("{} {method} {path}: {} {}", who.name, answer.status, answer.location()));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(app.all_content().await == before, "a request changed content");
}

/// Every public path except `/events`, whose stream never ends; see tests/it/event_stream.rs.
fn public_paths() -> Vec<&'static str> {
    let patterns = candor::publish::address::ADDRESSES.iter().map(|address| address.pattern);
    let paths: Vec<_> = patterns.filter(|path| *path != "/events").collect();
    assert!(paths.contains(&"/") && paths.contains(&"/incidents/{id}"), "{paths:?}");
    paths
}

/// The addresses of a path with `id` as its parameters. A wildcard is replaced by each folder of the Site's documents.
fn fill_path(path: &str, id: &str) -> Vec<String> {
    match (path.find('{'), path.rfind('}')) {
        (Some(begin), Some(end)) if path[begin..].starts_with("{*") => {
            FOLDERS.iter().map(|folder| format!("{}{folder}{id}{}", &path[..begin], &path[end + 1..])).collect()
        }
        (Some(begin), Some(end)) => vec![format!("{}{id}{}", &path[..begin], &path[end + 1..])],
        _ => vec![path.to_owned()],
    }
}

const FOLDERS: [&str; 4] = ["", "incidents/", "scheduled-maintenances/", "components/"];

const ENDINGS: [&str; 5] = ["", ".json", ".ics", "?before=1", "/"];

fn addresses_with_id(id: &str) -> Vec<String> {
    let paths = public_paths().into_iter().filter(|path| path.contains('{'));
    let addresses = paths.flat_map(|path| fill_path(path, id));
    addresses.flat_map(|address| ENDINGS.map(|ending| format!("{address}{ending}"))).collect()
}

#[apply(on_both_databases!)]
async fn visitors_get_identical_responses(test: TestDb) {
    let Actors { app, people } = Actors::new(test).await;
    let plain = public_paths().into_iter().filter(|path| !path.contains('{')).map(str::to_owned);
    for address in plain.chain(addresses_with_id(PUBLIC)) {
        let plain = comparable_answer(&people[0].request(&Method::GET, &address).await, PUBLIC);
        for who in &people[1..] {
            let answer = who.request(&Method::GET, &address).await;
            assert!(answer.cookies().is_empty(), "{} {address}", who.name);
            let read = comparable_answer(&answer, PUBLIC);
            assert!(read == plain, "{} reads {address} otherwise: {:?} {:?}", who.name, read.1, plain.1);
        }
        for id in HIDDEN {
            assert!(!plain.2.contains(id), "{address} names {id}");
        }
    }
    for address in ["/incidents/ID", "/incidents/ID.json", "/api/v2/incidents/ID.json"] {
        assert!(addresses_with_id(PUBLIC).contains(&address.replace("ID", PUBLIC)), "{address} is walked");
        assert_eq!(app.visitor().get(&address.replace("ID", PUBLIC)).await.status, StatusCode::OK, "{address}");
    }
}

#[apply(on_both_databases!)]
async fn hidden_incidents_answer_like_missing_ones(test: TestDb) {
    let Actors { app: _app, people } = Actors::new(test).await;
    for (place, address) in addresses_with_id(NEVER).iter().enumerate() {
        for who in &people {
            let never = who.request(&Method::GET, address).await;
            // A slash at the end redirects without looking for the document.
            let path = address.split('?').next().unwrap();
            let is_redirected = canonical_path(path).is_some();
            let is_readable = PublicAddress::find(path).is_none_or(PublicAddress::is_readable);
            let status = match (is_redirected, is_readable) {
                (true, _) => StatusCode::PERMANENT_REDIRECT,
                (false, true) => StatusCode::NOT_FOUND,
                (false, false) => StatusCode::METHOD_NOT_ALLOWED,
            };
            assert_eq!(never.status, status, "{address}");
            let never = comparable_answer(&never, NEVER);
            for id in HIDDEN {
                let answer = who.request(&Method::GET, &addresses_with_id(id)[place]).await;
                assert!(comparable_answer(&answer, id) == never, "{} learns of {id} at {address}", who.name);
            }
        }
    }
}

/// Removes what two published incidents do not share: links to the previous and the next one, the version of the
/// picture, and headers that depend on the bytes or the time of publication.
fn remove_place_in_history((_, headers, body): &mut (StatusCode, Vec<String>, String)) {
    headers.retain(|header| !header.starts_with("etag") && !header.starts_with("last-modified"));
    if let Some((before, rest)) = body.split_once("<nav aria-label=\"Other incidents\"") {
        *body = format!("{before}{}", rest.split_once("</nav>").unwrap().1);
    }
    if let Some((before, rest)) = body.split_once(".png?v=") {
        *body = format!("{before}{}", rest.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
}

#[apply(on_both_databases!)]
async fn unpublished_texts_are_never_public(test: TestDb) {
    let actors = Actors::new(test).await;
    for (unsaid, public) in addresses_with_id(UNPUBLISHED).iter().zip(addresses_with_id(PUBLIC)) {
        for who in &actors.people {
            let mut answer = comparable_answer(&who.request(&Method::GET, unsaid).await, UNPUBLISHED);
            let mut like = comparable_answer(&who.request(&Method::GET, &public).await, PUBLIC);
            for one in [&mut answer, &mut like] {
                remove_place_in_history(one);
            }
            assert_eq!(answer, like, "{} is told of it at {unsaid}", who.name);
        }
    }
    let plain = public_paths().into_iter().filter(|path| !path.contains('{'));
    for path in plain {
        let answer = actors.app.visitor().get(path).await;
        assert!(!String::from_utf8_lossy(&answer.body).contains(UNPUBLISHED_TEXT), "{path}");
    }
}

#[apply(on_both_databases!)]
async fn token_works_only_for_the_api(test: TestDb) {
    let Actors { app, people } = Actors::new(test).await;
    for who in &people {
        let answer = who.request(&Method::GET, "/v1/token").await;
        let expected = if who.api_role.is_some() { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        assert_eq!(answer.status, expected, "{}: a session is no token", who.name);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let before = app.all_content().await;
    for Route { method, path, .. } in guarded_routes(|path| !path.contains('{')) {
        for who in people.iter().filter(|who| who.role.is_none()) {
            let answer = who.request(&method, path).await;
            assert!(AccessResult::Login.matches_answer(&method, path, &answer), "{} {method} {path}", who.name);
        }
    }
    assert!(app.all_content().await == before, "a request changed content");
}

/// Public admin routes that are not in the list of public pages: the callback of the identity provider redirects, and
/// the second step of a login is the last page of `end2end/pages/account.ts`.
const PUBLIC_ROUTES_TESTED_ELSEWHERE: [&str; 2] = [candor::oidc::CALLBACK, "/login/factor"];

/// The addresses that `end2end/tests/accessibility.spec.ts` checks, as route patterns.
fn check_access() -> Vec<&'static str> {
    let (_, list) = include_str!("../../end2end/pages/public.ts").split_once("function publicPages").unwrap();
    let (list, _) = list.split_once("\n}\n").unwrap();
    list.lines().filter_map(|line| line.trim().strip_prefix('\'')?.split_once("': [").map(|(path, _)| path)).collect()
}

#[apply(on_both_databases!)]
async fn every_public_page_is_saved_for_axe(test: TestDb) {
    let Actors { app, .. } = Actors::new(test).await;
    let month = app.clock.now().format("%Y-%m").to_string();
    let mut pages = Vec::new();
    for path in public_paths() {
        let addresses = [PUBLIC, &month, "frame"].into_iter().flat_map(|id| fill_path(path, id));
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
    let open = open.map(|route| route.path).filter(|path| !PUBLIC_ROUTES_TESTED_ELSEWHERE.contains(path));
    let judged = check_access();
    let forgotten: Vec<_> = pages.into_iter().chain(open).filter(|path| !judged.contains(path)).collect();
    assert_eq!(forgotten, [""; 0], "add them to end2end/pages/public.ts");
}
