//! Keeps the database of a failing test in a folder that `make test` prints.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Creates the folder of the failing test. Its path contains the time at which the tests start.
fn folder() -> Option<PathBuf> {
    let start = std::env::var("CANDOR_TEST_NOW").unwrap_or_else(|_| "fixed".to_owned()).replace(':', "");
    let test = std::thread::current().name().unwrap_or("unnamed").replace("::", ".");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/failures/rust").join(start).join(test);
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder)
}

/// Copies the SQLite files in `source` if the test of this thread is failing.
pub fn copy_sqlite(source: &Path) {
    let Some(target) = failing() else { return };
    for file in std::fs::read_dir(source).into_iter().flatten().flatten().filter(|file| file.path().is_file()) {
        let _ = std::fs::copy(file.path(), target.join(file.file_name()));
    }
}

/// Dumps the PostgreSQL database at `url` if the test of this thread is failing.
pub fn dump_postgres(bin: &Path, url: &str) {
    let Some(target) = failing() else { return };
    let beside_server = bin.join("pg_dump");
    let program = if beside_server.is_file() { beside_server } else { "pg_dump".into() };
    if let Err(error) = Command::new(program).arg("--file").arg(target.join("database.sql")).arg(url).status() {
        eprintln!("pg_dump: {error}");
    }
}

fn failing() -> Option<PathBuf> {
    let folder = std::thread::panicking().then(folder).flatten()?;
    eprintln!("the database of this test: {}", folder.display());
    Some(folder)
}
