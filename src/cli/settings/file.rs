//! The settings file: TOML with the long flags as keys.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use toml::de::{DeTable, DeValue};

use super::catalogue::{Kind, Setting, nearest_name};
use crate::regular_file::{self, Links};

/// In bytes.
const MAX_SIZE: u64 = 1 << 20;
const WRITABLE_BY_OTHERS: u32 = 0o002;
const READABLE_BY_OTHERS: u32 = 0o004;

#[derive(Debug, Default)]
pub struct SettingsFile {
    pub path: PathBuf,
    pub entries: BTreeMap<String, Entry>,
    /// Each with file and line.
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub line: usize,
    /// As they would be written on the command line.
    pub values: Vec<String>,
}

/// A place in the file, for messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    pub file: PathBuf,
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

impl SettingsFile {
    /// Reads and checks the file. Whatever is wrong is a problem in the result.
    pub fn read(path: &Path, known: &[Setting]) -> Self {
        let read = regular_file::read(path, MAX_SIZE, Links::Followed);
        let text = read.and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
        match text {
            Ok(text) => {
                let mut file = Self::parse(path, &text, known);
                file.warn_of_access(known);
                file
            }
            Err(error) => Self {
                path: path.to_owned(),
                problems: vec![format!("reading {}: {error}", path.display())],
                ..Self::default()
            },
        }
    }

    fn parse(path: &Path, text: &str, known: &[Setting]) -> Self {
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        let line_at = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
        let (table, errors) = DeTable::parse_recoverable(text);
        if let Some(error) = errors.first() {
            // What follows the first mistake may be read wrongly.
            let line = line_at(error.span().map_or(0, |span| span.start));
            file.problems.push(format!("{}: {}", file.place(line), error.message()));
            return file;
        }
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let (name, line) = (key.get_ref().as_ref(), line_at(key.span().start));
            match read_entry(name, value.get_ref(), known) {
                // As an empty variable.
                Ok(values) if values.iter().all(String::is_empty) => {}
                Ok(values) => {
                    file.entries.insert(name.to_owned(), Entry { line, values });
                }
                Err(reason) => file.problems.push(format!("{}: {name}: {reason}", file.place(line))),
            }
        }
        file
    }

    pub fn place(&self, line: usize) -> Place {
        Place { file: self.path.clone(), line }
    }

    fn warn_of_access(&mut self, known: &[Setting]) {
        let Ok(about) = std::fs::metadata(&self.path) else { return };
        let path = self.path.display();
        let owner = about.uid();
        if about.mode() & WRITABLE_BY_OTHERS != 0 {
            self.warnings.push(format!("{path} can be changed by every user of this machine: chmod o-w {path}"));
        }
        if owner != 0 && owner != rustix::process::geteuid().as_raw() {
            self.warnings.push(format!("{path} belongs to the user with id {owner}, who can change it"));
        }
        if about.mode() & READABLE_BY_OTHERS != 0 && self.holds_secret(known) {
            self.warnings
                .push(format!("{path} has a secret and can be read by every user of this machine: chmod o-r {path}"));
        }
    }

    fn holds_secret(&self, known: &[Setting]) -> bool {
        let setting = |name: &str| known.iter().find(|setting| setting.name == name);
        self.entries.iter().any(|(name, entry)| {
            setting(name).is_some_and(|setting| entry.values.iter().any(|value| setting.has_secret(value)))
        })
    }
}

/// The values of a key, as they would be written on the command line.
fn read_entry(name: &str, value: &DeValue<'_>, known: &[Setting]) -> Result<Vec<String>, String> {
    if let DeValue::Table(_) = value {
        return Err("tables are not used: write each setting as KEY = VALUE, before any [TABLE]".to_owned());
    }
    let keys = || known.iter().filter(|setting| setting.is_key());
    let Some(setting) = keys().find(|setting| setting.name == name) else {
        if name == "config" {
            return Err("a settings file can't name another one".to_owned());
        }
        let nearest = nearest_name(name, keys().map(|setting| setting.name.as_str()));
        return Err(format!("unknown setting{}", nearest.map(|near| format!("; is it {near}?")).unwrap_or_default()));
    };
    let values = match (setting.kind, value) {
        (Kind::Text, DeValue::String(text)) => vec![text.to_string()],
        (Kind::Number, DeValue::Integer(number)) => vec![decimal(number)],
        (Kind::Switch, DeValue::Boolean(switch)) => vec![switch.to_string()],
        (Kind::List, DeValue::Array(items)) => {
            items.iter().map(|item| read_item(item.get_ref())).collect::<Result<Vec<_>, _>>()?
        }
        (kind, _) => return Err(format!("must be {}", describe_kind(kind))),
    };
    let words: Vec<_> = values.iter().map(Into::into).collect();
    if values.iter().any(|value| !value.is_empty()) {
        setting.check(&words)?;
    }
    Ok(values)
}

