//! What Candor is compared with: the program in `benches/baseline`, which serves a response that Candor gave.

use std::path::Path;

use crate::client::Answer;

/// Headers that the server itself adds to every answer, or that belong to one answer only.
const OMITTED_HEADERS: [&str; 5] = ["date", "content-length", "connection", "transfer-encoding", "x-request-id"];

/// Writes the headers and the body of `answer` to `folder`.
pub fn save_response(answer: &Answer, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let kept = answer.headers.iter().filter(|(name, _)| !OMITTED_HEADERS.contains(&name.as_str()));
    let lines: String = kept.map(|(name, value)| format!("{name}: {value}\n")).collect();
    std::fs::write(folder.join("headers"), lines)?;
    Ok(std::fs::write(folder.join("body"), &answer.body)?)
}
