//! The root file system that all machines share.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use super::command::output_within;
use super::control_groups;

/// The image, made by `tests/machine-image` when it was not there yet.
#[derive(Debug, Clone)]
pub struct Image {
    directory: PathBuf,
}

impl Image {
    /// None, said aloud even for a test that passes, where no machine can be booted.
    pub fn get() -> Option<Self> {
        static IMAGE: OnceLock<Result<Image, String>> = OnceLock::new();
        match IMAGE.get_or_init(make) {
            Ok(image) => Some(image.clone()),
            Err(reason) => {
                let test = std::thread::current().name().unwrap_or_default().to_owned();
                // Straight to the descriptor: what `eprintln` writes is shown for failing tests only.
                let mut standard_error = std::io::stderr();
                writeln!(standard_error, "SKIPPED: {test}: {reason}").unwrap();
                None
            }
        }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

fn make() -> Result<Image, String> {
    if !rustix::process::geteuid().is_root() {
        return Err("test machines are booted by root only".to_owned());
    }
    if control_groups::hierarchy().is_none() {
        return Err("test machines need the unified hierarchy of control groups, and it is not mounted".to_owned());
    }
    for tool in ["unshare", "nsenter", "setpriv", "ip", "mount", "pivot_root", "hostname"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {tool} >/dev/null")]).status().unwrap();
        if !found.success() {
            return Err(format!("test machines need the command {tool}"));
        }
    }
    let mut trial = Command::new("unshare");
    trial.args([
        "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--net", "--fork", "mount", "-t", "tmpfs", "x", "/mnt",
    ]);
    let trial = output_within(trial, Duration::from_mins(2));
    if !trial.success() {
        return Err(format!("namespaces cannot be made here: {}", trial.stderr.trim()));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("machine-image");
    let made = output_within(Command::new(script), Duration::from_mins(30));
    match made.code {
        Some(0) => {
            control_groups::remove_leftovers();
            Ok(Image { directory: made.stdout.trim().into() })
        }
        Some(77) => Err(made.stderr.lines().last().unwrap_or_default().to_owned()),
        _ => panic!("tests/machine-image fails: {made:?}"),
    }
}
