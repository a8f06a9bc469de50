//! Lists of subscribers: imported and exported as a whole, with one audit row each.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::subscribers::{SubscriberKeys, SubscriptionRequest};
use crate::credentials::secret_token::hash_token;
use crate::db::{self, Result, Tx, WriteTx, subscribers, suppressions};
use crate::domain::audit::{Action, Entry};
use crate::domain::subscriber::SubscriberState;

/// What an import must not add: addresses that have subscribed, and those that have unsubscribed here.
pub struct KnownAddresses {
    subscribed: HashSet<(String, String)>,
    suppressed: HashSet<String>,
}

/// Why an address is not imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportRefusal {
    Subscribed,
    Unsubscribed,
}

impl KnownAddresses {
    pub async fn load(tx: &mut Tx) -> Result<Self> {
        Ok(Self { subscribed: subscribers::list_hashes(tx).await?, suppressed: suppressions::list_all(tx).await? })
    }

    /// Adds the address to those that have subscribed, or returns why it must not be imported.
    pub fn add_address(&mut self, keys: SubscriberKeys<'_>, wish: &SubscriptionRequest) -> Option<ImportRefusal> {
        let address = wish.email.as_deref().unwrap_or(wish.address());
        if self.suppressed.contains(&keys.links.address_hmac(address)) {
            return Some(ImportRefusal::Unsubscribed);
        }
        let is_new = self.subscribed.insert((wish.channel.key().to_owned(), hash_token(wish.address())));
        (!is_new).then_some(ImportRefusal::Subscribed)
    }
}

/// Adds the subscribers of an imported list, each in its state. `skipped` rows of the list are only counted. An address
/// that has subscribed meanwhile is left as it is. One audit row says how many were added.
pub async fn import(
    tx: &mut WriteTx,
    keys: SubscriberKeys<'_>,
    wishes: &[(SubscriptionRequest, SubscriberState)],
    skipped: usize,
    now: DateTime<Utc>,
) -> Result<(usize, Entry)> {
    let room = subscribers::MAX_SUBSCRIBERS - subscribers::count_all(tx).await?;
    if i64::try_from(wishes.len()).unwrap_or(i64::MAX) > room {
        return Err(db::Error::Full(subscribers::LIMIT_REACHED));
    }
    let mut sealed = Vec::with_capacity(wishes.len());
    for (wish, state) in wishes {
        let subscriber = wish.subscriber(*state, now);
        let address = wish.seal(keys, &subscriber.id)?;
        sealed.push((subscriber, address));
    }
    let added = subscribers::insert_batch(tx, &sealed, now).await?;
    let skipped = skipped + wishes.len() - added;
    Ok((added, Entry::new(Action::SubscriberImport, "", format!("{added} added, {skipped} skipped"))))
}

/// One audit row for a list of all addresses that leaves the server.
pub fn record_export(count: usize) -> Entry {
    Entry::new(Action::SubscriberExport, "", format!("{count} subscribers"))
}
