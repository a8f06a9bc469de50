//! The admin's route table: method, path and access of each route.
//!
//! A guarded route requires a handler whose first argument is a [`Manager`] with a policy, so a route without a policy
//! does not compile. A test calls every route of the table with every role.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use crate::domain::Role;
use crate::state::State;
use crate::web::access::manager::{Manager, Policy};
use crate::web::erased_handler::erase_handler;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No login required: the login itself.
    Public,
    /// Managers with at least this role.
    AtLeast(Role),
    /// The same, with a proof of identity from the last ten minutes.
    Reauthenticated(Role),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
}

/// Builds a router together with its table.
#[derive(Default)]
pub struct Routes {
    router: Router<State>,
    table: Vec<Route>,
}

/// The arguments of a handler that takes a [`Manager`] first.
pub trait GuardedHandler {
    const ACCESS: Access;
}

macro_rules! impl_guarded_handler {
    ($($argument:ident),*) => {
        impl<M, P: Policy, $($argument),*> GuardedHandler for (M, Manager<P>, $($argument,)*) {
            const ACCESS: Access = if P::FRESH { Access::Reauthenticated(P::ROLE) } else { Access::AtLeast(P::ROLE) };
        }
    };
}

impl_guarded_handler!();
impl_guarded_handler!(A);
impl_guarded_handler!(A, B);
impl_guarded_handler!(A, B, C);
impl_guarded_handler!(A, B, C, D);
impl_guarded_handler!(A, B, C, D, E);

impl Routes {
    pub fn get<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, State>,
        T: GuardedHandler + 'static,
    {
        self.route(Method::GET, path, T::ACCESS, handler)
    }

    pub fn post<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, State>,
        T: GuardedHandler + 'static,
    {
        self.route(Method::POST, path, T::ACCESS, handler)
    }

    pub fn public_get<H: Handler<T, State>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.route(Method::GET, path, Access::Public, handler)
    }

    pub fn public_post<H: Handler<T, State>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.route(Method::POST, path, Access::Public, handler)
    }

    fn route<H: Handler<T, State>, T: 'static>(
        mut self,
        method: Method,
        path: &'static str,
        access: Access,
        handler: H,
    ) -> Self {
        let filter = if method == Method::GET { MethodFilter::GET } else { MethodFilter::POST };
        self.router = self.router.route(path, on(filter, erase_handler(handler)));
        self.table.push(Route { method, path, access });
        self
    }

    pub fn table(&self) -> &[Route] {
        &self.table
    }

    pub fn into_parts(self) -> (Router<State>, Vec<Route>) {
        (self.router, self.table)
    }
}
