//! Documents in files and folders, read one part at a time so that a long history never stands in memory whole.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Format;
use super::source::{Source, SourceError};

/// How many incidents that have a file of their own are kept in one transaction.
const BATCH_SIZE: usize = 250;

/// What is imported: parts, each kept whole or not at all.
pub trait SourceParts {
    /// How many parts there are.
    fn len(&self) -> usize;

    /// Whether there is nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part at `index`. Each is read twice: to learn names, and to import it.
    ///
    /// # Errors
    /// Where it can't be read; then nothing of it counts.
    fn part(&self, index: usize) -> Result<Cow<'_, Source>, BrokenDocument>;
}

/// A document that can't be read.
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

/// Files in one format.
pub struct SourceFiles<'a> {
    format: &'a dyn Format,
    parts: Vec<SourcePart>,
}

struct SourcePart {
    /// The argument of the command line that it came with.
    argument: usize,
    held: PartLocation,
}

/// Where it stands.
enum PartLocation {
    /// A file that may hold many things; the incidents that have a file of their own are taken from there.
    One(PathBuf, BTreeSet<String>),
    /// Files that hold one incident each.
    Alone(Vec<PathBuf>),
}

impl<'a> SourceFiles<'a> {
    /// The files that `paths` name: each a file, or a folder with all in it that the format knows.
    ///
    /// # Errors
    /// Where a folder can't be read, or holds nothing that the format knows.
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

    /// Which of the paths the part at `index` came with.
    pub fn argument(&self, index: usize) -> usize {
        self.parts.get(index).map_or(0, |part| part.argument)
    }

    fn read_file(&self, file: &Path, elsewhere: &BTreeSet<String>) -> Result<Source, BrokenDocument> {
        let broken = |why| BrokenDocument { file: file.to_owned(), why };
        let bytes = std::fs::read(file).map_err(|error| broken(SourceError::Other(error.to_string())))?;
        self.format.read_document(file, &bytes, &|id| !elsewhere.contains(id)).map_err(broken)
    }

    /// What stands in many files. One that is broken spoils none of the others.
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

/// The files in a folder, lists first, feeds last: their entries tell of what must be there already.
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
    // The last of two files about one incident says more: that beside its page, and not below `api`.
    for file in files.into_iter().rev() {
        match format.single_incident_id(&file) {
            Some(id) if taken.insert(id.clone()) => alone.push(file),
            Some(_) => {}
            None if file.extension().is_some_and(|extension| extension == "atom") => feeds.push(file),
            None => lists.push(file),
        }
    }
    let list = |file| PartLocation::One(file, taken.clone());
    let mut parts: Vec<PartLocation> = lists.into_iter().rev().map(list).collect();
    parts.extend(alone.chunks(BATCH_SIZE).map(|files| PartLocation::Alone(files.to_vec())));
    parts.extend(feeds.into_iter().map(|file| PartLocation::One(file, BTreeSet::new())));
    Ok(parts)
}

fn walk_folder(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // What a link leads to is left alone: it might lead back.
        if entry.file_type()?.is_dir() {
            walk_folder(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
