//! Rendering permits for on-demand pages, in separate queues: requests for arbitrary made-up pages must not delay the
//! limited set of regular pages, and one client must not hold all permits of a queue.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::OnDemandPage;
use crate::domain::rate_limit::network;
use crate::domain::uptime::UptimeView;

/// Concurrent renderings per queue, so that a flood of requests leaves CPU for other work.
const MAX_RENDERS: usize = 2;
/// Concurrent renderings per queue and client; must be less than `MAX_RENDERS`.
const MAX_RENDERS_PER_CLIENT: usize = 1;
/// The timeout for the client's own permit, and again for the shared one.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages that wait for the same permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum RenderQueue {
    /// Single incidents and maintenances; ids can be made up.
    Single,
    /// Full-text searches.
    Search,
    /// Months, quarters and the uptime page: a limited number of pages.
    Bounded,
    /// Ranges, filters, cursors and component selections.
    Filtered,
}

impl RenderQueue {
    fn for_page(page: &OnDemandPage) -> Self {
        match page {
            OnDemandPage::Incident(_)
            | OnDemandPage::CalendarEvent(_)
            | OnDemandPage::Picture(_)
            | OnDemandPage::Json(..) => Self::Single,
            OnDemandPage::Filtered(filter, _) if filter.text.is_some() => Self::Search,
            OnDemandPage::Uptime(view) if *view != UptimeView::default() => Self::Filtered,
            OnDemandPage::Month(_, None)
            | OnDemandPage::Quarter(_)
            | OnDemandPage::Uptime(_)
            | OnDemandPage::UptimeCsv => Self::Bounded,
            OnDemandPage::Month(_, Some(_)) | OnDemandPage::Filtered(..) | OnDemandPage::Showcase(_) => Self::Filtered,
        }
    }
}

type ByClient = Arc<Mutex<HashMap<(IpAddr, RenderQueue), Arc<Semaphore>>>>;

pub(super) struct RenderPermits {
    patience: Duration,
    queues: [Semaphore; 4],
    by_client: ByClient,
}

/// A permit of one client's share of a queue, released on drop.
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
    pub(super) fn with_timeout(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// `None` after the timeout.
    pub(super) async fn acquire_for_page(&self, page: &OnDemandPage) -> Option<SemaphorePermit<'_>> {
        let turns = &self.queues[RenderQueue::for_page(page) as usize];
        tokio::time::timeout(self.patience, turns.acquire()).await.ok()?.ok()
    }

    /// A permit from the client's share of the queue; `None` after the timeout. Rendering without a client is not
    /// limited: `Some(None)`.
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
        // Created before waiting, so that dropping a cancelled request also cleans up the table.
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
        // The table and this permit hold one reference each; waiting requests hold more.
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
        assert!(turns.acquire_for_client(&OnDemandPage::UptimeCsv, one).await.is_none(), "the same queue");
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
