//! What every prepared response goes through: finding it by path, reading request headers, copying response headers.
//!
//! Not inlined, because a function that is inlined into one compiled for size is compiled for size too.

use std::collections::HashMap;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use crate::Encoding;

/// Values by path.
#[derive(Debug)]
pub struct PathMap<V> {
    index: PathIndex,
    values: Vec<V>,
}

impl<V> PathMap<V> {
    pub fn get(&self, path: &str) -> Option<&V> {
        self.values.get(self.index.find(path)?)
    }
}

/// Of equal paths, the first is found.
impl<V> FromIterator<(String, V)> for PathMap<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(pairs: I) -> Self {
        let (mut index, mut values) = (PathIndex::default(), Vec::new());
        for (path, value) in pairs {
            index.0.entry(path).or_insert(values.len());
            values.push(value);
        }
        values.shrink_to_fit();
        index.0.shrink_to_fit();
        Self { index, values }
    }
}

/// Not generic, so that it is compiled in this crate.
#[derive(Debug, Default)]
struct PathIndex(HashMap<String, usize>);

impl PathIndex {
    #[inline(never)]
    fn find(&self, path: &str) -> Option<usize> {
        self.0.get(path).copied()
    }
}

/// What a request says about the document that it accepts. Of repeated headers, the first counts.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a> {
    pub encoding: Encoding,
    pub if_none_match: Option<&'a [u8]>,
    pub if_modified_since: Option<&'a [u8]>,
}

impl<'a> Conditions<'a> {
    #[inline(never)]
    pub fn from_headers(headers: &'a HeaderMap) -> Self {
        let value = |name| headers.get(name).map(HeaderValue::as_bytes);
        Self {
            encoding: Encoding::from_accept_encoding(value(header::ACCEPT_ENCODING).unwrap_or_default()),
            if_none_match: value(header::IF_NONE_MATCH),
            if_modified_since: value(header::IF_MODIFIED_SINCE),
        }
    }
}

/// Whether an `If-None-Match` value names one of `etags`.
#[inline(never)]
pub fn names_etag(if_none_match: &[u8], etags: &[String]) -> bool {
    if_none_match
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag))
        .any(|tag| tag == b"*" || etags.iter().any(|own| own.as_bytes() == tag))
}

/// A response with a copy of `headers`.
#[inline(never)]
pub fn build_response(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers.clone();
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_whole_path() {
        let map: PathMap<u8> =
            [("/", 1), ("/history", 2), ("/", 3)].map(|(path, value)| (path.into(), value)).into_iter().collect();
        assert_eq!(["/", "/history", "/histor", ""].map(|path| map.get(path).copied()), [Some(1), Some(2), None, None]);
    }

    #[test]
    fn first_of_repeated_headers_counts() {
        let mut headers = HeaderMap::new();
        let read = |headers: &HeaderMap| {
            let conditions = Conditions::from_headers(headers);
            let text = |value: Option<&[u8]>| value.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
            (conditions.encoding, text(conditions.if_none_match), text(conditions.if_modified_since))
        };
        assert_eq!(read(&headers), (Encoding::Plain, None, None));
        for value in ["br", "gzip"] {
            headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            headers.append(header::IF_MODIFIED_SINCE, HeaderValue::from_static(value));
        }
        assert_eq!(read(&headers), (Encoding::Brotli, Some("br".into()), Some("br".into())));
    }
}
