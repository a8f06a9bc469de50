//! Documents in files and folders, read part by part to limit memory use.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Format;
use super::feed::is_feed_name;
use super::source::{Source, SourceError};

/// Incidents with a file of their own per transaction.
const BATCH_SIZE: usize = 250;

/// The parts of an import; each is imported completely or not at all.
pub trait SourceParts {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads the part at `index`. Every part is read twice: first for names, then for the import.
    fn part(&self, index: usize) -> Result<Cow<'_, Source>, BrokenDocument>;
}

#[derive(Debug, thiserror::Error)]
#[error("nothing was imported: {}: {why}", file.display())]
pub struct BrokenDocument {
    file: PathBuf,
    why: SourceError,
}

impl<T: AsRef<[Source]>> SourceParts for T {
    fn len(&self) -> usize {
        self.as_ref().len()
    }

    fn part(&self, index: usize) -> Result<Cow<'_, Source>, BrokenDocument> {
        Ok(self.as_ref().get(index).map_or_else(|| Cow::Owned(Source::default()), Cow::Borrowed))
    }
}

pub struct SourceFiles<'a> {
    format: &'a dyn Format,
    parts: Vec<SourcePart>,
}

struct SourcePart {
    /// The index of the command line argument that named the part.
    argument: usize,
    held: PartLocation,
}

enum PartLocation {
    /// A file with any content; incidents with a file of their own (these ids) are skipped.
    One(PathBuf, BTreeSet<String>),
    /// Files with one incident each.
    Alone(Vec<PathBuf>),
}

impl<'a> SourceFiles<'a> {
    /// Opens files and folders. For folders, finds all files of this format; fails if there are none.
    pub fn open(format: &'a dyn Format, paths: &[PathBuf]) -> Result<Self, BrokenDocument> {
        let mut parts = Vec::new();
        for (argument, path) in paths.iter().enumerate() {
            let found = if path.is_dir() {
                list_folder(format, path)?
            } else {
                vec![PartLocation::One(path.clone(), BTreeSet::new())]
            };
            parts.extend(found.into_iter().map(|held| SourcePart { argument, held }));
        }
        Ok(Self { format, parts })
    }

    /// The index of the argument that named the part.
    pub fn argument(&self, index: usize) -> usize {
        self.parts.get(index).map_or(0, |part| part.argument)
    }

    fn read_file(&self, file: &Path, elsewhere: &BTreeSet<String>) -> Result<Source, BrokenDocument> {
        let broken = |why| BrokenDocument { file: file.to_owned(), why };
        let bytes = std::fs::read(file).map_err(|error| broken(SourceError::Other(error.to_string())))?;
        self.format.read_document(file, &bytes, &|id| !elsewhere.contains(id)).map_err(broken)
    }

    /// Reads files with one incident each. A broken file is reported and skipped.
    fn read_files(&self, files: &[PathBuf]) -> Source {
        let mut all = Source::default();
        for file in files {
            match self.read_file(file, &BTreeSet::new()) {
                Ok(source) => all.extend(source),
                Err(BrokenDocument { why, .. }) => all.broken.push(format!("incident in {}: {why}", file.display())),
            }
        }
        all
    }
}

impl SourceParts for SourceFiles<'_> {
    fn len(&self) -> usize {
        self.parts.len()
    }

    fn part(&self, index: usize) -> Result<Cow<'_, Source>, BrokenDocument> {
        let source = match self.parts.get(index).map(|part| &part.held) {
            Some(PartLocation::One(file, elsewhere)) => self.read_file(file, elsewhere)?,
            Some(PartLocation::Alone(files)) => self.read_files(files),
            None => Source::default(),
        };
        Ok(Cow::Owned(source))
    }
}

/// The files in a folder: lists first, feeds last, because feed entries refer to imported incidents.
fn list_folder(format: &dyn Format, path: &Path) -> Result<Vec<PartLocation>, BrokenDocument> {
    let mut files = Vec::new();
    let broken = |why: String| BrokenDocument { file: path.to_owned(), why: SourceError::Other(why) };
    walk_folder(path, &mut files).map_err(|error| broken(error.to_string()))?;
    files.retain(|file| format.accepts(file.strip_prefix(path).unwrap_or(file)));
    if files.is_empty() {
        return Err(broken("the folder holds no files that can be imported".into()));
    }
    files.sort();
    let mut taken = BTreeSet::new();
    let (mut lists, mut feeds, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    // If two files hold the same incident, prefer the one outside of `api`, which has more data.
    for file in files.into_iter().rev() {
        match format.single_incident_id(&file) {
            Some(id) if taken.insert(id.clone()) => alone.push(file),
            Some(_) => {}
            None if is_feed_name(&file) => feeds.push(file),
            None => lists.push(file),
        }
    }
    // The first id of an incident counts: prefer that of the Atom feed.
    feeds.sort_by_key(|file| file.extension().is_none_or(|extension| extension != "atom"));
    let list = |file| PartLocation::One(file, taken.clone());
    let mut parts: Vec<PartLocation> = lists.into_iter().rev().map(list).collect();
    parts.extend(alone.chunks(BATCH_SIZE).map(|files| PartLocation::Alone(files.to_vec())));
    parts.extend(feeds.into_iter().map(|file| PartLocation::One(file, BTreeSet::new())));
    Ok(parts)
}

fn walk_folder(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Symlinks are not followed, because they could form a loop.
        if entry.file_type()?.is_dir() {
            walk_folder(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
