//! Operating system signals: which stop the server, reload it or are ignored.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::server::service_manager::ServiceManager;
use crate::state::State;

/// Signals whose default action ends the process. With `SIGXFSZ` handled, writing a file beyond its limit fails like
/// writing to a full disk.
const IGNORED: [(SignalKind, &str); 8] = [
    (SignalKind::user_defined1(), "SIGUSR1"),
    (SignalKind::user_defined2(), "SIGUSR2"),
    (SignalKind::alarm(), "SIGALRM"),
    (SignalKind::from_raw(rustix::process::Signal::VTALARM.as_raw()), "SIGVTALRM"),
    (SignalKind::from_raw(rustix::process::Signal::PROF.as_raw()), "SIGPROF"),
    (SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()), "SIGXFSZ"),
    (SignalKind::from_raw(rustix::process::Signal::POWER.as_raw()), "SIGPWR"),
    (SignalKind::io(), "SIGIO"),
];

/// Handlers are installed when this is created, which turns off the default action (ending the process).
pub struct Signals {
    stop: [Signal; 3],
    reload: Signal,
}

impl Signals {
    pub fn handle() -> std::io::Result<Self> {
        for (kind, name) in IGNORED {
            let mut ignored = signal(kind)?;
            tokio::spawn(async move {
                while ignored.recv().await.is_some() {
                    tracing::debug!("{name} does nothing");
                }
            });
        }
        let stop = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::quit())?];
        Ok(Self { stop, reload: signal(SignalKind::hangup())? })
    }

    /// Cancels `stop` on `SIGINT`, `SIGTERM` or `SIGQUIT`. Each earlier `SIGHUP` reloads the secret key, the TLS
    /// certificate and OIDC metadata. Tells `manager` of each.
    pub async fn run(self, state: State, manager: Arc<ServiceManager>, stop: CancellationToken) {
        let Self { stop: [mut interrupt, mut terminate, mut quit], mut reload } = self;
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = quit.recv() => break,
                _ = reload.recv() => {
                    manager.notify_reloading();
                    state.reload();
                    manager.notify_ready();
                }
            }
        }
        manager.notify_stopping();
        stop.cancel();
    }
}
