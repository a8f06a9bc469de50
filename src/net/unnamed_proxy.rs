//! Detects a reverse proxy that `--trusted-proxies` does not name.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Default)]
pub struct UntrustedProxy(AtomicBool);

impl UntrustedProxy {
    pub fn record(&self, peer: IpAddr) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "{peer} forwards requests, but --trusted-proxies does not name it. All its visitors count as one client: \
                 a stranger's wrong logins can lock out every manager, limits apply to all visitors together, and API \
                 tokens are refused. Start with --trusted-proxies {peer}, or keep others from connecting directly."
            );
        }
    }

    pub fn was_seen(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
