//! Any imported file is rejected, or becomes data that the database accepts.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use candor::db::Db;
use candor::import::{self, CState, Cachet, Format, Kuma, ImportOptions, Statuspage};
use chrono::DateTime;
use chrono_tz::UTC;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

const FORMATS: [(&dyn Format, &str); 4] = [
    (&Statuspage, "incidents.json"),
    (&Cachet { zone: UTC }, "incidents.json"),
    (&CState { zone: UTC }, "content/issues/2026-11-24-fog.md"),
    (&Kuma, "backup.json"),
];

/// A database that stays empty: each import is a dry run.
static DB: LazyLock<(Runtime, Db)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let file = std::env::temp_dir().join(format!("candor-fuzz-{}.db", std::process::id()));
    let db = runtime.block_on(async {
        let db = Db::at(&format!("sqlite://{}", file.display())).unwrap();
        db.prepare(DateTime::UNIX_EPOCH).await.unwrap();
        db
    });
    (runtime, db)
});

fuzz_target!(|input: (u8, &[u8])| {
    let (which, bytes) = input;
    let (format, path) = FORMATS[usize::from(which) % FORMATS.len()];
    let Ok(source) = format.read(Path::new(path), bytes, &|_| true) else { return };
    let (runtime, db) = &*DB;
    let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let previewed = runtime.block_on(import::preview(db, &[source], &ImportOptions::default(), now, || ()));
    previewed.expect("what can be read can be kept");
});
