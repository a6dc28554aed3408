//! `flake.lock` files of every kind, real and broken, through the public functions.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::path::{Path, PathBuf};

use nixfleet_core::Sha256;
use nixfleet_core::flake_lock::{
    AttributeValue, FlakeLockError, InputTarget, MAX_BYTES, MAX_DIRECT_INPUTS, MAX_FOLLOWS_DEPTH, direct_inputs, parse,
    summarize,
};
use nixfleet_core::observation::LockFile;
use proptest::prelude::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flake_locks")
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.lock"))).unwrap()
}

/// `name type reference revision day`, one line for each input; `-` for what is absent.
fn table(lock: &LockFile) -> Vec<String> {
    let row = |input: &nixfleet_core::observation::FlakeInput| {
        let revision = input.revision.as_deref().map_or("-", |revision| &revision[..7]);
        let day = input.last_modified_at.map_or("-".to_owned(), |time| time.strftime("%Y-%m-%d").to_string());
        format!("{} {} {} {revision} {day}", input.name, input.kind, input.reference)
    };
    lock.inputs.iter().map(row).collect()
}

#[test]
fn the_direct_inputs_of_every_valid_sample() {
    let nixpkgs = "nixpkgs github github:NixOS/nixpkgs/nixos-unstable e2587ca 2026-07-23";
    let samples: &[(&str, &[&str])] = &[
        ("minimal", &[]),
        ("nixpkgs", &[nixpkgs]),
        ("version-5", &[nixpkgs]),
        ("version-6", &[nixpkgs, "one github github:example/one 1111111 2020-07-29"]),
        ("last-modified-out-of-range", &["nixpkgs github github:NixOS/nixpkgs/nixos-unstable e2587ca -"]),
        (
            "follows-nested",
            &[
                "library git git+file:///srv/example/library c72a86b 2025-03-10",
                "renamed git git+file:///srv/example/library c72a86b 2025-03-10",
                "source path path:/srv/example/source - 2025-03-01",
                "suite git git+file:///srv/example/suite 40b417f 2025-03-10",
                "tool git git+file:///srv/example/tool bc0298b 2025-03-10",
            ],
        ),
        ("follows-root", &["tool git git+file:///srv/example/tool bc0298b 2025-03-10"]),
        (
            "follows-root-directly",
            &["itself root . - -", "library git git+file:///srv/example/library c72a86b 2025-03-10"],
        ),
        (
            "git",
            &[
                "branch git git+file:///srv/example/library?ref=release c72a86b 2025-03-10",
                "commit git git+file:///srv/example/library?ref=main&rev=c72a86b6d7474808b44b18fb114c70bff35eb1c4 c72a86b 2025-03-10",
                "shallow git git+file:///srv/example/library?shallow=1 c72a86b 2025-03-10",
                "submodules git git+file:///srv/example/library?submodules=1 c72a86b 2025-03-10",
            ],
        ),
        (
            "indirect",
            &["library git flake:library c72a86b 2025-03-10", "pinned git flake:library/release c72a86b 2025-03-10"],
        ),
        (
            "path",
            &["library path path:/srv/example/tool - 2025-03-12", "source path path:/srv/example/source - 2025-03-01"],
        ),
        ("path-relative", &["sub path path:./sub - -"]),
        ("path-parent", &["modules path path:./modules - -"]),
        ("tarball", &["archive tarball file:///srv/example/library.tar.gz - -"]),
        (
            "fetchers",
            &[
                "enterprise github github:infra/modules?dir=nix&host=git.example.org 0123456 2025-03-10",
                "file file file+https://example.org/robots.json - -",
                "flakehub tarball tarball+https://example.org/f/nixpkgs/%2A 0123456 2025-03-10",
                "gitlab gitlab gitlab:group%2Fsubgroup/project/release/1 0123456 2025-03-10",
                "mercurial hg hg+https://hg.example.org/tool?ref=default 0123456 -",
                "nixpkgs github flake:nixpkgs e2587ca 2026-07-23",
                "sourcehut sourcehut sourcehut:~example/tool 0123456 2025-03-10",
                "ssh git git+ssh://git@example.org/infra/secrets.git?ref=main&submodules=1 0123456 2025-03-10",
                "token git git+https://example.org/infra/secrets.git?depth=1 0123456 2025-03-10",
            ],
        ),
    ];
    for (name, expected) in samples {
        let bytes = sample(name);
        let lock = summarize(&bytes);
        assert_eq!(lock.problem, None, "{name}");
        assert_eq!(table(&lock), *expected, "{name}");
        assert_eq!(lock.sha256, Sha256::of(&bytes), "{name}");
        assert!(!serde_json::to_string(&lock).unwrap().contains("hunter2"), "{name}");
    }
}

