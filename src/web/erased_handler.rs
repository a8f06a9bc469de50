//! Handlers without their types.

use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use futures_util::future::BoxFuture;

use crate::state::State;

/// A handler whose type is erased, so that axum's layers are compiled once and not for each handler. They ask the
/// compiler again and again whether the handler's future is `Send`, which took half of its time for this crate.
#[derive(Clone)]
pub struct ErasedHandler(Arc<dyn Fn(Request, State) -> BoxFuture<'static, Response> + Send + Sync>);

pub fn erase_handler<H: Handler<T, State>, T: 'static>(handler: H) -> ErasedHandler {
    ErasedHandler(Arc::new(move |request, state| Box::pin(handler.clone().call(request, state))))
}

impl Handler<(), State> for ErasedHandler {
    type Future = BoxFuture<'static, Response>;

    fn call(self, request: Request, state: State) -> Self::Future {
        (self.0)(request, state)
    }
}
