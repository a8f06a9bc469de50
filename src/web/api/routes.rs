//! The API's table of routes: which method and path, who may, and what the document about it says.
//!
//! A route is accepted only if its handler takes a [`Token`] first or a [`Change`] last, either with a policy, so a
//! route without one does not compile.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use super::change::Change;
use crate::domain::Role;
use crate::state::State;
use crate::web::access::api_token::Token;
use crate::web::access::manager::Policy;

/// One line of the table.
#[derive(Clone, Debug)]
pub struct ApiRoute {
    pub method: Method,
    pub path: &'static str,
    /// The least role that the token and its manager need.
    pub role: Role,
    pub operation: Operation,
}

/// What the document says of a route.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub summary: &'static str,
    /// Parameters of the query.
    pub query: &'static [&'static str],
    /// The schema of what is sent, where something is.
    pub takes: Option<&'static str>,
    pub status: u16,
    /// The schema of what is answered; nothing where the answer is empty. `[Name]` is a list.
    pub gives: Option<&'static str>,
}

/// A route that answers 200 with what `schema` says.
pub const fn returns(summary: &'static str, schema: &'static str) -> Operation {
    Operation { summary, query: &[], takes: None, status: 200, gives: Some(schema) }
}

/// A route that answers 204 with nothing.
pub const fn no_content(summary: &'static str) -> Operation {
    Operation { summary, query: &[], takes: None, status: 204, gives: None }
}

impl Operation {
    /// With these parameters of the query.
    pub const fn with_query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    /// With a body.
    pub const fn with_body(self, schema: &'static str) -> Self {
        Self { takes: Some(schema), ..self }
    }

    /// With another status.
    pub const fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// The arguments of a handler whose first is a [`Token`].
pub trait ReadHandler {
    const ROLE: Role;
}

/// The arguments of a handler whose last is a [`Change`].
pub trait WriteHandler {
    const ROLE: Role;
}

macro_rules! impl_handlers {
    ($($argument:ident),*) => {
        impl<M, P: Policy, $($argument),*> ReadHandler for (M, Token<P>, $($argument,)*) {
            const ROLE: Role = P::ROLE;
        }
        impl<M, P: Policy, $($argument),*> WriteHandler for (M, $($argument,)* Change<P>) {
            const ROLE: Role = P::ROLE;
        }
    };
}

impl_handlers!();
impl_handlers!(A);
impl_handlers!(A, B);
impl_handlers!(A, B, C);

/// A router with its table.
#[derive(Default)]
pub struct Routes {
    router: Router<State>,
    table: Vec<ApiRoute>,
}

impl Routes {
    /// Something to read.
    pub fn get<H, T>(self, path: &'static str, handler: H, told: Operation) -> Self
    where
        H: Handler<T, State>,
        T: ReadHandler + 'static,
    {
        self.route(Method::GET, path, T::ROLE, handler, told)
    }

    /// Something to make.
    pub fn post<H, T>(self, path: &'static str, handler: H, told: Operation) -> Self
    where
        H: Handler<T, State>,
        T: WriteHandler + 'static,
    {
        self.route(Method::POST, path, T::ROLE, handler, told)
    }

    /// Something to change, by either method.
    pub fn patch_and_put<H, T>(self, path: &'static str, handler: H, told: Operation) -> Self
    where
        H: Handler<T, State>,
        T: WriteHandler + 'static,
    {
        self.route(Method::PATCH, path, T::ROLE, handler.clone(), told).route(Method::PUT, path, T::ROLE, handler, told)
    }

    /// Something to set.
    pub fn put<H, T>(self, path: &'static str, handler: H, told: Operation) -> Self
    where
        H: Handler<T, State>,
        T: WriteHandler + 'static,
    {
        self.route(Method::PUT, path, T::ROLE, handler, told)
    }

    /// Something to take away.
    pub fn delete<H, T>(self, path: &'static str, handler: H, told: Operation) -> Self
    where
        H: Handler<T, State>,
        T: WriteHandler + 'static,
    {
        self.route(Method::DELETE, path, T::ROLE, handler, told)
    }

    fn route<H: Handler<T, State>, T: 'static>(
        mut self,
        method: Method,
        path: &'static str,
        role: Role,
        handler: H,
        told: Operation,
    ) -> Self {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        self.router = self.router.route(path, on(filter, handler));
        self.table.push(ApiRoute { method, path, role, operation: told });
        self
    }

    /// Every route.
    pub fn table(&self) -> &[ApiRoute] {
        &self.table
    }

    /// The router.
    pub fn into_router(self) -> Router<State> {
        self.router
    }
}
