//! The host's test executables in the configuration repository.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::observation::TestsSetup;

/// Counts the executables in `directory` of the work tree `repository`. No directory, no tests.
pub(super) fn look_for_tests(repository: &Path, directory: &Path) -> TestsSetup {
    let Ok(entries) = std::fs::read_dir(repository.join(directory)) else {
        return TestsSetup::NoneFound;
    };
    let executables = entries.flatten().filter(|entry| is_test(&entry.path())).count();
    match u32::try_from(executables) {
        Ok(0) => TestsSetup::NoneFound,
        Ok(count) => TestsSetup::Found(count),
        Err(_) => TestsSetup::Found(u32::MAX),
    }
}

/// Whether this is a test of the host: an executable file, or a symbolic link to one, as running it would find.
#[must_use]
pub fn is_test(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_executable_files_only() {
        let repository = tempfile::tempdir().unwrap();
        let directory = Path::new("hosts/web1/tests");
        assert_eq!(look_for_tests(repository.path(), directory), TestsSetup::NoneFound);
        let tests = repository.path().join(directory);
        std::fs::create_dir_all(tests.join("a-directory")).unwrap();
        std::fs::write(tests.join("README.md"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", tests.join("dangling")).unwrap();
        assert_eq!(look_for_tests(repository.path(), directory), TestsSetup::NoneFound);
        let test = tests.join("10-ssh");
        std::fs::write(&test, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&test, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("10-ssh", tests.join("20-again")).unwrap();
        assert_eq!(look_for_tests(repository.path(), directory), TestsSetup::Found(2));
    }
}
