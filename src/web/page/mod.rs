//! Shared by all pages for managers: layout, messages, pagination, error pages.

pub mod account_mail;
pub mod error_page;
pub mod flash;
pub mod layout;
pub mod pagination;
pub mod submitted_text;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::Result;
use crate::db;
use crate::domain::Invalid;

/// Returns what was created, or a message beside `field` if the limit is reached.
pub fn check_limit<T>(made: db::Result<T>, field: &str) -> Result<std::result::Result<T, Invalid>> {
    match made {
        Err(db::Error::Full(sentence)) => Ok(Err(Invalid::field(field, sentence))),
        made => Ok(Ok(made?)),
    }
}

pub fn page_response(html: String) -> Response {
    Html(html).into_response()
}

/// 422: the form's page with messages beside the invalid fields.
pub fn invalid_response(html: String) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Html(html)).into_response()
}

/// 409: the form's page with the other manager's change.
pub fn conflict_response(html: String) -> Response {
    (StatusCode::CONFLICT, Html(html)).into_response()
}
