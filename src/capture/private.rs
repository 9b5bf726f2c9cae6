//! Files that only their owner can read, and that nobody can lead elsewhere.

use super::CaptureError;
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

/// Creates or empties a file that only the owner may read or write. A file that exists is made private, too; a device as
/// `/dev/null` is left as it is.
///
/// # Errors
/// [`CaptureError::SymbolicLink`] where the last part of `path` is a symbolic link, else [`CaptureError::Io`].
pub fn create_private(path: &str) -> Result<File, CaptureError> {
    let failed = |e: io::Error| match e.raw_os_error() {
        // Without O_NOFOLLOW, whoever can make links in the directory chooses what is overwritten.
        Some(n) if n == nix::errno::Errno::ELOOP as i32 => CaptureError::SymbolicLink { path: path.to_owned() },
        _ => CaptureError::io("create", path, e),
    };
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits())
        .open(path)
        .map_err(failed)?;
    if file.metadata().map_err(failed)?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::create_private;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn an_existing_file_becomes_private_and_a_link_is_refused() {
        let room = tempfile::tempdir().unwrap();
        let at = |name: &str| room.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(at("old"), "open to all").unwrap();
        std::fs::set_permissions(at("old"), std::fs::Permissions::from_mode(0o644)).unwrap();
        create_private(&at("old")).unwrap();
        let meta = std::fs::metadata(at("old")).unwrap();
        assert_eq!((meta.permissions().mode() & 0o777, meta.len()), (0o600, 0));

        std::fs::write(at("target"), "untouched").unwrap();
        symlink(at("target"), at("link")).unwrap();
        let refused = create_private(&at("link")).unwrap_err().to_string();
        assert_eq!(refused, format!("{} is a symbolic link: captures are not written through one", at("link")));
        assert_eq!(std::fs::read_to_string(at("target")).unwrap(), "untouched");
        create_private("/dev/null").unwrap();
    }
}
