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
    use inotify::{Event, EventStream, Inotify, WatchDescriptor, WatchMask};

    use super::super::disk_file::beside;

    /// Watches the files, and their folders, because a file may be created or replaced.
    pub struct FileWatch {
        path: PathBuf,
        events: EventStream<[u8; 4096]>,
        folders: Vec<WatchDescriptor>,
        files: Vec<PathBuf>,
    }

    impl FileWatch {
        /// # Errors
        /// The database file is missing, or the user has too many watches.
        pub fn open(path: &Path) -> io::Result<Self> {
            let events = Inotify::init()?.into_event_stream([0; 4096])?;
            let mut watch = Self { path: path.to_owned(), events, folders: Vec::new(), files: Vec::new() };
            watch.renew()?;
            Ok(watch)
        }

        /// Watches what is at the path now: a folder or a symbolic link may have been replaced. What is watched already
        /// stays watched.
        ///
        /// # Errors
        /// As of [`FileWatch::open`].
        pub fn renew(&mut self) -> io::Result<()> {
            self.folders.clear();
            self.files.clear();
            for file in [self.path.clone(), self.path.canonicalize()?] {
                let mask = WatchMask::CREATE | WatchMask::DELETE | WatchMask::MOVE | WatchMask::ONLYDIR;
                let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
                self.folders.push(self.events.watches().add(folder, mask)?);
                self.files.extend([beside(&file, "-wal"), file]);
            }
            for file in &self.files {
                match self.events.watches().add(file, WatchMask::MODIFY) {
                    // The log is created later.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    watched => {
                        watched?;
                    }
                }
            }
            Ok(())
        }

        /// Waits until one of the files is written, created, moved or deleted. Events that arrived meanwhile count once.
        ///
        /// # Errors
        /// As of [`FileWatch::open`].
        pub async fn wait_for_change(&mut self) -> io::Result<()> {
            loop {
                let event = self.events.next().await;
                if self.is_database_change(event)? {
                    break;
                }
            }
            while let Some(event) = self.events.next().now_or_never() {
                self.is_database_change(event)?;
            }
            self.renew()
        }

        fn is_database_change(&self, event: Option<io::Result<Event<OsString>>>) -> io::Result<bool> {
            let event = event.ok_or(io::ErrorKind::UnexpectedEof)??;
            // Of a file, or events were lost.
            if !self.folders.contains(&event.wd) {
                return Ok(true);
            }
            // Without a name, the folder is gone.
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

        pub fn renew(&mut self) -> io::Result<()> {
            Ok(())
        }

        pub async fn wait_for_change(&mut self) -> io::Result<()> {
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
        assert!(timeout(SHORT, watch.wait_for_change()).await.is_err());
        fs::write(&log, "1").unwrap();
        timeout(LONG, watch.wait_for_change()).await.unwrap().unwrap();
        assert!(timeout(SHORT, watch.wait_for_change()).await.is_err(), "events that arrived together count once");
        fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(b"2").unwrap();
        timeout(LONG, watch.wait_for_change()).await.unwrap().unwrap();
        fs::rename(folder.path().join("b.db"), &path).unwrap();
        timeout(LONG, watch.wait_for_change()).await.unwrap().unwrap();
        // The new file is watched instead.
        while timeout(SHORT, watch.wait_for_change()).await.is_ok() {}
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"2").unwrap();
        timeout(LONG, watch.wait_for_change()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn link_and_its_target_are_watched() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (path, target) = (folder.path().join("a.db"), elsewhere.path().join("b.db"));
        fs::write(&target, "1").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        let mut watch = FileWatch::open(&path).unwrap();
        fs::write(beside(&target, "-wal"), "1").unwrap();
        timeout(LONG, watch.wait_for_change()).await.unwrap().unwrap();
        let other = elsewhere.path().join("c.db");
        fs::write(&other, "1").unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join("new")).unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        timeout(LONG, watch.wait_for_change()).await.unwrap().unwrap();
        while timeout(SHORT, watch.wait_for_change()).await.is_ok() {}
        fs::write(beside(&other, "-wal"), "1").unwrap();
        timeout(LONG, watch.wait_for_change()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn replaced_folder_is_watched_after_renewal() {
        let around = tempfile::tempdir().unwrap();
        let (folder, path) = (around.path().join("data"), around.path().join("data/a.db"));
        fs::create_dir(&folder).unwrap();
        fs::write(&path, "1").unwrap();
        let mut watch = FileWatch::open(&path).unwrap();
        fs::rename(&folder, around.path().join("old")).unwrap();
        assert!(watch.renew().is_err(), "the file is missing");
        fs::create_dir(&folder).unwrap();
        fs::write(&path, "1").unwrap();
        watch.renew().unwrap();
        fs::write(beside(&path, "-wal"), "1").unwrap();
        timeout(LONG, watch.wait_for_change()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn watch_of_a_deleted_folder_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::write(&path, "1").unwrap();
        let mut watch = FileWatch::open(&path).unwrap();
        folder.close().unwrap();
        let ended = async { while watch.wait_for_change().await.is_ok() {} };
        timeout(LONG, ended).await.unwrap();
        assert!(FileWatch::open(&path).is_err());
    }
}
