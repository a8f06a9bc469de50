//! Background work: opens the database, follows its revision, runs scheduled steps, re-renders as time passes.

pub mod deliveries;
pub mod maintenances;
pub mod nodes;
mod probe;

pub use probe::{measure_queue, probe_if_due};

use std::panic::AssertUnwindSafe;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::actions;
use crate::background::{BackgroundWork, spawn_in_background};
use crate::credentials::secret_token;
use crate::db::leases::{self, Hold};
use crate::db::{
    WriteTx, admin_incidents, challenges, future_times, known_browsers, managers, notices, one_time_links, outbox,
    page_imports, page_settings, pending_forms, sessions, subscribers, suppressions,
};
use crate::domain::IncidentId;
use crate::domain::audit::{Action, Actor, start_of_hour};
use crate::domain::manager::LinkPurpose;
use crate::domain::monotonic::Monotonic;
use crate::domain::node::MigrateMode;
use crate::publish::SuccessionError;
use crate::state::State;
use crate::{db, notify, output};

/// Pause before a failed round is repeated, and before a database that is not open is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(300);
/// Pause between a change of this process and the next round: its request publishes it.
const OWN_CHANGE_PAUSE: Duration = Duration::from_millis(300);
/// Pause between two rounds, so that a burst of changes is published together.
const MIN_PAUSE: Duration = Duration::from_millis(50);
/// A tick needs a timeout: on a dropped network connection a response may never arrive.
const ROUND_TIMEOUT: Duration = Duration::from_secs(45);
/// How long a start waits for another process to migrate the database before it says so more clearly.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(60);
const WAITS_FOR_MIGRATION: &str =
    "the database has the schema of an older version; with --migrate never, another process must migrate it";
const NOT_MIGRATED: &str = "the database still has the schema of an older version after 60 s: run candor serve \
    --migrate only, or start without --migrate never";
/// Re-renders an unchanged Site, because ages ("open for 12m") and days change.
const REFRESH_INTERVAL: TimeDelta = TimeDelta::seconds(60);
const SWEEP_INTERVAL: TimeDelta = TimeDelta::minutes(10);
/// How long the log of notices and deliveries is kept.
const DELIVERY_LOG: TimeDelta = TimeDelta::days(30);
/// How long a stop waits for a round. The next start publishes what it leaves.
const ROUND_GRACE: Duration = Duration::from_secs(1);
/// How long a stop waits for messages that are being sent. After it, the next process sends them again.
const SENDING_GRACE: Duration = Duration::from_secs(5);
/// How long `candor nodes` lists a node that has gone.
const NODE_LOG: TimeDelta = TimeDelta::days(1);
/// The smallest clock change that is noticed; smaller ones are normal clock synchronization.
const CLOCK_JUMP: TimeDelta = TimeDelta::seconds(5);
pub const SETUP_LINK_LIFETIME: TimeDelta = TimeDelta::minutes(30);

