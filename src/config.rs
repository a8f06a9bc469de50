//! Settings: each has a flag, an environment variable and a help text.

mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use chrono::TimeDelta;
use clap::builder::BoolishValueParser;
use ipnet::IpNet;
use url::Url;

pub use self::tls::{CertificateSource, TlsConfig};
use crate::db::Db;
use crate::domain::node::{MigrateMode, NodeName, NodeSettings};
use crate::domain::oidc_roles::{ProviderFactor, RoleRule};
use crate::net::listen_address::ListenAddress;
use crate::net::trusted_proxies::parse_network;
use crate::notify::bounce_hooks::BounceHooks;
use crate::notify::dkim::DkimSigner;
use crate::notify::{DEFAULT_CONNECTIONS, Mailer};
use crate::oidc::{Provider, ProviderSettings};
use crate::state::{MIN_FILL_TIME, TOKEN_READS, TOKEN_WRITES};

/// Where the database is.
#[derive(Clone, Debug, clap::Args)]
pub struct DatabaseConfig {
    /// Database URL: sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME
    #[arg(
        long,
        env = "CANDOR_DATABASE_URL",
        default_value = "sqlite://data/candor.db",
        hide_env_values = true,
        global = true
    )]
    pub database_url: String,

    /// Read the database URL from a file, to keep the password out of the environment
    #[arg(long, env = "CANDOR_DATABASE_URL_FILE", value_name = "FILE", global = true)]
    pub database_url_file: Option<PathBuf>,
}

/// The page's address, and its directory.
#[derive(Clone, Debug, clap::Args)]
pub struct SiteConfig {
    /// Public URL of the page, like https://status.example.org [default: the listen address]
    #[arg(long, env = "CANDOR_BASE_URL")]
    pub base_url: Option<Url>,

    /// Folder for the last published page, served if the database is unavailable at startup
    #[arg(long, env = "CANDOR_DATA_DIR", default_value = "data", value_name = "DIR")]
    pub data_dir: PathBuf,
}

/// How the server listens and what it says of itself.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeConfig {
    /// Address and port to listen on, also for IPv6 like [::]:3000, or a Unix socket like unix:/PATH,mode=660
    #[arg(long, env = "CANDOR_LISTEN", default_value = DEFAULT_LISTEN)]
    pub listen: ListenAddress,

    #[command(flatten)]
    pub site: SiteConfig,

    /// Reverse proxies to trust for X-Forwarded-For or Forwarded (comma separated IP addresses or networks like
    /// 10.0.0.0/8)
    #[arg(long, env = "CANDOR_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORK",
        value_parser = parse_network)]
    pub trusted_proxies: Vec<IpNet>,

    /// Additional host names to serve besides that of the base URL (comma separated, with a non-default
    /// port); requests for other hosts are rejected
    #[arg(long, env = "CANDOR_ALLOWED_HOSTS", value_delimiter = ',', value_name = "HOST")]
    pub allowed_hosts: Vec<String>,

    /// Webhook servers of your own network, as URLs (comma separated). Messages to subscribers may go to them, and pages
    /// be imported from them, although their addresses are private, or without TLS
    #[arg(long, env = "CANDOR_ENDPOINT_HOSTS", value_delimiter = ',', value_name = "URL")]
    pub endpoint_hosts: Vec<Url>,

    #[command(flatten)]
    pub tls: TlsConfig,

    /// Address and port of the Prometheus metrics endpoint [default: disabled]
    #[arg(long, env = "CANDOR_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
    /// File with the key that encrypts authenticator app secrets [default: DATA_DIR/secret.key, created
    /// at first use]. All nodes need the same key
    #[arg(long, env = "CANDOR_SECRET_KEY_FILE", value_name = "FILE")]
    pub secret_key_file: Option<PathBuf>,

    /// Write requests per minute and API token
    #[arg(long, env = "CANDOR_API_WRITES", default_value_t = TOKEN_WRITES, value_name = "PER_MINUTE",
        value_parser = clap::value_parser!(i32).range(1..=100_000))]
    pub api_writes: i32,

    /// Read requests per minute and API token
    #[arg(long, env = "CANDOR_API_READS", default_value_t = TOKEN_READS, value_name = "PER_MINUTE",
        value_parser = clap::value_parser!(i32).range(1..=100_000))]
    pub api_reads: i32,

    #[command(flatten)]
    pub node: NodeConfig,

    #[command(flatten)]
    pub mail: MailConfig,

    #[command(flatten)]
    pub oidc: OidcConfig,

    /// Allow core dumps, to debug a crash; they contain session IDs, tokens and keys
    #[arg(long, env = "CANDOR_CORE_DUMPS", value_parser = BoolishValueParser::new())]
    pub core_dumps: bool,

    /// Publish the database even if it is empty or holds another page than the one last published from the
    /// data folder. For a single start; without it, the last published page is kept
    #[arg(long)]
    pub accept_empty: bool,

    /// Write the log as JSON, one object per line
    #[arg(long, env = "CANDOR_LOG_JSON", value_parser = BoolishValueParser::new())]
    pub log_json: bool,
}

