//! SQLite on a full or failing disk: the next write succeeds once the disk works.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command};

use tempfile::TempDir;

use crate::server::Server;

/// A tmpfs of 40 MiB, unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        run_command("mount", &["-t", "tmpfs", "-o", "size=40m", "tmpfs", &dir.path().display().to_string()]);
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn fill(&self) {
        let mut file = File::create(self.path().join("fill")).expect("a file");
        while file.write_all(&[0; 1024]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("fill")).expect("the file");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn run_command(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status();
    assert!(status.is_ok_and(|status| status.success()), "{program} {arguments:?} failed (this needs root)");
}

#[test]
fn writes_work_again_once_a_full_disk_has_room() {
    let disk = SmallDisk::mount();
    let mut server = Server::in_dir(disk.path());
    server.start();
    server.wait_until_ready_is(200);
    let mut owner = server.log_in();
    assert_eq!(owner.post_incident("Before").status, 303);
    disk.fill();
    for _ in 0..3 {
        let refused = owner.post_incident("While the disk is full");
        assert_eq!(refused.status, 503, "{}", refused.body);
        assert!(refused.body.contains("What happened: While the disk is full."), "the typed text is given back");
    }
    server.wait_until_ready_is(503);
    assert_eq!(server.get("/").status, 200);
    disk.free();
    server.wait_until_ready_is(200);
    assert_eq!(owner.post_incident("After").status, 303);
    assert_eq!(server.log_in().post_incident("After a new login").status, 303);
    let titles = server.incident_titles();
    assert!(titles.iter().any(|title| title == "After") && titles.iter().all(|title| !title.starts_with("While")));
    server.cli_ok(&["check"], "");
    server.cli_ok(&["audit", "verify"], "");
}

/// Makes each thread's next `syscall` on the write-ahead log fail with `error` until one post was rejected.
fn fail_one_call(syscall: &str, error: &str) {
    let mut server = Server::sqlite();
    server.start();
    server.wait_until_ready_is(200);
    let mut owner = server.log_in();
    assert_eq!(owner.post_incident("Post before").status, 303);
    let strace = Strace::attach(&mut server, syscall, error);
    let mut answers = Vec::new();
    while answers.last() != Some(&503) {
        assert!(answers.len() < 20, "{syscall} {error} was not met: {answers:?}");
        answers.push(owner.post_incident(&format!("Post {}", answers.len())).status);
    }
    strace.detach();
    let after: Vec<u16> = (0..4).map(|number| owner.post_incident(&format!("Post after {number}")).status).collect();
    assert_eq!(after, [303; 4], "{syscall} {error}");
    let accepted = 1 + answers.iter().filter(|status| **status == 303).count() + after.len();
    // A crash loses no acknowledged post.
    server.kill();
    server.start();
    server.wait_until_ready_is(200);
    let found = server.incident_titles().iter().filter(|title| title.starts_with("Post ")).count();
    assert!(found >= accepted, "{syscall} {error}: {accepted} accepted, {found} found");
    server.cli_ok(&["check"], "");
    server.cli_ok(&["audit", "verify"], "");
}

/// strace, which injects errors into system calls.
struct Strace(Child);

impl Strace {
    fn attach(server: &mut Server, syscall: &str, error: &str) -> Self {
        let (pid, wal) = (server.pid().to_string(), format!("{}-wal", server.database().display()));
        let (trace, inject) = (format!("trace={syscall}"), format!("inject={syscall}:error={error}:when=1"));
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-P", &wal, "-e", &trace, "-e", &inject, "-p", &pid]);
        let strace = Self(command.spawn().expect("strace"));
        server.wait_until("strace is attached", |server| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap_or_default();
            status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|pid| pid.trim() != "0"))
        });
        strace
    }

    fn detach(mut self) {
        let pid = self.0.id().to_string();
        run_command("kill", &["-INT", &pid]);
        self.0.wait().expect("strace");
    }
}

#[test]
fn writes_work_again_after_a_failed_wal_write() {
    fail_one_call("pwrite64", "EIO");
    fail_one_call("pwrite64", "ENOSPC");
}

#[test]
fn writes_work_again_after_a_failed_wal_sync() {
    fail_one_call("fsync,fdatasync", "EIO");
    fail_one_call("fsync,fdatasync", "ENOSPC");
}
