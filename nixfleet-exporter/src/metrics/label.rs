//! Label values: what a host says of itself, within bounds.

use std::borrow::Cow;
use std::fmt::Display;

/// A label's value, at most [`Label::MAX_CHARACTERS`] long. Quotes, backslashes and line ends are escaped when it is
/// written, other characters stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label<'v>(Cow<'v, str>);

impl<'v> Label<'v> {
    /// Longer values are cut and end in `…`. A store path has at most 222 characters.
    pub(super) const MAX_CHARACTERS: usize = 256;

    /// The value's form as text; empty where there is none.
    pub(super) fn of(value: Option<impl Display>) -> Self {
        value.map_or(Self(Cow::Borrowed("")), |value| Self::bounded(Cow::Owned(value.to_string())))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn bounded(text: Cow<'v, str>) -> Self {
        if text.char_indices().nth(Self::MAX_CHARACTERS).is_none() {
            return Self(text);
        }
        let kept = text.chars().take(Self::MAX_CHARACTERS - 1);
        Self(Cow::Owned(kept.chain(['…']).collect()))
    }
}

impl<'v> From<&'v str> for Label<'v> {
    fn from(text: &'v str) -> Self {
        Self::bounded(Cow::Borrowed(text))
    }
}

impl From<String> for Label<'_> {
    fn from(text: String) -> Self {
        Self::bounded(Cow::Owned(text))
    }
}

/// A web address without what may be secret: user and password, query and fragment. Empty for anything else.
pub(super) fn public_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")) else {
        // No address that a person could follow in a browser: what it holds is anybody's guess.
        return String::new();
    };
    let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    // The last @ ends the user's part: a password may hold one.
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let public = format!("{scheme}://{host}{path}");
    let end = public.find(['?', '#']).unwrap_or(public.len());
    public.split_at(end).0.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_what_may_be_secret() {
        for (url, public) in [
            ("https://example.org/a/pull/7", "https://example.org/a/pull/7"),
            ("https://user:secret@example.org/a/pull/7", "https://example.org/a/pull/7"),
            ("https://token@example.org:8443/a", "https://example.org:8443/a"),
            ("https://u:p@ss@example.org/a@b", "https://example.org/a@b"),
            ("https://example.org/a?access_token=secret#x", "https://example.org/a"),
            ("https://example.org?secret", "https://example.org"),
            ("https://example.org/#u:secret@example.net/", "https://example.org/"),
            ("https://u:se?cret@example.org/", "https://example.org/"),
            ("https://u:se#cret@example.org/?q", "https://example.org/"),
            ("secret@example.org:a.git", ""),
            ("javascript://example.org/%0aalert(1)", ""),
            ("ssh://git@example.org/a.git", ""),
            ("", ""),
        ] {
            assert_eq!(public_url(url), public, "{url}");
        }
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let label = Label::from("é".repeat(1000));
        assert_eq!(label.as_str().chars().count(), Label::MAX_CHARACTERS);
        assert!(label.as_str().ends_with("é…"));
        let fits = "é".repeat(Label::MAX_CHARACTERS);
        assert_eq!(Label::from(fits.as_str()).as_str(), fits);
    }
}
