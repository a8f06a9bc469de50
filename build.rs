//! Tells cargo what beside the sources goes into the program: the migrations, and in a release the islands once they are
//! built (`make islands`). A debug build reads the islands when it runs.

use std::env;

fn main() {
    if is_release() && env::var("CARGO_FEATURE_SSR").is_ok() {
        // Cargo compares times of what exists; a folder that is missing would mean a new build every time.
        let islands = "target/site/pkg";
        if let Err(error) = std::fs::create_dir_all(islands) {
            println!("cargo:warning={islands}: {error}");
        }
        println!("cargo:rerun-if-changed={islands}");
    }
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=public");
    pack_relocations();
}

/// Packs the relative relocations, 2.6 MB of the program. glibc reads them since 2.36.
fn pack_relocations() {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let is_glibc = variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    if is_glibc && is_release() {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

fn is_release() -> bool {
    env::var("PROFILE").is_ok_and(|profile| profile == "release")
}
