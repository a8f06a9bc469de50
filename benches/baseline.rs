//! The stick we measure by: an axum handler that hands out bytes it holds, and does nothing else.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use tokio::net::TcpListener;

use crate::client::Answer;

/// The answer, as it is kept in a folder for the process that gives it.
struct Prebuilt {
    headers: HeaderMap,
    body: Bytes,
}

/// Headers that the server itself adds to every answer, or that belong to one answer only.
const OMITTED_HEADERS: [&str; 5] = ["date", "content-length", "connection", "transfer-encoding", "x-request-id"];

/// Keeps the headers and the body of `answer` in `folder`.
pub fn save_response(answer: &Answer, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let kept = answer.headers.iter().filter(|(name, _)| !OMITTED_HEADERS.contains(&name.as_str()));
    let lines: String = kept.map(|(name, value)| format!("{name}: {value}\n")).collect();
    std::fs::write(folder.join("headers"), lines)?;
    Ok(std::fs::write(folder.join("body"), &answer.body)?)
}

/// Serves what was kept in `folder`, until the process is ended.
pub async fn serve(folder: &Path, address: SocketAddr) -> anyhow::Result<()> {
    let mut headers = HeaderMap::new();
    for line in std::fs::read_to_string(folder.join("headers"))?.lines() {
        let (name, value) = line.split_once(": ").context("a header")?;
        headers.insert(name.parse::<HeaderName>()?, HeaderValue::from_str(value)?);
    }
    let prebuilt = Prebuilt { headers, body: std::fs::read(folder.join("body"))?.into() };
    let router = Router::new().route("/", get(serve_prebuilt)).with_state(Arc::new(prebuilt));
    Ok(axum::serve(TcpListener::bind(address).await?, router).await?)
}

async fn serve_prebuilt(State(prebuilt): State<Arc<Prebuilt>>, request: HeaderMap) -> Response {
    let known = request.get(header::IF_NONE_MATCH).is_some_and(|tag| Some(tag) == prebuilt.headers.get(header::ETAG));
    let mut response = Response::new(if known { Body::empty() } else { Body::from(prebuilt.body.clone()) });
    *response.headers_mut() = prebuilt.headers.clone();
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(header::CONTENT_ENCODING);
    }
    response
}
