//! Gets certificates from a certificate authority by ACME (RFC 8555) and renews them. The authority asks the listener
//! that redirects for the answer to its challenge (http-01).

mod challenges;
mod http;
mod store;

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use chrono::TimeDelta;
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use self::challenges::Challenges;
use self::http::AcmeHttp;
use self::store::StoredAccount;
pub use self::store::{AcmeStore, NodeClaim};
use crate::clock::Clock;
use crate::domain::monotonic::Monotonic;
use crate::net::certificate::{Certificate, ServedCertificate};
use crate::net::http_client::{HttpClient, ResponseLimits};

/// How long the authority may take to check a challenge, and to issue.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(120));
/// Of one attempt; another node takes over after it.
const ORDER_TIMEOUT: TimeDelta = TimeDelta::minutes(10);
/// Pauses after failures double up to this, in looks at the certificate: 12 hours.
const MAX_BACKOFF: u32 = 720;
/// The first pause: authorities allow about five failures an hour.
const FIRST_BACKOFF: u32 = 5;

#[derive(Clone, Debug)]
pub struct AcmeSettings {
    pub domains: Vec<String>,
    pub email: Option<String>,
    pub directory: Url,
}

/// Keeps the certificate of the server valid.
pub struct Acme {
    settings: AcmeSettings,
    store: AcmeStore,
    challenges: Challenges,
    http: HttpClient,
    served: ServedCertificate,
    clock: Clock,
    /// Moves the renewal, so that not all servers renew at once: 0 to 1000.
    jitter: i32,
}

impl Acme {
    /// Serves the certificate stored on this machine, or one that no client trusts until there is another.
    pub fn new(
        settings: AcmeSettings,
        store: AcmeStore,
        served: ServedCertificate,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let http = HttpClient::new([&settings.directory], ResponseLimits::default())?;
        let challenges = Challenges::new(store.clone());
        match store.local_certificate(&settings.domains) {
            Ok(Some(certificate)) => served.replace(certificate),
            Ok(None) => served.replace(Certificate::stand_in(&settings.domains)?),
            Err(error) => {
                tracing::warn!("the stored TLS certificate can't be used: {error:#}");
                served.replace(Certificate::stand_in(&settings.domains)?);
            }
        }
        Ok(Self { settings, store, challenges, http, served, clock, jitter: rand::random_range(0..=1000) })
    }

    pub fn challenges(&self) -> Challenges {
        self.challenges.clone()
    }

