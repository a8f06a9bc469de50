//! Submitted text survives every failure: the answer is the form with the text, without secrets.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use candor::domain::Role::{Owner, Publisher};
use candor::web::access::routes::Access;
use candor::web::admin::routes;
use futures_util::future::join_all;

use crate::database_outage::without_database;
use crate::support::TestDb;
use crate::support::app::{Answer, Browser, TestApp};

const TITLE: &str = "Logins <b>fail</b>";
const BODY: &str = "We look into it.\n\n</textarea><script>alert(1)</script> & \"more\"";
const SECRET: &str = "harbour crane whistles";

fn browser_without_database(app: &TestApp) -> Browser {
    app.restart_with(without_database(app)).1
}

/// The fields of the form that resubmits everything, in page order.
fn fields_again(answer: &Answer) -> Vec<(String, String)> {
    let page = answer.page();
    let fields = page.select("main form input, main form textarea");
    let value = |field: &crate::support::html::Element| match field.name.as_str() {
        "textarea" => field.text.strip_prefix('\n').unwrap_or(&field.text).to_owned(),
        _ => field.attr("value").unwrap_or_default().to_owned(),
    };
    fields.into_iter().map(|field| (field.attr("name").unwrap_or_default().to_owned(), value(field))).collect()
}

/// The addresses of forms, with example ids.
fn addresses() -> Vec<(&'static str, String, bool)> {
    let routes = routes();
    let posts = routes.table().iter().filter(|route| route.method == Method::POST);
    let address = |path: &str| {
        let ids = ["{id}", "{update}", "{correction}", "{session}", "{token}"];
        ids.into_iter().fold(path.replace("{*call}", "preview"), |path, id| path.replace(id, "it"))
    };
    posts.map(|route| (route.path, address(route.path), route.access != Access::Public)).collect()
}

#[apply(on_both_databases!)]
async fn every_form_returns_its_text_during_an_outage(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = browser_without_database(&app);
    browser.cookies = app.logged_in(Owner).await.cookies;
    let fields = [("version", "7"), ("title", TITLE), ("body", BODY), ("password", SECRET), ("component.a", "")];
    let forms = addresses().into_iter().filter(|(path, ..)| !path.starts_with("/admin/islands/"));
    // All at once, because each waits until the database has not answered for seconds.
    let answers = join_all(forms.map(async |(path, address, is_guarded)| {
        (path, browser.clone().post(&address, &fields).await, address, is_guarded)
    }));
    let mut walked = 0;
    for (path, answer, address, is_guarded) in answers.await {
        if !is_guarded && answer.status != StatusCode::SERVICE_UNAVAILABLE {
            continue;
        }
        walked += 1;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {}", answer.text());
        assert_eq!(answer.word("h1"), "Not available right now", "{path}");
        assert_eq!(answer.header("retry-after"), "5", "{path}");
        assert_eq!(answer.attributes("main form", "action"), [address.as_str()], "{path}");
        let sent = [("version", "7"), ("title", TITLE), ("body", BODY), ("password", "")];
        let sent: Vec<_> = sent.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(fields_again(&answer), sent, "{path}");
        assert!(!answer.text().contains(SECRET) && !answer.text().contains("<script>alert"), "{path}");
        assert!(answer.cookies().is_empty(), "{path}: the session is not thrown away");
    }
    assert!(walked > 50, "{walked}");
}

#[apply(on_both_databases!)]
async fn a_form_that_failed_can_be_sent_again(test: TestDb) {
    let app = TestApp::new(test).await;
    let component = app.component("API").await;
    let mut browser = app.logged_in(Publisher).await;
    let new_id = browser.get("/admin/incidents/new").await.field("new_id");
    let status = format!("component.{}", component.id);
    let fields = [
        ("new_id", new_id.as_str()),
        ("title", TITLE),
        ("phase", "identified"),
        ("visibility", "public"),
        (status.as_str(), "major_outage"),
        ("body", BODY),
    ];
    let mut away = browser_without_database(&app);
    away.cookies.clone_from(&browser.cookies);
    let failed = away.post("/admin/incidents", &fields).await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    let again = fields_again(&failed);
    let again: Vec<_> = again.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = browser.post(&failed.attributes("main form", "action").concat(), &again).await;
    assert!(answer.location().ends_with("?done=incident-opened"), "{}", answer.text());
    let opened = app.incident(&new_id).await;
    assert_eq!((opened.title.as_str(), opened.updates[0].body.as_str()), (TITLE, BODY));
    assert_eq!(opened.updates[0].components.len(), 1);
}

#[apply(on_both_databases!)]
async fn failed_write_returns_the_text(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = app.logged_in(Publisher).await;
    app.tamper("alter table drafts rename to lost", "alter table drafts rename to lost").await;
    let answer = browser.post("/admin/incidents", &[("title", TITLE), ("body", BODY), ("save_draft", "1")]).await;
    assert!(answer.status.is_server_error(), "{}", answer.status);
    assert_eq!((answer.field("title"), answer.field("body")), (TITLE.into(), BODY.into()));
    assert_eq!(answer.field("save_draft"), "1");
    if answer.status == StatusCode::INTERNAL_SERVER_ERROR {
        assert!(answer.attributes("nav a", "href").contains(&"/admin/incidents".to_owned()), "{}", answer.text());
    }
}

