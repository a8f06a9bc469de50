//! A mail server that never ends its reply line.

use std::io::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::server::Server;

#[test]
fn endless_smtp_line_is_limited() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || while stream.write_all(&[b'2'; 60_000]).is_ok() {});
        }
    });
    let mut server = Server::sqlite();
    server.env.insert("CANDOR_SMTP_URL".into(), format!("smtp://{address}"));
    server.env.insert("CANDOR_SMTP_FROM".into(), "Status <status@company.example>".into());
    server.start();
    server.wait_until_ready_is(200);
    let before = server.memory("VmRSS");
    let answer = server.browser().post("/forgotten", &[("email", "owner@company.example")]);
    assert!([200, 303].contains(&answer.status), "{}", answer.status);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(6) {
        let grown = server.memory("VmRSS").saturating_sub(before);
        assert!(grown < 100 * 1024, "{grown} KiB more");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(server.get("/").status, 200);
}
