//! Settings of TLS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::bail;

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
}

impl TlsConfig {
    /// Whether the main listener speaks TLS.
    pub fn is_used(&self) -> bool {
        self.tls_cert.is_some()
    }

    /// The files with the certificate and its key.
    pub fn files(&self) -> anyhow::Result<Option<(&Path, &Path)>> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
            (None, None) if self.redirect_listen.is_some() => {
                bail!("--redirect-listen needs TLS: set --tls-cert and --tls-key")
            }
            (None, None) => Ok(None),
            _ => bail!("for TLS, set both --tls-cert and --tls-key"),
        }
    }

    /// The public URL if none is configured.
    pub fn origin(&self, listen: SocketAddr) -> String {
        match listen.port() {
            443 if listen.is_ipv6() => format!("https://[{}]", listen.ip()),
            443 => format!("https://{}", listen.ip()),
            _ => format!("https://{listen}"),
        }
    }
}
