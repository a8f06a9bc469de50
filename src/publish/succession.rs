//! Whether a database may replace the published state.
//!
//! An empty or damaged database, or one of another page, must not replace a published page: usually only a path is
//! mistyped or a volume not mounted, and visitors would lose the page. An older state of the same page is a restored
//! backup; its revision continues above the published one.

use crate::db::{DatabaseState, Examination, PRE_RELEASE};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    Nothing,
    /// A file of the Site exists but can't be read.
    Unreadable,
    Page(DatabaseState),
}

/// The order of a database relative to the published state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateOrder {
    /// The same revision or a newer one.
    Current,
    /// An older state of the same page.
    Older,
}

/// Why a database must not replace the published state. The messages are for the operator and name no files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionError {
    #[error("the database file is missing, but a page was published from here; {ACCEPT_EMPTY_HINT}")]
    Missing,
    #[error("the database is empty, but a page was published from here; {ACCEPT_EMPTY_HINT}")]
    Empty,
    #[error("the database belongs to another application")]
    Foreign,
    #[error("{PRE_RELEASE}")]
    PreRelease,
    #[error("{0}")]
    Broken(String),
    #[error(
        "the database holds another page than the one published from here; restore the right database, or start with \
         --accept-empty to publish this one"
    )]
    OtherPage,
}

const ACCEPT_EMPTY_HINT: &str = "restore the database, or start with --accept-empty to begin a new page";

impl Published {
    /// Whether the examined database may replace the published state; a damaged or foreign one never may.
    ///
    /// # Errors
    /// The reason to wait.
    pub fn check_successor(&self, found: &Examination, accepts_empty: bool) -> Result<(), SuccessionError> {
        let is_free = accepts_empty || *self == Self::Nothing;
        match found {
            Examination::Foreign => Err(SuccessionError::Foreign),
            Examination::PreRelease => Err(SuccessionError::PreRelease),
            Examination::Broken(sentence) => Err(SuccessionError::Broken(sentence.clone())),
            _ if is_free => Ok(()),
            Examination::Missing => Err(SuccessionError::Missing),
            Examination::Empty => Err(SuccessionError::Empty),
            Examination::Complete(state) => self.compare(state).map(drop),
        }
    }

    /// Compares a database state with the published one.
    ///
    /// # Errors
    /// If `state` is not a state of the same page.
    pub fn compare(&self, state: &DatabaseState) -> Result<StateOrder, SuccessionError> {
        match self {
            // An unreadable Site can't be compared: any complete database is accepted.
            Self::Nothing | Self::Unreadable => Ok(StateOrder::Current),
            Self::Page(page) => {
                // A page without any audit row has nothing to lose.
                if page.audit_start.is_some() && !page.is_same_page(state) {
                    return Err(if state.revision <= 1 { SuccessionError::Empty } else { SuccessionError::OtherPage });
                }
                Ok(if state.revision < page.revision { StateOrder::Older } else { StateOrder::Current })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(page: &str, audit: Option<&str>, revision: i64) -> DatabaseState {
        DatabaseState { page_id: page.into(), audit_start: audit.map(str::to_owned), revision }
    }

    #[test]
    fn only_states_of_the_same_page_follow() {
        let published = Published::Page(state("page", Some("first"), 7));
        let order = |page, audit, revision| published.compare(&state(page, audit, revision));
        assert_eq!(order("page", Some("first"), 7), Ok(StateOrder::Current));
        assert_eq!(order("page", Some("first"), 8), Ok(StateOrder::Current));
        assert_eq!(order("page", Some("first"), 3), Ok(StateOrder::Older));
        assert_eq!(
            order("imported", Some("first"), 8),
            Ok(StateOrder::Current),
            "an import changes the id of the page"
        );
        assert_eq!(order("other", Some("other"), 9), Err(SuccessionError::OtherPage));
        assert_eq!(order("other", None, 1), Err(SuccessionError::Empty));
    }

    #[test]
    fn a_page_without_history_may_be_replaced() {
        let published = Published::Page(state("page", None, 1));
        assert_eq!(published.compare(&state("other", Some("other"), 2)), Ok(StateOrder::Current));
        assert_eq!(
            published.check_successor(&Examination::Missing, false),
            Err(SuccessionError::Missing),
            "its file has to exist"
        );
    }

    #[test]
    fn an_unreadable_site_needs_a_database_with_content() {
        let admits = |found| Published::Unreadable.check_successor(&found, false);
        assert_eq!(admits(Examination::Missing), Err(SuccessionError::Missing));
        assert_eq!(admits(Examination::Empty), Err(SuccessionError::Empty));
        assert_eq!(admits(Examination::Complete(state("page", Some("first"), 2))), Ok(()));
    }

    #[test]
    fn accepting_empty_never_accepts_damage() {
        let published = Published::Page(state("page", Some("first"), 7));
        for found in [Examination::Missing, Examination::Empty, Examination::Complete(state("other", Some("other"), 2))]
        {
            assert_eq!(published.check_successor(&found, true), Ok(()));
            assert_eq!(Published::Nothing.check_successor(&found, false), Ok(()));
            assert!(published.check_successor(&found, false).is_err());
        }
        for found in [Examination::Foreign, Examination::PreRelease, Examination::Broken("damaged".into())] {
            assert!(
                published.check_successor(&found, true).is_err()
                    && Published::Nothing.check_successor(&found, false).is_err()
            );
        }
    }
}
