//! What managers see and do: one file per resource.

use super::routes::Routes;

/// The admin's addresses.
pub fn routes() -> Routes {
    Routes::default()
}
