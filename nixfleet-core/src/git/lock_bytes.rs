//! The bytes of `flake.lock`: in the work tree, and in a commit.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid, Repository, Tree, TreeEntry};

use super::{RepositoryError, local};

/// The largest `flake.lock` that is read: 64 MiB, some thousand times what is common.
pub const LOCK_BYTES_MAXIMUM: u64 = 64 * 1024 * 1024;

const NAME: &str = "flake.lock";

/// `flake.lock` at the root of the work tree of the repository that `path` is or lies in; in a bare repository that of
/// HEAD's commit. None where there is none, or no commit yet, or `path` does not exist.
pub fn lock_in_work_tree(path: &Path) -> Result<Option<Vec<u8>>, RepositoryError> {
    let Some(repository) = local::open(path)? else { return Ok(None) };
    let root = local::root(&repository);
    if repository.workdir().is_some() {
        return read_file(&root).map_err(|detail| RepositoryError::Lock { path: root, detail });
    }
    match repository.head() {
        Ok(head) => {
            let commit = head.peel_to_commit().map_err(|error| RepositoryError::unreadable("HEAD", &root, error))?;
            lock_in_commit(&repository, commit.id())
        }
        Err(error) if error.code() == ErrorCode::UnbornBranch => Ok(None),
        Err(error) => Err(RepositoryError::unreadable("HEAD", &root, error)),
    }
}

/// `flake.lock` at the root of this commit; none where the commit has none.
pub fn lock_in_commit(repository: &Repository, commit: Oid) -> Result<Option<Vec<u8>>, RepositoryError> {
    lock_of(repository, commit).map_err(|problem| {
        let path = local::root(repository);
        match problem {
            LockProblem::Git(error) => RepositoryError::unreadable(&format!("commit {commit}"), &path, error),
            LockProblem::Unfit(detail) => RepositoryError::Lock { path, detail },
        }
    })
}

/// Why a commit's `flake.lock` cannot be taken.
pub(super) enum LockProblem {
    /// An object is missing or damaged.
    Git(git2::Error),
    /// It is there and no file that can be read; the reason and what to do.
    Unfit(String),
}

impl From<git2::Error> for LockProblem {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

/// The blob of `flake.lock` of this commit, followed over one symbolic link inside the tree.
pub(super) fn lock_of(repository: &Repository, commit: Oid) -> Result<Option<Vec<u8>>, LockProblem> {
    const SYMBOLIC_LINK: i32 = 0o120_000;
    let tree = repository.find_commit(commit)?.tree()?;
    let Some(mut entry) = entry(&tree, Path::new(NAME))? else { return Ok(None) };
    if entry.filemode() == SYMBOLIC_LINK {
        let outside = || LockProblem::Unfit("it is a symbolic link out of the repository: commit it as a file".into());
        let link = read_blob(repository, entry.id(), 4096)?;
        let target = inside(&String::from_utf8_lossy(&link)).ok_or_else(outside)?;
        entry = self::entry(&tree, &target)?.filter(|found| found.filemode() != SYMBOLIC_LINK).ok_or_else(outside)?;
    }
    if entry.kind() != Some(ObjectType::Blob) {
        return Err(LockProblem::Unfit("it is not a file: remove it and run `nix flake lock`".into()));
    }
    read_blob(repository, entry.id(), LOCK_BYTES_MAXIMUM).map(Some)
}

fn entry(tree: &Tree<'_>, path: &Path) -> Result<Option<TreeEntry<'static>>, git2::Error> {
    match tree.get_path(path) {
        Ok(entry) => Ok(Some(entry)),
        Err(error) if error.code() == ErrorCode::NotFound && error.class() == git2::ErrorClass::Tree => Ok(None),
        Err(error) => Err(error),
    }
}

/// The target of a link at the root, where it stays in the tree.
fn inside(target: &str) -> Option<PathBuf> {
    let path = Path::new(target);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let plain_path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    (plain && plain_path.components().next().is_some()).then_some(plain_path)
}

fn read_blob(repository: &Repository, id: Oid, maximum_bytes: u64) -> Result<Vec<u8>, LockProblem> {
    let objects = repository.odb()?;
    let (size, _) = objects.read_header(id)?;
    if u64::try_from(size).is_ok_and(|size| size > maximum_bytes) {
        return Err(too_large());
    }
    Ok(objects.read(id)?.data().to_vec())
}

fn too_large() -> LockProblem {
    LockProblem::Unfit(too_large_sentence())
}

fn too_large_sentence() -> String {
    format!("it is larger than {} MiB: make it anew with `nix flake lock`", LOCK_BYTES_MAXIMUM / 1024 / 1024)
}

/// Reads the file in the work tree; the error is the reason.
fn read_file(root: &Path) -> Result<Option<Vec<u8>>, String> {
    let named = root.join(NAME);
    let file = match named.canonicalize() {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return if named.is_symlink() {
                Err("it is a symbolic link that leads nowhere: remove it and run `nix flake lock`".to_owned())
            } else {
                Ok(None)
            };
        }
        Err(error) => return Err(format!("{error}: check its permissions")),
    };
    let root = root.canonicalize().map_err(|error| format!("{error}: check the permissions of the directory"))?;
    if !file.starts_with(&root) {
        return Err("it is a symbolic link out of the repository, which Nix refuses too: make it a file".to_owned());
    }
    // Non-blocking, so that a pipe in its place cannot hold us; the kernel may not follow a link put there meanwhile.
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(&file)
        .map_err(|error| format!("{error}: check its permissions"))?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a file: remove it and run `nix flake lock`".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(LOCK_BYTES_MAXIMUM + 1).read_to_end(&mut bytes).map_err(|error| format!("{error}: try again"))?;
    if bytes.len() as u64 > LOCK_BYTES_MAXIMUM { Err(too_large_sentence()) } else { Ok(Some(bytes)) }
}
