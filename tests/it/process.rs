//! The server as a process: signals, and a log that can't be written.

use std::io::{BufRead as _, BufReader, Write as _, pipe};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(60);

struct Process {
    child: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Process {
    fn start(stdout: Stdio, stderr: Stdio, log: &str) -> Self {
        Self::start_with(stdout, stderr, log, &[])
    }

    fn start_with(stdout: Stdio, stderr: Stdio, log: &str, variables: &[(String, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let child = Command::new(env!("CARGO_BIN_EXE_candor"))
            .args(["serve", "--listen", &address])
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("CANDOR_DATABASE_URL", format!("sqlite://{}", folder.path().join("candor.db").display()))
            .env("CANDOR_DATA_DIR", folder.path())
            .env("RUST_LOG", log)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        let process = Self { child, address, folder };
        process.until(|process| process.status("/").starts_with("HTTP/1.1 200"));
        process
    }

    fn until(&self, so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !so(self) {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.status("/readyz"));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The status line of an answer; empty if there is none.
    fn status(&self, path: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return String::new() };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
        let mut line = String::new();
        let _ = BufReader::new(stream).read_line(&mut line);
        line
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(&mut self, signal: Signal) -> Option<i32> {
        self.send(signal);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Moves the database away and back, which is logged.
    fn lose_database(&self) {
        let (file, away) = (self.folder.path().join("candor.db"), self.folder.path().join("away"));
        std::fs::rename(&file, &away).unwrap();
        self.until(|process| process.status("/readyz").starts_with("HTTP/1.1 503"));
        assert!(self.status("/").starts_with("HTTP/1.1 200"), "the page stays");
        std::fs::rename(&away, &file).unwrap();
        self.until(|process| process.status("/readyz").starts_with("HTTP/1.1 200"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn harmless_signals_are_ignored_and_sigquit_stops() {
    let mut process = Process::start(Stdio::null(), Stdio::null(), "info");
    let harmless = [
        Signal::HUP,
        Signal::USR1,
        Signal::USR2,
        Signal::ALARM,
        Signal::VTALARM,
        Signal::PROF,
        Signal::IO,
        Signal::XFSZ,
    ];
    for signal in harmless {
        process.send(signal);
        assert!(process.status("/").starts_with("HTTP/1.1 200"), "{signal:?}");
    }
    assert_eq!(process.child.try_wait().unwrap(), None);
    assert_eq!(process.end(Signal::QUIT), Some(0));
}

#[test]
fn sighup_reloads_and_logs() {
    let (log, stderr) = pipe().unwrap();
    let mut process = Process::start(Stdio::null(), stderr.into(), "info");
    let log_text = Arc::new(Mutex::new(String::new()));
    let lines = std::thread::spawn({
        let log_text = log_text.clone();
        move || BufReader::new(log).lines().map_while(Result::ok).for_each(|line| *log_text.lock().unwrap() += &line)
    });
    process.send(Signal::HUP);
    process.until(|process| {
        log_text.lock().unwrap().contains("reloaded the secret key")
            && process.status("/healthz").starts_with("HTTP/1.1 200")
    });
    assert_eq!(process.end(Signal::TERM), Some(0));
    lines.join().unwrap();
}

#[test]
fn a_log_on_a_full_disk_loses_lines_only() {
    let full = || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let mut process = Process::start(full(), full(), "info");
    process.lose_database();
    assert_eq!(process.end(Signal::TERM), Some(0));
}

#[test]
fn a_log_into_a_dead_pipe_loses_lines_only() {
    let dead = || {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let mut process = Process::start(dead(), dead(), "info");
    process.lose_database();
    assert_eq!(process.end(Signal::TERM), Some(0));
}

#[test]
fn a_log_into_an_unread_pipe_delays_nothing() {
    let (unread, writer) = pipe().unwrap();
    let mut process = Process::start(Stdio::null(), writer.into(), "trace");
    process.lose_database();
    assert_eq!(process.end(Signal::TERM), Some(0));
    drop(unread);
}

#[test]
fn printed_links_have_the_address_of_the_running_server() {
    let process = Process::start(Stdio::null(), Stdio::null(), "warn");
    let output = Command::new(env!("CARGO_BIN_EXE_candor"))
        .args(["manager", "add", "--email", "ines@example.org", "--name", "Ines", "--role", "owner"])
        .env_clear()
        .env("CANDOR_DATABASE_URL", format!("sqlite://{}", process.folder.path().join("candor.db").display()))
        .output()
        .unwrap();
    let log_text = String::from_utf8(output.stdout).unwrap();
    assert!(log_text.contains(&format!("http://{}/setup/", process.address)), "{log_text}");
}

#[test]
fn commands_survive_a_dead_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let status = Command::new(env!("CARGO_BIN_EXE_candor"))
        .arg("sample")
        .env_clear()
        .env("CANDOR_DATABASE_URL", format!("sqlite://{}", folder.path().join("candor.db").display()))
        .stdout(writer)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}

/// The environment variables in the output of `candor serve --help`.
fn serve_variables() -> Vec<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_candor")).args(["serve", "--help"]).env_clear().output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let names = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next());
    names.map(str::to_owned).collect()
}

#[test]
fn empty_variables_count_as_unset() {
    let variables: Vec<(String, &str)> = serve_variables().into_iter().map(|name| (name, "")).collect();
    assert!(variables.len() > 20, "{variables:?}");
    let process = Process::start_with(Stdio::null(), Stdio::null(), "info", &variables);
    assert!(process.status("/healthz").starts_with("HTTP/1.1 200"));
}

#[test]
fn flags_take_the_usual_boolean_words() {
    let start = |value: &str| {
        let (name, address) = ("CANDOR_LOG_JSON", "203.0.113.1:1");
        let output = Command::new(env!("CARGO_BIN_EXE_candor"))
            .args(["serve", "--listen", address, "--database-url", "mysql://nothing"])
            .env_clear()
            .env(name, value)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for value in ["1", "0", "yes", "no", "on", "off", "true", "FALSE"] {
        let (code, message) = start(value);
        assert_eq!(code, Some(1), "{value} is understood, the database URL is not: {message}");
    }
    let (code, message) = start("perhaps");
    assert!(code == Some(2) && message.contains("CANDOR_LOG_JSON") || message.contains("--log-json"), "{message}");
}

#[test]
fn server_returns_freed_memory_to_the_system() {
    let mut process = Process::start(Stdio::null(), Stdio::null(), "warn");
    let environment = std::fs::read(format!("/proc/{}/environ", process.child.id())).unwrap();
    let environment = String::from_utf8(environment).unwrap();
    assert!(environment.split('\0').any(|line| line == "MALLOC_ARENA_MAX=2"), "{environment:?}");
    assert_eq!(process.end(Signal::TERM), Some(0));
}
