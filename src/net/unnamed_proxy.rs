//! A reverse proxy in front of this server that no setting names.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether one was noticed since the start.
#[derive(Debug, Default)]
pub struct UntrustedProxy(AtomicBool);

impl UntrustedProxy {
    /// Notes that `peer` is one. The log says so once.
    pub fn record(&self, peer: IpAddr) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "{peer} forwards requests, but --trusted-proxies does not name it. All its visitors count as one client: \
                 a stranger's wrong logins can lock out every manager, limits apply to all visitors together, and API \
                 tokens are refused. Start with --trusted-proxies {peer}, or keep others from connecting directly."
            );
        }
    }

    /// Whether one was noticed.
    pub fn was_seen(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
