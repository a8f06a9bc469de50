//! What differs between a text as it stands and as it would be.

/// One line of either text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    pub tag: LineChange,
    pub text: String,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineChange {
    Removed,
    Unchanged,
    Added,
    /// Not a line, but the place of those that stay and are not shown.
    Gap,
}

/// The lines that differ with a little around, and how many more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentDiff {
    pub shown: Vec<DiffLine>,
    pub hidden: usize,
    /// Whether nothing differs but when the document says that it was changed last.
    pub only_dates: bool,
}
