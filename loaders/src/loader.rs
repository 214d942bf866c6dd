//! What a loader is.

use foothold_engine::model::Facts;

use crate::document::Document;
use crate::error::LoadError;
use crate::head::Head;
use crate::report::Report;

/// How well a document matches a format.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// Nothing of the format is there.
    No,
    /// Some marks of the format are there and others are missing; the text says which. Never
    /// loaded, but named when no other format matches.
    Near(String),
    /// The marks fit, though another format might look the same.
    Likely,
    /// The document names its own format.
    Certain,
}

/// Reads documents of one format into facts.
///
/// A loader touches no store and prints nothing. It must not panic on any input.
pub trait Loader: Sync + Send {
    /// The format's stable name: `cyclonedx-json`.
    fn format(&self) -> &'static str;

    /// One line for people: what the format is and which versions are read.
    fn describe(&self) -> &'static str;

    /// How well a document matches, judged by its content. Cheap: looks at the head only.
    fn detect(&self, head: &Head<'_>) -> Match;

    /// Reads the document. On an error all of `facts` is thrown away.
    fn load(
        &self,
        document: &Document,
        facts: &mut Facts,
        report: &mut Report,
    ) -> Result<(), LoadError>;
}
