//! For whatever watches the server.

use axum::Json;
use axum::extract::State as FromState;
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde::Serialize;

use crate::clock::Pulse;
use crate::publish::Step;
use crate::state::State;

/// How old the Site may be: it is rendered anew every minute.
const SITE_AGE: TimeDelta = TimeDelta::minutes(5);
/// For how long publishing may fail.
const FAILING: TimeDelta = TimeDelta::minutes(1);
/// How long a round of the worker may take: it may wait for the database for some seconds.
const WORKER_AGE: TimeDelta = TimeDelta::minutes(1);
/// How long a round of the courier may take: it may wait for a slow mail server, some letters in a row.
const COURIER_AGE: TimeDelta = TimeDelta::minutes(10);

/// What `/readyz` says.
#[derive(Serialize)]
pub struct Readiness {
    ready: bool,
    stopping: bool,
    /// Whether it answered in the worker's last round, less than a second ago where the worker works.
    database: bool,
    revision: i64,
    /// Since the database last confirmed what is shown.
    site_age_seconds: i64,
    /// What publishing fails at, where it does.
    trouble: Option<Step>,
    trouble_seconds: Option<i64>,
    /// Since the worker ended its last round.
    worker_age_seconds: i64,
    /// Since the courier ended its last round, where there is a mail server.
    courier_age_seconds: Option<i64>,
    /// What is set up wrongly and does not keep it from working.
    warning: Option<&'static str>,
}

/// `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the process can do all of its work: 200, else 503. A server that is not ready still shows the
/// page to visitors; a load balancer that should send them here asks `/healthz`.
pub async fn ready(FromState(state): FromState<State>) -> (StatusCode, Json<Readiness>) {
    let readiness = readiness(&state);
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

fn readiness(state: &State) -> Readiness {
    let stopping = state.streams().have_ended();
    let (site, now) = (state.publisher.site(), state.clock.now());
    let (site_age, worker_age) = (now - site.confirmed_at, state.worker().age());
    let courier_age = state.courier_pulse().map(Pulse::age);
    let trouble = state.publisher.trouble();
    let database = match trouble {
        Some(trouble) => trouble.step != Step::Reading,
        None => state.publisher.snapshot().is_some(),
    };
    let failing = trouble.map(|trouble| now - trouble.since);
    // A Site that can't be stored is served all the same.
    let is_failing = trouble.is_some_and(|trouble| trouble.step != Step::Storing && now - trouble.since >= FAILING);
    let is_rendering_broken = trouble.is_some_and(|trouble| trouble.step == Step::Rendering);
    Readiness {
        ready: database
            && !stopping
            && !is_failing
            && !is_rendering_broken
            && site_age < SITE_AGE
            && worker_age < WORKER_AGE
            && courier_age.is_none_or(|age| age < COURIER_AGE),
        stopping,
        database,
        revision: site.revision,
        site_age_seconds: site_age.num_seconds(),
        trouble: trouble.map(|trouble| trouble.step),
        trouble_seconds: failing.map(|since| since.num_seconds()),
        worker_age_seconds: worker_age.num_seconds(),
        courier_age_seconds: courier_age.map(|age| age.num_seconds()),
        warning: state
            .unnamed_proxy()
            .is_noticed()
            .then_some("a proxy passes requests on that --trusted-proxies does not name"),
    }
}