/// What matters where several nodes share a PostgreSQL database.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct NodeConfig {
    /// Name of this node in `candor nodes` and the metrics [default: the host name]
    #[arg(long, env = "CANDOR_NODE_NAME", value_name = "NAME")]
    pub node_name: Option<NodeName>,

    /// Direct address of the PostgreSQL database for notifications of changes, if --database-url leads to a
    /// pooler in transaction mode [default: the database URL]
    #[arg(long, env = "CANDOR_DATABASE_LISTEN_URL", hide_env_values = true, value_name = "URL")]
    pub database_listen_url: Option<String>,

    /// Read the address for notifications from a file, to keep the password out of the environment
    #[arg(long, env = "CANDOR_DATABASE_LISTEN_URL_FILE", value_name = "FILE")]
    pub database_listen_url_file: Option<PathBuf>,

    /// What to do with a database of an older version: auto (migrate and serve), never (wait until another
    /// process has migrated it) or only (migrate and exit)
    #[arg(long, env = "CANDOR_MIGRATE", default_value = "auto", value_name = "WHEN")]
    pub migrate: MigrateMode,
}

impl NodeConfig {
    /// Fails if the address for notifications can't be read or is not that of a PostgreSQL database.
    pub fn settings(&self) -> anyhow::Result<NodeSettings> {
        let host = || NodeName::from_lossy(&rustix::system::uname().nodename().to_string_lossy());
        let name = self.node_name.clone().unwrap_or_else(host);
        Ok(NodeSettings { name, listen_url: self.listen_url()?, migrate: self.migrate })
    }

    fn listen_url(&self) -> anyhow::Result<Option<String>> {
        let url = match &self.database_listen_url_file {
            Some(file) => Some(read_trimmed(file)?),
            None => self.database_listen_url.clone(),
        };
        url.as_deref().map_or(Ok(()), Db::check_listen_url).context("--database-listen-url")?;
        Ok(url)
    }
}

/// How mail leaves.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct MailConfig {
    /// SMTP server URL: smtp://USER:PASSWORD@HOST:PORT or smtps://… [default: no mail is sent]. A server on
    /// another machine must offer STARTTLS; ?tls=none sends mail and password in clear text
    #[arg(long, env = "CANDOR_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,

    /// Read the SMTP server URL from a file
    #[arg(long, env = "CANDOR_SMTP_URL_FILE", value_name = "FILE")]
    pub smtp_url_file: Option<PathBuf>,

    /// PEM file with additional certificate authorities for the SMTP server [default: SSL_CERT_FILE]
    #[arg(long, env = "CANDOR_SMTP_CA_FILE", value_name = "FILE")]
    pub smtp_ca_file: Option<PathBuf>,

    /// From address of e-mails, like Status <status@example.org>
    #[arg(long, env = "CANDOR_SMTP_FROM", value_name = "SENDER")]
    pub smtp_from: Option<String>,

    /// Connections to the SMTP server at a time
    #[arg(long, env = "CANDOR_MAIL_CONNECTIONS", default_value_t = DEFAULT_CONNECTIONS, value_name = "NUMBER",
        value_parser = clap::value_parser!(u16).range(1..=64))]
    pub mail_connections: u16,

    /// Address that receives bounces, like bounce@status.example.org; Candor sends from bounce+TOKEN@…
    /// [default: bounces go to the sender]
    #[arg(long, env = "CANDOR_MAIL_BOUNCE_ADDRESS", value_name = "ADDRESS")]
    pub mail_bounce_address: Option<String>,

    /// Password with which Postmark and other relays report bounces to /hooks/bounces/…, at least 16 characters
    #[arg(long, env = "CANDOR_MAIL_HOOK_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub mail_hook_token: Option<String>,

    /// Read the password of the bounce hooks from a file
    #[arg(long, env = "CANDOR_MAIL_HOOK_TOKEN_FILE", value_name = "FILE")]
    pub mail_hook_token_file: Option<PathBuf>,

    /// ARNs of the SNS topics with which Amazon SES reports bounces to /hooks/bounces/ses (comma separated)
    #[arg(long, env = "CANDOR_SES_TOPICS", value_delimiter = ',', value_name = "ARN")]
    pub ses_topics: Vec<String>,

    /// Verification key of SendGrid's signed event webhook, which reports bounces to /hooks/bounces/sendgrid
    #[arg(long, env = "CANDOR_SENDGRID_WEBHOOK_KEY", value_name = "KEY")]
    pub sendgrid_webhook_key: Option<String>,

    /// Domain of the DKIM signature [default: the domain of --smtp-from]
    #[arg(long, env = "CANDOR_DKIM_DOMAIN", value_name = "DOMAIN")]
    pub dkim_domain: Option<String>,

    /// DKIM selector: the public key is the TXT record SELECTOR._domainkey.DOMAIN
    #[arg(long, env = "CANDOR_DKIM_SELECTOR", value_name = "SELECTOR")]
    pub dkim_selector: Option<String>,

    /// PEM file with the private DKIM key, RSA of 2048 bits or more or Ed25519 [default: mail is not signed]
    #[arg(long, env = "CANDOR_DKIM_KEY_FILE", value_name = "FILE")]
    pub dkim_key_file: Option<PathBuf>,
}

