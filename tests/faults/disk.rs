//! SQLite on a disk that is full or fails once: the next write works as soon as the disk does.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::server::Server;

/// A file system in memory of 40 MiB, unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        run("mount", &["-t", "tmpfs", "-o", "size=40m", "tmpfs", &dir.path().display().to_string()]);
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes until nothing more fits.
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

fn run(program: &str, arguments: &[&str]) {
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

/// Injects `error` into the `nth` call of `syscall` on the write-ahead log.
fn one_failing_call(syscall: &str, error: &str, nth: u32) {
    let mut server = Server::sqlite();
    let wal = format!("{}-wal", server.database().display());
    let inject = format!("inject={syscall}:error={error}:when={nth}");
    let trace = format!("trace={syscall}");
    let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", &wal, "-e", &trace, "-e", &inject];
    server.start_with(&wrapper, &[]);
    server.wait_until_ready_is(200);
    let mut owner = server.log_in();
    let answers: Vec<u16> = (0..12).map(|number| owner.post_incident(&format!("Post {number}")).status).collect();
    assert!(answers.iter().all(|status| [303, 503].contains(status)), "{syscall} {error}: {answers:?}");
    assert_eq!(answers[8..], [303; 4], "{syscall} {error}: {answers:?}");
    let accepted = answers.iter().filter(|status| **status == 303).count();
    // Nothing that was acknowledged is lost at a crash.
    server.signal("-KILL");
    let mut again = restarted(server);
    again.wait_until_ready_is(200);
    let found = again.incident_titles().iter().filter(|title| title.starts_with("Post ")).count();
    assert!(found >= accepted, "{syscall} {error}: {accepted} accepted, {found} found");
    again.cli_ok(&["check"], "");
    again.cli_ok(&["audit", "verify"], "");
}

/// The same server after its process ended.
fn restarted(mut server: Server) -> Server {
    server.forget_process();
    server.start();
    server
}

#[test]
fn one_failed_write_to_the_wal_is_not_the_last() {
    one_failing_call("pwrite64", "EIO", 30);
    one_failing_call("pwrite64", "ENOSPC", 31);
}

#[test]
fn one_failed_sync_of_the_wal_is_not_the_last_write() {
    one_failing_call("fsync,fdatasync", "EIO", 4);
    one_failing_call("fsync,fdatasync", "ENOSPC", 5);
}
