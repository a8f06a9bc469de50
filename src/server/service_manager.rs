//! Tells systemd what the server does (sd_notify), and that it is alive (watchdog).

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use chrono::TimeDelta;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::state::State;

/// A run of the worker ends after 45 seconds at most, even if the database never answers.
const MAX_WORKER_RUN: TimeDelta = TimeDelta::seconds(60);

/// A service manager that does not read must not stop the server.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// Without a service manager, nothing is sent.
#[derive(Debug, Default)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    pub fn from_environment() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|name| notify_socket(&name));
        let is_for_us = std::env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        let micros = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        Self { socket, watchdog: micros.filter(|_| is_for_us).map(Duration::from_micros) }
    }

    pub fn notify_ready(&self) {
        self.send("READY=1");
    }

    /// [`ServiceManager::notify_ready`] follows.
    pub fn notify_reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1_000_000 + now.tv_nsec / 1_000));
    }

    pub fn notify_stopping(&self) {
        self.send("STOPPING=1");
    }

    /// Reports twice per interval that the server is alive, unless a run of the worker does not end.
    pub async fn run_watchdog(&self, state: &State, stop: &CancellationToken) {
        let Some(interval) = self.watchdog.filter(|_| self.socket.is_some()) else { return };
        loop {
            if state.worker_run().age().is_none_or(|lasts| lasts < MAX_WORKER_RUN) {
                self.send("WATCHDOG=1");
            }
            if timeout(interval / 2, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    fn send(&self, text: &str) {
        let Some((socket, address)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            tracing::debug!("the service manager was not told {text:?}: {error}");
        }
    }
}

/// A path, or an abstract name after `@`.
fn notify_socket(name: &OsStr) -> Option<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_write_timeout(Some(SEND_TIMEOUT)).ok()?;
    Some((socket, address.ok()?))
}
