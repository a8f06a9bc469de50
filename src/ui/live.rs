//! The one script of the public pages: `public/live.js`, under a name that carries the hash of its bytes.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// The script, as it is served.
pub const SCRIPT: &str = include_str!("../../public/live.js");

static ADDRESS: LazyLock<String> = LazyLock::new(|| {
    let hash: String = Sha256::digest(SCRIPT)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/assets/live.{hash}.js")
});

/// The address of exactly this script, which may be cached for ever.
pub fn address() -> &'static str {
    &ADDRESS
}
