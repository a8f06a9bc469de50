//! Subscribers in the admin: the notify switch of every composer, the list, import and export.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use candor::actions;
use candor::actions::subscribers::SubscriberKeys;
use candor::domain::ComponentId;
use candor::domain::Role::{Owner, Publisher, Viewer};
use candor::domain::audit::Actor;
use candor::domain::notice::Event;
use candor::domain::operator_endpoint::OperatorEndpoint;
use candor::domain::subscriber::{Channel, Scope, SubscriberState};
use candor::notify::Mailer;
use candor::worker::measure_queue;
use chrono::TimeDelta;
use serde_json::Value;

use crate::support::app::{Answer, Browser, ORIGIN, TestApp, status_of};
use crate::support::subscribers::{self, add_in, add_to_component, add_to_incident, add_to_page, notices};
use crate::support::{TestDb, fixtures, noon_in};

const OPEN: [(&str, &str); 3] = [("title", "Mail is late"), ("phase", "investigating"), ("body", "Text")];

/// The fields with the switch off.
fn without_notify<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().copied().chain([("notify_switch", "1")]).collect()
}

/// The fields with the switch on.
fn with_notify<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().copied().chain([("notify_switch", "1"), ("notify", "1")]).collect()
}

/// The events of all notices, sorted by their keys.
async fn events(app: &TestApp) -> Vec<Event> {
    let mut events: Vec<Event> = notices(app).await.into_iter().map(|progress| progress.notice.event).collect();
    events.sort_by_key(|event| event.key());
    events
}

fn id_of(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    answer.location().rsplit('/').next().unwrap().split('?').next().unwrap().to_owned()
}

#[apply(on_both_databases!)]
async fn notify_switch_decides_whether_an_incident_notifies(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    publisher.post("/admin/incidents", &without_notify(&OPEN)).await;
    assert_eq!(events(&app).await, []);
    let id = id_of(&publisher.post("/admin/incidents", &with_notify(&OPEN)).await);
    assert_eq!(events(&app).await, [Event::IncidentOpened]);
    let path = format!("/admin/incidents/{id}/updates");
    let version = app.incident(&id).await.version.to_string();
    let update = [("version", version.as_str()), ("phase", "identified"), ("body", "Found")];
    publisher.post(&path, &without_notify(&update)).await;
    assert_eq!(events(&app).await, [Event::IncidentOpened]);
    let version = app.incident(&id).await.version.to_string();
    let update = [("version", version.as_str()), ("phase", "resolved"), ("body", "Over")];
    publisher.post(&path, &with_notify(&update)).await;
    assert_eq!(events(&app).await, [Event::IncidentOpened, Event::IncidentResolved]);
    let postmortem = format!("/admin/incidents/{id}/postmortem");
    let fields = [("version", "0"), ("body", "A cable was cut."), ("publish", "1")];
    publisher.post(&postmortem, &without_notify(&fields)).await;
    assert_eq!(events(&app).await.len(), 2);
}

#[apply(on_both_databases!)]
async fn a_published_postmortem_notifies_unless_switched_off(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    app.add(&[fixtures::resolved("late", app.clock.now() - TimeDelta::hours(2), TimeDelta::hours(1))]).await;
    let page = publisher.get("/admin/incidents/late/postmortem").await;
    assert_eq!(page.attributes("#notify", "checked").len(), 1);
    let fields = [("version", "0"), ("body", "A cable was cut."), ("publish", "1")];
    publisher.post("/admin/incidents/late/postmortem", &with_notify(&fields)).await;
    assert_eq!(events(&app).await, [Event::PostmortemPublished]);
    let repeated = publisher.get("/admin/incidents/late/postmortem").await;
    assert_eq!(repeated.words("#notify").len(), 0, "a later version notifies no subscribers");
}

