//! Notices writes to a SQLite database: its file, its write-ahead log, and files that replace them.

#[cfg(target_os = "linux")]
pub(super) use linux::FileWatch;
#[cfg(not(target_os = "linux"))]
pub(super) use other::FileWatch;

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsString;
    use std::io;
    use std::path::{Path, PathBuf};

    use futures_util::{FutureExt as _, StreamExt as _};
    use inotify::{Event, EventMask, EventStream, Inotify, WatchDescriptor, WatchMask};

    use super::super::disk_file::beside;

    /// Watches the files, and their folders, because a file may be created or replaced.
    pub struct FileWatch {
        events: EventStream<[u8; 4096]>,
        folders: Vec<WatchDescriptor>,
        files: Vec<PathBuf>,
    }

    impl FileWatch {
        /// # Errors
        /// A folder is missing, or the user has too many watches.
        pub fn open(path: &Path) -> io::Result<Self> {
            let inotify = Inotify::init()?;
            let mask = WatchMask::CREATE | WatchMask::DELETE | WatchMask::MOVE | WatchMask::ONLYDIR;
            let (mut folders, mut files) = (Vec::new(), Vec::new());
            // The path may be a symbolic link, which may change too.
            for file in [path.to_owned(), path.canonicalize()?] {
                let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
                folders.push(inotify.watches().add(folder, mask)?);
                files.extend([beside(&file, "-wal"), file]);
            }
            let watch = Self { events: inotify.into_event_stream([0; 4096])?, folders, files };
            watch.add_files();
            Ok(watch)
        }

        /// Waits until one of the files is written, created, moved or deleted. Events that arrived meanwhile count once.
        ///
        /// # Errors
        /// The watch has ended, because a folder is gone.
        pub async fn wait(&mut self) -> io::Result<()> {
            loop {
                let event = self.events.next().await;
                if self.is_change(event)? {
                    break;
                }
            }
            while let Some(event) = self.events.next().now_or_never() {
                self.is_change(event)?;
            }
            self.add_files();
            Ok(())
        }

        /// Watches the files that exist. For one that is watched already it changes nothing.
        fn add_files(&self) {
            for file in &self.files {
                let _ = self.events.watches().add(file, WatchMask::MODIFY);
            }
        }

        fn is_change(&self, event: Option<io::Result<Event<OsString>>>) -> io::Result<bool> {
            let event = event.ok_or(io::ErrorKind::UnexpectedEof)??;
            if !self.folders.contains(&event.wd) {
                return Ok(true);
            }
            if event.mask.contains(EventMask::IGNORED) {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the folder is gone"));
            }
            // Without a name, events were lost.
            let is_watched = |name: OsString| self.files.iter().any(|file| file.file_name() == Some(&*name));
            Ok(event.name.is_none_or(is_watched))
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::io;
    use std::path::Path;

    pub struct FileWatch;

    impl FileWatch {
        pub fn open(_: &Path) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub async fn wait(&mut self) -> io::Result<()> {
            std::future::pending().await
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::super::disk_file::beside;
    use super::*;

    const LONG: Duration = Duration::from_secs(10);
    const SHORT: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn writes_and_replacements_are_noticed_but_other_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (path, log) = (folder.path().join("a.db"), folder.path().join("a.db-wal"));
        fs::write(&path, "1").unwrap();
        let mut watch = FileWatch::open(&path).unwrap();
        fs::write(folder.path().join("b.db"), "1").unwrap();
        assert!(timeout(SHORT, watch.wait()).await.is_err());
        fs::write(&log, "1").unwrap();
        timeout(LONG, watch.wait()).await.unwrap().unwrap();
        assert!(timeout(SHORT, watch.wait()).await.is_err(), "events that arrived together count once");
        fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(b"2").unwrap();
        timeout(LONG, watch.wait()).await.unwrap().unwrap();
        fs::rename(folder.path().join("b.db"), &path).unwrap();
        timeout(LONG, watch.wait()).await.unwrap().unwrap();
        // The new file is watched instead.
        while timeout(SHORT, watch.wait()).await.is_ok() {}
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"2").unwrap();
        timeout(LONG, watch.wait()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn link_and_its_target_are_watched() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (path, target) = (folder.path().join("a.db"), elsewhere.path().join("b.db"));
        fs::write(&target, "1").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        let mut watch = FileWatch::open(&path).unwrap();
        fs::write(beside(&target, "-wal"), "1").unwrap();
        timeout(LONG, watch.wait()).await.unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        timeout(LONG, watch.wait()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn watch_of_a_deleted_folder_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::write(&path, "1").unwrap();
        let mut watch = FileWatch::open(&path).unwrap();
        folder.close().unwrap();
        let ended = async { while watch.wait().await.is_ok() {} };
        timeout(LONG, ended).await.unwrap();
        assert!(FileWatch::open(&path).is_err());
    }
}
