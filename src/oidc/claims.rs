//! The claims of a person, from the ID token or the userinfo endpoint.

use serde_json::Value;

use super::types::ExtraClaims;

/// The most groups read per person.
const MAX_GROUPS: usize = 1000;

#[derive(Default)]
pub struct PersonClaims {
    /// With whether the provider has verified the address.
    pub email: Option<(String, bool)>,
    pub name: Option<String>,
    pub groups: Option<Vec<String>>,
}

impl PersonClaims {
    pub fn new(more: &ExtraClaims, groups_claim: &str) -> Self {
        let groups = more.0.get(groups_claim).map(|groups| match groups {
            Value::String(group) => vec![group.clone()],
            Value::Array(list) => list.iter().filter_map(Value::as_str).take(MAX_GROUPS).map(str::to_owned).collect(),
            _ => Vec::new(),
        });
        Self { groups, ..Self::default() }
    }

    /// Takes missing claims from `other`.
    pub fn or(self, other: Self) -> Self {
        Self { email: self.email.or(other.email), name: self.name.or(other.name), groups: self.groups.or(other.groups) }
    }
}

/// A macro, because the library has two types with the same claims.
macro_rules! claims_from {
    ($claims:expr, $groups_claim:expr) => {
        PersonClaims {
            email: $claims.email().map(|email| (email.to_string(), $claims.email_verified().unwrap_or(false))),
            name: $claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()),
            ..PersonClaims::new($claims.additional_claims(), $groups_claim)
        }
    };
}
pub(super) use claims_from;
