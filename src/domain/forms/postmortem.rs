use super::{Fields, parse_lines};
use crate::domain::update::MAX_BODY;
use crate::domain::{Invalid, Postmortem};

/// A review as somebody typed it.
#[derive(Clone, Debug, Default)]
pub struct PostmortemForm {
    pub body: String,
    /// The review's version when the form was opened; 0 where there was none.
    pub version: i64,
}

impl PostmortemForm {
    /// The form's fields in a submission.
    pub fn read(fields: &Fields) -> Self {
        Self { body: fields.text("body"), version: fields.version() }
    }

    /// The form as it stands for `review`.
    pub fn from_postmortem(review: &Postmortem) -> Self {
        Self { body: review.body.clone(), version: review.version }
    }

    /// The text it means: Markdown, 1 to 25 000 characters.
    ///
    /// # Errors
    /// A message for the text, where it is wrong.
    pub fn parse(&self) -> Result<String, Invalid> {
        let text = parse_lines(&self.body, MAX_BODY).map_err(|message| Invalid::field("body", message))?;
        if text.trim().is_empty() {
            return Err(Invalid::field("body", "Enter the postmortem."));
        }
        Ok(text)
    }
}
