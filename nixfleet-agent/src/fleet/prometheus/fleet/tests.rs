//! Fleets from series.

use super::*;

fn sample(labels: &[(&str, &str)], value: f64) -> Sample {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Sample { labels, value }
}

fn vector(samples: Vec<Sample>) -> Vector {
    Vector { samples, warnings: Vec::new() }
}

fn states(place: &str, host: &str, letters: &str) -> Vec<Sample> {
    let name = |letter| match letter {
        'G' => "ok",
        'Y' => "outdated",
        'R' => "error",
        'B' => "working",
        _ => "unknown",
    };
    let pairs = Compartment::ALL.into_iter().zip(letters.chars());
    let of = |(compartment, letter): (Compartment, char)| {
        let labels =
            [("instance", place), ("host", host), ("compartment", compartment.name()), ("state", name(letter))];
        sample(&labels, 1.0)
    };
    pairs.map(of).collect()
}

fn letters(host: &FleetHost) -> String {
    let letter = |state: &State| match state {
        State::Ok => 'G',
        State::Outdated => 'Y',
        State::Error => 'R',
        State::Working => 'B',
        State::Unknown => '-',
    };
    host.states.iter().map(|(_, state)| letter(state)).collect()
}

#[test]
fn up_down_twice_stale_and_partial() {
    let up = |place: &str, host: &str, value| sample(&[("__name__", "up"), ("instance", place), ("host", host)], value);
    let age = |place: &str, seconds| sample(&[("instance", place)], seconds);
    let revision = "a1b2c3d4".repeat(5);
    let series = Series {
        up: vector(vec![
            up("10.0.0.1:1", "web1", 1.0),
            up("10.0.0.2:1", "web2", 0.0),
            up("10.0.0.3:1", "web3", 0.0),
            up("10.0.0.4:1", "web4", 0.0),
            up("10.0.0.4:2", "web4", 1.0),
            up("10.0.0.5:1", "", 1.0),
            up("10.0.0.6:1", "wéb \"6\"\n", 1.0),
        ]),
        ages: vector(vec![age("10.0.0.1:1", 240.0), age("10.0.0.5:1", 15.0), age("10.0.0.6:1", f64::NAN)]),
        states: vector(
            [states("10.0.0.1:1", "web1", "GYGGR"), states("10.0.0.4:2", "web4", "GGGGG"), {
                let mut few = states("10.0.0.6:1", "", "GG");
                few.push(sample(&[("instance", "10.0.0.6:1"), ("compartment", "soul"), ("state", "ok")], 1.0));
                few
            }]
            .concat(),
        ),
        facts: vector(vec![
            sample(&[("__name__", "nixfleet_system_info"), ("instance", "10.0.0.1:1"), ("revision", &revision)], 1.0),
            sample(&[("__name__", "nixfleet_system_generation"), ("instance", "10.0.0.1:1")], 41.0),
            sample(&[("__name__", "nixfleet_git_commits_behind"), ("instance", "10.0.0.1:1")], f64::NAN),
            sample(&[("__name__", "nixfleet_system_reboot_required"), ("instance", "10.0.0.1:1")], 1.0),
            sample(&[("__name__", "nixfleet_system_rollback_held"), ("instance", "10.0.0.1:1")], 0.0),
            sample(&[("__name__", "nixfleet_system_info"), ("instance", "elsewhere"), ("revision", "x")], 1.0),
        ]),
        last_states: states("10.0.0.2:1", "web2", "GGGYG"),
    };
    let hosts = hosts(&series);
    let host = |name: &str| hosts.iter().find(|host| host.name == name).unwrap_or_else(|| panic!("{name}: {hosts:?}"));
    assert_eq!(hosts.len(), 6, "{hosts:?}");

    let web1 = host("web1");
    assert_eq!((letters(web1).as_str(), web1.is_up, web1.generation), ("GYGGR", Some(true), Some(41)));
    assert_eq!((web1.revision.as_ref().unwrap().short(), web1.commits_behind), ("a1b2c3d", None));
    assert_eq!(web1.notes, ["last scraped 4 min ago", "reboot needed"]);
    assert_eq!(web1.labels.keys().collect::<Vec<_>>(), ["host", "instance"]);

    assert_eq!(letters(host("web2")), "-GGYG", "down: the agent is gray, the others as they were");
    assert_eq!((letters(host("web3")).as_str(), host("web3").is_up), ("-----", Some(false)));
    assert!(host("web3").notes[0].contains("nothing is known"), "{:?}", host("web3").notes);
    assert_eq!(letters(host("web4")), "GGGGG", "of two targets the one that is up");
    assert_eq!(host("web4").notes, ["2 exporters: 10.0.0.4:1, 10.0.0.4:2; shown is 10.0.0.4:2"]);
    assert_eq!(host("10.0.0.5").notes, ["its exporter says nothing of nixfleet"]);
    assert_eq!(letters(host("wéb \"6\"\n")), "GG---");
    assert_eq!(host("wéb \"6\"\n").notes, ["its exporter tells of 2 of 5 compartments"]);
}

#[test]
fn series_without_a_target_are_hosts_too() {
    let series = Series { states: vector(states("web1:1", "", "GGGGG")), ..Series::default() };
    let hosts = hosts(&series);
    assert_eq!((hosts[0].name.as_str(), hosts[0].is_up, letters(&hosts[0]).as_str()), ("web1", None, "GGGGG"));
    assert_eq!(hosts[0].labels.keys().collect::<Vec<_>>(), ["host", "instance"]);
}
