//! hyper's timer for one connection.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt;
use tokio::time::{Sleep, sleep_until};

/// Waits for one deadline after another with one timer of tokio.
///
/// hyper sets a deadline for each header and drops it once the header is read. A timer of its own for each would enter
/// and leave the runtime's list of timers, under a lock, for every request. This one stays in the list: it fires at an
/// old deadline and is then set to the current one.
#[derive(Clone, Default)]
pub struct ConnectionTimer(Arc<Mutex<Option<Pin<Box<Sleep>>>>>);

impl rt::Timer for ConnectionTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Deadline { timer: self.clone(), at: deadline.into() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

struct Deadline {
    timer: ConnectionTimer,
    at: tokio::time::Instant,
}

impl rt::Sleep for Deadline {}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut timer = self.timer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(self.at)));
        if timer.deadline() > self.at {
            timer.as_mut().reset(self.at);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if timer.deadline() >= self.at {
                return Poll::Ready(());
            }
            timer.as_mut().reset(self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::rt::Timer as _;
    use tokio::time::{Instant, timeout};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3600);
    /// More than a busy machine needs to poll a timer.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// Polls a deadline and drops it, as hyper does when the header arrives in time.
    async fn drop_deadline(timer: &ConnectionTimer, after: Duration) {
        // A short one may pass first on a busy machine; the next deadline must wait all the same.
        drop(timeout(Duration::ZERO, timer.sleep(after)).await);
    }

    #[tokio::test]
    async fn deadline_is_not_over_when_an_earlier_one_passes() {
        let timer = ConnectionTimer::default();
        for _ in 0..2 {
            drop_deadline(&timer, SHORT).await;
            let begun = Instant::now();
            timer.sleep(3 * SHORT).await;
            assert!(begun.elapsed() >= 3 * SHORT);
        }
    }

    #[tokio::test]
    async fn deadline_is_not_late_after_a_later_one() {
        let timer = ConnectionTimer::default();
        drop_deadline(&timer, LONG).await;
        assert!(timeout(PATIENCE, timer.sleep(SHORT)).await.is_ok());
        assert!(timeout(SHORT, timer.sleep(LONG)).await.is_err());
    }

    #[tokio::test]
    async fn deadline_in_the_past_is_over() {
        let timer = ConnectionTimer::default();
        drop_deadline(&timer, LONG).await;
        assert!(timeout(PATIENCE, timer.sleep_until(timer.now())).await.is_ok());
    }
}
