//! Fault injection for tests. Outside [`scope`] it costs one task-local lookup per transaction.

use std::sync::Arc;

pub struct Fault {
    /// SQL that runs first, for example to end the transaction before `error`.
    pub sql: Option<&'static str>,
    /// Without an error, the result of `sql` counts.
    pub error: Option<sqlx::Error>,
}

pub trait FaultInjector: Send + Sync {
    /// The fault to run instead of `sql`, which is a query or the text that begins, commits or rolls back.
    fn inject(&self, sql: &str) -> Option<Fault>;
}

tokio::task_local! {
    static CURRENT: Arc<dyn FaultInjector>;
}

/// Applies `faults` to every transaction that begins in `work`.
pub async fn scope<F: Future>(faults: Arc<dyn FaultInjector>, work: F) -> F::Output {
    CURRENT.scope(faults, work).await
}

pub(super) fn current() -> Option<Arc<dyn FaultInjector>> {
    CURRENT.try_with(Arc::clone).ok()
}
