//! Fetches a page from its URL into a folder of documents, which are then imported like files.
//!
//! Requests are sequential. Fetched documents are cached: an interrupted run resumes, and a dry run needn't be fetched
//! again. After an import the next run fetches everything again.

mod download_cache;
mod hosted;
mod management_api;
mod public_api;
mod throttled_client;

pub use download_cache::DownloadCache;
pub use hosted::{
    fetch_incident_io, fetch_instatus, fetch_instatus_managed, fetch_openstatus, fetch_upptime, github_api,
};
pub use management_api::{SUBSCRIBER_STATES, subscriber_document};
pub use throttled_client::{Throttle, ThrottledClient};

/// Progress of a fetch.
#[derive(Clone, Copy, Debug)]
pub enum FetchStep<'a> {
    Asking(&'a str),
    /// Waiting at the server's request, in seconds.
    Waiting(u64),
    /// Fetched and total number of incidents.
    Incidents(usize, usize),
}

/// Fetches the public data of a page. Returns a message for each document that could not be fetched.
pub async fn fetch_public(polite: &mut ThrottledClient<'_>, keep: &DownloadCache) -> anyhow::Result<Vec<String>> {
    public_api::fetch_all(polite, keep).await
}

/// Fetches the page `id` from the management API, or the only page of the token. Returns a message for each list that
/// could not be fetched. Fails if the token has several pages and `id` is `None`.
pub async fn fetch_managed(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    id: Option<&str>,
) -> anyhow::Result<Vec<String>> {
    management_api::fetch_all(polite, keep, id).await
}
