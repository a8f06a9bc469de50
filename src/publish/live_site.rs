//! The Site as it is served: with every answer made beforehand.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::header::HeaderValue;

use super::Document;
use super::prepared_response::{CACHE_BRIEF, CACHE_SHORT, CSP_NONE, PreparedResponse, ResponsePolicy};
use super::site::{FILTER_UNAVAILABLE, Site, error_path};

/// A [`Site`] and the answers that show it; made when it is swapped in, looked up ever after.
#[derive(Debug)]
pub struct LiveSite {
    pub site: Arc<Site>,
    responses: HashMap<String, PreparedResponse>,
}

impl LiveSite {
    /// `site`, ready to be answered with.
    pub(super) fn new(site: Arc<Site>, secure: bool) -> Self {
        let policy = HeaderValue::from_str(&site.content_security_policy).unwrap_or(CSP_NONE);
        let terms = ResponsePolicy {
            cache_control: CACHE_SHORT,
            content_security_policy: policy,
            secure,
            staleness: site.staleness.clone(),
        };
        let of_one = ResponsePolicy { cache_control: CACHE_BRIEF, ..terms.clone() };
        let terms = |path: &str| if is_single_incident(path) { &of_one } else { &terms };
        let answer = |path: &str, document: &Arc<Document>| PreparedResponse::new(document.clone(), terms(path));
        let answers = site.documents().map(|(path, document)| (path.to_owned(), answer(path, document)));
        Self { responses: answers.collect(), site }
    }

    /// What is answered at `path`, if it is a hot page.
    pub fn response(&self, path: &str) -> Option<&PreparedResponse> {
        self.responses.get(path)
    }

    /// The page that says an error of this status.
    pub fn error(&self, status: u16) -> Option<&PreparedResponse> {
        self.responses.get(error_path(status).as_str())
    }

    /// The page that says a filtered view can't be had now.
    pub fn filter_unavailable(&self) -> Option<&PreparedResponse> {
        self.responses.get(FILTER_UNAVAILABLE)
    }
}

/// Whether the document at `path` shows a single incident or maintenance, which few read.
fn is_single_incident(path: &str) -> bool {
    path.starts_with("/incidents/")
        || path.strip_prefix("/api/v2/incidents/").is_some_and(|name| name != "unresolved.json")
}
