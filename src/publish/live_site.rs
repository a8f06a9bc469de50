//! The published Site with a prepared response for each document.

use std::sync::Arc;

use http_connection::PathMap;
use hyper::header::HeaderValue;

use super::Document;
use super::prepared_response::{CACHE_BRIEF, CACHE_FOREVER, CACHE_SHORT, CSP_NONE, PreparedResponse, ResponsePolicy};
use super::site::{FILTER_UNAVAILABLE, Site, error_path};

#[derive(Debug)]
pub struct LiveSite {
    pub site: Arc<Site>,
    responses: PathMap<PreparedResponse>,
}

impl LiveSite {
    pub(super) fn new(site: Arc<Site>, secure: bool) -> Self {
        let csp = HeaderValue::from_str(&site.content_security_policy).unwrap_or(CSP_NONE);
        let policy = |cache_control| {
            Arc::new(ResponsePolicy {
                cache_control,
                content_security_policy: csp.clone(),
                secure,
                staleness: site.staleness.clone(),
                now: site.confirmed_at,
            })
        };
        let (of_pages, of_incidents, of_logo) = (policy(CACHE_SHORT), policy(CACHE_BRIEF), policy(CACHE_FOREVER));
        let policy = |path: &str| match path {
            _ if path.starts_with(LOGO_PATH) => &of_logo,
            _ if is_single_incident(path) => &of_incidents,
            _ => &of_pages,
        };
        let respond =
            |path: &str, document: &Arc<Document>| PreparedResponse::new(document.clone(), policy(path).clone());
        let responses = site.documents().map(|(path, document)| (path.to_owned(), respond(path, document)));
        Self { responses: responses.collect(), site }
    }

    /// The prepared response for a hot document.
    pub fn response(&self, path: &str) -> Option<&PreparedResponse> {
        self.responses.get(path)
    }

    pub fn error(&self, status: u16) -> Option<&PreparedResponse> {
        self.responses.get(error_path(status).as_str())
    }

    /// The page for a filtered view that is unavailable.
    pub fn filter_unavailable(&self) -> Option<&PreparedResponse> {
        self.responses.get(FILTER_UNAVAILABLE)
    }
}

/// The name of a logo is its digest.
const LOGO_PATH: &str = "/brand/";

/// Whether `path` shows a single incident or maintenance; these get [`CACHE_BRIEF`].
fn is_single_incident(path: &str) -> bool {
    path.starts_with("/incidents/")
        || path.strip_prefix("/api/v2/incidents/").is_some_and(|name| name != "unresolved.json")
}
