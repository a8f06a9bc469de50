//! The machine's clock jumps: logins work again once it is right.

use std::path::Path;

use crate::server::Server;

/// A library that shifts a process's clock, from Debian's package `faketime`.
fn faketime() -> String {
    let library = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH);
    assert!(Path::new(&library).exists(), "install faketime: {library} is absent");
    library
}

#[test]
fn login_works_after_the_clock_was_ahead() {
    let mut server = Server::sqlite();
    let offset = server.dir.join("offset");
    std::fs::write(&offset, "+2h").expect("a file");
    let env = [
        ("LD_PRELOAD", faketime()),
        ("FAKETIME_TIMESTAMP_FILE", offset.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".into()),
        ("DONT_FAKE_MONOTONIC", "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
    ];
    server.env.extend(env.map(|(name, value)| (name.to_owned(), value)));
    server.start();
    server.wait_until_ready_is(200);
    server.log_in();
    std::fs::write(&offset, "+0").expect("a file");
    server.env.retain(|name, _| name.starts_with("CANDOR_"));
    // The login throttle of the network does not depend on the earlier clock.
    for _ in 0..3 {
        server.log_in();
    }
    server.wait_until_ready_is(200);
    std::fs::write(&offset, "-26h").expect("a file");
    server.log_in();
    std::fs::write(&offset, "+0").expect("a file");
    assert_eq!(server.log_in().post_incident("After the clock was set right").status, 303);
}
