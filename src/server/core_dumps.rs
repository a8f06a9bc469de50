//! Disables core dumps: they would write session ids, tokens and keys from memory to the disk.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Sets both the limit and the dumpable flag, because programs that collect dumps ignore the limit.
pub fn disable_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!("core dumps could not be limited: {error}");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!("core dumps could not be switched off: {error}");
    }
}
