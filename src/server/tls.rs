//! TLS with rustls's defaults, which are Mozilla's "intermediate" configuration without its two DHE suites: TLS 1.2 and
//! 1.3, ECDHE with AES-GCM or ChaCha20-Poly1305, the curves X25519, P-256 and P-384.

use std::io;
use std::sync::Arc;

use http_connection::Stream;
use rustls::ServerConfig;
use rustls::crypto::ring::{self, Ticketer};
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::net::certificate::ServedCertificate;

/// Sessions are resumed by tickets, so the server keeps nothing of a client that left. Early data, which could be
/// replayed, is off.
pub fn tls_acceptor(certificate: ServedCertificate) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Boxed, so that what a handshake needs is freed after it.
pub async fn accept_tls(acceptor: &TlsAcceptor, stream: TcpStream) -> io::Result<Stream> {
    let stream = Box::pin(acceptor.accept(stream)).await?;
    Ok(Stream::Tls(Box::new(stream)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_are_those_of_mozilla_intermediate() {
        let acceptor = tls_acceptor(ServedCertificate::default()).unwrap();
        let config = acceptor.config();
        let suites = config.crypto_provider().cipher_suites.iter();
        let mut suites: Vec<_> = suites.map(|suite| suite.suite().as_str().unwrap().to_owned()).collect();
        suites.sort();
        assert_eq!(
            suites,
            [
                "TLS13_AES_128_GCM_SHA256",
                "TLS13_AES_256_GCM_SHA384",
                "TLS13_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            ]
        );
        let mut groups: Vec<_> =
            config.crypto_provider().kx_groups.iter().map(|group| format!("{:?}", group.name())).collect();
        groups.sort();
        assert_eq!(groups, ["X25519", "secp256r1", "secp384r1"]);
        assert_eq!((config.ignore_client_order, config.max_early_data_size), (false, 0));
    }
}
