//! Observe the running NixOS system and its generations.
//!
//! Everything is read from files and links; no program of the observed system is run. All of it lies below a
//! [`SystemRoot`], `/` by default: a mounted disk, a container's root or a copy can be looked at in the same way.
//!
//! | what | source |
//! |---|---|
//! | running, booted system | the links `/run/current-system`, `/run/booted-system` |
//! | generations | the links `/nix/var/nix/profiles/system-<N>-link`; the time is the link's own |
//! | profile's default | the link `/nix/var/nix/profiles/system` |
//! | NixOS version | the file `nixos-version` in the toplevel: `system.nixos.label`, as `nixos-rebuild list-generations` shows it; tags of the configuration come before the version |
//! | kernel version | the one directory in the toplevel's `kernel-modules/lib/modules`, else the name of the kernel's store path |
//! | configuration revision | the JSON in the toplevel's `sw/bin/nixos-version` |
//! | reboot needed | the toplevels' `kernel`, `initrd`, `kernel-modules` and `reboot-triggers` |
//!
//! `sw/bin/nixos-version` is a shell script made from `nixos/modules/installer/tools/nixos-version.sh` in nixpkgs. It is the
//! only file of a toplevel that holds `system.configurationRevision`: neither the boot specification (`boot.json`) nor
//! `etc/os-release` does. A configuration without it (`system.tools.nixos-version.enable` or `system.disableInstallerTools`)
//! has no known revision.

mod configuration_revision;
mod error;
mod generations;
mod kernel_version;
mod reboot;
mod root;
mod small_file;
mod toplevel;

use std::path::{Path, PathBuf};

pub use error::SystemError;
pub use generations::{GenerationDetails, ProfileName};
pub use root::SystemRoot;

use crate::observation::{Reading, RunningSystem, SystemObservation};

const RUNNING_SYSTEM: &str = "/run/current-system";
const BOOTED_SYSTEM: &str = "/run/booted-system";

impl SystemRoot {
    /// What can be seen of the system right now. Each source stands for itself: one that cannot be read says so.
    ///
    /// Cheap enough for every scrape: versions are read of the running system only, generations are links
    /// ([`GenerationDetails::LinksOnly`]). Without `/run/current-system`, as on other distributions, the running system is
    /// [absent](Reading::Absent).
    #[must_use]
    pub fn observe(&self) -> SystemObservation {
        let running_store_path = Reading::from(self.linked_toplevel(Path::new(RUNNING_SYSTEM)));
        let booted_store_path = Reading::from(self.linked_toplevel(Path::new(BOOTED_SYSTEM)));
        let reboot_required = match (booted_store_path.present(), running_store_path.present()) {
            (Some(booted), Some(running)) => self.reboot_required(booted, running),
            _ => None,
        };
        let generations = self.generations(&ProfileName::System, GenerationDetails::LinksOnly);
        SystemObservation {
            running: self.running_system(running_store_path),
            booted_store_path,
            reboot_required,
            generations: generations.map(|list| (!list.is_empty()).then_some(list)).into(),
        }
    }

    fn running_system(&self, store_path: Reading<PathBuf>) -> Reading<RunningSystem> {
        match store_path {
            Reading::NotObserved => Reading::NotObserved,
            Reading::Absent => Reading::Absent,
            Reading::Unreadable(sentence) => Reading::Unreadable(sentence),
            Reading::Present(store_path) => Reading::Present(RunningSystem {
                revision: self.configuration_revision(&store_path),
                nixos_version: self.nixos_version(&store_path),
                kernel_version: self.kernel_version(&store_path),
                store_path,
            }),
        }
    }
}
