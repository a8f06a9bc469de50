//! Threads for work that must not delay visitors, who read prepared responses.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::task::JoinHandle;

/// Threads of each kind of work.
const THREADS: usize = 2;

/// Work that neither delays visitors nor other background work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackgroundWork {
    /// Requests of the admin, whose pages are rendered per request.
    Managers,
    /// Messages to subscribers.
    Messages,
}

/// Never dropped, because database connections that they opened belong to them. `None` if the system gives no threads.
static MANAGERS: LazyLock<Option<Runtime>> = LazyLock::new(|| start_threads("managers"));
static MESSAGES: LazyLock<Option<Runtime>> = LazyLock::new(|| start_threads("messages"));

fn start_threads(name: &str) -> Option<Runtime> {
    let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name(name).enable_all().build();
    runtime.inspect_err(|error| tracing::warn!("could not start the threads for {name}: {error}")).ok()
}

/// The threads of `work`. `None` if the program has a single thread or the system gives no others: the work then runs
/// where it is asked for.
pub fn background_threads(work: BackgroundWork) -> Option<&'static Handle> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return None;
    }
    let runtime = match work {
        BackgroundWork::Managers => &MANAGERS,
        BackgroundWork::Messages => &MESSAGES,
    };
    runtime.as_ref().map(Runtime::handle)
}

/// Runs `task` on the threads of `work`.
pub fn spawn_in_background<T: Send + 'static>(
    work: BackgroundWork,
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    match background_threads(work) {
        Some(threads) => threads.spawn(task),
        None => tokio::spawn(task),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn thread_of_task(work: BackgroundWork) -> String {
        let task = async { std::thread::current().name().unwrap_or_default().to_owned() };
        spawn_in_background(work, task).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn each_kind_of_work_has_threads_of_its_own() {
        assert_eq!(thread_of_task(BackgroundWork::Managers).await, "managers");
        assert_eq!(thread_of_task(BackgroundWork::Messages).await, "messages");
    }

    #[tokio::test]
    async fn single_threaded_runtime_needs_no_background_threads() {
        assert_ne!(thread_of_task(BackgroundWork::Messages).await, "messages");
    }
}
