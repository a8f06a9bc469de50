//! Settings of the memory allocator, which it reads from the environment when a process starts: glibc's, or mimalloc
//! in a static binary.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// glibc: two arenas instead of eight per core; freed memory at the end of the heap above 64 KiB is returned. mimalloc:
/// freed pages are returned at once, and an arena takes memory as it needs it. Taken at once, it gets huge pages and costs
/// 27 MB more.
const SETTINGS: &[(&str, &str)] = if cfg!(target_env = "musl") {
    &[("MIMALLOC_PURGE_DELAY", "0"), ("MIMALLOC_ARENA_EAGER_COMMIT", "0")]
} else {
    &[("MALLOC_ARENA_MAX", "2"), ("MALLOC_TRIM_THRESHOLD_", "65536")]
};

/// Executes the program again, in the same process, with [`SETTINGS`]. Without them the allocator keeps what rendering a
/// page has freed, about 15 MB. Does nothing if the environment has one of the settings or the program can't be executed.
pub fn return_freed_memory() {
    let is_set = SETTINGS.iter().any(|(name, _)| env::var_os(name).is_some());
    let mut arguments = env::args_os();
    if let (false, Ok(program), Some(name)) = (is_set, env::current_exe(), arguments.next()) {
        // Returns only if it fails.
        let _ = Command::new(program).arg0(name).args(arguments).envs(SETTINGS.iter().copied()).exec();
    }
}
