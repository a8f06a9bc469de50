//! Fault injection: a test makes a statement fail that a healthy database would run.
//!
//! Outside [`scope`] this costs one look at a task-local variable for each transaction.

use std::sync::Arc;

/// What happens in the place of a statement.
pub struct Fault {
    /// SQL that runs first, as where the database ends the transaction before it reports the error.
    pub sql: Option<&'static str>,
    /// The error of the statement; without one it is that of `sql`.
    pub error: Option<sqlx::Error>,
}

/// Decides which statements fail.
pub trait FaultInjector: Send + Sync {
    /// The fault that strikes in the place of `sql`: a query, or the words that begin, commit or roll back.
    fn inject(&self, sql: &str) -> Option<Fault>;
}

tokio::task_local! {
    static CURRENT: Arc<dyn FaultInjector>;
}

/// Runs `work`; `faults` decides about every statement of the transactions that begin in it.
pub async fn scope<F: Future>(faults: Arc<dyn FaultInjector>, work: F) -> F::Output {
    CURRENT.scope(faults, work).await
}

pub(super) fn current() -> Option<Arc<dyn FaultInjector>> {
    CURRENT.try_with(Arc::clone).ok()
}
