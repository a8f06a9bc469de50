//! Sockets that the service manager opened before it started the program (systemd's socket activation). They replace
//! those of the settings.

use anyhow::{Context as _, bail, ensure};
use listenfd::ListenFd;
use tokio::net::{TcpListener, UnixListener};

use crate::server::listener::Listener;

#[derive(Default)]
pub struct InheritedListeners {
    pub site: Option<Listener>,
    /// Named `redirect`.
    pub redirect: Option<Listener>,
    /// Named `metrics`.
    pub metrics: Option<TcpListener>,
}

impl InheritedListeners {
    /// Takes the sockets that LISTEN_FDS counts if LISTEN_PID is this process; LISTEN_FDNAMES has their names.
    pub fn from_environment() -> anyhow::Result<Self> {
        let mut inherited = Self::default();
        let is_for_us = std::env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
        if !is_for_us {
            return Ok(inherited);
        }
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names: Vec<&str> = names.split(':').collect();
        let mut sockets = ListenFd::from_env();
        for index in 0..sockets.len() {
            let name = names.get(index).copied().unwrap_or_default();
            let listener =
                take_listener(&mut sockets, index).with_context(|| format!("the inherited socket {name:?}"))?;
            inherited.assign(name, listener)?;
        }
        Ok(inherited)
    }

    fn assign(&mut self, name: &str, listener: Listener) -> anyhow::Result<()> {
        let replaced = match (name, listener) {
            ("metrics", Listener::Tcp(listener)) => self.metrics.replace(listener).is_some(),
            ("metrics", Listener::Unix(..)) => bail!("the metrics are served on TCP only"),
            ("redirect", listener) => self.redirect.replace(listener).is_some(),
            (_, listener) => self.site.replace(listener).is_some(),
        };
        ensure!(!replaced, "two inherited sockets have the same use: name them with FileDescriptorName=");
        Ok(())
    }
}

fn take_listener(sockets: &mut ListenFd, index: usize) -> anyhow::Result<Listener> {
    if let Ok(Some(listener)) = sockets.take_tcp_listener(index) {
        listener.set_nonblocking(true)?;
        return Ok(Listener::Tcp(TcpListener::from_std(listener)?));
    }
    let listener = sockets.take_unix_listener(index)?.context("it is missing")?;
    listener.set_nonblocking(true)?;
    Ok(Listener::Unix(UnixListener::from_std(listener)?, None))
}
