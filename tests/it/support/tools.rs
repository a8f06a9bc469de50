//! Programs that `.ci/tools mail` installs. Without them their tests do nothing, unless CANDOR_REQUIRE_MAIL_TOOLS is
//! set, as in CI.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::server::until;

/// A file below `target/tools`.
fn tool(path: &str) -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools").join(path);
    if file.exists() {
        return Some(file);
    }
    skip_mail_test(&format!("there is no {}", file.display()));
    None
}

fn skip_mail_test(reason: &str) {
    let required = std::env::var("CANDOR_REQUIRE_MAIL_TOOLS").is_ok_and(|value| value == "1");
    assert!(!required, "CANDOR_REQUIRE_MAIL_TOOLS is set, but {reason}");
    println!("skipped: {reason}; run .ci/tools mail");
}

/// Whether a test of installed mail programs is skipped. They need root, to run as users of their own.
pub fn is_mail_tool_missing(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| !Path::new(program).exists());
    if let Some(program) = missing {
        skip_mail_test(&format!("there is no {program}"));
    } else if !rustix::process::geteuid().is_root() {
        skip_mail_test("Postfix needs root");
    } else {
        return false;
    }
    true
}

/// Python with dkimpy and flufl.bounce.
pub fn mail_python() -> Option<PathBuf> {
    tool("mail/bin/python")
}

/// Real bounces, one mail in each file.
pub fn bounce_corpus() -> Option<PathBuf> {
    tool("mail/bounces")
}

/// What the script prints.
pub fn run_python(python: &Path, script: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(python)
        .arg("-c")
        .arg(script)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script}");
    String::from_utf8(output.stdout).unwrap()
}

/// Postfix's test server, which takes mail and throws it away.
pub struct SmtpSink {
    pub url: String,
    child: Child,
}

impl SmtpSink {
    pub async fn start(options: &[&str]) -> Option<Self> {
        let program = tool("postfix/usr/sbin/smtp-sink")?;
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(&program);
        command.env("LD_LIBRARY_PATH", program.parent().unwrap().join("../lib/postfix"));
        // It refuses to run as root.
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        let child = command.args(options).arg(address.to_string()).arg("100").spawn().unwrap();
        let sink = Self { url: format!("smtp://{address}"), child };
        until("smtp-sink listens", || TcpStream::connect(address).is_ok()).await;
        Some(sink)
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
