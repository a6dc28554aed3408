//! The outcome of reading one source.

/// The outcome of reading one source: a source that cannot be read is a value, never a failure of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<T> {
    /// This source does not exist here by design, such as the running system where only a repository is looked at.
    NotObserved,
    /// Looked for, and there is none yet.
    Absent,
    /// What was read.
    Present(T),
    /// It is there and cannot be read: one sentence that says what failed, on what, and what to do. Free of secrets.
    Unreadable(String),
}

impl<T> Reading<T> {
    /// What was read.
    #[must_use]
    pub const fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::NotObserved | Self::Absent | Self::Unreadable(_) => None,
        }
    }

    /// The sentence that says why it cannot be read.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Unreadable(sentence) => Some(sentence),
            Self::NotObserved | Self::Absent | Self::Present(_) => None,
        }
    }
}

impl<T, E: std::fmt::Display> From<Result<Option<T>, E>> for Reading<T> {
    fn from(result: Result<Option<T>, E>) -> Self {
        match result {
            Ok(Some(value)) => Self::Present(value),
            Ok(None) => Self::Absent,
            Err(error) => Self::Unreadable(error.to_string()),
        }
    }
}
