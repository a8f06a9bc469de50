//! Publishes requested during a rendering share one more rendering.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex};

use candor::publish::{Site, Snapshot, render_site};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::support::app::TestApp;
use crate::support::{TestDb, fixtures};

const MANAGERS: usize = 20;

/// The tests share the renderer below, so they run one at a time.
static TEST_LOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// While it is true, renderings wait.
static RENDERING_PAUSED: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
static RENDERED: AtomicUsize = AtomicUsize::new(0);
static BROKEN: AtomicBool = AtomicBool::new(false);

fn counting_renderer(snapshot: &Snapshot, before: &Site, origin: &str, now: DateTime<Utc>) -> Site {
    drop(RENDERING_PAUSED.1.wait_while(RENDERING_PAUSED.0.lock().unwrap(), |is_closed| *is_closed).unwrap());
    RENDERED.fetch_add(1, SeqCst);
    assert!(!BROKEN.load(SeqCst), "the renderer is broken");
    render_site(snapshot, before, origin, now)
}

#[apply(on_both_databases!)]
async fn concurrent_publishes_share_a_rendering(test: TestDb) {
    let _turn = TEST_LOCK.lock().await;
    let app = TestApp::with_renderer(test, counting_renderer).await;
    let outcomes = publish_at_once(&app, "shown").await;
    assert!(outcomes.iter().all(|(published, shown)| *published && *shown), "everybody's change shows on return");
    BROKEN.store(true, SeqCst);
    let outcomes = publish_at_once(&app, "hidden").await;
    BROKEN.store(false, SeqCst);
    assert!(outcomes.iter().all(|(published, _)| !published), "everybody is told of the failure");
}

/// Managers commit and publish during a rendering; returns for each whether it succeeded and was visible.
async fn publish_at_once(app: &TestApp, prefix: &str) -> Vec<(bool, bool)> {
    *RENDERING_PAUSED.0.lock().unwrap() = true;
    let before = RENDERED.load(SeqCst);
    let (asking, mut asks) = mpsc::channel(MANAGERS);
    let mut managers = JoinSet::new();
    for number in 0..MANAGERS {
        let (state, asking, id) = (app.state.clone(), asking.clone(), format!("{prefix}{number}"));
        let incident = fixtures::incident(&id, app.clock.now() - TimeDelta::minutes(1));
        managers.spawn(async move {
            let mut tx = state.db.write().await.unwrap();
            candor::db::incidents::insert(&mut tx, &incident).await.unwrap();
            tx.commit(&fixtures::actor(), state.clock.now(), fixtures::entry()).await.unwrap();
            asking.send(()).await.unwrap();
            let published = state.publisher.publish().await.is_ok();
            let snapshot = state.publisher.snapshot().unwrap();
            (published, snapshot.open.iter().any(|open| open.id.as_str() == id))
        });
    }
    for _ in 0..MANAGERS {
        asks.recv().await.unwrap();
    }
    // Some may have announced a publish and not requested it yet; they cause one more rendering.
    tokio::task::yield_now().await;
    *RENDERING_PAUSED.0.lock().unwrap() = false;
    RENDERING_PAUSED.1.notify_all();
    let outcomes = managers.join_all().await;
    let rendered = RENDERED.load(SeqCst) - before;
    assert!((1..=5).contains(&rendered), "{rendered} renderings for {MANAGERS} managers");
    outcomes
}
