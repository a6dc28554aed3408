//! Whether a reboot is required.

use nixfleet_core::system::SystemRoot;
use world::nixos_root::{NixosRoot, Toplevel};

fn reboot_required(root: &NixosRoot) -> Option<bool> {
    SystemRoot::new(root.path()).observe().reboot_required
}

#[test]
fn parts_and_triggers_decide() {
    let base = Toplevel::default;
    let container = || Toplevel { kernel_version: None, initrd_hash: None, ..base() };
    let triggers = |text| Toplevel { reboot_triggers: Some(text), ..base() };
    let table = [
        ("same parts", base(), base(), false),
        ("other kernel", base(), Toplevel { kernel_version: Some("6.12.20"), ..base() }, true),
        ("other initrd", base(), Toplevel { initrd_hash: Some("jjjj"), ..base() }, true),
        ("containers", container(), container(), false),
        ("kernel gone", base(), container(), true),
        ("kernel new", container(), base(), true),
        ("initrd gone", base(), Toplevel { initrd_hash: None, ..base() }, true),
        ("same triggers", triggers(r#"{"a":"1"}"#), triggers(r#"{"a":"1"}"#), false),
        ("other trigger", triggers(r#"{"a":"1"}"#), triggers(r#"{"a":"2"}"#), true),
        ("trigger only booted", triggers(r#"{"a":"1"}"#), triggers("{}"), false),
        ("trigger only running", triggers("{}"), triggers(r#"{"a":"1"}"#), false),
        ("triggers new", base(), triggers(r#"{"a":"1"}"#), false),
        ("triggers gone", triggers(r#"{"a":"1"}"#), base(), false),
        ("broken triggers", triggers(r#"{"a":"1"}"#), triggers(r#"{"a":"#), false),
        ("triggers no object", triggers(r#"{"a":"1"}"#), triggers("[1]"), false),
    ];
    for (name, booted, running, expected) in table {
        let root = NixosRoot::new();
        root.boot(root.build(&booted));
        root.run(root.build(&Toplevel { hash: "bbbb", ..running }));
        assert_eq!(reboot_required(&root), Some(expected), "{name}");
    }
}

#[test]
fn kernel_modules_alone_decide() {
    let root = NixosRoot::new();
    root.boot(root.build(&Toplevel::default()));
    let running = root.build(&Toplevel { hash: "bbbb", ..Toplevel::default() });
    root.link(running.join("kernel-modules"), "/nix/store/nnnn-linux-6.12.19-modules");
    root.run(running);
    assert_eq!(reboot_required(&root), Some(true));
}

#[test]
fn unknown_where_a_part_or_a_system_is_unknown() {
    let root = NixosRoot::new();
    let booted = root.build(&Toplevel::default());
    let running = root.build(&Toplevel { hash: "bbbb", ..Toplevel::default() });
    root.boot(&booted);
    root.run(&running);
    root.link(running.join("kernel"), "kernel");
    assert_eq!(reboot_required(&root), None, "a loop");

    root.link(running.join("initrd"), "/nix/store/jjjj-initrd-linux/initrd");
    assert_eq!(reboot_required(&root), Some(true), "another part decides");

    root.remove("/run/booted-system");
    assert_eq!(reboot_required(&root), None, "no booted system");
}

#[test]
fn parts_that_are_gone_from_the_store_are_compared_by_their_path() {
    let root = NixosRoot::new();
    root.boot(root.build(&Toplevel::default()));
    root.run(root.build(&Toplevel { hash: "bbbb", ..Toplevel::default() }));
    root.remove("/nix/store/kkkk-linux-6.12.19");
    assert_eq!(reboot_required(&root), Some(false));
}
