//! Completions and man pages, as a package installs them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod command;

use std::io::Write as _;
use std::process::Command;

use command::Home;

fn is_there(program: &str) -> bool {
    Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap().status.success()
}

#[test]
fn completions() {
    let home = Home::new();
    for (shell, word) in [
        ("bash", "complete -F _nixfleet"),
        ("zsh", "#compdef nixfleet"),
        ("fish", "complete -c nixfleet"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let ended = home.nixfleet(&["completions", shell]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{shell}");
        assert!(ended.stdout.contains(word) && ended.stdout.contains("known-hosts-file"), "{shell}: {}", ended.stdout);
        let path = home.path().join(shell);
        std::fs::write(&path, &ended.stdout).unwrap();
        if ["bash", "zsh", "fish"].contains(&shell) && (shell == "bash" || is_there(shell)) {
            let checked = Command::new(shell).arg("-n").arg(&path).output().unwrap();
            assert!(checked.status.success(), "{shell}: {}", String::from_utf8_lossy(&checked.stderr));
        }
    }
    let path = home.path().join("bash");
    for (words, last, before, expected) in [
        ("status --fail-on ''", "", "--fail-on", "outdated error"),
        ("pull --ho", "--ho", "pull", "--host"),
        ("pr list --ho", "--ho", "list", ""),
        ("fleet status --ho", "--ho", "status", "--hosts --hosts-file"),
        ("pr m", "m", "pr", "merge"),
        ("pull --h", "--h", "pull", "--host --help"),
        ("--ver", "--ver", "nixfleet", "--version"),
        ("rollback --to ''", "", "--to", ""),
    ] {
        let line = format!(
            "complete() {{ :; }}; . \"$0\"; COMP_WORDS=(nixfleet {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _nixfleet nixfleet '{last}' {before}; echo \"${{COMPREPLY[@]}}\""
        );
        let completed = Command::new("bash").args(["-c", &line]).arg(&path).output().unwrap();
        assert_eq!(String::from_utf8(completed.stdout).unwrap(), format!("{expected}\n"), "{words}");
    }
    let full = home.shell("exec $NIXFLEET completions bash > /dev/full");
    assert!(full.code == Some(1) && full.stderr.contains("No space left"), "{full:?}");
}

/// As a person sees it who presses the key.
#[test]
fn completions_in_a_real_fish() {
    if !is_there("fish") {
        // On standard error itself: what a test prints is shown only where it fails.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: completions in fish: there is no fish\n");
        return;
    }
    let home = Home::new();
    let path = home.path().join("nixfleet.fish");
    std::fs::write(&path, home.nixfleet(&["completions", "fish"]).stdout).unwrap();
    for (line, expected) in [
        ("nixfleet sw", &["switch"][..]),
        ("nixfleet pr m", &["merge"]),
        ("nixfleet fleet status --host", &["--hosts", "--hosts-file"]),
        ("nixfleet status --fail-on ", &["error", "outdated"]),
        ("nixfleet logs ", &["pull", "rollback", "switch", "test"]),
        ("nixfleet cancel s", &["switch"]),
        // Neither of them is a file.
        ("nixfleet rollback --to ", &[]),
        ("nixfleet hold ", &[]),
        ("nixfleet status --config /usr/shar", &["/usr/share/"]),
    ] {
        let script = "source $argv[1]; complete --do-complete $argv[2]";
        let mut fish = Command::new("fish");
        fish.args(["--no-config", "-c", script]).arg(&path).arg(line).env("HOME", home.path());
        let completed = fish.output().unwrap();
        let text = String::from_utf8(completed.stdout).unwrap();
        let words: Vec<&str> = text.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!((words, &*String::from_utf8_lossy(&completed.stderr)), (expected.to_vec(), ""), "{line}");
    }
}

#[test]
fn man_pages() {
    let home = Home::new();
    let directory = home.path().join("man1");
    std::fs::create_dir(&directory).unwrap();
    assert_eq!(home.nixfleet(&["man-pages", directory.to_str().unwrap()]).code, Some(0));
    let mut names: Vec<_> =
        directory.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let commands = [
        "cancel",
        "fleet-pull",
        "fleet-rollback",
        "fleet-status",
        "fleet-switch",
        "fleet-test",
        "fleet-update",
        "fleet",
        "generations",
        "hold",
        "logs",
        "pr-list",
        "pr-merge",
        "pr-revert",
        "pr-show",
        "pr",
        "pull",
        "release",
        "rollback",
        "status",
        "switch",
        "test",
    ];
    let expected: Vec<_> = commands.iter().map(|name| format!("nixfleet-{name}.1")).collect();
    assert_eq!(names, [&expected[..], &["nixfleet.1".to_owned()]].concat());
    for name in &names {
        let page = std::fs::read_to_string(directory.join(name)).unwrap();
        assert!(page.contains(".SH \"EXIT STATUS\"") && page.contains(".SH OPTIONS"), "{page}");
        if is_there("groff") {
            let linted = Command::new("groff").args(["-man", "-ww", "-z", "-Tutf8"]).arg(directory.join(name)).output();
            assert_eq!(String::from_utf8(linted.unwrap().stderr).unwrap(), "", "{name}");
        }
    }
    let page = std::fs::read_to_string(directory.join("nixfleet-fleet-switch.1")).unwrap();
    assert!(page.contains("wave\\-size") && page.contains("canaries first"), "{page}");
    let page = std::fs::read_to_string(directory.join("nixfleet-pr-merge.1")).unwrap();
    assert!(page.contains("shows it, and asks") && !page.contains("\\-\\-host\\fR"), "{page}");
    let page = std::fs::read_to_string(directory.join("nixfleet-pr-list.1")).unwrap();
    assert!(page.contains("Where the state until the next boot lies"), "not in the short help: {page}");
    let page = std::fs::read_to_string(directory.join("nixfleet-status.1")).unwrap();
    for section in ["FILES", "ENVIRONMENT", "EXAMPLES", "\"SEE ALSO\""] {
        assert!(page.contains(&format!(".SH {section}")), "{section}: {page}");
    }
    assert!(page.contains("/etc/nixfleet/config.json") && page.contains("never written to"), "{page}");
}

#[test]
fn help_fits_into_a_terminal_and_names_every_exit_code() {
    let home = Home::new();
    let help = home.nixfleet(&["status", "--help"]).stdout;
    for (code, meaning) in nixfleet_agent::outcome::EXIT_CODES {
        assert!(help.contains(&format!("  {code}  {meaning}")), "{help}");
    }
    let names = [
        "status",
        "pull",
        "switch",
        "test",
        "rollback",
        "cancel",
        "logs",
        "generations",
        "hold",
        "release",
        "fleet",
        "fleet status",
        "fleet pull",
        "fleet switch",
        "fleet test",
        "fleet rollback",
        "fleet update",
        "pr",
        "pr list",
        "pr show",
        "pr merge",
        "pr revert",
    ];
    let with = |name: &'static str, option| name.split(' ').chain([option]).collect::<Vec<_>>();
    for name in names {
        let help = home.nixfleet(&with(name, "--help")).stdout;
        assert!(help.contains("Examples:") && help.contains(&format!("nixfleet {name}")), "{help}");
        // Fleets and pull requests are looked at from here.
        let is_of_a_host = !name.starts_with("fleet") && !name.starts_with("pr");
        assert_eq!(help.contains("--host <USER@NAME>"), is_of_a_host, "{help}");
    }
    let of_each = names.iter().flat_map(|name| [with(name, "--help"), with(name, "-h")]);
    for arguments in [vec!["--help"], vec!["-h"]].into_iter().chain(of_each) {
        let ended = home.nixfleet(&arguments);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        for line in ended.stdout.lines() {
            assert!(line.chars().count() <= 104, "{line}");
        }
    }
}
