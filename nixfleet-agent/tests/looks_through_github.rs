//! The agent's look at the remote where GitHub's API is who is asked (`github.as_remote`), as a process; and the pull that
//! follows it, by Git.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use jiff::Timestamp;
use nixfleet_core::Sha256;
use nixfleet_core::observation::{RemoteAttempt, RemoteCommit};
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;
use world::example_flake::{FIRST, UPDATED, lock};
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::git;
use world::github::GithubServer;

const BRANCH: &str = "/repos/example/fleet/branches/main";
const LOCK: &str = "/repos/example/fleet/contents/flake.lock";

/// A host whose remote is at a GitHub of our own: its API, and Git beside it.
struct Host {
    root: tempfile::TempDir,
    github: GithubServer,
    git: HttpServer,
    config: Value,
    /// What the agent keeps between two looks.
    known: Value,
}

impl Host {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["state", "run", "credentials", "served/example"] {
            std::fs::create_dir_all(root.path().join(name)).unwrap();
        }
        let served = root.path().join("served");
        git(&served, &["init", "--quiet", "--bare", "example/fleet.git"]);
        git(root.path(), &["clone", "--quiet", "served/example/fleet.git", "desk"]);
        git(&root.path().join("desk"), &["checkout", "--quiet", "-B", "main"]);
        let git = HttpServer::start(&served, Behaviour::default());
        let github = GithubServer::start();
        let config = json!({
            "host": "web1",
            "repository": { "url": git.url().replace("/repository/.git", "/example/fleet.git"), "branch": "main" },
            "github": { "enable": true, "as_remote": true, "api_url": github.api_url() }
        });
        Self { root, github, git, config, known: Value::Null }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A commit with this lock is pushed, and GitHub knows it as Git does.
    fn push(&self, lock: &str, message: &str) -> String {
        let desk = self.path("desk");
        std::fs::write(desk.join("flake.lock"), lock).unwrap();
        git(&desk, &["add", "--all"]);
        git(&desk, &["commit", "--quiet", "--message", message]);
        git(&desk, &["push", "--quiet", "origin", "main"]);
        let tip = git(&desk, &["rev-parse", "HEAD"]);
        self.github.has_branch(&tip, &[(&tip, lock.as_bytes())]);
        tip
    }

    fn command(&self, arguments: &[&str], surroundings: &[(&str, &Path)]) -> Command {
        std::fs::write(self.path("config.json"), self.config.to_string()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nixfleet-agent"));
        for (option, name) in
            [("--config", "config.json"), ("--state-directory", "state"), ("--runtime-directory", "run")]
        {
            command.arg(option).arg(self.path(name));
        }
        command.args(arguments).envs(surroundings.iter().copied());
        command
    }

    /// As the agent asks its look, with what it knows from the one before.
    fn ask(&self, at: &str, known: &Value) -> Value {
        let credentials = self.path("credentials");
        let mut command = self.command(&["look", at], &[("CREDENTIALS_DIRECTORY", &credentials)]);
        let question = self.path("question");
        let asked = json!({ "config": self.config, "known": known, "asked_again_at": null, "agent": null });
        std::fs::write(&question, asked.to_string()).unwrap();
        let output = command.stdin(std::fs::File::open(question).unwrap()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str(said.lines().next().unwrap()).unwrap()
    }

    fn look(&mut self) -> Result<String, String> {
        let answer = self.ask("remote", &self.known);
        self.known = answer["known"].clone();
        let text = |key: &str| answer["tip"][key].as_str().map(str::to_owned);
        text("Ok").ok_or_else(|| text("Err").unwrap())
    }

    fn pull(&self) -> Output {
        let mut command = self.command(&["pull"], &[]);
        command.env("INVOCATION_ID", "0123456789abcdef0123456789abcdef").env_remove("CREDENTIALS_DIRECTORY");
        command.stdin(Stdio::null()).output().unwrap()
    }

    fn state(&self) -> StateDirectory {
        StateDirectory::new(self.path("state"))
    }

    fn tip(&self) -> RemoteCommit {
        self.state().read_remote().unwrap().unwrap()
    }

    fn attempt(&self) -> RemoteAttempt {
        RuntimeDirectory::new(self.path("run")).read_remote_attempt().unwrap().unwrap()
    }

    /// What was asked of GitHub since, as `PATH STATUS`.
    fn asked(&self, since: usize) -> Vec<String> {
        self.github.asked(since).iter().map(|line| line.trim_start_matches("GET ").to_owned()).collect()
    }

    fn refuses(&self, part: &'static str, refusal: ResponseTemplate) {
        self.github.makes_up(move |_, path| path.contains(part).then(|| refusal.clone()));
    }
}

fn refusal(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "message": message }))
}

