//! The program as a service: notifications and watchdog, inherited sockets, Unix sockets, IPv6.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use candor::db::{Db, audit};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::pebble::free_address;
use crate::support::tls::TestTls;

const PATIENCE: Duration = Duration::from_secs(60);

struct Service {
    child: Child,
    data: TempDir,
}

impl Service {
    /// Runs `script` in a shell in which `$candor` is the program; the shell becomes the program.
    fn start(script: &str, configure: impl FnOnce(&mut Command)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("candor", env!("CARGO_BIN_EXE_candor"))
            .env("CANDOR_DATABASE_URL", format!("sqlite://{}", data.path().join("candor.db").display()))
            .env("CANDOR_DATA_DIR", data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        configure(&mut command);
        Self { child: command.spawn().unwrap(), data }
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(&mut self) -> Option<i32> {
        self.send(Signal::TERM);
        self.wait()
    }

    fn wait(&mut self) -> Option<i32> {
        until("it ends", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl").args(["--silent", "--max-time", "10"]).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The next datagram that is not from the watchdog.
fn next_notice(socket: &UnixDatagram) -> String {
    loop {
        let text = next_datagram(socket);
        if text != "WATCHDOG=1" {
            return text;
        }
    }
}

fn next_datagram(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 4096];
    let length = socket.recv(&mut bytes).expect("a notification");
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[test]
fn service_manager_hears_of_start_reload_and_stop() {
    let (tls, folder) = (TestTls::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("notify");
    let sockets = [(UnixDatagram::bind(&path).unwrap(), path.display().to_string()), {
        let name = format!("candor-test-{}", std::process::id());
        let address = UnixAddress::from_abstract_name(&name).unwrap();
        (UnixDatagram::bind_addr(&address).unwrap(), format!("@{name}"))
    }];
    for (socket, name) in sockets {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let address = free_address();
        let mut service = Service::start("exec \"$candor\" serve", |command| {
            command.env("NOTIFY_SOCKET", &name).env("WATCHDOG_USEC", "1000000");
            command.env("CANDOR_LISTEN", address.to_string());
            command.env("CANDOR_TLS_CERT", tls.certificate_file()).env("CANDOR_TLS_KEY", tls.key_file());
        });
        assert_eq!(next_notice(&socket), "READY=1");
        assert!(TcpStream::connect(address).is_ok(), "it listens");
        for _ in 0..3 {
            assert_eq!(next_datagram(&socket), "WATCHDOG=1");
        }
        tls.issue(&["127.0.0.1"], 2066);
        service.send(Signal::HUP);
        let reloading = next_notice(&socket);
        assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
        assert_eq!(next_notice(&socket), "READY=1");
        let script =
            format!("openssl s_client -connect {address} </dev/null 2>/dev/null | openssl x509 -noout -enddate");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("2066"), "{output:?}");
        service.send(Signal::TERM);
        assert_eq!(next_notice(&socket), "STOPPING=1");
        assert_eq!(service.wait(), Some(0));
    }
}

#[test]
fn watchdog_of_another_process_is_not_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut service = Service::start("exec \"$candor\" serve", |command| {
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "1000").env("WATCHDOG_PID", "1");
        command.env("CANDOR_LISTEN", free_address().to_string());
    });
    assert_eq!(next_datagram(&socket), "READY=1");
    service.send(Signal::TERM);
    assert_eq!(next_datagram(&socket), "STOPPING=1");
    assert_eq!(service.wait(), Some(0));
}

/// Starts the program with two inherited sockets, as systemd does.
fn with_inherited(site: OwnedFd, redirect: OwnedFd, tls: &TestTls, names: &str, pid: &str) -> Service {
    let script = format!(
        "export LISTEN_PID={pid} LISTEN_FDS=2 LISTEN_FDNAMES={names}; exec \"$candor\" serve 3<&0 4<&1 0</dev/null 1>/dev/null"
    );
    Service::start(&script, |command| {
        command.env("CANDOR_TLS_CERT", tls.certificate_file()).env("CANDOR_TLS_KEY", tls.key_file());
        // Would fail: the inherited socket is used instead.
        command.env("CANDOR_LISTEN", "192.0.2.1:1");
        command.stdin(Stdio::from(site)).stdout(Stdio::from(redirect));
    })
}

#[test]
fn inherited_sockets_are_used_by_name() {
    let tls = TestTls::new();
    let [site, redirect] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let (address, redirect_address) = (site.local_addr().unwrap(), redirect.local_addr().unwrap());
    let mut service = with_inherited(redirect.into(), site.into(), &tls, "redirect:site", "$$");
    let authority = tls.authority_file().display().to_string();
    until("it serves", || curl(&["--cacert", &authority, &format!("https://{address}/healthz")]) == "ok\n");
    let head = curl(&["--include", &format!("http://{redirect_address}/x")]);
    assert!(head.starts_with("HTTP/1.1 308") && head.contains(&format!("location: https://{address}/x")), "{head}");
    assert_eq!(service.end(), Some(0));
}

#[test]
fn sockets_for_another_process_are_not_used() {
    let tls = TestTls::new();
    let [site, redirect] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let mut service = with_inherited(site.into(), redirect.into(), &tls, "site:redirect", "1");
    assert_eq!(service.wait(), Some(1), "it can't bind the configured address");
}

#[test]
fn sockets_of_the_same_use_are_refused() {
    let tls = TestTls::new();
    let [site, other] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let mut service = with_inherited(site.into(), other.into(), &tls, "site:site", "$$");
    assert_eq!(service.wait(), Some(1));
}

#[test]
fn inherited_unix_socket_serves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inherited.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let script = "export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$candor\" serve 3<&0 0</dev/null";
    let mut service = Service::start(script, |command| {
        command.env("CANDOR_BASE_URL", "https://status.test").stdin(Stdio::from(OwnedFd::from(socket)));
    });
    until("it serves", || via(&path, &[], "/healthz") == "ok\n");
    assert_eq!(service.end(), Some(0));
    assert!(path.exists(), "it belongs to the service manager");
}

/// curl's output for a path of the page at a Unix socket.
fn via(socket: &Path, arguments: &[&str], path: &str) -> String {
    let url = format!("http://status.test{path}");
    curl(&[&["--unix-socket", socket.to_str().unwrap()], arguments, &[&url]].concat())
}

#[tokio::test]
async fn unix_socket_serves_and_trusts_its_peer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("candor.sock");
    // A stale socket.
    drop(UnixListener::bind(&path).unwrap());
    let mut service = Service::start("exec \"$candor\" serve", |command| {
        command.env("CANDOR_LISTEN", format!("unix:{}", path.display())).env("CANDOR_BASE_URL", "https://status.test");
    });
    until("it serves", || via(&path, &["--include"], "/").starts_with("HTTP/1.1 200"));
    let form = ["--data-urlencode", "email=ines@example.org", "--data", "password=wrong"];
    let headers = ["--header", "sec-fetch-site: same-origin", "--header", "X-Forwarded-For: 203.0.113.5"];
    let denied = via(&path, &[&["--include"], &form[..], &headers].concat(), "/login");
    assert!(denied.starts_with("HTTP/1.1 422"), "{denied}");
    let db = Db::at(&format!("sqlite://{}", service.data.path().join("candor.db").display())).unwrap();
    let rows = audit::list(&mut db.read().await.unwrap(), None, 10).await.unwrap();
    assert!(rows.iter().any(|row| row.actor.address == "203.0.113.5"), "{rows:?}");
    assert!(via(&path, &[], "/readyz").contains("\"warning\":null"));
    let second = Command::new(env!("CARGO_BIN_EXE_candor"))
        .args(["serve", "--base-url", "https://status.test", "--listen", &format!("unix:{}", path.display())])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && message.contains("another server listens there"), "{message}");
    assert_eq!(service.end(), Some(0));
    assert!(!path.exists(), "it is removed");
}

