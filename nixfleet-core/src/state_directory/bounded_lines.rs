//! Lines of a file, none of them held in memory beyond a bound.

use std::io::{self, BufRead};

/// The longest line of a log, without its newline.
pub(super) const MAXIMUM_LINE_BYTES: usize = 64 * 1024;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Without its newline; `None` where it is longer than [`MAXIMUM_LINE_BYTES`].
    pub(super) bytes: Option<Vec<u8>>,
    /// It ends with a newline. Only the last line may not.
    pub(super) ended: bool,
}

/// The next line; `None` at the end.
pub(super) fn next_line(reader: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut bytes = Some(Vec::new());
    let mut any = false;
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(any.then_some(Line { bytes, ended: false }));
        }
        any = true;
        let newline = buffer.iter().position(|byte| *byte == b'\n');
        let part = newline.map_or(buffer, |end| buffer.get(..end).unwrap_or_default());
        bytes = bytes.filter(|bytes| bytes.len() + part.len() <= MAXIMUM_LINE_BYTES);
        if let Some(bytes) = &mut bytes {
            bytes.extend_from_slice(part);
        }
        let used = part.len() + usize::from(newline.is_some());
        reader.consume(used);
        if newline.is_some() {
            return Ok(Some(Line { bytes, ended: true }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn lines_are_cut_at_newlines_and_long_ones_dropped() {
        let long = vec![b'x'; MAXIMUM_LINE_BYTES];
        let text = [b"a\n\n".as_slice(), &long, b"\n", &long, b"x\nb"].concat();
        let mut reader = BufReader::with_capacity(7, text.as_slice());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut reader).unwrap() {
            lines.push(line);
        }
        let ended = |bytes: Option<&[u8]>| Line { bytes: bytes.map(<[u8]>::to_vec), ended: true };
        let torn = Line { bytes: Some(b"b".to_vec()), ended: false };
        assert_eq!(lines, [ended(Some(b"a")), ended(Some(b"")), ended(Some(&long)), ended(None), torn]);
    }
}
