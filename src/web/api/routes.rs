//! The API's route table: method, path, role and OpenAPI description of each route.
//!
//! A handler must take a [`Token`] first or a [`Change`] last. Both have a policy, so a route without one does not
//! compile.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::change::Change;
use super::page_context::MAX_PAGE;
use super::request_body::{Place, RequestBody};
use crate::domain::Role;
use crate::state::State;
use crate::web::access::api_token::Token;
use crate::web::access::manager::Policy;
use crate::web::erased_handler::erase_handler;

#[derive(Clone, Debug)]
pub struct ApiRoute {
    pub method: Method,
    pub path: &'static str,
    /// The lowest role that the token and its manager need.
    pub role: Role,
    pub operation: Operation,
}

/// A route in the OpenAPI document.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub summary: &'static str,
    pub query: &'static [&'static str],
    pub takes: Option<TakenBody>,
    pub status: u16,
    pub gives: GivenBody,
}

/// Returns a reference to the schema of a type, which it adds to the generator's definitions.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The request body of a route.
#[derive(Clone, Copy, Debug)]
pub struct TakenBody {
    pub schema: SchemaOf,
    pub place: Place,
    /// Whether it has a field `name`.
    pub has_name: bool,
}

/// The body of a successful response.
#[derive(Clone, Copy, Debug)]
pub enum GivenBody {
    Empty,
    Object(SchemaOf),
    /// A list of at most so many objects.
    List(SchemaOf, i64),
}

pub const fn returns<T: JsonSchema>(summary: &'static str) -> Operation {
    let gives = GivenBody::Object(SchemaGenerator::subschema_for::<T>);
    Operation { summary, query: &[], takes: None, status: 200, gives }
}

pub const fn returns_list<T: JsonSchema>(summary: &'static str) -> Operation {
    returns_long_list::<T>(summary, MAX_PAGE)
}

/// Returns at most `most` objects.
pub const fn returns_long_list<T: JsonSchema>(summary: &'static str, most: i64) -> Operation {
    let gives = GivenBody::List(SchemaGenerator::subschema_for::<T>, most);
    Operation { summary, query: &[], takes: None, status: 200, gives }
}

pub const fn no_content(summary: &'static str) -> Operation {
    Operation { summary, query: &[], takes: None, status: 204, gives: GivenBody::Empty }
}

impl Operation {
    pub const fn with_query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    pub const fn with_body<B: RequestBody>(self) -> Self {
        let schema: SchemaOf = SchemaGenerator::subschema_for::<B>;
        Self { takes: Some(TakenBody { schema, place: B::PLACE, has_name: B::HAS_NAME }), ..self }
    }

    pub const fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// The arguments of a handler that takes a [`Token`] first.
pub trait ReadHandler {
    const ROLE: Role;
}

/// The arguments of a handler that takes a [`Change`] last.
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

/// Builds a router together with its table.
#[derive(Default)]
pub struct Routes {
    router: Router<State>,
    table: Vec<ApiRoute>,
}

impl Routes {
    pub fn get<H, T>(self, path: &'static str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, State>,
        T: ReadHandler + 'static,
    {
        self.route(Method::GET, path, T::ROLE, handler, operation)
    }

    pub fn post<H, T>(self, path: &'static str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, State>,
        T: WriteHandler + 'static,
    {
        self.route(Method::POST, path, T::ROLE, handler, operation)
    }

    pub fn patch_and_put<H, T>(self, path: &'static str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, State>,
        T: WriteHandler + 'static,
    {
        self.route(Method::PATCH, path, T::ROLE, handler.clone(), operation).route(
            Method::PUT,
            path,
            T::ROLE,
            handler,
            operation,
        )
    }

    pub fn patch<H, T>(self, path: &'static str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, State>,
        T: WriteHandler + 'static,
    {
        self.route(Method::PATCH, path, T::ROLE, handler, operation)
    }

    pub fn put<H, T>(self, path: &'static str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, State>,
        T: WriteHandler + 'static,
    {
        self.route(Method::PUT, path, T::ROLE, handler, operation)
    }

    pub fn delete<H, T>(self, path: &'static str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, State>,
        T: WriteHandler + 'static,
    {
        self.route(Method::DELETE, path, T::ROLE, handler, operation)
    }

    fn route<H: Handler<T, State>, T: 'static>(
        mut self,
        method: Method,
        path: &'static str,
        role: Role,
        handler: H,
        operation: Operation,
    ) -> Self {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        self.router = self.router.route(path, on(filter, erase_handler(handler)));
        self.table.push(ApiRoute { method, path, role, operation });
        self
    }

    pub fn table(&self) -> &[ApiRoute] {
        &self.table
    }

    pub fn into_router(self) -> Router<State> {
        self.router
    }
}
