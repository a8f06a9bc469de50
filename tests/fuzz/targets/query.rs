//! Any query string is parsed into a filter that is written the same way again.

#![no_main]

use candor::domain::forms::Fields;
use candor::domain::history::{HistoryFilter, MAX_SEARCH_LENGTH};
use candor::domain::search::{AuditSearch, IncidentSearch};
use candor::web::form;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &[u8]| {
    let Ok(fields) = form::read_form(query) else { return };
    let filter = HistoryFilter::from_query(&fields);
    assert!(filter.text.as_ref().is_none_or(|text| text.chars().count() <= MAX_SEARCH_LENGTH));
    assert_eq!(HistoryFilter::from_query(&rebuild_fields(filter.pairs())), filter);
    let incidents = IncidentSearch::read(&fields);
    assert_eq!(IncidentSearch::read(&rebuild_fields(incidents.pairs())), incidents);
    let audit = AuditSearch::read(&fields);
    assert_eq!(AuditSearch::read(&rebuild_fields(audit.pairs())), audit);
});

fn rebuild_fields(pairs: Vec<(&'static str, String)>) -> Fields {
    Fields(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
