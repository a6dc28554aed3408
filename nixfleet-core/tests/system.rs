//! The running system, as it is read from a root directory.

use std::path::{Path, PathBuf};

use nixfleet_core::observation::{Reading, SystemObservation};
use nixfleet_core::system::SystemRoot;
use world::nixos_root::{NixosRoot, Toplevel};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn observe(root: &NixosRoot) -> SystemObservation {
    SystemRoot::new(root.path()).observe()
}

#[test]
fn a_booted_host() {
    let root = NixosRoot::new();
    let store_path = root.build(&Toplevel { configuration_revision: Some(COMMIT.to_owned()), ..Toplevel::default() });
    root.boot(&store_path);
    root.add_generation(1, &store_path, 1_742_000_000);

    let system = observe(&root);
    let running = system.running.present().unwrap();
    assert_eq!(running.store_path, store_path);
    assert_eq!(running.revision.as_ref().unwrap().as_str(), COMMIT);
    assert_eq!(running.nixos_version.as_deref(), Some("25.05.20250315.e2587ca"));
    assert_eq!(running.kernel_version.as_deref(), Some("6.12.19"));
    assert_eq!(system.booted_store_path, Reading::Present(store_path.clone()));
    assert_eq!(system.reboot_required, Some(false));
    let generation = system.generation_of(&store_path).unwrap();
    assert_eq!((generation.number, generation.is_profile_default), (1, true));
    assert_eq!(generation.created_at.as_second(), 1_742_000_000);
    assert_eq!(generation.nixos_version, None, "the light form reads links only");
}

#[test]
fn no_nixos_here() {
    let system = observe(&NixosRoot::new());
    assert_eq!(system.running, Reading::Absent);
    assert_eq!(system.booted_store_path, Reading::Absent);
    assert_eq!(system.reboot_required, None);
    assert_eq!(system.generations, Reading::Absent);

    let nowhere = SystemRoot::new("/nonexistent/root").observe();
    assert_eq!(nowhere.running, Reading::Absent);
}

/// What is made in place of `/run/current-system`, and what the sentence must say.
#[test]
fn a_running_system_that_cannot_be_read_says_why() {
    type Make = fn(&NixosRoot);
    let table: [(&str, Make, &str); 9] = [
        ("dangling", |root| root.run("/nix/store/gone"), "\"/nix/store/gone\", which does not exist"),
        ("loop", |root| root.run("/run/current-system"), "more than 40 symbolic links"),
        (
            "long loop",
            |root| {
                root.run("/run/b");
                root.link("/run/b", "current-system");
            },
            "more than 40",
        ),
        ("directory", |root| root.directory("/run/current-system"), "not a symbolic link"),
        ("file", |root| root.write("/run/current-system", "x"), "not a symbolic link"),
        (
            "to a file",
            |root| {
                root.write("/nix/store/x", "x");
                root.run("/nix/store/x");
            },
            "not a directory",
        ),
        ("not UTF-8", |root| root.run(not_utf8()), "not UTF-8"),
        (
            "name too long",
            |root| {
                root.directory("/nix/store");
                root.run(format!("/nix/store/{}", "x".repeat(300)));
            },
            "cannot read",
        ),
        ("run is a file", |root| root.write("/run", "x"), "cannot read"),
    ];
    for (name, make, expected) in table {
        let root = NixosRoot::new();
        make(&root);
        let system = observe(&root);
        let sentence = system.running.error().unwrap_or_else(|| panic!("{name}: {:?}", system.running));
        assert!(sentence.contains(expected), "{name}: {sentence}");
        assert!(!sentence.contains('\n'), "{name}: {sentence}");
        assert_eq!(system.reboot_required, None, "{name}");
    }
}

#[test]
fn a_link_cannot_put_control_characters_into_a_message() {
    let root = NixosRoot::new();
    root.run("/nix/store/\u{1b}[2J\n");
    let system = observe(&root);
    let sentence = system.running.error().unwrap();
    assert!(!sentence.contains(char::is_control), "{sentence:?}");
}

#[test]
fn links_stay_below_the_root() {
    let outside = NixosRoot::new();
    outside.directory("/toplevel");
    let root = NixosRoot::new();
    let inside = root.build(&Toplevel::default());
    let ascent = "../".repeat(40);
    let table: [(PathBuf, Option<&Path>); 5] = [
        (outside.on_host("/toplevel"), None),
        (Path::new(&ascent).join(outside.on_host("/toplevel").strip_prefix("/").unwrap()), None),
        (Path::new(&ascent).join(inside.strip_prefix("/").unwrap()), Some(&inside)),
        (Path::new("/run/./../nix/store/../store/").join(inside.file_name().unwrap()), Some(&inside)),
        (PathBuf::from("/store-link/aaaa-nixos-system-host-25.05.20250315.e2587ca"), Some(&inside)),
    ];
    root.link("/store-link", "/nix/store");
    for (target, expected) in table {
        root.run(&target);
        let system = observe(&root);
        let found = system.running.present().map(|running| running.store_path.as_path());
        assert_eq!(found, expected, "{}", target.display());
    }
}

