//! Folders for what only the server's own user may read.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Creates `folder`, and those above it that are missing, for their owner only. One that exists stays as it is.
///
/// # Errors
/// Where it can't be created.
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn created_folder_is_closed_to_others() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data/import");
        create_private_folder(&folder).unwrap();
        create_private_folder(&folder).unwrap();
        for created in [outer.path().join("data"), folder] {
            assert_eq!(created.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
    }
}
