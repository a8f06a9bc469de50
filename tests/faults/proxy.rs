//! nginx in front of Candor, with and without its address in `--trusted-proxies`.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::server::{Answer, PATIENCE, Server, free_address, request};

struct Nginx {
    address: SocketAddr,
    child: Child,
    _dir: TempDir,
}

impl Nginx {
    fn start(upstream: SocketAddr) -> Self {
        let (dir, address) = (tempfile::tempdir().expect("a temporary folder"), free_address());
        let config = format!(
            "daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;\n\
             events {{}}\n\
             http {{\n\
               access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;\n\
               fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;\n\
               server {{ listen {address}; location / {{\n\
                 proxy_pass http://{upstream}; proxy_set_header Host {upstream};\n\
                 proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;\n\
               }} }}\n\
             }}\n",
            dir = dir.path().display(),
        );
        let file = dir.path().join("nginx.conf");
        std::fs::write(&file, config).expect("a file");
        let child = Command::new("/usr/sbin/nginx").arg("-c").arg(&file).stderr(Stdio::null()).spawn();
        let nginx = Self { address, child: child.expect("nginx"), _dir: dir };
        let begun = std::time::Instant::now();
        while nginx.get("/healthz", &[]).status == 0 {
            assert!(begun.elapsed() < PATIENCE, "nginx does not answer");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        nginx
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        request(self.address, &format!("GET {path} HTTP/1.1\r\n"), headers, None)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn untrusted_proxy_is_warned_once() {
    let mut server = Server::sqlite();
    server.start();
    server.wait_until_ready_is(200);
    let nginx = Nginx::start(server.address);
    for _ in 0..3 {
        assert_eq!(nginx.get("/", &[]).status, 200);
        assert_eq!(nginx.get("/login", &[]).status, 200);
    }
    server.wait_until("the warning", |server| server.log().contains("trusted-proxies"));
    let log = server.log();
    assert_eq!(log.lines().filter(|line| line.contains("trusted-proxies")).count(), 1, "{log}");
    let ready = server.get("/readyz");
    assert!(ready.body.contains("trusted-proxies"), "{}", ready.body);
}

#[test]
fn trusted_proxy_is_not_warned_about() {
    let mut server = Server::sqlite();
    server.env.insert("CANDOR_TRUSTED_PROXIES".into(), "127.0.0.1".into());
    server.start();
    server.wait_until_ready_is(200);
    let nginx = Nginx::start(server.address);
    assert_eq!(nginx.get("/login", &[]).status, 200);
    assert!(!server.log().contains("trusted-proxies"), "{}", server.log());
}

#[test]
fn form_with_too_many_fields_gets_small_response() {
    let mut server = Server::sqlite();
    server.start();
    server.wait_until_ready_is(200);
    let nginx = Nginx::start(server.address);
    let before = server.memory("VmRSS");
    let body = "a=b&".repeat(500 * 1024 / 4);
    for path in ["/admin/incidents", "/login", "/admin/settings"] {
        let origin = format!("http://{}", server.address);
        let headers = [
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let answer = request(nginx.address, &format!("POST {path} HTTP/1.1\r\n"), &headers, Some(&body));
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        assert!(answer.body.len() < 150_000, "{path}: {} bytes", answer.body.len());
    }
    let grown = server.memory("VmRSS").saturating_sub(before);
    assert!(grown < 60 * 1024, "{grown} KiB more");
}
