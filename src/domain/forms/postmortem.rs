use super::{Fields, parse_lines};
use crate::domain::update::MAX_BODY;
use crate::domain::{Invalid, Postmortem};
use crate::format::markdown::without_comments;

#[derive(Clone, Debug, Default)]
pub struct PostmortemForm {
    pub body: String,
    /// The postmortem's version when the form was opened; 0 if there was none.
    pub version: i64,
}

impl PostmortemForm {
    pub fn read(fields: &Fields) -> Self {
        Self { body: fields.text("body"), version: fields.version() }
    }

    pub fn from_postmortem(postmortem: &Postmortem) -> Self {
        Self { body: postmortem.body.clone(), version: postmortem.version }
    }

    pub fn parse(&self) -> Result<String, Invalid> {
        let text =
            parse_lines(&without_comments(&self.body), MAX_BODY).map_err(|message| Invalid::field("body", message))?;
        if text.trim().is_empty() {
            return Err(Invalid::field("body", "Enter the postmortem."));
        }
        Ok(text)
    }
}
