//! `candor mail`

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use super::{MAX_INPUT, output};
use crate::actions::bounces::{BounceEffect, apply_bounce};
use crate::actions::subscribers::SubscriberKeys;
use crate::clock::Clock;
use crate::config::{DEFAULT_LISTEN, MailConfig, SiteConfig};
use crate::credentials::secret_key::SecretKey;
use crate::credentials::secret_token;
use crate::credentials::subscriber_links::SubscriberLinks;
use crate::db::Db;
use crate::domain::audit::Actor;
use crate::net::dns::DnsResolver;
use crate::notify::bounce::{self, Bounce};
use crate::notify::sender_check::{self, Finding, Level};
use crate::notify::{MailFailure, Mailer, OutgoingMail, SmtpFailure};

/// The exit code for a mail that is no bounce.
const NO_BOUNCE: u8 = 2;
const DNS_PORT: u16 = 53;

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Check the mail server and the DNS records of the sender (MX, SPF, DKIM, DMARC); the exit code is 1 if there is a
    /// problem
    Check {
        #[command(flatten)]
        mail: Box<MailArgs>,
        /// DNS server to ask, like 192.0.2.53 or 192.0.2.53:5353 [default: those of the machine]
        #[arg(long, value_name = "ADDRESS", value_parser = parse_dns_server)]
        dns_server: Option<SocketAddr>,
    },
    /// Send a test mail to an address
    Test {
        /// The recipient
        address: String,
        #[command(flatten)]
        mail: Box<MailArgs>,
    },
    /// Read a bounce or a complaint from standard input and quarantine its subscriber; the exit code is 2 if it is
    /// neither, or if its token does not prove which mail came back
    Bounce {
        #[command(flatten)]
        site: SiteConfig,
        /// File with the key of the server [default: DATA_DIR/secret.key]
        #[arg(long, env = "CANDOR_SECRET_KEY_FILE", value_name = "FILE")]
        secret_key_file: Option<PathBuf>,
    },
}

/// The mail settings of `candor serve`.
#[derive(Clone, Debug, clap::Args)]
pub struct MailArgs {
    #[command(flatten)]
    site: SiteConfig,
    #[command(flatten)]
    mail: MailConfig,
}

pub async fn run(command: &Command, clock: &Clock) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check { mail, dns_server } => check_mail(&mail.mailer()?, *dns_server).await,
        Command::Test { address, mail } => send_test_mail(mail, address, clock).await,
        Command::Bounce { .. } => unreachable!("it opens the database"),
    }
}

/// `candor mail bounce`
pub async fn read_bounce(db: &Db, clock: &Clock, key_file: PathBuf) -> anyhow::Result<ExitCode> {
    let mut mail = Vec::new();
    std::io::stdin().take(MAX_INPUT).read_to_end(&mut mail).context("reading the mail from standard input")?;
    let bounce = match bounce::read_bounce(&mail) {
        Ok(bounce) => bounce,
        Err(reason) => {
            say_error!("{reason}");
            return Ok(ExitCode::from(NO_BOUNCE));
        }
    };
    print_bounce(&bounce);
    let secret_key = SecretKey::from_file(key_file);
    let links = SubscriberLinks::from_secret_key(&secret_key)?;
    let keys = SubscriberKeys { secret_key: &secret_key, links: &links };
    let (mut tx, now) = (db.write().await.map_err(output::describe_error)?, clock.now());
    let effect = apply_bounce(&mut tx, keys, &bounce, now).await.map_err(output::describe_error)?;
    match effect {
        BounceEffect::Quarantined(entry) => {
            tx.commit(&Actor::shell(), now, *entry).await.map_err(output::describe_error)?;
            say!("The subscriber is quarantined and gets no further messages.");
        }
        BounceEffect::Counted => {
            tx.commit_unaudited().await.map_err(output::describe_error)?;
            say!("The bounce was counted.");
        }
        BounceEffect::Nothing => say!("The subscriber has gone or is quarantined already."),
        BounceEffect::Unproven => {
            say_error!("The token does not prove which mail came back; nothing was changed.");
            return Ok(ExitCode::from(NO_BOUNCE));
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl MailArgs {
    fn mailer(&self) -> anyhow::Result<Mailer> {
        let mailer = self.mail.mailer(&self.origin()?)?;
        mailer.context("no mail server is configured: set --smtp-url and --smtp-from")
    }

    fn origin(&self) -> anyhow::Result<String> {
        self.site.origin(DEFAULT_LISTEN.parse()?)
    }
}

fn parse_dns_server(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse().or_else(|_| text.parse().map(|ip: IpAddr| SocketAddr::new(ip, DNS_PORT)));
    address.map_err(|_| "an IP address, with a port if it is not 53".to_owned())
}

async fn check_mail(mailer: &Mailer, dns_server: Option<SocketAddr>) -> anyhow::Result<ExitCode> {
    let dns = dns_server.map_or_else(DnsResolver::system, DnsResolver::at)?;
    let findings = sender_check::check_sender(mailer, &dns).await;
    for finding in &findings {
        print_finding(finding);
    }
    let problems = findings.iter().filter(|finding| finding.level == Level::Problem).count();
    if problems == 0 {
        say!("No problem found.");
        return Ok(ExitCode::SUCCESS);
    }
    say_error!("{} found.", output::format_count(problems, "problem"));
    Ok(ExitCode::FAILURE)
}

fn print_finding(finding: &Finding) {
    let mark = match finding.level {
        Level::Good => "good",
        Level::Notice => "notice",
        Level::Problem => "PROBLEM",
    };
    say!("{mark:8} {}", finding.found);
    say!("{:8} {}", "", finding.meaning);
    if let Some(advice) = &finding.advice {
        say!("{:8} {advice}", "");
    }
}

async fn send_test_mail(args: &MailArgs, address: &str, clock: &Clock) -> anyhow::Result<ExitCode> {
    let mailer = args.mailer()?;
    let origin = args.origin()?;
    let mail = OutgoingMail {
        id: format!("test.{}", secret_token::fresh_token()),
        to: address.to_owned(),
        subject: format!("Test mail from {origin}"),
        text: format!("This is a test mail from the status page at {origin}.\n\nIt was sent by candor mail test.\n"),
        envelope_from: mailer.bounce_address("test"),
        ..OutgoingMail::default()
    };
    let sent = mailer.send_mail(&mail, clock.now()).await;
    mailer.pool().close().await;
    match sent {
        Ok(()) => {
            say!("The mail server accepted the mail to {address}.");
            say!("If it does not arrive, look into the spam folder and run candor mail check.");
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            say_error!("The mail was not sent: {failure}");
            say_error!("{}", describe_failure(&failure));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn describe_failure(failure: &SmtpFailure) -> &'static str {
    match failure.kind {
        MailFailure::Temporary => "This may pass: try again in some minutes.",
        MailFailure::Recipient => "The address does not exist or accepts no mail.",
        MailFailure::MailboxFull => "The mailbox is full.",
        MailFailure::Policy => "The server rejects this sender: check the login, SPF, DKIM and DMARC.",
        MailFailure::Permanent => "The server rejects this mail for good.",
    }
}

fn print_bounce(bounce: &Bounce) {
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    say!("Kind:       {}", bounce.kind);
    say!("Recipient:  {}", or_none(bounce.recipient.clone()));
    say!("Token:      {}", or_none(bounce.token.clone()));
    say!("Status:     {}", or_none(bounce.status.map(|status| status.to_string())));
    say!("Diagnostic: {}", bounce.diagnostic);
}
