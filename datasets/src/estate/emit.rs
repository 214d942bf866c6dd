//! Writes node and edge lines.

use std::io::{self, Write};

use super::EstateTotals;

/// A property value on its way out.
#[derive(Debug, Clone)]
pub(crate) enum Prop<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'a str),
    Text(String),
    List(Vec<String>),
}

/// Named values of one node or edge.
pub(crate) type Props<'a> = Vec<(&'static str, Prop<'a>)>;

/// Writes lines and counts them.
pub(crate) struct Emitter<'w, W> {
    out: &'w mut W,
    line: Vec<u8>,
    totals: EstateTotals,
}

impl<'w, W: Write> Emitter<'w, W> {
    pub(crate) fn new(out: &'w mut W) -> Self {
        Self {
            out,
            line: Vec::with_capacity(512),
            totals: EstateTotals::default(),
        }
    }

    pub(crate) fn node(&mut self, id: &str, labels: &[&str], props: &Props<'_>) -> io::Result<()> {
        self.line.clear();
        self.line.extend_from_slice(b"{\"node\":{\"id\":");
        self.text(id)?;
        self.line.extend_from_slice(b",\"labels\":[");
        for (at, label) in labels.iter().enumerate() {
            if at > 0 {
                self.line.push(b',');
            }
            self.text(label)?;
        }
        self.line.extend_from_slice(b"],\"props\":");
        self.props(props)?;
        self.totals.nodes += 1;
        self.end_line()
    }

    pub(crate) fn edge(&mut self, from: &str, kind: &str, to: &str) -> io::Result<()> {
        self.edge_with(from, kind, to, &Vec::new())
    }

    pub(crate) fn edge_with(
        &mut self,
        from: &str,
        kind: &str,
        to: &str,
        props: &Props<'_>,
    ) -> io::Result<()> {
        self.line.clear();
        self.line.extend_from_slice(b"{\"edge\":{\"from\":");
        self.text(from)?;
        self.line.extend_from_slice(b",\"to\":");
        self.text(to)?;
        self.line.extend_from_slice(b",\"kind\":");
        self.text(kind)?;
        self.line.extend_from_slice(b",\"props\":");
        self.props(props)?;
        self.totals.edges += 1;
        self.end_line()
    }

    /// Flushes and hands back what was written.
    pub(crate) fn finish(self) -> io::Result<EstateTotals> {
        self.out.flush()?;
        Ok(self.totals)
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.line.extend_from_slice(b"}}\n");
        self.totals.bytes += self.line.len() as u64;
        self.out.write_all(&self.line)
    }

    fn props(&mut self, props: &Props<'_>) -> io::Result<()> {
        self.line.push(b'{');
        for (at, (name, value)) in props.iter().enumerate() {
            if at > 0 {
                self.line.push(b',');
            }
            self.text(name)?;
            self.line.push(b':');
            match value {
                Prop::Bool(value) => write!(self.line, "{value}")?,
                Prop::Int(value) => write!(self.line, "{value}")?,
                Prop::Float(value) => serde_json::to_writer(&mut self.line, value)?,
                Prop::Str(value) => self.text(value)?,
                Prop::Text(value) => self.text(value)?,
                Prop::List(list) => serde_json::to_writer(&mut self.line, list)?,
            }
        }
        self.line.push(b'}');
        Ok(())
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        serde_json::to_writer(&mut self.line, text).map_err(io::Error::from)
    }
}
