//! A fleet whose repository is on a GitHub of our own: what is merged there moves the branch that the hosts track.
//!
//! Git is served on this host's side of the machines' network. GitHub's API has to be on a loopback address where it is not
//! https, so that each machine forwards a port of its own loopback interface to it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fleet_member::FleetMember;
use crate::fleet_person::{Person, run};
use crate::git_server::http::{Behaviour, HttpServer};
use crate::git_server::repository::git;
use crate::github::{GithubServer, Pull};
use crate::machine::{ConfigurationRepository, Machine, Network, Output};
use crate::prometheus::Prometheus;

const NIXPKGS: &str = "/srv/desk/nixpkgs";

/// Until it is dropped.
pub struct FleetOnGithub<'a> {
    pub person: Person,
    pub github: GithubServer,
    pub members: Vec<FleetMember<'a>>,
    /// Where the bot, and whoever changes the configuration, works: in the first machine, which has Nix.
    pub desk: ConfigurationRepository<'a>,
    names: Vec<String>,
    git: HttpServer,
    served: tempfile::TempDir,
}

impl<'a> FleetOnGithub<'a> {
    /// The machines with nixfleet and an agent that pulls nothing by itself. Each has one host in the repository, with the
    /// test `10-release`, which no broken release of nixpkgs passes. Nothing is pulled yet.
    pub fn install(machines: &[&'a Machine], network: &Network, prometheus: Prometheus) -> Self {
        let served = tempfile::tempdir().unwrap();
        for name in ["fleet", "nixpkgs"] {
            git(served.path(), &["init", "--quiet", "--bare", &format!("example/{name}.git")]);
            git(&served.path().join(format!("example/{name}.git")), &["config", "http.receivepack", "true"]);
        }
        let git_server = HttpServer::start_at(network.test_side(), served.path(), Behaviour::default());
        let url = |name: &str| git_server.url().replace("/repository/.git", &format!("/example/{name}.git"));
        let github = GithubServer::start_on_all_addresses();
        let port = github.port();
        let members = format!(
            r#", "github": {{ "enable": true, "api_url": "{}", "interval_seconds": 2 }}, "agent": {{ "interval_seconds": 2 }}"#,
            github.api_url()
        );
        let forwarded = format!("{}:{port}", network.test_side());
        let follow = |machine: &&'a Machine| {
            let socket = format!("--socket-property=ListenStream=127.0.0.1:{port}");
            let forward = ["/usr/lib/systemd/systemd-socket-proxyd", &forwarded];
            machine.succeed(&[&["systemd-run", "--quiet", "--unit=github", &socket], &forward[..]].concat());
            FleetMember::follow(machine, &url("fleet"), &members)
        };
        let members = machines.iter().map(follow).collect();
        let names = machines.iter().map(|machine| machine.name().to_owned()).collect();
        let person = Person::let_in(machines, network, prometheus);
        let desk = ConfigurationRepository::create(machines[0], "nixfleet", "/srv/desk/configuration", NIXPKGS);
        let fleet = Self { person, github, members, desk, names, git: git_server, served };
        fleet.push_nixpkgs();
        fleet.desk.take_nixpkgs_from(&format!("git+{}?ref=main", fleet.url("nixpkgs")));
        for name in &fleet.names {
            fleet.desk.set_host(name, "");
            fleet.desk.set_test(
                name,
                "10-release",
                "#!/bin/sh\nnixos-version\n! nixos-version | grep --quiet broken\n",
            );
        }
        fleet.desk.git(&["remote", "add", "origin", &fleet.url("fleet")]);
        fleet
    }

    /// Commits what lies at the desk, and pushes it; the person has a checkout of it, and the agents look at it from now on.
    pub fn begin(&self) -> String {
        let commit = self.desk.commit("the fleet");
        self.desk.git(&["push", "--quiet", "origin", "main"]);
        git(self.person.user.home(), &["clone", "--quiet", &self.url("fleet"), "checkout"]);
        for (key, value) in [("user.name", "Alice"), ("user.email", "alice@example.org")] {
            git(&self.checkout(), &["config", key, value]);
        }
        for member in &self.members {
            member.machine.succeed(&["systemctl", "start", "nixfleet-agent.service"]);
        }
        commit
    }

