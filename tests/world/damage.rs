//! What can lie in the place of a file, and the way back.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::directory_content::{Content, content};

/// What is done to a file.
#[derive(Debug, Clone)]
pub enum Damage {
    Holds(Vec<u8>),
    HasAtItsEnd(&'static [u8]),
    IsCutInHalf,
    IsGone,
    IsADirectory,
    IsAFifo,
    LeadsTo(&'static str),
    MayNotBeRead,
}

use Damage::{HasAtItsEnd, Holds, IsADirectory, IsAFifo, IsCutInHalf, IsGone, LeadsTo, MayNotBeRead};

impl Damage {
    pub fn text(text: &str) -> Self {
        Holds(text.as_bytes().to_vec())
    }

    pub fn inflict(&self, path: &Path) {
        if let (IsADirectory | IsAFifo | LeadsTo(_) | IsGone, true) = (self, path.symlink_metadata().is_ok()) {
            remove(path);
        }
        match self {
            Holds(bytes) => fs::write(path, bytes).unwrap(),
            HasAtItsEnd(bytes) => fs::write(path, [&fs::read(path).unwrap(), *bytes].concat()).unwrap(),
            IsCutInHalf => {
                let bytes = fs::read(path).unwrap();
                fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            }
            IsGone => {}
            IsADirectory => fs::create_dir(path).unwrap(),
            IsAFifo => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
            LeadsTo(target) => symlink(target, path).unwrap(),
            MayNotBeRead => fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap(),
        }
    }
}

/// All that lies there; nothing where nothing does.
pub fn content_of(path: &Path) -> Content {
    if path.symlink_metadata().is_ok() { content(path) } else { Content::new() }
}

/// The first words of what it is.
pub fn short(damage: &Damage) -> String {
    format!("{damage:?}").chars().take(100).collect()
}

/// Removes a file or a directory.
pub fn remove(path: &Path) {
    let is_directory = path.symlink_metadata().unwrap().is_dir();
    if is_directory {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    if is_directory { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
}

/// Copies it with all its properties.
pub fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").args(["--archive", "--"]).arg(from).arg(to).status().unwrap().success());
}
