//! A log that can't be written loses only log lines; signals shut the server down or do nothing.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use crate::server::{Server, full_device};

/// Moves the database away and back, so that the worker logs warnings.
fn survives_an_outage(mut server: Server) {
    server.wait_until_ready_is(200);
    let (database, away) = (server.database(), server.dir.join("away.db"));
    std::fs::rename(&database, &away).expect("a rename");
    server.wait_until_ready_is(503);
    assert_eq!(server.get("/").status, 200);
    std::fs::rename(&away, &database).expect("a rename");
    server.wait_until_ready_is(200);
    assert_eq!(server.log_in().post_incident("After").status, 303);
    assert!(server.stop().success());
}

#[test]
fn page_stays_up_when_the_log_is_full() {
    let mut server = Server::sqlite();
    server.start_logging_to(full_device());
    survives_an_outage(server);
}

#[test]
fn page_stays_up_when_the_log_reader_dies() {
    let mut server = Server::sqlite();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    server.start_logging_to(Stdio::from(writer));
    drop(reader);
    survives_an_outage(server);
}

#[test]
fn harmless_signals_are_ignored() {
    let mut server = Server::sqlite();
    server.start();
    server.wait_until_ready_is(200);
    for signal in ["-HUP", "-USR1", "-USR2", "-ALRM", "-HUP"] {
        server.signal(signal);
        assert_eq!(server.get("/").status, 200, "{signal}");
    }
    assert_eq!(server.log_in().post_incident("After the signals").status, 303);
    assert!(server.exit_status().is_none());
    assert_eq!(server.stop().signal(), None);
}

#[test]
fn sigquit_stops_in_order() {
    let mut server = Server::sqlite();
    server.start();
    server.wait_until_ready_is(200);
    server.signal("-QUIT");
    let status = server.wait_for_exit();
    assert!(status.success(), "{status}");
}