#[test]
fn every_broken_sample_says_what_is_wrong() {
    let samples = [
        ("empty", "is empty: "),
        ("truncated", "is cut off in line 8: "),
        ("garbage", "is not valid JSON (trailing characters at line 28 column 1): "),
        ("not-utf-8", "is not UTF-8 text (from byte "),
        ("not-an-object", "is not a JSON object: "),
        ("merge-conflict", "has an unresolved merge conflict in line 9: "),
        ("version-4", "has version 4, understood are 5 to 7: "),
        ("version-8", "has version 8, understood are 5 to 7: "),
        ("no-version", "has no `version`: "),
        ("no-nodes", "has no `nodes`: "),
        ("no-root-key", "has no `root`: "),
        ("root-missing", "names \"top\" as its root, but has no such node: "),
        ("dangling-input", "has no node \"nixpkgs_2\", which the input \"nixpkgs\" of \"root\" leads to: "),
        ("dangling-follows", "has no input \"nixpkgs/stable\": \"stable\" is not there; "),
        ("follows-cycle", "follow each other in a circle (root/a → root/b → root/c → root/a): "),
        ("follows-itself", "follow each other in a circle (root/a → root/a): "),
        ("duplicate-input", "has the key \"nixpkgs\" twice in one object (line 22): "),
        ("duplicate-locked", "has the key \"locked\" twice in one object (line 5): "),
        ("locked-is-text", "at line 9 column 70, expected an object: "),
        ("nested-attribute", "at line 6 column 10, expected text, a number or a boolean: "),
    ];
    for (name, expected) in samples {
        let bytes = sample(&format!("corrupt-{name}"));
        let lock = summarize(&bytes);
        let problem = lock.problem.unwrap_or_default();
        assert!(problem.starts_with("flake.lock ") && problem.contains(expected), "{name}: {problem}");
        assert!(!problem.contains("hunter2"), "{name}: {problem}");
        assert_eq!(lock.inputs, [], "{name}");
        assert_eq!(lock.sha256, Sha256::of(&bytes), "{name}");
    }
    let on_disk = std::fs::read_dir(folder()).unwrap();
    let is_broken = |name: &str| name.starts_with("corrupt-");
    let count = on_disk.filter(|entry| is_broken(&entry.as_ref().unwrap().file_name().to_string_lossy())).count();
    assert_eq!(count, samples.len(), "a broken sample that no row of the table covers");
}

