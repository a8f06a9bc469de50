//! Messages to subscribers, from the published update to the mail server and the endpoint.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use candor::actions;
use candor::actions::subscribers::{SubscriberKeys, SubscriptionRequest};
use candor::db::{incidents, notices, subscribers};
use candor::domain::Role::{Owner, Publisher};
use candor::domain::subscriber::{Channel, IncidentEvents, Scope, SubscriberState};
use candor::domain::{Incident, Phase, Subscriber};
use candor::notify::Mailer;
use candor::notify::standard_webhooks::webhook_key_pair;
use candor::worker;
use candor::worker::deliveries::run_deliveries;
use chrono::TimeDelta;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::app::TestApp;
use crate::support::endpoint::Endpoint;
use crate::support::smtp::{FakeSmtpServer, Mail};
use crate::support::subscribers::{subscribe, subscriber};
use crate::support::{TestDb, fixtures};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

async fn app_with_mail(test: TestDb) -> (TestApp, FakeSmtpServer) {
    let sink = FakeSmtpServer::open().await;
    let mailer = Mailer::new(&sink.url, "Tidewater <status@tidewater.example>", "http://status.test", &[]).unwrap();
    (TestApp::with_mailer(test, mailer).await, sink)
}

/// Runs the worker until the guard is dropped.
fn deliver(app: &TestApp) -> DropGuard {
    let stop = CancellationToken::new();
    tokio::spawn(run_deliveries((**app).clone(), stop.clone()));
    stop.drop_guard()
}

async fn open(app: &TestApp, incident: &Incident) {
    let mut tx = app.db.write().await.unwrap();
    let entry = actions::incidents::open(&mut tx, incident, None).await.unwrap();
    tx.commit(&fixtures::actor(), app.clock.now(), entry).await.unwrap();
    app.publish().await;
}

async fn post(app: &TestApp, incident: &Incident, id: &str, phase: Phase) {
    let now = app.clock.now();
    let mut tx = app.db.write().await.unwrap();
    let before = incidents::find(&mut tx, &incident.id).await.unwrap();
    let mut after = before.clone();
    after.updates.push(fixtures::update(id, now, phase, &[]));
    after.recompute();
    let entry = actions::incidents::post_update(&mut tx, &before, &mut after, None, now).await.unwrap();
    tx.commit(&fixtures::actor(), now, entry).await.unwrap();
    app.publish().await;
}

/// Adds an active endpoint of the page.
async fn add_endpoint(app: &TestApp, channel: Channel, url: &str) -> Subscriber {
    let links = app.subscriber_links().unwrap();
    let keys = SubscriberKeys { secret_key: &app.secret_key, links: &links };
    let wish = SubscriptionRequest {
        channel,
        email: Some("ops@example.org".into()),
        endpoint: Some(url.parse().unwrap()),
        scope: Scope::Page,
        incidents: IncidentEvents::All,
        maintenance: true,
    };
    let mut tx = app.db.write().await.unwrap();
    let now = app.clock.now();
    let (added, entry) = actions::subscribers::add(&mut tx, keys, &wish, SubscriberState::Active, now).await.unwrap();
    tx.commit(&fixtures::actor(), now, entry).await.unwrap();
    added
}

pub async fn wait_for<T>(mut what: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = what().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "it did not happen within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn wait_for_mails(sink: &FakeSmtpServer, count: usize) -> Vec<Mail> {
    wait_for(async || Some(sink.mails()).filter(|mails| mails.len() >= count)).await
}

/// Messages that some process has taken and not finished.
async fn count_leased(app: &TestApp) -> i64 {
    app.number("select count(*) from deliveries where lease is not null and done_at is null").await
}

