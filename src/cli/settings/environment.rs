//! Environment variables that begin like those of Candor.

use super::catalogue::{Setting, nearest_name};

const PREFIX: &str = "CANDOR_";
/// They have messages of their own in release builds.
const TEST_SETTINGS: [&str; 3] =
    ["CANDOR_TEST_CLOCK_OFFSET_MS", "CANDOR_TEST_MIN_FILL_MS", "CANDOR_TEST_CERTIFICATE_CHECK_MS"];
/// Variables of the tests, which start test builds with their own environment.
const TEST_PREFIXES: [&str; 2] = ["CANDOR_TEST_", "CANDOR_REQUIRE_"];
const TEST_VARIABLES: [&str; 5] =
    ["CANDOR_BIN", "CANDOR_BINARY", "CANDOR_FIXTURES", "CANDOR_LOOK_DIR", "CANDOR_PICTURES"];
const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// What is wrong with variables that no setting has.
pub fn find_unknown(
    variables: impl IntoIterator<Item = (String, String)>,
    known: &[Setting],
    built_for_tests: bool,
) -> Vec<String> {
    let is_known = |name: &str| known.iter().any(|setting| setting.variable == name);
    let mut unknown: Vec<String> = variables
        .into_iter()
        .filter(|(name, value)| name.starts_with(PREFIX) && !is_known(name) && !value.is_empty())
        .filter(|(name, value)| !is_injected(name, value) && !is_of_tests(name, built_for_tests))
        .map(|(name, _)| name)
        .collect();
    unknown.sort();
    let visible = || known.iter().filter(|setting| !setting.is_hidden).map(|setting| setting.variable.as_str());
    let describe =
        |name: String| match nearest_name(&name[PREFIX.len()..], visible().map(|known| &known[PREFIX.len()..])) {
            Some(near) => format!("{name}: unknown environment variable; is it {PREFIX}{near}?"),
            None => format!("{name}: unknown environment variable"),
        };
    unknown.into_iter().map(describe).collect()
}

fn is_of_tests(name: &str, built_for_tests: bool) -> bool {
    TEST_SETTINGS.contains(&name)
        || built_for_tests
            && (TEST_VARIABLES.contains(&name) || TEST_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

/// Whether Kubernetes or Docker sets the variable for a service whose name begins with `candor`.
///
/// Kubernetes: `CANDOR_SERVICE_HOST`, `CANDOR_SERVICE_PORT`, `CANDOR_SERVICE_PORT_HTTP`; both: `CANDOR_PORT` with a URL,
/// `CANDOR_PORT_3000_TCP`, and that with `_ADDR`, `_PORT`, `_PROTO`; Docker's links: `CANDOR_NAME`, `CANDOR_ENV_…`.
fn is_injected(name: &str, value: &str) -> bool {
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    if let Some(("CANDOR", rest)) = name.split_once('_')
        && (rest == "NAME" && value.starts_with('/') || rest.starts_with("ENV_"))
    {
        return true;
    }
    if name.ends_with("_PORT") && PROTOCOLS.iter().any(|it| value.starts_with(&format!("{}://", it.to_lowercase()))) {
        return true;
    }
    let Some((_, port)) = name.rsplit_once("_PORT_").filter(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
    else {
        return is_part_of_port(name);
    };
    is_port(port)
}

/// `3000_TCP`, `3000_TCP_ADDR`
fn is_port(text: &str) -> bool {
    let mut parts = text.split('_');
    let number = parts.next().is_some_and(|number| number.parse::<u16>().is_ok());
    let protocol = parts.next().is_some_and(|protocol| PROTOCOLS.contains(&protocol));
    number
        && protocol
        && parts.next().is_none_or(|last| ["ADDR", "PORT", "PROTO"].contains(&last))
        && parts.next().is_none()
}

/// `…_PORT_3000_TCP_PORT`, whose last `_PORT` hides the first.
fn is_part_of_port(name: &str) -> bool {
    name.split_once("_PORT_").is_some_and(|(_, port)| is_port(port))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::catalogue::all_settings;
    use super::*;
    use crate::cli::Cli;

    fn unknown(variables: &[(&str, &str)], built_for_tests: bool) -> Vec<String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        find_unknown(variables, &all_settings(&Cli::command()), built_for_tests)
    }

    #[test]
    fn unknown_variable_is_refused_with_the_nearest_name() {
        let problems = unknown(&[("CANDOR_SMTP_ULR", "x"), ("CANDOR_COLOUR", "red"), ("PATH", "/bin")], false);
        assert_eq!(
            problems,
            [
                "CANDOR_COLOUR: unknown environment variable",
                "CANDOR_SMTP_ULR: unknown environment variable; is it CANDOR_SMTP_URL?"
            ]
        );
        assert_eq!(unknown(&[("CANDOR_COLOUR", ""), ("CANDOR_IMPORT_TOKEN", "x")], false), [""; 0]);
    }

    #[test]
    fn injected_variables_are_accepted() {
        let injected = [
            ("CANDOR_SERVICE_HOST", "10.3.1.7"),
            ("CANDOR_SERVICE_PORT", "80"),
            ("CANDOR_SERVICE_PORT_HTTP", "80"),
            ("CANDOR_METRICS_SERVICE_PORT_HTTP_METRICS", "9100"),
            ("CANDOR_PORT", "tcp://10.3.1.7:80"),
            ("CANDOR_PORT_3000_TCP", "tcp://10.3.1.7:3000"),
            ("CANDOR_PORT_3000_TCP_ADDR", "10.3.1.7"),
            ("CANDOR_PORT_3000_TCP_PORT", "3000"),
            ("CANDOR_PORT_3000_TCP_PROTO", "tcp"),
            ("CANDOR_POSTGRES_PORT_5432_TCP_PORT", "5432"),
            ("CANDOR_NAME", "/proxy/candor"),
            ("CANDOR_ENV_CANDOR_LISTEN", "0.0.0.0:3000"),
        ];
        assert_eq!(unknown(&injected, false), [""; 0]);
        let mistakes = [("CANDOR_PORT", "3000"), ("CANDOR_NAME", "Status"), ("CANDOR_PORT_3000_FAST", "x")];
        assert_eq!(unknown(&mistakes, false).len(), 3);
    }

    #[test]
    fn variables_of_tests_are_accepted_by_test_builds() {
        let variables = [("CANDOR_TEST_NOW", "now"), ("CANDOR_REQUIRE_POSTGRES", "1"), ("CANDOR_BIN", "candor")];
        assert_eq!(unknown(&variables, true), [""; 0]);
        assert_eq!(unknown(&variables, false).len(), 3);
        assert_eq!(unknown(&[("CANDOR_TEST_CLOCK_OFFSET_MS", "5")], false), [""; 0]);
    }
}
