//! Which signatures count: keys made by `ssh-keygen` and `gpg`, commits signed by git, and verdicts compared with those of
//! `git verify-commit`.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod signed_remote;

use nixfleet_core::config::SignaturesConfig;
use signed_remote::{ALICE, BOB, Fleet};
use world::signing::{GitOptions, SshKey};

/// A name; what makes the commit; what the sentence has, nothing where it is taken; whether git takes it.
type Case = (&'static str, fn(&Fleet) -> String, Option<&'static str>, bool);

/// Each is one commit after what is here.
fn check(cases: &[Case]) {
    for &(name, make, expected, git_accepts) in cases {
        let fleet = Fleet::pulled();
        let commit = make(&fleet);
        assert_eq!(fleet.git_accepts(&commit), git_accepts, "{name}");
        match expected {
            None => assert!(fleet.pull().unwrap() == 1, "{name}"),
            Some(words) => {
                let sentence = fleet.refused();
                assert!(sentence.contains(words), "{name}: {sentence}");
                assert!(!sentence.contains('\n') && sentence.len() < 600, "{name}: {sentence}");
            }
        }
    }
}

#[test]
fn ssh_keys() {
    check(&[
        ("a trusted ssh key", |fleet| fleet.alice("new"), None, true),
        (
            "a foreign ssh key",
            |fleet| fleet.commit(&fleet.mallory.git_options(), ALICE, "new"),
            Some("not trusted (ED25519 key SHA256:"),
            false,
        ),
        // Git takes a key for whomever it is allowed.
        (
            "the key of another one",
            |fleet| fleet.commit(&fleet.alice.git_options(), BOB, "new"),
            Some("a key of alice@example.org, and its committer is bob@example.org"),
            true,
        ),
        (
            "an ssh key that expired before the commit",
            |fleet| {
                let line = format!("{ALICE} valid-before=\"20240101\" {}\n", fleet.alice.public);
                std::fs::write(fleet.files.path().join("allowed"), line).unwrap();
                fleet.alice("new")
            },
            Some("key has expired"),
            false,
        ),
        (
            "an ssh key that is not valid yet",
            |fleet| {
                let line = format!("{ALICE} valid-after=\"20990101\" {}\n", fleet.alice.public);
                std::fs::write(fleet.files.path().join("allowed"), line).unwrap();
                fleet.alice("new")
            },
            Some("not yet valid"),
            false,
        ),
        (
            "an ssh key for files only",
            |fleet| {
                let line = format!("*@example.org namespaces=\"file\" {}\n", fleet.alice.public);
                std::fs::write(fleet.files.path().join("allowed"), line).unwrap();
                fleet.alice("new")
            },
            Some("not permitted for use in signature namespace"),
            false,
        ),
        (
            "an ssh key for a pattern of addresses",
            |fleet| {
                let line = format!("!bob@example.org,*@example.org namespaces=\"git\" {}\n", fleet.alice.public);
                std::fs::write(fleet.files.path().join("allowed"), line).unwrap();
                fleet.alice("new")
            },
            None,
            true,
        ),
        ("a certificate of a trusted authority", |fleet| fleet.commit(&certified(fleet), ALICE, "new"), None, true),
        (
            "the certificate of another one",
            |fleet| fleet.commit(&certified(fleet), BOB, "new"),
            Some("a key of alice@example.org, and its committer is bob@example.org"),
            true,
        ),
    ]);
}

/// Alice's new key, known only through a certificate for her by an authority that is trusted for everybody.
fn certified(fleet: &Fleet) -> GitOptions {
    let [authority, new] = ["authority", "new"].map(|name| SshKey::generate(fleet.files.path(), name));
    let line = format!("*@example.org cert-authority {}\n", authority.public);
    std::fs::write(fleet.files.path().join("allowed"), line).unwrap();
    new.git_options_certified(&authority, ALICE)
}

#[test]
fn openpgp_keys() {
    check(&[
        (
            "a trusted OpenPGP key",
            |fleet| fleet.commit(&fleet.openpgp.git_options(&fleet.carol), "carol@elsewhere.example", "new"),
            None,
            true,
        ),
        (
            "a foreign OpenPGP key",
            |fleet| {
                let mallory = fleet.openpgp.generate("Mallory <carol@example.org>");
                fleet.commit(&fleet.openpgp.git_options(&mallory), "carol@example.org", "new")
            },
            Some("not trusted (OpenPGP "),
            false,
        ),
        (
            "an OpenPGP key that has expired",
            |fleet| {
                let dave = fleet.openpgp.generate_expired("Dave <dave@example.org>");
                fleet.openpgp.export(&fleet.files.path().join("trusted.gpg"), &[&fleet.carol, &dave]);
                fleet.commit(&fleet.openpgp.git_options_in_the_past(&dave), "dave@example.org", "new")
            },
            Some("has expired ("),
            false,
        ),
        (
            "an OpenPGP key that was revoked",
            |fleet| {
                let commit = fleet.commit(&fleet.openpgp.git_options(&fleet.carol), "carol@example.org", "new");
                fleet.openpgp.revoke(&fleet.carol);
                fleet.openpgp.export(&fleet.files.path().join("trusted.gpg"), &[&fleet.carol]);
                commit
            },
            Some("was revoked ("),
            false,
        ),
        (
            "the forge's key on what is no merge",
            |fleet| fleet.commit(&fleet.openpgp.git_options(&fleet.forge), "forge@example.org", "new"),
            Some("counts for merges only"),
            true,
        ),
    ]);
}

