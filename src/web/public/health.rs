//! Health checks.

use std::borrow::Cow;

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde::Serialize;

use crate::clock::Heartbeat;
use crate::db::Outage;
use crate::domain::subscriber::is_queue_stuck;
use crate::publish::Step;
use crate::state::State;

/// Maximum age of the site; the worker renders it every minute.
const MAX_SITE_AGE: TimeDelta = TimeDelta::minutes(5);
/// How long the worker's runs may fail; one fails when the database restarts.
const MAX_WORKER_FAILURE: TimeDelta = TimeDelta::seconds(2);
/// Maximum duration of a worker run, which may wait some seconds for the database.
const MAX_WORKER_AGE: TimeDelta = TimeDelta::minutes(1);
/// Maximum duration of a mail worker run, which may wait for a slow mail server, several mails in a row.
const MAX_MAIL_WORKER_AGE: TimeDelta = TimeDelta::minutes(10);

/// The body of `/readyz`. It is public, so it must not reveal when managers work.
#[derive(Serialize)]
pub struct Readiness {
    ready: bool,
    stopping: bool,
    /// Whether the database answered in the worker's last run, less than a second ago if the worker runs.
    database: bool,
    /// Whether the last test write succeeded, which is some seconds ago at most.
    writable: bool,
    trouble: Option<HealthProblem>,
    trouble_seconds: Option<i64>,
    /// The trouble as a sentence.
    reason: Option<Cow<'static, str>>,
    /// Seconds since the database last confirmed the published page.
    site_age_seconds: i64,
    /// Seconds since the worker last completed a run.
    worker_age_seconds: i64,
    /// Seconds since the mail worker last completed a run; `None` without a mail server.
    mail_worker_age_seconds: Option<i64>,
    /// A misconfiguration that does not affect readiness.
    warning: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum HealthProblem {
    Stopping,
    Rendering,
    Site,
    Worker,
    Work,
    MailWorker,
    /// E-mails to subscribers wait too long.
    Queue,
    /// The mail server rejects this sender.
    Sender,
    Storing,
    /// Clients do not accept the TLS certificate.
    Certificate,
    /// The database can't be read, for an unknown reason.
    Reading,
    #[serde(untagged)]
    Database(Outage),
}

impl HealthProblem {
    fn sentence(self) -> &'static str {
        match self {
            Self::Stopping => "The server is shutting down.",
            Self::Reading => "The database can't be read, or the page is not published yet.",
            Self::Rendering => "The newest revision of the page can't be rendered.",
            Self::Site => "The page was not confirmed against the database for five minutes.",
            Self::Worker => "The background worker is stuck.",
            Self::Work => "Scheduled maintenance, embargoes or cleanup jobs fail.",
            Self::MailWorker => "Mail is not being sent.",
            Self::Queue => "E-mails to subscribers have been waiting for more than 15 minutes.",
            Self::Sender => "The mail server rejects this sender. Run candor mail check.",
            Self::Certificate => "The TLS certificate has expired, or there is none yet.",
            Self::Storing => "The page can't be stored on disk; a restart would serve an older one.",
            Self::Database(outage) => outage.sentence(),
        }
    }
}

