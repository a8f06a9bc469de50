//! Roles and second factors from an identity provider's login.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::forms::parse_required_line;
use super::manager::{MAX_NAME, Role, parse_email};
use super::second_factor::REAUTH_LIFETIME;

/// What the provider states about a person after a login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    pub issuer: String,
    /// The provider's permanent id of the person.
    pub subject: String,
    /// Verified by the provider, with its spelling.
    pub email: String,
    pub name: Option<String>,
    pub groups: Vec<String>,
    /// Authentication method references (RFC 8176).
    pub methods: Vec<String>,
    /// `auth_time`, if the provider sends it.
    pub logged_in_at: Option<DateTime<Utc>>,
}

impl Person {
    /// The time of authentication, for the reauthentication check. Without `auth_time` the login does not count as
    /// fresh, because the provider may have used a session that is days old. A time in the future counts as `now`.
    pub fn proved_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.logged_in_at.map_or(now - REAUTH_LIFETIME, |at| at.min(now))
    }

    /// A valid one-line name, else the part of the address before the `@`.
    pub fn display_name(&self) -> String {
        let line = |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect() };
        let name = self.name.as_deref().and_then(|name| parse_required_line(&line(name), MAX_NAME, "").ok());
        name.unwrap_or_else(|| line(self.email.split('@').next().unwrap_or_default()))
    }
}

/// A provider login connected to a manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    pub issuer: String,
    /// The provider's permanent id of the person.
    pub subject: String,
    /// The provider's address at the time of connecting; empty if it was invalid or not stored.
    pub email: String,
}

impl Identity {
    /// Drops an invalid address: providers don't limit its length.
    pub fn from_person(person: &Person) -> Self {
        let email = parse_email(&person.email).unwrap_or_default();
        Self { issuer: person.issuer.clone(), subject: person.subject.clone(), email }
    }
}

/// Grants a role to persons with matching claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRule {
    who: RuleSubject,
    role: Role,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum RuleSubject {
    /// The exact domain of the address, in lower case.
    Domain(String),
    Group(String),
}

impl RoleRule {
    fn applies_to(&self, person: &Person) -> bool {
        match &self.who {
            RuleSubject::Domain(domain) => {
                person.email.rsplit_once('@').is_some_and(|(_, host)| host.eq_ignore_ascii_case(domain))
            }
            RuleSubject::Group(group) => person.groups.contains(group),
        }
    }
}

/// The highest role of all matching rules.
pub fn role_of(rules: &[RoleRule], person: &Person) -> Option<Role> {
    rules.iter().filter(|rule| rule.applies_to(person)).map(|rule| rule.role).max()
}

impl FromStr for RoleRule {
    type Err = String;

    /// `domain:example.com=viewer` or `group:status-owners=owner`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("“{text}” is not a role mapping; use domain:example.com=viewer or group:status-owners=owner");
        let (who, role) = text.trim().rsplit_once('=').ok_or_else(wrong)?;
        let role = Role::from_key(role.trim()).ok_or_else(wrong)?;
        let who = match who.trim().split_once(':') {
            Some(("domain", domain)) if domain.contains('.') && !domain.contains(['@', '*', ' ']) => {
                RuleSubject::Domain(domain.to_ascii_lowercase())
            }
            Some(("group", group)) if !group.is_empty() => RuleSubject::Group(group.to_owned()),
            _ => return Err(wrong()),
        };
        Ok(Self { who, role })
    }
}

/// When a provider login also counts as a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProviderFactor {
    /// If the provider reports one.
    #[default]
    ByClaims,
    Always,
    Never,
}

impl ProviderFactor {
    /// Whether `methods` (RFC 8176) amount to two factors: `mfa`, or two kinds out of knowledge, possession and
    /// biometrics. SMS and phone calls don't count.
    pub fn counts(self, methods: &[String]) -> bool {
        const FACTOR_KINDS: [&[&str]; 3] =
            [&["pwd", "pin", "kba"], &["otp", "hwk", "swk", "sc", "pop"], &["face", "fpt", "iris", "retina", "vbm"]];
        let names = |known: &[&str]| methods.iter().any(|method| known.contains(&method.as_str()));
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::ByClaims => names(&["mfa"]) || FACTOR_KINDS.into_iter().filter(|kind| names(kind)).count() >= 2,
        }
    }
}

