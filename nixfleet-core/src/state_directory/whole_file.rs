//! Files that are read and replaced as a whole: one JSON object with the member `version`.

use std::io::Read as _;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::atomic_file::{self, Durability};
use super::text_bound::cut;
use super::{StateError, regular_file};

/// The version of every format here.
pub(super) const FORMAT_VERSION: u64 = 1;

/// Larger than any such file: a flake.lock with thousands of inputs stays below.
const MAXIMUM_BYTES: u64 = 16 * 1024 * 1024;

/// One such file.
#[derive(Debug)]
pub(super) struct WholeFile {
    pub(super) path: PathBuf,
    /// Who writes it anew, and when.
    pub(super) remedy: &'static str,
    pub(super) durability: Durability,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    version: u64,
    #[serde(flatten)]
    content: &'a T,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u64,
}

impl WholeFile {
    /// Its content; `None` where there is no such file.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, StateError> {
        let Some(file) = regular_file::open_to_read(&self.path, self.remedy)? else { return Ok(None) };
        let mut bytes = Vec::new();
        // One byte more tells that there are more, even where the file grows meanwhile.
        let read = (&file).take(MAXIMUM_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|source| StateError::reading(&self.path, source))?;
        if bytes.len() as u64 > MAXIMUM_BYTES {
            let bytes = file.metadata().map_or(MAXIMUM_BYTES + 1, |metadata| metadata.len());
            let (path, remedy) = (self.path.clone(), self.remedy);
            return Err(StateError::TooLarge { path, bytes, maximum_bytes: MAXIMUM_BYTES, remedy });
        }
        self.parse(&bytes).map(Some)
    }

    fn parse<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, StateError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(self.corrupt("is empty".to_owned()));
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| self.corrupt(format!("is not UTF-8 text (byte {})", error.valid_up_to())))?;
        let VersionOnly { version } = serde_json::from_str(text).map_err(|error| self.not_json(&error))?;
        if version != FORMAT_VERSION {
            let path = self.path.clone();
            return Err(StateError::OtherVersion { path, found: version, understood: FORMAT_VERSION });
        }
        serde_json::from_str(text).map_err(|error| self.not_json(&error))
    }

    /// Puts this content in its place.
    pub(super) fn write<T: Serialize>(&self, content: &T) -> Result<(), StateError> {
        let envelope = Envelope { version: FORMAT_VERSION, content };
        let mut bytes =
            serde_json::to_vec(&envelope).map_err(|source| StateError::writing(&self.path, source.into()))?;
        bytes.push(b'\n');
        if bytes.len() as u64 > MAXIMUM_BYTES {
            // Readers would refuse it: the former content serves them better.
            let (path, bytes, remedy) = (self.path.clone(), bytes.len() as u64, self.remedy);
            return Err(StateError::TooLarge { path, bytes, maximum_bytes: MAXIMUM_BYTES, remedy });
        }
        atomic_file::replace(&self.path, &bytes, self.durability)
    }

    fn corrupt(&self, problem: String) -> StateError {
        StateError::Corrupt { path: self.path.clone(), problem, remedy: self.remedy }
    }

    fn not_json(&self, error: &serde_json::Error) -> StateError {
        let what = match error.classify() {
            serde_json::error::Category::Eof => "is cut off",
            serde_json::error::Category::Data => "does not have the members of its format",
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => "is not valid JSON",
        };
        self.corrupt(format!("{what} ({})", cut(&error.to_string(), 200)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sample {
        name: String,
    }

    fn file(directory: &Path) -> WholeFile {
        let remedy = "the agent writes it anew at its next check";
        WholeFile { path: directory.join("remote.json"), remedy, durability: Durability::PowerLoss }
    }

    #[test]
    fn what_is_written_is_read_and_unknown_members_are_ignored() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(directory.path());
        assert_eq!(file.read::<Sample>().unwrap(), None);
        let sample = Sample { name: "a".to_owned() };
        file.write(&sample).unwrap();
        assert_eq!(std::fs::read_to_string(&file.path).unwrap(), "{\"version\":1,\"name\":\"a\"}\n");
        assert_eq!(file.read::<Sample>().unwrap(), Some(sample));
        std::fs::write(&file.path, r#"{"new": {"x": []}, "name": "b", "version": 1}"#).unwrap();
        assert_eq!(file.read::<Sample>().unwrap(), Some(Sample { name: "b".to_owned() }));
    }

    #[test]
    fn every_bad_content_is_an_error_that_says_what_to_do() {
        let deep = "[".repeat(1_000_000);
        let table: [(&[u8], &str); 12] = [
            (b"", "is empty"),
            (b" \n", "is empty"),
            (b"\xff\xfe{}", "is not UTF-8 text (byte 0)"),
            (b"{\"version\":1,\"na", "is cut off"),
            (b"\0\0\0\0", "is not valid JSON"),
            (b"{\"version\":1,\"name\":\"a\"}}", "is not valid JSON"),
            (b"{\"version\":1}", "does not have the members of its format (missing field `name`"),
            (b"{\"name\":\"a\"}", "does not have the members of its format (missing field `version`"),
            (b"{\"version\":\"1\",\"name\":\"a\"}", "does not have the members"),
            (b"[1]", "does not have the members"),
            (b"{\"version\":2,\"title\":\"a\"}", "version 2, this nixfleet understands version 1: a newer nixfleet"),
            (deep.as_bytes(), "remote.json"),
        ];
        let directory = tempfile::tempdir().unwrap();
        let file = file(directory.path());
        for (bytes, expected) in table {
            std::fs::write(&file.path, bytes).unwrap();
            let message = file.read::<Sample>().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(message.contains("remove"), "{message}");
            assert!(message.contains("remote.json") && message.len() < 600, "{message}");
        }
    }

    #[test]
    fn only_regular_files_of_a_bounded_size_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(directory.path());
        let error = |file: &WholeFile| file.read::<Sample>().unwrap_err().to_string();

        std::fs::create_dir(&file.path).unwrap();
        assert!(error(&file).contains("is a directory"), "{}", error(&file));
        std::fs::remove_dir(&file.path).unwrap();

        std::os::unix::fs::symlink("/dev/zero", &file.path).unwrap();
        assert!(error(&file).contains("is a symbolic link"), "{}", error(&file));
        std::fs::remove_file(&file.path).unwrap();

        rustix::fs::mknodat(
            rustix::fs::CWD,
            &file.path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o644),
            0,
        )
        .unwrap();
        assert!(error(&file).contains("is a FIFO"), "{}", error(&file));
        std::fs::remove_file(&file.path).unwrap();

        let _socket = std::os::unix::net::UnixListener::bind(&file.path).unwrap();
        assert!(error(&file).contains("is a socket"), "{}", error(&file));
        std::fs::remove_file(&file.path).unwrap();

        std::fs::File::create(&file.path).unwrap().set_len(1 << 40).unwrap();
        assert!(error(&file).contains("has 1099511627776 bytes"), "{}", error(&file));
    }
}
