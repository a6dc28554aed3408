//! A remote that does not answer as it should: Git and Lock are red after the one look, the reason says what to do, no
//! secret is shown, and the checkout stays as it is.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use world::directory_content::content;
use world::exporter::Exporter;
use world::flake_checkout::FlakeCheckout;
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::ssh::{SshServer, public_key};
use world::git_server::tcp::{SilentServer, free_port};
use world::programs::{User, run, ssh_that_knows};
use world::states::letters;

const SECRET: &str = "ghp_hunter2hunter2hunter2";

/// The look fails for this reason, whoever asks in whatever form.
fn fails(what: &str, command: &dyn Fn() -> Command, one: &FlakeCheckout, options: &[&str], words: &[&str]) {
    let before = content(one.local.root());
    let arguments = [&["status", "--repo", one.path.to_str().unwrap()], options].concat();
    let json = run(command().args(&arguments).arg("--json"));
    let table = run(command().args(&arguments).args(["--fail-on", "error"]));
    assert_eq!(content(one.local.root()), before, "{what}: the checkout was changed");
    assert_eq!((json.exit_code, table.exit_code), (Some(0), Some(4)), "{what}: {json:?} {table:?}");
    let status = json.status();
    assert_eq!(letters(&status), "-RR--", "{what}: {json:?}");
    for word in words {
        assert!(status.compartments.git.reason.contains(word), "{what}: no word of {word:?}: {json:?}");
        assert!(table.stdout.contains(word), "{what}: no word of {word:?}: {table:?}");
    }
    for ended in [&json, &table] {
        assert!(!ended.said().contains("hunter2"), "{what}: {ended:?}");
        assert!(!ended.said().contains("panicked"), "{what}: {ended:?}");
    }
}

#[test]
fn files_and_ports() {
    let user = User::new();
    let nixfleet = || user.command("nixfleet");
    let one = FlakeCheckout::new();
    std::fs::rename(&one.remote.path, one.remote.root().join("elsewhere")).unwrap();
    fails("gone", &nixfleet, &one, &[], &["there is no repository at file://", "check the address"]);

    let one = FlakeCheckout::new().with_remote_at(&format!("http://127.0.0.1:{}/fleet.git", free_port()));
    fails("nobody listens", &nixfleet, &one, &[], &["cannot reach http://127.0.0.1", "check host, port and firewall"]);

    let one = FlakeCheckout::new().with_remote_at("https://no-such-host.invalid/fleet.git");
    fails("no such host", &nixfleet, &one, &[], &["cannot reach https://no-such-host.invalid", "DNS"]);

    let silent = SilentServer::start(b"");
    for scheme in ["http", "ssh", "git"] {
        let one = FlakeCheckout::new().with_remote_at(&format!("{scheme}://{}/fleet.git", silent.address));
        let started = Instant::now();
        fails(
            "it hangs",
            &nixfleet,
            &one,
            &["--timeout", "1"],
            &["try again later, check the network, or allow more time"],
        );
        assert!(started.elapsed() < Duration::from_mins(1), "{scheme}: {:?}", started.elapsed());
    }
}