#[apply(on_both_databases!)]
async fn backfilled_incident_notifies_only_on_request(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    let over = [("title", "Mail was late"), ("phase", "resolved"), ("body", "Text")];
    publisher.post("/admin/incidents", &with_notify(&over)).await;
    assert_eq!(events(&app).await, []);
    let wanted: Vec<_> = with_notify(&over).into_iter().chain([("notify_backfill", "1")]).collect();
    publisher.post("/admin/incidents", &wanted).await;
    assert_eq!(events(&app).await, [Event::IncidentResolved]);
}

#[apply(on_both_databases!)]
async fn publishing_an_internal_incident_follows_the_switch(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    for (fields, expected) in [(false, 0), (true, 1)] {
        let internal: Vec<_> = with_notify(&OPEN).into_iter().chain([("visibility", "internal")]).collect();
        let id = id_of(&publisher.post("/admin/incidents", &internal).await);
        assert_eq!(events(&app).await.len(), 0, "an internal incident notifies no subscribers");
        let version = app.incident(&id).await.version.to_string();
        let publish = [("version", version.as_str())];
        let fields = if fields { with_notify(&publish) } else { without_notify(&publish) };
        publisher.post(&format!("/admin/incidents/{id}/publication"), &fields).await;
        assert_eq!(events(&app).await.len(), expected);
    }
}

#[apply(on_both_databases!)]
async fn notify_switch_covers_maintenance_and_its_steps(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    let (from, until) = (noon_in(1), noon_in(1) + TimeDelta::hours(1));
    let [from, until] = [from, until].map(|at| at.format("%Y-%m-%dT%H:%M").to_string());
    let plan = [
        ("title", "Upgrade"),
        ("body", "Text"),
        ("scheduled_for", from.as_str()),
        ("scheduled_until", until.as_str()),
        ("zone", "Etc/UTC"),
        ("starts", "1"),
        ("completes", "1"),
        ("notify_steps_shown", "1"),
    ];
    let id = id_of(&publisher.post("/admin/maintenances", &without_notify(&plan)).await);
    assert_eq!(events(&app).await, []);
    let mut tx = app.db.read().await.unwrap();
    assert!(!actions::notices::steps_notify(&mut tx, &id).await.unwrap());
    drop(tx);
    let path = format!("/admin/maintenances/{id}");
    assert_eq!(publisher.get(&format!("{path}/edit")).await.attributes("#notify_steps", "checked").len(), 0);
    let step = |version: i64| version.to_string();
    let version = step(app.maintenance(&id).await.version);
    publisher.post(&format!("{path}/beginning"), &with_notify(&[("version", &version)])).await;
    assert_eq!(events(&app).await, [Event::MaintenanceStarted]);
    let version = step(app.maintenance(&id).await.version);
    publisher.post(&format!("{path}/completion"), &without_notify(&[("version", &version)])).await;
    assert_eq!(events(&app).await, [Event::MaintenanceStarted]);
    publisher.post("/admin/maintenances", &with_notify(&plan)).await;
    assert_eq!(events(&app).await, [Event::MaintenanceScheduled, Event::MaintenanceStarted]);
}

#[apply(on_both_databases!)]
async fn publish_button_states_a_truthful_number(test: TestDb) {
    let app = TestApp::new(test).await;
    let mail = app.component("Mail").await;
    let mut publisher = app.logged_in(Publisher).await;
    let button = |page: &Answer| page.word(".bar button.primary .while-public");
    let page = publisher.get("/admin/incidents/new").await;
    assert_eq!(button(&page), "Publish incident");
    assert_eq!(page.word(".notify .hint"), "No subscribers yet.");
    add_to_page(&app, "ines@example.org").await;
    add_to_page(&app, "rui@example.org").await;
    assert_eq!(button(&publisher.get("/admin/incidents/new").await), "Publish incident and notify 2 subscribers");
    add_to_component(&app, "ana@example.org", &mail.id).await;
    add_in(&app, "late@example.org", Scope::Page, SubscriberState::Unconfirmed).await;
    let page = publisher.get("/admin/incidents/new").await;
    assert_eq!(button(&page), "Publish incident and notify up to 3 subscribers");
    assert_eq!(page.word(".notify span"), "Notify up to 3 subscribers");
    assert!(page.word(".notify").contains("E-mail"), "{}", page.word(".notify"));
    for (component, count) in [(&mail, "3 subscribers"), (&app.component("API").await, "2 subscribers")] {
        let status = status_of(&component.id);
        let chosen = [OPEN.as_slice(), &[(status.as_str(), "major_outage"), ("live", "1")]].concat();
        let preview = publisher.post("/admin/incidents", &chosen).await;
        assert_eq!(preview.word("#messages [data-recipients]"), count);
    }
    let mut affected = fixtures::incident("slow", app.clock.now());
    affected.updates[0].components.clear();
    app.add(&[affected]).await;
    add_to_incident(&app, "one@example.org", "slow").await;
    add_to_incident(&app, "ines@example.org", "slow").await;
    let page = publisher.get("/admin/incidents/slow").await;
    let button = page.word(".bar button.primary");
    assert!(button.starts_with("Publish update"), "{button}");
    assert!(
        button.ends_with(" and notify up to 4 subscribers"),
        "an address that gets it anyway counts once: {button}"
    );
}

