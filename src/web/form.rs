//! Extractors for form bodies and query strings.

use axum::extract::{FromRequest, FromRequestParts, Query, RawForm, Request};
use axum::http::request::Parts;
use percent_encoding::percent_decode;

use super::edge::body_timeout::is_body_timeout;
use super::{Error, MAX_BODY};
use crate::db::components::MAX_COMPONENTS;
use crate::domain::forms::Fields;

pub struct Form(pub Fields);

/// Parameters of the query; an unreadable query counts as empty.
pub struct QueryFields(pub Fields);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = axum::response::Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        use axum::response::IntoResponse as _;
        let RawForm(bytes) = RawForm::from_request(request, state).await.map_err(|rejection| {
            if is_body_timeout(&rejection) { Error::TooSlow.into_response() } else { rejection.into_response() }
        })?;
        read_form(&bytes).map(Self).map_err(axum::response::IntoResponse::into_response)
    }
}

/// Maximum number of fields, not counting component fields. Our largest form has about thirty.
pub const MAX_FIELDS: usize = 200;
/// Longest field name in bytes: `incident[components][ID]` with the longest id has 61.
pub const MAX_NAME: usize = 100;

/// Parses a form body. Rejects invalid UTF-8, which the parser would replace silently, and forms beyond the limits.
pub fn read_form(bytes: &[u8]) -> Result<Fields, Error> {
    read_form_within(bytes, usize::from(MAX_COMPONENTS))
}

/// As [`read_form`], with at most `components` component fields.
pub fn read_form_within(bytes: &[u8], components: usize) -> Result<Fields, Error> {
    if !is_utf8(bytes) {
        return Err(Error::BadRequest("The form could not be read: it must be UTF-8.".into()));
    }
    let pairs = url::form_urlencoded::parse(bytes);
    limit_fields(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())), components)
}

/// Collects the fields of a form. Rejects forms beyond the limits; `components` is the maximum number of component
/// fields.
pub fn limit_fields(pairs: impl Iterator<Item = (String, String)>, components: usize) -> Result<Fields, Error> {
    let mut fields = Vec::new();
    let (mut of_components, mut others, mut size) = (0, 0, 0);
    for (name, value) in pairs {
        let (count, most) =
            if name.contains("component") { (&mut of_components, components) } else { (&mut others, MAX_FIELDS) };
        *count += 1;
        if *count > most {
            return Err(Error::Unfit(format!("The form has too many fields: at most {most} are accepted.")));
        }
        if name.len() > MAX_NAME {
            return Err(Error::Unfit(format!("The form has a field name longer than {MAX_NAME} bytes.")));
        }
        size += escaped_len(&name) + escaped_len(&value);
        if size > MAX_BODY {
            return Err(Error::TooLarge);
        }
        fields.push((name, value));
    }
    Ok(Fields(fields))
}

/// Size of `fields` in escaped HTML, in bytes.
pub fn html_size(fields: &Fields) -> usize {
    fields.0.iter().map(|(name, value)| escaped_len(name) + escaped_len(value)).sum()
}

/// Size of `text` in escaped HTML, in bytes.
pub fn escaped_len(text: &str) -> usize {
    let mut len = text.len();
    for byte in text.as_bytes() {
        len += match byte {
            b'"' => "&quot;".len() - 1,
            b'&' => "&amp;".len() - 1,
            b'\'' => "&#x27;".len() - 1,
            b'<' | b'>' => "&lt;".len() - 1,
            _ => 0,
        };
    }
    len
}

/// Whether the percent-decoded form is UTF-8.
pub fn is_utf8(bytes: &[u8]) -> bool {
    percent_decode(bytes).decode_utf8().is_ok()
}

impl<S: Send + Sync> FromRequestParts<S> for QueryFields {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        Ok(Self(Fields(pairs.map(|Query(pairs)| pairs).unwrap_or_default())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(name: &str, count: usize) -> String {
        format!("{name}=x&").repeat(count)
    }

    #[test]
    fn form_fields_names_and_size_are_limited() {
        let fields = |body: &str| read_form(body.as_bytes()).map(|fields| fields.0.len());
        assert!(matches!(fields(&repeated("a", MAX_FIELDS)), Ok(MAX_FIELDS)));
        assert!(matches!(fields(&repeated("a", MAX_FIELDS + 1)), Err(Error::Unfit(_))));
        assert!(matches!(fields(&"=&".repeat(MAX_FIELDS + 1)), Err(Error::Unfit(_))));
        let components = usize::from(MAX_COMPONENTS);
        let whole = repeated("component.x", components) + &repeated("a", MAX_FIELDS);
        assert!(matches!(fields(&whole), Ok(count) if count == components + MAX_FIELDS));
        assert!(matches!(fields(&(whole + "component.x=x")), Err(Error::Unfit(_))));
        assert!(matches!(fields(&repeated(&"n".repeat(MAX_NAME), 1)), Ok(1)));
        assert!(matches!(fields(&repeated(&"n".repeat(MAX_NAME + 1), 1)), Err(Error::Unfit(_))));
        let body = |sign: &str, count| format!("body={}", sign.repeat(count));
        assert!(matches!(fields(&body("%22", 80_000)), Ok(1)));
        assert!(matches!(fields(&body("%22", 90_000)), Err(Error::TooLarge)));
    }

    #[test]
    fn longest_message_fits_in_any_script() {
        for sign in ["\"", "&", "'", "<", "\u{1f6a2}"] {
            let body: String = url::form_urlencoded::byte_serialize(sign.repeat(25_000).as_bytes()).collect();
            assert!(read_form(format!("title=x&body={body}").as_bytes()).is_ok(), "{sign}");
        }
    }

    #[test]
    fn invalid_utf8_is_detected() {
        assert!(is_utf8(b"a=%C3%A9&b=+%25&c=%"));
        assert!(!is_utf8(b"a=%C0%AF"));
        assert!(!is_utf8(b"a=%ED%A0%80"));
        assert!(!is_utf8(b"a=\xff"));
    }
}
