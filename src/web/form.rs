//! Reading what a browser sends: the fields of a form, the query of an address.

use axum::extract::{FromRequest, FromRequestParts, Query, RawForm, Request};
use axum::http::request::Parts;

use super::Error;
use super::deadline::is_too_slow;
use crate::domain::forms::Fields;

/// The fields of a posted form.
pub struct Form(pub Fields);

/// The fields of a query; a query that can't be read has none.
pub struct Search(pub Fields);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = axum::response::Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        use axum::response::IntoResponse as _;
        let RawForm(bytes) = RawForm::from_request(request, state).await.map_err(|rejection| {
            if is_too_slow(&rejection) { Error::TooSlow.into_response() } else { rejection.into_response() }
        })?;
        let unreadable = || Error::BadRequest("The form could not be read: it must be UTF-8.".into()).into_response();
        let pairs = url::form_urlencoded::parse(&bytes);
        // The parser replaces what is not UTF-8, which would change a text without a word.
        if percent_decoded(&bytes).is_none() {
            return Err(unreadable());
        }
        Ok(Self(Fields(pairs.into_owned().collect())))
    }
}

fn percent_decoded(bytes: &[u8]) -> Option<()> {
    let mut raw = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        let pair = rest.as_slice().first_chunk::<2>();
        let decoded = pair
            .filter(|_| *byte == b'%')
            .and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        raw.push(decoded.unwrap_or(*byte));
        if decoded.is_some() {
            rest = rest.as_slice()[2..].iter();
        }
    }
    std::str::from_utf8(&raw).is_ok().then_some(())
}

impl<S: Send + Sync> FromRequestParts<S> for Search {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        Ok(Self(Fields(pairs.map(|Query(pairs)| pairs).unwrap_or_default())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_utf8_is_noticed() {
        assert!(percent_decoded(b"a=%C3%A9&b=+%25&c=%").is_some());
        assert!(percent_decoded(b"a=%C0%AF").is_none());
        assert!(percent_decoded(b"a=%ED%A0%80").is_none());
        assert!(percent_decoded(b"a=\xff").is_none());
    }
}
