//! Text line by line from a reader, so that a document larger than memory can be read.

use std::io::BufRead;

use crate::error::LoadError;

/// The longest line that is accepted, in bytes.
pub(crate) const MAX_LINE_BYTES: usize = 64 << 20;

/// A batch of whole lines: their bytes and the number of the first, from 1.
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) first_line: u64,
}

/// Cuts a reader into batches of whole lines.
pub(crate) struct Batches<R> {
    reader: R,
    rest: Vec<u8>,
    next_line: u64,
    batch_bytes: usize,
    done: bool,
}

impl<R: BufRead> Batches<R> {
    /// Batches of about `batch_bytes`, more where a line is longer.
    pub(crate) fn new(reader: R, batch_bytes: usize) -> Self {
        Self {
            reader,
            rest: Vec::new(),
            next_line: 1,
            batch_bytes,
            done: false,
        }
    }

    /// The next batch, `None` at the end.
    pub(crate) fn next_batch(&mut self) -> Result<Option<Batch>, LoadError> {
        let mut bytes = std::mem::take(&mut self.rest);
        let mut newline = bytes.iter().rposition(|&byte| byte == b'\n');
        while !self.done && (bytes.len() < self.batch_bytes || newline.is_none()) {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                self.done = true;
                break;
            }
            if let Some(at) = chunk.iter().rposition(|&byte| byte == b'\n') {
                newline = Some(bytes.len() + at);
            }
            bytes.extend_from_slice(chunk);
            let n_read = chunk.len();
            self.reader.consume(n_read);
            if newline.is_none() && bytes.len() > MAX_LINE_BYTES {
                return Err(LoadError::Limit {
                    what: "length of a line in bytes",
                    limit: MAX_LINE_BYTES as u64,
                });
            }
        }
        if !self.done
            && let Some(at) = newline
        {
            self.rest = bytes.split_off(at + 1);
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let first_line = self.next_line;
        self.next_line += bytes.split(|&byte| byte == b'\n').count() as u64 - 1;
        Ok(Some(Batch { bytes, first_line }))
    }
}

impl Batch {
    /// The lines that hold something, with their numbers from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.bytes
            .split(|&byte| byte == b'\n')
            .zip(self.first_line..)
            .map(|(line, number)| (number, line.trim_ascii()))
            .filter(|(_, line)| !line.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn every_line_once_whatever_the_batch() {
        let text = b"a\n\nbb\r\n  ccc\nd";
        for batch_bytes in 1..20 {
            for capacity in 1..20 {
                let reader = BufReader::with_capacity(capacity, &text[..]);
                let mut batches = Batches::new(reader, batch_bytes);
                let mut lines = Vec::new();
                while let Some(batch) = batches.next_batch().unwrap() {
                    lines.extend(batch.lines().map(|(n, line)| (n, line.to_vec())));
                }
                let expected = [(1, &b"a"[..]), (3, b"bb"), (4, b"ccc"), (5, b"d")];
                assert_eq!(lines, expected.map(|(n, line)| (n, line.to_vec())));
            }
        }
    }
}
