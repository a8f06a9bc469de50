//! What all pages for managers share: layout, messages, pagination, error pages.

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

/// What was made; where there are as many as there may be, that is said beside `field`.
pub fn check_limit<T>(made: db::Result<T>, field: &str) -> Result<std::result::Result<T, Invalid>> {
    match made {
        Err(db::Error::Full(sentence)) => Ok(Err(Invalid::field(field, sentence))),
        made => Ok(Ok(made?)),
    }
}

/// A page of the admin.
pub fn page_response(html: String) -> Response {
    Html(html).into_response()
}

/// The same page again, with what was wrong beside its field.
pub fn invalid_response(html: String) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Html(html)).into_response()
}

/// The same page again, with what somebody else did in the meantime.
pub fn conflict_response(html: String) -> Response {
    (StatusCode::CONFLICT, Html(html)).into_response()
}
