//! The text of a commit, taken apart: what was signed, and the signature.
//!
//! libgit2's own function looks for the signature in the message too, and stops at a NUL; Git does neither.
//!
//! Source of the format: gitformat-signature(5); Git strips each header `gpgsig` and `gpgsig-sha256` before it verifies.

/// The header with the signature of a commit whose id is a SHA-1.
const SIGNATURE: &[u8] = b"gpgsig";

/// The header with that of the same commit in a repository with SHA-256; never part of what is signed.
const OTHER_SIGNATURE: &[u8] = b"gpgsig-sha256";

/// A commit without its signature, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedCommit {
    /// What was signed.
    pub(super) payload: Vec<u8>,
    /// The armoured signature.
    pub(super) signature: Vec<u8>,
}

/// Why there is no signature to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSignature {
    /// It has none.
    Unsigned,
    /// Its header cannot be understood without doubt.
    Malformed,
}

/// Takes the content of a commit object apart.
pub(super) fn take_apart(object: &[u8]) -> Result<SignedCommit, NoSignature> {
    let end = object.windows(2).position(|two| two == b"\n\n").ok_or(NoSignature::Malformed)?;
    let (header, rest) = object.split_at(end + 1);
    if header.contains(&0) {
        return Err(NoSignature::Malformed);
    }
    let mut payload = Vec::with_capacity(object.len());
    let mut signature: Option<Vec<u8>> = None;
    // What a continuation line, which begins with a space, belongs to.
    let mut current = Field::Other;
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        let (name, value) = if let Some(continued) = line.strip_prefix(b" ") {
            (None, continued)
        } else {
            let space = line.iter().position(|byte| *byte == b' ').ok_or(NoSignature::Malformed)?;
            (Some(&line[..space]), &line[space + 1..])
        };
        match name {
            Some(SIGNATURE) if signature.is_some() => return Err(NoSignature::Malformed),
            Some(SIGNATURE) => current = Field::Signature,
            Some(OTHER_SIGNATURE) => current = Field::OtherSignature,
            Some(_) => current = Field::Other,
            None => {}
        }
        match current {
            Field::Signature => signature.get_or_insert_default().extend_from_slice(value),
            Field::OtherSignature => {}
            Field::Other => payload.extend_from_slice(line),
        }
    }
    payload.extend_from_slice(rest);
    let signature = signature.ok_or(NoSignature::Unsigned)?;
    Ok(SignedCommit { payload, signature })
}

#[derive(Clone, Copy)]
enum Field {
    Signature,
    OtherSignature,
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "tree 1\nparent 2\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n";

    #[test]
    fn takes_apart_as_git_does() {
        let signed =
            |payload: &str, signature: &str| Ok(SignedCommit { payload: payload.into(), signature: signature.into() });
        let plain = format!("{HEADER}\nsubject\n");
        for (object, expected) in [
            (plain.clone(), Err(NoSignature::Unsigned)),
            (format!("{HEADER}gpgsig BEGIN\n a\n \n END\n\nsubject\n"), signed(&plain, "BEGIN\na\n\nEND\n")),
            (
                format!("{HEADER}gpgsig S\nencoding x\n y\n\nsubject\n"),
                signed(&format!("{HEADER}encoding x\n y\n\nsubject\n"), "S\n"),
            ),
            (format!("{HEADER}gpgsig-sha256 T\n more\ngpgsig S\n\nsubject\n"), signed(&plain, "S\n")),
            (format!("{HEADER}gpgsig-sha256 T\n\nsubject\n"), Err(NoSignature::Unsigned)),
            (format!("{HEADER}gpgsignature S\n\nsubject\n"), Err(NoSignature::Unsigned)),
            // Signatures in the message are words like others.
            (format!("{HEADER}\nsubject\n\ngpgsig S\n"), Err(NoSignature::Unsigned)),
            (
                format!("{HEADER}gpgsig S\n\nsubject\0 and more\n"),
                signed(&format!("{HEADER}\nsubject\0 and more\n"), "S\n"),
            ),
            (format!("{HEADER}gpgsig S\ngpgsig T\n\nsubject\n"), Err(NoSignature::Malformed)),
            ("tree 1\0\ngpgsig S\n\nsubject\n".to_owned(), Err(NoSignature::Malformed)),
            (format!("{HEADER}word\n\nsubject\n"), Err(NoSignature::Malformed)),
            (HEADER.to_owned(), Err(NoSignature::Malformed)),
            (String::new(), Err(NoSignature::Malformed)),
        ] {
            assert_eq!(take_apart(object.as_bytes()), expected, "{object:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_is_taken_apart_without_harm(object in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            if let Ok(signed) = take_apart(&object) {
                proptest::prop_assert!(signed.payload.len() < object.len());
            }
        }
    }
}
