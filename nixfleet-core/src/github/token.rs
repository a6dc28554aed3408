//! The token for GitHub's API.

use std::fmt;
use std::path::Path;

use super::GithubError;
use crate::git::remote::read_token;

/// A secret: shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// From a file with the token on one line, read now.
    pub fn read(path: &Path) -> Result<Self, GithubError> {
        let unfit = |detail: String| GithubError::TokenFile { path: path.to_owned(), detail };
        let token = read_token(path).map_err(|error| match error {
            crate::git::RemoteError::Credentials { detail, .. } => unfit(detail),
            other => unfit(other.to_string()),
        })?;
        Self::new(&token).ok_or_else(|| unfit("it holds characters that no token has".to_owned()))
    }

    /// `None` where it cannot be a token: empty, or with characters that no HTTP header takes.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// The token itself, for a header or a child's environment and nothing else.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_word_and_shown_nowhere() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        for (content, expected) in [
            (&b"ghp_secret\n"[..], Ok("ghp_secret")),
            (b"", Err("it is empty")),
            (b" \n", Err("it is empty")),
            (b"ghp_a\nghp_b\n", Err("more than one line")),
            (b"ghp a", Err("characters that no token has")),
            (b"ghp_\xc3\xa4", Err("characters that no token has")),
        ] {
            std::fs::write(&path, content).unwrap();
            match (Token::read(&path), expected) {
                (Ok(token), Ok(secret)) => assert_eq!(token.secret(), secret),
                (Err(error), Err(sentence)) => {
                    let error = error.to_string();
                    assert!(error.contains(sentence) && !error.contains("ghp_"), "{error}");
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(Token::read(&directory.path().join("absent")).unwrap_err().to_string().contains("No such file"));
        assert_eq!(format!("{:?}", Token::new("ghp_secret")), "Some(Token(***))");
    }
}
