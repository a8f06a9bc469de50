use super::Fields;
use crate::domain::{ImportSource, PageImport};

/// A page to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageImportForm {
    /// A key of [`ImportSource`].
    pub source: String,
    pub address: String,
}

impl Default for PageImportForm {
    fn default() -> Self {
        Self { source: ImportSource::Statuspage.key().to_owned(), address: String::new() }
    }
}

impl PageImportForm {
    pub fn read(fields: &Fields) -> Self {
        Self { source: fields.text("source"), address: fields.text("address").trim().to_owned() }
    }

    pub fn from_import(import: &PageImport) -> Self {
        Self { source: import.source.key().to_owned(), address: import.address.clone() }
    }
}
