//! Subscribing: the form, the mailed links, the settings, and Statuspage's API. Mail goes to a real SMTP server.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use candor::actions::subscribers::{MAX_UNCONFIRMED_OF_HOST, quarantine};
use candor::credentials::subscriber_links::LinkKind;
use candor::db::subscribers::{self, SubscriberFilter};
use candor::domain::audit::Actor;
use candor::domain::subscriber::{Channel, IncidentEvents, Scope, SubscriberState};
use candor::domain::{Component, IncidentId, Subscriber};
use candor::notify::Mailer;
use candor::worker::sweep;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::app::{Answer, Browser, ORIGIN, TestApp};
use crate::support::smtp::{FakeSmtpServer, Mail};
use crate::support::{TestDb, fixtures};

const INES: &str = "ines@example.org";
/// What the form sends with its defaults.
const EVENTS: [(&str, &str); 4] = [("scope", "page"), ("incidents", "1"), ("detail", "all"), ("maintenance", "1")];
const ONE_CLICK: [(&str, &str); 1] = [("List-Unsubscribe", "One-Click")];

fn fields_sent(sent: &str) -> Vec<(&str, &str)> {
    [&[("channel", "email"), ("email", INES), ("sent", sent)][..], &EVENTS].concat()
}

async fn with_mail(test: TestDb) -> (TestApp, FakeSmtpServer) {
    let sink = FakeSmtpServer::open().await;
    let mailer = Mailer::new(&sink.url, "Status <status@tidewater.example>", ORIGIN, &[]).unwrap();
    (TestApp::with_mailer(test, mailer).await, sink)
}

/// Opens the form, waits as a person does, and sends it.
async fn subscribe_with(app: &TestApp, fields: &[(&str, &str)]) -> Answer {
    let mut browser = app.visitor();
    let sent = browser.get("/subscribe").await.field("sent");
    app.clock.advance(TimeDelta::seconds(3));
    browser.post("/subscribe", &[fields, &EVENTS, &[("sent", &sent)]].concat()).await
}

async fn subscribe(app: &TestApp, email: &str) -> Answer {
    subscribe_with(app, &[("channel", "email"), ("email", email)]).await
}

async fn new_mails(app: &TestApp, sink: &FakeSmtpServer) -> Vec<Mail> {
    let before = sink.mails().len();
    app.mail_worker().deliver_due().await.unwrap();
    sink.mails().split_off(before)
}

fn link(app: &TestApp, kind: LinkKind, subscriber: &Subscriber) -> String {
    let path = match kind {
        LinkKind::Confirm => "confirm",
        LinkKind::Manage => "manage",
        LinkKind::Unsubscribe => "unsubscribe",
    };
    format!("/subscribe/{path}/{}", app.subscriber_links().unwrap().token(kind, &subscriber.id))
}

fn mailed_path(mail: &Mail, kind: &str) -> String {
    let text = mail.text();
    let found = text.split_whitespace().find_map(|word| word.strip_prefix(ORIGIN)?.contains(kind).then_some(word));
    found.unwrap_or_else(|| panic!("{text}")).strip_prefix(ORIGIN).unwrap().to_owned()
}

async fn all(app: &TestApp) -> Vec<Subscriber> {
    let mut tx = app.db.read().await.unwrap();
    let mut found = subscribers::list(&mut tx, &SubscriberFilter::default(), None, 100).await.unwrap();
    found.sort_by(|a, b| a.email.cmp(&b.email));
    found
}