/// Runs until `stop`. Retries while the database is unavailable; fails if its schema is of a newer version, not
/// Candor's, or from a pre-release.
pub async fn run_worker(state: State, stop: CancellationToken) -> anyhow::Result<()> {
    let mut work = Worker::default();
    let (mut opened, mut logged, mut sending) = (false, None, None);
    let begun = Instant::now();
    let mut changes = state.db.changes().subscribe();
    // The stored Site may be old, and opening the database may take a while.
    state.publisher.mark_stale().await;
    while !stop.is_cancelled() {
        if !opened {
            match open_database(&state, begun.elapsed()).await? {
                None => {
                    opened = true;
                    sending = Some(start_background_jobs(&state, &stop));
                }
                Some(cause) => {
                    if logged.as_ref() != Some(&cause) {
                        tracing::warn!("database unavailable, serving the last published page: {cause}");
                        logged = Some(cause);
                    }
                }
            }
        }
        if opened {
            tokio::select! {
                () = run_round(&state, &mut work) => {}
                () = wait_for_stop(&stop, ROUND_GRACE) => break,
            }
        } else {
            state.publisher.mark_stale().await;
            state.worker_heartbeat().beat();
        }
        let waiting = async {
            if opened && !work.failing && work.refreshed_at.is_some() {
                work.wait(&state, &mut changes).await;
            } else {
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = waiting => {}
        }
    }
    if let Some(sending) = sending {
        finish_sending(&state, sending).await;
    }
    Ok(())
}

/// Waits until `grace` after a stop.
async fn wait_for_stop(stop: &CancellationToken, grace: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(grace).await;
}

/// Waits for what is being sent, and closes the connections to the mail server. The tasks end if this is dropped.
async fn finish_sending(state: &State, sending: [AbortOnDropHandle<()>; 2]) {
    let finished = async {
        join_all(sending).await;
        if let Some(mailer) = &state.mailer {
            mailer.pool().close().await;
        }
    };
    if tokio::time::timeout(SENDING_GRACE, finished).await.is_err() {
        tracing::warn!(
            "what was being sent after {} s will be sent again after the next start",
            SENDING_GRACE.as_secs()
        );
    }
}

/// Returns the tasks that send account mail and messages to subscribers.
fn start_background_jobs(state: &State, stop: &CancellationToken) -> [AbortOnDropHandle<()>; 2] {
    tokio::spawn(probe::run_probe(state.clone(), stop.clone()));
    tokio::spawn(probe::run_measurements(state.clone(), stop.clone()));
    let account_mail = tokio::spawn(state.mail_worker().run(stop.clone()));
    let messages =
        spawn_in_background(BackgroundWork::Messages, deliveries::run_deliveries(state.clone(), stop.clone()));
    let (state, stop) = (state.clone(), stop.clone());
    tokio::spawn(async move {
        let listen_url = state.node.listen_url.as_deref();
        if let Err(error) = state.db.follow_changes(listen_url, stop).await {
            tracing::error!("changes of other processes are not noticed: {error}");
        }
    });
    [account_mail, messages].map(AbortOnDropHandle::new)
}

async fn run_round(state: &State, work: &mut Worker) {
    state.worker_run().set_ongoing(true);
    let ran = tokio::time::timeout(ROUND_TIMEOUT, ends(work.tick(state))).await;
    state.worker_run().set_ongoing(false);
    match ran {
        Ok(true) => state.worker_heartbeat().beat(),
        Ok(false) => {
            state.worker_failure().set_ongoing(true);
            *work = Worker::default();
        }
        Err(_) => {
            tracing::warn!("the database has not answered for {} s", ROUND_TIMEOUT.as_secs());
            state.publisher.set_database_unavailable("the database does not answer".to_owned());
            state.publisher.mark_stale().await;
            state.worker_failure().set_ongoing(true);
            *work = Worker::default();
        }
    }
}

/// Runs `future` and returns whether it finished without a panic. After a panic the Site stays live and readiness
/// reports the failure.
async fn ends(future: impl Future<Output = ()>) -> bool {
    let ended = AssertUnwindSafe(future).catch_unwind().await.is_ok();
    if !ended {
        tracing::error!("background worker panicked, restarting");
    }
    ended
}

/// Opens and migrates the database, and offers a setup link. Returns the reason if the database is not used. `waited` is
/// the time since the start.
async fn open_database(state: &State, waited: Duration) -> anyhow::Result<Option<String>> {
    let now = state.clock.now();
    if state.node.migrate == MigrateMode::Never && !state.db.is_migrated().await.unwrap_or(true) {
        let reason = if waited < MIGRATION_PATIENCE { WAITS_FOR_MIGRATION } else { NOT_MIGRATED };
        state.publisher.set_database_unavailable(reason.to_owned());
        return Ok(Some(reason.to_owned()));
    }
    let taken_up = match state.db.examine(now).await {
        Ok(found) => match state.publisher.check_database(&found) {
            Ok(()) => state.db.prepare(now).await,
            Err(refusal) => {
                state.publisher.set_database_unavailable(refusal.to_string());
                if refusal == SuccessionError::PreRelease {
                    return Err(refusal.into());
                }
                return Ok(Some(refusal.to_string()));
            }
        },
        Err(error) => Err(error),
    };
    match taken_up {
        Ok(()) => {}
        Err(error @ db::Error::Schema(_)) => return Err(error.into()),
        Err(error) => {
            // The error may name a host or a file, so it goes to the log only.
            let reason = state.db.reason_closed().unwrap_or_else(|| "the database can't be opened".to_owned());
            state.publisher.set_database_unavailable(reason);
            return Ok(Some(error.to_string()));
        }
    }
    if let Err(error) = nodes::record_beat(state).await {
        return Ok(Some(error.to_string()));
    }
    if let Err(error) = record_origin(state).await {
        return Ok(Some(error.to_string()));
    }
    let link = match offer_setup_link(state).await {
        Ok(link) => link,
        Err(error) => return Ok(Some(error.to_string())),
    };
    if let Some(link) = link {
        // Printed to the terminal only, because a log would keep the link.
        output::print_detached(format!("\nSet up your account (link valid 30 minutes):\n\n    {link}\n"));
    }
    Ok(None)
}

/// Stores where this server is reached, for the links of `candor manager`.
async fn record_origin(state: &State) -> db::Result<()> {
    if page_settings::server_origin(&mut state.db.read().await?).await?.as_deref() == Some(&state.origin) {
        return Ok(());
    }
    let mut tx = state.db.write().await?;
    page_settings::set_server_origin(&mut tx, &state.origin).await?;
    tx.commit_unaudited().await
}

/// `None` if there is a manager already.
pub async fn offer_setup_link(state: &State) -> db::Result<Option<String>> {
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    if managers::count(&mut tx).await? > 0 {
        return Ok(None);
    }
    let token = secret_token::fresh_token();
    let link =
        one_time_links::Link { purpose: LinkPurpose::Setup, manager_id: None, expires_at: now + SETUP_LINK_LIFETIME };
    one_time_links::create(&mut tx, &secret_token::hash_token(&token), &link, now).await?;
    tx.commit_unaudited().await?;
    Ok(Some(format!("{}/setup/{token}", state.origin)))
}

#[derive(Default)]
pub struct Worker {
    refreshed_at: Option<Monotonic>,
    refreshed_in: Option<DateTime<Utc>>,
    swept_at: Option<Monotonic>,
    last: Option<(DateTime<Utc>, Monotonic)>,
    next_embargo: Option<DateTime<Utc>>,
    failing: bool,
    waits_for: Option<String>,
}

impl Worker {
    /// Runs everything that is due. A failure is logged once when it begins and once when it ends.
    pub async fn tick(&mut self, state: &State) {
        let result = self.try_tick(state).await;
        match (&result, self.failing) {
            (Err(error), false) => tracing::warn!("publishing failed, retrying: {error:#}"),
            (Ok(()), true) => tracing::info!("publishing recovered"),
            _ => {}
        }
        self.failing = result.is_err();
        state.worker_failure().set_ongoing(self.failing);
        if self.failing {
            state.publisher.mark_stale().await;
            self.reopen(state).await;
        }
    }

    /// Waits until another round is due, or something changed.
    async fn wait(&self, state: &State, changes: &mut db::Subscription) {
        // What is overdue was left to another node, whose change is announced.
        let next = self.next_due(state).max(state.clock.now() + TimeDelta::milliseconds(300));
        tokio::select! {
            () = state.clock.sleep_until(Some(next)) => {}
            origin = changes.changed() => {
                tokio::time::sleep(if origin == db::Origin::Here { OWN_CHANGE_PAUSE } else { MIN_PAUSE }).await;
            }
        }
    }

    /// When the next step, embargo, announcement, hour, refresh or sweep is due.
    fn next_due(&self, state: &State) -> DateTime<Utc> {
        let (now, monotonic) = (state.clock.now(), state.clock.monotonic());
        let repeated = |last: Option<Monotonic>, every| last.map_or(now, |last| now + (every - (monotonic - last)));
        let snapshot = state.publisher.snapshot();
        let known = [
            self.next_embargo,
            snapshot.as_ref().and_then(|snapshot| snapshot.next_step),
            snapshot.as_ref().and_then(|snapshot| snapshot.next_announcement_change),
            Some(start_of_hour(now) + TimeDelta::hours(1)),
            Some(repeated(self.swept_at, SWEEP_INTERVAL)),
        ];
        let refresh = repeated(self.refreshed_at, REFRESH_INTERVAL);
        known.into_iter().flatten().fold(refresh, DateTime::min)
    }

    /// Whether the wall clock was set since the last tick. If so, the rendered ages are wrong, and rows written while
    /// the clock was ahead have times in the future.
    fn was_clock_set(&mut self, state: &State) -> bool {
        let (wall, monotonic) = (state.clock.now(), state.clock.monotonic());
        let Some((last_wall, last_monotonic)) = self.last.replace((wall, monotonic)) else { return false };
        let jump = (wall - last_wall) - (monotonic - last_monotonic);
        let was_set = jump.abs() >= CLOCK_JUMP;
        if was_set {
            tracing::warn!("the clock was set by {} s", jump.num_seconds());
        }
        was_set
    }

    /// Opens the database file again after it was replaced by another.
    async fn reopen(&mut self, state: &State) {
        if !state.db.is_closed() {
            return;
        }
        let cause = match open_database(state, Duration::ZERO).await {
            Ok(cause) => cause,
            Err(error) => Some(format!("{error:#}")),
        };
        if cause != self.waits_for
            && let Some(cause) = &cause
        {
            tracing::warn!("the replaced database file is not used: {cause}");
        }
        self.waits_for = cause;
    }

    async fn try_tick(&mut self, state: &State) -> anyhow::Result<()> {
        if self.was_clock_set(state) {
            (self.refreshed_at, self.swept_at) = (None, None);
        }
        let now = state.clock.monotonic();
        let due = |last: Option<Monotonic>, every| last.is_none_or(|last| now - last >= every);
        // An error here must not stop other changes from being published, so it is returned at the end.
        let ended = end_embargoes(state).await;
        let mut published = state.publisher.follow().await?;
        self.next_embargo = admin_incidents::find_next_embargo(&mut state.db.read().await?).await?;
        if maintenances::run_due_steps(state).await? {
            state.publisher.publish().await?;
            published = true;
        }
        // The public audit digest changes on the hour. Publish then, not with the first change of the hour, which would
        // reveal that change.
        let hour = start_of_hour(state.clock.now());
        let hour_passed = self.refreshed_at.is_some() && self.refreshed_in != Some(hour);
        let notice_changed = state
            .publisher
            .snapshot()
            .is_some_and(|snapshot| snapshot.next_announcement_change.is_some_and(|at| at <= state.clock.now()));
        if published || hour_passed || notice_changed || due(self.refreshed_at, REFRESH_INTERVAL) {
            if !published {
                state.publisher.refresh().await?;
            }
            (self.refreshed_at, self.refreshed_in) = (Some(now), Some(hour));
        }
        record_suppressed_denials(state).await?;
        if due(self.swept_at, SWEEP_INTERVAL) {
            sweep_once(state).await?;
            self.swept_at = Some(now);
        }
        // Without this note, the write-ahead log can only be judged by its content after a crash.
        let _ = state.db.note_file();
        Ok(ended?)
    }
}

/// Publishes every incident whose embargo is over, each in its own transaction. An error doesn't stop the others; the
/// first one is returned, and the next tick retries.
pub async fn end_embargoes(state: &State) -> db::Result<()> {
    let now = state.clock.now();
    let due = admin_incidents::list_due_embargoes(&mut state.db.read().await?, now).await?;
    let mut result = Ok(());
    for id in due {
        let ended = end_embargo(state, &id, now).await;
        result = result.and(ended);
    }
    result
}

/// Checks again in the write transaction: a manager or another process may have been faster.
async fn end_embargo(state: &State, id: &IncidentId, now: DateTime<Utc>) -> db::Result<()> {
    let mut tx = state.db.write().await?;
    if let Some(entry) = actions::incidents::end_embargo(&mut tx, id, now).await? {
        tx.commit(&Actor::server(), now, entry).await?;
    }
    Ok(())
}

/// As [`sweep`], unless another node has just done it.
async fn sweep_once(state: &State) -> db::Result<()> {
    let now = state.clock.now();
    let length = SWEEP_INTERVAL - TimeDelta::minutes(1);
    let mut tx = state.db.write().await?;
    if let Hold::Elsewhere(_) = leases::hold(&mut tx, leases::SWEEP, state.node_id(), length, now).await? {
        return Ok(());
    }
    sweep_rows(&mut tx, now).await?;
    tx.commit_unaudited().await
}

/// Deletes expired rows. Times in the future, written while the clock was ahead, are set to now.
pub async fn sweep(state: &State) -> db::Result<()> {
    let now = state.clock.now();
    let mut tx = state.db.write().await?;
    sweep_rows(&mut tx, now).await?;
    tx.commit_unaudited().await
}

async fn sweep_rows(tx: &mut WriteTx, now: DateTime<Utc>) -> db::Result<()> {
    future_times::clamp(tx, now).await?;
    sessions::delete_expired(tx, now).await?;
    pending_forms::delete_expired(tx, now).await?;
    challenges::delete_expired(tx, now).await?;
    one_time_links::delete_expired(tx, now).await?;
    outbox::delete_done(tx, now - notify::SENT_RETENTION).await?;
    subscribers::delete_expired(tx, now).await?;
    suppressions::delete_expired(tx, now).await?;
    notices::delete_done(tx, now - DELIVERY_LOG).await?;
    page_imports::delete_expired(tx, now - page_imports::RETENTION).await?;
    known_browsers::delete_unused(tx, now - known_browsers::RETENTION).await?;
    db::nodes::delete_unseen(tx, now - NODE_LOG).await
}

/// Records one audit row for all denied attempts that were only counted, once their minute is over.
async fn record_suppressed_denials(state: &State) -> db::Result<()> {
    let now = state.clock.now();
    let until = state.clock.monotonic();
    let left_out = state.audit_denials().lock().unwrap_or_else(PoisonError::into_inner).take_suppressed(until);
    let Some(left_out) = left_out else { return Ok(()) };
    let several = || "several addresses".to_owned();
    let actor = Actor::anonymous(left_out.address.clone().unwrap_or_else(several));
    let entry = actions::managers::record_denial(
        Action::AuditSuppressDenials,
        format!("{} denied attempts", left_out.attempts),
    );
    state.db.write().await?.commit_denial(&actor, now, Some(&entry)).await
}

#[cfg(test)]
mod tests {
    use super::ends;

    #[tokio::test]
    async fn worker_continues_after_a_panic() {
        assert!(!ends(async { panic!("an unexpected row") }).await);
        assert!(ends(async {}).await);
    }
}