#[test]
fn http_answers() {
    let user = User::new();
    let nixfleet = || user.command("nixfleet");
    let token_file = user.home().join("token");
    std::fs::write(&token_file, format!("{SECRET}\n")).unwrap();
    let token = ["--token-file", token_file.to_str().unwrap()];
    let wanted = Some("Basic another".to_owned());
    let table: [(&str, Behaviour, &[&str]); 6] = [
        ("404", status("404 Not Found"), &["there is no repository at", "status 404", "check the address"]),
        ("403", status("403 Forbidden"), &["refuses access", "check that the token is valid"]),
        ("500", status("500 Oh"), &["status 500", "try again later"]),
        ("401", Behaviour { authorization: wanted, ..Behaviour::default() }, &["does not accept the token"]),
        ("page", Behaviour { page: Some("<h1>Hello</h1>"), ..Behaviour::default() }, &["git ls-remote http://"]),
        (
            "redirect",
            Behaviour { redirect_to: Some("http://127.0.0.1:1".to_owned()), ..Behaviour::default() },
            &["127.0.0.1"],
        ),
    ];
    for (what, behaviour, words) in table {
        let one = FlakeCheckout::new();
        let server = HttpServer::start(one.remote.root(), behaviour);
        let one = one.with_remote_at(&server.url());
        fails(what, &nixfleet, &one, &token, words);
        if what == "401" {
            fails("no token", &nixfleet, &one, &[], &["configure a token that may read the repository"]);
            let in_the_address = server.url().replace("http://", &format!("http://user:{SECRET}@"));
            let one = one.with_remote_at(&in_the_address);
            fails("a token in the address", &nixfleet, &one, &[], &["does not accept the token"]);
            the_exporter_shows_no_secret(&user, &one);
            let offered = server.requests().iter().filter(|request| request.authorization.is_some()).count();
            assert!(offered >= 5, "the token was offered {offered} times only: this would prove nothing");
        }
    }
    let one = FlakeCheckout::new();
    fails(
        "no token file",
        &nixfleet,
        &one.with_remote_at("http://127.0.0.1:1/a"),
        &["--token-file", "/nonexistent"],
        &["/nonexistent", "check the path and its permissions"],
    );
}

fn status(status: &'static str) -> Behaviour {
    Behaviour { status: Some(status), ..Behaviour::default() }
}

/// Three tries and a quarter of an hour have not passed: nothing is red yet, nothing is known either.
fn the_exporter_shows_no_secret(user: &User, one: &FlakeCheckout) {
    let exporter = Exporter::start(user, ["--repo", one.path.to_str().unwrap()]);
    let scrape = exporter
        .scrape_until("asked", |scrape| scrape.value("nixfleet_remote_checks_total{result=\"failed\"}") == Some(1.0));
    assert_eq!(scrape.states(), "-----");
    let page = exporter.get("/").text;
    assert!(page.contains("does not accept the token"), "{page}");
    for said in [&scrape.text, &page, &exporter.log()] {
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn ssh_answers() {
    let Some(server) = SshServer::start() else { return };
    let user = User::new();
    let one = FlakeCheckout::new();
    let url = server.url(&one.remote.path);
    let one = one.with_remote_at(&url);
    let known = ssh_that_knows(&server);
    fails(
        "another user's key",
        &|| known.before_others(user.command("nixfleet")),
        &one,
        &key(&server.other_key("other")),
        &["refuses access", "add the public key to those that may read the repository"],
    );
    let wrong = public_key(&server.other_key("wrong"));
    for (what, hosts, words) in [
        ("wrong host key", format!("[127.0.0.1]:{} {wrong}\n", server.port), "its key is not the known one"),
        ("unknown host key", String::new(), "its key is not known here"),
    ] {
        let ssh = world::programs::Ssh::new(&server.known_hosts("hosts", &hosts), &server.user_key());
        fails(what, &|| ssh.before_others(user.command("nixfleet")), &one, &[], &[words, "known hosts file"]);
    }
    let one = one.with_remote_at(&server.url(Path::new("/nonexistent")));
    fails(
        "no repository",
        &|| known.before_others(user.command("nixfleet")),
        &one,
        &[],
        &["there is no repository at"],
    );
}

fn key(path: &Path) -> [&str; 2] {
    ["--ssh-key-file", path.to_str().unwrap()]
}

#[test]
fn the_last_good_answer_stands_beside_the_failure() {
    let (one, user) = (FlakeCheckout::new(), User::new());
    let look = || user.nixfleet(["status", "--json", "--repo", one.path.to_str().unwrap()]);
    assert_eq!(letters(&look().status()), "-GG--");
    let elsewhere = one.remote.root().join("elsewhere");
    std::fs::rename(&one.remote.path, &elsewhere).unwrap();
    assert_eq!(letters(&look().status()), "-RR--");
    std::fs::rename(&elsewhere, &one.remote.path).unwrap();
    assert_eq!(letters(&look().status()), "-GG--");
}
