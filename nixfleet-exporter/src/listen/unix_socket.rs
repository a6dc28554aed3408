//! Unix sockets: a file that must not be left behind, nor taken from another program.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::{Address, ListenError};

/// The file of a unix socket; removed when dropped, unless another file has taken its place.
#[derive(Debug)]
pub struct UnixSocketFile {
    path: PathBuf,
    device_and_inode: (u64, u64),
}

/// Opens a unix socket. A socket file at its place is replaced when nobody answers on it.
pub(super) fn open(path: &Path, mode: u32) -> Result<(tokio::net::UnixListener, UnixSocketFile), ListenError> {
    let failed = |cause| ListenError::new(&Address::Unix(path.to_owned()), cause);
    let bound = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_stale(path, error)?;
            UnixListener::bind(path)
        }
        other => other,
    };
    let socket = bound.map_err(failed)?;
    let file = UnixSocketFile::of(path).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    Ok((tokio::net::UnixListener::from_std(socket).map_err(failed)?, file))
}

fn remove_stale(path: &Path, in_use: io::Error) -> Result<(), ListenError> {
    let failed = |cause| ListenError::new(&Address::Unix(path.to_owned()), cause);
    if !fs::symlink_metadata(path).map_err(failed)?.file_type().is_socket() {
        return Err(ListenError::NotASocket { path: path.to_owned() });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(failed),
        // Somebody answers, or it cannot be told.
        _ => Err(failed(in_use)),
    }
}

impl UnixSocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), device_and_inode: identity(path)? })
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

impl Drop for UnixSocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.device_and_inode)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!("cannot remove the socket {}: {error}", self.path.display());
        }
    }
}
