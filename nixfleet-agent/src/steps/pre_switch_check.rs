//! A switch that was refused before anything changed: which check or switch inhibitor did it, and why.
//!
//! Source of the words: nixpkgs, `nixos/modules/system/activation/pre-switch-check.nix` and `switch-inhibitors.nix`.

use super::child::Exit;

/// So many lines that a check said last are told.
const TOLD_LINES: usize = 3;

/// Of each no more than this, in characters.
const TOLD_CHARACTERS: usize = 160;

/// What the check of the switch inhibitors says before what changed, and after it.
const INHIBITORS: (&str, &str) =
    ("There are changes to critical components of the system", "Switching into this system is not recommended");

/// Which check refused the switch, in one sentence; absent where none did.
pub(super) fn refusal(exit: &Exit) -> Option<String> {
    let lines: Vec<&str> = exit.lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    let end = lines.iter().rposition(|line| *line == "Pre-switch checks failed")?;
    let said = lines.get(..end)?;
    let named = said.iter().enumerate().rev().find_map(|(position, line)| Some((position, name(line)?)));
    let (said, check) = match named {
        Some((position, name)) => (said.get(..position)?, format!("the pre-switch check '{name}'")),
        None => (said, "a pre-switch check".to_owned()),
    };
    let why = why(said);
    Some(if why.is_empty() {
        format!("{check} refused it without a word")
    } else {
        format!("{check} refused it: {why}")
    })
}

fn name(line: &str) -> Option<&str> {
    line.strip_prefix("Pre-switch check '")?.strip_suffix("' failed")
}

fn why(said: &[&str]) -> String {
    let position = |words: &str| said.iter().rposition(|line| line.starts_with(words));
    let told = match (position(INHIBITORS.0), position(INHIBITORS.1)) {
        (Some(from), to) => {
            let section = said.get(from..to.filter(|to| *to > from).unwrap_or(said.len())).unwrap_or_default();
            section.get(..section.len().min(1 + TOLD_LINES)).unwrap_or_default()
        }
        _ => said.get(said.len().saturating_sub(TOLD_LINES)..).unwrap_or_default(),
    };
    told.iter().map(|line| line.chars().take(TOLD_CHARACTERS).collect::<String>()).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::steps::child::run_with_output;

    fn refused(script: &str) -> Option<String> {
        refusal(&run_with_output(Command::new("sh").arg("-c").arg(format!("{script}; exit 1"))).unwrap())
    }

    #[test]
    fn it_names_the_check_and_what_it_said() {
        let failed =
            |name: &str| format!("echo \"Pre-switch check '{name}' failed\"; echo 'Pre-switch checks failed' >&2");
        let inhibitors = "echo 'Checking switch inhibitors...'; echo; \
            echo 'There are changes to critical components of the system:'; echo; echo 'dbus : 1 -> 2'; echo; \
            echo 'Switching into this system is not recommended.'; echo 'You probably want to reboot.'";
        for (script, expected) in [
            (
                format!("{inhibitors}; {}", failed("switchInhibitors")),
                Some(
                    "the pre-switch check 'switchInhibitors' refused it: \
                     There are changes to critical components of the system: | dbus : 1 -> 2",
                ),
            ),
            (
                format!("echo no network >&2; sleep 0.1; {}", failed("net")),
                Some("the pre-switch check 'net' refused it: no network"),
            ),
            (failed("net"), Some("the pre-switch check 'net' refused it without a word")),
            (
                "echo broken >&2; echo 'Pre-switch checks failed' >&2".to_owned(),
                Some("a pre-switch check refused it: broken"),
            ),
            ("echo 'Failed to install bootloader' >&2".to_owned(), None),
        ] {
            assert_eq!(refused(&script).as_deref(), expected, "{script}");
        }
        let long = refused(&format!("yes $(printf '%9000s' x | tr ' ' y) | head -n 50; {}", failed("a"))).unwrap();
        assert!(long.len() < 600, "{}", long.len());
    }
}
