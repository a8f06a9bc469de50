//! Identifiers: short texts that also stand in URLs, one type per thing so that they can't be mixed up.

use serde::{Deserialize, Serialize};

/// The longest identifier accepted, in bytes. Our own are 12; imported ones may be longer.
pub const MAX_ID: usize = 40;

/// Whether `text` may be an identifier: ASCII letters, digits, `-` and `_`, so it is safe in any URL.
pub fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Words that stand in an address where an id could stand, in lower case: a thing of such an id would hide a page or
/// document of ours, or be hidden by it. A test compares them with the tables of routes; some are only likely to come.
pub const RESERVED_WORDS: [&str; 10] =
    ["active", "active_maintenance", "all", "edit", "index", "new", "scheduled", "search", "unresolved", "upcoming"];

/// Whether `text` can't be the id of something from elsewhere. Ids of ours are 12 random letters and digits.
pub fn is_reserved(text: &str) -> bool {
    RESERVED_WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The letters of a fresh identifier, as Statuspage writes its own.
const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The identifier in `text`, or nothing where it can't be one.
            pub fn parse(text: &str) -> Option<Self> {
                is_id(text).then(|| Self(text.to_owned()))
            }

            /// A fresh identifier of 12 letters and digits, made from random bytes.
            pub fn from_random(bytes: [u8; 12]) -> Self {
                let letter = |b: u8| char::from(ALPHABET[usize::from(b) % ALPHABET.len()]);
                Self(bytes.into_iter().map(letter).collect())
            }

            /// The identifier in `text`, or nothing where [`Self::from_random`] can't have made it.
            pub fn parse_fresh(text: &str) -> Option<Self> {
                (text.len() == 12 && text.bytes().all(|b| ALPHABET.contains(&b))).then(|| Self(text.to_owned()))
            }

            /// The identifier as it stands in URLs and in the database.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A component of the page.
    ComponentId
);
id!(
    /// A group of components.
    GroupId
);
id!(
    /// An incident; its permalink is `/incidents/{id}`.
    IncidentId
);
id!(
    /// One update of an incident.
    UpdateId
);
id!(
    /// A scheduled maintenance; it shares the permalinks `/incidents/{id}` with the incidents.
    MaintenanceId
);
id!(
    /// A maintenance that comes again.
    SeriesId
);
id!(
    /// An API token, without its secret.
    TokenId
);
id!(
    /// A template.
    TemplateId
);
id!(
    /// A correction of a component's uptime.
    CorrectionId
);
id!(
    /// A draft.
    DraftId
);
id!(
    /// A manager: somebody who may log in.
    ManagerId
);
id!(
    /// A passkey of a manager.
    PasskeyId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_safe_in_a_url() {
        assert!(IncidentId::parse("q9s3e7u1a5lh").is_some());
        for bad in ["", "a/b", "a b", "é", "../x", &"a".repeat(MAX_ID + 1)] {
            assert!(IncidentId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_generated_ids_parse_as_fresh() {
        let made = IncidentId::from_random([0, 9, 10, 35, 36, 71, 72, 99, 128, 200, 254, 255]);
        assert_eq!(IncidentId::parse_fresh(made.as_str()), Some(made));
        for other in ["", "history", "Q9S3E7U1A5LH", "q9s3e7u1a5l", "q9s3e7u1a5lhx", "q9s3e7u1-5lh", "q9s3e7u1a5é"] {
            assert!(IncidentId::parse_fresh(other).is_none(), "{other}");
        }
    }
}
