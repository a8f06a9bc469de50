use super::{Fields, parse_required_line};
use crate::domain::api_token::{DEFAULT_LIFETIME, LIFETIMES, MAX_NAME, Scope};
use crate::domain::{Invalid, Role};

#[derive(Clone, Debug)]
pub struct ApiTokenForm {
    pub name: String,
    pub scope: String,
    pub days: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiToken {
    pub name: String,
    pub scope: Scope,
    pub days: i64,
}

impl Default for ApiTokenForm {
    fn default() -> Self {
        Self { name: String::new(), scope: Scope::Read.key().into(), days: DEFAULT_LIFETIME.to_string() }
    }
}

impl ApiTokenForm {
    pub fn read(fields: &Fields) -> Self {
        Self { name: fields.text("name"), scope: fields.text("scope"), days: fields.text("days") }
    }

    /// `role` is the creator's role, which the token's scope can't exceed.
    pub fn parse(&self, role: Role) -> Result<NewApiToken, Invalid> {
        let mut invalid = Invalid::new();
        let name = invalid.take("name", parse_required_line(&self.name, MAX_NAME, "Enter a name."));
        let scope = Scope::from_key(&self.scope).filter(|scope| scope.role() <= role);
        let scope = invalid.take("scope", scope.ok_or_else(|| "Choose a scope.".to_owned()));
        let days = self.days.parse().ok().filter(|days| LIFETIMES.contains(days));
        let days = invalid.take("days", days.ok_or_else(|| "Choose when it expires.".to_owned()));
        match (name, scope, days) {
            (Some(name), Some(scope), Some(days)) => Ok(NewApiToken { name, scope, days }),
            _ => Err(invalid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_scope_cannot_exceed_own_role() {
        let form = |scope: &str| ApiTokenForm { name: "Deploy".into(), scope: scope.into(), ..ApiTokenForm::default() };
        let made = NewApiToken { name: "Deploy".into(), scope: Scope::Publish, days: 365 };
        assert_eq!(form("publish").parse(Role::Publisher), Ok(made));
        for (scope, role) in [("publish", Role::Viewer), ("admin", Role::Publisher), ("root", Role::Owner)] {
            assert!(form(scope).parse(role).unwrap_err().get("scope").is_some(), "{scope}");
        }
        let for_ever = ApiTokenForm { days: "36500".into(), name: " ".into(), ..ApiTokenForm::default() };
        let wrong = for_ever.parse(Role::Owner).unwrap_err();
        assert!(wrong.get("days").is_some() && wrong.get("name").is_some());
    }
}
