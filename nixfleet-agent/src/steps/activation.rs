//! Making a system the running one, and judging what came of it by what runs then.

use std::path::{Path, PathBuf};
use std::process::Command;

use nixfleet_core::observation::Phase;
use nixfleet_core::system::{GenerationDetails, ProfileName, SystemRoot};

use super::Action;
use super::child::{self, Exit};
use super::error::StepError;
use super::failed_units::failed_units;
use super::pre_switch_check::refusal;
use super::run::running_system;

/// The profile whose default the boot loader boots.
const SYSTEM_PROFILE: &str = "/nix/var/nix/profiles/system";

/// `switch-to-configuration` holds it while it works, and waits for it without a word.
const SWITCH_LOCK: &str = "/run/nixos/switch-to-configuration.lock";

/// Says so where another switch runs already, instead of waiting for it without a word.
pub(super) fn probe_lock() -> Result<(), StepError> {
    let Ok(file) = std::fs::File::open(SWITCH_LOCK) else { return Ok(()) };
    match file.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => Err(StepError::new(
            Phase::Activation,
            format!("another switch holds {SWITCH_LOCK}: nothing was changed; wait for it to end and switch again"),
        )),
        _ => Ok(()),
    }
}

/// Sets the profile and activates `store_path`.
///
/// Not by `nixos-rebuild switch --store-path`: that one activates in a transient unit, which would go on after this unit was
/// stopped or timed out, and builds a newer nixos-rebuild first, so that root would evaluate.
pub(super) fn activate(store_path: &Path, action: Action) -> Result<Exit, StepError> {
    if action != Action::Test {
        let exit = set_profile(|profile| profile.arg("--set").arg(store_path))?;
        if !exit.succeeded() {
            return Ok(exit);
        }
    }
    switch_to_configuration(store_path, action)
}

/// With `+` before it, systemd gives a command the environment of the unit's user all the same: the one who builds.
pub(super) fn root_command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("HOME", "/root").env("USER", "root").env("LOGNAME", "root");
    command.env_remove("SHELL").env_remove("XDG_CACHE_HOME");
    command
}

/// Makes a generation the profile's default and activates it.
pub(super) fn activate_generation(number: u64, store_path: &Path) -> Result<Exit, StepError> {
    let exit = set_profile(|profile| profile.args(["--switch-generation", &number.to_string()]))?;
    if exit.succeeded() { switch_to_configuration(store_path, Action::Switch) } else { Ok(exit) }
}

fn set_profile(to: impl Fn(&mut Command) -> &mut Command) -> Result<Exit, StepError> {
    child::run(to(root_command("nix-env").args(["--profile", SYSTEM_PROFILE]))).map_err(|error| {
        StepError::new(Phase::Activation, format!("cannot run nix-env: {error}; is it in the unit's path?"))
    })
}

/// Makes a system that ran before the running one again, until the next boot, with nothing but what it has itself: the
/// programs of the one that runs now may be what is broken.
pub(super) fn activate_again(store_path: &Path) -> Result<Exit, StepError> {
    // Its checks were passed when it came; one that asks for the network would now close the way back.
    run_switch_to_configuration(store_path, Action::Test, |command| command.env("NIXOS_NO_CHECK", "1"))
}

fn switch_to_configuration(store_path: &Path, action: Action) -> Result<Exit, StepError> {
    run_switch_to_configuration(store_path, action, |command| command)
}

fn run_switch_to_configuration(
    store_path: &Path,
    action: Action,
    with: impl Fn(&mut Command) -> &mut Command,
) -> Result<Exit, StepError> {
    let program = store_path.join("bin/switch-to-configuration");
    // Its checks say why on standard output.
    child::run_with_output(with(root_command(&program).arg(action.name())))
        .map_err(|error| StepError::new(Phase::Activation, format!("cannot run {}: {error}", program.display())))
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Its generation, where it has one.
    pub(super) generation: Option<u64>,
    /// A sentence for the reason.
    pub(super) detail: String,
}

/// Judges by what runs now; by the exit code second.
pub(super) fn judge(exit: &Exit, store_path: &Path, action: Action) -> Result<Judgement, StepError> {
    let running = running_system();
    let runs = running.as_deref() == Some(store_path);
    let default = default_generation();
    let is_default = default.as_ref().is_some_and(|(_, path)| path == store_path);
    let generation = default.filter(|(_, path)| path == store_path).map(|(number, _)| number);
    let arrived = match action {
        Action::Switch => runs && is_default,
        Action::Test => runs,
        Action::Boot => is_default,
    };
    match (exit.code, arrived) {
        (0, true) => {
            let does = if runs { "runs" } else { "starts at the next boot" };
            Ok(Judgement { generation, detail: format!("{} {does}", name(store_path)) })
        }
        (100, true) => Ok(Judgement {
            generation,
            detail: format!("{} runs; a reboot is needed to complete it", name(store_path)),
        }),
        (code, _) => {
            let error =
                |sentence| StepError::new(Phase::Activation, sentence).exit_code(if code == 0 { 1 } else { code });
            if let Some(refusal) = refusal(exit) {
                return Err(error(refused(&refusal, is_default && !runs)));
            }
            let state = match (runs, is_default) {
                (true, _) => "the new system runs all the same",
                (false, true) => "the previous system runs, and the new one is the next boot's default",
                (false, false) => "the previous system runs",
            };
            Err(error(format!("{}; {state}", why(exit))))
        }
    }
}

/// The checks come before the boot loader, and after the profile.
fn refused(refusal: &str, profile_names_it: bool) -> String {
    let profile = if profile_names_it { "; the profile names the new system already" } else { "" };
    format!("{refusal}; nothing was activated and the boot loader is as it was{profile}")
}

/// What failed, from the exit code of `switch-to-configuration` and from its words.
pub(super) fn why(exit: &Exit) -> String {
    let said = match exit.code {
        0 => "no error was reported".into(),
        4 => failed_units(exit).map_or_else(|| exit.reason(), Into::into),
        _ => exit.reason(),
    };
    format!("{}: {said}", meaning(exit.code))
}

/// The exit codes of `switch-to-configuration`.
const fn meaning(code: i32) -> &'static str {
    match code {
        0 => "the system did not become the running one",
        2 => "an activation script failed",
        4 => "a unit failed",
        100 => "a reboot is needed",
        _ => "the switch did not succeed",
    }
}

fn name(store_path: &Path) -> String {
    let name = store_path.file_name().unwrap_or_default().to_string_lossy();
    name.split_once('-').map_or_else(|| name.clone().into_owned(), |(_, name)| name.to_owned())
}

/// The generation that the next boot starts.
pub(super) fn default_generation() -> Option<(u64, PathBuf)> {
    let generations = SystemRoot::default().generations(&ProfileName::System, GenerationDetails::LinksOnly).ok()?;
    generations.into_iter().find(|generation| generation.is_profile_default).map(|it| (it.number, it.store_path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_user_who_builds_reaches_what_root_runs() {
        let command = root_command("nix-env");
        let set: Vec<_> = command.get_envs().collect();
        for (name, value) in [
            ("HOME", Some("/root")),
            ("USER", Some("root")),
            ("LOGNAME", Some("root")),
            ("SHELL", None),
            ("XDG_CACHE_HOME", None),
        ] {
            assert!(set.contains(&(name.as_ref(), value.map(AsRef::as_ref))), "{name}: {set:?}");
        }
    }
}