    /// Looks at the certificate every `pause` until `stop`. Failures are logged and counted.
    pub async fn run(self, pause: Duration, stop: CancellationToken) {
        let mut attempts = Attempts::new(pause);
        loop {
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = self.look(&mut attempts) => looked,
            };
            // Without the database, the next look is soon.
            let pause = if looked { pause } else { pause / 12 };
            if timeout(pause, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    /// Returns false if the database can't be read.
    async fn look(&self, attempts: &mut Attempts) -> bool {
        match self.store.shared_certificate(&self.settings.domains).await {
            Ok(Some(pem)) => self.serve_if_newer(&pem),
            Ok(None) => {}
            // The worker logs that the database is away.
            Err(error) => {
                tracing::debug!("the shared TLS certificate can't be read: {error:#}");
                return false;
            }
        }
        if !self.is_due() || !attempts.may_begin(self.clock.monotonic()) {
            return true;
        }
        match self.renew().await {
            Ok(Renewal::Done) => attempts.succeed(),
            Ok(Renewal::ByAnotherNode) => {}
            Err(error) => {
                self.served.renewal_failures().increment();
                let wait = attempts.fail(self.clock.monotonic());
                tracing::warn!(
                    "no TLS certificate from {}, trying again in {} s: {error:#}",
                    self.settings.directory.host_str().unwrap_or_default(),
                    wait.num_seconds()
                );
            }
        }
        true
    }

    fn serve_if_newer(&self, pem: &[u8]) {
        let stored = match Certificate::from_bundle(pem) {
            Ok(stored) => stored,
            Err(error) => return tracing::warn!("the shared TLS certificate can't be used: {error:#}"),
        };
        let is_newer =
            self.served.current().is_none_or(|current| current.is_stand_in() || current.begins_at < stored.begins_at);
        if is_newer && stored.covers(&self.settings.domains) {
            tracing::info!("loaded the TLS certificate of another node, valid until {}", stored.expires_at);
            self.served.replace(stored);
            if let Err(error) = self.store.keep_local_certificate(pem) {
                tracing::warn!("the TLS certificate is served but could not be stored on this machine: {error:#}");
            }
        }
    }

    /// At two thirds of the lifetime, up to a twelfth of the lifetime later.
    fn is_due(&self) -> bool {
        let Some(current) = self.served.current() else { return true };
        if current.is_stand_in() || !current.covers(&self.settings.domains) {
            return true;
        }
        let late = (current.expires_at - current.begins_at) / 12 / 1000 * self.jitter;
        current.renew_at() + late <= self.clock.now()
    }

    async fn renew(&self) -> anyhow::Result<Renewal> {
        let now = self.clock.now();
        if self.store.claim_order(&self.settings.domains, now, ORDER_TIMEOUT).await? == NodeClaim::Taken {
            return Ok(Renewal::ByAnotherNode);
        }
        let ordered = timeout(ORDER_TIMEOUT.to_std()?, self.order_certificate()).await;
        self.challenges.clear().await;
        self.store.release_order(&self.settings.domains).await;
        let pem = ordered.context("the certificate authority takes too long")??;
        let certificate = Certificate::from_bundle(pem.as_bytes())?;
        ensure!(certificate.covers(&self.settings.domains), "the certificate is for other domains");
        tracing::info!(
            "got a TLS certificate for {}, valid until {}",
            self.settings.domains.join(", "),
            certificate.expires_at
        );
        if let Err(error) = self.store.keep_certificate(&self.settings.domains, &pem, self.clock.now()).await {
            tracing::warn!("the new TLS certificate is served but could not be stored: {error:#}");
        }
        self.served.replace(certificate);
        Ok(Renewal::Done)
    }

    /// A private key and the certificate chain, in PEM.
    async fn order_certificate(&self) -> anyhow::Result<String> {
        let account = self.open_account().await?;
        let identifiers: Vec<_> = self.settings.domains.iter().cloned().map(Identifier::Dns).collect();
        let mut order = match account.new_order(&NewOrder::new(&identifiers)).await {
            Ok(order) => order,
            Err(error) => {
                if is_unknown_account(&error) {
                    self.store.forget_account(self.settings.directory.as_str()).await;
                }
                return Err(error).context("ordering");
            }
        };
        self.prepare_challenges(&mut order).await?;
        issue(&mut order).await
    }

    async fn prepare_challenges(&self, order: &mut Order) -> anyhow::Result<()> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.context("reading an authorization")?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                status => bail!("{} has the status {status:?}", authorization.identifier()),
            }
            let challenge = authorization.challenge(ChallengeType::Http01);
            let mut challenge = challenge.context("the authority does not offer the challenge http-01")?;
            let answer = challenge.key_authorization();
            self.challenges.add(&challenge.token, answer.as_str(), self.clock.now()).await?;
            challenge.set_ready().await.context("announcing a challenge")?;
        }
        Ok(())
    }

    async fn open_account(&self) -> anyhow::Result<Account> {
        let builder = Account::builder_with_http(Box::new(AcmeHttp(self.http.clone())));
        let directory = self.settings.directory.as_str();
        if let Some(stored) = self.store.account(directory).await? {
            return builder.from_credentials(stored.credentials).await.context("opening the account");
        }
        let contact = self.settings.email.as_ref().map(|email| format!("mailto:{email}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let account = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let created = builder.create(&account, directory.to_owned(), None).await;
        let (account, credentials) = created.context("creating an account")?;
        let stored = StoredAccount { directory: directory.to_owned(), credentials };
        self.store.keep_account(&stored, self.clock.now()).await?;
        Ok(account)
    }
}

/// Whether the authority has deleted the account; the next attempt creates another.
fn is_unknown_account(error: &instant_acme::Error) -> bool {
    const UNKNOWN: &str = "urn:ietf:params:acme:error:accountDoesNotExist";
    matches!(error, instant_acme::Error::Api(problem) if problem.r#type.as_deref() == Some(UNKNOWN))
}

enum Renewal {
    Done,
    ByAnotherNode,
}

async fn issue(order: &mut Order) -> anyhow::Result<String> {
    let status = order.poll_ready(&PATIENCE).await.context("waiting for the check of the domains")?;
    if status != OrderStatus::Ready {
        bail!("the authority could not check the domains: {}", describe_failures(order).await);
    }
    let key = order.finalize().await.context("requesting the certificate")?;
    let chain = order.poll_certificate(&PATIENCE).await.context("waiting for the certificate")?;
    Ok(format!("{key}{chain}"))
}

/// What the authority says of each domain that it could not check.
async fn describe_failures(order: &mut Order) -> String {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let _ = authorization.refresh().await;
        let errors = authorization.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(errors.map(|error| format!("{}: {error}", authorization.identifier())));
    }
    if reasons.is_empty() { "it gives no reason".to_owned() } else { reasons.join("; ") }
}

/// When the next attempt may begin.
struct Attempts {
    pause: TimeDelta,
    failures: u32,
    not_before: Option<Monotonic>,
}

impl Attempts {
    fn new(pause: Duration) -> Self {
        Self { pause: TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX), failures: 0, not_before: None }
    }

    fn may_begin(&self, now: Monotonic) -> bool {
        self.not_before.is_none_or(|earliest| earliest <= now)
    }

    fn succeed(&mut self) {
        (self.failures, self.not_before) = (0, None);
    }

    /// Returns how long to wait: a random part of a pause that doubles.
    fn fail(&mut self, now: Monotonic) -> TimeDelta {
        let factor = FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(self.failures)).min(MAX_BACKOFF);
        self.failures = self.failures.saturating_add(1);
        let percent = rand::random_range(80..=120);
        let wait = self.pause * i32::try_from(factor).unwrap_or(i32::MAX) / 100 * percent;
        self.not_before = Some(now + wait);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_twelve_hours() {
        let mut attempts = Attempts::new(Duration::from_secs(60));
        assert!(attempts.may_begin(Monotonic::START));
        for minutes in [5, 10, 20, 40, 80, 160, 320, 640, 720, 720] {
            let wait = attempts.fail(Monotonic::START).num_seconds();
            assert!((minutes * 48..=minutes * 72).contains(&wait), "{minutes}: {wait}");
            assert!(!attempts.may_begin(Monotonic::START));
        }
        attempts.succeed();
        assert!(attempts.may_begin(Monotonic::START));
    }
}
