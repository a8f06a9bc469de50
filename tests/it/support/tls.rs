//! Certificates of a test authority, and TLS connections that trust it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate authority with a certificate for this machine, in files.
pub struct TestTls {
    authority: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl TestTls {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        // Unlike the subject of its certificates, or OpenSSL takes those for self-signed.
        params.distinguished_name.push(DnType::CommonName, "Test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let tls = Self { authority, folder: tempfile::tempdir().unwrap() };
        std::fs::write(tls.authority_file(), tls.authority.pem()).unwrap();
        tls.issue(&["127.0.0.1", "localhost", "::1"], 2100);
        tls
    }

    /// Replaces the certificate by one that is valid until the end of this year.
    pub fn issue(&self, names: &[&str], year: i32) {
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 12, 31);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        std::fs::write(self.key_file(), key.serialize_pem()).unwrap();
        std::fs::write(self.certificate_file(), certificate.pem()).unwrap();
    }

    pub fn certificate_file(&self) -> PathBuf {
        self.file("certificate.pem")
    }

    pub fn key_file(&self) -> PathBuf {
        self.file("key.pem")
    }

    pub fn authority_file(&self) -> PathBuf {
        self.file("authority.pem")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Connections that offer these protocols.
    pub fn connector(&self, protocols: &[&[u8]]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    pub async fn connect(&self, stream: TcpStream, protocols: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        self.connector(protocols).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }
}