    /// nixpkgs has a new release; a bot locks it on a branch, and opens a pull request. The branch's commit.
    pub fn update_opens(&self, number: u64, release: &str) -> String {
        let branch = format!("update-{number}");
        self.desk.git(&["fetch", "--quiet", "origin"]);
        self.desk.git(&["checkout", "--quiet", "-B", &branch, "origin/main"]);
        self.desk.release_nixpkgs(release);
        self.push_nixpkgs();
        self.desk.update_lock();
        let head = self.desk.commit("flake.lock: update");
        self.desk.git(&["push", "--quiet", "origin", &branch]);
        let remote = self.remote();
        let base = git(&remote, &["rev-parse", "main"]);
        let locks = [&base, &head]
            .map(|revision| (revision, format!("{}\n", git(&remote, &["show", &format!("{revision}:flake.lock")]))));
        let locks = locks.each_ref().map(|(revision, lock)| (revision.as_str(), lock.as_bytes()));
        self.github.has_branch(&base, &locks);
        self.github.on_merge(move |_, _| merge(&remote, number));
        self.github.has(vec![Pull { head: head.clone(), base_revision: base, ..Pull::update(number) }]);
        head
    }

    /// The person's `nixfleet pr`, which has to succeed.
    pub fn pr(&self, arguments: &[&str]) -> Output {
        let (checkout, api) = (self.checkout(), self.github.api_url());
        let place = ["--repo", checkout.to_str().unwrap(), "--api-url", &api];
        let absent = ["--config", "/nonexistent/config.json", "--state-directory", "/nonexistent"];
        let mut command = self.person.nixfleet(&[&["pr"], arguments, &place, &absent].concat());
        for variable in ["GITHUB_TOKEN", "GH_TOKEN", "XDG_STATE_HOME", "SUDO_USER"] {
            command.env_remove(variable);
        }
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let output = run(&mut command);
        assert_eq!(output.code, Some(0), "{arguments:?}: {}\n{}", output.stdout, output.stderr);
        output
    }

    /// Prometheus shows these five letters of every host within a while.
    pub fn all_are(&self, states: &str, what: &str) -> Value {
        let expected: Vec<_> = self.names.iter().map(|name| (name.as_str(), states)).collect();
        self.person.sees_states(what, &expected)
    }

    /// The commit that the branch ends in.
    pub fn tip(&self) -> String {
        git(&self.remote(), &["rev-parse", "main"])
    }

    /// Who, what, on what, and what came of it, of all that the person did, in order.
    pub fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.person.user.home().join(".local/state/nixfleet/audit.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn checkout(&self) -> PathBuf {
        self.person.user.home().join("checkout")
    }

    fn remote(&self) -> PathBuf {
        self.served.path().join("example/fleet.git")
    }

    fn url(&self, name: &str) -> String {
        self.git.url().replace("/repository/.git", &format!("/example/{name}.git"))
    }

    fn push_nixpkgs(&self) {
        let push = ["git", "-C", NIXPKGS, "push", "--quiet", &self.url("nixpkgs"), "main"];
        self.members[0].machine.succeed_as("nixfleet", &push);
    }
}

/// What GitHub's merge button does, on the bare repository.
fn merge(remote: &Path, number: u64) -> String {
    let branch = format!("update-{number}");
    let tree = git(remote, &["rev-parse", &format!("{branch}^{{tree}}")]);
    let message = format!("Merge pull request #{number}");
    let revision = git(remote, &["commit-tree", &tree, "-p", "main", "-p", &branch, "-m", &message]);
    git(remote, &["update-ref", "refs/heads/main", &revision]);
    revision
}
