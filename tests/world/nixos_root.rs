//! A directory shaped like the root of a NixOS system: a store, profiles and `/run`, made of real files and links.
//!
//! Paths are given as seen from inside, such as `/run/current-system`.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

/// The root directory.
#[derive(Debug)]
pub struct NixosRoot {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

/// A toplevel to be built into the store. Parts that are absent are not made.
#[derive(Debug, Clone)]
pub struct Toplevel {
    /// The hash part of its store path.
    pub hash: &'static str,
    /// What the file `nixos-version` says.
    pub nixos_version: &'static str,
    /// `system.configurationRevision`.
    pub configuration_revision: Option<String>,
    /// The kernel's version; a container has no kernel.
    pub kernel_version: Option<&'static str>,
    /// The hash part of the initrd's store path.
    pub initrd_hash: Option<&'static str>,
    /// The text of `reboot-triggers`.
    pub reboot_triggers: Option<&'static str>,
}

impl Default for Toplevel {
    fn default() -> Self {
        Self {
            hash: "aaaa",
            nixos_version: "25.05.20250315.e2587ca",
            configuration_revision: None,
            kernel_version: Some("6.12.19"),
            initrd_hash: Some("iiii"),
            reboot_triggers: None,
        }
    }
}

impl NixosRoot {
    /// An empty root: no NixOS yet. Gone when dropped.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { path: directory.path().to_owned(), _temporary: Some(directory) }
    }

    /// An empty root in this directory, which stays.
    pub fn in_directory(path: &Path) -> Self {
        fs::create_dir_all(path).unwrap();
        Self { path: path.to_owned(), _temporary: None }
    }

    /// Where the root lies on this host.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a path inside lies on this host.
    pub fn on_host(&self, inside: impl AsRef<Path>) -> PathBuf {
        let inside = inside.as_ref();
        self.path().join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// Build a toplevel and what it links to; its store path.
    pub fn build(&self, toplevel: &Toplevel) -> PathBuf {
        let store_path =
            PathBuf::from(format!("/nix/store/{}-nixos-system-host-{}", toplevel.hash, toplevel.nixos_version));
        self.write(store_path.join("nixos-version"), toplevel.nixos_version);
        if let Some(version) = toplevel.kernel_version {
            let kernel = format!("/nix/store/kkkk-linux-{version}/bzImage");
            self.write(&kernel, "a kernel");
            self.link(store_path.join("kernel"), &kernel);
            let modules = format!("/nix/store/mmmm-linux-{version}-modules");
            self.directory(format!("{modules}/lib/modules/{version}"));
            self.link(store_path.join("kernel-modules"), &modules);
        }
        if let Some(hash) = toplevel.initrd_hash {
            let initrd = format!("/nix/store/{hash}-initrd-linux/initrd");
            self.write(&initrd, "an initrd");
            self.link(store_path.join("initrd"), &initrd);
        }
        if let Some(text) = toplevel.reboot_triggers {
            let triggers = format!("/nix/store/{}-reboot-triggers", toplevel.hash);
            self.write(&triggers, text);
            self.link(store_path.join("reboot-triggers"), &triggers);
        }
        let script = format!("/nix/store/{}-nixos-version/bin/nixos-version", toplevel.hash);
        self.write(&script, nixos_version_script(toplevel));
        let system_path = format!("/nix/store/{}-system-path", toplevel.hash);
        self.link(format!("{system_path}/bin/nixos-version"), &script);
        self.link(store_path.join("sw"), &system_path);
        store_path
    }

    /// Make it the running system, as a switch does.
    pub fn run(&self, store_path: impl AsRef<Path>) {
        self.link("/run/current-system", store_path);
    }

    /// Make it the booted and running system.
    pub fn boot(&self, store_path: impl AsRef<Path>) {
        self.link("/run/booted-system", &store_path);
        self.run(store_path);
    }

    /// Add a generation of the system profile, made at this Unix time, and make it the profile's default.
    pub fn add_generation(&self, number: u64, store_path: impl AsRef<Path>, created_at_seconds: i64) {
        let link = format!("/nix/var/nix/profiles/system-{number}-link");
        self.link(&link, store_path);
        self.set_link_time(&link, created_at_seconds);
        self.link("/nix/var/nix/profiles/system", format!("system-{number}-link"));
    }

    /// Set the time of a link itself.
    pub fn set_link_time(&self, inside: impl AsRef<Path>, seconds: i64) {
        let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        utimensat(CWD, self.on_host(inside), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }

    /// Make a link, in place of one that may be there.
    pub fn link(&self, inside: impl AsRef<Path>, target: impl AsRef<Path>) {
        let link = self.with_parent(inside);
        if link.is_symlink() {
            fs::remove_file(&link).unwrap();
        }
        std::os::unix::fs::symlink(target, link).unwrap();
    }

    /// Write a file.
    pub fn write(&self, inside: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        fs::write(self.with_parent(inside), content).unwrap();
    }

    /// Make a directory.
    pub fn directory(&self, inside: impl AsRef<Path>) {
        fs::create_dir_all(self.on_host(inside)).unwrap();
    }

    /// Remove a file, a link or a whole directory.
    pub fn remove(&self, inside: impl AsRef<Path>) {
        let path = self.on_host(inside);
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    fn with_parent(&self, inside: impl AsRef<Path>) -> PathBuf {
        let path = self.on_host(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }
}

/// Shaped like the script of NixOS: the JSON is one line of a here-document.
fn nixos_version_script(toplevel: &Toplevel) -> String {
    let version = toplevel.nixos_version;
    let mut json = format!(r#""nixosVersion":"{version}","nixpkgsRevision":"{}""#, "e".repeat(40));
    if let Some(revision) = &toplevel.configuration_revision {
        json = format!(r#""configurationRevision":"{revision}",{json}"#);
    }
    format!(
        "#! /nix/store/bbbb-bash-5.2p37/bin/bash\n\ncase \"$1\" in\n  --json)\n    cat <<EOF\n{{{json}}}\nEOF\n    ;;\n  *)\n    \
         echo \"{version} (Warbler)\"\n    ;;\nesac\n"
    )
}
