use super::Fields;
use crate::domain::second_factor::SESSION_IDLE_CHOICES;
use crate::domain::{Invalid, LoginPolicy, Manager, PasswordPolicy};

#[derive(Clone, Debug, Default)]
pub struct PolicyForm {
    pub second_factor_required: bool,
    pub api_key_in_query: bool,
    /// The id of the break-glass owner; empty if every manager may use a password.
    pub password_only_for: String,
    /// Minutes; empty keeps the stored limit.
    pub session_idle: String,
    pub version: i64,
}

impl PolicyForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            second_factor_required: fields.has("second_factor_required"),
            api_key_in_query: fields.has("api_key_in_query"),
            password_only_for: fields.text("password_only_for"),
            session_idle: fields.text("session_idle"),
            version: fields.version(),
        }
    }

    pub fn from_policy(policy: &LoginPolicy) -> Self {
        Self {
            second_factor_required: policy.second_factor_required,
            api_key_in_query: policy.api_key_in_query,
            password_only_for: policy.passwords.break_glass_owner().map(ToString::to_string).unwrap_or_default(),
            session_idle: policy.session_idle_minutes.to_string(),
            version: policy.version,
        }
    }

    /// `before` is the stored policy.
    pub fn parse(&self, all: &[Manager], before: &LoginPolicy) -> Result<LoginPolicy, Invalid> {
        let mut invalid = Invalid::new();
        let passwords = invalid.take("password_only_for", self.parse_passwords(all));
        let idle = invalid.take("session_idle", self.parse_session_idle(before));
        match (passwords, idle) {
            (Some(passwords), Some(session_idle_minutes)) => Ok(LoginPolicy {
                second_factor_required: self.second_factor_required,
                api_key_in_query: self.api_key_in_query,
                passwords,
                session_idle_minutes,
                version: self.version,
            }),
            _ => Err(invalid),
        }
    }

    fn parse_passwords(&self, all: &[Manager]) -> Result<PasswordPolicy, String> {
        let chosen = all.iter().find(|manager| manager.id.as_str() == self.password_only_for);
        match chosen {
            _ if self.password_only_for.is_empty() => Ok(PasswordPolicy::Everyone),
            Some(keeper) if keeper.can_own_break_glass() => Ok(PasswordPolicy::BreakGlass(keeper.id.clone())),
            _ => Err("Choose an owner who has a password.".into()),
        }
    }

    fn parse_session_idle(&self, before: &LoginPolicy) -> Result<i64, String> {
        if self.session_idle.is_empty() {
            return Ok(before.session_idle_minutes);
        }
        let chosen = self.session_idle.parse().ok().filter(|minutes| SESSION_IDLE_CHOICES.contains(minutes));
        chosen.ok_or_else(|| "Choose a time from the list.".to_owned())
    }
}