#[test]
fn the_tip_and_its_lock_are_read_without_a_clone() {
    let mut host = Host::new();
    let first = host.push(&lock(FIRST), "first");
    assert_eq!(host.look().unwrap(), format!("main is at {}", &first[..7]));
    let tip = host.tip();
    assert_eq!((tip.revision.as_str(), tip.branch.as_str()), (first.as_str(), "main"));
    assert_eq!(tip.url, host.config["repository"]["url"], "as a look by Git has it");
    assert_eq!(tip.lock.as_ref().unwrap().sha256, Sha256::of(lock(FIRST).as_bytes()));
    assert!(!tip.lock.unwrap().inputs.is_empty());
    assert_eq!(host.asked(0), [format!("{BRANCH} 200"), format!("{LOCK} 200")]);

    // Nothing new: a conditional request, and no write.
    let written = |host: &Host| std::fs::metadata(host.path("state/remote.json")).unwrap().modified().unwrap();
    let before = written(&host);
    host.look().unwrap();
    assert_eq!((host.asked(2), written(&host)), (vec![format!("{BRANCH} 304")], before));
    assert_eq!((host.attempt().succeeded_total, host.attempt().failed_total), (2, 0));
    // Another agent knows no tags, and asks for no lock that is known.
    host.known = Value::Null;
    host.look().unwrap();
    assert_eq!((host.asked(3), written(&host)), (vec![format!("{BRANCH} 200")], before));

    let second = host.push(&lock(UPDATED), "flake.lock: update");
    host.look().unwrap();
    let tip = host.tip();
    assert_eq!((tip.revision.as_str(), tip.earlier_tips.len()), (second.as_str(), 1));
    assert_eq!(tip.lock.unwrap().sha256, Sha256::of(lock(UPDATED).as_bytes()));
    assert_eq!(host.git.requests().len(), 0, "Git is not asked");
    assert!(!host.state().remote_repository_path().exists() && !host.state().repository_path().exists());

    // A commit without one.
    host.github.has_branch(&"3".repeat(40), &[]);
    host.look().unwrap();
    assert_eq!(host.tip().lock, None);
}

#[test]
fn what_github_refuses_is_said_and_erases_nothing() {
    let mut host = Host::new();
    host.push(&lock(FIRST), "first");
    host.look().unwrap();
    let good = host.tip();
    host.push(&lock(UPDATED), "second");
    let huge = ResponseTemplate::new(200).set_body_bytes(vec![b' '; 65 * 1024 * 1024]);
    let sentences = [
        ("", refusal(401, "Bad credentials"), "without a token GitHub does not look at the branch main"),
        ("", refusal(403, "Resource not accessible"), "without a token GitHub does not"),
        ("/branches/", refusal(404, "Branch not found"), "look at the branch main of example/fleet (404)"),
        ("/contents/", refusal(403, "too large"), "read flake.lock of"),
        ("/contents/", huge, "sends more than 64 MiB when asked to read flake.lock of"),
        ("", ResponseTemplate::new(502), "has a trouble of its own (502)"),
        ("/branches/", ResponseTemplate::new(200).set_body_string("{\"name\""), "the answer is cut off"),
    ];
    for (failures, (part, refusal, sentence)) in (1..).zip(sentences) {
        host.refuses(part, refusal);
        let error = host.look().unwrap_err();
        assert!(error.contains(sentence), "{error}");
        let attempt = host.attempt();
        assert_eq!((attempt.error, attempt.failures_in_a_row), (Some(error), failures));
        assert_eq!(host.tip(), good);
    }
    host.github.makes_up_nothing();
    host.github.main_was_called("master");
    host.config["repository"]["branch"] = json!("master");
    let error = host.look().unwrap_err();
    assert!(error.ends_with("was renamed to main: follow that one (repository.branch)"), "{error}");
    host.config["repository"]["branch"] = json!("main");
    host.look().unwrap();
    assert_ne!(host.tip(), good);
    assert_eq!((host.attempt().failures_in_a_row, host.attempt().failed_total), (0, 8));

    // A checkout's remote is known to the look only.
    let url = host.config["repository"].as_object_mut().unwrap().remove("url").unwrap();
    host.config["repository"]["path"] = json!(host.path("desk"));
    host.config["github"].as_object_mut().unwrap().remove("api_url");
    let error = host.look().unwrap_err();
    assert!(error.contains("not a repository on GitHub") && error.ends_with("to look with Git"), "{error}");
    git(&host.path("desk"), &["remote", "set-url", "origin", url.as_str().unwrap()]);
    host.config["github"]["api_url"] = json!(host.github.api_url());
    assert!(host.look().is_ok());
}

#[test]
fn the_token_is_the_one_that_systemd_passes() {
    let mut host = Host::new();
    host.push(&lock(FIRST), "first");
    host.github.wants_token("ghp_right");
    let credential = host.path("credentials/github-token");
    std::fs::write(&credential, "ghp_wrong\n").unwrap();
    let error = host.look().unwrap_err();
    assert!(error.contains("does not accept the token (401)") && !error.contains("ghp_"), "{error}");
    std::fs::write(&credential, "ghp_right\n").unwrap();
    host.look().unwrap();
    std::fs::remove_file(&credential).unwrap();
    let error = host.look().unwrap_err();
    assert!(error.contains("without a token") && error.contains("(404)"), "{error}");
}

