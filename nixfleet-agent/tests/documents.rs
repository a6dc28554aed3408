//! The documents agree with the program and with each other: links lead somewhere, commands are understood.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;
use nixfleet_agent::arguments::Arguments;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn documents() -> Vec<(PathBuf, String)> {
    let mut found: Vec<_> = ["README.md", "CHANGELOG.md", "modules/units/README.md"].map(PathBuf::from).into();
    for directory in ["docs", "docs/alerts"] {
        let entries = std::fs::read_dir(Path::new(ROOT).join(directory)).unwrap();
        let names = entries.map(|entry| Path::new(directory).join(entry.unwrap().file_name()));
        found.extend(names.filter(|name| name.extension().is_some_and(|extension| extension == "md")));
    }
    found.into_iter().map(|name| (name.clone(), std::fs::read_to_string(Path::new(ROOT).join(name)).unwrap())).collect()
}

/// What stands outside of fences: code has no links and no headings.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The anchors of the headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let anchor = |heading: &str| {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    prose(text).lines().filter(|line| line.starts_with('#')).map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut followed = 0;
    for (name, text) in documents() {
        let prose = prose(&text);
        let links = prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        for link in links.filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { name.clone() } else { name.parent().unwrap().join(path) };
            let target = Path::new(ROOT).join(target);
            assert!(target.exists(), "{}: {link}", name.display());
            if !anchor.is_empty() {
                let there = anchors(&std::fs::read_to_string(&target).unwrap());
                assert!(there.iter().any(|it| it == anchor), "{}: {link}: {there:?}", name.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 100, "{followed}");
}

/// Commands between backticks, and lines of shell.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (place, part) in text.split("```").enumerate() {
        if place % 2 == 0 {
            found.extend(part.split('`').skip(1).step_by(2).map(str::to_owned));
        } else if let Some(shell) = part.strip_prefix("sh\n") {
            found.extend(shell.lines().map(|line| line.split(" #").next().unwrap().trim().to_owned()));
        }
    }
    let is_whole = |line: &String| !line.contains(['…', '|', '\n', '[', '$', '<', '>', '&', ';', '"', '\'']);
    let without_sudo = found.into_iter().map(|line| line.strip_prefix("sudo ").unwrap_or(&line).to_owned());
    without_sudo.filter(|line| line.starts_with("nixfleet ") && is_whole(line)).collect()
}

#[test]
fn every_command_is_understood() {
    let (mut understood, mut refused) = (0, Vec::new());
    for (name, text) in documents() {
        for line in commands(&text) {
            let words: Vec<_> = line
                .split_whitespace()
                .map(|word| match word {
                    "N" => "7",
                    "REV" | "REVISION" | "COMMIT" => "a1b2c3d",
                    "OP" | "OPERATION" => "switch",
                    "root@HOST" | "USER@NAME" => "root@web1",
                    other => other,
                })
                .collect();
            // The name of a group of commands, or an option by itself, is no whole command.
            if matches!(words[1..], ["pr" | "fleet"] | ["--host", _]) || words.last() == Some(&"--help") {
                continue;
            }
            match Arguments::try_parse_from(&words) {
                Ok(_) => understood += 1,
                // In a sentence a command is called by its name alone.
                Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {}
                Err(error) => refused.push(format!("{}: {line}: {error}", name.display())),
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(understood > 100, "{understood}");
}
