//! The request of `candor health` to a running server.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, StatusCode};
use url::Url;

use super::error_chain;

const PATH: &str = "/healthz";
/// In bytes.
const MAX_BODY: usize = 4096;

/// Which server is asked.
#[derive(Clone, Debug)]
pub enum LocalServer {
    /// By its address, as a visitor would.
    Url(Url),
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl fmt::Display for LocalServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(&url.origin().ascii_serialization()),
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[derive(Clone, Debug)]
pub struct HealthAnswer {
    pub status: StatusCode,
    pub body: String,
}

/// Asks without a proxy and without following redirects. A server on this machine may speak TLS with any certificate: it
/// is asked by its address, which no certificate has.
pub async fn ask_for_health(server: &LocalServer, limit: Duration) -> Result<HealthAnswer, String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let result = match server {
        LocalServer::Url(url) => match url.join(PATH) {
            Ok(url) => request(builder(limit), url.as_str()).await,
            Err(error) => return Err(error.to_string()),
        },
        LocalServer::Tcp(address) => ask_with_either_scheme(&address.to_string(), || builder(limit)).await,
        LocalServer::Unix(path) => {
            ask_with_either_scheme("localhost", || builder(limit).unix_socket(path.as_path())).await
        }
    };
    result.map_err(|error| error_chain(&error))
}

/// In clear text, then, if that fails on an open connection, with TLS.
async fn ask_with_either_scheme(host: &str, client: impl Fn() -> ClientBuilder) -> reqwest::Result<HealthAnswer> {
    match request(client(), &format!("http://{host}{PATH}")).await {
        Err(error) if !error.is_connect() && !error.is_timeout() => {
            let tls = client().tls_danger_accept_invalid_certs(true);
            request(tls, &format!("https://{host}{PATH}")).await
        }
        result => result,
    }
}

fn builder(limit: Duration) -> ClientBuilder {
    #[expect(clippy::disallowed_methods, reason = "it asks no other server")]
    let builder = Client::builder();
    builder.no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(limit).user_agent(concat!(
        "Candor/",
        env!("CARGO_PKG_VERSION"),
        " health"
    ))
}

async fn request(client: ClientBuilder, url: &str) -> reqwest::Result<HealthAnswer> {
    let mut answer = client.build()?.get(url).send().await?;
    let status = answer.status();
    let mut body = Vec::new();
    while body.len() < MAX_BODY
        && let Some(chunk) = answer.chunk().await?
    {
        body.extend_from_slice(&chunk[..chunk.len().min(MAX_BODY - body.len())]);
    }
    Ok(HealthAnswer { status, body: String::from_utf8_lossy(&body).into_owned() })
}
