//! One of several servers on a database.

use std::str::FromStr;

/// Longest name of a node, in characters.
pub const MAX_NODE_NAME: usize = 100;

/// What distinguishes this server from the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSettings {
    pub name: NodeName,
    /// Where PostgreSQL notifies of changes, if the database's address leads to a pooler.
    pub listen_url: Option<String>,
    pub migrate: MigrateMode,
}

/// A name without control characters, spaces and quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName(String);

impl NodeName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest valid name.
    pub fn from_lossy(text: &str) -> Self {
        let name: String = text.chars().filter(|c| is_allowed(*c)).take(MAX_NODE_NAME).collect();
        if name.is_empty() { Self::default() } else { Self(name) }
    }
}

impl Default for NodeName {
    fn default() -> Self {
        Self("node".to_owned())
    }
}

fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '@')
}

impl FromStr for NodeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.chars().count() > MAX_NODE_NAME || !text.chars().all(is_allowed) {
            return Err(format!("a node's name has 1 to {MAX_NODE_NAME} letters, digits and -_.:@"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// What a server does with a database of an older version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MigrateMode {
    /// Migrates it and serves.
    #[default]
    Auto,
    /// Waits until another process has migrated it.
    Never,
    /// Migrates it and exits.
    Only,
}

impl FromStr for MigrateMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "never" => Ok(Self::Never),
            "only" => Ok(Self::Only),
            _ => Err("expected auto, never or only".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_names_are_safe_in_labels_and_tables() {
        assert_eq!("web-1.example".parse::<NodeName>().unwrap().as_str(), "web-1.example");
        assert!(["", "a b", "a\"b", "a\nb", &"x".repeat(101)].iter().all(|name| name.parse::<NodeName>().is_err()));
        assert_eq!(NodeName::from_lossy("web 1\n").as_str(), "web1");
        assert_eq!(NodeName::from_lossy(""), NodeName::default());
    }
}
