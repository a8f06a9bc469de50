//! How much visitors can make the server log, over real sockets with the real binary.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Requests, connections, and the length of paths in bytes.
const REQUESTS: usize = 10_000;
const CONNECTIONS: usize = 4;
const PATH_LENGTH: usize = 8 * 1024;
/// The most that the log may grow, in bytes.
const MAX_LOG_BYTES: u64 = 64 * 1024;

/// The server, which logs to a file.
struct ApiClient {
    child: Child,
    address: String,
}

impl ApiClient {
    fn start(folder: &Path) -> Self {
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_candor"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder)
            .env_clear()
            .env("CANDOR_DATABASE_URL", format!("sqlite://{}", folder.join("candor.db").display()))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.unwrap().split_once("http://").map(|(_, address)| address.to_owned()));
        let address = line.expect("its address").trim().to_owned();
        // A closed pipe would make the server fail when it prints.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }
}

impl Drop for ApiClient {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends `count` requests on one connection; returns how many are answered with `status`.
fn flood(address: &str, line: &str, count: usize, status: &str) -> usize {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut reading = stream.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // If the server closes while we still write, reading fails.
        let _ = reading.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let request = format!("{line} HTTP/1.1\r\nhost: {address}\r\n");
    for number in 1..=count {
        let end = if number == count { "connection: close\r\n\r\n" } else { "\r\n" };
        if stream.write_all(format!("{request}{end}").as_bytes()).is_err() {
            break;
        }
    }
    reader.join().unwrap().matches(&format!("HTTP/1.1 {status} ")).count()
}

#[test]
fn provoked_failures_write_bounded_log() {
    let folder = tempfile::tempdir().unwrap();
    let program = ApiClient::start(folder.path());
    let length = || std::fs::metadata(folder.path().join("log")).unwrap().len();
    let before = length();
    let line = format!("FOO /{}", "x".repeat(PATH_LENGTH));
    let answered: usize = std::thread::scope(|scope| {
        let flood = || scope.spawn(|| flood(&program.address, &line, REQUESTS / CONNECTIONS, "501"));
        let floods: Vec<_> = (0..CONNECTIONS).map(|_| flood()).collect();
        floods.into_iter().map(|flood| flood.join().unwrap()).sum()
    });
    assert_eq!(answered, REQUESTS);
    // A method as long as the path, and paths with other answers.
    flood(&program.address, &format!("{} /", "F".repeat(PATH_LENGTH)), 100, "501");
    flood(&program.address, &format!("GET /incidents/{}", "x/".repeat(PATH_LENGTH / 2)), 100, "404");
    let written = length() - before;
    assert!(written < MAX_LOG_BYTES, "{written} bytes");
}
