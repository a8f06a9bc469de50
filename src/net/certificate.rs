//! The certificate that TLS connections get. It can be replaced while the server runs; open connections keep theirs.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::counters::Counter;
use crate::regular_file::{self, Links};

/// A chain with its key takes some kilobytes.
const MAX_BYTES: u64 = 1 << 20;

/// Clones share the certificate.
#[derive(Clone, Default)]
pub struct ServedCertificate(Arc<Shared>);

#[derive(Default)]
struct Shared {
    current: ArcSwapOption<Certificate>,
    files: Mutex<Option<CertificateFiles>>,
    renewal_failures: Counter,
}

/// A chain with its private key.
pub struct Certificate {
    key: Arc<CertifiedKey>,
    pub begins_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// The domains, in lower case.
    names: Vec<String>,
    is_stand_in: bool,
}

impl Certificate {
    /// Fails if the private key is not that of the first certificate.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> anyhow::Result<Self> {
        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>().context("the certificates")?;
        let first = chain.first().context("there is no certificate in PEM format")?;
        let (begins_at, expires_at, names) = read_certificate(first)?;
        let key = PrivateKeyDer::from_pem_slice(key).context("there is no private key in PEM format")?;
        let key = CertifiedKey::from_der(chain, key, &default_provider()).context("the private key")?;
        Ok(Self { key: Arc::new(key), begins_at, expires_at, names, is_stand_in: false })
    }

    /// Private key and chain in one text.
    pub fn from_bundle(pem: &[u8]) -> anyhow::Result<Self> {
        Self::from_pem(pem, pem)
    }

    /// A certificate that no client trusts, so that health checks and curious people reach the server before it has
    /// another. Browsers don't let visitors pass because of it, and keep no HSTS.
    pub fn stand_in(domains: &[String]) -> anyhow::Result<Self> {
        let key = rcgen::KeyPair::generate()?;
        let certificate = rcgen::CertificateParams::new(domains)?.self_signed(&key)?;
        let certificate = Self::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes())?;
        Ok(Self { is_stand_in: true, ..certificate })
    }

    pub fn is_stand_in(&self) -> bool {
        self.is_stand_in
    }

    /// Whether it is for all these domains.
    pub fn covers(&self, domains: &[String]) -> bool {
        domains.iter().all(|domain| self.names.contains(domain))
    }

    /// When a third of the lifetime is left.
    pub fn renew_at(&self) -> DateTime<Utc> {
        self.expires_at - (self.expires_at - self.begins_at) / 3
    }
}

/// Begin and end of its validity, and its domains.
fn read_certificate(der: &CertificateDer<'_>) -> anyhow::Result<(DateTime<Utc>, DateTime<Utc>, Vec<String>)> {
    let (_, certificate) = X509Certificate::from_der(der).context("the first certificate")?;
    let (begins_at, expires_at) = validity(&certificate)?;
    Ok((begins_at, expires_at, names(&certificate)))
}

fn validity(certificate: &X509Certificate<'_>) -> anyhow::Result<(DateTime<Utc>, DateTime<Utc>)> {
    let time = |seconds| DateTime::from_timestamp(seconds, 0).context("the validity of the first certificate");
    let validity = certificate.validity();
    Ok((time(validity.not_before.timestamp())?, time(validity.not_after.timestamp())?))
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternatives)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = alternatives.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

impl ServedCertificate {
    /// Loads the certificate from two PEM files; [`ServedCertificate::reload_changed_files`] looks at them again.
    pub fn use_files(&self, chain: &Path, key: &Path) -> anyhow::Result<()> {
        let mut files = CertificateFiles { chain: chain.to_owned(), key: key.to_owned(), seen: None };
        self.replace(files.load()?);
        *self.files() = Some(files);
        Ok(())
    }

    pub fn replace(&self, certificate: Certificate) {
        self.0.current.store(Some(Arc::new(certificate)));
    }

    pub fn current(&self) -> Option<Arc<Certificate>> {
        self.0.current.load_full()
    }

    /// How long the certificate is valid; negative if it has expired or is none that clients trust, `None` without TLS.
    pub fn validity_left(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let current = self.current()?;
        Some(if current.is_stand_in { TimeDelta::seconds(-1) } else { current.expires_at - now })
    }

    /// Attempts to get another certificate that failed.
    pub fn renewal_failures(&self) -> &Counter {
        &self.0.renewal_failures
    }

    /// Loads the files again. On failure the certificate stays.
    pub fn reload_files(&self) {
        if let Some(files) = self.files().as_mut() {
            self.reload(files);
        }
    }

    /// As [`ServedCertificate::reload_files`], if a file is another than at the last attempt.
    pub fn reload_changed_files(&self) {
        if let Some(files) = self.files().as_mut()
            && files.have_changed()
        {
            self.reload(files);
        }
    }

