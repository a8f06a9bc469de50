//! Pebble, the test server of Let's Encrypt's authors, with its DNS server. `.ci/tools acme` installs both; without them
//! their tests do nothing, unless CANDOR_REQUIRE_ACME_TOOLS is set, as in CI.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::server::until;
use super::tls::TestTls;

pub struct Pebble {
    pub directory: String,
    /// The port on which it asks for the answers to challenges.
    pub challenge_port: u16,
    tls: TestTls,
    children: [Child; 2],
}

fn program(name: &str) -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/pebble/usr/bin").join(name);
    if file.exists() {
        return Some(file);
    }
    let required = std::env::var("CANDOR_REQUIRE_ACME_TOOLS").is_ok_and(|value| value == "1");
    assert!(!required, "CANDOR_REQUIRE_ACME_TOOLS is set, but there is no {}", file.display());
    println!("skipped: there is no {}; run .ci/tools acme", file.display());
    None
}

/// An address that was free a moment ago.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Pebble {
    /// Certificates are valid for so many seconds. Every tenth nonce is rejected, as a client must expect.
    pub async fn start(validity: u32) -> Option<Self> {
        let (pebble, dns) = (program("pebble")?, program("pebble-challtestsrv")?);
        let tls = TestTls::new();
        let [address, management, names, names_management, challenges] = [(); 5].map(|()| free_address());
        let config = serde_json::json!({ "pebble": {
            "listenAddress": address.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": tls.certificate_file(),
            "privateKey": tls.key_file(),
            "httpPort": challenges.port(),
            "tlsPort": 1,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
            "certificateValidityPeriod": validity,
        }});
        let file = tls.folder().join("pebble.json");
        std::fs::write(&file, config.to_string()).unwrap();
        let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let dns = quiet(
            Command::new(dns)
                .args([
                    "-defaultIPv4",
                    "127.0.0.1",
                    "-defaultIPv6",
                    "",
                    "-http01",
                    "",
                    "-https01",
                    "",
                    "-tlsalpn01",
                    "",
                ])
                .args(["-dns01", &names.to_string(), "-management", &names_management.to_string()]),
        );
        let pebble = quiet(
            Command::new(pebble)
                .args(["-config", file.to_str().unwrap(), "-dnsserver", &names.to_string(), "-strict"])
                .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "10")]),
        );
        let directory = format!("https://{address}/dir");
        let pebble = Self { directory, challenge_port: challenges.port(), tls, children: [dns, pebble] };
        until("pebble listens", || TcpStream::connect(address).is_ok()).await;
        Some(pebble)
    }

    /// The authority of Pebble's own address, not of its certificates.
    pub fn authority_file(&self) -> PathBuf {
        self.tls.authority_file()
    }
}

impl Pebble {
    /// Ends the servers; the files stay.
    pub fn end(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.end();
    }
}
