//! x
use crate::clock::Clock;
use crate::db::Db;
pub async fn run(_db: &Db, _clock: &Clock) -> anyhow::Result<()> {
    anyhow::bail!("x")
}