#[test]
fn a_limit_of_requests_holds_for_both_looks_at_github() {
    let mut host = Host::new();
    host.push(&lock(FIRST), "first");
    let reset = (Timestamp::now().as_second() + 3000).to_string();
    let limited = refusal(403, "API rate limit exceeded").insert_header("x-ratelimit-remaining", "0");
    host.refuses("/branches/", limited.insert_header("x-ratelimit-reset", reset.as_str()));
    let error = host.look().unwrap_err();
    assert!(error.contains("limit of requests is reached (403: API rate limit exceeded)"), "{error}");
    let until = host.attempt().not_before.unwrap();
    assert_eq!(until.as_second().to_string(), (reset.parse::<i64>().unwrap() + 1).to_string());

    // Neither this one nor another agent asks before; nor does the look for pull requests.
    host.github.makes_up_nothing();
    for known in [host.known.clone(), Value::Null] {
        host.known = known;
        assert!(host.look().unwrap_err().contains(&format!("nothing is asked before {until}")));
    }
    let pull_requests = host.ask("pull-requests", &Value::Null);
    assert!(pull_requests["open"]["Err"].as_str().unwrap().contains("nothing is asked before"), "{pull_requests}");
    assert_eq!(host.asked(0).len(), 1, "{:?}", host.asked(0));
    // Git is somebody else, and what it answers does not lift the limit.
    let pulled = host.pull();
    assert!(pulled.status.success(), "{pulled:?}");
    assert_eq!((host.attempt().error, host.attempt().not_before), (None, Some(until)));
}

/// How far behind, as people read it.
fn git_reason(host: &Host) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nixfleet"));
    command.args(["status", "--json"]);
    for (option, name) in [("--config", "config.json"), ("--state-directory", "state"), ("--runtime-directory", "run")]
    {
        command.arg(option).arg(host.path(name));
    }
    let output = command.output().unwrap();
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    status["compartments"]["git"]["reason"].as_str().unwrap().to_owned()
}

#[test]
fn how_far_behind_is_known_before_a_pull() {
    let mut host = Host::new();
    let first = host.push(&lock(FIRST), "first");
    host.look().unwrap();
    assert!(host.pull().status.success());
    host.look().unwrap();
    let second = host.push(&lock(UPDATED), "second");
    let compare = format!("/repos/example/fleet/compare/{first}...{second}");

    // The tip is good without it, and it is asked for again.
    host.refuses("/compare/", refusal(500, "no"));
    host.look().unwrap();
    assert_eq!(host.tip().revision.as_str(), second);
    assert!(
        git_reason(&host).starts_with(&format!("{} is not {}", &first[..7], &second[..7])),
        "{}",
        git_reason(&host)
    );
    host.github.makes_up_nothing();
    host.github.knows(&first, 0, 1);
    let asked = host.asked(0).len();
    for _ in 0..3 {
        host.look().unwrap();
        assert!(git_reason(&host).starts_with(&format!("1 commit behind {}", &second[..7])), "{}", git_reason(&host));
    }
    let not_changed = format!("{BRANCH} 304");
    let expected = [not_changed.clone(), format!("{compare} 200"), not_changed.clone(), not_changed.clone()];
    assert_eq!(host.asked(asked), expected, "once for each of the two");

    // A commit that was never pushed: GitHub does not know it, and is asked once.
    let checkout = host.state().repository_path();
    git(&checkout, &["commit", "--quiet", "--allow-empty", "--message", "by hand"]);
    assert!(git_reason(&host).contains(" is not "), "that was told of another commit: {}", git_reason(&host));
    let asked = host.asked(0).len();
    for _ in 0..2 {
        host.look().unwrap();
        assert!(git_reason(&host).contains(" is not "), "{}", git_reason(&host));
    }
    let by_hand = git(&checkout, &["rev-parse", "HEAD"]);
    let compare = format!("/repos/example/fleet/compare/{by_hand}...{second} 404");
    assert_eq!(host.asked(asked), [not_changed.clone(), compare, not_changed]);
    git(&checkout, &["reset", "--quiet", "--hard", &first]);
    assert!(host.pull().status.success());
    assert!(git_reason(&host).starts_with(&format!("at {}", &second[..7])), "{}", git_reason(&host));
    assert_eq!(host.tip().distance, None);
}

#[test]
fn a_pull_fetches_what_github_told_of() {
    let mut host = Host::new();
    let repository = host.state().repository_path();
    for (content, message) in [(FIRST, "first"), (UPDATED, "second")] {
        let tip = host.push(&lock(content), message);
        host.look().unwrap();
        let told = host.tip();
        let pulled = host.pull();
        assert!(pulled.status.success(), "{pulled:?}");
        assert_eq!(git(&repository, &["rev-parse", "HEAD"]), tip, "{pulled:?}");
        // Our GitHub has one message and one time for all commits.
        let RemoteCommit { subject, committed_at, .. } = host.tip();
        let expected = RemoteCommit { subject, committed_at, confirmed_at: host.attempt().at, distance: None, ..told };
        assert_eq!(host.tip(), expected);
        let asked = host.asked(0).len();
        host.look().unwrap();
        assert_eq!(host.asked(asked), [format!("{BRANCH} 304")]);
        assert_eq!(host.tip().revision.as_str(), tip);
    }
}
