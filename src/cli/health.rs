//! `candor health`

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use url::Url;

use crate::config::DEFAULT_LISTEN;
use crate::net::http_client::{HealthAnswer, LocalServer, ask_for_health};
use crate::net::listen_address::ListenAddress;

const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// URL of the server, like https://status.example.org; the certificate must be valid [default: the listen address]
    #[arg(long)]
    url: Option<Url>,
    /// Address and port, or unix:PATH, on which the server listens
    #[arg(long, env = "CANDOR_LISTEN", default_value = DEFAULT_LISTEN)]
    listen: ListenAddress,
}

pub async fn run(args: &Args) -> ExitCode {
    let server = match (&args.url, &args.listen) {
        (Some(url), _) => LocalServer::Url(url.clone()),
        (None, ListenAddress::Unix { path, .. }) => LocalServer::Unix(path.clone()),
        (None, ListenAddress::Tcp(address)) => LocalServer::Tcp(reachable(*address)),
    };
    match tokio::time::timeout(TIMEOUT, ask_for_health(&server, TIMEOUT)).await {
        Ok(Ok(HealthAnswer { status, .. })) if status.is_success() => {
            say!("{server} is well.");
            ExitCode::SUCCESS
        }
        Ok(Ok(HealthAnswer { status, body })) => {
            say_error!("{server} answers {}: {}", status.as_u16(), body.lines().next().unwrap_or_default());
            ExitCode::FAILURE
        }
        Ok(Err(error)) => {
            say_error!("{server}: {error}");
            ExitCode::FAILURE
        }
        Err(_) => {
            say_error!("{server} does not answer within {} s", TIMEOUT.as_secs());
            ExitCode::FAILURE
        }
    }
}

/// A server that listens on all addresses is asked on the loopback address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_on_all_addresses_is_asked_on_loopback() {
        let asked = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:3000"), "127.0.0.1:3000");
        assert_eq!(asked("[::]:3000"), "[::1]:3000");
        assert_eq!(asked("192.0.2.7:80"), "192.0.2.7:80");
    }
}