fn read_item(item: &DeValue<'_>) -> Result<String, String> {
    match item {
        DeValue::String(text) if text.contains(',') => Err("an item contains a comma: write two items".to_owned()),
        DeValue::String(text) if text.is_empty() => Err("an item is empty".to_owned()),
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err(format!("must be {}", describe_kind(Kind::List))),
    }
}

fn decimal(number: &toml::de::DeInteger<'_>) -> String {
    i128::from_str_radix(number.as_str(), number.radix())
        .map_or_else(|_| number.to_string(), |number| number.to_string())
}

fn describe_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a text in quotes",
        Kind::Number => "a number without quotes",
        Kind::Switch => "true or false, without quotes",
        Kind::List => "a list of texts, like [\"a\", \"b\"]",
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use clap::CommandFactory as _;

    use super::super::catalogue::all_settings;
    use super::*;
    use crate::cli::Cli;

    fn parse(text: &str) -> SettingsFile {
        SettingsFile::parse(Path::new("candor.toml"), text, &all_settings(&Cli::command()))
    }

    fn values(file: &SettingsFile, name: &str) -> Vec<String> {
        file.entries[name].values.clone()
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let file = parse(
            "# comment\nbase-url = \"https://status.example.org\"\napi-reads = 1_000\nlog-json = true\n\n\
             trusted-proxies = [\n  \"10.0.0.0/8\",\n  \"192.0.2.1\",\n]\nsmtp-from = \"\"\nses-topics = []\n",
        );
        assert_eq!(file.problems, [""; 0]);
        assert_eq!(file.entries["base-url"], Entry { line: 2, values: vec!["https://status.example.org".to_owned()] });
        assert_eq!((values(&file, "api-reads"), values(&file, "log-json")), (vec!["1000".into()], vec!["true".into()]));
        assert_eq!(values(&file, "trusted-proxies"), ["10.0.0.0/8", "192.0.2.1"]);
        assert_eq!(file.entries.len(), 4, "an empty value counts as unset");
    }

    #[test]
    fn problem_names_file_line_key_and_what_is_allowed() {
        let cases = [
            ("\nsmtp-ulr = \"smtp://localhost\"", "candor.toml:2: smtp-ulr: unknown setting; is it smtp-url?"),
            ("colour = 1", "candor.toml:1: colour: unknown setting"),
            ("config = \"other.toml\"", "candor.toml:1: config: a settings file can't name another one"),
            ("token = \"secret\"", "candor.toml:1: token: unknown setting"),
            ("api-reads = \"60\"", "candor.toml:1: api-reads: must be a number without quotes"),
            ("log-json = 1", "candor.toml:1: log-json: must be true or false, without quotes"),
            ("ses-topics = \"arn\"", "candor.toml:1: ses-topics: must be a list of texts, like [\"a\", \"b\"]"),
            ("ses-topics = [\"a,b\"]", "candor.toml:1: ses-topics: an item contains a comma: write two items"),
            ("[server]\nlisten = \"127.0.0.1:1\"", "candor.toml:1: server: tables are not used"),
            ("mail-connections = 65", "candor.toml:1: mail-connections: 65 is not in 1..=64 (Connections to the SMTP"),
            ("api-reads = 1\napi-reads = 2", "candor.toml:2: duplicate key"),
            ("api-reads = 1\nbase-url = https://a.example", "candor.toml:2: "),
        ];
        for (text, problem) in cases {
            let file = parse(text);
            assert_eq!(file.problems.len(), 1, "{text}: {:?}", file.problems);
            assert!(file.problems[0].starts_with(problem), "{text}: {:?}", file.problems);
        }
    }

    #[test]
    fn all_problems_of_a_file_are_found() {
        assert_eq!(parse("one = 1\ntwo = 2\nlisten = \"nowhere\"\napi-reads = 5\n").problems.len(), 3);
    }

    #[test]
    fn access_of_others_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("candor.toml");
        let known = all_settings(&Cli::command());
        let warnings = |text: &str, mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            SettingsFile::read(&path, &known).warnings
        };
        let secret = "database-url = \"postgres://candor:hush@db/candor\"";
        assert_eq!(warnings(secret, 0o640), [""; 0]);
        assert!(warnings(secret, 0o644)[0].contains("has a secret and can be read"));
        assert_eq!(warnings("database-url = \"sqlite:///data/candor.db\"", 0o644), [""; 0]);
        assert_eq!(warnings("mail-hook-token = \"0123456789abcdef\"", 0o604).len(), 1);
        assert!(warnings("api-reads = 5", 0o666)[0].contains("can be changed by every user"));
        std::fs::remove_file(&path).unwrap();
        assert!(SettingsFile::read(&path, &known).problems[0].starts_with("reading "));
    }
}
