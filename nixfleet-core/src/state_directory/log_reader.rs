//! Reading a log line by line: what cannot be read is skipped and said, never fatal.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::bounded_lines::{MAXIMUM_LINE_BYTES, next_line};
use super::text_bound::cut;
use super::whole_file::FORMAT_VERSION;
use super::{StateError, regular_file};

/// A log is shortened long before; of a larger one only the end is read.
const MAXIMUM_LOG_BYTES: u64 = 16 * 1024 * 1024;

/// So many warnings are kept in full, the others are counted.
const MAXIMUM_WARNINGS: usize = 20;

/// One line that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineWarning {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it, such as `is not valid JSON (…)`.
    pub problem: String,
}

impl fmt::Display for LineWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {} {}", self.line, self.problem)
    }
}

/// The lines that were skipped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineWarnings {
    /// The first of them, 20 at most.
    pub first: Vec<LineWarning>,
    /// How many there are.
    pub count: u64,
}

impl LineWarnings {
    fn add(&mut self, line: u64, problem: String) {
        self.count += 1;
        if self.first.len() < MAXIMUM_WARNINGS {
            self.first.push(LineWarning { line, problem });
        }
    }
}

/// One line that was read.
#[derive(Debug)]
pub(super) struct LogLine<T> {
    /// As it is in the file, without its newline.
    pub(super) bytes: Vec<u8>,
    /// What it says; `None` where it is from another nixfleet, and not for this one to judge.
    pub(super) entry: Option<T>,
}

/// What a log has.
#[derive(Debug)]
pub(super) struct Log<T> {
    pub(super) lines: Vec<LogLine<T>>,
    pub(super) warnings: LineWarnings,
    /// The last line has no newline and says nothing: its writer died, or is about to write the rest.
    pub(super) torn: bool,
}

/// Reads the whole log; an absent one is empty.
pub(super) fn read<T: DeserializeOwned>(path: &Path, events: Option<&[&str]>) -> Result<Log<T>, StateError> {
    let mut log = Log { lines: Vec::new(), warnings: LineWarnings::default(), torn: false };
    let Some(mut file) = regular_file::open_to_read(path, "nixfleet begins a new one")? else { return Ok(log) };
    let failed = |source: io::Error| StateError::reading(path, source);
    let bytes = file.metadata().map_err(failed)?.len();
    let skipped = bytes.saturating_sub(MAXIMUM_LOG_BYTES);
    file.seek(SeekFrom::Start(skipped)).map_err(failed)?;
    let mut reader = BufReader::new(file);
    let mut number = 0;
    if skipped > 0 {
        number = 1;
        reader.skip_until(b'\n').map_err(failed)?;
        log.warnings.add(1, format!("and what follows in {skipped} bytes were skipped: the log is too large"));
    }
    while let Some(line) = next_line(&mut reader).map_err(failed)? {
        number += 1;
        let Some(bytes) = line.bytes else {
            log.warnings.add(number, format!("is longer than {MAXIMUM_LINE_BYTES} bytes"));
            continue;
        };
        if bytes.is_empty() {
            continue;
        }
        match parse(&bytes, events) {
            Ok(entry) => log.lines.push(LogLine { bytes, entry: Some(entry) }),
            Err(Unread::Foreign(problem)) => {
                log.warnings.add(number, problem);
                log.lines.push(LogLine { bytes, entry: None });
            }
            Err(Unread::Corrupt(problem)) if line.ended => log.warnings.add(number, problem),
            Err(Unread::Corrupt(_)) => {
                log.warnings.add(number, "is cut off: its writer was stopped in the middle of it".to_owned());
                log.torn = true;
            }
        }
    }
    Ok(log)
}

enum Unread {
    /// Well formed, from another version.
    Foreign(String),
    Corrupt(String),
}

#[derive(Deserialize)]
struct Head {
    version: u64,
    #[serde(default)]
    event: Option<String>,
}

fn parse<T: DeserializeOwned>(bytes: &[u8], events: Option<&[&str]>) -> Result<T, Unread> {
    let corrupt = |error: serde_json::Error| {
        let what = if error.is_data() { "is not an entry" } else { "is not valid JSON" };
        Unread::Corrupt(format!("{what} ({})", cut(&error.to_string(), 200)))
    };
    let Head { version, event } = serde_json::from_slice(bytes).map_err(corrupt)?;
    if version != FORMAT_VERSION {
        let problem = format!("has format version {version}, this nixfleet understands version {FORMAT_VERSION}");
        return Err(Unread::Foreign(problem));
    }
    if let (Some(events), Some(event)) = (events, event)
        && !events.contains(&event.as_str())
    {
        return Err(Unread::Foreign(format!(
            "tells of {:?}, an event that this nixfleet does not know",
            cut(&event, 40)
        )));
    }
    serde_json::from_slice(bytes).map_err(corrupt)
}
