//! A host whose agent looks at the branch through GitHub's API, a GitHub of our own (`github.as_remote`): it sees what is new
//! without a clone, and pulls and switches by Git.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use world::fleet_host::{FleetHost, LIMIT};
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::git;
use world::github::GithubServer;
use world::machine::{Image, Machine, Network};

/// Where the remote is, for Git and for those who ask GitHub.
struct Forge {
    git: HttpServer,
    github: GithubServer,
    served: tempfile::TempDir,
}

impl Forge {
    /// GitHub's API has to be on a loopback address where it is not https: the machine forwards a port of its own to it.
    fn start(machine: &Machine, network: &Network) -> Self {
        let served = tempfile::tempdir().unwrap();
        git(served.path(), &["init", "--quiet", "--bare", "example/fleet.git"]);
        git(&served.path().join("example/fleet.git"), &["config", "http.receivepack", "true"]);
        let git = HttpServer::start_at(network.test_side(), served.path(), Behaviour::default());
        let github = GithubServer::start_on_all_addresses();
        let socket = format!("--socket-property=ListenStream=127.0.0.1:{}", github.port());
        let forwarded = format!("{}:{}", network.test_side(), github.port());
        let forward = ["/usr/lib/systemd/systemd-socket-proxyd", &forwarded];
        machine.succeed(&[&["systemd-run", "--quiet", "--unit=github", &socket], &forward[..]].concat());
        Self { git, github, served }
    }

    fn url(&self) -> String {
        self.git.url().replace("/repository/.git", "/example/fleet.git")
    }

    /// What the host has committed is pushed, and GitHub knows it as Git does.
    fn publish(&self, host: &FleetHost<'_>) -> String {
        host.remote.git(&["push", "--quiet", &self.url(), "HEAD:main"]);
        let remote = self.served.path().join("example/fleet.git");
        let tip = git(&remote, &["rev-parse", "main"]);
        let lock = format!("{}\n", git(&remote, &["show", "main:flake.lock"]));
        self.github.has_branch(&tip, &[(&tip, lock.as_bytes())]);
        tip
    }

    fn configure(&self, host: &FleetHost<'_>, of_repository: &str, policy: &str) {
        let members = format!(
            r#", "github": {{ "enable": true, "as_remote": true, "api_url": "{}", "interval_seconds": 3600 }},
            "agent": {{ "interval_seconds": 3600, "policy": {{ {policy} }} }}"#,
            self.github.api_url()
        );
        host.configure_remote(&self.url(), of_repository, &members);
    }

    /// The last answer of GitHub about the branch.
    fn last_status(&self) -> u16 {
        let exchanges = self.github.exchanges();
        exchanges.iter().rfind(|exchange| exchange.path.contains("/branches/")).unwrap().status
    }
}

const BY_ITSELF: &str = r#""pull": "on", "switch": "on""#;

#[test]
fn the_agent_sees_what_is_new_without_a_clone_and_moves_the_host_by_git() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let network = Network::connect(&[&machine]);
    let host = FleetHost::install(&machine);
    let forge = Forge::start(&machine, &network);
    let first = forge.publish(&host);
    let pushed = forge.git.requests().len();

    // A host that only looks: there is nothing to compare with, and what the remote has is said.
    forge.configure(&host, "", "");
    host.start_agent();
    assert_eq!(&host.states()[..3], "G--");
    let reason = host.reason("git");
    assert!(
        reason.contains("no local repository yet") && reason.contains(&format!("main is at {}", &first[..7])),
        "{reason}"
    );
    assert!(host.reason("lock").ends_with("; the remote's pins 1 input"), "{}", host.reason("lock"));
    assert_eq!(forge.git.requests().len(), pushed, "Git is not asked");
    assert!(!machine.exists("/var/lib/nixfleet/remote.git"));

    // It pulls by itself; the first switch of a machine is a person's.
    forge.configure(&host, "", BY_ITSELF);
    host.look();
    machine.wait_until("it is pulled", LIMIT, || host.results() == ["pull success"]);
    host.must("switch");
    host.wait_for("the first commit runs", "GGGGG");
    assert!(host.runs(&first));
    assert_eq!(host.results(), ["pull success", "switch success", "test success"]);

    // At rest: a conditional request, which writes nothing.
    let record = machine.read("/var/lib/nixfleet/remote.json");
    host.wait_until_idle("test");
    host.look();
    assert_eq!((forge.last_status(), machine.read("/var/lib/nixfleet/remote.json")), (304, record));

    // The weekly update: seen without a fetch, and where nobody decides, nothing moves.
    forge.configure(&host, "", "");
    host.look();
    host.remote.release_nixpkgs("26.05.20251201.toy");
    host.remote.update_lock();
    host.remote.commit("flake.lock: update");
    let update = forge.publish(&host);
    forge.github.knows(&first, 0, 1);
    let pushed = forge.git.requests().len();
    host.look();
    host.row(12);
    let (git, lock) = (host.reason("git"), host.reason("lock"));
    assert!(git.starts_with(&format!("1 commit behind {}", &update[..7])) && lock.contains("nixpkgs"), "{git}; {lock}");
    assert_eq!(host.scrape().value("nixfleet_git_commits_behind"), Some(1.0));
    assert_eq!(forge.git.requests().len(), pushed, "Git is not asked");
    forge.configure(&host, "", BY_ITSELF);
    host.look();
    host.wait_for("the update runs", "GGGGG");
    assert!(host.runs(&update));

    // GitHub fails: the last good answer stands, and a person's pull asks Git, which is another server.
    forge.github.makes_up(|_, _| Some(wiremock::ResponseTemplate::new(502)));
    host.wait_until_idle("test");
    host.look();
    host.see("within grace", "GGGGG");
    let reason = host.reason("git");
    assert!(reason.contains("the last try failed: GitHub at 127.0.0.1") && reason.contains("(502)"), "{reason}");
    host.must("pull");
    forge.github.makes_up_nothing();

    // What comes has to be signed where that is asked for, whoever told of it.
    machine.write(
        "/srv/allowed",
        "alice@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n",
    );
    let signatures = r#", "signatures": { "allowed_signers_file": "/srv/allowed" }"#;
    forge.configure(&host, signatures, BY_ITSELF);
    host.look();
    host.remote.set_test("web1", "20-unsigned", "#!/bin/sh\nexit 0\n");
    host.remote.commit("unsigned");
    let unsigned = forge.publish(&host);
    host.look_once();
    host.machine.wait_until("the pull is refused", LIMIT, || host.reason("git").contains("is not signed"));
    host.see("it stays", "GYGGG");
    assert!(host.reason("git").contains(&unsigned[..7]) && host.runs(&update), "{}", host.reason("git"));
    // GitHub was not told how far that is: the pull fetched what it refused.
    assert!(host.reason("git").starts_with("1 commit behind"), "{}", host.reason("git"));
}
