//! The address of a PostgreSQL database, which may name several servers: `postgres://a,b:5433/db`.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::{Error, Result};

/// The parameters that have an effect. sqlx ignores others with a warning.
const PARAMETERS: [&str; 19] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "target_session_attrs",
    "user",
];
const DEFAULT_PORT: &str = "5432";

/// A server as the address names it: host or directory of a socket, and port.
type Server = (String, Option<String>);

/// The servers of the address, in its order.
///
/// # Errors
/// The address is malformed, or has a parameter that would be ignored.
pub(super) fn parse_servers(address: &str) -> Result<Vec<PgConnectOptions>> {
    let (servers, single) = split_authority(address)?;
    let url: Url = single.parse().map_err(|error| Error::other(format!("the database address: {error}")))?;
    check_parameters(&url)?;
    let servers = merge_parameters(servers, &url)?;
    servers.iter().map(|server| options_of(&url, server)).collect()
}

/// The servers of the authority, and the address with the first one only, because URLs name one host.
fn split_authority(address: &str) -> Result<(Vec<Server>, String)> {
    let parts = address.split_once("://").filter(|(scheme, _)| matches!(*scheme, "postgres" | "postgresql"));
    let Some((scheme, rest)) = parts else {
        return Err(Error::other("the database address must begin with postgres://"));
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
    let servers: Vec<Server> = hosts.split(',').map(split_port).collect();
    if servers.len() > 1 && servers.iter().any(|(host, _)| host.is_empty()) {
        return Err(Error::other("the database address has a comma without a host"));
    }
    let first = match hosts.split(',').next().unwrap_or_default() {
        // A URL with a user needs a host; the parameter `host` replaces it.
        "" if !user.is_empty() => "localhost",
        first => first,
    };
    let user = if user.is_empty() { String::new() } else { format!("{user}@") };
    Ok((servers, format!("{scheme}://{user}{first}{path}")))
}

fn split_port(server: &str) -> Server {
    let end = server.rfind(']').map_or(0, |bracket| bracket + 1);
    match server[end..].split_once(':') {
        Some((host, port)) => (format!("{}{host}", &server[..end]), Some(port.to_owned())),
        None => (server.to_owned(), None),
    }
}

fn check_parameters(url: &Url) -> Result<()> {
    for (name, value) in url.query_pairs() {
        let is_setting = name.starts_with("options[") && name.ends_with(']');
        if !PARAMETERS.contains(&&*name) && !is_setting {
            return Err(Error::other(format!(
                "the database address has the unknown parameter \"{name}\"; known are {} and options[NAME]",
                PARAMETERS.join(", ")
            )));
        }
        if name == "target_session_attrs" && value != "read-write" {
            return Err(Error::other(format!(
                "target_session_attrs={value} is not supported: Candor writes, so it always looks for a server with \
                 read-write"
            )));
        }
    }
    Ok(())
}

/// The servers of the parameters `host` (or `hostaddr`) and `port`, which override those of the authority.
fn merge_parameters(authority: Vec<Server>, url: &Url) -> Result<Vec<Server>> {
    let parameter = |wanted: &str| url.query_pairs().filter(|(name, _)| name == wanted).map(|(_, value)| value).last();
    let list = |value: &str| value.split(',').map(str::to_owned).collect::<Vec<_>>();
    let hosts = parameter("hostaddr").or_else(|| parameter("host"));
    let mut servers = match hosts {
        Some(hosts) if authority.len() == 1 => {
            let port = authority[0].1.clone();
            list(&hosts).into_iter().map(|host| (host, port.clone())).collect()
        }
        Some(hosts) => list(&hosts).into_iter().map(|host| (host, None)).collect(),
        None => authority,
    };
    let ports = parameter("port").map(|ports| list(&ports)).unwrap_or_default();
    match ports.len() {
        0 => {}
        1 => servers.iter_mut().for_each(|(_, port)| *port = Some(ports[0].clone())),
        count if count == servers.len() => {
            servers.iter_mut().zip(ports).for_each(|((_, port), own)| *port = Some(own));
        }
        count => {
            return Err(Error::other(format!("the database address has {} hosts but {count} ports", servers.len())));
        }
    }
    if servers.len() > 1 {
        servers.iter_mut().for_each(|(_, port)| *port = port.take().or_else(|| Some(DEFAULT_PORT.to_owned())));
    }
    Ok(servers)
}

fn options_of(url: &Url, (host, port): &Server) -> Result<PgConnectOptions> {
    let mut single = url.clone();
    let removed = ["host", "hostaddr", "port", "target_session_attrs"];
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !removed.contains(&&**name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    single.query_pairs_mut().clear().extend_pairs(kept);
    if !host.is_empty() {
        // As parameters, because a URL's host can't be a directory.
        single.query_pairs_mut().append_pair("host", host.trim_matches(['[', ']']));
    }
    if let Some(port) = port {
        single.query_pairs_mut().append_pair("port", port);
    }
    let options = PgConnectOptions::from_str(single.as_str());
    let options = options.map_err(|error| Error::other(format!("the database address: {error}")))?;
    let named = url.query_pairs().any(|(name, _)| name == "application_name");
    Ok(if named { options } else { options.application_name("candor") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(address: &str) -> Vec<(String, u16)> {
        let servers = parse_servers(address).unwrap();
        let place = |options: &PgConnectOptions| match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => options.get_host().to_owned(),
        };
        servers.iter().map(|options| (place(options), options.get_port())).collect()
    }

    fn refusal(address: &str) -> String {
        parse_servers(address).unwrap_err().to_string()
    }

    #[test]
    fn one_host_stays_one_server() {
        assert_eq!(servers("postgres://u:p@db.example:6432/candor"), [("db.example".into(), 6432)]);
        assert_eq!(servers("postgres://u@localhost/db?host=%2Frun%2Fpg"), [("/run/pg".into(), 5432)]);
        assert_eq!(servers("postgresql://[::1]:5433/db"), [("::1".into(), 5433)]);
    }

    #[test]
    fn several_hosts_keep_their_order_and_ports() {
        let expected = [("a".to_owned(), 5432), ("b".to_owned(), 5433), ("::1".to_owned(), 5434)];
        assert_eq!(servers("postgres://u:p%2C@a,b:5433,[::1]:5434/db?sslmode=disable"), expected);
        assert_eq!(servers("postgres://u@/db?host=a,b,::1&port=5432,5433,5434"), expected);
        assert_eq!(servers("postgres://u@localhost/db?host=%2Fa,%2Fb"), [("/a".into(), 5432), ("/b".into(), 5432)]);
        let options = parse_servers("postgres://u:p%2C@a,b:5433/db").unwrap();
        assert!(options.iter().all(|it| it.get_username() == "u" && it.get_database() == Some("db")));
    }

    #[test]
    fn unknown_parameters_are_refused_by_name() {
        let refused = refusal("postgres://a/db?load_balance_hosts=random");
        assert!(refused.contains("\"load_balance_hosts\"") && refused.contains("sslmode"), "{refused}");
        assert!(refusal("postgres://a/db?connect_timeout=3").contains("\"connect_timeout\""));
        assert!(refusal("postgres://a/db?target_session_attrs=any").contains("read-write"));
        assert!(parse_servers("postgres://a/db?target_session_attrs=read-write&options[work_mem]=8MB").is_ok());
        assert!(parse_servers("postgres://a/db?statement-cache-capacity=0").is_ok());
    }

    #[test]
    fn hosts_and_ports_must_match() {
        assert!(refusal("postgres://u@/db?host=a,b,c&port=1,2").contains("3 hosts but 2 ports"));
        assert!(refusal("postgres://a,,b/db").contains("comma"));
        assert!(parse_servers("postgres://a:port/db").is_err());
    }
}