impl FromStr for ProviderFactor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "by-claims" => Ok(Self::ByClaims),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(format!("“{text}” must be by-claims, always or never")),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::second_factor::is_fresh;

    fn person(email: &str, groups: &[&str]) -> Person {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Person { email: email.into(), groups, ..Person::default() }
    }

    fn rules(texts: &[&str]) -> Vec<RoleRule> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn login_time_comes_from_auth_time_else_not_fresh() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let proved_at = |at| Person { logged_in_at: at, ..Person::default() }.proved_at(now);
        assert_eq!(proved_at(Some(now - TimeDelta::hours(5))), now - TimeDelta::hours(5));
        assert_eq!(proved_at(Some(now + TimeDelta::hours(5))), now);
        assert!(!is_fresh(proved_at(None), now));
    }

    #[test]
    fn highest_matching_role_wins() {
        let rules = rules(&["domain:Example.org=viewer", "group:a=b=publisher", "group:owners=owner"]);
        assert_eq!(role_of(&rules, &person("ines@example.ORG", &[])), Some(Role::Viewer));
        assert_eq!(role_of(&rules, &person("ines@example.org", &["owners", "a=b"])), Some(Role::Owner));
        assert_eq!(role_of(&rules, &person("ines@elsewhere.test", &["a=b"])), Some(Role::Publisher));
    }

    #[test]
    fn similar_domain_or_group_gets_no_role() {
        let rules = rules(&["domain:example.org=viewer", "group:owners=owner"]);
        for (email, group) in [
            ("ines@sub.example.org", "x"),
            ("ines@example.org.evil.test", "x"),
            ("ines@notexample.org", "x"),
            ("example.org", "x"),
            ("", "Owners"),
            ("ines@evil.test", "owners "),
        ] {
            assert_eq!(role_of(&rules, &person(email, &[group])), None, "{email} {group}");
        }
        assert_eq!(role_of(&[], &person("ines@example.org", &["owners"])), None);
    }

    #[test]
    fn invalid_role_rule_is_rejected() {
        for bad in ["", "domain:example.org", "domain:=owner", "domain:*.org=viewer", "domain:org=viewer"] {
            assert!(bad.parse::<RoleRule>().is_err(), "{bad}");
        }
        for bad in ["group:=owner", "group:x=admin", "owners=owner", "domain:a@b.org=owner", "mail:x@y.z=owner"] {
            assert!(bad.parse::<RoleRule>().is_err(), "{bad}");
        }
    }

    #[test]
    fn password_or_sms_alone_is_no_second_factor() {
        let methods = |list: &[&str]| list.iter().map(|method| (*method).to_owned()).collect::<Vec<_>>();
        assert!(ProviderFactor::ByClaims.counts(&methods(&["pwd", "mfa"])));
        assert!(ProviderFactor::ByClaims.counts(&methods(&["pwd", "otp"])));
        assert!(ProviderFactor::ByClaims.counts(&methods(&["hwk", "fpt"])));
        for one in [&["otp"][..], &["hwk"], &["sc"], &["otp", "hwk"], &["pwd", "pin"], &["pwd", "sms"], &["pwd", "tel"]]
        {
            assert!(!ProviderFactor::ByClaims.counts(&methods(one)), "{one:?}");
        }
        assert!(!ProviderFactor::ByClaims.counts(&[]));
        assert!(!ProviderFactor::Never.counts(&methods(&["mfa"])));
        assert!(ProviderFactor::Always.counts(&[]));
    }

    #[test]
    fn display_name_is_one_limited_line() {
        let named = |name: Option<&str>| Person { name: name.map(Into::into), ..person("rui@example.org", &[]) };
        assert_eq!(named(Some(" Rui\r\nReis ")).display_name(), "RuiReis");
        assert_eq!(named(Some(" \n")).display_name(), "rui");
        assert_eq!(named(None).display_name(), "rui");
        assert_eq!(named(Some(&"x".repeat(500))).display_name().len(), MAX_NAME);
    }
}
