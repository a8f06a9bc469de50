//! The measured servers, each in its own process on its own port.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::client::{Answer, Connection};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, stopped when dropped.
pub struct Server {
    pub name: &'static str,
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process at once, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends `GET path` on a new connection.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
        Connection::open(self.address).await?.get(path, headers).await
    }

    fn start(name: &'static str, address: SocketAddr, command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let log = File::create(log)?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        Ok(Self { name, address, child })
    }

    /// Polls `/` every millisecond until it returns 200; returns the response.
    pub async fn ready(&self) -> anyhow::Result<Answer> {
        let asked = Instant::now();
        loop {
            match self.get("/", &[]).await {
                Ok(answer) if answer.status == 200 => return Ok(answer),
                _ => ensure!(asked.elapsed() < PATIENCE, "{} does not answer", self.name),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Drop for Server {
    /// Sends a signal that also ends child processes, and waits.
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// Candor over the database at `url`, with its Site file in `folder`.
pub fn candor(url: &str, folder: &Path) -> anyhow::Result<Server> {
    candor_with(url, folder, &[])
}

/// The same with further arguments.
pub fn candor_with(url: &str, folder: &Path, arguments: &[&str]) -> anyhow::Result<Server> {
    let address = free_port()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
    command.args(["serve", "--listen", &address.to_string(), "--database-url", url, "--data-dir"]).arg(folder);
    command.args(arguments);
    // Ignores settings from our own environment.
    let ours = std::env::vars_os().map(|(name, _)| name);
    ours.filter(|name| name.to_string_lossy().starts_with("CANDOR_")).for_each(|name| {
        command.env_remove(name);
    });
    Server::start("Candor", address, &mut command, &folder.join("candor.log"))
}

/// The program that `make bench` builds from `benches/baseline`.
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/baseline/release/candor-baseline");

/// A TCP loop that writes the response in `folder` without parsing the request.
pub fn tcp_loop(folder: &Path) -> anyhow::Result<Server> {
    baseline("TCP loop (floor)", "tcp", folder)
}

/// The smallest axum handler that serves the response in `folder`.
pub fn bare_handler(folder: &Path) -> anyhow::Result<Server> {
    baseline("bare axum handler", "axum", folder)
}

fn baseline(name: &'static str, kind: &str, folder: &Path) -> anyhow::Result<Server> {
    let address = free_port()?;
    let mut command = Command::new(BASELINE);
    command.arg(kind).arg(folder).arg(address.to_string());
    Server::start(name, address, &mut command, &folder.join(format!("{kind}.log")))
}

/// Debian's nginx with the same page, uncompressed and compressed, and these `headers`.
pub fn nginx(name: &'static str, folder: &Path, pages: [&[u8]; 2], headers: &str) -> anyhow::Result<Server> {
    let address = free_port()?;
    let root = folder.join("root");
    std::fs::create_dir_all(&root)?;
    std::fs::write(root.join("index.html"), pages[0])?;
    std::fs::write(root.join("index.html.gz"), pages[1])?;
    let settings = folder.join("nginx.conf");
    std::fs::write(&settings, settings_of(folder, &root, address, headers))?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(&settings).arg("-e").arg(folder.join("error.log"));
    Server::start(name, address, &mut command, &folder.join("nginx.log"))
}

/// Static files only: no access log, keep-alive for a whole run. As root, workers stay root, because other users can't
/// read the folder.
fn settings_of(folder: &Path, root: &Path, address: SocketAddr, headers: &str) -> String {
    let (folder, root) = (folder.display(), root.display());
    let user = if rustix::process::getuid().is_root() { "user root;" } else { "" };
    format!(
        "{user} daemon off; worker_processes auto; pid {folder}/nginx.pid;
         events {{ worker_connections 1024; }}
         http {{
           types {{ text/html html; }} charset utf-8; access_log off; sendfile on; tcp_nopush on; server_tokens off;
           keepalive_requests 100000000; gzip_static on; gzip_vary on; open_file_cache max=10 inactive=1h;
           client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
           uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
           server {{ listen {address}; root {root}; {headers} }}
         }}"
    )
}

fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
