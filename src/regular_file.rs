//! Reads files whose path may lead to a pipe, a folder or an endless file.

use std::fs::File;
use std::io::{Error, Read as _, Result};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    Followed,
    Refused,
}

/// Reads a regular file of at most `limit` bytes. Opens it without blocking, because opening a pipe waits for a writer.
pub fn read(file: &Path, limit: u64, links: Links) -> Result<Vec<u8>> {
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
    let flags = if links == Links::Refused { flags | OFlags::NOFOLLOW } else { flags };
    let opened: File = rustix::fs::open(file, flags, Mode::empty())?.into();
    let about = opened.metadata()?;
    if !about.is_file() {
        return Err(Error::other("it is not a regular file"));
    }
    if about.len() > limit {
        return Err(Error::other(format!("it has {} bytes, more than the {limit} that are read", about.len())));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
    opened.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
