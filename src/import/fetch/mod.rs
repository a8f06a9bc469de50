//! Fetching a page from where it is served, into a folder of the documents that an import of files reads.
//!
//! One request at a time. What was fetched is kept: a run that was stopped goes on where it stopped, and what a preview
//! fetched is imported without asking again. Once it was imported, the next run asks anew.

mod download_cache;
mod management_api;
mod public_api;
mod throttled_client;

pub use download_cache::DownloadCache;
pub use throttled_client::{Throttle, ThrottledClient};

/// What goes on, for whoever watches.
#[derive(Clone, Copy, Debug)]
pub enum FetchStep<'a> {
    /// Something is asked for.
    Asking(&'a str),
    /// The server wants us to wait, in seconds.
    Waiting(u64),
    /// So many incidents of so many are fetched.
    Incidents(usize, usize),
}

/// Fetches what a page shows to everybody. Gives what could not be fetched, each a sentence.
///
/// # Errors
/// Where the server does not answer as such a page does, or nothing can be kept.
pub async fn fetch_public(polite: &mut ThrottledClient<'_>, keep: &DownloadCache) -> anyhow::Result<Vec<String>> {
    public_api::fetch_all(polite, keep).await
}

/// Fetches what the management API tells of the page `id`, or of the only one. Gives what could not be fetched.
///
/// # Errors
/// As [`public_api`]; and where there are several pages and none is named.
pub async fn fetch_managed(
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
    id: Option<&str>,
) -> anyhow::Result<Vec<String>> {
    management_api::fetch_all(polite, keep, id).await
}