#[test]
fn commits_that_are_not_what_was_signed() {
    check(&[
        ("no signature", |fleet| fleet.unsigned("new"), Some("is not signed"), false),
        (
            "another message than was signed",
            |fleet| {
                fleet.alice("new");
                fleet.tamper(|text| text.replace("\nnew", "\nold"))
            },
            Some("was changed after it was signed"),
            false,
        ),
        (
            "another tree than was signed, with OpenPGP",
            |fleet| {
                let tree = fleet.remote.git(&["rev-parse", "HEAD^{tree}"]);
                fleet.commit(&fleet.openpgp.git_options(&fleet.carol), ALICE, "new");
                let signed = fleet.remote.git(&["rev-parse", "HEAD^{tree}"]);
                fleet.tamper(|text| text.replace(&signed, &tree))
            },
            Some("was changed after it was signed"),
            false,
        ),
        (
            "a signature in the message",
            |fleet| {
                fleet.alice("new");
                fleet.tamper(|text| {
                    let (start, end) = (text.find("gpgsig ").unwrap(), text.find("\n\n").unwrap() + 1);
                    format!("{}{}{}", &text[..start], &text[end..], &text[start..end])
                })
            },
            Some("is not signed"),
            false,
        ),
        (
            "the signature of another one",
            |fleet| {
                fleet.alice("other");
                let signature =
                    |text: &str| text[text.find("gpgsig ").unwrap()..text.find("-----END").unwrap()].to_owned();
                let other = signature(&fleet.remote.git(&["cat-file", "commit", "HEAD"]));
                fleet.alice("new");
                fleet.tamper(|text| text.replace(&signature(&text), &other))
            },
            Some("was changed after it was signed"),
            false,
        ),
        (
            "a certificate",
            |fleet| {
                fleet.alice("new");
                fleet.tamper(|text| text.replace("SSH SIGNATURE", "SIGNED MESSAGE"))
            },
            Some("X.509"),
            false,
        ),
    ]);
}

#[test]
fn the_sentence_names_commit_and_author() {
    let fleet = Fleet::pulled();
    let commit = fleet.unsigned("new");
    let sentence = fleet.refused();
    let start =
        format!("the commit {} of A <a@example.org> (\"new\") is not signed; nothing was pulled: ", &commit[..7]);
    assert!(sentence.starts_with(&start), "{sentence}");
}

#[test]
fn a_signed_text_is_not_a_signature_of_the_commit() {
    let fleet = Fleet::pulled();
    fleet.commit(&fleet.openpgp.git_options(&fleet.carol), ALICE, "new");
    let file = fleet.files.path().join("letter");
    std::fs::write(&file, "a letter of Carol\n").unwrap();
    let letter = fleet.openpgp.gpg(&[
        "--armor",
        "--local-user",
        &fleet.carol,
        "--output",
        "-",
        "--sign",
        file.to_str().unwrap(),
    ]);
    let letter = letter.replace("PGP MESSAGE", "PGP SIGNATURE");
    let commit = fleet.tamper(|text| {
        let (start, end) = (text.find("gpgsig ").unwrap(), text.find("\n\n").unwrap() + 1);
        let header = format!(" {}\n", letter.trim_end().replace('\n', "\n "));
        format!("{}gpgsig{header}{}", &text[..start], &text[end..])
    });
    assert!(!fleet.git_accepts(&commit));
    let sentence = fleet.refused();
    assert!(sentence.contains("cannot be read"), "{sentence}");
}

#[test]
fn keys_and_programs_that_cannot_be_used_say_so() {
    let mut fleet = Fleet::pulled();
    fleet.alice("new");
    let file = fleet.files.path().join("other");
    let config = fleet.config.clone();
    let of_ssh = SignaturesConfig { allowed_signers_file: Some(file.clone()), ..config.clone() };
    let of_openpgp = SignaturesConfig { openpgp_keyring_file: Some(file.clone()), ..config.clone() };
    let of_forge = SignaturesConfig { forge_keyring_file: Some(file.clone()), ..config.clone() };
    for content in [None, Some(""), Some("# nobody\n"), Some("no key at all\n")] {
        match content {
            None => {}
            Some(content) => std::fs::write(&file, content).unwrap(),
        }
        for (config, option) in [
            (&of_ssh, "allowed_signers_file"),
            (&of_openpgp, "openpgp_keyring_file"),
            (&of_forge, "forge_keyring_file"),
        ] {
            fleet.config = config.clone();
            let sentence = fleet.refused();
            let is_said = sentence.contains(option) && sentence.contains(file.to_str().unwrap());
            // ssh-keygen passes over lines that it does not understand: nobody is allowed then.
            let nobody = content == Some("no key at all\n") && sentence.contains("not trusted");
            assert!(is_said || nobody, "{option} {content:?}: {sentence}");
        }
    }
    // A key of another kind than those that are trusted.
    fleet.config = SignaturesConfig { allowed_signers_file: None, ..config };
    let sentence = fleet.refused();
    assert!(sentence.contains("is signed with ssh, and no such keys are trusted here"), "{sentence}");
}