impl MailConfig {
    /// Creates the mailer, if a server is configured. Fails if only one of server and sender is set.
    pub fn mailer(&self, origin: &str) -> anyhow::Result<Option<Mailer>> {
        let url = match &self.smtp_url_file {
            Some(file) => Some(read_trimmed(file)?),
            None => self.smtp_url.clone(),
        };
        match (url, &self.smtp_from) {
            (Some(url), Some(from)) => {
                let mailer = Mailer::new(&url, from, origin, &self.authorities()?)?;
                self.add_options(mailer).map(Some)
            }
            (None, None) => Ok(None),
            _ => bail!("to send mail, set both --smtp-url and --smtp-from"),
        }
    }

    /// Which mail providers may report bounces.
    pub fn bounce_hooks(&self) -> anyhow::Result<BounceHooks> {
        let token = match &self.mail_hook_token_file {
            Some(file) => Some(read_trimmed(file)?),
            None => self.mail_hook_token.clone(),
        };
        BounceHooks::new(token.as_deref(), &self.ses_topics, self.sendgrid_webhook_key.as_deref())
    }

    fn add_options(&self, mailer: Mailer) -> anyhow::Result<Mailer> {
        let mut mailer = mailer.with_connections(self.mail_connections.into());
        if let Some(address) = &self.mail_bounce_address {
            mailer = mailer.with_bounce_address(address)?;
        }
        if let Some(signer) = self.dkim_signer(mailer.from_domain())? {
            mailer = mailer.with_dkim(signer);
        }
        Ok(mailer)
    }

    fn dkim_signer(&self, from_domain: &str) -> anyhow::Result<Option<DkimSigner>> {
        match (&self.dkim_selector, &self.dkim_key_file) {
            (Some(selector), Some(file)) => {
                let pem = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
                let domain = self.dkim_domain.as_deref().unwrap_or(from_domain);
                DkimSigner::new(domain, selector, &pem).map(Some)
            }
            (None, None) if self.dkim_domain.is_none() => Ok(None),
            _ => bail!("to sign mail, set both --dkim-selector and --dkim-key-file"),
        }
    }

    /// Additional certificate authorities in PEM; empty if none are configured.
    fn authorities(&self) -> anyhow::Result<Vec<u8>> {
        let from_environment = || std::env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()).map(PathBuf::from);
        let Some(file) = self.smtp_ca_file.clone().or_else(from_environment) else { return Ok(Vec::new()) };
        std::fs::read(&file).with_context(|| format!("reading {}", file.display()))
    }
}

