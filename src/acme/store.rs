//! Where the account and the certificate are kept: in the data folder, and with PostgreSQL also in the database, so that
//! several nodes share them. The copy in the folder serves while the database is down.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use instant_acme::AccountCredentials;
use serde::{Deserialize, Serialize};

use crate::credentials::secret_key::SecretKey;
use crate::db::acme::{self, AcmeKind};
use crate::db::{self, Db};
use crate::net::certificate::Certificate;
use crate::private_folder::create_private_folder;
use crate::regular_file::{self, Links};

const ACCOUNT: &str = "account.json";
const CERTIFICATE: &str = "certificate.pem";
/// A chain with its key takes some kilobytes.
const MAX_BYTES: u64 = 1 << 20;
/// Owners of encrypted values.
const ACCOUNT_OWNER: &str = "acme-account";
const CERTIFICATE_OWNER: &str = "acme-certificate";

#[derive(Serialize, Deserialize)]
pub struct StoredAccount {
    pub directory: String,
    pub credentials: AccountCredentials,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeClaim {
    Granted,
    /// Another node orders the certificate.
    Taken,
}

#[derive(Clone)]
pub struct AcmeStore {
    folder: PathBuf,
    shared: Option<(Db, SecretKey)>,
}

impl AcmeStore {
    /// In the data folder only.
    pub fn folder(data: &Path) -> Self {
        Self { folder: data.join("acme"), shared: None }
    }

    /// Also in the database, if other nodes can use it.
    #[must_use]
    pub fn with_database(self, db: &Db, secret_key: &SecretKey) -> Self {
        let is_shared = matches!(db, Db::Postgres(..));
        Self { shared: is_shared.then(|| (db.clone(), secret_key.clone())), ..self }
    }

    /// The certificate on this machine, if it is for these domains.
    pub fn local_certificate(&self, domains: &[String]) -> anyhow::Result<Option<Certificate>> {
        let Some(pem) = self.read(CERTIFICATE)? else { return Ok(None) };
        Ok(Some(Certificate::from_bundle(&pem)?).filter(|certificate| certificate.covers(domains)))
    }

    /// The certificate in the database with its private key, in PEM.
    pub async fn shared_certificate(&self, domains: &[String]) -> anyhow::Result<Option<Vec<u8>>> {
        let Some((db, secret_key)) = &self.shared else { return Ok(None) };
        let sealed = acme::find(&mut db.read().await?, AcmeKind::Certificate, &domains.join(",")).await?;
        let Some(sealed) = sealed else { return Ok(None) };
        secret_key.open(CERTIFICATE_OWNER, &sealed).map(Some)
    }

    pub async fn keep_certificate(&self, domains: &[String], pem: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
        let kept = self.keep_local_certificate(pem.as_bytes());
        if let Some((db, secret_key)) = &self.shared {
            let sealed = secret_key.seal(CERTIFICATE_OWNER, pem.as_bytes())?;
            put(db, AcmeKind::Certificate, &domains.join(","), &sealed, now).await?;
        }
        kept
    }

    pub fn keep_local_certificate(&self, pem: &[u8]) -> anyhow::Result<()> {
        self.write(CERTIFICATE, pem)
    }

    pub async fn account(&self, directory: &str) -> anyhow::Result<Option<StoredAccount>> {
        let json = match &self.shared {
            Some((db, secret_key)) => {
                let sealed = acme::find(&mut db.read().await?, AcmeKind::Account, directory).await?;
                sealed.map(|sealed| secret_key.open(ACCOUNT_OWNER, &sealed)).transpose()?
            }
            None => self.read(ACCOUNT)?,
        };
        let Some(json) = json else { return Ok(None) };
        let account: StoredAccount = serde_json::from_slice(&json).context("the stored account")?;
        Ok(Some(account).filter(|account| account.directory == directory))
    }

    pub async fn keep_account(&self, account: &StoredAccount, now: DateTime<Utc>) -> anyhow::Result<()> {
        let json = serde_json::to_vec(account)?;
        match &self.shared {
            Some((db, secret_key)) => {
                let sealed = secret_key.seal(ACCOUNT_OWNER, &json)?;
                Ok(put(db, AcmeKind::Account, &account.directory, &sealed, now).await?)
            }
            None => self.write(ACCOUNT, &json),
        }
    }

    pub async fn forget_account(&self, directory: &str) {
        if self.shared.is_some() {
            self.delete(AcmeKind::Account, directory).await;
        } else if let Err(error) = std::fs::remove_file(self.folder.join(ACCOUNT)) {
            tracing::warn!("an account that the certificate authority does not know can't be removed: {error}");
        }
    }

    /// Two nodes with different clocks may both be granted the order: then there are two certificates, and the later
    /// one is kept.
    pub async fn claim_order(
        &self,
        domains: &[String],
        now: DateTime<Utc>,
        lifetime: TimeDelta,
    ) -> anyhow::Result<NodeClaim> {
        let Some((db, _)) = &self.shared else { return Ok(NodeClaim::Granted) };
        let name = domains.join(",");
        let mut tx = db.write().await?;
        let since = acme::find_time(&mut tx, AcmeKind::Order, &name).await?;
        if since.is_some_and(|since| (now - since).abs() < lifetime) {
            return Ok(NodeClaim::Taken);
        }
        acme::put(&mut tx, AcmeKind::Order, &name, "", now).await?;
        acme::delete_old_challenges(&mut tx, now - lifetime).await?;
        tx.commit_unaudited().await?;
        Ok(NodeClaim::Granted)
    }

    /// A claim that can't be released expires.
    pub async fn release_order(&self, domains: &[String]) {
        self.delete(AcmeKind::Order, &domains.join(",")).await;
    }

    pub async fn share_challenge(&self, token: &str, answer: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
        let Some((db, _)) = &self.shared else { return Ok(()) };
        Ok(put(db, AcmeKind::Challenge, token, answer, now).await?)
    }

    pub async fn withdraw_challenge(&self, token: &str) {
        self.delete(AcmeKind::Challenge, token).await;
    }

    pub async fn shared_challenge(&self, token: &str) -> Option<String> {
        let (db, _) = self.shared.as_ref()?;
        acme::find(&mut db.read().await.ok()?, AcmeKind::Challenge, token).await.ok()?
    }

    async fn delete(&self, kind: AcmeKind, name: &str) {
        let Some((db, _)) = &self.shared else { return };
        let deleted = async {
            let mut tx = db.write().await?;
            acme::delete(&mut tx, kind, name).await?;
            tx.commit_unaudited().await
        };
        if let Err(error) = deleted.await {
            tracing::debug!("a row of an order was not deleted: {error}");
        }
    }

    fn read(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let file = self.folder.join(name);
        if !file.exists() {
            return Ok(None);
        }
        let bytes = regular_file::read(&file, MAX_BYTES, Links::Refused);
        Ok(Some(bytes.with_context(|| format!("reading {}", file.display()))?))
    }

    /// Replaces the file at once; only the owner can read it.
    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let write = || {
            create_private_folder(&self.folder)?;
            let mut new = tempfile::NamedTempFile::new_in(&self.folder)?;
            new.write_all(bytes)?;
            new.as_file().sync_all()?;
            new.persist(self.folder.join(name)).map_err(|error| error.error)
        };
        write().with_context(|| format!("writing {}", self.folder.join(name).display()))?;
        Ok(())
    }
}

async fn put(db: &Db, kind: AcmeKind, name: &str, value: &str, now: DateTime<Utc>) -> db::Result<()> {
    let mut tx = db.write().await?;
    acme::put(&mut tx, kind, name, value, now).await?;
    tx.commit_unaudited().await
}