    fn reload(&self, files: &mut CertificateFiles) {
        match files.load() {
            Ok(certificate) => {
                tracing::info!("loaded the TLS certificate, valid until {}", certificate.expires_at);
                self.replace(certificate);
            }
            Err(error) => tracing::warn!("keeping the current TLS certificate: {error:#}"),
        }
    }

    fn files(&self) -> std::sync::MutexGuard<'_, Option<CertificateFiles>> {
        self.0.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ServedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServedCertificate")
    }
}

impl ResolvesServerCert for ServedCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.current.load().as_ref().map(|certificate| certificate.key.clone())
    }
}

struct CertificateFiles {
    chain: PathBuf,
    key: PathBuf,
    /// At the last attempt to load them.
    seen: Option<[FileIdentity; 2]>,
}

/// Differs if a file was written or replaced, also behind a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity {
    device: u64,
    inode: u64,
    size: u64,
    written: (i64, i64),
}

impl CertificateFiles {
    fn load(&mut self) -> anyhow::Result<Certificate> {
        // Before the files are read: a later change is then seen as one.
        self.seen = self.identities();
        let read = |file: &Path| {
            let bytes = regular_file::read(file, MAX_BYTES, Links::Followed);
            bytes.with_context(|| format!("reading {}", file.display()))
        };
        let (chain, key) = (read(&self.chain)?, read(&self.key)?);
        let certificate = Certificate::from_pem(&chain, &key)
            .with_context(|| format!("{} with the key {}", self.chain.display(), self.key.display()))?;
        ensure!(certificate.begins_at < certificate.expires_at, "{} is never valid", self.chain.display());
        Ok(certificate)
    }

    fn have_changed(&self) -> bool {
        self.identities() != self.seen
    }

    /// `None` if one is missing.
    fn identities(&self) -> Option<[FileIdentity; 2]> {
        Some([identity(&self.chain)?, identity(&self.key)?])
    }
}

fn identity(file: &Path) -> Option<FileIdentity> {
    let about = std::fs::metadata(file).ok()?;
    let written = (about.mtime(), about.mtime_nsec());
    Some(FileIdentity { device: about.dev(), inode: about.ino(), size: about.size(), written })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(year: i32) -> (String, String) {
        let mut params = rcgen::CertificateParams::new(vec!["status.test".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(year, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 31);
        let key = rcgen::KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn key_must_match_the_certificate() {
        let ((chain, key), (other_chain, _)) = (pem(2030), pem(2031));
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(certificate.expires_at.to_rfc3339(), "2030-01-31T00:00:00+00:00");
        assert_eq!(certificate.renew_at().to_rfc3339(), "2030-01-21T00:00:00+00:00");
        assert!(Certificate::from_pem(other_chain.as_bytes(), key.as_bytes()).is_err());
        assert!(Certificate::from_pem(b"", key.as_bytes()).is_err());
        assert!(Certificate::from_pem(chain.as_bytes(), b"").is_err());
    }

    #[test]
    fn stand_in_is_never_valid() {
        let domains = ["status.test".to_owned()];
        let stand_in = Certificate::stand_in(&domains).unwrap();
        assert!(stand_in.covers(&domains) && !stand_in.covers(&["other.test".to_owned()]));
        let served = ServedCertificate::default();
        assert_eq!(served.validity_left(DateTime::UNIX_EPOCH), None);
        served.replace(stand_in);
        assert_eq!(served.validity_left(DateTime::UNIX_EPOCH), Some(TimeDelta::seconds(-1)));
        let (chain, key) = pem(2030);
        served.replace(Certificate::from_bundle((key + &chain).as_bytes()).unwrap());
        assert!(served.validity_left(DateTime::UNIX_EPOCH).unwrap() > TimeDelta::zero());
    }

    #[test]
    fn changed_files_are_loaded_and_bad_ones_are_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        let write = |year| {
            let (chain_pem, key_pem) = pem(year);
            std::fs::write(&chain, chain_pem).unwrap();
            std::fs::write(&key, key_pem).unwrap();
        };
        write(2030);
        let served = ServedCertificate::default();
        served.use_files(&chain, &key).unwrap();
        let year = || served.current().unwrap().expires_at.format("%Y").to_string();
        assert_eq!(year(), "2030");
        write(2031);
        served.reload_changed_files();
        assert_eq!(year(), "2031");
        std::fs::write(&chain, "nothing").unwrap();
        served.reload_changed_files();
        assert_eq!(year(), "2031");
        std::fs::remove_file(&key).unwrap();
        served.reload_files();
        assert_eq!(year(), "2031");
        write(2032);
        served.reload_changed_files();
        assert_eq!(year(), "2032");
    }
}
