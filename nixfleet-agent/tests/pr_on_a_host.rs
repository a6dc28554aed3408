//! `nixfleet pr` on a host whose agent gets its token from systemd: the command finds the same file.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod desk;
#[allow(dead_code, reason = "a part of it is used")]
mod stand_in;

use std::sync::{Arc, Mutex};

use desk::{Desk, Ended, run};
use stand_in::{BusDaemon, Record, UnitBody, serve};

struct Host {
    desk: Desk,
    bus: String,
}

impl Host {
    /// As on a host: without `--repo`, with the configuration that the module writes.
    fn pr(&self, arguments: &[&str]) -> Ended {
        let arguments = [&["pr"], arguments].concat();
        run(self.desk.command(&arguments).env("DBUS_SYSTEM_BUS_ADDRESS", &self.bus))
    }
}

impl Host {
    /// The module writes such a configuration: no token in it, nor the name of its file.
    fn new(bus: &str) -> Self {
        let desk = Desk::with_update();
        desk.github.wants_token("ghp_right");
        let absent = desk.home.path().join("absent");
        std::fs::create_dir(&absent).unwrap();
        let repository = serde_json::json!({ "url": desk.url(), "branch": "main" });
        let config = serde_json::json!({ "repository": repository, "github": { "enable": true } });
        std::fs::write(absent.join("config.json"), config.to_string()).unwrap();
        Self { desk, bus: bus.to_owned() }
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.desk.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }
}

fn the_agents_credential_is_found_by(host: &Host, credentials: impl Fn(&str, &str)) {
    host.pr(&["list"]).failed_with("without a token GitHub does not list");
    let path = host.file("secret", "ghp_right\n");
    credentials("github-token", &path);
    let ended = host.pr(&["list"]);
    assert!(ended.code == Some(0) && ended.stdout.starts_with("#7 "), "{ended:?}");

    // One that is wrong, or that this user may not read.
    host.file("secret", "ghp_wrong\n");
    let ended = host.pr(&["list"]);
    ended.failed_with("does not accept the token (401)");
    ended.failed_with("this was the token of this host; for one of your own say GITHUB_TOKEN=$(gh auth token)");
    std::fs::remove_file(&path).unwrap();
    let ended = host.pr(&["list"]);
    ended.failed_with(&format!("that of this host is not used (cannot read the token for GitHub {path}: No such file"));
    ended.failed_with("try with sudo");
    assert!(!ended.stderr.contains("ghp_"));

    // The one for the repository goes to GitHub where the remote is reached over https only, and here it is http.
    credentials("token", &host.file("other", "ghp_right\n"));
    host.pr(&["list"]).failed_with("without a token GitHub does not list");
}

#[tokio::test]
async fn the_agents_credential_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let bus = BusDaemon::start(directory.path());
    let record = Arc::new(Mutex::new(Record { program: "/nix/agent".into(), ..Record::default() }));
    let body: Arc<Mutex<UnitBody>> = Arc::new(Mutex::new(Box::new(|_: &str| {})));
    let _systemd = serve(&bus.address(), &record, &body).await;
    let address = bus.address();
    // The stand-in for GitHub has a runtime of its own.
    let work = move || {
        the_agents_credential_is_found_by(&Host::new(&address), |name, path| {
            record.lock().unwrap().credentials = vec![(name.to_owned(), path.to_owned())];
        });
    };
    tokio::task::spawn_blocking(work).await.unwrap();
}