#[apply(on_both_databases!)]
async fn session_ended_in_handler_returns_the_text(test: TestDb) {
    let app = TestApp::new(test).await;
    let answer = app.visitor().post("/admin/incidents", &[("new_id", "x"), ("title", TITLE), ("body", BODY)]).await;
    assert_eq!((answer.status, answer.word("h1").as_str()), (StatusCode::UNAUTHORIZED, "Your session has ended"));
    assert_eq!(answer.attributes("main form", "action"), ["/admin/incidents"]);
    let sent = [("new_id", "x"), ("title", TITLE), ("body", BODY)].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(fields_again(&answer), sent);
    let mut logged_in = app.logged_in(Publisher).await;
    let fields = [("title", TITLE), ("body", BODY), ("phase", "identified")];
    let response = logged_in.post("/admin/incidents", &fields).await;
    assert!(response.location().ends_with("?done=incident-opened"), "{}", response.text());
}

#[apply(on_both_databases!)]
async fn conflict_without_page_returns_the_form(test: TestDb) {
    let app = TestApp::new(test).await;
    let component = app.component("API").await;
    let mut browser = app.logged_in(Publisher).await;
    let address = format!("/admin/components/{}/status", component.id);
    let stale = browser.post(&address, &[("version", "0"), ("status", "major_outage")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert_eq!((stale.field("version"), stale.field("status")), ("0".into(), "major_outage".into()));
    assert!(stale.attributes("nav a", "href").contains(&"/admin/incidents".to_owned()));
}

#[apply(on_both_databases!)]
async fn oversized_form_is_returned_as_far_as_it_fits(test: TestDb) {
    let app = TestApp::new(test).await;
    let (owner, mut publisher) = (app.logged_in(Owner).await, app.logged_in(Publisher).await);
    let before = app.all_content().await;
    let text = "Words of a long log. ".repeat(30_000);
    for (mut browser, least) in [(owner, 400_000), (app.visitor(), 100_000)] {
        let answer = browser.post("/admin/incidents", &[("title", TITLE), ("body", &text)]).await;
        assert_eq!((answer.status, answer.word("h1").as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "Too large"));
        let back = answer.field("body");
        assert!(text.starts_with(&back) && back.len() > least, "{}", back.len());
        assert!(answer.attributes("main form", "action").is_empty(), "a part of a text is not sent again");
    }
    let unfit = [("body", BODY)].repeat(201);
    let answer = publisher.post("/admin/incidents", &unfit).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.word("main").contains("too many fields"), "{}", answer.text());
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn cross_origin_request_gets_text_without_form(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = app.logged_in(Owner).await;
    let before = app.all_content().await;
    for headers in [&[][..], &[("origin", "null")], &[("sec-fetch-site", "cross-site")]] {
        let fields = [("title", TITLE), ("body", BODY), ("password", SECRET)];
        let answer = browser.post_with("/admin/incidents", &fields, headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.word("main").contains("Cross-site request denied"), "{}", answer.text());
        assert_eq!((answer.field("title"), answer.field("body")), (TITLE.into(), BODY.into()));
        assert_eq!(answer.attributes("main textarea[readonly]", "name"), ["title", "body"]);
        assert!(answer.attributes("main form", "action").is_empty(), "nothing of a foreign page acts");
        assert!(!answer.text().contains(SECRET) && answer.cookies().is_empty());
    }
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn the_longest_message_survives_an_outage_whole(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut browser = browser_without_database(&app);
    browser.cookies = app.logged_in(Publisher).await.cookies;
    for sign in ["x", "夜", "\u{1f6a2}", "<"] {
        let text = sign.repeat(25_000);
        let answer = browser.post("/admin/incidents", &[("title", TITLE), ("body", &text)]).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.field("body") == text, "{sign}");
        assert_eq!(answer.attributes("main form", "action"), ["/admin/incidents"], "{sign}");
    }
}

#[apply(on_both_databases!)]
async fn scripts_get_no_page_for_a_failed_call(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    let mut browser = browser_without_database(&app);
    browser.cookies.clone_from(&publisher.cookies);
    let headers = [("sec-fetch-site", "same-origin"), ("accept", "application/json")];
    let challenge = browser.post_with("/admin/account/passkeys/challenge", &[("body", BODY)], &headers).await;
    assert_eq!(challenge.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(challenge.header("content-type"), "application/json");
    let address = "/admin/islands/preview";
    let long = "x".repeat(25_001);
    let calls = [(&[("body", "**x**")][..], 200), (&[], 400), (&[("other", "x")], 400), (&[("body", &long)], 422)];
    for (fields, status) in calls {
        let answer = publisher.post(address, fields).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    }
    let script_headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    for body in ["{", "{\"body\":\"x\"}", "\u{0}", "[[[["] {
        let answer = publisher.send(Method::POST, address, &script_headers, Body::from(body)).await;
        assert!(answer.status.is_client_error(), "{body:?}: {}", answer.status);
    }
    let unknown = publisher.post("/admin/islands/nothing", &[("body", "x")]).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}
