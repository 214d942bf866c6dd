//! Why a document could not be read.

use std::fmt;

use foothold_engine::model::IdError;
use thiserror::Error;

/// Where in a document something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Line and column, both from 1, where the format has them.
    pub line_column: Option<(u64, u64)>,
    /// JSON pointer (RFC 6901) to the value, where one is known.
    pub pointer: Option<String>,
}

impl Place {
    /// A place known by line and column.
    pub fn line(line: u64, column: u64) -> Self {
        Self {
            line_column: Some((line, column)),
            pointer: None,
        }
    }

    /// A place known by JSON pointer.
    pub fn pointer(pointer: impl Into<String>) -> Self {
        Self {
            line_column: None,
            pointer: Some(pointer.into()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.line_column, &self.pointer) {
            (Some((line, column)), Some(pointer)) => {
                write!(f, "line {line} column {column} at `{}`", Shortened(pointer))
            }
            (Some((line, column)), None) => write!(f, "line {line} column {column}"),
            (None, Some(pointer)) => write!(f, "at `{}`", Shortened(pointer)),
            (None, None) => write!(f, "whole document"),
        }
    }
}

/// The most characters that are shown of either end of a pointer.
const SHOWN: usize = 60;

/// A pointer without its middle where it is long, as in a document that nests a hundred deep.
struct Shortened<'a>(&'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts = || self.0.char_indices().map(|(at, _)| at);
        let (Some(head), Some(tail)) = (starts().nth(SHOWN), starts().rev().nth(SHOWN)) else {
            return f.write_str(self.0);
        };
        match (self.0.get(..head), self.0.get(tail..)) {
            (Some(start), Some(end)) if head < tail => write!(f, "{start}…{end}"),
            _ => f.write_str(self.0),
        }
    }
}

/// Errors raised while reading one document. None of its facts are kept; other documents go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The bytes are not what the format promises: cut off, of a wrong type, or a key twice.
    /// Mend the document at the place named, or write it again with its tool.
    #[error("{place}: {message}")]
    Malformed {
        /// Where.
        place: Place,
        /// What was found and what was expected.
        message: String,
    },
    /// The document needs more depth, size or expansion than is allowed; split it, or raise the
    /// limit if it is trusted.
    #[error("{what} exceeds the limit of {limit}{}", what_to_do(what))]
    Limit {
        /// What grew too large.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The bytes are no UTF-8; convert the file.
    #[error("byte {offset} is not valid UTF-8")]
    Encoding {
        /// Offset of the first wrong byte.
        offset: usize,
    },
    /// The document names a thing in a way that cannot be an id.
    #[error("{place}: {source}")]
    Id {
        /// Where.
        place: Place,
        /// Why the id was refused.
        source: IdError,
    },
    /// The file could not be read; check that it exists and may be read.
    #[error("cannot read it")]
    Io(#[source] std::io::Error),
    /// The path is a link that leaves the folder it was found in; name its target if it is meant.
    #[error("symbolic link leaves the imported folder")]
    LeavesFolder,
    /// The path is a pipe, a socket or a device; write what it holds to a file.
    #[error("it is {what} and no file; write what it holds to a file and import that")]
    NoFile {
        /// What it is.
        what: &'static str,
    },
    /// The import was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A fault of the loader itself; please report it together with the document.
    #[error("internal error in the loader of `{format}`")]
    Internal {
        /// Format of the loader.
        format: &'static str,
    },
}

impl LoadError {
    /// A stable dotted name of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            LoadError::Malformed { .. } => "load.malformed",
            LoadError::Limit { .. } => "load.limit",
            LoadError::Encoding { .. } => "load.encoding",
            LoadError::Id { .. } => "load.id",
            LoadError::Io(_) => "load.io",
            LoadError::LeavesFolder => "load.leaves_folder",
            LoadError::NoFile { .. } => "load.no_file",
            LoadError::Cancelled => "load.cancelled",
            LoadError::Internal { .. } => "load.internal",
        }
    }

    /// A malformed document at a JSON pointer.
    pub fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        LoadError::Malformed {
            place: Place::pointer(pointer),
            message: message.into(),
        }
    }

    /// The message with its causes, for people: `cannot read it: permission denied`.
    pub fn describe(&self) -> String {
        match self {
            LoadError::Io(cause) => format!("{self}: {cause}"),
            _ => self.to_string(),
        }
    }
}

/// What to do about a limit that was reached, where that is not plain.
fn what_to_do(what: &str) -> &'static str {
    match what {
        "compression ratio" => "; if you trust it, unpack it and import what was inside",
        _ => "",
    }
}

impl From<IdError> for LoadError {
    fn from(source: IdError) -> Self {
        LoadError::Id {
            place: Place::default(),
            source,
        }
    }
}

/// Carries a limit through `std::io::Read`, whose errors are `std::io::Error`.
#[derive(Debug, Error)]
#[error("{what} exceeds the limit of {limit}")]
pub(crate) struct LimitReached {
    pub(crate) what: &'static str,
    pub(crate) limit: u64,
}

impl From<std::io::Error> for LoadError {
    fn from(error: std::io::Error) -> Self {
        match error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<LimitReached>())
        {
            Some(reached) => LoadError::Limit {
                what: reached.what,
                limit: reached.limit,
            },
            None => LoadError::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_long_pointer_is_shown_without_its_middle() {
        let short = Place::pointer("/components/0/name");
        assert_eq!(short.to_string(), "at `/components/0/name`");
        let long = format!("/{}/é", "components/0/".repeat(100));
        let shown = Place::pointer(long).to_string();
        assert!(shown.starts_with("at `/components/0/"), "{shown}");
        assert!(shown.contains('…') && shown.ends_with("/é`"), "{shown}");
        assert!(shown.chars().count() < 140, "{shown}");
    }
}
