//! Subscribers in the database, without the forms.

use candor::credentials::secret_token::hash_token;
use candor::db::subscribers::{self, SealedAddress};
use candor::domain::subscriber::{Channel, IncidentEvents, Scope, SubscriberState};
use candor::domain::{Subscriber, SubscriberId};

use super::TestDb;

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
