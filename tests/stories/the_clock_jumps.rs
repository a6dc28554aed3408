//! The clock of a host jumps a day ahead, and back: no compartment turns red for it, nothing lasts less than no time, the agent
//! is heard of again, and what comes after the jump counts as later, whatever its time says.
//!
//! The kernel's clock is that of the machine that runs the tests. libfaketime gives the programs of nixfleet another one.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use jiff::{SignedDuration, Timestamp};
use world::fleet_host::{FleetHost, LIMIT};
use world::machine::{Image, Machine};

const OFFSET: &str = "/run/clock-offset";

struct Clock<'a> {
    machine: &'a Machine,
    environment: Vec<String>,
}

impl<'a> Clock<'a> {
    /// All units of nixfleet live by it from now on.
    fn install(machine: &'a Machine) -> Self {
        let library = machine.shell("echo /usr/lib/*/faketime/libfaketime.so.1");
        let environment = vec![
            format!("LD_PRELOAD={library}"),
            format!("FAKETIME_TIMESTAMP_FILE={OFFSET}"),
            "FAKETIME_NO_CACHE=1".to_owned(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
            "NO_FAKE_STAT=1".to_owned(),
        ];
        let clock = Self { machine, environment };
        clock.set("+0");
        for unit in ["agent", "exporter", "pull", "switch", "test"] {
            let drop_in = format!("/etc/systemd/system/nixfleet-{unit}.service.d/clock.conf");
            machine.write(drop_in, format!("[Service]\nEnvironment={}\n", clock.environment.join(" ")));
        }
        machine.succeed(&["systemctl", "daemon-reload"]);
        clock
    }

    /// An offset to the clock of the kernel, such as `+1d`.
    fn set(&self, offset: &str) {
        // At once: half a file would be another time.
        self.machine.write("/run/clock-offset.new", format!("{offset}\n"));
        self.machine.succeed(&["mv", "/run/clock-offset.new", OFFSET]);
    }

    fn status(&self) -> String {
        let environment: Vec<&str> = self.environment.iter().map(String::as_str).collect();
        self.machine.succeed(&[&["env"], &environment[..], &["/opt/nixfleet/bin/nixfleet", "status"]].concat())
    }
}

/// Nothing of a scrape, nor of what people see, is of a time that cannot be; only the agent may be unheard of for a moment.
fn is_sane(host: &FleetHost<'_>, clock: &Clock<'_>, what: &str, states: &str, latest: Timestamp) {
    let scrape = host.scrape();
    let seen = scrape.states();
    assert!(seen == states || seen == format!("-{}", &states[1..]), "{what}: {seen}, not {states}: {}", clock.status());
    for (series, value) in scrape.series() {
        assert!(!value.starts_with('-'), "{what}: {series} {value}");
        if series.contains("_timestamp_seconds") {
            let at: f64 = value.parse().unwrap();
            #[allow(clippy::cast_precision_loss, reason = "seconds since 1970")]
            let bound = latest.as_second() as f64 + 60.0;
            assert!(at <= bound, "{what}: {series} {value} is after {latest}");
        }
    }
    let table = clock.status();
    let has_negative = table.split_whitespace().any(|word| {
        word.strip_prefix('-').is_some_and(|rest| rest.starts_with(|character: char| character.is_ascii_digit()))
    });
    assert!(!has_negative, "{what}: {table}");
}

#[test]
fn a_day_ahead_and_back() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let clock = Clock::install(&machine);
    let host = FleetHost::settled(&machine);
    let often = r#", "agent": { "interval_seconds": 3600, "heartbeat_deadline_seconds": 6, "policy": { "test_after_switch": false } }"#;
    host.configure(often);
    host.start_agent();
    host.will_be_row(1);
    let tomorrow = || Timestamp::now() + SignedDuration::from_hours(24);
    let update = |message: &str| {
        host.remote.set_host("web1", &format!("  etc.\"message\" = \"{message}\";"));
        let commit = host.remote.commit(message);
        host.look();
        host.wait_for(message, "GYGGG");
        host.must("pull");
        host.wait_for(message, "GGGYG");
        host.must("switch");
        host.wait_for(message, "GGGGY");
        assert!(host.runs(&commit));
        host.must("test");
        host.wait_for(message, "GGGGG");
    };
    update("before");

    clock.set("+1d");
    is_sane(&host, &clock, "just after the jump ahead", "GGGGG", tomorrow());
    machine.wait_until("the agent is heard of again", LIMIT, || {
        is_sane(&host, &clock, "after the jump ahead", "GGGGG", tomorrow());
        host.scrape().states() == "GGGGG"
    });
    let beat = host.scrape().value("nixfleet_agent_heartbeat_timestamp_seconds").unwrap();
    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let noon = (Timestamp::now() + SignedDuration::from_hours(12)).as_second() as f64;
    assert!(beat > noon, "the agent lives by the new clock");
    update("tomorrow");
    // What is of before the jump looks old, and is not wrong for it.
    machine.wait_until("the agent is heard of again", LIMIT, || clock.status().contains("Agent   ok"));

    clock.set("+0");
    is_sane(&host, &clock, "just after the jump back", "GGGGG", tomorrow());
    machine.wait_until("the agent is heard of again", LIMIT, || {
        is_sane(&host, &clock, "after the jump back", "GGGGG", tomorrow());
        host.scrape().states() == "GGGGG"
    });
    // What happens now is of before what is recorded already, and counts as the latest all the same.
    update("today again");
    is_sane(&host, &clock, "today again", "GGGGG", tomorrow());
    let deployed = host.last_run("switch");
    assert_eq!(deployed.results, ["success"], "{deployed:?}");

    // A remote that fails across a jump: within its grace it stays so.
    machine.shell("mv /srv/configuration /srv/away");
    host.look();
    is_sane(&host, &clock, "the remote is away", "GGGGG", tomorrow());
    clock.set("-1d");
    is_sane(&host, &clock, "the remote is away, and the clock is back a day", "GGGGG", tomorrow());
    machine.shell("mv /srv/away /srv/configuration");
    host.look();
    host.wait_for("the remote is back", "GGGGG");
    assert!(host.journal_runs().iter().all(|run| run.results == ["success"]), "{:?}", host.journal_runs());
}
