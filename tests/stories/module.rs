//! The NixOS module: what it writes is what the programs read, and what cannot work is refused with the way out.
//!
//! The hosts are evaluated with the real modules of NixOS where `NIXFLEET_NIXPKGS` names them (see `checks/evaluate`).
//! What they got there is kept in `checks/evaluation/golden`, and is tested here without NixOS, too.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use nixfleet_core::config::{self, Automatic, CalendarWindow, HostConfig};
use serde_json::{Value, json};
use world::fleet_host::unit_path;
use world::nix::{Nix, nixpkgs, project};

/// The text of every file below a directory, by its path there.
fn texts(directory: &Path) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            texts.extend(texts_below(&name, &entry.path()));
        } else {
            texts.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
    texts
}

fn texts_below(name: &str, directory: &Path) -> impl Iterator<Item = (String, String)> {
    texts(directory).into_iter().map(move |(below, text)| (format!("{name}/{below}"), text))
}

fn golden(host: &str) -> HostConfig {
    config::read(&project().join("checks/evaluation/golden").join(host).join("config.json")).unwrap()
}

#[test]
fn hosts_get_what_was_reviewed() {
    if nixpkgs().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let run = Command::new(project().join("checks/evaluate")).arg(directory.path()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let expected = texts(&project().join("checks/evaluation/golden"));
    let got = texts(&directory.path().join("golden"));
    assert_eq!(expected.keys().collect::<Vec<_>>(), got.keys().collect::<Vec<_>>());
    for (path, text) in &got {
        assert_eq!(&expected[path], text, "{path}: review, then checks/evaluate --update");
    }
    let document = fs::read_to_string(project().join("docs/options.md")).unwrap();
    let made = fs::read_to_string(directory.path().join("options.md")).unwrap();
    assert_eq!(document, made, "docs/options.md is not up to date: checks/evaluate --update");
}

#[test]
fn what_cannot_work_is_said_with_the_option_and_the_way_out() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let nix = Nix::new();
    for kind in ["refused", "warned"] {
        let answers = nix.attribute(&nixpkgs, &format!("refusals.{kind}")).unwrap();
        let answers = answers.as_object().unwrap();
        assert!(answers.len() > 10);
        for (name, answer) in answers {
            for words in answer["says"].as_array().unwrap() {
                let words = words.as_str().unwrap();
                let is_said = |message: &Value| message.as_str().unwrap().contains(words);
                assert!(answer["found"].as_array().unwrap().iter().any(is_said), "{name}: {words:?} in {answer}");
            }
            // No secret is repeated.
            assert!(!answer["found"].to_string().contains("hunter2"), "{name}: {answer}");
        }
    }
}

#[test]
fn a_wrong_type_names_the_option() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let nix = Nix::new();
    for (name, words) in [
        ("policy-is-no-window", ["services.nixfleet.policy.switch", "Mon..Fri 02:00-05:00"]),
        ("policy-is-a-boolean", ["services.nixfleet.policy.pull", r#""off", "on" or a window"#]),
        ("relative-secret", ["services.nixfleet.repository.tokenFile", "absolute path"]),
        ("no-interval", ["services.nixfleet.interval", "positive integer"]),
        ("unknown-option", ["services.nixfleet.repositry", "does not exist"]),
        ("host-with-a-slash", ["services.nixfleet.host", "a/b"]),
        ("impossible-port", ["services.nixfleet.exporter.port", "99999"]),
        ("settings-are-no-json", ["services.nixfleet.settings", "JSON value"]),
    ] {
        let message = nix.attribute(&nixpkgs, &format!("refusals.typeErrors.{name}")).unwrap_err();
        for words in words {
            assert!(message.contains(words), "{name}: {message}");
        }
    }
}

/// `specialArgs` are looked at for the configuration's flake.
#[test]
fn the_revision_comes_from_the_flake() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let answers = Nix::new().attribute(&nixpkgs, "revisions").unwrap();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    for (name, expected) in [
        ("self", Value::from(commit)),
        ("inputs", commit.into()),
        ("option", commit.into()),
        ("dirty", format!("{commit}-dirty").into()),
        ("own", "mine".into()),
        ("none", Value::Null),
        ("not-a-flake", Value::Null),
    ] {
        assert_eq!(answers[name], expected, "{name}");
    }
}

