//! Notices, their expansion into deliveries, and the leases of deliveries.

use std::collections::BTreeSet;

use candor::actions;
use candor::db::deliveries::{self, LEASE, Outcome, Transport};
use candor::db::{components, incidents, notices, subscribers};
use candor::domain::notice::Event;
use candor::domain::subscriber::{Channel, IncidentEvents, Scope, SubscriberState};
use candor::domain::{Component, Incident, Phase, Status};
use candor::worker::deliveries::expand_notices;
use chrono::TimeDelta;

use crate::support::subscribers::{subscribe, subscriber};
use crate::support::{TestDb, fixtures};

async fn component(test: &TestDb, name: &str) -> Component {
    let mut tx = test.write().await.unwrap();
    let made = components::create(&mut tx, fixtures::component(name), test.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    made
}

async fn open(test: &TestDb, incident: &Incident) {
    let mut tx = test.write().await.unwrap();
    let entry = actions::incidents::open(&mut tx, incident, None).await.unwrap();
    tx.commit(&fixtures::actor(), test.clock.now(), entry).await.unwrap();
}

/// Posts an update and returns the incident.
async fn post(test: &TestDb, incident: &Incident, id: &str, phase: Phase) -> Incident {
    let now = test.clock.now();
    let mut tx = test.write().await.unwrap();
    let before = incidents::find(&mut tx, &incident.id).await.unwrap();
    let mut after = before.clone();
    after.updates.push(fixtures::update(id, now, phase, &[]));
    after.recompute();
    let entry = actions::incidents::post_update(&mut tx, &before, &mut after, None, now).await.unwrap();
    tx.commit(&fixtures::actor(), now, entry).await.unwrap();
    after
}

async fn expand(test: &TestDb) {
    expand_notices(&test.db, test.clock.now(), || {}).await.unwrap();
}

/// Leases everything that is due.
async fn lease(test: &TestDb, lease: &str) -> Vec<deliveries::Delivery> {
    let mut tx = test.db.deliver().await.unwrap();
    let mut leased = deliveries::lease_due(&mut tx, Transport::Mail, lease, test.clock.now(), 1000).await.unwrap();
    leased.extend(deliveries::lease_due(&mut tx, Transport::Http, "http", test.clock.now(), 1000).await.unwrap());
    tx.commit().await.unwrap();
    leased
}

async fn recipients(test: &TestDb) -> BTreeSet<String> {
    lease(test, "one").await.into_iter().map(|it| it.subscriber.to_string()).collect()
}

fn names<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
    ids.into_iter().map(str::to_owned).collect()
}

#[apply(on_both_databases!)]
async fn incident_reaches_subscribers_of_page_and_its_components(test: TestDb) {
    let (tiles, billing) = (component(&test, "Tiles").await, component(&test, "Billing").await);
    let mut quiet = subscriber(&test, "paused", Scope::Page);
    quiet.paused_at = Some(test.clock.now());
    let mut pending = subscriber(&test, "pending", Scope::Page);
    (pending.state, pending.confirmed_at) = (SubscriberState::Unconfirmed, None);
    let mut no_incidents = subscriber(&test, "works", Scope::Page);
    no_incidents.incidents = IncidentEvents::None;
    subscribe(
        &test,
        [
            subscriber(&test, "page", Scope::Page),
            subscriber(&test, "tiles", Scope::Components(vec![tiles.id.clone()])),
            subscriber(&test, "both", Scope::Components(vec![tiles.id.clone(), billing.id.clone()])),
            subscriber(&test, "billing", Scope::Components(vec![billing.id.clone()])),
            quiet,
            pending,
            no_incidents,
        ],
    )
    .await;
    let mut incident = fixtures::incident("it", test.clock.now());
    incident.updates[0].components =
        fixtures::update("x", test.clock.now(), Phase::Investigating, &[(tiles.id.as_str(), Status::MajorOutage)])
            .components;
    incident.recompute();
    open(&test, &incident).await;
    let reach = notices::count_recipients(&mut test.read().await.unwrap(), Event::IncidentOpened, &[tiles.id]).await;
    expand(&test).await;
    assert_eq!(recipients(&test).await, names(["page", "tiles", "both"]));
    assert_eq!(reach.unwrap(), 3);
}

