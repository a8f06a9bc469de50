//! An HTTP client with sequential, throttled requests and retries.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use axum::http::header::{ACCEPT, AUTHORIZATION, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, Request, Response};
use bytes::Bytes;
use chrono::DateTime;
use url::{Host, Url};

use super::FetchStep;
use crate::clock::Clock;
use crate::net::http_client::{HttpClient, HttpClientError, ResponseLimits};

/// Attempts per request, including the first.
const MAX_ATTEMPTS: u32 = 6;
/// The longest accepted `Retry-After`, in seconds.
const MAX_RETRY_AFTER: u64 = 600;
const RETRY_HINT: &str = "run the same command again later; fetched files are cached";
const ENTERED_URL_HINT: &str = "try again later";

/// Request rate and response limits.
#[derive(Clone, Copy, Debug)]
pub struct Throttle {
    /// The pause between two requests.
    pub pause: Duration,
    /// The length of a second of waiting; shorter in tests.
    pub second: Duration,
    pub bounds: ResponseLimits,
    /// The limit for all responses together, in bytes.
    pub total: usize,
}

impl Throttle {
    /// At most five requests per second, for public documents.
    pub fn public() -> Self {
        let bounds = ResponseLimits { time: Duration::from_secs(60), size: 16 << 20 };
        Self { pause: Duration::from_millis(200), second: Duration::from_secs(1), bounds, total: 2 << 30 }
    }

    /// One request per second, the limit of the management API.
    pub fn managed() -> Self {
        Self { pause: Duration::from_secs(1), ..Self::public() }
    }
}

/// An error after which the fetch stops. After others, only one document is missing.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FetchStopped(String);

pub struct ThrottledClient<'a> {
    outbound: HttpClient,
    /// Prefix of every path; ends with a slash.
    base: Url,
    authorization: Option<HeaderValue>,
    pace: Throttle,
    clock: Clock,
    watch: Watch<'a>,
    asked: usize,
    received: usize,
    /// Whether a manager entered the URL and waits.
    is_entered: bool,
    has_answer: bool,
}

