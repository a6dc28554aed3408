//! What failed among the stories is tried once more, and that is told; everything else stays a failure.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// The output of cargo, where these tests of these programs failed.
fn output_of_cargo(failed: &[(&str, &str)]) -> String {
    let quiet = ["     Running stories/quiet.rs (target/debug/deps/quiet-1)", "test all_is_well ... ok"];
    let mut lines: Vec<String> = quiet.map(str::to_owned).to_vec();
    let mut programs: Vec<&str> = Vec::new();
    for (program, test) in failed {
        lines.push(format!("     Running {program}.rs (target/debug/deps/x-1)"));
        lines.push(format!("test {test} ... FAILED"));
        programs.push(program.rsplit('/').next().unwrap());
    }
    programs.dedup();
    lines.push(format!("error: {} targets failed:", programs.len()));
    lines.extend(programs.iter().map(|program| format!("    `-p nixfleet-x --test {program}`")));
    lines.join("\n") + "\n"
}

/// Whether the second try succeeded, what it said, and how cargo was called, where cargo ends with this code.
fn second_try(output: &str, exit_code: u8) -> (bool, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let calls = directory.path().join("calls");
    let cargo = directory.path().join("cargo");
    fs::write(&cargo, format!("#!/bin/sh\necho \"$*\" >>{}\nexit {exit_code}\n", calls.display())).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let said = directory.path().join("said");
    fs::write(&said, output).unwrap();
    let path = format!("{}:{}", directory.path().display(), std::env::var("PATH").unwrap());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("second-try");
    let result = Command::new(script).arg(&said).env("PATH", path).output().unwrap();
    let text = String::from_utf8(result.stdout).unwrap() + &String::from_utf8(result.stderr).unwrap();
    (result.status.success(), text, fs::read_to_string(calls).unwrap_or_default())
}

#[test]
fn stories_are_tried_again_and_it_is_told() {
    let output = output_of_cargo(&[("stories/agent", "it_lives"), ("stories/agent", "it_ends")]);
    let (success, text, calls) = second_try(&output, 0);
    assert!(success, "{text}");
    assert!(text.contains("UNSTABLE agent: it_lives failed, and passed on its second try"), "{text}");
    assert!(text.contains("UNSTABLE agent: it_ends failed"), "{text}");
    let expected =
        ["it_lives", "it_ends"].map(|test| format!("test --locked --workspace --test agent -- --exact {test}"));
    assert_eq!(calls.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn what_fails_twice_has_failed() {
    let (success, text, calls) = second_try(&output_of_cargo(&[("stories/agent", "it_lives")]), 101);
    assert!(!success && !text.contains("UNSTABLE"), "{text}");
    assert_eq!(calls.lines().count(), 1);
}

#[test]
fn nothing_else_is_tried_again() {
    let killed = "error: 1 target failed:\n    `-p nixfleet-x --test agent`\n";
    let one = output_of_cargo(&[("stories/agent", "it_lives")]);
    for (what, output) in [
        ("no test", String::new()),
        ("a program that was killed", killed.to_owned()),
        ("a story, and a program that was killed", format!("{one}    `-p nixfleet-x --test fleet`\n")),
        ("a test of a crate", output_of_cargo(&[("tests/documents", "they_are_true")])),
        ("one of each", output_of_cargo(&[("stories/agent", "it_lives"), ("src/lib", "it_counts")])),
        ("three stories", output_of_cargo(&["one", "two", "three"].map(|test| ("stories/agent", test)))),
    ] {
        let (success, text, calls) = second_try(&output, 0);
        assert!(!success && calls.is_empty(), "{what}: {text}");
    }
}