#[apply(on_both_databases!)]
async fn subscriber_of_page_and_incident_gets_one_message(test: TestDb) {
    let incident = fixtures::incident("it", test.clock.now());
    open(&test, &incident).await;
    expand(&test).await;
    let mut own = subscriber(&test, "own", Scope::Incident(incident.id.clone()));
    own.email = Some("page@example.org".into());
    subscribe(
        &test,
        [subscriber(&test, "page", Scope::Page), own, subscriber(&test, "only", Scope::Incident(incident.id.clone()))],
    )
    .await;
    post(&test, &incident, "second", Phase::Identified).await;
    expand(&test).await;
    assert_eq!(recipients(&test).await, names(["own", "only"]));
}

#[apply(on_both_databases!)]
async fn first_and_last_word_is_all_that_was_asked_for(test: TestDb) {
    let mut brief = subscriber(&test, "brief", Scope::Page);
    brief.incidents = IncidentEvents::OpenedAndResolved;
    subscribe(&test, [brief]).await;
    let incident = fixtures::incident("it", test.clock.now());
    open(&test, &incident).await;
    expand(&test).await;
    assert_eq!(recipients(&test).await, names(["brief"]));
    test.clock.advance(TimeDelta::minutes(1));
    post(&test, &incident, "second", Phase::Identified).await;
    expand(&test).await;
    assert_eq!(recipients(&test).await, names([]));
    post(&test, &incident, "third", Phase::Resolved).await;
    expand(&test).await;
    assert_eq!(recipients(&test).await, names(["brief"]));
}

async fn lease_next_message(test: &TestDb, lease: &str) -> deliveries::Delivery {
    let mut tx = test.db.deliver().await.unwrap();
    let leased = deliveries::lease_due(&mut tx, Transport::Mail, lease, test.clock.now(), 1).await.unwrap();
    tx.commit().await.unwrap();
    leased.into_iter().next().unwrap()
}

