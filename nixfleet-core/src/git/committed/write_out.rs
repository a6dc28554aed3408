//! Writing the files of a commit to a directory of one's own.

use std::ffi::OsStr;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use git2::Oid;

use super::CommittedFiles;
use super::contents::{Entry, NotListed, list};
use super::error::WriteOutError;
use super::found::DIRECTORY;

/// How much is written at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOutBounds {
    /// Files, links and directories.
    pub files: usize,
    /// The bytes of all files.
    pub bytes: u64,
}

impl Default for WriteOutBounds {
    /// 20,000 files and 256 MiB: far more than the configuration of a fleet, less than nixpkgs.
    fn default() -> Self {
        Self { files: 20_000, bytes: 256 * 1024 * 1024 }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrittenOut {
    /// All files of the commit.
    All,
    /// The commit is larger than the bounds: only this directory at its top.
    Only(PathBuf),
}

impl CommittedFiles {
    /// Writes the files of the commit to `destination`, which is made for it and must not be there yet.
    ///
    /// Where the commit is larger than the bounds, only the directory at its top that `needed` lies in is written. Files are
    /// as committed (no filter is run), with mode 644 or 755, so that every user may read them; symbolic links are written as
    /// they are and never followed. Where it fails, a part of it may have been written.
    pub fn write_out(
        &self,
        destination: &Path,
        needed: &Path,
        bounds: WriteOutBounds,
    ) -> Result<WrittenOut, WriteOutError> {
        let not_listed = |part: &Path, problem: NotListed| match problem {
            NotListed::TooLarge => WriteOutError::too_large(&self.revision, part, bounds),
            NotListed::BadName(directory) => WriteOutError::BadName { revision: self.revision.clone(), directory },
            NotListed::Git(error) => self.unreadable(part, error).into(),
        };
        let top = Path::new("");
        match list(&self.view, self.tree, PathBuf::new(), bounds) {
            Ok(entries) => self.write(destination, &entries).map(|()| WrittenOut::All),
            Err(NotListed::TooLarge) => {
                let (part, tree) = self
                    .directory_at_the_top(needed)
                    .map_err(|error| self.unreadable(needed, error))?
                    .ok_or_else(|| WriteOutError::too_large(&self.revision, top, bounds))?;
                let mut entries = vec![Entry::Directory(part.clone())];
                entries.append(
                    &mut list(&self.view, tree, part.clone(), bounds).map_err(|error| not_listed(&part, error))?,
                );
                self.write(destination, &entries).map(|()| WrittenOut::Only(part))
            }
            Err(problem) => Err(not_listed(top, problem)),
        }
    }

    /// The directory at the top of the commit that this path goes through.
    fn directory_at_the_top(&self, path: &Path) -> Result<Option<(PathBuf, Oid)>, git2::Error> {
        let name = path.components().find_map(|part| match part {
            Component::Normal(name) => Some(name),
            _ => None,
        });
        let Some(name) = name else { return Ok(None) };
        let tree = self.view.find_tree(self.tree)?;
        let entry = tree.get_name_bytes(name.as_bytes()).filter(|entry| entry.filemode() == DIRECTORY);
        Ok(entry.map(|entry| (PathBuf::from(name), entry.id())))
    }

    fn write(&self, destination: &Path, entries: &[Entry]) -> Result<(), WriteOutError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| WriteOutError::Write { path, source }
        };
        // Each directory is made here, and each entry must be new in it: no link of the commit is ever followed.
        let make = |path: &Path| DirBuilder::new().mode(0o755).create(path).map_err(failed(path));
        make(destination)?;
        for entry in entries {
            match entry {
                Entry::Directory(path) => make(&destination.join(path))?,
                Entry::File { path, id, is_executable } => {
                    let content = self.read(path, *id)?;
                    let path = destination.join(path);
                    let mode = if *is_executable { 0o755 } else { 0o644 };
                    OpenOptions::new()
                        .write(true)
                        .create_new(true)
                        .mode(mode)
                        .open(&path)
                        .and_then(|mut file| file.write_all(&content))
                        .map_err(failed(&path))?;
                }
                Entry::Link { path, id } => {
                    let target = self.read(path, *id)?;
                    let path = destination.join(path);
                    match symlink(OsStr::from_bytes(&target), &path) {
                        // A target that no link can have leads nowhere: so does none.
                        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidFilename) => {}
                        written => written.map_err(failed(&path))?,
                    }
                }
            }
        }
        Ok(())
    }

    fn read(&self, path: &Path, id: Oid) -> Result<Vec<u8>, WriteOutError> {
        let read = || Ok(self.view.odb()?.read(id)?.data().to_vec());
        read().map_err(|error| self.unreadable(path, error).into())
    }
}
