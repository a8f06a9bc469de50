//! The two baselines of `make bench`: `tcp FOLDER ADDRESS` writes a stored response without parsing the request,
//! `axum FOLDER ADDRESS` is the smallest axum handler that serves the same body.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The end of a request's headers.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
/// The headers that a browser needs to show the page; the server adds `date` and `content-length`.
const NEEDED_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::ETAG];

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, folder, address] = arguments.as_slice() else { return Err(usage()) };
    let address: SocketAddr = address.parse().map_err(|_| usage())?;
    let stored = StoredResponse::read(Path::new(folder))?;
    let listener = TcpListener::bind(address).await?;
    match kind.as_str() {
        "tcp" => serve_tcp(listener, stored.on_the_wire()).await,
        "axum" => serve_axum(listener, stored).await,
        _ => Err(usage()),
    }
}

fn usage() -> io::Error {
    io::Error::other("usage: candor-baseline tcp|axum FOLDER ADDRESS")
}

/// A response recorded from Candor: `headers`, one per line, and `body`.
#[derive(Clone)]
struct StoredResponse {
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl StoredResponse {
    fn read(folder: &Path) -> io::Result<Self> {
        let lines = std::fs::read_to_string(folder.join("headers"))?;
        let headers = lines.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self { headers, body: std::fs::read(folder.join("body"))?.into() })
    }

    fn on_the_wire(&self) -> Bytes {
        let mut head = String::from("HTTP/1.1 200 OK\r\n");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        [head.as_bytes(), &self.body].concat().into()
    }

    fn needed_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for name in NEEDED_HEADERS {
            let stored = self.headers.iter().find(|(known, _)| *known == name.as_str());
            if let Some(value) = stored.and_then(|(_, value)| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

/// Answers every complete request header with the same bytes.
async fn serve_tcp(listener: TcpListener, response: Bytes) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(answer_connection(stream, response.clone()));
    }
}

async fn answer_connection(mut stream: TcpStream, response: Bytes) -> io::Result<()> {
    let mut buffer = [0; 8 * 1024];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        if buffer[..filled].ends_with(END_OF_HEAD) {
            stream.write_all(&response).await?;
            filled = 0;
        }
    }
}

struct Prebuilt {
    headers: HeaderMap,
    body: Bytes,
}

async fn serve_axum(listener: TcpListener, stored: StoredResponse) -> io::Result<()> {
    let prebuilt: &'static Prebuilt =
        Box::leak(Box::new(Prebuilt { headers: stored.needed_headers(), body: stored.body }));
    axum::serve(listener, Router::new().route("/", get(serve_prebuilt)).with_state(prebuilt)).await
}

async fn serve_prebuilt(State(prebuilt): State<&'static Prebuilt>, request: HeaderMap) -> Response {
    let is_known = request.get(header::IF_NONE_MATCH).is_some_and(|tag| Some(tag) == prebuilt.headers.get(header::ETAG));
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(prebuilt.body.clone()) });
    *response.headers_mut() = prebuilt.headers.clone();
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(header::CONTENT_ENCODING);
    }
    response
}
