//! The baselines in `benches/baseline`, which serve a response recorded from Candor.

use std::path::Path;

use crate::client::Answer;

/// Headers that the server adds to every response, or that are specific to one response.
const OMITTED_HEADERS: [&str; 5] = ["date", "content-length", "connection", "transfer-encoding", "x-request-id"];

pub fn save_response(answer: &Answer, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let kept = answer.headers.iter().filter(|(name, _)| !OMITTED_HEADERS.contains(&name.as_str()));
    let lines: String = kept.map(|(name, value)| format!("{name}: {value}\n")).collect();
    std::fs::write(folder.join("headers"), lines)?;
    Ok(std::fs::write(folder.join("body"), &answer.body)?)
}