#[test]
fn details_that_cannot_be_read_are_absent() {
    type Spoil = fn(&NixosRoot, PathBuf);
    let table: [(&str, Spoil); 9] = [
        ("missing", |root, file| root.remove(file)),
        ("directory", |root, file| {
            root.remove(&file);
            root.directory(file);
        }),
        ("FIFO", |root, file| {
            root.remove(&file);
            let mode = rustix::fs::Mode::RUSR;
            rustix::fs::mknodat(rustix::fs::CWD, root.on_host(file), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }),
        ("1 GB", |root, file| {
            root.remove(&file);
            std::fs::File::create(root.on_host(file)).unwrap().set_len(1 << 30).unwrap();
        }),
        ("not UTF-8", |root, file| root.write(file, [0xff, 0xfe])),
        ("too large", |root, file| root.write(file, "x".repeat(100_000))),
        ("empty", |root, file| root.write(file, "")),
        ("control characters", |root, file| root.write(file, "25.05\u{1b}[2J")),
        ("loop", |root, file| {
            root.remove(&file);
            root.link(&file, &file);
        }),
    ];
    for (name, spoil) in table {
        let root = NixosRoot::new();
        let store_path =
            root.build(&Toplevel { configuration_revision: Some(COMMIT.to_owned()), ..Toplevel::default() });
        root.boot(&store_path);
        spoil(&root, store_path.join("nixos-version"));
        let system = observe(&root);
        let running = system.running.present().unwrap();
        assert_eq!(running.nixos_version, None, "{name}");
        assert!(running.revision.is_some(), "{name}");

        spoil(&root, PathBuf::from("/nix/store/aaaa-nixos-version/bin/nixos-version"));
        let system = observe(&root);
        assert_eq!(system.running.present().unwrap().revision, None, "{name}");
    }
}

#[test]
fn a_dirty_or_missing_configuration_revision_is_absent() {
    for revision in [None, Some(format!("{COMMIT}-dirty")), Some("main".to_owned())] {
        let root = NixosRoot::new();
        root.boot(root.build(&Toplevel { configuration_revision: revision.clone(), ..Toplevel::default() }));
        let system = observe(&root);
        assert_eq!(system.running.present().unwrap().revision, None, "{revision:?}");
    }
}

#[test]
fn kernel_version_comes_from_the_modules_or_the_kernel() {
    type Change = fn(&NixosRoot, &Path);
    let table: [(&str, Change, Option<&str>); 6] = [
        ("as built", |_, _| {}, Some("6.12.19")),
        ("no modules", |root, toplevel| root.remove(toplevel.join("kernel-modules")), Some("6.12.19")),
        (
            "two modules directories: the kernel's name decides",
            |root, _| root.directory("/nix/store/mmmm-linux-6.12.19-modules/lib/modules/9.9.9"),
            Some("6.12.19"),
        ),
        (
            "two modules directories and no kernel",
            |root, toplevel| {
                root.directory("/nix/store/mmmm-linux-6.12.19-modules/lib/modules/9.9.9");
                root.remove(toplevel.join("kernel"));
            },
            None,
        ),
        (
            "the modules win over the kernel's name",
            |root, toplevel| root.link(toplevel.join("kernel"), "/nix/store/kkkk-linux-1.2.3/bzImage"),
            Some("6.12.19"),
        ),
        (
            "neither",
            |root, toplevel| {
                root.remove(toplevel.join("kernel"));
                root.remove(toplevel.join("kernel-modules"));
            },
            None,
        ),
    ];
    for (name, change, expected) in table {
        let root = NixosRoot::new();
        let store_path = root.build(&Toplevel::default());
        root.boot(&store_path);
        change(&root, &store_path);
        let system = observe(&root);
        assert_eq!(system.running.present().unwrap().kernel_version.as_deref(), expected, "{name}");
    }
}

#[test]
fn a_refused_directory_says_so() {
    use std::os::unix::fs::PermissionsExt as _;

    let root = NixosRoot::new();
    root.boot(root.build(&Toplevel::default()));
    root.directory("/nix/var/nix/profiles");
    std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o000)).unwrap();
    let directory = root.path().to_owned();
    // Permission bits do not bind root: look as nobody, in a thread of its own since a user id belongs to a thread.
    let system = std::thread::spawn(move || {
        if rustix::process::geteuid().is_root() {
            rustix::thread::set_thread_uid(rustix::fs::Uid::from_raw(65534)).unwrap();
        }
        SystemRoot::new(directory).observe()
    })
    .join()
    .unwrap();
    std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o700)).unwrap();

    let errors = [system.running.error(), system.booted_store_path.error(), system.generations.error()];
    for sentence in errors {
        assert!(sentence.unwrap().contains("Permission denied"), "{sentence:?}");
    }
    assert_eq!(system.reboot_required, None);
}

fn not_utf8() -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    PathBuf::from(std::ffi::OsString::from_vec(b"/nix/store/\xff".to_vec()))
}