#[test]
fn unspecified_ipv6_address_serves_ipv4_too() {
    let port = free_address().port();
    let mut service = Service::start("exec \"$candor\" serve", |command| {
        command.env("CANDOR_LISTEN", SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, port)).to_string());
    });
    for host in ["127.0.0.1", "[::1]", "localhost"] {
        let url = format!("http://{host}:{port}/");
        until(host, || curl(&["--include", &url]).starts_with("HTTP/1.1 200"));
    }
    assert_eq!(service.end(), Some(0));
}

#[test]
fn listening_settings_that_contradict_are_refused() {
    let tls = TestTls::new();
    let (certificate, key) = (tls.certificate_file(), tls.key_file());
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    for (arguments, message) in [
        (&["--listen", "unix:/tmp/candor-never.sock"][..], "set --base-url"),
        (&["--listen", "unix:/tmp/candor-never.sock", "--tls-cert", certificate, "--tls-key", key], "no TLS on a Unix"),
        (&["--tls-cert", certificate], "set both --tls-cert and --tls-key"),
        (&["--tls-cert", certificate, "--tls-key", certificate], "no private key"),
        (&["--tls-cert", certificate, "--tls-key", key, "--base-url", "http://status.test"], "begin with https://"),
        (&["--redirect-listen", "127.0.0.1:0"], "--redirect-listen needs TLS"),
        (&["--acme-domain", "status.test"], "needs --redirect-listen"),
        (&["--acme-domain", "*.test", "--redirect-listen", "127.0.0.1:0"], "use a domain name"),
        (&["--acme-email", "ops@status.test"], "set --acme-domain"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_candor"))
            .arg("serve")
            .args(arguments)
            .current_dir(folder.path())
            .env_clear()
            .env("CANDOR_LISTEN", "127.0.0.1:0")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(message), "{arguments:?}: {text}");
    }
    assert!(!Path::new("/tmp/candor-never.sock").exists());
}