#[test]
fn other_broken_bytes() {
    for (bytes, expected) in [
        (" \n\t", "is empty: "),
        ("\u{feff}", "is empty: "),
        ("\0\0\0\0", "is not valid JSON"),
        ("null", "is not a JSON object"),
        ("7", "is not a JSON object"),
        ("{", "is cut off in line 1"),
        ("{}", "has no `version`"),
        (r#"{"version":7.0}"#, "has version 7.0, understood"),
        (r#"{"version":-7}"#, "has version -7, understood"),
        (r#"{"version":true}"#, "has version true, understood"),
        (r#"{"version":"7\n"}"#, "has version \"7\u{fffd}\", understood"),
        (r#"{"version":null}"#, "has no `version`"),
        (r#"{"version":7,"version":7}"#, "has the key \"version\" twice"),
        (r#"{"version":7,"nodes":{"a":{},"a":{}},"root":"a"}"#, "has the key \"a\" twice"),
        (r#"{"version":7,"nodes":[],"root":"a"}"#, "expected an object"),
        (r#"{"version":7,"nodes":{"a":[]},"root":"a"}"#, "expected an object"),
        (r#"{"version":7,"nodes":{"a":{"inputs":{"b":7}}},"root":"a"}"#, "expected the key of a node or a list"),
        (r#"{"version":7,"nodes":{"a":{"inputs":{"b":[7]}}},"root":"a"}"#, "expected a string"),
        (r#"{"version":7,"nodes":{"a":{"locked":{"b":null}}},"root":"a"}"#, "expected text, a number or a boolean"),
        (r#"{"version":7,"nodes":{"a":{"locked":{"b":1e999}}},"root":"a"}"#, "number out of range"),
        (r#"{"version":7,"nodes":{"a":{"flake":"no"}},"root":"a"}"#, "expected a boolean"),
    ] {
        let problem = summarize(bytes.as_bytes()).problem.unwrap_or_default();
        assert!(problem.contains(expected), "{bytes:?}: {problem}");
    }
}

#[test]
fn the_graph_keeps_what_the_file_says() {
    let lock = parse(&sample("path-parent")).unwrap();
    assert_eq!((lock.version(), lock.root_key()), (7, "root"));
    assert_eq!(lock.node("modules").unwrap().parent, Some(vec![]));
    assert_eq!(lock.node("library").unwrap().parent, Some(vec!["modules".to_owned()]));
    let (key, library) = lock.resolve(&["modules", "library"]).unwrap();
    assert_eq!((key, library.locked.as_ref().unwrap().path()), ("library", Some("../library")));
    assert_eq!(lock.resolve::<&str>(&[]).unwrap().0, "root");

    let lock = parse(&sample("follows-nested")).unwrap();
    assert_eq!(lock.nodes().count(), 5);
    assert!(!lock.node("source").unwrap().flake);
    assert!(lock.node("tool").unwrap().flake);
    let follows = InputTarget::Follows(vec!["suite".to_owned(), "library".to_owned()]);
    assert_eq!(lock.node("tool").unwrap().inputs["library"], follows);
    assert_eq!(lock.resolve(&["suite", "tool", "library"]).unwrap().0, "library");
    assert!(matches!(lock.resolve(&["suite", "gone"]), Err(FlakeLockError::DanglingFollows { .. })));

    let lock = parse(&sample("follows-root")).unwrap();
    assert_eq!(lock.resolve(&["tool", "library"]).unwrap().0, "root");

    let lock = parse(&sample("fetchers")).unwrap();
    let locked = lock.node("ssh").unwrap().locked.as_ref().unwrap();
    assert_eq!(locked.boolean("submodules"), Some(true));
    assert_eq!(locked.get("revCount"), Some(&AttributeValue::Number(3.into())));
    assert_eq!(locked.nar_hash(), Some("sha256-wWFrV5/Qbm+lyt5x20E/bSbfJiGKMo4RCxZV8cl/WZI="));
    assert_eq!(locked.iter().count(), 8);
    let original = lock.node("enterprise").unwrap().original.as_ref().unwrap();
    assert_eq!((original.owner(), original.repo()), (Some("infra"), Some("modules")));
    assert_eq!((original.host(), original.dir()), (Some("git.example.org"), Some("nix")));
}

#[test]
fn versions_5_and_7_of_one_pin_have_one_digest() {
    let digest = |name: &str| summarize(&sample(name)).inputs[0].locked_sha256;
    assert_eq!(digest("version-5"), digest("nixpkgs"));
    assert_ne!(digest("last-modified-out-of-range"), digest("nixpkgs"));
}

#[test]
fn the_digest_is_of_what_is_said_not_of_how() {
    let spaced =
        br#"{"version":7,"root":"r","nodes":{"r":{"inputs":{"a":"a"}},"a":{"locked":{"type":"git", "rev":"1"}}}}"#;
    let turned =
        br#"{"nodes":{"a":{"locked":{"rev":"1","type":"git"}},"r":{"inputs":{"a":"a"}}},"root":"r","version":6}"#;
    let inputs = summarize(spaced).inputs;
    assert_eq!(inputs, summarize(turned).inputs);
    assert_eq!(inputs[0].locked_sha256, Sha256::of(br#"{"rev":"1","type":"git"}"#));
    let nothing = summarize(br#"{"version":7,"root":"r","nodes":{"r":{"inputs":{"a":"a"}},"a":{}}}"#).inputs;
    assert_eq!(nothing[0].locked_sha256, Sha256::of(b"nothing locked"));
    assert_eq!((nothing[0].kind.as_str(), nothing[0].reference.as_str()), ("unknown", ""));
}

#[test]
fn an_update_of_one_input_shows_wherever_it_is_followed() {
    let before = summarize(&sample("follows-nested"));
    let after = summarize(&sample("follows-nested-updated"));
    let lines: Vec<String> = before.changes_to(&after).iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["library 2025-03-10 → 2025-03-17", "renamed 2025-03-10 → 2025-03-17"]);
    assert_eq!(before.changes_to(&before), []);
}

#[test]
fn hostile_names_and_references_are_cut_and_cleaned() {
    let long = "\\u001b".repeat(100_000);
    let text = format!(
        r#"{{"version":7,"root":"r","nodes":{{"r":{{"inputs":{{"{long}":"a"}}}},
        "a":{{"locked":{{"type":"{long}","rev":"{long}"}},"original":{{"type":"git","url":"{long}"}}}}}}}}"#
    );
    let input = summarize(text.as_bytes()).inputs.remove(0);
    for text in [&input.name, &input.kind, &input.reference, &input.revision.unwrap_or_default()] {
        assert!(text.chars().count() <= 500 && !text.contains('\u{1b}'), "{}", text.len());
    }
    let problem = summarize(text.replacen(":\"a\"", ":\"b\"", 1).as_bytes()).problem.unwrap();
    assert!(problem.len() < 1000 && !problem.contains('\u{1b}'), "{}", problem.len());
}

#[test]
fn depth_has_a_bound() {
    let chain = |length: usize| {
        let inputs: Vec<String> = (0..length).map(|n| format!(r#""i{n:06}":["i{:06}"]"#, n + 1)).collect();
        format!(
            r#"{{"version":7,"root":"r","nodes":{{"n":{{}},"r":{{"inputs":{{{},"i{length:06}":"n"}}}}}}}}"#,
            inputs.join(",")
        )
    };
    assert_eq!(summarize(chain(MAX_FOLLOWS_DEPTH).as_bytes()).inputs.len(), MAX_FOLLOWS_DEPTH + 1);
    let problem = summarize(chain(9_000).as_bytes()).problem.unwrap();
    assert!(problem.contains("more than 128 inputs in a row"), "{problem}");

    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(500_000), close.repeat(500_000));
        assert!(summarize(deep.as_bytes()).problem.is_some());
        let ignored = format!(r#"{{"version":7,"root":"r","nodes":{{"r":{{}}}},"x":{deep}}}"#);
        assert_eq!(summarize(ignored.as_bytes()).problem, None);
        let attribute = format!(r#"{{"version":7,"root":"r","nodes":{{"r":{{"locked":{{"a":{deep}}}}}}}}}"#);
        assert!(summarize(attribute.as_bytes()).problem.unwrap().contains("expected text, a number or a boolean"));
    }
}

/// A valid lock of so many nodes, each a direct input as far as `direct_inputs` goes.
fn large_lock(nodes: usize, direct_inputs: usize) -> String {
    let pin = String::from_utf8(sample("nixpkgs")).unwrap();
    let (start, end) = (pin.find(r#""locked""#).unwrap(), pin.find(r#""root": {"#).unwrap());
    let pin = pin[start..end].trim_end().trim_end_matches(',');
    let nodes: Vec<String> = (0..nodes).map(|n| format!(r#""n{n}":{{"inputs":{{"n":["n0"]}},{pin}"#)).collect();
    let inputs: Vec<String> = (0..direct_inputs).map(|n| format!(r#""i{n}":"n{n}""#)).collect();
    let (nodes, inputs) = (nodes.join(","), inputs.join(","));
    format!(r#"{{"version":7,"root":"root","nodes":{{{nodes},"root":{{"inputs":{{{inputs}}}}}}}}}"#)
}

#[test]
fn size_has_a_bound() {
    let large = large_lock(16_000, MAX_DIRECT_INPUTS);
    assert!((7_000_000..MAX_BYTES).contains(&large.len()), "{}", large.len());
    assert_eq!(summarize(large.as_bytes()).inputs.len(), MAX_DIRECT_INPUTS);

    let problem = summarize(large_lock(11_000, MAX_DIRECT_INPUTS + 1).as_bytes()).problem.unwrap();
    assert!(problem.contains("has 10001 direct inputs, at most 10000"), "{problem}");

    let problem = summarize(large_lock(40_000, 1).as_bytes()).problem.unwrap();
    assert!(problem.contains("is too large (") && problem.contains("at most 8388608 are read"), "{problem}");
    assert!(matches!(parse(&vec![b' '; MAX_BYTES + 1]), Err(FlakeLockError::TooLarge { size_bytes: 8_388_609 })));
    assert!(matches!(parse(&vec![b' '; MAX_BYTES]), Err(FlakeLockError::Empty)));
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let lock = summarize(&bytes);
        prop_assert_eq!(lock.sha256, Sha256::of(&bytes));
        prop_assert!(lock.problem.is_some());
    }

    #[test]
    fn a_damaged_lock_gets_an_answer(
        name in prop::sample::select(vec!["follows-nested", "fetchers", "version-5", "version-6", "path-parent"]),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..3_u8, any::<u8>()), 1..6),
    ) {
        let mut bytes = sample(name);
        for (at, edit, byte) in edits {
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        let lock = summarize(&bytes);
        prop_assert!(lock.problem.is_none() || lock.inputs.is_empty());
        if let Ok(graph) = parse(&bytes) {
            for (key, node) in graph.nodes() {
                prop_assert!(graph.node(key) == Some(node));
            }
            prop_assert_eq!(direct_inputs(&graph).is_ok(), lock.problem.is_none());
        }
    }

    #[test]
    fn a_lock_cut_anywhere_is_cut_off_or_whole(at in any::<prop::sample::Index>()) {
        let bytes = sample("follows-nested");
        let end = bytes.len() - 2;
        let cut = at.index(end);
        let result = parse(&bytes[..cut]);
        prop_assert!(matches!(result, Err(FlakeLockError::Truncated { .. } | FlakeLockError::Empty)), "{:?}", result);
    }

    #[test]
    fn a_password_never_shows(
        scheme in "(https|git\\+ssh|ssh|http)", user in "[a-z]{1,8}", password in "[A-Z]{6}[@:/?#%]?[A-Z]{6}",
    ) {
        let text = format!(
            r#"{{"version":7,"root":"r","nodes":{{"r":{{"inputs":{{"a":"a"}}}},
            "a":{{"original":{{"type":"git","url":"{scheme}://{user}:{password}@example.org/a"}}}}}}}}"#
        );
        let reference = summarize(text.as_bytes()).inputs.remove(0).reference;
        prop_assert!(!reference.contains(&password[..6]), "{}", reference);
    }
}
