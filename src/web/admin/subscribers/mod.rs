//! Subscribers and the messages they got.

pub mod channels;
pub mod erasure;
pub mod import;
pub mod notices;
pub mod selection;
pub mod subscriber;
pub mod test_message;

use crate::credentials::subscriber_links::SubscriberLinks;
use crate::db::{self, Tx, admin_incidents, components, deliveries, sender_rejections};
use crate::domain::Subscriber;
use crate::domain::subscriber::{Scope, is_queue_stuck};
use crate::state::State;
use crate::ui::pages::admin::QueueState;
use crate::web::{Error, Result};

pub(super) const LIST: &str = "/admin/subscribers";

/// The keys of addresses and links.
fn load_links(state: &State) -> Result<SubscriberLinks> {
    state.subscriber_links().map_err(Error::Internal)
}

/// What waits to be sent.
pub(super) async fn load_queue(state: &State, tx: &mut Tx) -> Result<QueueState> {
    let (waiting, oldest) = deliveries::count_waiting(tx).await?;
    let has_mail = state.mailer.is_some();
    let is_stuck = has_mail && is_queue_stuck(deliveries::find_oldest_mail(tx).await?, state.clock.now());
    let rejection = sender_rejections::find_current(tx, state.clock.now()).await?;
    let is_stuck = is_stuck || rejection.is_some();
    Ok(QueueState { waiting, oldest, is_stuck, has_mail, rejection })
}

/// What a subscription covers, in words.
async fn scope_words(tx: &mut Tx, subscriber: &Subscriber) -> Result<String> {
    Ok(match &subscriber.scope {
        Scope::Page => "Whole page".to_owned(),
        Scope::Components(ids) => {
            let known = components::list(tx).await?;
            let names = known.iter().filter(|component| ids.contains(&component.id));
            names.map(|component| component.name.clone()).collect::<Vec<_>>().join(", ")
        }
        Scope::Incident(id) => match admin_incidents::find(tx, id).await {
            Ok(incident) => format!("Incident: {}", incident.title),
            Err(db::Error::NotFound) => "A deleted incident".to_owned(),
            Err(error) => return Err(error.into()),
        },
    })
}
