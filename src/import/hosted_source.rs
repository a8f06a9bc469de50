//! Reads and fetches the pages of programs that can be imported from an address.

use url::Url;

use super::fetch::{self, DownloadCache, ThrottledClient};
use super::{Format, IncidentIo, Instatus, OpenStatus, Statuspage, Upptime};
use crate::domain::ImportSource;

pub fn source_format(source: ImportSource) -> &'static dyn Format {
    match source {
        ImportSource::Statuspage => &Statuspage,
        ImportSource::Instatus => &Instatus,
        ImportSource::OpenStatus => &OpenStatus,
        ImportSource::Upptime => &Upptime,
        ImportSource::IncidentIo => &IncidentIo,
    }
}

/// Where the documents of the page at `url` are.
pub fn documents_url(source: ImportSource, url: &Url) -> anyhow::Result<Url> {
    if source == ImportSource::Upptime { fetch::github_api(url) } else { Ok(url.clone()) }
}

/// Fetches the public documents of the page at `url`; returns a message for each document that could not be fetched.
pub async fn fetch_hosted_page(
    source: ImportSource,
    url: &Url,
    polite: &mut ThrottledClient<'_>,
    keep: &DownloadCache,
) -> anyhow::Result<Vec<String>> {
    match source {
        ImportSource::Statuspage => fetch::fetch_public(polite, keep).await,
        ImportSource::Instatus => fetch::fetch_instatus(polite, keep).await,
        ImportSource::OpenStatus => fetch::fetch_openstatus(polite, keep).await,
        ImportSource::Upptime => fetch::fetch_upptime(polite, keep).await,
        ImportSource::IncidentIo => fetch::fetch_incident_io(polite, keep, url.host_str().unwrap_or_default()).await,
    }
}
