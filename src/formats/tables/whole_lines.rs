//! The lines of a table that are whole: without an incomplete last one, as in that of a run that is in progress or was killed.

use std::io::{self, Read};

/// The bytes up to the last line feed that ends a row; none where not even the header is whole.
pub fn whole_lines(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    bytes.truncate(row_ends(&bytes).last().unwrap_or(0));
    (!bytes.is_empty()).then_some(bytes)
}

/// Where each row ends, the header first: after a line feed. One within quotes ends none; and since a quote within
/// quotes is doubled, an even number of quotes stands before one that does.
pub fn row_ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut in_quotes = false;
    bytes
        .iter()
        .enumerate()
        .filter_map(move |(index, byte)| ends_row(*byte, &mut in_quotes).then_some(index + 1))
}

fn ends_row(byte: u8, in_quotes: &mut bool) -> bool {
    *in_quotes ^= byte == b'"';
    byte == b'\n' && !*in_quotes
}

/// Bytes that are asked for at a time.
const CHUNK: u64 = 1 << 16;

/// The whole lines of a stream, of which a stretch at a time is in memory.
pub struct WholeLines<R> {
    stream: R,
    /// What was read and not passed on, behind what was passed on since the last read.
    buffer: Vec<u8>,
    passed: usize,
    /// The end of the last row in the buffer.
    whole: usize,
    in_quotes: bool,
    is_at_end: bool,
}

impl<R: Read> WholeLines<R> {
    /// Those of this stream; none where not even its header is whole.
    ///
    /// # Errors
    /// Whatever the stream says.
    pub fn of(stream: R) -> io::Result<Option<Self>> {
        let mut lines = Self {
            stream,
            buffer: Vec::new(),
            passed: 0,
            whole: 0,
            in_quotes: false,
            is_at_end: false,
        };
        lines.fill()?;
        Ok((lines.whole > 0).then_some(lines))
    }

    /// Reads until a row more is whole, or the stream ends.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.passed);
        (self.passed, self.whole) = (0, 0);
        while self.whole == 0 && !self.is_at_end {
            let before = self.buffer.len();
            let read = self.stream.by_ref().take(CHUNK).read_to_end(&mut self.buffer)?;
            self.is_at_end = read == 0;
            for (index, byte) in self.buffer.iter().enumerate().skip(before) {
                if ends_row(*byte, &mut self.in_quotes) {
                    self.whole = index + 1;
                }
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for WholeLines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.passed == self.whole {
            self.fill()?;
        }
        let count = into.len().min(self.whole - self.passed);
        into[..count].copy_from_slice(&self.buffer[self.passed..self.passed + count]);
        self.passed += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that gives three bytes at a time.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(3).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn a_stream_has_the_whole_lines_of_its_bytes_wherever_it_is_cut() {
        let long = format!("a,b\n{}\"x\ny\"\"\n\",2\n1,2\n", "1,2\n".repeat(40_000));
        let short = "a,b\n\"x\n\"\"\ny\",2\n3,4\n";
        let ends = [long.len(), long.len() - 1, long.len() - 6, long.len() - 12];
        let cut = ends.map(|end| &long[..end]);
        for text in (0..=short.len()).map(|end| &short[..end]).chain(cut) {
            let mut read = None;
            if let Some(mut lines) = WholeLines::of(Drops(text.as_bytes())).unwrap() {
                let mut bytes = Vec::new();
                lines.read_to_end(&mut bytes).unwrap();
                read = Some(bytes);
            }
            assert_eq!(read, whole_lines(text.as_bytes().to_vec()), "{} bytes", text.len());
        }
    }
}
