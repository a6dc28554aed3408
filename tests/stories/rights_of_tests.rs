//! What the tests of a host may not do, and which commit they are of: they run as a user of their own, and nothing that was
//! only pushed or only written into the checkout runs before somebody has deployed it.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::time::Duration;

use world::fleet_host::{AGENT, FleetHost};
use world::machine::{Image, Machine};

const LIMIT: Duration = Duration::from_mins(4);
const CREDENTIAL: &str = "/run/credentials/nixfleet-agent.service/token";

/// A test that fails as soon as one thing is let through.
const TRIES: &str = r#"#!/bin/sh
may() { echo "it may $*"; exit 1; }
state=/var/lib/nixfleet
for file in $state/journal.jsonl $state/journal.lock $state/tests.json $state/new $state/repo/flake.nix \
    $state/repo/.git/HEAD $state/repo/hosts/web1/tests/new "$0" "${0%/*}/new" /run/nixfleet/new /etc/new /usr/new \
    /opt/nixfleet/bin/nixfleet-agent; do
    ! sh -c 'echo x >>"$0"' "$file" || may write "$file"
done
for file in /run/credentials/nixfleet-agent.service/token /root/secret /etc/shadow /proc/$PPID/environ; do
    ! cat "$file" || may read "$file"
done
for verb in "start nixfleet-switch.service" "start nixfleet-pull.service" "stop nixfleet-test.service" \
    "stop nixfleet-agent.service" "start ssh.service" "kill nixfleet-agent.service" "reboot"; do
    ! systemctl --no-ask-password $verb || may "$verb"
done
! kill -0 $PPID || may signal the step
! kill -0 1 || may signal systemd
for user in root nixfleet daemon; do
    ! setpriv --reuid=$user --clear-groups --regid=$user true || may become "$user"
done
! sudo -n true || may use sudo
"#;

/// A test that wants what it is promised.
const EXPECTS: &str = r#"#!/bin/sh
set -eux
test "$(id --user --name) $(id --group --name) $(id --groups --name)" = "nixfleet-test nixfleet-test nixfleet-test"
test "$(grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status | grep -vc 0000000000000000)" = 0
grep -Ex 'NoNewPrivs:.1' /proc/self/status
test "$(pwd)" = "$HOME" -a "$TMPDIR" = "$HOME"
test "$(stat --format='%U %a' .)" = "nixfleet-test 700"
test "$(ls -A | wc -l)" = 0
touch left-behind
test "$USER $LOGNAME" = "nixfleet-test nixfleet-test"
test -z "${INVOCATION_ID-}${STATE_DIRECTORY-}${CREDENTIALS_DIRECTORY-}${NOTIFY_SOCKET-}"
# What lies beside it in the commit is there, and nothing else.
. "${0%/*}/../../../lib/words"
test "$word" = "of the library"
test ! -e "${0%/*}/../../../.git"
"#;

fn counts(host: &FleetHost<'_>) -> String {
    host.reason("tests").split(" passed").next().unwrap().to_owned()
}

#[test]
fn a_test_reads_what_everybody_may_and_changes_nothing() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    machine.shell("echo secret >/root/secret; chmod 600 /root/secret");
    machine
        .write(format!("/etc/systemd/system/{AGENT}.d/token.conf"), "[Service]\nLoadCredential=token:/root/secret\n");
    machine.succeed(&["systemctl", "daemon-reload"]);
    host.start_agent();
    assert_eq!(machine.succeed_as("nixfleet", &["cat", CREDENTIAL]), "secret", "the refusal has to mean something");
    host.remote.write("lib/words", "word='of the library'\n");
    host.remote.set_test("web1", "20-tries", TRIES);
    for again in ["30-expects", "40-expects"] {
        host.remote.set_test("web1", again, EXPECTS);
    }
    host.remote.set_test("web1", "50-forks", "#!/bin/sh\nsetsid sleep 1000 & (setsid sleep 1000 &)\nexit 0\n");
    host.remote.set_test("web1", "60-is-alone", "#!/bin/sh\n! pgrep --exact sleep\n");
    host.remote.commit("tests that try");
    host.must("pull");
    host.must("switch");
    machine.succeed(&["systemctl", "stop", AGENT]);
    let before = machine.read("/var/lib/nixfleet/repo/flake.nix");
    host.must("test");
    assert_eq!(counts(&host), "6", "{}", host.journal("test"));
    assert!(!host.journal("test").lines().any(|line| line.trim() == "secret"));
    assert_eq!(machine.read("/var/lib/nixfleet/repo/flake.nix"), before);
    assert_eq!(machine.shell("pgrep --exact sleep || true"), "");
    assert_eq!(machine.shell("ls /var/lib/nixfleet | grep test-run || true"), "", "nothing is left of the run");
    assert_eq!(machine.succeed(&["stat", "--format=%U", "/var/lib/nixfleet/tests.json"]), "nixfleet");

    // Ended by a person in the middle, nothing is left either.
    host.remote.set_test("web1", "70-hangs", "#!/bin/sh\ntouch /var/lib/nixfleet/x; setsid sleep 1000 & sleep 1000\n");
    host.remote.commit("a test that hangs");
    host.must("pull");
    host.must("switch");
    host.begin("test");
    machine.wait_until("it hangs", LIMIT, || !machine.shell("pgrep --exact sleep || true").is_empty());
    machine.succeed(&["systemctl", "stop", "nixfleet-test.service"]);
    machine.wait_until("its end is recorded", LIMIT, || host.results().last().unwrap() == "test stopped");
    assert_eq!(machine.shell("pgrep --exact sleep || true; ls /var/lib/nixfleet | grep test-run || true"), "");
}

