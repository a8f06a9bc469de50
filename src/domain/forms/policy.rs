use super::Fields;
use crate::domain::{LoginPolicy, Manager, PasswordPolicy};

#[derive(Clone, Debug, Default)]
pub struct PolicyForm {
    pub second_factor_required: bool,
    pub api_key_in_query: bool,
    /// The id of the break-glass owner; empty if every manager may use a password.
    pub password_only_for: String,
    pub version: i64,
}

impl PolicyForm {
    pub fn read(fields: &Fields) -> Self {
        Self {
            second_factor_required: fields.has("second_factor_required"),
            api_key_in_query: fields.has("api_key_in_query"),
            password_only_for: fields.text("password_only_for"),
            version: fields.version(),
        }
    }

    pub fn from_policy(policy: &LoginPolicy) -> Self {
        Self {
            second_factor_required: policy.second_factor_required,
            api_key_in_query: policy.api_key_in_query,
            password_only_for: policy.passwords.break_glass_owner().map(ToString::to_string).unwrap_or_default(),
            version: policy.version,
        }
    }

    /// The error belongs to the field `password_only_for`.
    pub fn parse(&self, all: &[Manager]) -> Result<LoginPolicy, String> {
        let chosen = all.iter().find(|manager| manager.id.as_str() == self.password_only_for);
        let passwords = match chosen {
            _ if self.password_only_for.is_empty() => PasswordPolicy::Everyone,
            Some(keeper) if keeper.can_own_break_glass() => PasswordPolicy::BreakGlass(keeper.id.clone()),
            _ => return Err("Choose an owner who has a password.".into()),
        };
        Ok(LoginPolicy {
            second_factor_required: self.second_factor_required,
            api_key_in_query: self.api_key_in_query,
            passwords,
            version: self.version,
        })
    }
}
