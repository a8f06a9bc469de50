//! The listener without TLS beside the one with TLS: redirects to it, and answers the certificate authority.

use http_body_util::{Either, Full};
use http_connection::{Responder, ResponseFuture};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{Request, Response, StatusCode};

use crate::acme::Challenges;

/// Redirects every request to the same address at `origin`.
#[derive(Clone)]
pub struct Redirect {
    origin: String,
    challenges: Option<Challenges>,
}

impl Redirect {
    pub fn new(origin: String, challenges: Option<Challenges>) -> Self {
        Self { origin, challenges }
    }

    /// The request's `Host` is not read: the target is always this server.
    fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        // `OPTIONS *` has a target without a slash.
        let target = path.starts_with('/').then(|| HeaderValue::try_from(format!("{}{path}", self.origin)).ok());
        let mut response = Response::new(Full::default());
        match target.flatten() {
            Some(target) => {
                *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
                response.headers_mut().insert(LOCATION, target);
            }
            None => *response.status_mut() = StatusCode::BAD_REQUEST,
        }
        // The address may move to another server.
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// The answer to a challenge of the certificate authority.
async fn answer_challenge(challenges: Challenges, token: String) -> Response<Full<Bytes>> {
    let answer = challenges.answer(&token).await;
    let status = if answer.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = Response::new(Full::from(answer.unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

impl Responder for Redirect {
    fn route(&self, request: Request<Incoming>) -> ResponseFuture {
        match (&self.challenges, Challenges::token(request.uri().path())) {
            (Some(challenges), Some(token)) => {
                let (challenges, token) = (challenges.clone(), token.to_owned());
                ResponseFuture::Pending(Box::pin(
                    async move { answer_challenge(challenges, token).await.map(Either::Left) },
                ))
            }
            _ => ResponseFuture::ready(self.answer(&request)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Option<String> {
        let request = Request::builder().uri(uri).header("host", "evil.test").body(()).unwrap();
        let response = Redirect::new("https://status.example.org".to_owned(), None).answer(&request);
        let location = response.headers().get(LOCATION)?;
        assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
        Some(location.to_str().unwrap().to_owned())
    }

    #[test]
    fn target_is_always_this_server() {
        for (uri, path) in [
            ("/", "/"),
            ("/history?q=a%20b", "/history?q=a%20b"),
            ("//evil.test/x", "//evil.test/x"),
            ("http://evil.test/x", "/x"),
            ("http://evil.test", "/"),
            ("/@evil.test", "/@evil.test"),
        ] {
            assert_eq!(target(uri).unwrap(), format!("https://status.example.org{path}"), "{uri}");
        }
        assert_eq!(target("*"), None);
    }
}