/// `GET /healthz`: 200 once there is a page to serve.
pub async fn show_health(FromState(state): FromState<State>) -> (StatusCode, &'static str) {
    if has_page(&state) { (StatusCode::OK, "ok\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "no page yet\n") }
}

fn has_page(state: &State) -> bool {
    state.publisher.site().document("/").is_some_and(|page| page.status < 500)
}

/// `GET /readyz`: 200 if the process can do all its work and managers can post, otherwise 503. A server that is not
/// ready still serves visitors, so a load balancer for visitors must check `/healthz`.
pub async fn show_readiness(FromState(state): FromState<State>) -> (StatusCode, Json<Readiness>) {
    let readiness = readiness(&state);
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

fn readiness(state: &State) -> Readiness {
    let found = find_problems(state);
    let worst = found.first().copied();
    let publishing = state.publisher.last_failure();
    Readiness {
        ready: worst.is_none_or(|(trouble, _)| is_minor(trouble)),
        stopping: state.streams().are_closed(),
        database: match publishing {
            Some(trouble) => trouble.step != Step::Reading,
            None => state.publisher.snapshot().is_some(),
        },
        writable: state.writes().failure().is_none(),
        trouble: worst.map(|(trouble, _)| trouble),
        trouble_seconds: worst.and_then(|(_, lasts)| lasts).map(|lasts| lasts.num_seconds()),
        reason: worst.map(|(trouble, _)| problem_sentence(state, trouble)),
        site_age_seconds: site_age(state).num_seconds(),
        worker_age_seconds: state.worker_heartbeat().age().num_seconds(),
        mail_worker_age_seconds: state.mail_heartbeat().map(Heartbeat::age).map(|age| age.num_seconds()),
        warning: state
            .untrusted_proxy()
            .was_seen()
            .then_some("a proxy passes requests on that --trusted-proxies does not name"),
    }
}

/// A site that can't be stored on disk is still served, and a mail server stops no work here.
fn is_minor(problem: HealthProblem) -> bool {
    matches!(problem, HealthProblem::Storing | HealthProblem::Queue | HealthProblem::Sender)
}

/// The sentence for the operator; for a database that can't be read or was refused, the publisher's reason is more
/// precise.
fn problem_sentence(state: &State, trouble: HealthProblem) -> Cow<'static, str> {
    let is_refused = matches!(trouble, HealthProblem::Database(_)) && state.db.is_closed();
    let is_precise = trouble == HealthProblem::Reading || is_refused;
    let waiting = state.publisher.waiting_reason().filter(|_| is_precise);
    waiting.map_or(Cow::Borrowed(trouble.sentence()), Cow::Owned)
}

/// All problems with their durations, the most severe and specific first.
fn find_problems(state: &State) -> Vec<(HealthProblem, Option<TimeDelta>)> {
    let publishing = state.publisher.last_failure();
    let lasts = |step| {
        let trouble = publishing.filter(|trouble| trouble.step == step);
        trouble.map(|trouble| state.clock.monotonic() - trouble.since)
    };
    let nothing_read = publishing.is_none() && (state.publisher.snapshot().is_none() || !has_page(state));
    let age = |age: TimeDelta, most| (age >= most).then_some(Some(age));
    let stopping = state.streams().are_closed().then_some(None);
    let found = [
        stopping.map(|lasts| (HealthProblem::Stopping, lasts)),
        state.writes().failure().map(|(outage, lasts)| (HealthProblem::Database(outage), Some(lasts))),
        lasts(Step::Reading).map(|lasts| (HealthProblem::Reading, Some(lasts))),
        nothing_read.then_some((HealthProblem::Reading, None)),
        lasts(Step::Rendering).map(|lasts| (HealthProblem::Rendering, Some(lasts))),
        age(site_age(state), MAX_SITE_AGE).map(|lasts| (HealthProblem::Site, lasts)),
        age(state.worker_heartbeat().age(), MAX_WORKER_AGE).map(|lasts| (HealthProblem::Worker, lasts)),
        state
            .worker_failure()
            .age()
            .filter(|lasts| *lasts >= MAX_WORKER_FAILURE)
            .map(|lasts| (HealthProblem::Work, Some(lasts))),
        state
            .mail_heartbeat()
            .and_then(|pulse| age(pulse.age(), MAX_MAIL_WORKER_AGE))
            .map(|lasts| (HealthProblem::MailWorker, lasts)),
        queue_age(state).map(|lasts| (HealthProblem::Queue, Some(lasts))),
        state.delivery_queue().value().is_sender_rejected.then_some((HealthProblem::Sender, None)),
        has_invalid_certificate(state).then_some((HealthProblem::Certificate, None)),
        lasts(Step::Storing).map(|lasts| (HealthProblem::Storing, Some(lasts))),
    ];
    found.into_iter().flatten().collect()
}

fn has_invalid_certificate(state: &State) -> bool {
    state.certificate().validity_left(state.clock.now()).is_some_and(|left| left < TimeDelta::zero())
}

/// How long the oldest e-mail to a subscriber waits, if that is too long and a mail server is configured.
fn queue_age(state: &State) -> Option<TimeDelta> {
    let oldest = state.delivery_queue().value().oldest_mail.filter(|_| state.mailer.is_some());
    let now = state.clock.now();
    if is_queue_stuck(oldest, now) { oldest.map(|oldest| now - oldest) } else { None }
}

/// Not negative: the site may have been confirmed while the clock was ahead.
fn site_age(state: &State) -> TimeDelta {
    (state.clock.now() - state.publisher.site().confirmed_at).max(TimeDelta::zero())
}
