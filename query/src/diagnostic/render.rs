//! A diagnostic as text and as JSON.

use super::{Code, Diagnostic, Place, Places, Severity};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::Write;

/// Whether text carries terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI colours.
    Always,
}

/// A diagnostic as clients see it. Lines and columns count from 1, in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosticJson {
    /// The stable code.
    pub code: Cow<'static, str>,
    /// `error` or `warning`.
    pub severity: Cow<'static, str>,
    /// One sentence.
    pub message: String,
    /// The GQLSTATUS.
    pub gqlstatus: Cow<'static, str>,
    /// The line of the place it is about.
    pub line: usize,
    /// Its column.
    pub column: usize,
    /// Its number of characters.
    pub length: usize,
    /// Other places that matter.
    pub labels: Vec<LabelJson>,
    /// What to do.
    pub help: Option<String>,
}

/// A labelled place as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelJson {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
    /// Number of characters.
    pub length: usize,
    /// A few words.
    pub text: String,
}

/// The most characters of a source line that are shown.
const SHOWN_WIDTH: usize = 120;

impl Diagnostic {
    /// The diagnostic with lines and columns of `text`, the query it is about. O(text).
    pub fn to_json(&self, text: &str) -> DiagnosticJson {
        self.to_json_at(&Places::new(text))
    }

    /// Like [`Diagnostic::to_json`], for many diagnostics of one text.
    pub fn to_json_at(&self, places: &Places<'_>) -> DiagnosticJson {
        let place = places.place(self.span);
        let labels = self.labels.iter().map(|label| {
            let place = places.place(label.span);
            LabelJson {
                line: place.line,
                column: place.column,
                length: place.length,
                text: label.text.clone(),
            }
        });
        DiagnosticJson {
            code: self.code.name().into(),
            severity: self.severity.name().into(),
            message: self.message.clone(),
            gqlstatus: self.code.gqlstatus().into(),
            line: place.line,
            column: place.column,
            length: place.length,
            labels: labels.collect(),
            help: self.help.clone(),
        }
    }

    /// Reads what a server says of `text`; `None` for a code that this version does not know.
    pub fn from_json(json: &DiagnosticJson, places: &Places<'_>) -> Option<Diagnostic> {
        let code = Code::ALL.iter().find(|code| code.name() == json.code)?;
        let span = |line, column, length| {
            places.span(Place {
                line,
                column,
                length,
            })
        };
        let mut diagnostic = Diagnostic::new(
            *code,
            span(json.line, json.column, json.length),
            json.message.as_str(),
        );
        for label in &json.labels {
            let span = span(label.line, label.column, label.length);
            diagnostic = diagnostic.label(span, label.text.as_str());
        }
        diagnostic.help.clone_from(&json.help);
        Some(diagnostic)
    }

    /// The diagnostic as a few lines of text with the place underlined.
    pub fn render(&self, text: &str, colour: Colour) -> String {
        let places = Places::new(text);
        let paint = Paint(colour);
        let tone = match self.severity {
            Severity::Error => "31;1",
            Severity::Warning => "33;1",
        };
        let place = places.place(self.span);
        let head = format!("{}[{}]", self.severity.name(), self.code);
        let widest = self
            .labels
            .iter()
            .map(|label| places.place(label.span).line)
            .fold(place.line, usize::max);
        let gutter = widest.to_string().len();

        let mut out = String::new();
        let _ = writeln!(out, "{}: {}", paint.tone(tone, &head), self.message);
        let at = format!("{}:{}", place.line, place.column);
        let _ = writeln!(out, "{:gutter$}{} {at}", "", paint.tone("34;1", "-->"));
        let mut shown = excerpt(
            &mut out, &places, place, &paint, gutter, tone, '^', "", None,
        );
        for label in &self.labels {
            let place = places.place(label.span);
            shown = excerpt(
                &mut out,
                &places,
                place,
                &paint,
                gutter,
                "34;1",
                '-',
                &label.text,
                Some(shown),
            );
        }
        if let Some(help) = &self.help {
            let _ = writeln!(
                out,
                "{:gutter$} {} help: {help}",
                "",
                paint.tone("34;1", "=")
            );
        }
        out
    }
}

/// Renders every diagnostic, one after the other.
pub fn render_all(diagnostics: &[Diagnostic], text: &str, colour: Colour) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&diagnostic.render(text, colour));
    }
    out
}

struct Paint(Colour);

impl Paint {
    fn tone(&self, tone: &str, text: &str) -> String {
        match self.0 {
            Colour::Never => text.to_owned(),
            Colour::Always => format!("\x1b[{tone}m{text}\x1b[0m"),
        }
    }
}

/// The part of a source line that was shown last; marks below it need no second copy.
#[derive(Clone, Copy)]
struct Window {
    line: usize,
    from: usize,
}

#[expect(
    clippy::too_many_arguments,
    reason = "one call site each for the place itself and its labels; a struct would only rename them"
)]
fn excerpt(
    out: &mut String,
    places: &Places<'_>,
    place: Place,
    paint: &Paint,
    gutter: usize,
    tone: &str,
    mark: char,
    words: &str,
    shown_before: Option<Window>,
) -> Window {
    let line: Vec<char> = places.line(place.line).chars().collect();
    let column = place.column - 1;
    // A window around the place keeps a line of a megabyte readable.
    let fits = |window: &Window| {
        window.line == place.line && (window.from..window.from + SHOWN_WIDTH).contains(&column)
    };
    let known = shown_before.filter(fits);
    let from = match known {
        Some(window) => window.from,
        None if column + place.length < SHOWN_WIDTH => 0,
        None => column.saturating_sub(SHOWN_WIDTH / 2),
    };
    let shown: String = line
        .iter()
        .skip(from)
        .take(SHOWN_WIDTH)
        .map(|c| if c.is_control() { ' ' } else { *c })
        .collect();
    let before = column - from;
    let room = shown.chars().count().saturating_sub(before).max(1);
    let marks = mark.to_string().repeat(place.length.clamp(1, room));
    let bar = paint.tone("34;1", "|");
    let number = paint.tone("34;1", &format!("{:>gutter$}", place.line));
    if known.is_none() {
        let _ = writeln!(out, "{number} {bar} {shown}");
    }
    let marked = format!("{marks} {words}");
    let _ = writeln!(
        out,
        "{:gutter$} {bar} {:before$}{}",
        "",
        "",
        paint.tone(tone, marked.trim_end())
    );
    Window {
        line: place.line,
        from,
    }
}