/// The identity provider that managers log in with.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct OidcConfig {
    /// OpenID Connect issuer that managers can log in with, like https://id.example.org [default: none].
    /// The redirect URL is BASE_URL/login/oidc/callback
    #[arg(long, env = "CANDOR_OIDC_ISSUER", value_name = "URL")]
    pub oidc_issuer: Option<String>,

    /// OpenID Connect client ID
    #[arg(long, env = "CANDOR_OIDC_CLIENT_ID", value_name = "ID")]
    pub oidc_client_id: Option<String>,

    /// OpenID Connect client secret, if the client has one
    #[arg(long, env = "CANDOR_OIDC_CLIENT_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub oidc_client_secret: Option<String>,

    /// Read the client secret from a file
    #[arg(long, env = "CANDOR_OIDC_CLIENT_SECRET_FILE", value_name = "FILE")]
    pub oidc_client_secret_file: Option<PathBuf>,

    /// Provider name on the login page [default: the issuer's host]
    #[arg(long, env = "CANDOR_OIDC_NAME", value_name = "NAME")]
    pub oidc_name: Option<String>,

    /// Role mapping (comma separated): domain:example.com=viewer, group:status-owners=owner. The highest
    /// matching role applies; no match means access denied
    #[arg(long, env = "CANDOR_OIDC_ROLES", value_delimiter = ',', value_name = "RULE")]
    pub oidc_roles: Vec<RoleRule>,

    /// Claim with the user's groups
    #[arg(long, env = "CANDOR_OIDC_GROUPS_CLAIM", default_value = "groups", value_name = "CLAIM")]
    pub oidc_groups_claim: String,

    /// Additional scopes besides openid, email and profile (comma separated)
    #[arg(long, env = "CANDOR_OIDC_SCOPES", value_delimiter = ',', value_name = "SCOPE")]
    pub oidc_scopes: Vec<String>,

    /// Whether an OpenID Connect login counts as two-factor: by-claims (if the provider's claims say so),
    /// always or never
    #[arg(long, env = "CANDOR_OIDC_SECOND_FACTOR", default_value = "by-claims", value_name = "WHEN")]
    pub oidc_second_factor: ProviderFactor,
}

impl OidcConfig {
    /// Creates the provider, if one is configured; `origin` is the public URL of this server.
    pub fn provider(&self, origin: &str) -> anyhow::Result<Option<Provider>> {
        let Some(issuer) = &self.oidc_issuer else {
            if self.oidc_client_id.is_some() || !self.oidc_roles.is_empty() {
                bail!("OpenID Connect login needs --oidc-issuer");
            }
            return Ok(None);
        };
        let Some(client_id) = self.oidc_client_id.clone() else {
            bail!("--oidc-issuer needs a client ID (--oidc-client-id)");
        };
        if self.oidc_roles.is_empty() {
            bail!("--oidc-issuer needs a role mapping (--oidc-roles); without one every login is denied");
        }
        let host = Url::parse(issuer)?.host_str().unwrap_or_default().to_owned();
        let settings = ProviderSettings {
            issuer: issuer.clone(),
            client_id,
            client_secret: self.client_secret()?,
            name: self.oidc_name.clone().unwrap_or(host),
            rules: self.oidc_roles.clone(),
            groups_claim: self.oidc_groups_claim.clone(),
            scopes: self.oidc_scopes.clone(),
            second_factor: self.oidc_second_factor,
        };
        Provider::new(settings, origin).map(Some)
    }

    fn client_secret(&self) -> anyhow::Result<Option<String>> {
        let Some(file) = &self.oidc_client_secret_file else { return Ok(self.oidc_client_secret.clone()) };
        Ok(Some(read_trimmed(file)?))
    }
}

impl DatabaseConfig {
    /// The database URL, read from the file if one is configured.
    pub fn url(&self) -> anyhow::Result<String> {
        let Some(file) = &self.database_url_file else { return Ok(self.database_url.clone()) };
        read_trimmed(file)
    }
}

fn read_trimmed(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(text.trim().to_owned())
}

impl ServeConfig {
    /// The origin of the public URL; without a base URL, of the address that the server listens on, which a Unix socket
    /// has not.
    pub fn origin(&self, listen: Option<SocketAddr>) -> anyhow::Result<String> {
        let Some(listen) = listen else {
            ensure!(!self.tls.is_used(), "there is no TLS on a Unix socket: the reverse proxy decrypts");
            ensure!(self.site.base_url.is_some(), "on a Unix socket, set --base-url to the page's public address");
            return self.site.origin(SocketAddr::from(([127, 0, 0, 1], 0)));
        };
        let origin = self.site.origin(listen)?;
        if !self.tls.is_used() {
            return Ok(origin);
        }
        if self.site.base_url.is_none() {
            return Ok(self.tls.origin(listen));
        }
        ensure!(origin.starts_with("https://"), "with TLS, --base-url must begin with https://");
        Ok(origin)
    }

    pub fn secret_key_file(&self) -> PathBuf {
        self.secret_key_file.clone().unwrap_or_else(|| self.site.data_dir.join("secret.key"))
    }
}

impl SiteConfig {
    /// Origin of the public URL, without a trailing slash; of `listen` if no base URL is set. Fails if the base URL has
    /// a path, query, fragment or user, or is neither http nor https.
    pub fn origin(&self, listen: SocketAddr) -> anyhow::Result<String> {
        let Some(url) = &self.base_url else { return Ok(format!("http://{listen}")) };
        let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || !plain {
            bail!(
                "--base-url must be like https://status.example.org, without a path: a page needs a host name of its own. \
                 Point one, such as status.example.org, at this server"
            );
        }
        Ok(url.origin().ascii_serialization())
    }