async fn only(app: &TestApp) -> Subscriber {
    let mut found = all(app).await;
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// A subscriber who has confirmed.
async fn active(app: &TestApp, email: &str) -> Subscriber {
    assert_eq!(subscribe(app, email).await.status, StatusCode::OK);
    let found = all(app).await.into_iter().find(|it| it.email.as_deref() == Some(email)).unwrap();
    let answer = app.visitor().post_with(&link(app, LinkKind::Confirm, &found), &[], &[]).await;
    assert_eq!(answer.word("h1"), "You are subscribed");
    find(app, &found).await
}

async fn find(app: &TestApp, subscriber: &Subscriber) -> Subscriber {
    subscribers::find(&mut app.db.read().await.unwrap(), &subscriber.id).await.unwrap()
}

async fn component(app: &TestApp, name: &str) -> Component {
    let component = app.component(name).await;
    app.publish().await;
    component
}

#[apply(on_both_databases!)]
async fn subscription_starts_when_the_mailed_link_is_confirmed(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let answer = subscribe(&app, " Ines@Example.org ").await;
    assert_eq!(
        (answer.status, answer.word("h1")),
        (StatusCode::OK, "Open the mail we sent to Ines@Example.org".into())
    );
    let pending = only(&app).await;
    assert_eq!((pending.state, pending.email.as_deref()), (SubscriberState::Unconfirmed, Some(INES)));
    let mails = new_mails(&app, &sink).await;
    assert_eq!((mails.len(), mails[0].to.clone()), (1, vec![format!("TO:<{INES}>")]));
    let path = mailed_path(&mails[0], "/subscribe/confirm/");
    let page = app.visitor().get(&path).await;
    assert_eq!((page.status, page.word("h1")), (StatusCode::OK, "Confirm your subscription".into()));
    assert_eq!(only(&app).await, pending, "GET changes nothing");
    let (revision, rows) = app.counts().await;
    let done = app.visitor().post(&path, &[]).await;
    assert_eq!((done.status, done.word("h1")), (StatusCode::OK, "You are subscribed".into()));
    let active = only(&app).await;
    assert_eq!((active.state, active.confirmed_at), (SubscriberState::Active, Some(app.clock.now())));
    assert_eq!(app.counts().await, (revision, rows + 1), "an audit row, but nothing to publish");
    let row = app.audit().await.remove(0);
    assert!(row.action == "subscriber.confirm" && !format!("{row:?}").contains(INES), "{row:?}");
    let settings = done.attributes(".back a", "href").remove(0);
    assert_eq!(app.visitor().get(&settings).await.word("h1"), "Your subscription by e-mail");
    assert_eq!(app.visitor().get(&path).await.word("h1"), "You are subscribed", "the link may be opened again");
}

#[apply(on_both_databases!)]
async fn answers_are_the_same_for_every_state(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let (pending, known, bad) = ("pending@example.org", "active@example.org", "bounces@example.org");
    let ended = "ended@example.org";
    subscribe(&app, pending).await;
    active(&app, known).await;
    let before = active(&app, bad).await;
    let gone = active(&app, ended).await;
    app.visitor().post_with(&link(&app, LinkKind::Unsubscribe, &gone), &ONE_CLICK, &[]).await;
    let (links, now) = (app.subscriber_links().unwrap(), app.clock.now());
    let keys = candor::actions::subscribers::SubscriberKeys { secret_key: &app.secret_key, links: &links };
    let mut tx = app.db.write().await.unwrap();
    let entry = quarantine(&mut tx, keys, &before, ("550 no such user", false), now).await.unwrap();
    tx.commit(&Actor::server(), now, entry).await.unwrap();
    app.clock.advance(TimeDelta::hours(2));
    new_mails(&app, &sink).await;
    let mut seen = Vec::new();
    let mut mailed = Vec::new();
    for email in ["new@example.org", pending, known, bad, ended] {
        let rows = app.number("select count(*) from outbox").await;
        let (revision, audit) = app.counts().await;
        let mut answer = subscribe(&app, email).await;
        // The address itself has another length.
        for name in ["x-request-id", "content-length"] {
            answer.headers.remove(name);
        }
        seen.push((answer.status, answer.headers.clone(), answer.text().replace(email, "EMAIL")));
        assert_eq!(app.number("select count(*) from outbox").await, rows + 1, "{email}");
        assert_eq!(app.counts().await, (revision, audit), "{email}");
        let mails = new_mails(&app, &sink).await;
        assert_eq!(mails.len(), 1, "{email}");
        mailed.push(if mails[0].text().contains("/subscribe/confirm/") { "confirm" } else { "settings" });
        // Again at once: the same answer, and no second mail.
        let again = subscribe(&app, email).await;
        assert_eq!(again.text().replace(email, "EMAIL"), seen[0].2, "{email}");
        assert!(new_mails(&app, &sink).await.is_empty(), "{email}");
    }
    assert!(seen.iter().all(|it| *it == seen[0]));
    assert_eq!(mailed, ["confirm", "confirm", "settings", "confirm", "confirm"]);
}

#[apply(on_both_databases!)]
async fn one_address_gets_three_mails_a_day(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    for _ in 0..30 {
        assert_eq!(subscribe(&app, INES).await.status, StatusCode::OK);
        app.mail_worker().deliver_due().await.unwrap();
        app.clock.advance(TimeDelta::minutes(10));
    }
    assert_eq!(sink.mails().len(), 3, "one an hour and three a day");
    app.clock.advance(TimeDelta::hours(44));
    sweep(&app).await.unwrap();
    assert!(!all(&app).await.is_empty(), "each request starts the 48 hours again");
    app.clock.advance(TimeDelta::hours(6));
    sweep(&app).await.unwrap();
    assert!(all(&app).await.is_empty(), "it was not confirmed");
}

#[apply(on_both_databases!)]
async fn requests_per_network_are_limited(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let mut browser = app.visitor();
    browser.peer = Some("192.0.2.1".parse().unwrap());
    let sent = browser.get("/subscribe").await.field("sent");
    app.clock.advance(TimeDelta::seconds(3));
    let mut send = async |number: usize| {
        let email = format!("nobody{number}@example.org");
        let fields = [("channel", "email"), ("email", &email), ("sent", &sent)];
        browser.post("/subscribe", &[&fields[..], &EVENTS].concat()).await
    };
    for number in 0..10 {
        assert_eq!(send(number).await.status, StatusCode::OK);
    }
    let refused = send(10).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.field("email"), "nobody10@example.org", "nothing typed is lost");
    assert_eq!(all(&app).await.len(), 10);
    let mut program = app.visitor();
    program.peer = Some("192.0.2.1".parse().unwrap());
    let fields = [("subscriber[email]", INES)];
    let answer = program.post_with("/api/v2/subscribers.json", &fields, &[]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "the API has the same limit");
    app.clock.advance(TimeDelta::minutes(6));
    assert_eq!(send(11).await.status, StatusCode::OK);
}

