//! The weekly update, as it shows in each scrape of a real exporter and in `nixfleet status --json`.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::model::{Action, Compartment};
use world::example_flake::UPDATED;
use world::example_host::ExampleHost;
use world::exporter::Exporter;
use world::programs::User;
use world::states::letters;

/// One exporter that runs through the whole story, and a person who asks `nixfleet status` at each step.
struct Observers {
    user: User,
    exporter: Exporter,
}

impl Observers {
    fn of(host: &ExampleHost) -> Self {
        let user = User::nobody();
        let exporter = Exporter::start(&user, host.options());
        Self { user, exporter }
    }

    /// Both see these states now.
    fn see(&self, host: &ExampleHost, states: &str, what: &str) {
        host.agent_lives();
        let scrape = self.exporter.scrape();
        assert_eq!(scrape.states(), states, "{what}:\n{}", scrape.text);
        assert!(scrape.unreadable().is_empty(), "{what}: {:?}", scrape.unreadable());
        assert_eq!(letters(&self.status(host)), states, "{what}, as nixfleet status has it");
    }

    /// It has been so since then, and this is to be done.
    fn see_why(&self, host: &ExampleHost, compartment: Compartment, since: Timestamp, action: Option<Action>) {
        let status = self.status(host);
        let of = status.compartments.get(compartment);
        assert_eq!((of.since, of.action), (Some(since), action), "{compartment}: {}", of.reason);
        let scrape = self.exporter.scrape();
        let series = format!("nixfleet_compartment_state_since_timestamp_seconds{{compartment=\"{compartment}\"}}");
        assert_eq!(scrape.since()[series.as_str()].parse(), Ok(since.as_second()), "{compartment}");
    }

    fn status(&self, host: &ExampleHost) -> nixfleet_core::model::HostStatus {
        let ended = self.user.nixfleet_status(&host.options());
        assert_eq!((ended.exit_code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        ended.status()
    }
}

#[test]
fn six_steps_from_green_to_green() {
    let mut host = ExampleHost::new();
    let observers = Observers::of(&host);
    observers.see(&host, "GGGGG", "row 1: all is current");

    host.update_pull_request_opens(UPDATED);
    observers.see(&host, "GGYGG", "row 11: an update of flake.lock waits for a review");
    observers.see_why(&host, Compartment::Lock, host.clock, Some(Action::MergePullRequest { number: 7 }));

    host.wait(Duration::from_mins(10));
    host.update_pull_request_is_merged();
    observers.see(&host, "GYYGG", "row 12: it was merged");
    observers.see_why(&host, Compartment::Git, host.clock, Some(Action::Pull));
    observers.see_why(&host, Compartment::Lock, host.clock, Some(Action::Pull));
    let behind = observers.exporter.scrape().value("nixfleet_git_commits_behind");
    assert_eq!(behind, Some(2.0), "the merge and the commit that it brings");

    host.wait(Duration::from_mins(10));
    let run = host.pull_starts();
    observers.see(&host, "GBYGG", "row 13: the pull runs");
    host.pull_succeeds(&run);
    observers.see(&host, "GGGYG", "row 14: pulled");
    observers.see_why(&host, Compartment::System, host.clock, Some(Action::Switch));

    let run = host.switch_starts();
    observers.see(&host, "GGGBG", "row 15: the switch runs");
    host.switch_succeeds(&run);
    observers.see(&host, "GGGGY", "row 4: switched");
    observers.see_why(&host, Compartment::Tests, host.clock, Some(Action::RunTests));
    let scrape = observers.exporter.scrape();
    assert_eq!(scrape.value("nixfleet_system_generation"), Some(42.0));
    assert_eq!(scrape.value("nixfleet_system_booted_generation"), Some(41.0));
    assert_eq!(scrape.value("nixfleet_system_reboot_required"), Some(1.0), "the update brought a new kernel");

    let run = host.tests_start();
    observers.see(&host, "GGGGB", "row 16: the tests run");
    host.tests_end(&run, &[]);
    observers.see(&host, "GGGGG", "row 17: the tests passed");
    observers.see_why(&host, Compartment::Tests, host.clock, None);
    assert!(!observers.exporter.log().contains("WARN"), "{}", observers.exporter.log());
}

#[test]
fn an_update_that_goes_wrong() {
    let mut host = ExampleHost::new();
    let observers = Observers::of(&host);
    host.update_pull_request_opens(UPDATED);
    host.update_pull_request_is_merged();
    host.pulled();

    let run = host.switch_starts();
    host.switch_fails(&run);
    observers.see(&host, "GGGRG", "row 7: it does not build");
    let reason = observers.status(&host).compartments.system.reason;
    assert!(reason.contains("switch failed in build (exit 1)") && reason.contains("nginx"), "{reason}");

    host.commit_is_pushed(&[("hosts/web1/configuration.nix", "{ }\n")], "web1: no nginx");
    observers.see(&host, "GYGRG", "row 29: a fix is pushed");
    host.pulled();
    observers.see(&host, "GGGRG", "row 30: the fix is pulled");
    host.switched();
    observers.see(&host, "GGGGY", "row 31: the fix is deployed");
    host.tests_failed();
    observers.see(&host, "GGGGR", "row 8: the tests fail");
    host.rolled_back();
    observers.see(&host, "GGGGY", "row 36: rolled back");
    assert_eq!(observers.exporter.scrape().value("nixfleet_system_rollback_held"), Some(1.0));

    host.commit_is_pushed(&[("hosts/web1/configuration.nix", "{ services.nginx.enable = true; }\n")], "web1: nginx");
    host.pulled();
    observers.see(&host, "GGGYY", "row 37: another fix is pulled");
    let run = host.switch_starts();
    observers.see(&host, "GGGBY", "row 15: the switch runs");
    host.wait(Duration::from_mins(2));
    host.is_killed_without_a_word(&run);
    observers.see(&host, "GGGYY", "row 33: it was killed, and nobody infers success from silence");
    let totals = observers.exporter.scrape().value("nixfleet_operations_total{operation=\"switch\",result=\"lost\"}");
    assert_eq!(totals, Some(1.0));

    host.switch_starts();
    host.reboots("5e2d1c0b-4a39-4827-9615-0f4e3d2c1b0a");
    host.agent_looks_at_the_remote();
    observers.see(&host, "GGGYY", "row 33: the machine went down in it");
    let reason = observers.status(&host).compartments.system.reason;
    assert!(reason.contains("interrupted by the machine going down"), "{reason}");
    host.switched();
    host.tests_passed();
    observers.see(&host, "GGGGG", "row 17: all is well again");
}
