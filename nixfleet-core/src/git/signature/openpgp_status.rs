//! What gpg says of a signature on its status output. Pure.
//!
//! Source of the words: doc/DETAILS of GnuPG, "General status codes".

use super::problem::SignatureProblem;
use crate::one_line::one_line;

const PREFIX: &str = "[GNUPG:] ";

/// What gpg found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// One good signature of a key that it has and that is valid.
    Good,
    /// A signature of a key that it has not.
    UnknownKey {
        /// Its fingerprint or id.
        key: String,
    },
    /// Anything else.
    Bad(SignatureProblem),
}

/// Understands the status output of `gpg --verify` of one detached signature.
pub(super) fn understand(status: &str) -> Found {
    let lines: Vec<(&str, &str)> = status
        .lines()
        .filter_map(|line| line.strip_prefix(PREFIX))
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .collect();
    let find = |keyword: &str| lines.iter().find(|(name, _)| *name == keyword).map(|(_, rest)| *rest);
    let count = |keyword: &str| lines.iter().filter(|(name, _)| *name == keyword).count();
    // The id and the owner's name, of `GOODSIG` and its like.
    let key = |rest: &str| one_line(rest, 120);

    if find("PLAINTEXT").is_some() {
        return Found::Bad(SignatureProblem::malformed("it brings a text of its own"));
    }
    if count("NEWSIG") > 1 {
        return Found::Bad(SignatureProblem::malformed("there are several"));
    }
    if find("BADSIG").is_some() {
        return Found::Bad(SignatureProblem::Changed);
    }
    if let Some(rest) = find("REVKEYSIG") {
        return Found::Bad(SignatureProblem::RevokedKey { key: key(rest) });
    }
    if let Some(rest) = find("EXPKEYSIG") {
        return Found::Bad(SignatureProblem::ExpiredKey { key: key(rest) });
    }
    if find("EXPSIG").is_some() {
        return Found::Bad(SignatureProblem::ExpiredSignature);
    }
    if let Some(rest) = find("ERRSIG") {
        let fields: Vec<&str> = rest.split(' ').collect();
        // KEYID PUBKEY-ALGORITHM HASH-ALGORITHM CLASS TIME RC FINGERPRINT; RC 9: the key is missing.
        if fields.get(5) == Some(&"9") {
            let key = fields.get(6).filter(|fingerprint| fingerprint.len() > 8).or(fields.first());
            return Found::UnknownKey { key: one_line(key.copied().unwrap_or("OpenPGP"), 120) };
        }
        return Found::Bad(SignatureProblem::malformed("gpg cannot check it"));
    }
    if count("GOODSIG") == 1 && count("VALIDSIG") == 1 && is_of_a_document(find("VALIDSIG").unwrap_or_default()) {
        return Found::Good;
    }
    Found::Bad(SignatureProblem::malformed(""))
}

/// FINGERPRINT DATE TIME EXPIRES VERSION RESERVED ALGORITHM HASH CLASS PRIMARY-KEY; class 00 or 01: of data, not of a key.
fn is_of_a_document(valid: &str) -> bool {
    matches!(valid.split(' ').nth(8), Some("00" | "01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[GNUPG:] NEWSIG alice@example.org\n\
        [GNUPG:] KEY_CONSIDERED 25A0 0\n\
        [GNUPG:] SIG_ID x 2025-01-01 1\n\
        [GNUPG:] GOODSIG 0123456789ABCDEF Alice <alice@example.org>\n\
        [GNUPG:] VALIDSIG 25A0 2025-01-01 1735689600 0 4 0 22 8 00 25A0\n\
        [GNUPG:] TRUST_UNDEFINED 0 tofu\n";

    #[test]
    fn one_good_signature_is_good() {
        assert_eq!(understand(GOOD), Found::Good);
    }

    #[test]
    fn all_else_is_not() {
        let with = |line: &str| format!("{GOOD}[GNUPG:] {line}\n");
        let of_a_key = GOOD.replace(" 8 00 ", " 8 13 ");
        let said_by_a_name = GOOD.replace("[GNUPG:] GOODSIG 0123456789ABCDEF Alice", "gpg: [GNUPG:] GOODSIG");
        for (status, words) in [
            (String::new(), "cannot be read"),
            ("[GNUPG:] NODATA 4\n".to_owned(), "cannot be read"),
            (said_by_a_name, "cannot be read"),
            (of_a_key, "cannot be read"),
            (with("NEWSIG"), "there are several"),
            (with("GOODSIG 1 B"), "cannot be read"),
            (with("PLAINTEXT 62 1 x"), "a text of its own"),
            (with("BADSIG 1 A"), "changed after it was signed"),
            (with("REVKEYSIG 1 Alice"), "was revoked (1 Alice)"),
            (with("EXPKEYSIG 1 Alice"), "has expired (1 Alice)"),
            (with("EXPSIG 1 Alice"), "signature that has expired"),
            (with("ERRSIG 1 22 8 00 1 4 -"), "cannot check it"),
        ] {
            let Found::Bad(problem) = understand(&status) else { panic!("{status}: {:?}", understand(&status)) };
            assert!(problem.to_string().contains(words), "{status}: {problem}");
        }
        let unknown =
            understand("[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG 0123 22 8 00 1 9 25A025A025A0\n[GNUPG:] NO_PUBKEY 0123\n");
        assert_eq!(unknown, Found::UnknownKey { key: "25A025A025A0".to_owned() });
    }

    proptest::proptest! {
        #[test]
        fn any_output_is_understood(status in "(\\[GNUPG:\\] (GOODSIG|VALIDSIG|ERRSIG|NEWSIG)( [0-9a-f]{0,3}){0,9}\n){0,6}") {
            let good = understand(&status) == Found::Good;
            proptest::prop_assert!(!good || status.matches("GOODSIG").count() == 1);
        }
    }
}