/// Called at every step.
type Watch<'a> = &'a (dyn Fn(FetchStep<'_>) + Sync);

impl<'a> ThrottledClient<'a> {
    /// Creates a client for `base`; `token` is sent with every request. Fails if the URL or the token is invalid, or if
    /// the token would be sent unencrypted.
    pub fn new(
        base: &Url,
        token: Option<&str>,
        pace: Throttle,
        clock: &Clock,
        watch: Watch<'a>,
    ) -> anyhow::Result<Self> {
        ensure!(
            token.is_none() || base.scheme() == "https" || is_localhost(base),
            "{base}: the token is only sent over HTTPS; use a URL that begins with https://"
        );
        let authorization = token.map(|token| HeaderValue::from_str(&format!("OAuth {token}"))).transpose();
        let mut authorization = authorization.context("the token has invalid characters")?;
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        let outbound = HttpClient::new([base], pace.bounds)?;
        Ok(Self { authorization, ..Self::over(outbound, base, pace, clock, watch) })
    }

    /// Creates a client for `base`, which a manager entered: only what `outbound` allows is requested, and an address
    /// without a server is an error at once.
    pub fn for_entered_url(outbound: HttpClient, base: &Url, pace: Throttle, clock: &Clock, watch: Watch<'a>) -> Self {
        Self { is_entered: true, ..Self::over(outbound, base, pace, clock, watch) }
    }

    fn over(outbound: HttpClient, base: &Url, pace: Throttle, clock: &Clock, watch: Watch<'a>) -> Self {
        let mut base = base.clone();
        base.set_query(None);
        base.set_fragment(None);
        base.set_path(&format!("{}/", base.path().trim_end_matches('/')));
        Self {
            outbound,
            base,
            authorization: None,
            pace,
            clock: clock.clone(),
            watch,
            asked: 0,
            received: 0,
            is_entered: false,
            has_answer: false,
        }
    }

    /// Sends the token as a bearer token instead of Statuspage's `OAuth`.
    #[must_use]
    pub fn with_bearer(mut self, token: Option<&str>) -> Self {
        self.authorization = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
        if let Some(value) = &mut self.authorization {
            value.set_sensitive(true);
        }
        self
    }

    /// Returns the response body, or `None` if the server has nothing at `path`.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Option<Bytes>> {
        let url = self.base.join(path)?;
        for attempt in 0..MAX_ATTEMPTS {
            if self.asked > 0 {
                tokio::time::sleep(self.pace.pause).await;
            }
            self.asked += 1;
            (self.watch)(FetchStep::Asking(path));
            let wait = match self.outbound.send(self.request(&url)?).await {
                Ok(answer) => {
                    self.has_answer = true;
                    self.received += answer.body().len();
                    if self.received > self.pace.total {
                        bail!(FetchStopped(format!("{url}: the response is too large")));
                    }
                    match self.classify(&url, &answer)? {
                        FetchOutcome::Found => return Ok(Some(answer.into_body())),
                        FetchOutcome::Missing => return Ok(None),
                        FetchOutcome::Later(wait) => wait,
                    }
                }
                Err(HttpClientError::Failed(_)) if self.has_answer || !self.is_entered => None,
                Err(HttpClientError::Failed(error)) => bail!("{url}: {}", HttpClientError::Failed(error)),
                Err(error) => return Err(error).with_context(|| url.to_string()),
            };
            let seconds = wait.unwrap_or(1 << attempt);
            if seconds > MAX_RETRY_AFTER {
                let minutes = seconds.div_ceil(60);
                bail!(FetchStopped(format!("{url}: the server asks us to wait {minutes} minutes; {}", self.hint())));
            }
            (self.watch)(FetchStep::Waiting(seconds));
            tokio::time::sleep(self.pace.second.saturating_mul(u32::try_from(seconds)?)).await;
        }
        bail!(FetchStopped(format!("{url}: no answer after {MAX_ATTEMPTS} attempts; {}", self.hint())))
    }

    fn hint(&self) -> &'static str {
        if self.is_entered { ENTERED_URL_HINT } else { RETRY_HINT }
    }

    pub fn report(&self, step: FetchStep<'_>) {
        (self.watch)(step);
    }

    fn request(&self, url: &Url) -> anyhow::Result<Request<Vec<u8>>> {
        let mut request =
            Request::get(url.as_str()).header(ACCEPT, "application/json, application/atom+xml, */*;q=0.1");
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        Ok(request.body(Vec::new())?)
    }

    fn classify(&self, url: &Url, answer: &Response<Bytes>) -> anyhow::Result<FetchOutcome> {
        let header = |name| answer.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        match answer.status().as_u16() {
            200 => Ok(FetchOutcome::Found),
            404 | 410 => Ok(FetchOutcome::Missing),
            420 | 429 | 502..=504 => {
                Ok(FetchOutcome::Later(header(RETRY_AFTER).and_then(|value| self.parse_retry_after(value))))
            }
            301..=308 => {
                bail!("{url} redirects to {}: use that URL instead", header(LOCATION).unwrap_or("nowhere"))
            }
            401 | 403 => bail!("{url}: access denied (status {})", answer.status().as_u16()),
            status => bail!("{url}: unexpected status {status}"),
        }
    }

    /// Parses `Retry-After`: seconds, or an HTTP date.
    fn parse_retry_after(&self, value: &str) -> Option<u64> {
        let until = |date: &str| {
            let at = DateTime::parse_from_rfc2822(date).ok()?;
            u64::try_from((at.to_utc() - self.clock.now()).num_seconds().max(0)).ok()
        };
        value.trim().parse().ok().or_else(|| until(value.trim()))
    }
}

fn is_localhost(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

enum FetchOutcome {
    Found,
    Missing,
    /// Retry later; after this number of seconds, if the server sent one.
    Later(Option<u64>),
}
