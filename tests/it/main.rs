//! Everything that needs a database or the router, in one binary. See `support` for what a test is given.

#[macro_use]
mod support;

mod db_incidents;
mod live;
