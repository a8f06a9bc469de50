//! The real binary as a child process, and a small HTTP client for it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a test waits for a state that should come within seconds, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(40);
const PASSWORD: &str = "correct horse battery staple 99";
const EMAIL: &str = "owner@company.example";

/// A data directory with the sample page and one owner, and the server that runs in it.
pub struct Server {
    pub address: SocketAddr,
    /// Contains the database, the Site file and the log.
    pub dir: PathBuf,
    /// Environment variables of the server and of CLI commands.
    pub env: BTreeMap<String, String>,
    child: Option<Child>,
    _dir: Option<TempDir>,
}

impl Server {
    /// Creates a SQLite database in a new folder; does not start the server.
    pub fn sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().to_owned();
        let mut server = Self::in_dir(&path);
        server._dir = Some(dir);
        server
    }

    /// Creates a SQLite database in an existing folder, such as a mounted file system.
    pub fn in_dir(dir: &Path) -> Self {
        Self::over(dir, &format!("sqlite://{}", dir.join("candor.db").display()), None)
    }

    pub fn postgres(url: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().to_owned();
        Self::over(&path, url, Some(dir))
    }

    fn over(path: &Path, url: &str, dir: Option<TempDir>) -> Self {
        let env = [("CANDOR_DATABASE_URL", url.to_owned()), ("CANDOR_DATA_DIR", path.display().to_string())];
        let env = env.map(|(name, value)| (name.to_owned(), value)).into();
        let server = Self { address: free_address(), dir: path.to_owned(), env, child: None, _dir: dir };
        server.cli_ok(&["sample"], "");
        let arguments = ["manager", "add", "--email", EMAIL, "--name", "Owner", "--role", "owner", "--password-stdin"];
        server.cli_ok(&arguments, PASSWORD);
        server
    }

    pub fn database(&self) -> PathBuf {
        self.dir.join("candor.db")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(&self.env);
        command
    }

    pub fn cli(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("candor");
        // A command that rejects its arguments exits before it reads.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        child.wait_with_output().expect("candor")
    }

    /// Runs a command that must succeed; returns its standard output.
    #[track_caller]
    pub fn cli_ok(&self, arguments: &[&str], input: &str) -> String {
        let output = self.cli(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Starts the server with its log in `DIR/log`, and waits until it answers.
    pub fn start(&mut self) {
        let log = OpenOptions::new().create(true).append(true).open(self.dir.join("log")).expect("the log");
        self.start_logging_to(log.into());
    }

    /// Starts the server with another log, and waits until it answers.
    pub fn start_logging_to(&mut self, log: Stdio) {
        let address = self.address.to_string();
        let out = OpenOptions::new().create(true).append(true).open(self.dir.join("out"));
        let mut command = self.command();
        command.args(["serve", "--listen", &address, "--base-url", &format!("http://{address}")]);
        command.stdin(Stdio::null()).stdout(out.map_or_else(|_| Stdio::null(), Stdio::from)).stderr(log);
        self.child = Some(command.spawn().expect("candor serve"));
        self.wait_until("it answers", |server| server.get("/healthz").status != 0);
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("a running server").id()
    }

    /// Resident memory in KiB: current (`VmRSS`) or peak (`VmHWM`).
    pub fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
        line.trim_matches([':', '\t', ' '])
            .split_whitespace()
            .next()
            .and_then(|number| number.parse().ok())
            .unwrap_or(0)
    }

    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().expect("a child"))
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    }

    pub fn kill(&mut self) {
        self.signal("-KILL");
        self.wait();
    }

    /// SIGTERM, then waits for the exit.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("-TERM");
        self.wait()
    }

    pub fn wait_for_exit(&mut self) -> ExitStatus {
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        let status = self.child.as_mut().expect("a running server").wait().expect("a child");
        self.child = None;
        status
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    #[track_caller]
    pub fn wait_until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !condition(self) {
            assert!(started.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}\n{}", tail(&self.log()));
            if let Some(status) = self.exit_status() {
                panic!("the server ended with {status} before: {what}\n{}", tail(&self.log()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    pub fn wait_until_ready_is(&mut self, status: u16) {
        self.wait_until(&format!("/readyz is {status}"), |server| server.get("/readyz").status == status);
    }

    pub fn get(&self, path: &str) -> Answer {
        request(self.address, &format!("GET {path} HTTP/1.1\r\n"), &[], None)
    }

    #[track_caller]
    pub fn log_in(&self) -> Browser {
        let mut browser = self.browser();
        let answer = browser.try_log_in();
        assert_eq!(answer.status, 303, "{}", answer.body);
        browser
    }

    #[track_caller]
    pub fn log_in_when_possible(&mut self) -> Browser {
        let mut browser = self.browser();
        let started = Instant::now();
        while browser.try_log_in().status != 303 {
            assert!(started.elapsed() < PATIENCE, "no login in {PATIENCE:?}\n{}", tail(&self.log()));
            std::thread::sleep(Duration::from_millis(500));
        }
        browser
    }

    pub fn browser(&self) -> Browser {
        Browser { address: self.address, cookie: None }
    }

    pub fn incident_titles(&self) -> Vec<String> {
        let answer = self.get("/api/v2/incidents.json");
        let document: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        let incidents = document["incidents"].as_array().expect("incidents");
        incidents.iter().map(|incident| incident["name"].as_str().expect("a name").to_owned()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn tail(log: &str) -> &str {
    let from = log.len().saturating_sub(3000);
    log.get(from..).unwrap_or(log)
}

/// A port that was free a moment ago.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

pub struct Browser {
    pub address: SocketAddr,
    cookie: Option<String>,
}

impl Browser {
    pub fn try_log_in(&mut self) -> Answer {
        let answer = self.post("/login", &[("email", EMAIL), ("password", PASSWORD)]);
        let session = answer.headers("set-cookie").find(|cookie| cookie.starts_with("sid="));
        if let Some(cookie) = session {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        answer
    }

    pub fn post_incident(&mut self, title: &str) -> Answer {
        let body = format!("What happened: {title}.");
        let form = [
            ("title", title),
            ("phase", "resolved"),
            ("body", body.as_str()),
            ("impact", ""),
            ("visibility", "public"),
            ("zone", "UTC"),
        ];
        self.post("/admin/incidents", &form)
    }

    pub fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.post_body(path, &body)
    }

    pub fn post_body(&mut self, path: &str, body: &str) -> Answer {
        let origin = format!("http://{}", self.address);
        let mut headers = vec![
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        if let Some(cookie) = &self.cookie {
            headers.push(("cookie", cookie));
        }
        request(self.address, &format!("POST {path} HTTP/1.1\r\n"), &headers, Some(body))
    }
}

/// A response; status 0 if there was none.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.head.lines().filter_map(move |line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Sends one request on a new connection. Returns status 0 if the server does not answer.
pub fn request(address: SocketAddr, line: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
    let mut head = format!("{line}host: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = Vec::new();
    let exchange = || -> std::io::Result<()> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.unwrap_or_default().as_bytes())?;
        stream.read_to_end(&mut bytes).map(drop)
    };
    let mut exchange = exchange;
    // If the connection breaks, the bytes read before count.
    let _ = exchange();
    let text = String::from_utf8_lossy(&bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Answer::default() };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    Answer { status, head: head.to_owned(), body }
}

fn unchunked(mut rest: &str) -> String {
    let mut text = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = after.get(..size).filter(|chunk| !chunk.is_empty()) else { break };
        text.push_str(chunk);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    text
}

/// A device on which every write fails with "no space left".
pub fn full_device() -> Stdio {
    File::options().write(true).open("/dev/full").expect("/dev/full").into()
}