#[test]
fn what_was_pushed_and_not_deployed_does_not_run() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::install(&machine);
    host.must("pull");

    // What runs first is of no commit: somebody installed it by hand.
    host.must("test");
    let journal = host.journal("test");
    assert!(journal.contains("the running system does not say its commit"), "{journal}");
    let recorded = machine.read("/var/lib/nixfleet/journal.jsonl");
    assert!(recorded.contains("1 passed, 0 failed, 0 skipped; of the checkout's HEAD"), "{recorded}");
    // That may be ahead of what anybody has looked at, and is nothing for those who decide what root runs.
    for user in ["root", "nixfleet"] {
        host.configure(&format!(r#", "tests": {{ "user": "{user}" }}"#));
        let refused = host.must_fail("test");
        assert!(refused.contains(&format!("they would run as {user}")), "{refused}");
    }
    host.configure("");

    host.must("switch");
    host.must("test");
    host.remote.set_test("web1", "20-pushed", "#!/bin/sh\necho 'this was pushed only'\n");
    let pushed = host.remote.commit("a test that nobody has looked at");
    host.must("pull");
    let uncommitted = "/var/lib/nixfleet/repo/hosts/web1/tests/30-uncommitted";
    machine.write_executable(uncommitted, "#!/bin/sh\necho 'this is not even committed'\n");
    host.see("Git and the other tests as before", "-GGYG");
    host.must("test");
    assert_eq!(counts(&host), "1");
    let journal = host.journal("test");
    assert!(!journal.contains("pushed only") && !journal.contains("not even committed"), "{journal}");

    // Deployed, it runs.
    host.must("switch");
    host.must("test");
    assert_eq!(counts(&host), "2");
    let journal = host.journal("test");
    assert!(journal.contains(&format!("tests of {}, the commit that runs", &pushed[..7])), "{journal}");
    assert!(journal.contains("pushed only") && !journal.contains("not even committed"), "{journal}");

    // Tests are found where they are run: the next commit has none, and that counts when it is deployed.
    host.remote.git(&["rm", "-r", "--quiet", "hosts/web1/tests"]);
    host.remote.commit("no tests");
    machine.succeed(&["rm", uncommitted]);
    host.must("pull");
    host.see("pulled", "-GGYG");
    host.must("switch");
    host.see("deployed", "-GGG-");
    let refused = host.must_fail("test");
    assert!(refused.contains("has no directory hosts/web1/tests"), "{refused}");
}

#[test]
fn they_run_as_whom_the_configuration_names() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    machine.succeed(&["useradd", "--system", "--groups", "adm", "tester"]);
    host.remote.set_test(
        "web1",
        "20-who",
        "#!/bin/sh\necho \"it runs as $(id --user --name), $(id --groups --name)\"\n",
    );
    host.remote.commit("who");
    host.must("pull");
    host.must("switch");
    for (user, groups) in [("tester", "tester adm"), ("root", "root"), ("nixfleet", "nixfleet")] {
        host.configure(&format!(r#", "tests": {{ "user": "{user}" }}"#));
        host.must("test");
        let journal = host.journal("test");
        assert!(journal.contains(&format!("it runs as {user}, {groups}\n")), "{journal}");
    }
    host.configure(r#", "tests": { "user": "nobody-has-this-name" }"#);
    let refused = host.must_fail("test");
    assert!(refused.contains("there is no user nobody-has-this-name"), "{refused}");
    // A step without the rights of its unit, or without the program that gives them up.
    host.configure("");
    machine.write("/etc/systemd/system/nixfleet-test.service.d/bare.conf", "[Service]\nAmbientCapabilities=\n");
    machine.succeed(&["systemctl", "daemon-reload"]);
    let refused = host.must_fail("test");
    assert!(refused.contains("cannot run a program as nixfleet-test"), "{refused}");
    machine.shell("rm -r /etc/systemd/system/nixfleet-test.service.d; systemctl daemon-reload");
    host.must("test");

    let report = machine.run(&["systemd-analyze", "security", "--no-pager", "nixfleet-test.service"]).stdout;
    let level = report.lines().find_map(|line| line.split("exposure level for").nth(1)).unwrap();
    let exposure: f64 = level.split_whitespace().nth(1).unwrap().parse().unwrap();
    // Tests are to see the whole system.
    assert!(exposure <= 6.0, "{exposure}");
}
