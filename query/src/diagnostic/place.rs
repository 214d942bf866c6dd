//! Lines and columns of byte ranges.

use crate::ast::Span;

/// A place as people count: line and column from 1, columns and length in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The number of characters.
    pub length: usize,
}

/// Finds the lines of a text. Building is O(text); each look-up O(log lines + line).
#[derive(Debug, Clone)]
pub struct Places<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Places<'a> {
    /// An index over `text`.
    pub fn new(text: &'a str) -> Places<'a> {
        let mut starts = vec![0];
        for (at, byte) in text.bytes().enumerate() {
            if byte == b'\n' {
                starts.push(at + 1);
            }
        }
        Places { text, starts }
    }

    /// The place of a range. A range outside the text is moved to its end.
    pub fn place(&self, span: Span) -> Place {
        let start = self.clamp(span.start as usize);
        let end = self.clamp(span.end as usize).max(start);
        let line_idx = self.line_idx(start);
        let line_start = self.starts.get(line_idx).copied().unwrap_or(0);
        Place {
            line: line_idx + 1,
            column: self.chars(line_start, start) + 1,
            length: self.chars(start, end),
        }
    }

    /// The range of a place; at the end of the text where there is no such place.
    pub fn span(&self, place: Place) -> Span {
        let line = self.starts.get(place.line.saturating_sub(1)).copied();
        let line = line.unwrap_or(self.text.len());
        let start = self.skip(line, place.column.saturating_sub(1));
        Span::new(start, self.skip(start, place.length))
    }

    /// The byte so many characters behind a byte.
    fn skip(&self, from: usize, n_chars: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or("");
        let skipped = rest.char_indices().nth(n_chars).map(|(at, _)| at);
        from + skipped.unwrap_or(rest.len())
    }

    /// The text of a line, from 1, without its line break.
    pub fn line(&self, line: usize) -> &'a str {
        let start = self.starts.get(line.saturating_sub(1)).copied();
        let end = self
            .starts
            .get(line)
            .map_or(self.text.len(), |next| next - 1);
        start
            .and_then(|start| self.text.get(start..end))
            .unwrap_or("")
            .trim_end_matches('\r')
    }

    fn line_idx(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).max(1) - 1
    }

    fn clamp(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn chars(&self, start: usize, end: usize) -> usize {
        self.text
            .get(start..end)
            .map_or(0, |text| text.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_not_bytes() {
        let text = "a\néé = x\r\nlast";
        let places = Places::new(text);
        let at = text.find('x').expect("there");
        let place = places.place(Span::new(at, at + 1));
        assert_eq!((place.line, place.column, place.length), (2, 6, 1));
        assert_eq!(places.line(2), "éé = x");
        assert_eq!(places.line(3), "last");
        assert_eq!(places.span(place), Span::new(at, at + 1));
        let end = places.place(Span::new(999, 1000));
        assert_eq!((end.line, end.column, end.length), (3, 5, 0));
        assert_eq!(places.span(end), Span::new(text.len(), text.len()));
    }
}
