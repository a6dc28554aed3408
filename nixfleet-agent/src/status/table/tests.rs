use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::model::{Action, Compartments, State};

use super::*;

type Cells = (State, Option<u64>, Option<Action>, &'static str);

fn status(host: &str, rows: &[Cells; 5]) -> HostStatus {
    let at: Timestamp = "2026-03-16T12:00:00Z".parse().unwrap();
    let [agent, git, lock, system, tests] = (*rows).map(|(state, minutes, action, reason)| CompartmentStatus {
        state,
        colour: state.colour(),
        reason: reason.to_owned(),
        action,
        since: minutes.map(|minutes| at - Duration::from_secs(60 * minutes)),
    });
    HostStatus { host: host.to_owned(), at, compartments: Compartments { agent, git, lock, system, tests } }
}

/// Every state, and every action over the three hosts.
fn hosts() -> [HostStatus; 3] {
    use State::{Error, Ok, Outdated, Unknown, Working};
    let merge = Action::MergePullRequest { number: 1234 };
    let pending = "PR #1234 pending: flake.lock: update (https://example.org/fleet/pull/1234)";
    let long = "switch failed 4 min ago: error: builder for '/nix/store/00000000000000000000000000000000-nginx-1.27.drv' \
                failed with exit code 1; 配置ファイルが見つかりません";
    [
        status(
            "web1",
            &[
                (Ok, Some(700), None, "0.1.0"),
                (Outdated, Some(20), Some(Action::Pull), "1 commit behind bbbbbbb: flake.lock: update"),
                (Outdated, Some(90), Some(merge), pending),
                (Working, Some(1), Some(Action::Wait), "switch has been running for 60 s: build"),
                (Error, Some(3), Some(Action::Rollback), "1 of 2 failed 3 min ago: 20-web"),
            ],
        ),
        status(
            "db1",
            &[
                (Unknown, None, Some(Action::CheckAgent), "the agent was not heard of yet"),
                (
                    Outdated,
                    Some(200_000),
                    Some(Action::Reconcile),
                    "diverged from bbbbbbb: 2 ahead, 1 behind: ssh: keys",
                ),
                (
                    Error,
                    Some(16),
                    Some(Action::CheckRemote),
                    "remote unreadable for 16 min (3 tries): no route to host",
                ),
                (Error, Some(4), Some(Action::ViewLogs), long),
                (Outdated, None, Some(Action::RunTests), "not run on this system yet"),
            ],
        ),
        status(
            "new",
            &[
                (Ok, Some(0), None, "0.1.0"),
                (Outdated, Some(5), Some(Action::Push), "1 commit ahead of aaaaaaa: first"),
                (Unknown, None, Some(Action::CheckConfiguration), "no flake.lock in the local repository"),
                (Outdated, Some(5), Some(Action::Switch), "aaaaaaa waits to be deployed"),
                (Unknown, None, None, "this host has no tests"),
            ],
        ),
    ]
}

fn all(columns: Option<usize>) -> String {
    let tables = hosts().map(|host| render(&host, &Layout { columns, note: None }));
    anstream::adapter::strip_str(&tables.join("\n")).to_string()
}

#[test]
fn every_state_and_action() {
    insta::assert_snapshot!("unbounded", all(None));
    insta::assert_snapshot!("columns_120", all(Some(120)));
    insta::assert_snapshot!("columns_80", all(Some(80)));
    insta::assert_snapshot!("columns_40", all(Some(40)));
}

#[test]
fn in_colour() {
    let text = render(&hosts()[0], &Layout { columns: Some(80), note: Some("reading https://example.org for 3 s") });
    insta::assert_snapshot!("coloured", text.replace('\x1b', "^"));
}

#[test]
fn no_line_is_wider_than_the_terminal_and_no_word_is_lost() {
    for columns in 26..200 {
        for host in hosts() {
            let text = render(&host, &Layout { columns: Some(columns), note: Some("reading https://example.org") });
            let text = anstream::adapter::strip_str(&text).to_string();
            for line in text.lines() {
                assert!(textwrap::core::display_width(line) <= columns, "{columns}: {line}");
            }
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            let all = letters(&text);
            if columns < 60 {
                for (_, of) in host.compartments.iter() {
                    assert!(all.contains(&letters(&of.reason)), "{columns}: {} in {text}", of.reason);
                }
            }
        }
    }
}

#[test]
fn any_width_is_survived() {
    for columns in 0..26 {
        for host in hosts() {
            assert!(!render(&host, &Layout { columns: Some(columns), note: None }).is_empty());
        }
    }
}

#[test]
fn without_a_terminal_each_compartment_is_one_line() {
    for host in hosts() {
        let text = render(&host, &Layout::default());
        assert_eq!(text.lines().count(), 2 + 5, "{text}");
        for (_, of) in host.compartments.iter() {
            assert!(text.contains(&of.reason), "{text}");
        }
    }
}

#[test]
fn a_host_s_name_cannot_steer_the_terminal() {
    let mut host = hosts()[2].clone();
    host.host = "/tmp/\x1b]0;title\x07\x1b[2J".to_owned();
    let text = render(&host, &Layout::default());
    assert!(text.contains("/tmp/\u{fffd}]0;title\u{fffd}\u{fffd}[2J"), "{text}");
}
