//! DNS records that the system's resolver does not return: TXT and MX.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{ResolverBuilder, TokioResolver};

/// Of one attempt; there is a second one.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Longer records are cut, in bytes.
const MAX_RECORD: usize = 4096;
/// Further records of a name are ignored.
const MAX_RECORDS: usize = 100;

pub struct DnsResolver(TokioResolver);

/// A name could not be looked up. A name without records is no failure.
#[derive(Debug, thiserror::Error)]
#[error("looking up {name}: {reason}")]
pub struct DnsFailure {
    pub name: String,
    pub reason: String,
}

/// A mail server of a domain. The host of a null MX (RFC 7505) is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailExchange {
    pub preference: u16,
    pub host: String,
}

impl DnsResolver {
    /// Asks the servers that the machine is configured with.
    pub fn system() -> anyhow::Result<Self> {
        let builder = TokioResolver::builder_tokio().context("reading the DNS configuration of the machine")?;
        Ok(Self(limit_attempts(builder).build()?))
    }

    /// Asks one server, over UDP, and over TCP if the answer is long.
    pub fn at(server: SocketAddr) -> anyhow::Result<Self> {
        let on_port = |mut connection: ConnectionConfig| {
            connection.port = server.port();
            connection
        };
        let connections = vec![on_port(ConnectionConfig::udp()), on_port(ConnectionConfig::tcp())];
        let servers = vec![NameServerConfig::new(server.ip(), true, connections)];
        let config = ResolverConfig::from_name_servers(servers);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        Ok(Self(limit_attempts(builder).build()?))
    }

    /// The TXT records of a name, each with its parts joined; none if the name does not exist.
    pub async fn txt(&self, name: &str) -> Result<Vec<String>, DnsFailure> {
        let records = read_records(name, self.0.txt_lookup(absolute(name)).await, |data| match data {
            RData::TXT(txt) => Some(txt.txt_data.concat()),
            _ => None,
        })?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_RECORD)]).into_owned();
        Ok(records.into_iter().map(text).collect())
    }

    /// The mail servers of a domain, the preferred one first; none if the domain does not exist.
    pub async fn mx(&self, domain: &str) -> Result<Vec<MailExchange>, DnsFailure> {
        let mut records = read_records(domain, self.0.mx_lookup(absolute(domain)).await, |data| match data {
            RData::MX(mx) => Some(MailExchange {
                preference: mx.preference,
                host: mx.exchange.to_ascii().trim_end_matches('.').to_owned(),
            }),
            _ => None,
        })?;
        records.sort_by(|a, b| (a.preference, &a.host).cmp(&(b.preference, &b.host)));
        Ok(records)
    }

    /// Whether the name has an IPv4 or IPv6 address.
    pub async fn has_address(&self, name: &str) -> Result<bool, DnsFailure> {
        let is_address = |data: &RData| matches!(data, RData::A(_) | RData::AAAA(_)).then_some(());
        let v4 = read_records(name, self.0.ipv4_lookup(absolute(name)).await, is_address)?;
        Ok(!v4.is_empty() || !read_records(name, self.0.ipv6_lookup(absolute(name)).await, is_address)?.is_empty())
    }
}

fn limit_attempts(mut builder: ResolverBuilder<TokioRuntimeProvider>) -> ResolverBuilder<TokioRuntimeProvider> {
    builder.options_mut().timeout = TIMEOUT;
    builder.options_mut().attempts = 1;
    builder
}

/// With a final dot the machine's search domains do not apply.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

fn read_records<T>(
    name: &str,
    answer: Result<Lookup, NetError>,
    read: impl Fn(&RData) -> Option<T>,
) -> Result<Vec<T>, DnsFailure> {
    match answer {
        Ok(lookup) => Ok(lookup.answers().iter().filter_map(|record| read(&record.data)).take(MAX_RECORDS).collect()),
        Err(error) if error.is_no_records_found() => Ok(Vec::new()),
        Err(error) => Err(DnsFailure { name: name.to_owned(), reason: error.to_string() }),
    }
}