    pub fn site_file(&self) -> PathBuf {
        self.data_dir.join("site")
    }
}

/// Why no server can run with these settings, as far as it can be told without starting one: settings that contradict
/// each other, URLs and keys that can't be read.
pub fn find_problems(serve: &ServeConfig, database: &DatabaseConfig) -> Vec<anyhow::Error> {
    let origin = serve.origin(serve.listen.tcp());
    let public = origin.as_ref().map_or_else(|_| "http://localhost".to_owned(), Clone::clone);
    // The listener that redirects may come from systemd.
    let may_inherit = std::env::var_os("LISTEN_FDS").is_some() && !serve.tls.acme_domain.is_empty();
    let has_redirect = serve.tls.redirect_listen.is_some() || may_inherit;
    let checks = [
        origin.map(drop),
        serve.tls.source(has_redirect).map(drop),
        database.url().and_then(|url| Ok(Db::at(&url).map(drop)?)),
        serve.node.settings().map(drop),
        serve.mail.mailer(&public).map(drop),
        serve.mail.bounce_hooks().map(drop),
        serve.oidc.provider(&public).map(drop),
        min_fill_time().map(drop),
    ];
    checks.into_iter().filter_map(Result::err).collect()
}

/// Another time, in milliseconds, for test builds.
const TEST_FILL_TIME: &str = "CANDOR_TEST_MIN_FILL_MS";

/// The shortest time in which a form is accepted. A release build refuses to start with another than its own.
pub fn min_fill_time() -> anyhow::Result<TimeDelta> {
    parse_fill_time(std::env::var(TEST_FILL_TIME).ok().as_deref(), cfg!(debug_assertions))
}

fn parse_fill_time(milliseconds: Option<&str>, built_for_tests: bool) -> anyhow::Result<TimeDelta> {
    let Some(milliseconds) = milliseconds else { return Ok(MIN_FILL_TIME) };
    ensure!(built_for_tests, "{TEST_FILL_TIME} is for tests: a release build does not accept faster forms; unset it");
    parse_milliseconds(TEST_FILL_TIME, milliseconds).map(|milliseconds| TimeDelta::milliseconds(milliseconds.into()))
}

fn parse_milliseconds(variable: &str, text: &str) -> anyhow::Result<u32> {
    text.parse().with_context(|| format!("{variable} is not a number of milliseconds: {text}"))
}

/// Another time, in milliseconds, for test builds.
const TEST_CERTIFICATE_CHECK: &str = "CANDOR_TEST_CERTIFICATE_CHECK_MS";

/// The time between two looks at the certificate, if a test sets it. A release build refuses to start with one.
pub fn certificate_check() -> anyhow::Result<Option<Duration>> {
    let Ok(milliseconds) = std::env::var(TEST_CERTIFICATE_CHECK) else { return Ok(None) };
    ensure!(cfg!(debug_assertions), "{TEST_CERTIFICATE_CHECK} is for tests; unset it");
    let milliseconds = parse_milliseconds(TEST_CERTIFICATE_CHECK, &milliseconds)?;
    Ok(Some(Duration::from_millis(milliseconds.into())))
}

pub const DEFAULT_LISTEN: &str = "127.0.0.1:3000";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_test_builds_accept_faster_forms() {
        assert_eq!(parse_fill_time(None, false).unwrap(), MIN_FILL_TIME);
        assert_eq!(parse_fill_time(Some("0"), true).unwrap(), TimeDelta::zero());
        assert!(parse_fill_time(Some("0"), false).is_err());
        assert!(parse_fill_time(Some("-1"), true).is_err() && parse_fill_time(Some("soon"), true).is_err());
    }

    #[test]
    fn listen_url_comes_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        let node = NodeConfig { database_listen_url_file: Some(file.clone()), ..NodeConfig::default() };
        assert!(node.settings().unwrap_err().to_string().contains("reading "), "the file is missing");
        std::fs::write(&file, "postgres://candor@db.example/candor\n").unwrap();
        assert_eq!(node.settings().unwrap().listen_url.as_deref(), Some("postgres://candor@db.example/candor"));
        std::fs::write(&file, "sqlite://candor.db").unwrap();
        let refused = format!("{:#}", node.settings().unwrap_err());
        assert_eq!(refused, "--database-listen-url: the database address must begin with postgres://");
    }
}
