//! A PostgreSQL cluster from this machine's binaries with default settings: unlike that of the tests, it syncs its
//! writes.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use candor::db::Db;
use rustix::process::{Pid, Signal, getuid, kill_process};
use tempfile::TempDir;

/// How long the start may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sequential scans per table.
pub type Walks = BTreeMap<String, i64>;

/// A running cluster in its own folder; both are removed when dropped.
pub struct Cluster {
    child: Child,
    home: TempDir,
}

impl Cluster {
    pub async fn start() -> anyhow::Result<Self> {
        let bin = binaries().context("no PostgreSQL on this machine")?;
        let home = tempfile::Builder::new().prefix("candor-bench-pg-").tempdir()?;
        let data = home.path().join("data");
        if getuid().is_root() {
            let given = Command::new("chown").arg("postgres").arg(home.path()).status()?;
            ensure!(given.success(), "chown");
        }
        let options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"];
        let made =
            as_postgres(&bin.join("initdb")).arg("-D").arg(&data).args(options).stdout(Stdio::null()).status()?;
        ensure!(made.success(), "initdb failed");
        let log = File::create(home.path().join("log"))?;
        let child = as_postgres(&bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(home.path())
            .args(["-h", "", "-c", "max_wal_size=4GB"])
            .current_dir(home.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let cluster = Self { child, home };
        cluster.ready().await?;
        Ok(cluster)
    }

    pub fn url(&self) -> String {
        let socket = self.home.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@localhost/postgres?host={socket}")
    }

    /// Sequential scans so far, of each table with more than ten thousand rows.
    pub async fn walks(db: &Db) -> anyhow::Result<Option<Walks>> {
        let Db::Postgres(pool, _) = db else { return Ok(None) };
        // Connections report their counts about a second later.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let sql = "select relname::text, coalesce(seq_scan, 0) from pg_stat_user_tables where n_live_tup > 10000";
        let counted: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(pool).await?;
        Ok(Some(counted.into_iter().collect()))
    }

    async fn ready(&self) -> anyhow::Result<()> {
        let db = Db::at(&self.url())?;
        let asked = Instant::now();
        while db.read().await.is_err() {
            ensure!(asked.elapsed() < PATIENCE, "PostgreSQL does not answer");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        db.close().await;
        Ok(())
    }
}

impl Drop for Cluster {
    /// Reads the server's pid from its file, because the child may be the program that changes the user.
    fn drop(&mut self) {
        let file = std::fs::read_to_string(self.home.path().join("data/postmaster.pid")).unwrap_or_default();
        let pid = file.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::INT);
        }
        let _ = self.child.wait();
    }
}

/// Runs a command as the user `postgres` if we are root, because PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    if !getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

/// The folder of the newest version where Debian puts it, else on the PATH.
fn binaries() -> Option<PathBuf> {
    let entries = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = entries.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    versions.into_iter().rev().chain(std::env::split_paths(&path)).find(|bin| bin.join("initdb").is_file())
}
