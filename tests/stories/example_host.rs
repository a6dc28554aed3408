//! The program that writes an example host, as the README tells people to call it.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::process::Command;

#[test]
fn an_option_is_no_directory() {
    let place = tempfile::tempdir().unwrap();
    for (arguments, code) in
        [(&["--help"][..], 0), (&["-h"], 0), (&["--what"], 2), (&[""], 2), (&[], 2), (&["one", "two"], 2)]
    {
        let ended = Command::new(env!("CARGO_BIN_EXE_example-host"))
            .args(arguments)
            .current_dir(place.path())
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {ended:?}");
        let said = if code == 0 { &ended.stdout } else { &ended.stderr };
        assert!(String::from_utf8_lossy(said).contains("usage: example-host DIRECTORY"), "{arguments:?}: {ended:?}");
    }
    assert_eq!(place.path().read_dir().unwrap().count(), 0, "nothing was made");
}