/// What `nix flake check` would build and run is there for both systems, and the scripts of the VM tests are Python.
#[test]
fn the_flake_evaluates() {
    let Some(nixpkgs) = nixpkgs() else { return };
    let nix = Nix::new();
    let outputs = nix.attribute(&nixpkgs, "flakeOutputs").unwrap();
    for system in ["x86_64-linux", "aarch64-linux"] {
        for (output, names) in [
            (
                "packages",
                &["default", "nixfleet-agent", "nixfleet-dashboards", "nixfleet-exporter", "nixfleet-rules"][..],
            ),
            ("apps", &["default", "nixfleet", "nixfleet-exporter"]),
            ("checks", &["agent-replacement", "fleet", "format", "module", "rules", "weekly-update"]),
            ("devShells", &["default"]),
        ] {
            for name in names {
                assert!(outputs[output][system][name].is_string(), "{output}.{system}.{name}: {outputs}");
            }
        }
        assert!(outputs["formatter"][system].is_string());
    }
    assert_eq!(nix.attribute(&nixpkgs, "importedTwice").unwrap(), "nixfleet-agent");
    let tests = nix.attribute(&nixpkgs, "vmTests").unwrap();
    for (name, test) in tests.as_object().unwrap() {
        let script = test["script"].as_str().unwrap();
        let python = Command::new("python3").args(["-c", "import ast, sys; ast.parse(sys.argv[1])", script]).output();
        let python = python.unwrap();
        assert!(python.status.success(), "{name}: {}", String::from_utf8_lossy(&python.stderr));
        let units = test["units"].as_object().unwrap();
        assert!(units.values().any(|units| units.as_array().unwrap().len() >= 8), "{name}: {units:?}");
        // What the machine follows deploys onto it: nothing is fetched, compiled or mounted anew, no boot loader is written.
        if name != "fleet" {
            assert_eq!(test["booted"], test["deployed"], "{name}");
            assert_eq!(
                (&test["deployed"]["boot_loader"], &test["deployed"]["caches"]),
                (&json!(false), &json!([])),
                "{name}"
            );
            assert_eq!(test["programs"], json!({ "git": true, "others": ["jq"] }), "{name}");
        }
    }
}

#[test]
fn the_programs_read_what_the_module_writes() {
    let small = golden("small");
    let mut expected = HostConfig { host: Some("web1".to_owned()), ..HostConfig::default() };
    expected.repository.url = Some("https://github.com/example/fleet.git".to_owned());
    assert_eq!(small, expected, "what is not set has the programs' own defaults");

    let full = golden("full");
    assert_eq!(full.host.as_deref(), Some("web2-production"));
    assert_eq!((full.agent.interval_seconds, full.remote.grace_seconds), (30, 3600), "settings come first");
    assert_eq!(full.agent.policy.pull, Automatic::On);
    assert_eq!(full.agent.policy.switch, Automatic::Window("Mon..Thu,Sun 22:00-04:00".parse().unwrap()));
    assert!(full.agent.policy.rollback_when_tests_fail && full.agent.policy.test_after_switch);
    assert_eq!(full.repository.branch.as_deref(), Some("production"));
    assert!(full.repository.allow_rewritten_branch && full.repository.signatures.are_required());
    assert_eq!((full.repository.token_file, full.repository.ssh_key_file), (None, None), "they come as credentials");
    assert_eq!(full.confirm.command.unwrap().len(), 3);
    assert_eq!(full.github.pull_request_labels, ["dependencies"]);
    assert_eq!(full.tests.timeout_seconds, 30);

    let through_github = golden("through-github").github;
    assert!(through_github.enable && through_github.as_remote);
    let unit = |name: &str| {
        let path = format!("checks/evaluation/golden/through-github/units/nixfleet-{name}.service.d/overrides.conf");
        fs::read_to_string(project().join(path)).unwrap()
    };
    let (agent, pull) = (unit("agent"), unit("pull"));
    assert!(
        agent.contains("LoadCredential=github-token:") && !agent.contains("ssh-key"),
        "what it looks with: {agent}"
    );
    assert!(pull.contains("LoadCredential=ssh-key:") && !pull.contains("github-token"), "what it fetches with: {pull}");

    let checkout = golden("checkout-of-a-user");
    assert_eq!(checkout.repository.path.as_deref(), Some(Path::new("/home/alice/fleet")));
    assert_eq!(checkout.repository.user.as_deref(), Some("alice"));
    assert!(!checkout.agent.policy.test_after_switch);
}

