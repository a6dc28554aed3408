//! Who we are to the remote, and whom we trust. Secrets are in files, never in the configuration.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::RemoteError;

/// The user name that goes with a token where none is configured; GitHub's own, and others take any.
const TOKEN_USERNAME: &str = "x-access-token";

/// No token is longer; a file that is longer is another file.
const TOKEN_BYTES_MAXIMUM: u64 = 64 * 1024;

/// Paths of credentials. Whatever is absent falls back to what the protocol has: no token, the user's own ssh keys
/// and known hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// A file with a token or password for https, on one line.
    pub token_file: Option<PathBuf>,
    /// The user name that goes with the token; `x-access-token` where absent.
    pub username: Option<String>,
    /// A private key for ssh. Only this one is offered then, and no agent is asked.
    pub ssh_key_file: Option<PathBuf>,
    /// The known host keys for ssh. Only these count then.
    pub known_hosts_file: Option<PathBuf>,
}

impl Credentials {
    /// The user name and the token, read now. A credential of the unit is the copy that systemd made when the unit started: the
    /// agent sees a renewed one after its next start, the pull at once.
    pub(super) fn username_and_token(&self) -> Result<Option<(String, String)>, RemoteError> {
        let Some(path) = &self.token_file else { return Ok(None) };
        let token = read_token(path)?;
        let username = self.username.clone().unwrap_or_else(|| TOKEN_USERNAME.to_owned());
        Ok(Some((username, token)))
    }

    /// That the files for ssh can be read, because ssh itself says so only in passing.
    pub(super) fn check_ssh_files(&self) -> Result<(), RemoteError> {
        for path in [&self.ssh_key_file, &self.known_hosts_file].into_iter().flatten() {
            let unfit = |detail: String| RemoteError::Credentials { path: path.clone(), detail };
            let metadata = std::fs::metadata(path).map_err(|error| unfit(error.to_string()))?;
            if !metadata.is_file() && path != Path::new("/dev/null") {
                return Err(unfit("it is not a file".to_owned()));
            }
            File::open(path).map_err(|error| unfit(error.to_string()))?;
            if path
                .to_str()
                .is_none_or(|text| text.contains(|character: char| character.is_control() || character == '"'))
            {
                return Err(unfit("its path holds characters that ssh cannot take".to_owned()));
            }
        }
        Ok(())
    }
}

pub(crate) fn read_token(path: &Path) -> Result<String, RemoteError> {
    let unfit = |detail: &str| RemoteError::Credentials { path: path.to_owned(), detail: detail.to_owned() };
    let metadata = std::fs::metadata(path).map_err(|error| unfit(&error.to_string()))?;
    if !metadata.is_file() {
        return Err(unfit("it is not a file"));
    }
    let mut token = String::new();
    File::open(path)
        .and_then(|file| file.take(TOKEN_BYTES_MAXIMUM).read_to_string(&mut token))
        .map_err(|error| unfit(&error.to_string()))?;
    let token = token.trim();
    if token.is_empty() {
        return Err(unfit("it is empty"));
    }
    if token.contains(char::is_control) {
        return Err(unfit("it has more than one line"));
    }
    Ok(token.to_owned())
}
