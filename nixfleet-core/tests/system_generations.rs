//! The generations of a system profile.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nixfleet_core::observation::Generation;
use nixfleet_core::system::{GenerationDetails, ProfileName, SystemError, SystemRoot};
use world::nixos_root::{NixosRoot, Toplevel};

const PROFILES: &str = "/nix/var/nix/profiles";

#[expect(clippy::unwrap_used, reason = "a failure is the test's failure")]
fn links(root: &NixosRoot) -> Vec<Generation> {
    SystemRoot::new(root.path()).generations(&ProfileName::System, GenerationDetails::LinksOnly).unwrap()
}

fn numbers(generations: &[Generation]) -> Vec<u64> {
    generations.iter().map(|generation| generation.number).collect()
}

#[test]
fn oldest_first_by_number_with_the_time_of_the_link() {
    let root = NixosRoot::new();
    let store_path = root.build(&Toplevel::default());
    for (number, created_at) in [(10, 1_700_000_010), (9, 1_700_000_009), (2, 1_700_000_099)] {
        root.add_generation(number, &store_path, created_at);
    }
    let generations = links(&root);
    assert_eq!(numbers(&generations), [2, 9, 10]);
    let times: Vec<_> = generations.iter().map(|generation| generation.created_at.as_second()).collect();
    assert_eq!(times, [1_700_000_099, 1_700_000_009, 1_700_000_010]);
    assert!(generations.iter().all(|generation| generation.store_path == store_path));
}

#[test]
fn the_profile_link_names_the_default() {
    let root = NixosRoot::new();
    let store_path = root.build(&Toplevel::default());
    root.add_generation(1, &store_path, 0);
    root.add_generation(2, &store_path, 0);
    let table = [
        ("system-1-link", Some(1)),
        ("system-2-link", Some(2)),
        ("/nix/var/nix/profiles/system-1-link", Some(1)),
        ("./system-1-link", Some(1)),
        ("system-3-link", None),
        ("/elsewhere/system-1-link", None),
        ("/nix/store/x", None),
        ("system", None),
        ("/", None),
    ];
    for (target, expected) in table {
        root.link(format!("{PROFILES}/system"), target);
        let defaults: Vec<_> = links(&root).into_iter().filter(|generation| generation.is_profile_default).collect();
        assert_eq!(numbers(&defaults), expected.into_iter().collect::<Vec<_>>(), "{target}");
    }
    root.remove(format!("{PROFILES}/system"));
    assert!(links(&root).iter().all(|generation| !generation.is_profile_default));
}

#[test]
fn what_is_no_generation_is_left_out() {
    let root = NixosRoot::new();
    root.add_generation(7, root.build(&Toplevel::default()), 0);
    root.link(format!("{PROFILES}/system-99999999999999999999-link"), "/nix/store/x");
    root.link(format!("{PROFILES}/system-08-link"), "/nix/store/x");
    root.link(format!("{PROFILES}/default-1-link"), "/nix/store/x");
    root.link(format!("{PROFILES}/system-1-link"), "system-1-link");
    root.link(format!("{PROFILES}/system-2-link"), not_utf8("/nix/store/"));
    root.link(Path::new(PROFILES).join(not_utf8("system-")), "/nix/store/x");
    root.directory(format!("{PROFILES}/system-3-link"));
    root.write(format!("{PROFILES}/system-4-link"), "x");
    root.directory(format!("{PROFILES}/per-user"));
    assert_eq!(numbers(&links(&root)), [7]);
}

#[test]
fn a_generation_gone_from_the_store_is_listed_without_versions() {
    let root = NixosRoot::new();
    root.add_generation(1, "/nix/store/gone-nixos-system", 0);
    let all = GenerationDetails::OfNewest(usize::MAX);
    let generations = SystemRoot::new(root.path()).generations(&ProfileName::System, all).unwrap();
    assert_eq!(generations[0].store_path, Path::new("/nix/store/gone-nixos-system"));
    assert_eq!(generations[0].nixos_version, None);
    assert_eq!(generations[0].kernel_version, None);
}

#[test]
fn details_are_read_of_the_newest_only() {
    let root = NixosRoot::new();
    let revision = "a".repeat(40);
    let store_path = root.build(&Toplevel { configuration_revision: Some(revision.clone()), ..Toplevel::default() });
    for number in 1..=5 {
        root.add_generation(number, &store_path, 0);
    }
    for newest in [0, 2, 5, 9] {
        let generations = SystemRoot::new(root.path())
            .generations(&ProfileName::System, GenerationDetails::OfNewest(newest))
            .unwrap();
        for generation in &generations {
            let expected = generation.number > 5 - u64::try_from(newest.min(5)).unwrap();
            assert_eq!(generation.revision.as_ref().is_some_and(|found| found.as_str() == revision), expected);
            assert_eq!(generation.nixos_version.is_some(), expected, "{newest}");
            assert_eq!(generation.kernel_version.is_some(), expected, "{newest}");
        }
    }
}

#[test]
fn another_profile_has_its_own_generations() {
    let root = NixosRoot::new();
    let store_path = root.build(&Toplevel::default());
    root.add_generation(1, &store_path, 0);
    root.link(format!("{PROFILES}/system-profiles/test-4-link"), &store_path);
    root.link(format!("{PROFILES}/system-profiles/test"), "test-4-link");
    root.link(format!("{PROFILES}/system-profiles/test-2-5-link"), &store_path);
    let of = |name: &str| {
        SystemRoot::new(root.path()).generations(&ProfileName::Named(name.to_owned()), GenerationDetails::LinksOnly)
    };
    let generations = of("test").unwrap();
    assert_eq!(numbers(&generations), [4]);
    assert!(generations[0].is_profile_default);
    assert_eq!(numbers(&of("test-2").unwrap()), [5]);
    assert_eq!(of("unheard-of").unwrap(), []);
    for wrong in ["", ".", "..", "../system", "a/b", "a\0b"] {
        assert!(matches!(of(wrong), Err(SystemError::InvalidProfileName { .. })), "{wrong:?}");
    }
    assert!(of(&"/".repeat(1_000_000)).unwrap_err().to_string().len() < 300);
}

#[test]
fn a_profile_directory_that_cannot_be_listed_says_so() {
    let root = NixosRoot::new();
    root.write(PROFILES, "a file");
    let system = SystemRoot::new(root.path()).observe();
    assert!(system.generations.error().unwrap().contains("profiles"), "{:?}", system.generations);
}

#[test]
fn thousands_of_generations_are_listed_at_once() {
    let root = NixosRoot::new();
    let store_path = root.build(&Toplevel::default());
    for number in 1..=3000 {
        root.link(format!("{PROFILES}/system-{number}-link"), &store_path);
    }
    let start = Instant::now();
    assert_eq!(links(&root).len(), 3000);
    // Some tens of milliseconds; the bound only catches what grows with the square.
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

fn not_utf8(prefix: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    PathBuf::from(std::ffi::OsString::from_vec([prefix.as_bytes(), b"\xff-link"].concat()))
}