#[test]
fn a_host_without_nixfleet_has_nothing_of_it() {
    let directory = project().join("checks/evaluation/golden/not-enabled");
    assert_eq!(fs::read_to_string(directory.join("files.txt")).unwrap(), "./summary.json\n");
    let summary: Value = serde_json::from_slice(&fs::read(directory.join("summary.json")).unwrap()).unwrap();
    for (key, value) in summary.as_object().unwrap() {
        let is_empty = match value {
            Value::Array(values) => values.is_empty(),
            Value::Object(values) => values.is_empty(),
            _ => *value == Value::Null || *value == Value::Bool(false),
        };
        assert!(is_empty, "{key}: {value}");
    }
}

#[test]
fn nix_and_the_agent_agree_on_windows() {
    let texts = [
        "Mon..Fri 02:00-05:00",
        "02:00-05:00",
        "Sat,Sun 00:00-24:00",
        "Sat..Mon 10:00-11:00",
        "Mon..Thu,Sun 22:00-04:00",
        "06:00-06:00",
        " Mon 02:00-03:00 ",
        "Mon\t02:00-03:00",
        "Mon,Mon 02:00-03:00",
        "23:59-00:00",
        "Mon,Tue..Wed,Sun 01:00-02:00",
        "",
        "off",
        "Mon..Fri",
        "mon 02:00-05:00",
        "Mon..Foo 02:00-05:00",
        "Mon 2:00-05:00",
        "Mon 02:00-25:00",
        "24:00-02:00",
        "Mon 02:00-05:60",
        "Mon 02:00 - 05:00",
        "Mon, Tue 02:00-05:00",
        "Mon ++:00-05:00",
        "Mon..Tue..Wed 01:00-02:00",
        "Mon.Fri 01:00-02:00",
        ",Mon 01:00-02:00",
        "Mon, 01:00-02:00",
        "01:00-02:00 Mon",
        "Mon  01:00-02:00",
        "01:00",
        "01:00-",
    ];
    let list = texts.map(|text| serde_json::to_string(text).unwrap()).join(" ");
    let answers = Nix::new().value(&format!("map (import ./modules/host/window.nix).isWindow [ {list} ]"));
    for (text, answer) in texts.iter().zip(answers.as_array().unwrap()) {
        assert_eq!(text.parse::<CalendarWindow>().is_ok(), answer.as_bool().unwrap(), "{text:?}");
    }
}

#[test]
fn nix_tells_urls_apart() {
    let nix = Nix::new();
    for (url, is_ssh, is_http, has_secret) in [
        ("https://github.com/example/fleet.git", false, true, false),
        ("https://alice:hunter2@example.org/fleet.git", false, true, true),
        ("https://token@example.org/fleet.git", false, true, true),
        ("http://example.org:8080/a@b/fleet.git", false, true, false),
        ("ssh://git@example.org:22/fleet.git", true, false, false),
        ("ssh://git:hunter2@example.org/fleet.git", true, false, true),
        ("git@github.com:example/fleet.git", true, false, false),
        ("example.org:fleet.git", true, false, false),
        ("file:///srv/fleet.git", false, false, false),
        ("/srv/fleet.git", false, false, false),
        ("/srv/odd:name", false, false, false),
        ("git://example.org/fleet.git", false, false, false),
    ] {
        let answer = nix.value(&format!(
            "let url = import ./modules/host/url.nix; in map (f: f \"{url}\") [ url.isSsh url.isHttp url.hasSecret ]"
        ));
        assert_eq!(answer, serde_json::json!([is_ssh, is_http, has_secret]), "{url}");
    }
    for (url, expected) in [
        ("https://alice:hunter2@example.org/a", "https://example.org/a"),
        ("ssh://git:hunter2@example.org/a", "ssh://git@example.org/a"),
        ("git@example.org:a", "git@example.org:a"),
    ] {
        assert_eq!(nix.value(&format!("(import ./modules/host/url.nix).withoutSecret \"{url}\"")), expected);
    }
}

#[test]
fn a_path_is_one_word_of_a_unit_whatever_its_characters() {
    let nix = Nix::new();
    for (path, expected) in [
        ("/home/alice/fleet", "-/home/alice/fleet"),
        ("/home/alice/my fleet", r#""-/home/alice/my fleet""#),
        ("/srv/50%", r#""-/srv/50%%""#),
        (r#"/srv/a "b""#, r#""-/srv/a "'"'"b"'"'"""#),
        ("/srv/it's", r#""-/srv/it's""#),
    ] {
        let text = path.replace('"', "\\\"");
        assert_eq!(nix.value(&format!("import ./modules/host/unit-path.nix \"-\" \"{text}\"")), expected);
        assert_eq!(unit_path("-", path), expected, "the stories write it in the same way");
    }
}
