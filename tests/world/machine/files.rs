//! Files of a machine from outside, whether it runs or not. Links lead to where they lead inside.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, fchmod, mkdirat, open, openat2, readlinkat};
use rustix::io::Errno;

use super::Machine;

impl Machine {
    /// The root directory of the machine. With a longer path the links on the way lead to this host's files, so
    /// prefer the functions below for anything that may be a link.
    pub fn path(&self) -> PathBuf {
        match self.running() {
            Some(process) => format!("/proc/{process}/root").into(),
            None => self.root_when_off(),
        }
    }

    /// The content of a file; panics where there is none.
    pub fn read(&self, path: impl AsRef<Path>) -> String {
        let path = path.as_ref();
        self.try_read(path).unwrap_or_else(|| panic!("{}: there is no {}", self.name(), path.display()))
    }

    /// The content of a file, if there is one.
    pub fn try_read(&self, path: impl AsRef<Path>) -> Option<String> {
        let file = match self.open(path.as_ref(), OFlags::RDONLY, Mode::empty()) {
            Err(Errno::NOENT) => return None,
            file => file.unwrap(),
        };
        let mut bytes = Vec::new();
        File::from(file).read_to_end(&mut bytes).unwrap();
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether something is there, a directory too; not for a link to nothing.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.open(path.as_ref(), OFlags::PATH, Mode::empty()).is_ok()
    }

    /// What a link holds.
    pub fn link_target(&self, path: impl AsRef<Path>) -> Option<String> {
        let link = self.open(path.as_ref(), OFlags::PATH | OFlags::NOFOLLOW, Mode::empty()).ok()?;
        Some(readlinkat(link, "", Vec::new()).ok()?.into_string().unwrap())
    }

    /// Write a file of root, mode 644, with its directories.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        self.write_with_mode(path.as_ref(), content.as_ref(), 0o644);
    }

    /// Write an executable of root, mode 755, with its directories.
    pub fn write_executable(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        self.write_with_mode(path.as_ref(), content.as_ref(), 0o755);
    }

    fn write_with_mode(&self, path: &Path, content: &[u8], mode: u32) {
        self.make_directory(path.parent().unwrap());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let file = self.open(path, flags, Mode::from_raw_mode(mode)).unwrap();
        fchmod(&file, Mode::from_raw_mode(mode)).unwrap();
        File::from(file).write_all(content).unwrap();
    }

    fn make_directory(&self, path: &Path) {
        if !matches!(self.open(path, OFlags::PATH, Mode::empty()), Err(Errno::NOENT)) {
            return;
        }
        let parent = path.parent().unwrap();
        self.make_directory(parent);
        let parent = self.open(parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        mkdirat(parent, path.file_name().unwrap(), Mode::from_raw_mode(0o755)).unwrap();
    }

    fn open(&self, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let root = open(self.path(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        openat2(root, path, flags | OFlags::CLOEXEC, mode, ResolveFlags::IN_ROOT)
    }
}
