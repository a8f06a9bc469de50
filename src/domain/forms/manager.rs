use super::{Fields, parse_required_line};
use crate::domain::manager::{MAX_NAME, parse_email};
use crate::domain::{Invalid, Role};

#[derive(Clone, Debug, Default)]
pub struct ManagerForm {
    pub email: String,
    pub name: String,
    pub role: String,
}

#[derive(Clone, Debug)]
pub struct NewManager {
    pub email: String,
    pub name: String,
    pub role: Role,
}

impl ManagerForm {
    pub fn read(fields: &Fields) -> Self {
        Self { email: fields.text("email"), name: fields.text("name"), role: fields.text("role") }
    }

    pub fn parse(&self) -> Result<NewManager, Invalid> {
        let mut invalid = Invalid::new();
        let email = invalid.take("email", parse_email(&self.email));
        let name = invalid.take("name", parse_required_line(&self.name, MAX_NAME, "Enter a name."));
        let role = Role::from_key(&self.role).ok_or_else(|| "Choose a role.".to_owned());
        let role = invalid.take("role", role);
        match (email, name, role) {
            (Some(email), Some(name), Some(role)) => Ok(NewManager { email, name, role }),
            _ => Err(invalid),
        }
    }
}
