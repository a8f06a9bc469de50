//! The files of a SQLite database and the Site file are replaced, truncated, emptied or removed.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::server::Server;

/// A running server with one incident in its backup `b.db` and one posted later.
fn with_backup() -> Server {
    let mut server = Server::sqlite();
    server.start();
    server.wait_until_ready_is(200);
    let mut owner = server.log_in();
    assert_eq!(owner.post_incident("In the backup").status, 303);
    server.cli_ok(&["backup", &server.dir.join("b.db").display().to_string()], "");
    assert_eq!(owner.post_incident("After the backup").status, 303);
    server
}

/// Waits until the backup is served; checks its integrity and that posting works.
fn assert_restored(mut server: Server) {
    server.wait_until_ready_is(200);
    server.wait_until("the backup is served", |server| {
        let titles = server.incident_titles();
        titles.iter().any(|title| title == "In the backup") && !titles.iter().any(|title| title == "After the backup")
    });
    server.cli_ok(&["check"], "");
    server.cli_ok(&["audit", "verify"], "");
    assert_eq!(server.log_in().post_incident("After the restore").status, 303);
    assert!(server.incident_titles().iter().any(|title| title == "After the restore"));
}

#[test]
fn backup_in_place_of_a_removed_database_is_opened() {
    let mut server = with_backup();
    std::fs::remove_file(server.database()).expect("the database");
    server.wait_until_ready_is(503);
    std::fs::rename(server.dir.join("b.db"), server.database()).expect("a rename");
    assert_restored(server);
}

#[test]
fn backup_copied_slowly_is_opened_once_it_is_whole() {
    let server = with_backup();
    let page = server.get("/").body;
    std::fs::remove_file(server.database()).expect("the database");
    let backup = std::fs::read(server.dir.join("b.db")).expect("the backup");
    let mut copy = File::create(server.database()).expect("a file");
    for part in backup.chunks(backup.len() / 5 + 1) {
        std::thread::sleep(Duration::from_millis(700));
        let shown = server.get("/");
        assert_eq!((shown.status, title(&shown.body)), (200, title(&page)), "a part of a database shows nothing");
        copy.write_all(part).expect("a write");
    }
    drop(copy);
    assert_restored(server);
}

fn title(page: &str) -> Option<&str> {
    page.split_once("<title>")?.1.split_once("</title>").map(|(title, _)| title)
}

#[test]
fn backup_copied_after_a_crash_opens_without_old_wal() {
    let mut server = with_backup();
    server.kill();
    std::fs::copy(server.dir.join("b.db"), server.database()).expect("a copy");
    server.start();
    assert_restored(server);
}

#[test]
fn restore_command_replaces_the_database_of_a_stopped_server() {
    let mut server = with_backup();
    server.kill();
    server.cli_ok(&["restore", &server.dir.join("b.db").display().to_string()], "");
    server.start();
    assert_restored(server);
}

#[test]
fn a_crash_alone_loses_nothing() {
    let mut server = with_backup();
    server.kill();
    server.start();
    server.wait_until_ready_is(200);
    assert!(server.incident_titles().iter().any(|title| title == "After the backup"));
}

#[test]
fn an_empty_file_never_empties_the_page() {
    let mut server = with_backup();
    let page = title(&server.get("/").body).map(str::to_owned);
    std::fs::rename(server.database(), server.dir.join("away.db")).expect("a rename");
    server.wait_until_ready_is(503);
    File::create(server.database()).expect("a file");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(title(&server.get("/").body).map(str::to_owned), page);
    assert_eq!(server.get("/readyz").status, 503);
    server.stop();
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", server.database().display()));
    }
    File::create(server.database()).expect("a file");
    server.start();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(title(&server.get("/").body).map(str::to_owned), page, "after a restart");
    assert_eq!(server.get("/readyz").status, 503);
    let out = std::fs::read_to_string(server.dir.join("out")).unwrap_or_default();
    assert!(!out.contains("/setup/"), "no link for a new owner is printed: {out}");
}

#[test]
fn writes_fail_after_the_wal_was_removed() {
    let mut server = with_backup();
    let mut owner = server.log_in();
    std::fs::remove_file(format!("{}-wal", server.database().display())).expect("the write-ahead log");
    let answers: Vec<u16> = (0..5).map(|number| owner.post_incident(&format!("Late {number}")).status).collect();
    let accepted = answers.iter().filter(|status| **status == 303).count();
    server.kill();
    server.start();
    std::thread::sleep(Duration::from_secs(1));
    let found = server.incident_titles().iter().filter(|title| title.starts_with("Late ")).count();
    assert!(found >= accepted, "{answers:?}: {found} of {accepted} are left");
}

#[test]
fn overwriting_the_open_file_is_detected() {
    let mut server = with_backup();
    std::fs::copy(server.dir.join("b.db"), server.database()).expect("a copy");
    let mut owner = server.log_in_when_possible();
    let accepted: Vec<String> = (0..5)
        .map(|number| format!("Late {number}"))
        .filter(|title| owner.post_incident(title).status == 303)
        .collect();
    server.kill();
    server.start();
    server.wait_until_ready_is(200);
    let titles = server.incident_titles();
    assert!(accepted.iter().all(|title| titles.contains(title)), "{accepted:?}: {titles:?}");
    server.cli_ok(&["check"], "");
}

#[test]
fn killed_backup_leaves_no_target_file() {
    let server = Server::sqlite();
    let mut finished = 0;
    for number in 0..30_u64 {
        let file = server.dir.join(format!("b{number}.db"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_candor"))
            .args(["backup", &file.display().to_string()])
            .env_clear()
            .envs(&server.env)
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("candor backup");
        std::thread::sleep(Duration::from_millis(number * 7));
        let _ = child.kill();
        let _ = child.wait();
        if file.exists() {
            finished += 1;
            assert_sound(&file);
        }
    }
    eprintln!("{finished} of 30 backups ended before they were killed");
}

fn assert_sound(file: &Path) {
    let url = format!("sqlite://{}", file.display());
    let check = Command::new(env!("CARGO_BIN_EXE_candor")).args(["--database-url", &url, "check"]).output();
    let check = check.expect("candor check");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

/// A kind of file in place of the Site file, and how to create it.
type Kind = (&'static str, fn(&Path));

#[test]
fn unusable_stored_site_does_not_delay_start() {
    let mut server = Server::sqlite();
    let site = server.dir.join("site");
    let kinds: [Kind; 4] = [
        ("a pipe", |site| assert!(Command::new("mkfifo").arg(site).status().is_ok_and(|status| status.success()))),
        ("six gigabytes", |site| {
            let mut file = File::create(site).expect("a file");
            file.write_all(b"\x06").expect("a write");
            file.set_len(6 << 30).expect("a sparse file");
        }),
        ("a folder", |site| std::fs::create_dir(site).expect("a folder")),
        ("damaged", |site| std::fs::write(site, "no Site").expect("a write")),
    ];
    for (kind, make) in kinds {
        let _ = std::fs::remove_file(&site);
        let _ = std::fs::remove_dir_all(&site);
        make(&site);
        let begun = Instant::now();
        server.start();
        server.wait_until_ready_is(200);
        eprintln!("{kind}: ready after {:?}", begun.elapsed());
        assert_eq!(server.get("/").status, 200, "{kind}");
        let peak = server.memory("VmHWM");
        assert!(peak < 400 * 1024, "{kind}: {peak} KiB");
        assert!(server.stop().success(), "{kind}");
    }
}