/// A message whose turn does not come while its sender leases it, for example behind a slow host.
#[apply(on_both_databases!)]
async fn message_that_was_not_tried_keeps_its_turn_and_attempts(test: TestDb) {
    subscribe(&test, ["a", "b"].map(|id| subscriber(&test, id, Scope::Page))).await;
    open(&test, &fixtures::incident("it", test.clock.now())).await;
    expand(&test).await;
    for lease in ["one", "two", "three"] {
        let next = lease_next_message(&test, lease).await;
        assert_eq!((next.subscriber.as_str(), next.attempts), ("a", 1));
        let not_tried = Outcome::NotTried { due_at: test.clock.now() };
        for lease in ["another", lease] {
            let mut tx = test.db.deliver().await.unwrap();
            deliveries::record(&mut tx, &next, lease, &not_tried, test.clock.now()).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
}

#[apply(on_both_databases!)]
async fn retry_waits_behind_first_attempts(test: TestDb) {
    subscribe(&test, ["a", "b", "c"].map(|id| subscriber(&test, id, Scope::Page))).await;
    open(&test, &fixtures::incident("it", test.clock.now())).await;
    expand(&test).await;
    let first = lease_next_message(&test, "one").await;
    let retry = Outcome::Retry { at: test.clock.now(), reason: "no answer".into() };
    let mut tx = test.db.deliver().await.unwrap();
    deliveries::record(&mut tx, &first, "one", &retry, test.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    let mut order = vec![first.subscriber.to_string()];
    for lease in ["two", "three", "four"] {
        order.push(lease_next_message(&test, lease).await.subscriber.to_string());
    }
    assert_eq!(order, ["a", "b", "c", "a"]);
}

#[apply(on_both_databases!)]
async fn newer_notice_replaces_unsent_older_one_but_never_resolved(test: TestDb) {
    subscribe(&test, [subscriber(&test, "page", Scope::Page)]).await;
    let incident = fixtures::incident("it", test.clock.now());
    open(&test, &incident).await;
    expand(&test).await;
    test.clock.advance(TimeDelta::minutes(1));
    post(&test, &incident, "second", Phase::Resolved).await;
    expand(&test).await;
    test.clock.advance(TimeDelta::minutes(1));
    let reopened = post(&test, &incident, "third", Phase::Investigating).await;
    expand(&test).await;
    let leased = lease(&test, "one").await;
    let mut tx = test.read().await.unwrap();
    let mut events = Vec::new();
    for delivery in &leased {
        events.push(notices::find(&mut tx, &delivery.notice).await.unwrap().event);
    }
    assert_eq!(events, [Event::IncidentOpened, Event::IncidentResolved], "newest first");
    let progress = notices::list_progress(&mut tx, test.clock.now(), 10).await.unwrap();
    assert_eq!(progress.iter().map(|it| (it.replaced, it.queued)).collect::<Vec<_>>(), [(0, 1), (0, 1), (1, 0)]);
    assert!(reopened.is_open());
}

#[apply(on_both_databases!)]
async fn older_notice_expanded_later_is_replaced_too(test: TestDb) {
    subscribe(&test, [subscriber(&test, "page", Scope::Page)]).await;
    let incident = fixtures::incident("it", test.clock.now());
    open(&test, &incident).await;
    test.clock.advance(TimeDelta::minutes(1));
    post(&test, &incident, "second", Phase::Identified).await;
    expand(&test).await;
    let progress = notices::list_progress(&mut test.read().await.unwrap(), test.clock.now(), 10).await.unwrap();
    assert_eq!(progress.iter().map(|it| (it.replaced, it.queued)).collect::<Vec<_>>(), [(0, 1), (1, 0)]);
}

#[apply(on_both_databases!)]
async fn message_that_is_being_sent_is_not_replaced(test: TestDb) {
    subscribe(&test, [subscriber(&test, "page", Scope::Page)]).await;
    let incident = fixtures::incident("it", test.clock.now());
    open(&test, &incident).await;
    expand(&test).await;
    let leased = lease(&test, "one").await;
    test.clock.advance(TimeDelta::minutes(1));
    post(&test, &incident, "second", Phase::Identified).await;
    expand(&test).await;
    let mut tx = test.db.deliver().await.unwrap();
    deliveries::record(&mut tx, &leased[0], "one", &Outcome::Sent, test.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    let progress = notices::list_progress(&mut test.read().await.unwrap(), test.clock.now(), 10).await.unwrap();
    assert_eq!(progress.iter().map(|it| (it.sent, it.replaced, it.queued)).collect::<Vec<_>>(), [(0, 0, 1), (1, 0, 0)]);
}

#[apply(on_both_databases!)]
async fn leased_message_is_sent_by_one_process_until_lease_ends(test: TestDb) {
    subscribe(&test, [subscriber(&test, "page", Scope::Page)]).await;
    open(&test, &fixtures::incident("it", test.clock.now())).await;
    expand(&test).await;
    let first = lease(&test, "one").await;
    assert_eq!((first.len(), lease(&test, "two").await.len()), (1, 0));
    test.clock.advance(LEASE + TimeDelta::seconds(1));
    let second = lease(&test, "two").await;
    assert_eq!((second.len(), second[0].attempts), (1, 2));
    assert_eq!(first[0].message_id(), second[0].message_id());
    // The process whose lease ended no longer decides.
    let mut tx = test.db.deliver().await.unwrap();
    deliveries::record(&mut tx, &first[0], "one", &Outcome::Rejected("late".into()), test.clock.now()).await.unwrap();
    let retry = Outcome::Retry { at: test.clock.now() + TimeDelta::minutes(2), reason: "busy".into() };
    deliveries::record(&mut tx, &second[0], "two", &retry, test.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(lease(&test, "three").await.is_empty());
    test.clock.advance(TimeDelta::minutes(2));
    assert_eq!(lease(&test, "three").await.len(), 1);
}

#[apply(on_both_databases!)]
async fn many_subscribers_are_matched_in_ranges(test: TestDb) {
    subscribe(&test, (0..1201).map(|at| subscriber(&test, &format!("s{at:04}"), Scope::Page))).await;
    open(&test, &fixtures::incident("it", test.clock.now())).await;
    let ranges = std::sync::atomic::AtomicUsize::new(0);
    let count = || {
        ranges.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    };
    expand_notices(&test.db, test.clock.now(), count).await.unwrap();
    assert_eq!(ranges.into_inner(), 3);
    assert_eq!(deliveries::count_waiting(&mut test.read().await.unwrap()).await.unwrap().0, 1201);
}

#[apply(on_both_databases!)]
async fn silenced_update_and_hidden_incident_tell_no_subscriber(test: TestDb) {
    let incident = fixtures::incident("it", test.clock.now());
    let mut tx = test.write().await.unwrap();
    let first = &incident.updates[0].id;
    actions::notices::set_notification(&mut tx, incident.id.as_str(), first, false).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    open(&test, &incident).await;
    let hidden =
        Incident { visibility: candor::domain::Visibility::Internal, ..fixtures::incident("hidden", test.clock.now()) };
    open(&test, &hidden).await;
    open(&test, &fixtures::resolved("past", test.clock.now() - TimeDelta::hours(2), TimeDelta::hours(1))).await;
    let found = notices::list_progress(&mut test.read().await.unwrap(), test.clock.now(), 10).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
    let mut tx = test.write().await.unwrap();
    let (_, entry) = actions::incidents::publish(&mut tx, &hidden, test.clock.now()).await.unwrap();
    tx.commit(&fixtures::actor(), test.clock.now(), entry).await.unwrap();
    let found = notices::list_progress(&mut test.read().await.unwrap(), test.clock.now(), 10).await.unwrap();
    assert_eq!(found.iter().map(|it| it.notice.event).collect::<Vec<_>>(), [Event::IncidentOpened]);
}

#[apply(on_both_databases!)]
async fn own_status_of_a_component_reaches_webhooks_only(test: TestDb) {
    let tiles = component(&test, "Tiles").await;
    let mut hook = subscriber(&test, "hook", Scope::Page);
    (hook.channel, hook.endpoint_host) = (Channel::Webhook, Some("hooks.example.org".into()));
    subscribe(&test, [subscriber(&test, "page", Scope::Page), hook]).await;
    let mut tx = test.write().await.unwrap();
    let mut after = Component { status: Status::PartialOutage, ..tiles.clone() };
    let entry = actions::components::set_status(&mut tx, &tiles, &mut after, test.clock.now()).await.unwrap();
    tx.commit(&fixtures::actor(), test.clock.now(), entry).await.unwrap();
    expand(&test).await;
    assert_eq!(recipients(&test).await, names(["hook"]));
}

#[apply(on_both_databases!)]
async fn subscription_to_an_incident_ends_when_it_is_resolved(test: TestDb) {
    let incident = fixtures::incident("it", test.clock.now());
    open(&test, &incident).await;
    expand(&test).await;
    subscribe(&test, [subscriber(&test, "only", Scope::Incident(incident.id.clone()))]).await;
    post(&test, &incident, "second", Phase::Resolved).await;
    let sweep = async || {
        let mut tx = test.write().await.unwrap();
        let deleted = subscribers::delete_expired(&mut tx, test.clock.now()).await.unwrap();
        tx.commit_unaudited().await.unwrap();
        deleted
    };
    assert_eq!(sweep().await, 0, "the last message is not expanded yet");
    expand(&test).await;
    assert_eq!(sweep().await, 0, "the last message is not sent yet");
    let leased = lease(&test, "one").await;
    let mut tx = test.db.deliver().await.unwrap();
    deliveries::record(&mut tx, &leased[0], "one", &Outcome::Sent, test.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sweep().await, 1);
}

#[apply(on_both_databases!)]
async fn restored_database_sends_nothing_older(test: TestDb) {
    subscribe(&test, [subscriber(&test, "page", Scope::Page)]).await;
    open(&test, &fixtures::incident("one", test.clock.now())).await;
    expand(&test).await;
    open(&test, &fixtures::incident("two", test.clock.now())).await;
    let mut tx = test.write().await.unwrap();
    notices::cancel_unsent(&mut tx, test.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    expand(&test).await;
    assert!(lease(&test, "one").await.is_empty());
}
