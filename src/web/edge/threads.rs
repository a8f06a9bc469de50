//! Moves requests of the admin to threads of their own: its pages are rendered per request, which must not delay
//! visitors who read prepared responses.

use std::sync::{Arc, LazyLock};

use axum::extract::{Request, State as FromState};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::known_sessions::is_known_session;
use crate::background::{BackgroundWork, background_threads, spawn_in_background};
use crate::web::Error;

/// Maximum number of requests running or waiting there, each for those with and without a known session.
const MAX_WAITING: usize = 64;

struct Places {
    with_session: Arc<Semaphore>,
    without: Arc<Semaphore>,
}

static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let places = || Arc::new(Semaphore::new(MAX_WAITING));
    Places { with_session: places(), without: places() }
});

/// Answers a request on the threads for managers. It runs to its end even if the client disconnects; `running` tracks it.
pub async fn run_in_background(FromState(running): FromState<TaskTracker>, request: Request, next: Next) -> Response {
    if background_threads(BackgroundWork::Managers).is_none() {
        return next.run(request).await;
    }
    let places = if has_session(request.headers()) { &PLACES.with_session } else { &PLACES.without };
    let Ok(place) = places.clone().try_acquire_owned() else { return Error::Busy.into_response() };
    let answering = async move {
        let response = next.run(request).await;
        drop(place);
        response
    };
    let answered =
        spawn_in_background(BackgroundWork::Managers, running.track_future(answering.in_current_span())).await;
    answered.unwrap_or_else(|error| Error::Internal(error.into()).into_response())
}

/// Renders a page on the threads for managers; empty if that fails.
pub async fn render_in_background(page: impl FnOnce() -> String + Send + 'static) -> String {
    let rendered = spawn_in_background(BackgroundWork::Managers, async move { page() }.in_current_span()).await;
    rendered.inspect_err(|error| tracing::error!("a page could not be rendered: {error}")).unwrap_or_default()
}

/// Whether the request has the cookie of a session that this process knows. The session is loaded later.
pub fn has_session(headers: &HeaderMap) -> bool {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).map(str::trim).filter_map(|cookie| cookie.split_once('='));
    pairs.any(|(name, value)| name.trim_start_matches("__Host-") == "sid" && is_known_session(value))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use tokio::task::JoinSet;
    use tower::ServiceExt as _;

    use super::*;
    use crate::web::edge::known_sessions::{forget_session, remember_session};

    async fn on_which_thread() -> String {
        std::thread::current().name().unwrap_or_default().to_owned()
    }

    async fn ask(path: &str, cookie: &str) -> (StatusCode, String) {
        let router = Router::new()
            .route("/", get(on_which_thread))
            .route("/never", get(pending::<String>))
            .layer(from_fn_with_state(TaskTracker::new(), run_in_background));
        let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        (status, String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn full_admin_queue_rejects_requests() {
        assert_eq!(ask("/", "").await, (StatusCode::OK, "managers".to_owned()));
        let thread = render_in_background(|| std::thread::current().name().unwrap_or_default().to_owned()).await;
        assert_eq!(thread, "managers");
        let mut waiting = JoinSet::new();
        for _ in 0..MAX_WAITING {
            waiting.spawn(ask("/never", "a=b"));
        }
        while PLACES.without.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask("/", "").await.0, StatusCode::SERVICE_UNAVAILABLE);
        let invented = ask("/", "a=b; __Host-sid=invented").await;
        assert_eq!(invented.0, StatusCode::SERVICE_UNAVAILABLE, "an invented cookie is no session");
        remember_session("known");
        let known = ask("/", "a=b; __Host-sid=known").await;
        assert_eq!(known, (StatusCode::OK, "managers".to_owned()), "strangers do not take the places of sessions");
        forget_session("known");
        assert_eq!(ask("/", "sid=known").await.0, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn single_threaded_runtime_needs_no_background_threads() {
        assert_ne!(ask("/", "sid=x").await, (StatusCode::OK, "managers".to_owned()));
    }
}