#[apply(on_both_databases!)]
async fn programs_that_fill_in_forms_are_ignored(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let trapped =
        subscribe_with(&app, &[("channel", "email"), ("email", INES), ("website", "https://spam.test")]).await;
    assert_eq!(trapped.word("h1"), format!("Open the mail we sent to {INES}"));
    let mut browser = app.visitor();
    let sent = browser.get("/subscribe").await.field("sent");
    let quick = browser.post("/subscribe", &fields_sent(&sent)).await;
    assert_eq!((quick.status, quick.field("email")), (StatusCode::UNPROCESSABLE_ENTITY, INES.to_owned()));
    for forged in ["", "1700000000000", "1700000000000.AAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(browser.post("/subscribe", &fields_sent(forged)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(all(&app).await.is_empty() && new_mails(&app, &sink).await.is_empty());
    app.clock.advance(TimeDelta::seconds(2));
    let sent = quick.field("sent");
    assert_eq!(browser.post("/subscribe", &fields_sent(&sent)).await.status, StatusCode::OK, "the second press counts");
}

#[apply(on_both_databases!)]
async fn odd_addresses_are_stored_in_one_form_or_rejected(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let long = format!("{}@example.org", "a".repeat(309));
    for rejected in [
        "\"a b\"@example.org",
        "a@[127.0.0.1]",
        "a@example.org\r\nBcc: b@example.org",
        "a@example.org,b@example.org",
        "<a@example.org>",
        "a@b@example.org",
        "a@localhost",
        &long,
        "",
    ] {
        assert_eq!(subscribe(&app, rejected).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{rejected:?}");
    }
    assert!(all(&app).await.is_empty());
    for (typed, stored) in [
        ("-oQ/tmp@example.org", "-oq/tmp@example.org"),
        ("a+b@example.org", "a+b@example.org"),
        ("A.B@Example.ORG", "a.b@example.org"),
        (" a.b@example.org ", "a.b@example.org"),
        ("ab@example.org", "ab@example.org"),
        ("ines@b\u{fc}cher.example", "ines@b\u{fc}cher.example"),
    ] {
        assert_eq!(subscribe(&app, typed).await.status, StatusCode::OK, "{typed}");
        assert_eq!(all(&app).await.iter().filter(|it| it.email.as_deref() == Some(stored)).count(), 1, "{typed}");
        app.clock.advance(TimeDelta::hours(1));
    }
    assert_eq!(all(&app).await.len(), 5, "two spellings of an address are one subscription");
}

#[apply(on_both_databases!)]
async fn invalid_fields_keep_what_was_typed(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let dns = component(&app, "DNS").await;
    let mut browser = app.visitor();
    let fields = [
        ("channel", "webhook"),
        ("email", "ines"),
        ("endpoint", "http://127.0.0.1/hook"),
        ("scope", "components"),
        ("component", dns.id.as_str()),
    ];
    let answer = browser.post("/subscribe", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.message("email").contains("valid e-mail address"), "{}", answer.text());
    assert!(answer.message("incidents").contains("at least one kind"));
    assert!(answer.message("endpoint").contains("https"), "every field is checked at once");
    assert_eq!((answer.field("email"), answer.field("endpoint")), ("ines".into(), "http://127.0.0.1/hook".into()));
    assert_eq!((answer.field("channel"), answer.field("scope")), ("webhook".into(), "components".into()));
    assert_eq!(answer.field("component"), dns.id.as_str());
    let none = subscribe_with(&app, &[("channel", "email"), ("email", INES), ("scope", "components")]).await;
    assert_eq!(none.status, StatusCode::OK, "the last answer counts");
}

#[apply(on_both_databases!)]
async fn endpoints_are_checked_when_they_are_typed(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let send = async |channel: &str, url: &str| {
        subscribe_with(&app, &[("channel", channel), ("email", INES), ("endpoint", url)]).await
    };
    for url in [
        "file:///etc/passwd",
        "gopher://hooks.example.org/",
        "ftp://hooks.example.org/",
        "data:text/plain,x",
        "unix:/run/x",
        "http://hooks.example.org/",
        "https://hooks.example.org:8443/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://0.0.0.0/",
        "https://169.254.169.254/latest/",
        "https://100.64.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://good@127.0.0.1/",
        "https://user:secret@hooks.example.org/",
        "https://good.test\\@127.0.0.1/",
        "https://hooks.example\t.org/",
        "https://１２７.0.0.1/",
        ORIGIN,
        "not a url",
        "",
    ] {
        let answer = send("webhook", url).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
        assert!(!answer.message("endpoint").is_empty(), "{url}: {}", answer.text());
    }
    let other = send("slack", "https://hooks.example.org/x").await;
    assert!(other.message("endpoint").contains("Slack"), "{}", other.text());
    assert!(all(&app).await.is_empty());
    assert_eq!(send("webhook", "https://hooks.slack.com/services/T/B/x").await.status, StatusCode::OK);
    assert_eq!(only(&app).await.channel, Channel::Slack, "known by its host");
    assert!(!app.all_content().await.contains("services/T/B/x"), "the endpoint is stored encrypted");
}

#[apply(on_both_databases!)]
async fn webhook_that_fails_the_challenge_stays_unconfirmed(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let url = "https://hooks.candor-test.invalid/status";
    subscribe_with(&app, &[("channel", "webhook"), ("email", INES), ("endpoint", url)]).await;
    let hook = only(&app).await;
    let path = link(&app, LinkKind::Confirm, &hook);
    assert!(app.visitor().get(&path).await.text().contains("challenge"));
    let failed = app.visitor().post_with(&path, &[], &[]).await;
    assert_eq!(failed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(failed.word(".notice").starts_with("No answer"), "{}", failed.word(".notice"));
    assert_eq!(only(&app).await.state, SubscriberState::Unconfirmed);
    let slack = "https://hooks.slack.com/services/T/B/x";
    subscribe_with(&app, &[("channel", "slack"), ("email", INES), ("endpoint", slack)]).await;
    let chat = all(&app).await.into_iter().find(|it| it.channel == Channel::Slack).unwrap();
    let confirmed = app.visitor().post_with(&link(&app, LinkKind::Confirm, &chat), &[], &[]).await;
    assert_eq!(confirmed.word("h1"), "You are subscribed", "a chat service can't return a challenge");
}

#[apply(on_both_databases!)]
async fn unconfirmed_endpoints_per_host_are_limited(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let send = async |number: i64| {
        let (email, url) = (format!("a{number}@example.org"), format!("https://hooks.example.org/{number}"));
        let fields = [("subscriber[email]", email.as_str()), ("subscriber[endpoint]", &url)];
        app.visitor().post_with("/api/v2/subscribers.json", &fields, &[]).await
    };
    for number in 0..MAX_UNCONFIRMED_OF_HOST {
        assert_eq!(send(number).await.status, StatusCode::CREATED);
    }
    let refused = send(MAX_UNCONFIRMED_OF_HOST).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    assert!(refused.text().contains("Too many subscriptions wait for this host"));
}

#[apply(on_both_databases!)]
async fn opening_links_changes_nothing(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    subscribe(&app, "pending@example.org").await;
    let known = active(&app, INES).await;
    let before = app.all_content().await;
    let scanner = [("user-agent", "Mozilla/5.0 (compatible; Microsoft Outlook SafeLinks)")];
    let prefetch = [("sec-purpose", "prefetch")];
    for subscriber in all(&app).await {
        for kind in [LinkKind::Confirm, LinkKind::Manage, LinkKind::Unsubscribe] {
            let path = link(&app, kind, &subscriber);
            for headers in [&[][..], &scanner, &prefetch] {
                for method in [Method::GET, Method::HEAD] {
                    let answer = app.visitor().send(method, &path, headers, Body::empty()).await;
                    assert_eq!(answer.status, StatusCode::OK, "{path}");
                    assert_eq!(answer.header("cache-control"), "no-store");
                    assert_eq!(answer.header("referrer-policy"), "no-referrer");
                    assert!(answer.cookies().is_empty());
                }
            }
        }
    }
    let get = app.visitor().get(&format!("/api/v2/subscribers.json?subscriber[email]={INES}")).await;
    assert_eq!((get.status, get.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST,OPTIONS"));
    assert!(serde_json::from_slice::<Value>(&get.body).is_ok(), "{}", get.text());
    assert!(app.all_content().await == before);
    assert_eq!(find(&app, &known).await, known);
}

#[apply(on_both_databases!)]
async fn one_click_post_unsubscribes_at_once(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let (ines, rui) = (active(&app, INES).await, active(&app, "rui@example.org").await);
    let path = link(&app, LinkKind::Unsubscribe, &ines);
    for wrong in [&[][..], &[("List-Unsubscribe", "no")], &[("action", "One-Click")]] {
        let answer = app.visitor().post_with(&path, wrong, &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(all(&app).await.len(), 2);
    // As a mail program sends it: no cookie, no origin, another site.
    for headers in [&[][..], &[("sec-fetch-site", "cross-site"), ("origin", "https://mail.test")]] {
        let answer = app.visitor().post_with(&path, &ONE_CLICK, headers).await;
        assert_eq!((answer.status, answer.word("h1")), (StatusCode::OK, "You are unsubscribed".into()));
    }
    assert_eq!(all(&app).await, [rui]);
    assert_eq!(app.number("select count(*) from suppressions").await, 1);
    assert_eq!(app.visitor().get(&path).await.word("h1"), "You are unsubscribed");
    assert!(!app.all_content().await.contains(INES), "the address is gone");
}

#[apply(on_both_databases!)]
async fn forged_tokens_open_nothing(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let (ines, rui) = (active(&app, INES).await, active(&app, "rui@example.org").await);
    let links = app.subscriber_links().unwrap();
    let of = |kind, subscriber: &Subscriber| links.token(kind, &subscriber.id);
    let signature = of(LinkKind::Manage, &rui).split_once('.').unwrap().1.to_owned();
    let mixed = format!("{}.{signature}", ines.id);
    let bare = ines.id.to_string();
    let before = app.all_content().await;
    for (path, tokens) in [
        ("confirm", [of(LinkKind::Manage, &ines), of(LinkKind::Unsubscribe, &ines), mixed.clone(), bare.clone()]),
        ("manage", [of(LinkKind::Confirm, &ines), of(LinkKind::Unsubscribe, &ines), mixed.clone(), bare.clone()]),
        ("unsubscribe", [of(LinkKind::Manage, &ines), of(LinkKind::Confirm, &ines), mixed, bare]),
    ] {
        for token in tokens {
            let address = format!("/subscribe/{path}/{token}");
            for answer in [
                app.visitor().get(&address).await,
                app.visitor().post_with(&address, &[("action", "erase-all"), ONE_CLICK[0]], &[]).await,
            ] {
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{address}");
                assert_eq!(answer.word("h1"), "This link is not valid");
            }
        }
    }
    assert!(app.all_content().await == before);
}

#[apply(on_both_databases!)]
async fn settings_change_pause_and_resume(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let dns = component(&app, "DNS").await;
    component(&app, "Mail").await;
    let subscriber = active(&app, INES).await;
    let path = link(&app, LinkKind::Manage, &subscriber);
    let send = async |fields: &[(&str, &str)]| app.visitor().post_with(&path, fields, &[]).await;
    let some = [("scope", "components"), ("component", dns.id.as_str()), ("incidents", "1")];
    let choice = [&some[..], &[("detail", "opened_and_resolved"), ("action", "save")]].concat();
    assert_eq!(send(&choice).await.word(".done"), "Saved.");
    let saved = find(&app, &subscriber).await;
    assert_eq!(saved.scope, Scope::Components(vec![dns.id.clone()]));
    assert_eq!((saved.incidents, saved.maintenance), (IncidentEvents::OpenedAndResolved, false));
    let rows = app.audit().await.len();
    send(&choice).await;
    assert_eq!(app.audit().await.len(), rows, "nothing changed");
    let wrong = send(&[("scope", "components"), ("action", "save")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!wrong.message("scope").is_empty() && !wrong.message("incidents").is_empty());
    send(&[("action", "pause")]).await;
    assert_eq!(find(&app, &subscriber).await.paused_at, Some(app.clock.now()));
    assert!(app.visitor().get(&path).await.text().contains("Paused since"));
    send(&[("action", "resume")]).await;
    assert_eq!(find(&app, &subscriber).await.paused_at, None);
    assert_eq!(send(&[("action", "fly")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[apply(on_both_databases!)]
async fn resubscribing_lifts_quarantine_and_suppression(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let subscriber = active(&app, INES).await;
    let (links, now) = (app.subscriber_links().unwrap(), app.clock.now());
    let keys = candor::actions::subscribers::SubscriberKeys { secret_key: &app.secret_key, links: &links };
    let mut tx = app.db.write().await.unwrap();
    let entry = quarantine(&mut tx, keys, &subscriber, ("marked as spam", true), now).await.unwrap();
    tx.commit(&Actor::server(), now, entry).await.unwrap();
    assert_eq!(app.number("select count(*) from suppressions").await, 1);
    let settings = app.visitor().get(&link(&app, LinkKind::Manage, &subscriber)).await;
    assert!(settings.text().contains("marked as spam") && settings.text().contains("Reactivate"));
    subscribe(&app, INES).await;
    app.visitor().post_with(&link(&app, LinkKind::Confirm, &subscriber), &[], &[]).await;
    assert_eq!(only(&app).await.state, SubscriberState::Active);
    assert_eq!(app.number("select count(*) from suppressions").await, 0);
}

#[apply(on_both_databases!)]
async fn subscriber_exports_and_erases_everything(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let subscriber = active(&app, INES).await;
    let slack = "https://hooks.slack.com/services/T/B/x";
    subscribe_with(&app, &[("channel", "slack"), ("email", INES), ("endpoint", slack)]).await;
    let other = active(&app, "rui@example.org").await;
    let path = link(&app, LinkKind::Manage, &subscriber);
    let export = app.visitor().post_with(&path, &[("action", "export")], &[]).await;
    assert_eq!(export.header("content-disposition"), "attachment; filename=\"subscriptions.json\"");
    let document: Value = serde_json::from_slice(&export.body).unwrap();
    let listed = document["subscriptions"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().any(|it| it["endpoint"] == slack) && !export.text().contains("rui@"));
    let asked = app.visitor().post_with(&path, &[("action", "erase")], &[]).await;
    assert_eq!((asked.word("h1"), all(&app).await.len()), ("Delete your data?".into(), 3));
    let erased = app.visitor().post_with(&path, &[("action", "erase-all")], &[]).await;
    assert_eq!(erased.word("h1"), "Your data is deleted");
    assert_eq!(all(&app).await, [other]);
    assert!(!app.all_content().await.contains(INES));
    assert_eq!(app.visitor().get(&path).await.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn webhook_secret_is_shown_when_asked(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let url = "https://hooks.candor-test.invalid/status";
    subscribe_with(&app, &[("channel", "webhook"), ("email", INES), ("endpoint", url)]).await;
    let path = link(&app, LinkKind::Manage, &only(&app).await);
    assert!(!app.visitor().get(&path).await.text().contains("whsec_"));
    let shown = app.visitor().post_with(&path, &[("action", "secret")], &[]).await;
    let secret = shown.word(".secret");
    assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "{secret}");
    assert!(!app.all_content().await.contains(&secret));
}

#[apply(on_both_databases!)]
async fn incident_and_component_links_preselect_their_subject(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let dns = component(&app, "DNS").await;
    app.add(&[fixtures::incident("slow", app.clock.now())]).await;
    app.publish().await;
    let card = app.visitor().get("/").await;
    assert!(card.attributes("a", "href").contains(&"/subscribe?incident=slow".to_owned()), "{}", card.text());
    let month = app.clock.now().format("%Y-%m");
    let uptime = app.visitor().get(&format!("/uptime?month={month}&component={}", dns.id)).await;
    assert!(uptime.attributes("a", "href").contains(&format!("/subscribe?component={}", dns.id)));
    let form = app.visitor().get(&format!("/subscribe?component={}", dns.id)).await;
    assert_eq!((form.field("scope"), form.field("component")), ("components".into(), dns.id.to_string()));
    let form = app.visitor().get("/subscribe?incident=slow").await;
    assert_eq!((form.word("h1"), form.field("incident")), ("Get updates on this incident".into(), "slow".into()));
    subscribe_with(&app, &[("channel", "email"), ("email", INES), ("incident", "slow")]).await;
    let filter = SubscriberFilter { incident: IncidentId::parse("slow"), ..SubscriberFilter::default() };
    let found = subscribers::list(&mut app.db.read().await.unwrap(), &filter, None, 10).await.unwrap();
    assert_eq!(found.iter().map(|it| it.email.as_deref()).collect::<Vec<_>>(), [Some(INES)]);
    let gone = app.visitor().get("/subscribe?incident=gone").await;
    assert!(gone.status == StatusCode::OK && gone.word(".notice").contains("resolved"), "{}", gone.text());
    let gone = subscribe_with(&app, &[("channel", "email"), ("email", INES), ("incident", "gone")]).await;
    assert_eq!(gone.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[apply(on_both_databases!)]
async fn statuspage_api_subscribes_and_unsubscribes(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    let dns = component(&app, "DNS").await;
    let address = "/api/v2/subscribers.json";
    let fields = [("subscriber[email]", INES), ("subscriber[component_id]", dns.id.as_str())];
    let made = app.visitor().post_with(address, &fields, &[("origin", "https://shop.test")]).await;
    assert_eq!((made.status, made.header("access-control-allow-origin")), (StatusCode::CREATED, "*"));
    let subscriber = only(&app).await;
    assert_eq!(subscriber.scope, Scope::Components(vec![dns.id.clone()]));
    let document: Value = serde_json::from_slice(&made.body).unwrap();
    assert_eq!(document["subscriber"]["id"], subscriber.id.as_str());
    assert_eq!((&document["subscriber"]["mode"], &document["subscriber"]["email"]), (&json!("email"), &json!(INES)));
    let keys = ["created_at", "skip_confirmation_notification", "quarantined_at", "id", "mode", "purge_at", "email"];
    let text = made.text();
    let places: Vec<_> = keys.iter().map(|key| text.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    assert_eq!(new_mails(&app, &sink).await.len(), 1);
    let send = async |method: Method, address: &str, body: Value| {
        let json = [("content-type", "application/json")];
        app.visitor().send(method, address, &json, body.to_string().into()).await
    };
    for (body, pointer) in [
        (json!({ "subscriber": { "email": "ines" } }), "/subscriber/email"),
        (json!({ "subscriber": { "email": INES, "phone_number": "555" } }), "/subscriber/phone_number"),
        (json!({ "subscriber": { "email": INES, "endpoint": "http://127.0.0.1" } }), "/subscriber/endpoint"),
        (json!({ "subscriber": { "email": INES, "component_id": "none" } }), "/subscriber/component_id"),
        (json!({ "subscriber": { "email": INES, "incident_id": "none" } }), "/subscriber/incident_id"),
        (json!([]), "/subscriber/email"),
    ] {
        let answer = send(Method::POST, address, body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let document: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(document["errors"][0]["pointer"], pointer, "{body}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    let plain = format!("/api/v2/subscribers/{}.json", subscriber.id);
    assert_eq!(send(Method::DELETE, &plain, json!({})).await.status, StatusCode::NOT_FOUND);
    let resend = format!("/api/v2/subscriptions/{}/resend_confirmation", subscriber.id);
    let (known, unknown) =
        (send(Method::POST, &resend, json!({})).await, "/api/v2/subscriptions/x/resend_confirmation");
    let unknown = send(Method::POST, unknown, json!({})).await;
    assert_eq!((known.status, known.body), (unknown.status, unknown.body));
    assert!(new_mails(&app, &sink).await.is_empty(), "one an hour");
    let token = app.subscriber_links().unwrap().token(LinkKind::Manage, &subscriber.id);
    let gone = send(Method::DELETE, &format!("/api/v2/subscribers/{token}.json"), json!({})).await;
    assert_eq!((gone.status, all(&app).await.len()), (StatusCode::OK, 0), "{}", gone.text());
    let preflight = [("origin", "https://shop.test"), ("access-control-request-method", "POST")];
    let answer = app.visitor().send(Method::OPTIONS, address, &preflight, Body::empty()).await;
    assert_eq!(answer.header("access-control-allow-methods"), "POST");
}

#[apply(on_both_databases!)]
async fn statuspage_forms_get_type_and_text(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    app.add(&[fixtures::incident("slow", app.clock.now())]).await;
    app.publish().await;
    let send = async |form: &str, fields: &[(&str, &str)]| {
        let answer = app.visitor().post_with(&format!("/subscriptions/{form}"), fields, &[]).await;
        let document: Value = serde_json::from_slice(&answer.body).unwrap();
        (document["type"].as_str().unwrap().to_owned(), document["text"].as_str().unwrap().to_owned())
    };
    let (kind, text) = send("new-email", &[("email", INES)]).await;
    assert!(kind == "success" && text.contains(INES), "{text}");
    let slack = ("endpoint", "https://hooks.slack.com/services/T/B/x");
    assert_eq!(send("webhook.json", &[("email", INES), slack]).await.0, "success");
    assert_eq!(send("incident.json", &[("email", INES), ("incident_code", "slow")]).await.0, "success");
    assert_eq!(app.number("select count(*) from subscribers").await, 3);
    let (kind, text) = send("new-sms", &[("phone_country", "us"), ("phone_number", "5550100")]).await;
    assert!(kind == "error" && text.contains("not supported"), "{text}");
    assert_eq!(send("new-email", &[("email", "ines")]).await.0, "error");
    let unknown = app.visitor().post_with("/subscriptions/other", &[], &[]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[apply(on_both_databases!)]
async fn other_sites_cannot_send_the_form(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    for path in ["/subscribe", "/subscribe/links"] {
        for headers in [&[][..], &[("sec-fetch-site", "cross-site")], &[("origin", "https://evil.test")]] {
            let answer = app.visitor().post_with(path, &[("email", INES)], headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
}

#[apply(on_both_databases!)]
async fn lost_link_is_mailed_with_the_same_answer(test: TestDb) {
    let (app, sink) = with_mail(test).await;
    active(&app, INES).await;
    app.clock.advance(TimeDelta::hours(2));
    new_mails(&app, &sink).await;
    let mut seen = Vec::new();
    for email in [INES, "nobody@example.org"] {
        let answer = app.visitor().post("/subscribe/links", &[("email", email)]).await;
        seen.push((answer.status, answer.text().replace(email, "EMAIL")));
    }
    assert_eq!(seen[0], seen[1]);
    let mails = new_mails(&app, &sink).await;
    assert_eq!(mails.len(), 1);
    let path = mailed_path(&mails[0], "/subscribe/manage/");
    assert_eq!(app.visitor().get(&path).await.status, StatusCode::OK);
    let wrong = app.visitor().post("/subscribe/links", &[("email", "ines")]).await;
    assert_eq!((wrong.status, wrong.field("email")), (StatusCode::UNPROCESSABLE_ENTITY, "ines".into()));
}

#[apply(on_both_databases!)]
async fn without_mail_server_only_feeds_are_offered(test: TestDb) {
    let app = TestApp::new(test).await;
    let page = app.visitor().get("/subscribe").await;
    assert!(page.status == StatusCode::OK && page.text().contains("/history.atom") && !page.text().contains("<form"));
    let answer = app.visitor().post_with("/api/v2/subscribers.json", &[("subscriber[email]", INES)], &[]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text().contains("does not send e-mail"), "{}", answer.text());
    assert!(all(&app).await.is_empty());
}

#[apply(on_both_databases!)]
async fn subscribe_page_fits_the_first_round_trip(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    candor::cli::demo::load_demo(&app.db, &app.clock).await.unwrap();
    app.publish().await;
    let page = app.visitor().get_with("/subscribe", &[("accept-encoding", "br")]).await;
    assert_eq!((page.header("content-encoding"), page.header("cache-control")), ("br", "no-store"));
    let head: usize = page.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    assert!(page.body.len() + head <= 14_600, "{} bytes and {head} of header", page.body.len());
    let home = app.visitor().get("/").await;
    assert!(home.attributes("header a", "href").contains(&"/subscribe".to_owned()));
    let form = app.visitor().get("/subscribe").await;
    assert!(!form.attributes("header a", "href").contains(&"/subscribe".to_owned()));
}

#[apply(on_both_databases!)]
async fn typed_text_never_becomes_markup(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let hostile = "\"><script>alert(1)</script><a href='javascript:x'>";
    let mut group = app.component(hostile).await;
    group.name = hostile.into();
    app.publish().await;
    let check = async |answer: Answer| {
        assert!(!answer.text().contains("<script>alert"), "{}", answer.text());
        assert!(answer.attributes("a", "href").iter().all(|href| !href.starts_with("javascript:")));
    };
    let query = url::form_urlencoded::byte_serialize(hostile.as_bytes()).collect::<String>();
    check(app.visitor().get(&format!("/subscribe?incident={query}&component={query}")).await).await;
    let fields = [("channel", hostile), ("email", hostile), ("endpoint", hostile), ("scope", hostile)];
    check(app.visitor().post("/subscribe", &fields).await).await;
    check(app.visitor().post("/subscribe/links", &[("email", hostile)]).await).await;
    let odd = "o'hara+x&y=1@example.org";
    let answer = subscribe(&app, odd).await;
    assert_eq!(answer.word("h1"), format!("Open the mail we sent to {odd}"));
    check(answer).await;
}

#[apply(on_both_databases!)]
async fn form_works_without_the_database(test: TestDb) {
    let (app, _sink) = with_mail(test).await;
    let browser: &mut Browser = &mut app.visitor();
    let sent = browser.get("/subscribe").await.field("sent");
    app.clock.advance(TimeDelta::seconds(3));
    app.db.close().await;
    assert_eq!(browser.get("/subscribe").await.status, StatusCode::OK);
    let answer = browser.post("/subscribe", &fields_sent(&sent)).await;
    assert_eq!((answer.status, answer.field("email")), (StatusCode::SERVICE_UNAVAILABLE, INES.to_owned()));
    assert!(answer.word(".notice").contains("try again in a minute"), "{}", answer.text());
}
