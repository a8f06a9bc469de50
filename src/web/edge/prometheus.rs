//! Metrics for Prometheus, on a separate listener because they are not public.

use std::fmt::{Display, Write as _};

use axum::Router;
use axum::extract::State as FromState;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::credentials::password;
use crate::log;
use crate::state::State;

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves `GET /metrics` until `stop`. Only the operator's programs can reach the listener, so the limits of the public
/// one don't apply.
pub async fn serve_metrics(listener: TcpListener, state: State, stop: CancellationToken) {
    let router = Router::new().route("/metrics", get(show_metrics)).with_state(state);
    tokio::select! {
        () = stop.cancelled() => {}
        served = axum::serve(listener, router) => {
            if let Err(error) = served {
                tracing::warn!("serving the metrics: {error}");
            }
        }
    }
}

async fn show_metrics(FromState(state): FromState<State>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], render_metrics(&state))
}

pub fn render_metrics(state: &State) -> String {
    let mut lines = MetricLines(String::new());
    let (publisher, site) = (&state.publisher, state.publisher.site());
    let counts = publisher.counts();
    lines.begin("candor_responses_total", "counter", "Responses by kind of URL and status class.");
    for (class, digit, count) in state.responses().counts() {
        let labels = format!("{{class=\"{}\",status=\"{digit}xx\"}}", class.name());
        lines.add("candor_responses_total", &labels, count);
    }
    lines.begin("candor_publish_seconds", "summary", "Publishes and their duration.");
    lines.add("candor_publish_seconds_sum", "", counts.published.seconds());
    lines.add("candor_publish_seconds_count", "", counts.published.count.value());
    let mut number = |name, kind, what, value: &dyn Display| {
        lines.begin(name, kind, what);
        lines.add(name, "", value);
    };
    let asked = counts.asked.value();
    let rendered = counts.rendered.value();
    number("candor_publish_failures_total", "counter", "Failed publishes.", &counts.failed.value());
    number("candor_deep_renders_total", "counter", "Pages rendered on demand.", &rendered);
    number(
        "candor_deep_shared_total",
        "counter",
        "On-demand pages answered from cache.",
        &asked.saturating_sub(rendered),
    );
    let age = state.clock.now() - site.confirmed_at;
    number(
        "candor_site_age_seconds",
        "gauge",
        "Seconds since the page was last confirmed against the database.",
        &age.num_seconds(),
    );
    number("candor_site_revision", "gauge", "Revision being served.", &site.revision);
    number("candor_event_streams", "gauge", "Open event streams.", &state.streams().count_open());
    number("candor_connections", "gauge", "Open connections.", &state.connections().total());
    number("candor_logins_refused_total", "counter", "Failed logins.", &state.failed_logins().value());
    number("candor_passwords_hashed_total", "counter", "Password hashes computed.", &password::hash_count());
    number("candor_log_lines_lost_total", "counter", "Log lines that could not be written.", &log::lost_lines());
    let writable = u8::from(state.writes().failure().is_none());
    number("candor_database_writable", "gauge", "Whether the last test write to the database succeeded.", &writable);
    let worked = state.worker_heartbeat().age().num_seconds();
    number("candor_worker_age_seconds", "gauge", "Seconds since the background worker last completed a run.", &worked);
    let queue = state.delivery_queue().value();
    number("candor_messages_waiting", "gauge", "Messages to subscribers that are not sent yet.", &queue.waiting);
    let oldest = queue.oldest_mail.map_or(0, |at| (state.clock.now() - at).num_seconds().max(0));
    number("candor_oldest_mail_seconds", "gauge", "Seconds that the oldest e-mail to a subscriber waits.", &oldest);
    let rejected = u8::from(queue.is_sender_rejected);
    number("candor_sender_rejected", "gauge", "1 if the mail server rejected this sender within an hour.", &rejected);
    if let Some(left) = state.certificate().validity_left(state.clock.now()) {
        let what = "Seconds until the TLS certificate expires; negative if clients do not accept it.";
        number("candor_certificate_seconds", "gauge", what, &left.num_seconds());
        let failures = state.certificate().renewal_failures().value();
        number("candor_certificate_failures_total", "counter", "Failed attempts to renew the certificate.", &failures);
    }
    let node = state.node_gauge().value();
    let lag = node.revision_lag;
    number("candor_node_revision_lag", "gauge", "Revisions that this node did not serve ten seconds ago.", &lag);
    let listening = u8::from(state.db.is_listening());
    number("candor_node_notified", "gauge", "1 if the database notifies this node of changes.", &listening);
    lines.begin("candor_node_lease", "gauge", "Whether this node holds the lease.");
    for (name, is_held) in node.leases {
        lines.add("candor_node_lease", &format!("{{lease=\"{name}\"}}"), u8::from(is_held));
    }
    lines.begin("candor_node_info", "gauge", "The name of this node.");
    lines.add("candor_node_info", &format!("{{node=\"{}\"}}", state.node.name.as_str()), 1);
    lines.0
}

/// Lines of the text format. Writing to a `String` can't fail.
struct MetricLines(String);

impl MetricLines {
    fn begin(&mut self, name: &str, kind: &str, what: &str) {
        let _ = write!(self.0, "# HELP {name} {what}\n# TYPE {name} {kind}\n");
    }

    fn add(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}
