//! Tells subscribers: matches notices with subscribers, and sends the messages by mail and HTTP.

mod context;
mod http;
mod mail;
mod pipeline;
mod queue;
mod revival;

pub use pipeline::{MAX_ATTEMPT, Pipeline, SendMessage};

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::context::Context;
use self::http::HttpSender;
use self::mail::MailSender;
use self::revival::Revival;
use crate::db::deliveries::Transport;
use crate::db::{self, Db, deliveries, notices};
use crate::net::http_client::HttpClient;
use crate::notify::challenge::CHALLENGE_LIMITS;
use crate::notify::endpoint::ENDPOINT_LIMITS;
use crate::notify::standard_webhooks::webhook_key_pair;
use crate::state::State;

/// Pause before notices are read again after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// When a message is tried again whose content could not be read.
const READ_RETRY: TimeDelta = TimeDelta::seconds(30);
/// Endpoints that are sent to at once. Each may take 15 seconds to answer.
const HTTP_SENDERS: usize = 768;

/// Tells subscribers until `stop`. Without a mail server, only endpoints are sent to.
pub async fn run_deliveries(state: State, stop: CancellationToken) {
    match try_run(&state, &stop).await {
        Ok(()) => {}
        Err(error) => tracing::error!("subscribers are not notified: {error:#}"),
    }
}

async fn try_run(state: &State, stop: &CancellationToken) -> anyhow::Result<()> {
    release_leases(state).await;
    let context = Context::new(state.db.clone(), state.clock.clone(), &state.origin, state.secret_key.clone())?;
    let client = HttpClient::new(&state.endpoint_hosts, ENDPOINT_LIMITS)?;
    let http = HttpSender { context: context.clone(), client, key_pair: webhook_key_pair(&state.secret_key)? };
    let revival = Revival {
        context: context.clone(),
        client: HttpClient::new(&state.endpoint_hosts, CHALLENGE_LIMITS)?,
        key_pair: webhook_key_pair(&state.secret_key)?,
    };
    let (to_mail, to_http) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let http = pipeline(state, Transport::Http, (HTTP_SENDERS, http), to_http.clone());
    let mail = match &state.mailer {
        Some(mailer) => {
            let senders = mailer.pool().connections();
            let sender = MailSender::new(context, mailer.clone(), state.bounce_hooks.clone())?;
            Some(pipeline(state, Transport::Mail, (senders, sender), to_mail.clone()))
        }
        None => None,
    };
    let queued = || {
        to_mail.notify_one();
        to_http.notify_one();
    };
    let mail = async {
        if let Some(mail) = mail {
            mail.run(stop.clone()).await;
        }
    };
    // Neither is needed for what is being sent: a stop ends both at once.
    let preparing = async { tokio::join!(revival.run(stop.clone()), expand_until(state, queued, stop)) };
    let preparing = async {
        tokio::select! { _ = preparing => {}, () = stop.cancelled() => {} }
    };
    tokio::join!(http.run(stop.clone()), mail, preparing);
    Ok(())
}

/// SQLite has one server, so whatever is leased at its start was leased by one that was killed.
async fn release_leases(state: &State) {
    if !matches!(state.db, Db::Sqlite { .. }) {
        return;
    }
    let released = async {
        let mut tx = state.db.write().await?;
        deliveries::release_leases(&mut tx, state.clock.now()).await?;
        tx.commit_unaudited().await
    };
    if let Err(error) = released.await {
        tracing::warn!("messages that an earlier server left are sent later: {error}");
    }
}

fn pipeline<S>(state: &State, transport: Transport, (senders, sender): (usize, S), wake: Arc<Notify>) -> Pipeline<S> {
    let (db, clock, node_id) = (state.db.clone(), state.clock.clone(), state.node_id().clone());
    Pipeline { db, clock, node_id, transport, senders, sender, wake }
}

async fn expand_until(state: &State, queued: impl Fn(), stop: &CancellationToken) {
    let mut failing = false;
    let mut changes = state.db.changes().subscribe();
    while !stop.is_cancelled() {
        let expanded = expand_notices(&state.db, state.clock.now(), &queued).await;
        if let (Err(error), false) = (&expanded, failing) {
            tracing::warn!("notices can't be matched with subscribers: {error}");
        }
        failing = expanded.is_err();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(RETRY_INTERVAL), if failing => {}
            _ = changes.changed(), if !failing => {}
        }
    }
}

/// Matches all waiting notices with subscribers, newest first, in short transactions. Calls `queued` after each.
pub async fn expand_notices(db: &Db, now: DateTime<Utc>, queued: impl Fn()) -> db::Result<()> {
    if !notices::is_waiting(&mut db.read().await?).await? {
        return Ok(());
    }
    loop {
        let mut tx = db.deliver().await?;
        let expanded = notices::expand_next(&mut tx, now).await?;
        tx.commit().await?;
        if !expanded {
            return Ok(());
        }
        queued();
    }
}
