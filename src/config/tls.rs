//! Settings of TLS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use url::{Host, Url};

use crate::acme::AcmeSettings;

const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// How TLS connections are served, if at all.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TlsConfig {
    /// PEM file with the certificate chain for TLS [default: no TLS]. Loaded again when it changes
    #[arg(long, env = "CANDOR_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the private key of the certificate
    #[arg(long, env = "CANDOR_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Address and port for plain HTTP, which is redirected to HTTPS [default: none]
    #[arg(long, env = "CANDOR_REDIRECT_LISTEN", value_name = "ADDRESS")]
    pub redirect_listen: Option<SocketAddr>,

    /// Domains to get a certificate for by ACME (comma separated), the public one first; needs
    /// --redirect-listen on port 80. With it you agree to the terms of the certificate authority
    #[arg(long, env = "CANDOR_ACME_DOMAIN", value_delimiter = ',', value_name = "DOMAIN", value_parser = parse_domain)]
    pub acme_domain: Vec<String>,

    /// E-mail address that the certificate authority may write to
    #[arg(long, env = "CANDOR_ACME_EMAIL", value_name = "EMAIL")]
    pub acme_email: Option<String>,

    /// Directory of the certificate authority [default: that of Let's Encrypt]
    #[arg(long, env = "CANDOR_ACME_DIRECTORY", value_name = "URL")]
    pub acme_directory: Option<Url>,
}

/// Where the certificate comes from.
pub enum CertificateSource<'a> {
    Files(&'a Path, &'a Path),
    Acme(AcmeSettings),
}

impl TlsConfig {
    /// Whether the main listener speaks TLS.
    pub fn is_used(&self) -> bool {
        self.tls_cert.is_some() || !self.acme_domain.is_empty()
    }

    /// `has_redirect` says whether there is a listener that redirects.
    pub fn source(&self, has_redirect: bool) -> anyhow::Result<Option<CertificateSource<'_>>> {
        let files = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(CertificateSource::Files(certificate, key)),
            (None, None) => None,
            _ => bail!("for TLS, set both --tls-cert and --tls-key"),
        };
        if self.acme_domain.is_empty() {
            let is_half = self.acme_email.is_some() || self.acme_directory.is_some();
            ensure!(!is_half, "to get a certificate by ACME, set --acme-domain");
            ensure!(
                files.is_some() || !has_redirect,
                "--redirect-listen needs TLS: set --tls-cert and --tls-key, or --acme-domain"
            );
            return Ok(files);
        }
        ensure!(files.is_none(), "set either --tls-cert and --tls-key, or --acme-domain");
        ensure!(
            has_redirect,
            "--acme-domain needs --redirect-listen: the certificate authority asks there, on port 80"
        );
        let directory = self.acme_directory.clone().map_or_else(|| Url::parse(LETS_ENCRYPT), Ok)?;
        let (domains, email) = (self.acme_domain.clone(), self.acme_email.clone());
        Ok(Some(CertificateSource::Acme(AcmeSettings { domains, email, directory })))
    }

    /// The public URL if none is configured.
    pub fn origin(&self, listen: SocketAddr) -> String {
        let host = match (self.acme_domain.first(), listen) {
            (Some(domain), _) => domain.clone(),
            (None, SocketAddr::V4(address)) => address.ip().to_string(),
            (None, SocketAddr::V6(address)) => format!("[{}]", address.ip()),
        };
        match listen.port() {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }
}

/// A name without a port; authorities issue no certificates for addresses, and for `*` not by this challenge.
fn parse_domain(text: &str) -> Result<String, String> {
    match Host::parse(text.trim()) {
        Ok(Host::Domain(domain)) if !domain.contains('*') && domain.contains('.') => Ok(domain),
        _ => Err("use a domain name like status.example.org".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_has_one_source() {
        let files = || TlsConfig { tls_cert: Some("c".into()), tls_key: Some("k".into()), ..TlsConfig::default() };
        let acme = || TlsConfig {
            acme_domain: vec!["status.test".to_owned()],
            redirect_listen: Some("[::]:80".parse().unwrap()),
            ..TlsConfig::default()
        };
        assert!(TlsConfig::default().source(false).unwrap().is_none());
        assert!(matches!(files().source(false), Ok(Some(CertificateSource::Files(..)))));
        assert!(matches!(acme().source(true), Ok(Some(CertificateSource::Acme(_)))));
        for invalid in [
            TlsConfig { tls_key: None, ..files() },
            TlsConfig { tls_cert: None, ..files() },
            TlsConfig { acme_domain: acme().acme_domain, ..files() },
            TlsConfig { redirect_listen: None, ..acme() },
            TlsConfig { acme_domain: Vec::new(), ..acme() },
            TlsConfig { acme_email: Some("a@status.test".to_owned()), ..files() },
        ] {
            assert!(invalid.source(invalid.redirect_listen.is_some()).is_err(), "{invalid:?}");
        }
    }

    #[test]
    fn origin_follows_domain_and_port() {
        let origin = |domains: &[&str], listen: &str| {
            let acme_domain = domains.iter().map(|domain| (*domain).to_owned()).collect();
            TlsConfig { acme_domain, ..TlsConfig::default() }.origin(listen.parse().unwrap())
        };
        assert_eq!(origin(&[], "192.0.2.1:443"), "https://192.0.2.1");
        assert_eq!(origin(&[], "[::1]:8443"), "https://[::1]:8443");
        assert_eq!(origin(&["status.test", "www.test"], "[::]:443"), "https://status.test");
        assert_eq!(origin(&["status.test"], "0.0.0.0:8443"), "https://status.test:8443");
    }

    #[test]
    fn domains_are_names() {
        assert_eq!(parse_domain(" Status.Example.org "), Ok("status.example.org".to_owned()));
        for invalid in ["", "localhost", "*.example.org", "192.0.2.1", "[::1]", "a.test:80", "https://a.test"] {
            assert!(parse_domain(invalid).is_err(), "{invalid}");
        }
    }
}
