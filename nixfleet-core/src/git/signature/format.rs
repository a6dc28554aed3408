//! Which kind of signature it is, by its first line.

/// The formats that Git knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Ssh,
    OpenPgp,
    X509,
    Unknown,
}

impl Format {
    /// `PGP MESSAGE`, which Git would take too, may hold another text than the commit's; no program signs commits so.
    pub(super) fn of(signature: &[u8]) -> Self {
        match signature.split(|byte| *byte == b'\n').next().unwrap_or_default() {
            b"-----BEGIN SSH SIGNATURE-----" => Self::Ssh,
            b"-----BEGIN PGP SIGNATURE-----" => Self::OpenPgp,
            b"-----BEGIN SIGNED MESSAGE-----" => Self::X509,
            _ => Self::Unknown,
        }
    }
}
