//! Reading a file whose name somebody else may have given to a pipe, a folder or an endless file.

use std::fs::File;
use std::io::{Error, Read as _, Result};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// Whether a symbolic link is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    Followed,
    Refused,
}

/// The content of a regular file of at most `limit` bytes. Opening a pipe would wait for a writer, so it is refused.
///
/// # Errors
/// Where it can't be read, is not a regular file, or is longer.
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
