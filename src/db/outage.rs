//! Classifies write failures by what the operator can do.

use serde::Serialize;

use super::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    Unreachable,
    /// Another writer holds the lock for too long.
    Locked,
    ReadOnly,
    Full,
    /// The file is truncated or corrupt.
    Damaged,
    /// Tables are missing or not writable.
    Incomplete,
}

/// Substrings of database errors in lower case. The first match counts.
const ERROR_TEXTS: [(&str, Outage); 14] = [
    ("disk is full", Outage::Full),
    ("no space left", Outage::Full),
    ("disk full", Outage::Full),
    ("read-only", Outage::ReadOnly),
    ("readonly", Outage::ReadOnly),
    ("database is locked", Outage::Locked),
    ("table is locked", Outage::Locked),
    ("lock timeout", Outage::Locked),
    ("malformed", Outage::Damaged),
    ("not a database", Outage::Damaged),
    ("disk i/o error", Outage::Damaged),
    ("no such table", Outage::Incomplete),
    ("does not exist", Outage::Incomplete),
    ("permission denied", Outage::Incomplete),
];

impl Outage {
    /// `error` may contain names and addresses, so it belongs only in the log.
    pub fn from_error(error: &Error) -> Self {
        let said = format!("{error:#}").to_lowercase();
        ERROR_TEXTS.iter().find(|(words, _)| said.contains(words)).map_or(Self::Unreachable, |(_, outage)| *outage)
    }

    /// A sentence without names and addresses.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Unreachable => "The database does not answer.",
            Self::Locked => "Another process holds the database's write lock.",
            Self::ReadOnly => "The database is read-only.",
            Self::Full => "The disk of the database is full.",
            Self::Damaged => "The database file is damaged or truncated, or its disk fails.",
            Self::Incomplete => "Tables are missing from the database, or may not be written.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_errors_name_the_outage() {
        for (said, outage) in [
            ("error returned from database: (code: 13) database or disk is full", Outage::Full),
            ("could not extend file \"base/5/1\": No space left on device", Outage::Full),
            ("(code: 8) attempt to write a readonly database", Outage::ReadOnly),
            ("cannot execute INSERT in a read-only transaction", Outage::ReadOnly),
            ("(code: 5) database is locked", Outage::Locked),
            ("canceling statement due to lock timeout", Outage::Locked),
            ("(code: 11) database disk image is malformed", Outage::Damaged),
            ("relation \"incidents\" does not exist", Outage::Incomplete),
            ("Connection refused (os error 111)", Outage::Unreachable),
        ] {
            assert_eq!(Outage::from_error(&Error::Unavailable(said.to_owned())), outage, "{said}");
        }
    }
}
