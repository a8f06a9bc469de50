//! The Site as it is served: with every answer made beforehand.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::header::HeaderValue;

use super::Document;
use super::prepared_response::{Answer, BRIEFLY, SHORTLY, STRICTEST, Terms};
use super::site::{FILTER_UNAVAILABLE, Site, error_path};

/// A [`Site`] and the answers that show it; made when it is swapped in, looked up ever after.
#[derive(Debug)]
pub struct Served {
    pub site: Arc<Site>,
    answers: HashMap<String, Answer>,
}

impl Served {
    /// `site`, ready to be answered with.
    pub(super) fn new(site: Arc<Site>, secure: bool) -> Self {
        let policy = HeaderValue::from_str(&site.content_security_policy).unwrap_or(STRICTEST);
        let terms = Terms { kept: SHORTLY, policy, secure, age: site.age.clone() };
        let of_one = Terms { kept: BRIEFLY, ..terms.clone() };
        let terms = |path: &str| if shows_one(path) { &of_one } else { &terms };
        let answer = |path: &str, document: &Arc<Document>| Answer::new(document.clone(), terms(path));
        let answers = site.documents().map(|(path, document)| (path.to_owned(), answer(path, document)));
        Self { answers: answers.collect(), site }
    }

    /// What is answered at `path`, if it is a hot page.
    pub fn answer(&self, path: &str) -> Option<&Answer> {
        self.answers.get(path)
    }

    /// The page that says an error of this status.
    pub fn error(&self, status: u16) -> Option<&Answer> {
        self.answers.get(error_path(status).as_str())
    }

    /// The page that says a filtered view can't be had now.
    pub fn filter_unavailable(&self) -> Option<&Answer> {
        self.answers.get(FILTER_UNAVAILABLE)
    }
}

/// Whether the document at `path` shows a single incident or maintenance, which few read.
fn shows_one(path: &str) -> bool {
    path.starts_with("/incidents/")
        || path.strip_prefix("/api/v2/incidents/").is_some_and(|name| name != "unresolved.json")
}
