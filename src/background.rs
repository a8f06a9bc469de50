//! Threads for work that must not delay visitors, who read prepared responses: the pages of managers and messages to
//! subscribers.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::task::JoinHandle;

const THREADS: usize = 2;

/// `None` if the system gives no threads. It is never dropped, because database connections that it opened belong to it.
static BACKGROUND: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name("background").enable_all().build();
    runtime.inspect_err(|error| tracing::warn!("could not start the background threads: {error}")).ok()
});

/// The background threads. `None` if the program has a single thread or the system gives no others: the work then runs
/// where it is asked for.
pub fn background_threads() -> Option<&'static Handle> {
    let is_alone = Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread;
    if is_alone { None } else { BACKGROUND.as_ref().map(Runtime::handle) }
}

/// Runs `task` on the background threads.
pub fn spawn_in_background<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    match background_threads() {
        Some(threads) => threads.spawn(task),
        None => tokio::spawn(task),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn thread_of_task() -> String {
        let task = async { std::thread::current().name().unwrap_or_default().to_owned() };
        spawn_in_background(task).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn tasks_run_on_background_threads() {
        assert_eq!(thread_of_task().await, "background");
    }

    #[tokio::test]
    async fn single_threaded_runtime_needs_no_background_threads() {
        assert_ne!(thread_of_task().await, "background");
    }
}
