//! A mail from Candor through Postfix into a mailbox, with OpenDKIM as its judge.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use candor::notify::dkim::DkimSigner;
use candor::notify::{ListId, Mailer, OutgoingMail};
use tempfile::TempDir;

use crate::support::server::until;
use crate::support::tools::is_mail_tool_missing;

const POSTFIX: &str = "/usr/sbin/postfix";
const OPENDKIM: &str = "/usr/sbin/opendkim";

/// Delivers mail for `example.org` into a folder, after OpenDKIM judged it.
struct MailSystem {
    folder: TempDir,
    port: u16,
    postfix: Child,
    opendkim: Child,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The number of a user or its group.
fn number_of(option: &str, user: &str) -> String {
    let output = Command::new("id").args([option, user]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

impl MailSystem {
    /// `record` is the TXT record at `name`, where the verifier looks for the key.
    async fn start(name: &str, record: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (port, milter) = (free_port(), free_port());
        let (user, group) = (number_of("-u", "opendkim"), number_of("-g", "opendkim"));
        for (name, owner) in [("conf", "root"), ("spool", "root"), ("data", "postfix"), ("mail", "opendkim")] {
            std::fs::create_dir(root.join(name)).unwrap();
            let status = Command::new("chown").arg(owner).arg(root.join(name)).status().unwrap();
            assert!(status.success(), "chown {owner}");
        }
        let place = root.display();
        write(&root.join("keys"), &format!("{name} {record}\n"));
        let judge = format!(
            "Mode v\nSocket inet:{milter}@127.0.0.1\nUserID opendkim\nTestPublicKeys {place}/keys\n\
             AuthservID mx.example.org\nAlwaysAddARHeader yes\nOn-BadSignature accept\nOn-NoSignature accept\nSyslog no\n"
        );
        write(&root.join("opendkim.conf"), &judge);
        let settings = format!(
            "compatibility_level = 3.6\nqueue_directory = {place}/spool\ndata_directory = {place}/data\n\
             command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\n\
             setgid_group = postdrop\nmyhostname = mx.example.org\nmydestination =\nmynetworks = 127.0.0.0/8\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nvirtual_mailbox_domains = example.org\n\
             virtual_mailbox_base = {place}/mail\nvirtual_mailbox_maps = static:box/\nvirtual_minimum_uid = 100\n\
             virtual_uid_maps = static:{user}\nvirtual_gid_maps = static:{group}\nalias_maps =\nalias_database =\n\
             smtpd_milters = inet:127.0.0.1:{milter}\nmilter_default_action = tempfail\nmaillog_file = /dev/stdout\n"
        );
        write(&root.join("conf/main.cf"), &settings);
        let services = format!(
            "127.0.0.1:{port} inet n - n - - smtpd\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
             rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
             error unix - - n - - error\nvirtual unix - n n - - virtual\npostlog unix-dgram n - n - 1 postlogd\n\
             proxymap unix - - n - - proxymap\nanvil unix - - n - 1 anvil\n"
        );
        write(&root.join("conf/master.cf"), &services);
        let mut opendkim = Command::new(OPENDKIM);
        let opendkim = opendkim.arg("-f").arg("-x").arg(root.join("opendkim.conf")).spawn().unwrap();
        let mut postfix = Command::new(POSTFIX);
        postfix.arg("-c").arg(root.join("conf")).arg("start-fg").stdout(Stdio::null());
        let postfix = postfix.spawn().unwrap();
        for port in [milter, port] {
            until("the mail system listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
        }
        Self { folder, port, postfix, opendkim }
    }

    /// The first mail in the mailbox.
    async fn received(&self) -> String {
        let folder = self.folder.path().join("mail/box/new");
        let first = || Some(std::fs::read_dir(&folder).ok()?.next()?.unwrap().path());
        until("the mail is in the mailbox", || first().is_some()).await;
        std::fs::read_to_string(first().unwrap()).unwrap()
    }
}

impl Drop for MailSystem {
    fn drop(&mut self) {
        let mut stop = Command::new(POSTFIX);
        let _ = stop.arg("-c").arg(self.folder.path().join("conf")).arg("abort").stderr(Stdio::null()).status();
        for child in [&mut self.postfix, &mut self.opendkim] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[tokio::test]
async fn opendkim_passes_mail_that_postfix_delivered() {
    if is_mail_tool_missing(&[POSTFIX, OPENDKIM]) {
        return;
    }
    let pem = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/dkim/rsa-pkcs8.pem");
    let signer = DkimSigner::new("tidewater.example", "s2026", &std::fs::read(pem).unwrap()).unwrap();
    let system = MailSystem::start(&signer.record_name(), &signer.record()).await;
    let url = format!("smtp://127.0.0.1:{}", system.port);
    let mailer = Mailer::new(&url, "Status <status@tidewater.example>", "https://status.example.org", &[]).unwrap();
    let mailer = mailer.with_dkim(signer).with_bounce_address("bounce@status.example.org").unwrap();
    let text = |text: &str| text.to_owned();
    let mail = OutgoingMail {
        id: text("update.abc.def"),
        to: text("ines@example.org"),
        subject: text("Kacheln laden langsam – «Übersicht»"),
        text: text("Tiles load slowly  \n\n.\n..\n"),
        html: Some(text("<p>Tiles load  slowly</p>\n")),
        unsubscribe_url: Some(format!("https://status.example.org/u/{}", "t".repeat(120))),
        list_id: Some(ListId { name: text("Tidewater Maps"), id: text("incidents.status.example.org") }),
        envelope_from: mailer.bounce_address("token"),
        ..OutgoingMail::default()
    };
    // OpenDKIM compares the time of the signature with the clock of the machine.
    mailer.send_mail(&mail, candor::clock::Clock::system().now()).await.unwrap();
    let received = system.received().await.replace("\n\t", " ").replace("\n ", " ");
    let line = |start: &str| {
        let found = received.lines().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("{start} in {received}")).to_owned()
    };
    let judgement = line("Authentication-Results: mx.example.org;");
    assert!(judgement.contains("dkim=pass") && judgement.contains("header.d=tidewater.example"), "{judgement}");
    assert_eq!(line("Return-Path:"), "Return-Path: <bounce+token@status.example.org>");
    let signed = line("DKIM-Signature:").to_lowercase();
    assert!(signed.contains("list-unsubscribe-post") && signed.contains("list-unsubscribe:"), "{signed}");
    assert_eq!(line("List-Unsubscribe-Post:"), "List-Unsubscribe-Post: List-Unsubscribe=One-Click");
}
