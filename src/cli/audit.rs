//! `candor audit …`

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use indicatif::ProgressBar;

use super::output;
use crate::db::audit_chain::{self, ChainStep, ChainWalk};
use crate::db::{Db, Tx};

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Verify that no audit log row was altered, removed, inserted or reordered; the exit code is 0 if intact
    Verify {
        /// A digest saved from /.well-known/candor-audit or the audit log page; its row must still exist
        #[arg(long, value_name = "HASH|ID:HASH", value_parser = parse_digest)]
        expect: Option<ExpectedDigest>,
    },
}

/// A digest saved elsewhere; the public one has no id.
#[derive(Clone, Debug)]
pub struct ExpectedDigest {
    id: Option<i64>,
    hash: String,
}

pub async fn run(command: Command, db: &Db) -> anyhow::Result<ExitCode> {
    let Command::Verify { expect } = command;
    let mut tx = db.read().await.map_err(output::describe_error)?;
    let walked = verify_chain(&mut tx).await.map_err(output::describe_error)?;
    let rows = match walked {
        Ok(rows) => rows,
        Err((id, reason)) => return Ok(report_broken(&format!("The audit log is broken at row {id}: {reason}."))),
    };
    if let Some(ExpectedDigest { id: None, hash }) = &expect
        && audit_chain::find_hash(&mut tx, hash).await.map_err(output::describe_error)?.is_none()
    {
        return Ok(report_broken(
            "No row has this hash: the audit log was truncated before it, or rewritten up to it.",
        ));
    }
    if let Some(ExpectedDigest { id: Some(id), hash }) = expect {
        match audit_chain::find_row_hash(&mut tx, id).await.map_err(output::describe_error)? {
            None => return Ok(report_broken(&format!("Row {id} is missing: the audit log was truncated before it."))),
            Some(found) if found != hash => {
                return Ok(report_broken(&format!("Row {id} has another hash: the audit log was rewritten up to it.")));
            }
            Some(_) => {}
        }
    }
    match audit_chain::head(&mut tx).await.map_err(output::describe_error)? {
        Some(head) => {
            say!("Audit log OK: {}, head {}:{}", output::format_count(rows, "row"), head.id, head.hash);
        }
        None => say!("Audit log OK: no entries yet."),
    }
    Ok(ExitCode::SUCCESS)
}

/// The number of valid rows, or the id of the first broken row and the reason.
async fn verify_chain(tx: &mut Tx) -> crate::db::Result<Result<usize, (i64, &'static str)>> {
    let progress = ProgressBar::new(u64::try_from(audit_chain::length(tx).await?).unwrap_or_default());
    let mut walk = ChainWalk::default();
    let walked = loop {
        match walk.step(tx).await? {
            ChainStep::On => progress.set_position(u64::try_from(walk.rows).unwrap_or_default()),
            ChainStep::End => break Ok(usize::try_from(walk.rows).unwrap_or_default()),
            ChainStep::Broken(id, reason) => break Err((id, reason)),
        }
    };
    progress.finish_and_clear();
    Ok(walked)
}

fn report_broken(sentence: &str) -> ExitCode {
    say_error!("{sentence}");
    ExitCode::FAILURE
}

fn parse_digest(text: &str) -> anyhow::Result<ExpectedDigest> {
    let (id, hash) = text.split_once(':').map_or((None, text), |(id, hash)| (Some(id), hash));
    let plain = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    ensure!(plain, "the hash must have 64 hexadecimal digits");
    let id = id.map(str::parse).transpose().context("the id must be a number")?;
    Ok(ExpectedDigest { id, hash: hash.to_ascii_lowercase() })
}
