//! What is wrong with a query, as data.
//!
//! A [`Diagnostic`] has a stable [`Code`], a sentence, the place it is about, further labelled
//! places and perhaps help. The same value is rendered as text for a terminal by
//! [`Diagnostic::render`] and as an object for JSON by [`Diagnostic::to_json`].
//!
//! Messages are lower case, without a final stop, with the user's words in back quotes.

mod code;
mod place;
mod render;

pub use code::{Code, Severity};
pub use place::{Place, Places};
pub use render::{Colour, DiagnosticJson, LabelJson, render_all};

use crate::ast::Span;

/// One thing that is wrong, or suspicious, in a query.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// What kind of thing.
    pub code: Code,
    /// Whether the query can run all the same. The code's own severity unless changed.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
    /// The place it is about.
    pub span: Span,
    /// Other places that matter.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
}

/// A further place, with what to know about it.
#[derive(Debug, Clone)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// A few words.
    pub text: String,
}

impl Diagnostic {
    /// A diagnostic with the severity of its code and no labels.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: code.severity(),
            message: clipped(message.into()),
            span,
            labels: Vec::new(),
            help: None,
        }
    }

    /// Adds a labelled place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Adds or replaces the help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Adds `did you mean ...?` when a name of `candidates` is near `name`.
    #[must_use]
    pub fn suggest<'a>(
        self,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Diagnostic {
        match crate::nearest::nearest(name, candidates) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// Whether this keeps the query from running.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// A sentence repeats the user's words; of very long ones it shows the beginning and the end.
fn clipped(message: String) -> String {
    const LONGEST_BYTES: usize = 600;
    const KEPT_CHARS: usize = 60;
    if message.len() <= LONGEST_BYTES {
        return message;
    }
    let start = message.char_indices().nth(2 * KEPT_CHARS);
    let end = message.char_indices().nth_back(KEPT_CHARS);
    match (start, end) {
        (Some((start, _)), Some((end, _))) if start < end => {
            format!("{} ... {}", &message[..start], &message[end..])
        }
        _ => message,
    }
}

/// Whether any of them keeps the query from running.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}
