//! Turns at rendering deep pages, in queues of their own: requests that anybody can make up never delay those for pages
//! that can be counted, and one client never holds all turns of a queue.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::OnDemandPage;
use crate::domain::rate_limit::network;

/// How many pages of each queue are rendered at once: a flood of them leaves the rest of the machine alone.
const MAX_RENDERS: usize = 2;
/// How many pages of each queue are rendered at once for one client; always less than all turns.
const MAX_RENDERS_PER_CLIENT: usize = 1;
/// How long a reader waits: for the turns of the own client, and then for those of all.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// What waits for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum RenderQueue {
    /// Single incidents and maintenances; their ids can be made up.
    Single,
    /// Words to search for.
    Search,
    /// Months, quarters and the uptime: there are only so many of them.
    Bounded,
    /// Ranges, filters, cursors and choices of components.
    Filtered,
}

impl RenderQueue {
    fn for_page(page: &OnDemandPage) -> Self {
        match page {
            OnDemandPage::Incident(_) | OnDemandPage::CalendarEvent(_) | OnDemandPage::Json(..) => Self::Single,
            OnDemandPage::Filtered(filter, _) if filter.text.is_some() => Self::Search,
            OnDemandPage::Month(_, None) | OnDemandPage::Quarter(_) | OnDemandPage::Uptime => Self::Bounded,
            OnDemandPage::Month(_, Some(_)) | OnDemandPage::Filtered(..) | OnDemandPage::Showcase(_) => Self::Filtered,
        }
    }
}

type ByClient = Arc<Mutex<HashMap<(IpAddr, RenderQueue), Arc<Semaphore>>>>;

/// The turns of every queue.
pub(super) struct RenderPermits {
    patience: Duration,
    queues: [Semaphore; 4],
    by_client: ByClient,
}

/// One of the turns of a client; given back when dropped.
pub(super) struct ClientPermit {
    key: (IpAddr, RenderQueue),
    by_client: ByClient,
    turns: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Default for RenderPermits {
    fn default() -> Self {
        Self {
            patience: WAIT_TIMEOUT,
            queues: [(); 4].map(|()| Semaphore::new(MAX_RENDERS)),
            by_client: ByClient::default(),
        }
    }
}

impl RenderPermits {
    /// The same, but whoever waits is refused after `patience`.
    pub(super) fn with_timeout(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// A turn at rendering `page`; nothing where none was free in time.
    pub(super) async fn acquire_for_page(&self, page: &OnDemandPage) -> Option<SemaphorePermit<'_>> {
        let turns = &self.queues[RenderQueue::for_page(page) as usize];
        tokio::time::timeout(self.patience, turns.acquire()).await.ok()?.ok()
    }

    /// One of the turns that `client` has in the queue of `page`; nothing where none was free in time. What is rendered for
    /// no client has as many as it wants.
    pub(super) async fn acquire_for_client(
        &self,
        page: &OnDemandPage,
        client: Option<IpAddr>,
    ) -> Option<Option<ClientPermit>> {
        let Some(client) = client else { return Some(None) };
        let key = (network(client), RenderQueue::for_page(page));
        let turns = {
            let mut all = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(key).or_insert_with(|| Arc::new(Semaphore::new(MAX_RENDERS_PER_CLIENT))).clone()
        };
        // Made first, so that whoever hangs up while waiting is forgotten too.
        let mut place = ClientPermit { key, by_client: self.by_client.clone(), turns, permit: None };
        let permit = tokio::time::timeout(self.patience, place.turns.clone().acquire_owned()).await.ok()?.ok()?;
        place.permit = Some(permit);
        Some(Some(place))
    }
}

impl Drop for ClientPermit {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut all = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        // The table and this place hold one each; others who wait hold more.
        if Arc::strong_count(&self.turns) <= 2 {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::history::{HistoryFilter, Month};

    const MONTH: OnDemandPage = OnDemandPage::Month(Month { year: 2025, month: 3 }, None);

    #[tokio::test]
    async fn client_never_holds_all_permits_of_a_queue() {
        let turns = RenderPermits::default().with_timeout(Duration::from_millis(1));
        let (one, other) = ("2001:db8::1".parse().ok(), "2001:db8:0:1::1".parse().ok());
        let held = turns.acquire_for_client(&MONTH, one).await.unwrap();
        let same_network = "2001:db8::2".parse().ok();
        assert!(turns.acquire_for_client(&MONTH, same_network).await.is_none());
        assert!(turns.acquire_for_client(&MONTH, other).await.is_some());
        assert!(turns.acquire_for_client(&OnDemandPage::Uptime, one).await.is_none(), "the same queue");
        assert!(
            turns.acquire_for_client(&OnDemandPage::Filtered(HistoryFilter::default(), None), one).await.is_some(),
            "another queue"
        );
        drop(held);
        assert!(turns.by_client.lock().unwrap().is_empty());
        assert!(turns.acquire_for_client(&MONTH, one).await.is_some());
    }

    #[tokio::test]
    async fn filtered_pages_never_block_bounded_pages() {
        let turns = RenderPermits::default().with_timeout(Duration::from_millis(1));
        let choice = OnDemandPage::Showcase(Vec::new());
        let held = [turns.acquire_for_page(&choice).await, turns.acquire_for_page(&choice).await];
        assert!(held.iter().all(Option::is_some));
        assert!(turns.acquire_for_page(&choice).await.is_none());
        assert!(turns.acquire_for_page(&MONTH).await.is_some());
    }
}
