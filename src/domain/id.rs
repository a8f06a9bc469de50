//! Identifiers: short strings, also used in URLs. Each kind has its own type, so that they can't be mixed up.

use serde::{Deserialize, Serialize};

/// In bytes. Generated ids have 12; imported ids may be longer.
pub const MAX_ID: usize = 40;

/// ASCII letters, digits, `-` and `_`: safe in any URL.
pub fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Lower-case path segments that occur where an id may occur. An object with such an id would hide one of our pages, or
/// be hidden by it. A test compares them with the route tables; some are reserved for future routes.
pub const RESERVED_WORDS: [&str; 10] =
    ["active", "active_maintenance", "all", "edit", "index", "new", "scheduled", "search", "unresolved", "upcoming"];

/// Generated ids have 12 characters and never match a reserved word.
pub fn is_reserved(text: &str) -> bool {
    RESERVED_WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Statuspage uses the same alphabet for its ids.
const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn parse(text: &str) -> Option<Self> {
                is_id(text).then(|| Self(text.to_owned()))
            }

            /// A new id of 12 letters and digits from random bytes.
            pub fn from_random(bytes: [u8; 12]) -> Self {
                let letter = |b: u8| char::from(ALPHABET[usize::from(b) % ALPHABET.len()]);
                Self(bytes.into_iter().map(letter).collect())
            }

            /// `None` unless [`Self::from_random`] could have produced `text`.
            pub fn parse_fresh(text: &str) -> Option<Self> {
                (text.len() == 12 && text.bytes().all(|b| ALPHABET.contains(&b))).then(|| Self(text.to_owned()))
            }

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
    /// A component's id.
    ComponentId
);
id!(
    /// A component group's id.
    GroupId
);
id!(
    /// An incident's id; the permalink is `/incidents/{id}`.
    IncidentId
);
id!(
    /// The id of an update of an incident or a maintenance.
    UpdateId
);
id!(
    /// A maintenance's id; shares the permalinks `/incidents/{id}` with incidents.
    MaintenanceId
);
id!(
    /// A recurring maintenance's id.
    SeriesId
);
id!(
    /// An API token's id, not its secret.
    TokenId
);
id!(
    /// A template's id.
    TemplateId
);
id!(
    /// The id of an uptime correction.
    CorrectionId
);
id!(
    /// A draft's id.
    DraftId
);
id!(
    /// A manager's id.
    ManagerId
);
id!(
    /// A passkey's id.
    PasskeyId
);
id!(
    /// A subscriber's id.
    SubscriberId
);
id!(
    /// The id of a notice to subscribers.
    NoticeId
);
id!(
    /// An announcement's id.
    AnnouncementId
);
id!(
    /// The id of an import that was started in the admin.
    PageImportId
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
