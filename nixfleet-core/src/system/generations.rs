//! The generations of a system profile.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{SystemError, SystemRoot};
use crate::observation::Generation;

const PROFILES: &str = "/nix/var/nix/profiles";
const NAMED_PROFILES: &str = "/nix/var/nix/profiles/system-profiles";

/// Which profile of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileName {
    /// `/nix/var/nix/profiles/system`.
    System,
    /// A profile in `/nix/var/nix/profiles/system-profiles`, as `nixos-rebuild --profile-name` makes it.
    Named(String),
}

/// How much to read of each generation. Links cost some microseconds each, the versions several files of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationDetails {
    /// Only what the links say: revision and versions are absent.
    LinksOnly,
    /// Revision and versions of so many of the newest generations too; absent in older ones.
    OfNewest(usize),
}

impl ProfileName {
    fn directory_and_name(&self) -> Result<(&Path, &str), SystemError> {
        match self {
            Self::System => Ok((Path::new(PROFILES), "system")),
            Self::Named(name) if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) => {
                Err(SystemError::InvalidProfileName { name: name.chars().take(80).collect() })
            }
            Self::Named(name) => Ok((Path::new(NAMED_PROFILES), name)),
        }
    }
}

impl SystemRoot {
    /// The generations of a profile, oldest first; none where the profile does not exist.
    ///
    /// A generation whose system is gone from the store is listed with its path and without versions. Something named like
    /// a generation that leads to no path at all (a loop, no link) is left out and logged.
    pub fn generations(
        &self,
        profile: &ProfileName,
        details: GenerationDetails,
    ) -> Result<Vec<Generation>, SystemError> {
        let (directory, profile_name) = profile.directory_and_name()?;
        let directory = self.resolve(directory)?;
        let mut numbers = self.generation_numbers(&directory, profile_name)?;
        numbers.sort_unstable();
        let default_number = self.default_number(&directory, profile_name);
        let mut generations = Vec::with_capacity(numbers.len());
        for number in numbers {
            match self.generation(&directory, profile_name, number) {
                Ok(Some(generation)) => {
                    let is_profile_default = Some(number) == default_number;
                    generations.push(Generation { is_profile_default, ..generation });
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(number, %error, "generation left out"),
            }
        }
        if let GenerationDetails::OfNewest(count) = details {
            for generation in generations.iter_mut().rev().take(count) {
                generation.revision = self.configuration_revision(&generation.store_path);
                generation.nixos_version = self.nixos_version(&generation.store_path);
                generation.kernel_version = self.kernel_version(&generation.store_path);
            }
        }
        Ok(generations)
    }

    fn generation_numbers(&self, directory: &Path, profile_name: &str) -> Result<Vec<u64>, SystemError> {
        let path = self.on_host(directory);
        let unreadable = |source| SystemError::Unreadable { path: path.clone(), source };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(unreadable)?.file_name();
            numbers.extend(name.to_str().and_then(|name| generation_number(name, profile_name)));
        }
        Ok(numbers)
    }

    /// What the link itself says; absent where it went away since the directory was listed.
    fn generation(&self, directory: &Path, profile_name: &str, number: u64) -> Result<Option<Generation>, SystemError> {
        let link = directory.join(format!("{profile_name}-{number}-link"));
        let path = self.on_host(&link);
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => metadata,
            Ok(_) => return Err(SystemError::NotALink { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SystemError::Unreadable { path, source }),
        };
        let store_path = self.resolve(&link)?;
        let created_at = metadata
            .modified()
            .and_then(|time| Timestamp::try_from(time).map_err(io::Error::other))
            .map_err(|source| SystemError::Unreadable { path, source })?;
        Ok(Some(Generation {
            number,
            store_path,
            created_at,
            revision: None,
            nixos_version: None,
            kernel_version: None,
            is_profile_default: false,
        }))
    }

    /// The number of the generation that the profile points to.
    fn default_number(&self, directory: &Path, profile_name: &str) -> Option<u64> {
        let target: PathBuf = self.target_of(&directory.join(profile_name)).ok()??;
        let is_in_this_directory = target.parent().is_some_and(|parent| directory.join(parent) == directory);
        let name = target.file_name()?.to_str()?;
        is_in_this_directory.then(|| generation_number(name, profile_name)).flatten()
    }
}

/// The number in `<profile>-<number>-link`, in the one way that Nix writes it.
fn generation_number(link_name: &str, profile_name: &str) -> Option<u64> {
    let digits = link_name.strip_prefix(profile_name)?.strip_prefix('-')?.strip_suffix("-link")?;
    digits.parse().ok().filter(|number: &u64| number.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nix_writes_is_a_generation() {
        let table = [
            ("system-1-link", Some(1)),
            ("system-42-link", Some(42)),
            ("system-18446744073709551615-link", Some(u64::MAX)),
            ("system-18446744073709551616-link", None),
            ("system-007-link", None),
            ("system-+7-link", None),
            ("system--7-link", None),
            ("system--link", None),
            ("system-7-link.tmp", None),
            ("system-7", None),
            ("system7-link", None),
            ("system", None),
            ("per-user", None),
            ("default-7-link", None),
            ("", None),
        ];
        for (name, expected) in table {
            assert_eq!(generation_number(name, "system"), expected, "{name}");
        }
    }
}
