use super::{Fields, lines};
use crate::domain::update::MAX_BODY;
use crate::domain::{Invalid, Review};

/// A review as somebody typed it.
#[derive(Clone, Debug, Default)]
pub struct ReviewForm {
    pub body: String,
    /// The review's version when the form was opened; 0 where there was none.
    pub version: i64,
}

impl ReviewForm {
    /// The form's fields in a submission.
    pub fn read(fields: &Fields) -> Self {
        Self { body: fields.text("body"), version: fields.version() }
    }

    /// The form as it stands for `review`.
    pub fn of(review: &Review) -> Self {
        Self { body: review.body.clone(), version: review.version }
    }

    /// The text it means: Markdown, 1 to 25 000 characters.
    ///
    /// # Errors
    /// A message for the text, where it is wrong.
    pub fn parse(&self) -> Result<String, Invalid> {
        let text = lines(&self.body, MAX_BODY).map_err(|message| Invalid::field("body", message))?;
        if text.trim().is_empty() {
            return Err(Invalid::field("body", "Enter the postmortem."));
        }
        Ok(text)
    }
}