#[apply(on_both_databases!)]
async fn templates_and_drafts_carry_the_switch(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut publisher = app.logged_in(Publisher).await;
    let template = [("name", "Quiet"), ("title", "Slow"), ("phase", "investigating"), ("body", "Text")];
    publisher.post("/admin/templates", &without_notify(&template)).await;
    let id = app.texts("select id from templates").await.remove(0);
    let is_on = |page: &Answer| !page.attributes("#notify", "checked").is_empty();
    assert!(!is_on(&publisher.get(&format!("/admin/templates/{id}/edit")).await));
    assert!(!is_on(&publisher.get(&format!("/admin/incidents/new?template={id}")).await));
    assert!(is_on(&publisher.get("/admin/incidents/new").await));
    let draft: Vec<_> = without_notify(&OPEN).into_iter().chain([("save_draft", "1")]).collect();
    publisher.post("/admin/incidents", &draft).await;
    let draft = app.texts("select id from drafts").await.remove(0);
    assert!(!is_on(&publisher.get(&format!("/admin/drafts/{draft}")).await));
    let wrong = publisher.post("/admin/incidents", &without_notify(&[("title", "")])).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && !is_on(&wrong), "{}", wrong.status);
}

#[apply(on_both_databases!)]
async fn viewers_see_counts_and_no_addresses(test: TestDb) {
    let app = TestApp::new(test).await;
    let ines = add_to_page(&app, "ines@example.org").await;
    let mut viewer = app.logged_in(Viewer).await;
    let list = viewer.get("/admin/subscribers").await;
    assert!(list.status == StatusCode::OK && !list.text().contains("ines@"), "{}", list.text());
    assert_eq!(list.words("tbody td")[0], "1");
    let found = viewer.get(&format!("/admin/subscribers/{}", ines.id)).await;
    assert_eq!(found.status, StatusCode::FORBIDDEN);
    let list = app.logged_in(Publisher).await.get("/admin/subscribers").await;
    assert!(list.text().contains("ines@example.org") && list.words("input[name=subscriber]").is_empty());
}

#[apply(on_both_databases!)]
async fn subscribers_are_searched_and_paged(test: TestDb) {
    let app = TestApp::new(test).await;
    for number in 0..60 {
        add_to_page(&app, &format!("reader{number}@example.org")).await;
        app.clock.advance(TimeDelta::seconds(1));
    }
    add_in(&app, "rui@example.net", Scope::Page, SubscriberState::Unconfirmed).await;
    let mut owner = app.logged_in(Owner).await;
    let first = owner.get("/admin/subscribers?state=active").await;
    assert_eq!(first.words("form tbody tr").len(), 50);
    let older = first.attributes("a[rel=next]", "href").remove(0);
    assert_eq!(owner.get(&older).await.words("form tbody tr").len(), 10);
    for (query, count) in [("q=example.net", 1), ("q=READER5", 11), ("state=unconfirmed", 1), ("channel=slack", 0)] {
        let found = owner.get(&format!("/admin/subscribers?{query}")).await;
        assert_eq!(found.words("form tbody tr").len(), count, "{query}");
    }
}

