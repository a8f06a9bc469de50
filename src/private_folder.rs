//! Folders that only the server's own user may read.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Creates `folder` and its missing parents with mode 0700. An existing folder keeps its mode.
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
