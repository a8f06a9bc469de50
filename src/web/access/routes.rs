//! The admin's table of routes: which method and path, and who may go there.
//!
//! A guarded route is accepted only if its handler's first argument is a [`Manager`] with a policy, so
//! a route without a policy does not compile. The table is kept beside the router for the test that
//! walks every route as every role.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};

use crate::domain::Role;
use crate::state::State;
use crate::web::access::manager::{Manager, Policy};

/// Who may go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody: the login and what leads to it.
    Public,
    /// Managers of at least this role.
    AtLeast(Role),
    /// The same, with a proof of who they are from the last ten minutes.
    Reauthenticated(Role),
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
}

/// A router with its table.
#[derive(Default)]
pub struct Routes {
    router: Router<State>,
    table: Vec<Route>,
}

/// The arguments of a handler whose first one is a [`Manager`].
pub trait GuardedHandler {
    /// Whom its policy admits.
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
    /// A page for managers.
    pub fn get<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, State>,
        T: GuardedHandler + 'static,
    {
        self.route(Method::GET, path, T::ACCESS, handler)
    }

    /// An action of managers.
    pub fn post<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, State>,
        T: GuardedHandler + 'static,
    {
        self.route(Method::POST, path, T::ACCESS, handler)
    }

    /// A page for everybody.
    pub fn public_get<H: Handler<T, State>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.route(Method::GET, path, Access::Public, handler)
    }

    /// An action of everybody.
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
        self.router = self.router.route(path, on(filter, handler));
        self.table.push(Route { method, path, access });
        self
    }

    /// Every route.
    pub fn table(&self) -> &[Route] {
        &self.table
    }

    /// The router and the table.
    pub fn into_parts(self) -> (Router<State>, Vec<Route>) {
        (self.router, self.table)
    }
}