#[apply(on_both_databases!)]
async fn an_owner_adds_and_changes_a_subscriber(test: TestDb) {
    let app = TestApp::new(test).await;
    let api = app.component("API").await;
    let mut owner = app.logged_in(Owner).await;
    let wrong = [("email", "ines"), ("endpoint", "http://x"), ("scope", "components"), ("incidents", "none")];
    let answer = owner.post("/admin/subscribers", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["email", "endpoint", "scope", "incidents"] {
        assert!(!answer.message(field).is_empty(), "{field}: {}", answer.text());
    }
    let fields = [("email", "Ines@Example.org"), ("scope", "page"), ("incidents", "all"), ("maintenance", "1")];
    let confirmed: Vec<_> = fields.into_iter().chain([("confirmed", "1")]).collect();
    let id = id_of(&owner.post("/admin/subscribers", &confirmed).await);
    assert_eq!(subscribers::find(&app, "ines@example.org").await.unwrap().state, SubscriberState::Active);
    assert_eq!(owner.post("/admin/subscribers", &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let choices = [
        ("version", "1"),
        ("scope", "components"),
        ("component", api.id.as_str()),
        ("incidents", "opened_and_resolved"),
    ];
    let path = format!("/admin/subscribers/{id}");
    assert!(owner.post(&path, &choices).await.location().ends_with("done=subscriber-saved"));
    let saved = subscribers::find(&app, "ines@example.org").await.unwrap();
    assert_eq!((saved.scope, saved.maintenance), (Scope::Components(vec![api.id.clone()]), false));
    assert_eq!(owner.post(&path, &choices).await.status, StatusCode::CONFLICT, "the version is old");
    assert!(owner.get(&path).await.text().contains("New and resolved incidents"));
}

#[apply(on_both_databases!)]
async fn selected_subscribers_change_together(test: TestDb) {
    let app = TestApp::new(test).await;
    let pending = add_in(&app, "pending@example.org", Scope::Page, SubscriberState::Unconfirmed).await;
    let broken = add_in(&app, "broken@example.org", Scope::Page, SubscriberState::Quarantined).await;
    let active = add_to_page(&app, "active@example.org").await;
    let mut owner = app.logged_in(Owner).await;
    let ids = [pending.id.to_string(), broken.id.to_string(), active.id.to_string(), "unknown".to_owned()];
    let fields = |action: &'static str| -> Vec<(&str, &str)> {
        ids.iter().map(|id| ("subscriber", id.as_str())).chain([("do", action)]).collect()
    };
    let mails = app.number("select count(*) from outbox").await;
    owner.post("/admin/subscribers/selection", &fields("resend")).await;
    assert_eq!(app.number("select count(*) from outbox").await, mails + 1);
    owner.post("/admin/subscribers/selection", &fields("reactivate")).await;
    assert_eq!(subscribers::find(&app, "broken@example.org").await.unwrap().state, SubscriberState::Active);
    let gone = owner.post("/admin/subscribers/selection", &fields("unsubscribe")).await;
    assert!(gone.location().ends_with("done=subscribers-changed"), "{}", gone.location());
    assert!(subscribers::all(&app).await.is_empty());
    assert_eq!(app.number("select count(*) from suppressions").await, 3);
    let none = owner.post("/admin/subscribers/selection", &fields("unsubscribe")).await;
    assert!(none.location().ends_with("done=subscribers-unchanged"), "{}", none.location());
}

/// Posts a form with a file.
async fn upload(browser: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    let part = |name: &str, text: &str| {
        let file = if name == "file" { "; filename=\"list.csv\"" } else { "" };
        format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n")
    };
    let body: String = fields.iter().map(|(name, text)| part(name, text)).collect();
    let headers = [("content-type", "multipart/form-data; boundary=x"), ("sec-fetch-site", "same-origin")];
    browser.send(Method::POST, "/admin/subscribers/import", &headers, Body::from(format!("{body}--x--\r\n"))).await
}

#[apply(on_both_databases!)]
async fn a_list_is_previewed_and_imported_whole(test: TestDb) {
    let app = TestApp::new(test).await;
    app.component("API").await;
    add_to_page(&app, "known@example.org").await;
    let gone = add_to_page(&app, "gone@example.org").await;
    let mut owner = app.logged_in(Owner).await;
    owner.post(&format!("/admin/subscribers/{}/unsubscription", gone.id), &[]).await;
    let list = "email,endpoint,components\nines@example.org,,API\nknown@example.org,,\ngone@example.org,,\n\
                nonsense,,\nrui@example.org,https://hooks.slack.com/services/T/B/x,\nines@example.org,,\n";
    let preview = upload(&mut owner, &[("file", list), ("list", "")]).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text());
    assert_eq!(preview.word("#added"), "2 will be added");
    assert_eq!(preview.word("#skipped"), "4 will be skipped");
    assert!(preview.text().contains("Unsubscribed or complained here"), "{}", preview.text());
    assert_eq!(subscribers::all(&app).await.len(), 1, "a preview adds no subscribers");
    let refused = upload(&mut owner, &[("list", list), ("confirm", "1")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!((refused.message("consent").is_empty(), subscribers::all(&app).await.len()), (false, 1));
    let done = upload(&mut owner, &[("list", list), ("confirm", "1"), ("consent", "1")]).await;
    assert!(done.location().ends_with("done=subscribers-imported"), "{}", done.text());
    assert_eq!(subscribers::all(&app).await.len(), 3);
    assert_eq!(subscribers::find(&app, "rui@example.org").await.unwrap().channel, Channel::Slack);
    let row = app.audit().await.remove(0);
    assert_eq!((row.action.as_str(), row.subject_name.as_str()), ("subscriber.import", "2 added, 4 skipped"));
    let broken = upload(&mut owner, &[("list", "email\n")]).await;
    assert_eq!(broken.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[apply(on_both_databases!)]
async fn fifty_thousand_rows_are_imported_at_once(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    owner.get("/admin/subscribers/import").await;
    let list: String = (0..50_000).map(|number| format!("reader{number}@mail.example.org\n")).collect();
    let done = upload(&mut owner, &[("list", &list), ("confirm", "1"), ("consent", "1")]).await;
    assert!(done.location().ends_with("done=subscribers-imported"), "{}: {}", done.status, done.location());
    assert_eq!(app.number("select count(*) from subscribers").await, 50_000);
}

#[apply(on_both_databases!)]
async fn import_adds_every_new_address_once(test: TestDb) {
    let app = TestApp::new(test).await;
    let api = app.component("API").await;
    add_to_page(&app, "reader7@example.org").await;
    let links = subscribers::links(&app);
    let keys = SubscriberKeys { secret_key: &app.state.secret_key, links: &links };
    let scope = |number| match number % 2 {
        0 => Scope::Page,
        _ => Scope::Components(vec![api.id.clone(), ComponentId::parse("deleted").unwrap()]),
    };
    let state = |number| if number == 5 { SubscriberState::Quarantined } else { SubscriberState::Active };
    let wish = |number| subscribers::request(&format!("reader{number}@example.org"), scope(number));
    let wishes: Vec<_> = (0..2100).chain(0..10).map(|number| (wish(number), state(number))).collect();
    let mut tx = app.db.write().await.unwrap();
    let (added, entry) = actions::subscriber_import::import(&mut tx, keys, &wishes, 3, app.clock.now()).await.unwrap();
    tx.commit_private(&Actor::shell(), app.clock.now(), &[entry]).await.unwrap();
    assert_eq!((added, app.number("select count(*) from subscribers").await), (2099, 2100));
    assert_eq!(app.audit().await.remove(0).subject_name, "2099 added, 14 skipped");
    let last = subscribers::request("reader2099@example.org", scope(1));
    let mut tx = app.db.read().await.unwrap();
    let last = actions::subscribers::find_existing(&mut tx, &last).await.unwrap().unwrap();
    let broken = actions::subscribers::find_existing(&mut tx, &wish(5)).await.unwrap().unwrap();
    assert_eq!(last.scope, Scope::Components(vec![api.id.clone()]));
    assert_eq!((last.requested_at, last.confirmed_at), (app.clock.now(), Some(app.clock.now())));
    assert_eq!((last.state, last.quarantined_at, last.version), (SubscriberState::Active, None, 1));
    assert_eq!((broken.state, broken.quarantined_at), (SubscriberState::Quarantined, Some(app.clock.now())));
}

#[apply(on_both_databases!)]
async fn an_export_is_audited_and_can_be_imported(test: TestDb) {
    let app = TestApp::new(test).await;
    let api = app.component("API").await;
    add_to_component(&app, "ines@example.org", &api.id).await;
    add_to_page(&app, "rui@example.org").await;
    let mut owner = app.logged_in(Owner).await;
    let file = owner.post("/admin/subscribers/export", &[]).await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert!(file.header("content-disposition").contains("subscribers.csv"));
    assert_eq!(app.audit().await.remove(0).action, "subscriber.export");
    let before = subscribers::all(&app).await.into_iter().map(|it| (it.email, it.scope)).collect::<Vec<_>>();
    app.tamper("delete from subscribers", "delete from subscribers").await;
    upload(&mut owner, &[("list", &file.text()), ("confirm", "1"), ("consent", "1")]).await;
    let mut after = subscribers::all(&app).await.into_iter().map(|it| (it.email, it.scope)).collect::<Vec<_>>();
    let mut before = before;
    before.sort_by_key(|row| row.0.clone());
    after.sort_by_key(|row| row.0.clone());
    assert_eq!(after, before);
}

#[apply(on_both_databases!)]
async fn operator_channels_are_stored_encrypted(test: TestDb) {
    let app = TestApp::new(test).await;
    let mut owner = app.logged_in(Owner).await;
    let fields =
        [("channel", "ntfy"), ("server", "https://ntfy.example.org"), ("target", "harbor"), ("password", "tk_1")];
    let id = id_of(&owner.post("/admin/subscribers/channels", &fields).await);
    let ntfy = subscribers::all(&app).await.remove(0);
    assert_eq!((ntfy.channel, ntfy.state), (Channel::Ntfy, SubscriberState::Active));
    let mut tx = app.db.read().await.unwrap();
    let text = actions::subscribers::open_endpoint(&mut tx, &app.state.secret_key, &ntfy.id).await.unwrap().unwrap();
    drop(tx);
    let server = "https://ntfy.example.org".to_owned();
    let wanted = OperatorEndpoint::Ntfy { server, topic: "harbor".into(), token: "tk_1".into() };
    assert_eq!(OperatorEndpoint::from_text(Channel::Ntfy, &text), Some(wanted));
    let content = app.texts("select coalesce(endpoint, '') from subscribers").await.concat();
    assert!(!content.contains("tk_1") && !owner.get(&format!("/admin/subscribers/{id}")).await.text().contains("tk_1"));
    let repeated = owner.post("/admin/subscribers/channels", &fields).await;
    assert!(
        repeated.status == StatusCode::UNPROCESSABLE_ENTITY && !repeated.text().contains("tk_1"),
        "{}",
        repeated.status
    );
}

#[apply(on_both_databases!)]
async fn audit_rows_name_no_address(test: TestDb) {
    let app = TestApp::new(test).await;
    let links = subscribers::links(&app);
    let keys = SubscriberKeys { secret_key: &app.state.secret_key, links: &links };
    let now = app.clock.now();
    let mut tx = app.db.write().await.unwrap();
    let wish = subscribers::request("ines@example.org", Scope::Page);
    let (pending, added) =
        actions::subscribers::add(&mut tx, keys, &wish, SubscriberState::Unconfirmed, now).await.unwrap();
    let (active, confirmed) = actions::subscribers::confirm(&mut tx, keys, pending, now).await.unwrap();
    let quarantined =
        actions::subscribers::quarantine(&mut tx, keys, &active, ("5.1.1 unknown", false), now).await.unwrap();
    let erased = actions::subscribers::erase(&mut tx, keys, "ines@example.org", now).await.unwrap();
    let entries: Vec<_> = [added].into_iter().chain(confirmed).chain([quarantined]).chain(erased).collect();
    tx.commit_all(&Actor::shell(), now, &entries).await.unwrap();
    let rows = app.audit().await;
    let keys: Vec<&str> = rows.iter().rev().map(|row| row.action.as_str()).collect();
    assert_eq!(keys, ["subscriber.add", "subscriber.confirm", "subscriber.quarantine", "subscriber.erase"]);
    assert!(!format!("{rows:?}").contains("example.org"), "{rows:?}");
}

#[apply(on_both_databases!)]
async fn notices_list_shows_what_was_refused(test: TestDb) {
    let app = TestApp::new(test).await;
    add_to_page(&app, "ines@example.org").await;
    let mut owner = app.logged_in(Owner).await;
    owner.post("/admin/incidents", &with_notify(&OPEN)).await;
    let list = owner.get("/admin/subscribers/notices").await;
    assert!(list.text().contains("Mail is late") && list.text().contains("Still adding recipients"), "{}", list.text());
    let sql = "insert into deliveries (notice_id, subscriber_id, channel, rank, created_at, attempts, done_at, outcome,
                 reason)
               select n.id, s.id, s.channel, 2, n.created_at, 1, n.created_at, 'rejected', '550 5.1.1 no such user'
               from notices n, subscribers s";
    app.tamper(sql, sql).await;
    let list = owner.get("/admin/subscribers/notices").await;
    assert!(list.text().contains("1 × 550 5.1.1 no such user"), "{}", list.text());
    let ines = subscribers::find(&app, "ines@example.org").await.unwrap();
    let page = owner.get(&format!("/admin/subscribers/{}", ines.id)).await;
    assert!(page.text().contains("Refused: 550 5.1.1 no such user"), "{}", page.text());
}

#[apply(on_both_databases!)]
async fn a_stuck_queue_is_reported(test: TestDb) {
    let mailer = Mailer::new("smtp://127.0.0.1:9", "Status <status@tidewater.example>", ORIGIN, &[]).unwrap();
    let app = TestApp::with_mailer(test, mailer).await;
    add_to_page(&app, "ines@example.org").await;
    let manager = app.manager("Ines", Owner).await;
    let mut owner = app.with_session(&manager).await;
    owner.post("/admin/incidents", &with_notify(&OPEN)).await;
    let sql = "insert into deliveries (notice_id, subscriber_id, channel, rank, created_at, due_at, attempts)
               select n.id, s.id, s.channel, 2, n.created_at, n.created_at, 0 from notices n, subscribers s";
    app.tamper(sql, sql).await;
    measure_queue(&app.state).await;
    let trouble = async || {
        let answer = app.visitor().get("/readyz").await;
        serde_json::from_slice::<Value>(&answer.body).unwrap()["trouble"].clone()
    };
    assert_ne!(trouble().await, "queue");
    app.clock.advance(TimeDelta::minutes(16));
    app.state.worker_heartbeat().beat();
    app.state.mail_heartbeat().unwrap().beat();
    app.publish().await;
    measure_queue(&app.state).await;
    assert_eq!(trouble().await, "queue");
    let mut owner = app.with_session(&manager).await;
    for path in ["/admin", "/admin/subscribers", "/admin/subscribers/notices"] {
        assert!(owner.get(path).await.text().contains("messages are waiting, the oldest since"), "{path}");
    }
    let metrics = candor::web::edge::prometheus::render_metrics(&app.state);
    assert!(metrics.contains("candor_messages_waiting 1\n"), "{metrics}");
    assert!(metrics.contains("candor_oldest_mail_seconds 960\n"), "{metrics}");
}
