//! Signals of the operating system: which of them stop the server, which make it look again, and which do nothing.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::state::State;

/// Signals that end a process that does not handle them, and mean nothing to this one. `SIGXFSZ` is among them: a file
/// that may not grow then fails to be written like one on a full disk.
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

/// The signals that this process handles, from when this is made: their default action, which ends the process, is off.
pub struct Signals {
    stop: [Signal; 3],
    reload: Signal,
}

impl Signals {
    /// Handles signals from now on.
    ///
    /// # Errors
    /// Where the operating system refuses.
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

    /// Cancels `stop` at `SIGINT`, `SIGTERM` or `SIGQUIT`; reloads what can be reloaded at each `SIGHUP` before.
    pub async fn run(self, state: State, stop: CancellationToken) {
        let Self { stop: [mut interrupt, mut terminate, mut quit], mut reload } = self;
        loop {
            tokio::select! {
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = quit.recv() => break,
                _ = reload.recv() => state.reload(),
            }
        }
        stop.cancel();
    }
}
