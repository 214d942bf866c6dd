//! How things look in a terminal: tables, colours, untrusted text.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// What the process may do with its terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Colours on stdout.
    pub(crate) colour_out: bool,
    /// Colours on stderr.
    pub(crate) colour_err: bool,
    /// Progress lines on stderr.
    pub(crate) progress: bool,
}

impl Terminal {
    /// Colours only on a terminal, and never under `NO_COLOR`.
    pub(crate) fn detect() -> Self {
        let may_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|value| value != "dumb");
        Self {
            colour_out: may_colour && io::stdout().is_terminal(),
            colour_err: may_colour && io::stderr().is_terminal(),
            progress: io::stderr().is_terminal(),
        }
    }

    /// What comes before an error.
    pub(crate) fn error_prefix(self) -> &'static str {
        if self.colour_err {
            "\u{1b}[1;31merror:\u{1b}[0m"
        } else {
            "error:"
        }
    }

    /// What comes before a warning.
    pub(crate) fn warning_prefix(self) -> &'static str {
        if self.colour_err {
            "\u{1b}[1;33mwarning:\u{1b}[0m"
        } else {
            "warning:"
        }
    }

    /// A warning on stderr.
    pub(crate) fn warn(self, text: &str) {
        let _ = writeln!(io::stderr(), "{} {text}", self.warning_prefix());
    }

    /// A line on stderr that the next one replaces; nothing when stderr is no terminal.
    pub(crate) fn progress(self, text: &str) {
        if self.progress {
            let _ = write!(io::stderr(), "\r\u{1b}[K{text}");
        }
    }

    /// Removes the progress line.
    pub(crate) fn end_progress(self) {
        self.progress("");
    }
}

/// Prints a line on stderr that is no part of the answer.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints one JSON document on stdout, indented.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from)?;
    writeln!(out)
}

/// Prints a line on stdout.
pub(crate) fn print_line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Text from documents, made harmless: control characters escaped, directional ones as code points.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let is_directional = matches!(
            c,
            '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        );
        if is_directional {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// A table for people: columns as wide as their widest cell, two spaces between.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new<I: IntoIterator<Item = S>, S: Into<String>>(headings: I) -> Self {
        Self {
            rows: vec![headings.into_iter().map(Into::into).collect()],
            right: Vec::new(),
        }
    }

    /// Aligns columns to the right: numbers.
    pub(crate) fn right(mut self, columns: &[usize]) -> Self {
        self.right = columns.to_vec();
        self
    }

    /// Adds a row.
    pub(crate) fn row<I: IntoIterator<Item = S>, S: AsRef<str>>(&mut self, cells: I) {
        let cells = cells.into_iter().map(|cell| printable(cell.as_ref()));
        self.rows.push(cells.collect());
    }

    /// Writes it.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let n_columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0; n_columns];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for (idx, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if idx > 0 {
                    line.push_str("  ");
                }
                if self.right.contains(&idx) {
                    let _ = write!(line, "{cell:>width$}");
                } else {
                    let _ = write!(line, "{cell:<width$}");
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// Prints it on stdout.
    pub(crate) fn print(&self) -> io::Result<()> {
        self.write(&mut io::stdout().lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up_and_untrusted_text_cannot_drive_the_terminal() {
        let mut table = Table::new(["name", "n"]).right(&[1]);
        table.row(["a\u{1b}[31m", "1"]);
        table.row(["\u{202e}b", "100"]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let expected = "name           n\na\\u{1b}[31m    1\n\\u{202e}b    100\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
