//! Hides secrets in settings that are shown.

const HIDDEN: &str = "…";

/// Replaces passwords in URLs, and the whole value if it is a secret but no URL.
pub fn hide_secrets(value: &str, is_secret: bool) -> String {
    let Some((scheme, rest)) = value.split_once("://") else {
        return if is_secret && !value.is_empty() { HIDDEN.to_owned() } else { value.to_owned() };
    };
    let (address, query) = match rest.split_once('?') {
        // A password with a question mark, or a parameter with an @: it can't be told which.
        Some((_, query)) if query.contains('@') => return format!("{scheme}://{HIDDEN}"),
        Some((address, query)) => (address, Some(query)),
        None => (rest, None),
    };
    let mut shown = format!("{scheme}://{}", hide_password(address));
    if let Some(query) = query {
        shown.push('?');
        shown.push_str(&query.split('&').map(hide_parameter).collect::<Vec<_>>().join("&"));
    }
    shown
}

/// `user:…@host`. The password may contain any character; a user name that equals it is hidden too.
fn hide_password(address: &str) -> String {
    let Some((user_info, host)) = address.rsplit_once('@') else { return address.to_owned() };
    match user_info.split_once(':') {
        Some((user, password)) if user == password => format!("{HIDDEN}:{HIDDEN}@{host}"),
        Some((user, _)) => format!("{user}:{HIDDEN}@{host}"),
        None => address.to_owned(),
    }
}

fn hide_parameter(parameter: &str) -> String {
    let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
    let lower = name.to_lowercase();
    let is_secret = ["pass", "secret", "token", "key"].iter().any(|word| lower.contains(word));
    if is_secret { format!("{name}={HIDDEN}") } else { parameter.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_secrets_are_hidden() {
        let cases = [
            ("postgres://candor:hush@db/candor", "postgres://candor:…@db/candor"),
            ("postgres://candor:hush@a:5432,b:5432/candor", "postgres://candor:…@a:5432,b:5432/candor"),
            ("postgres://candor:hu/sh@x@db/candor", "postgres://candor:…@db/candor"),
            ("postgres://db/candor?user=c&password=hush", "postgres://db/candor?user=c&password=…"),
            ("postgres://candor:hu?sh@db/candor", "postgres://…"),
            ("smtp://0123-token:0123-token@mail.example", "smtp://…:…@mail.example"),
            ("sqlite://data/candor.db", "sqlite://data/candor.db"),
            ("host=db password=hush", "…"),
            ("0123456789abcdef", "…"),
            ("", ""),
        ];
        for (value, shown) in cases {
            assert_eq!(hide_secrets(value, true), shown);
        }
        assert_eq!(hide_secrets("https://a.example", false), "https://a.example");
        assert_eq!(hide_secrets("https://ines:hush@hooks.example", false), "https://ines:…@hooks.example");
        assert_eq!(hide_secrets("Status <status@example.org>", false), "Status <status@example.org>");
    }

    #[test]
    fn no_part_of_a_password_with_odd_characters_is_shown() {
        for password in ["hush?hush", "hush@hush", "hush/hush", "hush:hush", "hush&hush?hush@hush", "hush#hush"] {
            let shown = hide_secrets(&format!("postgres://candor:{password}@db/candor"), true);
            assert!(!shown.contains("hush"), "{shown}");
        }
    }
}