/// The address of a host that accepts connections and never answers, and how many it has accepted.
async fn silent_host() -> (String, Arc<AtomicUsize>) {
    let silent = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let (url, open_requests) = (format!("http://{}/hook", silent.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    tokio::spawn({
        let open_requests = open_requests.clone();
        async move {
            let mut streams = Vec::new();
            while let Ok((stream, _)) = silent.accept().await {
                streams.push(stream);
                open_requests.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    (url, open_requests)
}

async fn state_of(app: &TestApp, subscriber: &Subscriber) -> Subscriber {
    subscribers::find(&mut app.db.read().await.unwrap(), &subscriber.id).await.unwrap()
}

/// Waits until no message is queued and returns how many were sent and rejected, by notice, newest first.
async fn wait_until_done(app: &TestApp) -> Vec<(i64, i64)> {
    wait_for(async || {
        let all = notices::list_progress(&mut app.db.read().await.unwrap(), app.clock.now(), 10).await.unwrap();
        let done = all.iter().all(|it| it.is_expanded && it.queued == 0);
        done.then(|| all.iter().map(|it| (it.sent, it.rejected)).collect())
    })
    .await
}

#[apply(on_both_databases!)]
async fn published_update_is_mailed_with_its_links(test: TestDb) {
    let (app, sink) = app_with_mail(test).await;
    subscribe(&app.test, [subscriber(&app.test, "ines", Scope::Page)]).await;
    let _worker = deliver(&app);
    let incident = fixtures::incident("it", app.clock.now());
    open(&app, &incident).await;
    let first = wait_for_mails(&sink, 1).await.remove(0);
    assert_eq!(first.header("To"), "ines@example.org");
    let unsubscribe = first.header("List-Unsubscribe");
    assert!(unsubscribe.starts_with("<http://status.test/subscribe/unsubscribe/ines."), "{unsubscribe}");
    assert_eq!(first.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    wait_until_done(&app).await;
    post(&app, &incident, "second", Phase::Resolved).await;
    let second = wait_for_mails(&sink, 2).await.remove(1);
    assert_eq!(first.header("Subject"), second.header("Subject"), "mail programs show one thread");
    assert_eq!(first.header("References"), second.header("References"));
    assert_ne!(first.header("Message-ID"), second.header("Message-ID"));
    assert_eq!(wait_until_done(&app).await, [(1, 0), (1, 0)]);
}

#[apply(on_both_databases!)]
async fn stopped_worker_records_what_it_has_sent(test: TestDb) {
    let (app, sink) = app_with_mail(test).await;
    let all: Vec<_> = (0..300).map(|number| subscriber(&app.test, &format!("s{number}"), Scope::Page)).collect();
    subscribe(&app.test, all.clone()).await;
    open(&app, &fixtures::incident("logins", app.clock.now())).await;
    let stop = CancellationToken::new();
    let stopping = async {
        wait_for_mails(&sink, 20).await;
        stop.cancel();
    };
    let (worked, ()) = tokio::join!(worker::run_worker((*app).clone(), stop.clone()), stopping);
    worked.unwrap();
    let sent = sink.mails().len();
    assert!(sent < all.len(), "it was stopped meanwhile");
    let recorded = app.number("select count(*) from deliveries where outcome = 'sent'").await;
    assert_eq!(usize::try_from(recorded).unwrap(), sent);
    assert_eq!(count_leased(&app).await, 0, "the next process need not wait for the end of leases");
}

#[apply(on_both_databases!)]
async fn stop_gives_back_what_waits_for_a_silent_host(test: TestDb) {
    let (app, _sink) = app_with_mail(test).await;
    let (silent_url, open_requests) = silent_host().await;
    for at in 0..20 {
        add_endpoint(&app, Channel::Webhook, &format!("{silent_url}/{at}")).await;
    }
    open(&app, &fixtures::incident("it", app.clock.now())).await;
    let stop = CancellationToken::new();
    let stopping = async {
        wait_for(async || (open_requests.load(Ordering::SeqCst) == 4).then_some(())).await;
        // All are leased before the stop, those that wait too.
        wait_for(async || (count_leased(&app).await == 20).then_some(())).await;
        stop.cancel();
    };
    let (worked, ()) = tokio::join!(worker::run_worker((*app).clone(), stop.clone()), stopping);
    worked.unwrap();
    assert_eq!(count_leased(&app).await, 4, "only those that were being sent stay leased");
    assert_eq!(open_requests.load(Ordering::SeqCst), 4, "none was begun after the stop");
    assert_eq!(app.number("select count(*) from deliveries where attempts > 0").await, 4);
}

#[apply(on_both_databases!)]
async fn rejected_recipient_is_quarantined_and_policy_is_not_its_fault(test: TestDb) {
    let (app, sink) = app_with_mail(test).await;
    let ines = subscriber(&app.test, "ines", Scope::Page);
    subscribe(&app.test, [ines.clone()]).await;
    sink.reject_next_mail("550 5.7.26 sender is not authenticated");
    let worker = deliver(&app);
    open(&app, &fixtures::incident("one", app.clock.now())).await;
    wait_for(async || {
        let waiting = app.number("select count(*) from deliveries where reason like '550 5.7.26%'").await;
        (waiting == 1).then_some(())
    })
    .await;
    assert_eq!(state_of(&app, &ines).await.state, SubscriberState::Active);
    drop(worker);
    sink.reject_next_mail("550 5.1.1 no such mailbox");
    let _worker = deliver(&app);
    open(&app, &fixtures::incident("two", app.clock.now())).await;
    wait_for(async || Some(state_of(&app, &ines).await).filter(|it| it.state == SubscriberState::Quarantined)).await;
    let audit = app.audit().await;
    let row = audit.iter().find(|row| row.action == "subscriber.quarantine").unwrap();
    assert!(!format!("{row:?}").contains("ines@"), "the audit log holds an address: {row:?}");
}

#[apply(on_both_databases!)]
async fn webhook_is_signed_and_gets_the_update(test: TestDb) {
    let (app, _sink) = app_with_mail(test).await;
    let (endpoint, url) = Endpoint::open("127.0.0.2", &[]).await;
    add_endpoint(&app, Channel::Webhook, &url).await;
    let _worker = deliver(&app);
    open(&app, &fixtures::incident("it", app.clock.now())).await;
    let (headers, body) = wait_for(async || endpoint.requests().pop()).await;
    assert_eq!(body["incident"]["id"], "it");
    assert_eq!(body["incident"]["incident_updates"][0]["id"], "it-1");
    let signature = headers["webhook-signature"].to_str().unwrap();
    assert!(signature.contains("v1,") && signature.contains("v1a,"), "{signature}");
    assert!(!headers["webhook-id"].to_str().unwrap().contains('.'));
    let key = app.visitor().get("/.well-known/candor-webhook-key").await.text();
    assert_eq!(key, webhook_key_pair(&app.secret_key).unwrap().public_key());
    assert_eq!(wait_until_done(&app).await, [(1, 0)]);
}

#[apply(on_both_databases!)]
async fn failing_endpoint_is_retried_and_missing_one_is_quarantined(test: TestDb) {
    let (app, _sink) = app_with_mail(test).await;
    let (endpoint, url) = Endpoint::open("127.0.0.2", &[503, 410]).await;
    let hook = add_endpoint(&app, Channel::Webhook, &url).await;
    let _worker = deliver(&app);
    open(&app, &fixtures::incident("it", app.clock.now())).await;
    let first = wait_for(async || endpoint.requests().pop()).await.0;
    wait_for(async || {
        let waiting = app.number("select count(*) from deliveries where lease is null and attempts = 1").await;
        (waiting == 1).then_some(())
    })
    .await;
    app.clock.advance(TimeDelta::seconds(10));
    let second = wait_for(async || endpoint.requests().get(1).cloned()).await.0;
    assert_eq!(first["webhook-id"], second["webhook-id"]);
    let gone =
        wait_for(async || Some(state_of(&app, &hook).await).filter(|it| it.state == SubscriberState::Quarantined))
            .await;
    assert!(gone.quarantine_reason.unwrap().contains("410"));
    let told = app.number("select count(*) from outbox where kind = 'endpoint-failure'").await;
    assert_eq!(told, 1, "its owner is told by mail");
}

#[apply(on_both_databases!)]
async fn slow_host_holds_up_no_other(test: TestDb) {
    let (app, _sink) = app_with_mail(test).await;
    // Accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let silent_url = format!("http://{}/hook", silent.local_addr().unwrap());
    let (endpoint, url) = Endpoint::open("127.0.0.3", &[]).await;
    for at in 0..20 {
        add_endpoint(&app, Channel::Webhook, &format!("{silent_url}/{at}")).await;
        add_endpoint(&app, Channel::Webhook, &format!("{url}/{at}")).await;
    }
    let _worker = deliver(&app);
    open(&app, &fixtures::incident("it", app.clock.now())).await;
    wait_for(async || (endpoint.requests().len() == 20).then_some(())).await;
    wait_for(async || {
        let sending = app.number("select count(*) from deliveries where done_at is null").await;
        // The silent endpoints are still waited for.
        (sending == 20).then_some(())
    })
    .await;
}

#[apply(on_both_databases!)]
async fn one_host_gets_four_requests_at_once(test: TestDb) {
    let (app, _sink) = app_with_mail(test).await;
    let (silent_url, open_requests) = silent_host().await;
    let (endpoint, url) = Endpoint::open("127.0.0.3", &[]).await;
    for at in 0..10 {
        add_endpoint(&app, Channel::Webhook, &format!("{silent_url}/{at}")).await;
        add_endpoint(&app, Channel::Webhook, &format!("{url}/{at}")).await;
    }
    let _worker = deliver(&app);
    open(&app, &fixtures::incident("it", app.clock.now())).await;
    // The other host's ten messages went through the same senders after those of the silent one.
    wait_for(async || (endpoint.requests().len() == 10).then_some(())).await;
    wait_for(async || (open_requests.load(Ordering::SeqCst) >= 4).then_some(())).await;
    post(&app, &fixtures::incident("it", app.clock.now()), "second", Phase::Identified).await;
    wait_for(async || (endpoint.requests().len() == 20).then_some(())).await;
    assert_eq!(open_requests.load(Ordering::SeqCst), 4);
}

#[apply(on_both_databases!)]
async fn policy_rejection_alarms_owners_once_a_day(test: TestDb) {
    let (app, sink) = app_with_mail(test).await;
    app.manager("Owner", Owner).await;
    app.manager("Publisher", Publisher).await;
    subscribe(&app.test, [subscriber(&app.test, "ines", Scope::Page)]).await;
    sink.reject_next_mail("550 5.7.26 sender is not authenticated");
    let _worker = deliver(&app);
    open(&app, &fixtures::incident("one", app.clock.now())).await;
    let alarms = async || app.number("select count(*) from outbox where kind = 'sender-rejected'").await;
    wait_for(async || (alarms().await == 1).then_some(())).await;
    app.mail_worker().deliver_due().await.unwrap();
    let mail = wait_for(async || sink.mails().into_iter().find(|mail| mail.header("To") == "owner@example.org")).await;
    assert!(mail.text().contains("5.7.26 sender is not authenticated"), "{}", mail.text());
    app.clock.advance(TimeDelta::minutes(5));
    sink.reject_next_mail("550 5.7.26 sender is not authenticated");
    open(&app, &fixtures::incident("two", app.clock.now())).await;
    wait_for(async || {
        let rejected = app.number("select count(*) from deliveries where reason like '550 5.7.26%'").await;
        (rejected >= 1 && alarms().await == 1).then_some(())
    })
    .await;
    app.clock.advance(TimeDelta::hours(25));
    let mut tx = app.db.write().await.unwrap();
    actions::bounces::record_sender_rejection(&mut tx, "550 5.7.26", app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    assert_eq!(alarms().await, 2);
}

/// Quarantines an endpoint as the worker does.
async fn quarantine(app: &TestApp, hook: &Subscriber) {
    let links = app.subscriber_links().unwrap();
    let keys = SubscriberKeys { secret_key: &app.secret_key, links: &links };
    let mut tx = app.db.write().await.unwrap();
    let before = subscribers::find(&mut tx, &hook.id).await.unwrap();
    let now = app.clock.now();
    let entry = actions::subscribers::quarantine(&mut tx, keys, &before, ("503", false), now).await.unwrap();
    tx.commit(&fixtures::actor(), now, entry).await.unwrap();
}

#[apply(on_both_databases!)]
async fn answering_webhook_gets_the_current_state_once(test: TestDb) {
    let (app, _sink) = app_with_mail(test).await;
    let (endpoint, url) = Endpoint::open("127.0.0.2", &[]).await;
    let hook = add_endpoint(&app, Channel::Webhook, &url).await;
    let worker = deliver(&app);
    let (known, missed) = (fixtures::incident("known", app.clock.now()), fixtures::incident("missed", app.clock.now()));
    open(&app, &known).await;
    wait_for(async || (endpoint.requests().len() == 1).then_some(())).await;
    wait_until_done(&app).await;
    quarantine(&app, &hook).await;
    app.clock.advance(TimeDelta::minutes(1));
    open(&app, &missed).await;
    open(&app, &fixtures::incident("over", app.clock.now())).await;
    app.clock.advance(TimeDelta::minutes(1));
    post(&app, &missed, "newest", Phase::Identified).await;
    post(&app, &fixtures::incident("over", app.clock.now()), "over-end", Phase::Resolved).await;
    post(&app, &known, "known-end", Phase::Resolved).await;
    wait_until_done(&app).await;
    assert_eq!(endpoint.requests().len(), 1, "a quarantined endpoint gets nothing");
    drop(worker);
    app.clock.advance(TimeDelta::minutes(61));
    let _worker = deliver(&app);
    wait_for(async || (endpoint.requests().len() == 4).then_some(())).await;
    wait_until_done(&app).await;
    let requests = endpoint.requests();
    assert_eq!(requests[1].1["type"], "webhook.verification");
    let mut told: Vec<String> =
        requests[2..].iter().map(|(_, body)| body["incident"]["incident_updates"][0]["id"].to_string()).collect();
    told.sort();
    assert_eq!(told, ["\"known-end\"", "\"newest\""], "the current state, and the end of what it had begun");
    assert_eq!(state_of(&app, &hook).await.state, SubscriberState::Active);
    let audit = app.audit().await;
    assert_eq!((audit[0].action.as_str(), audit[0].actor.name.as_str()), ("subscriber.reactivate", "Candor"));
    assert_eq!(endpoint.requests().len(), 4, "each state is sent once");
}

#[apply(on_both_databases!)]
async fn reactivation_by_a_manager_sends_the_current_state(test: TestDb) {
    let (app, _sink) = app_with_mail(test).await;
    let (endpoint, url) = Endpoint::open("127.0.0.2", &[410]).await;
    let hook = add_endpoint(&app, Channel::Slack, &url).await;
    let _worker = deliver(&app);
    open(&app, &fixtures::incident("it", app.clock.now())).await;
    wait_for(async || Some(state_of(&app, &hook).await).filter(|it| it.state == SubscriberState::Quarantined)).await;
    wait_until_done(&app).await;
    let path = format!("/admin/subscribers/{}/reactivation", hook.id);
    app.logged_in(Owner).await.post(&path, &[]).await;
    wait_for(async || (endpoint.requests().len() == 2).then_some(())).await;
    assert_eq!(wait_until_done(&app).await, [(1, 0)]);
}

#[apply(on_both_databases!)]
async fn silent_webhook_is_asked_hourly_and_then_daily(test: TestDb) {
    let (app, _sink) = app_with_mail(test).await;
    let hook = add_endpoint(&app, Channel::Webhook, "http://127.0.0.2:9/hook").await;
    let slack = add_endpoint(&app, Channel::Slack, "http://127.0.0.2:9/slack").await;
    quarantine(&app, &hook).await;
    quarantine(&app, &slack).await;
    let mut probes = Vec::new();
    for hour in 0..=72 {
        let mut tx = app.db.deliver().await.unwrap();
        let due = subscribers::take_due_probes(&mut tx, app.clock.now()).await.unwrap();
        let repeated = subscribers::take_due_probes(&mut tx, app.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert!(repeated.is_empty() && due.iter().all(|id| *id == hook.id), "{due:?}");
        if !due.is_empty() {
            probes.push(hour);
        }
        app.clock.advance(TimeDelta::hours(1));
    }
    assert_eq!(probes, (1..24).chain([47, 71]).collect::<Vec<_>>());
}

#[apply(on_both_databases!)]
async fn deleted_incident_is_not_sent(test: TestDb) {
    let (app, sink) = app_with_mail(test).await;
    subscribe(&app.test, [subscriber(&app.test, "ines", Scope::Page)]).await;
    let incident = fixtures::incident("it", app.clock.now());
    open(&app, &incident).await;
    let mut tx = app.db.write().await.unwrap();
    let entry = actions::incidents::delete(&mut tx, &incident).await.unwrap();
    tx.commit(&fixtures::actor(), app.clock.now(), entry).await.unwrap();
    let _worker = deliver(&app);
    wait_for(async || {
        (app.number("select count(*) from deliveries where outcome = 'cancelled'").await == 1).then_some(())
    })
    .await;
    assert!(sink.mails().is_empty());
}

#[apply(on_both_databases!)]
async fn two_nodes_send_each_message_once(test: TestDb) {
    let (app, sink) = app_with_mail(test).await;
    subscribe(&app.test, (0..300).map(|at| subscriber(&app.test, &format!("s{at:03}"), Scope::Page))).await;
    let _workers = [deliver(&app), deliver(&app)];
    open(&app, &fixtures::incident("it", app.clock.now())).await;
    wait_for_mails(&sink, 300).await;
    assert_eq!(wait_until_done(&app).await, [(300, 0)]);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for mail in sink.mails() {
        *counts.entry(mail.header("To")).or_default() += 1;
    }
    assert_eq!((counts.len(), counts.values().max()), (300, Some(&1)));
}
