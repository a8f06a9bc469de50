//! Subscribers in the database of a test.

use candor::actions;
use candor::actions::subscribers::{SubscriberKeys, SubscriptionRequest};
use candor::credentials::secret_token::hash_token;
use candor::credentials::subscriber_links::SubscriberLinks;
use candor::db::notices::{self, NoticeProgress};
use candor::db::subscribers::{self, SealedAddress};
use candor::domain::subscriber::{Channel, IncidentEvents, Scope, SubscriberState};
use candor::domain::{ComponentId, IncidentId, Subscriber, SubscriberId};

use super::TestDb;
use super::app::TestApp;

/// An active e-mail subscriber, `ID@example.org`.
pub fn subscriber(test: &TestDb, id: &str, scope: Scope) -> Subscriber {
    let now = test.clock.now();
    Subscriber {
        id: SubscriberId::parse(id).unwrap(),
        channel: Channel::Email,
        email: Some(format!("{id}@example.org")),
        endpoint_host: None,
        scope,
        incidents: IncidentEvents::All,
        maintenance: true,
        state: SubscriberState::Active,
        paused_at: None,
        requested_at: now,
        confirmed_at: Some(now),
        consent_version: 1,
        quarantined_at: None,
        quarantine_reason: None,
        updated_at: now,
        version: 1,
    }
}

/// Stores subscribers whose endpoints can't be opened.
pub async fn subscribe(test: &TestDb, subscribers: impl IntoIterator<Item = Subscriber>) {
    let mut tx = test.write().await.unwrap();
    for subscriber in subscribers {
        let address = subscriber.email.clone().unwrap();
        let endpoint = (subscriber.channel != Channel::Email).then(|| "sealed".to_owned());
        let sealed = SealedAddress { hash: hash_token(&address), endpoint, secret: None };
        subscribers::insert(&mut tx, &subscriber, &sealed).await.unwrap();
    }
    tx.commit_unaudited().await.unwrap();
}

pub fn links(app: &TestApp) -> SubscriberLinks {
    app.state.subscriber_links().unwrap()
}

pub fn request(email: &str, scope: Scope) -> SubscriptionRequest {
    SubscriptionRequest {
        channel: Channel::Email,
        email: Some(email.to_owned()),
        endpoint: None,
        scope,
        incidents: IncidentEvents::All,
        maintenance: true,
    }
}

/// Adds a subscriber in `state`.
pub async fn add_in(app: &TestApp, email: &str, scope: Scope, state: SubscriberState) -> Subscriber {
    let links = links(app);
    let keys = SubscriberKeys { secret_key: &app.state.secret_key, links: &links };
    let mut tx = app.db.write().await.unwrap();
    let (added, _) =
        actions::subscribers::add(&mut tx, keys, &request(email, scope), state, app.clock.now()).await.unwrap();
    tx.commit_unaudited().await.unwrap();
    added
}

pub async fn add_to_page(app: &TestApp, email: &str) -> Subscriber {
    add_in(app, email, Scope::Page, SubscriberState::Active).await
}

pub async fn add_to_component(app: &TestApp, email: &str, component: &ComponentId) -> Subscriber {
    add_in(app, email, Scope::Components(vec![component.clone()]), SubscriberState::Active).await
}

pub async fn add_to_incident(app: &TestApp, email: &str, incident: &str) -> Subscriber {
    let scope = Scope::Incident(IncidentId::parse(incident).unwrap());
    add_in(app, email, scope, SubscriberState::Active).await
}

/// All subscribers, also those of single incidents.
pub async fn all(app: &TestApp) -> Vec<Subscriber> {
    subscribers::list_after(&mut app.db.read().await.unwrap(), None, 1000).await.unwrap()
}

pub async fn find(app: &TestApp, email: &str) -> Option<Subscriber> {
    all(app).await.into_iter().find(|subscriber| subscriber.email.as_deref() == Some(email))
}

/// The notices, newest first.
pub async fn notices(app: &TestApp) -> Vec<NoticeProgress> {
    notices::list_progress(&mut app.db.read().await.unwrap(), app.clock.now(), 50).await.unwrap()
}
