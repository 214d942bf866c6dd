//! What is known of a document before it is read: its name and the outline of its content.

mod sketch;

pub use sketch::Sketch;

use crate::loader::Match;

/// The outer form of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// One JSON value.
    Json(Sketch),
    /// Several JSON values one after the other; the outline is of the first.
    JsonStream(Sketch),
    /// YAML; the outline is of the first document.
    Yaml(Sketch),
    /// XML.
    Xml {
        /// Local name of the root element.
        root: String,
        /// Its default namespace.
        namespace: String,
    },
    /// Other text.
    Text,
    /// No text.
    Binary,
}

/// The start of a document, as loaders see it in [`crate::loader::Loader::detect`].
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// The document's name; a hint only.
    pub name: &'a str,
    /// Its first bytes.
    pub bytes: &'a [u8],
    /// The outer form.
    pub shape: &'a Shape,
}

impl Head<'_> {
    /// The outline, if this is one JSON value or YAML.
    pub fn tree(&self) -> Option<&Sketch> {
        match self.shape {
            Shape::Json(sketch) | Shape::Yaml(sketch) => Some(sketch),
            _ => None,
        }
    }

    /// The outline, if this is one JSON value.
    pub fn json(&self) -> Option<&Sketch> {
        match self.shape {
            Shape::Json(sketch) => Some(sketch),
            _ => None,
        }
    }

    /// The file name without folders.
    pub fn file_name(&self) -> &str {
        self.name.rsplit(['/', '!']).next().unwrap_or(self.name)
    }

    /// The text of the first bytes, wrong bytes replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes)
    }

    /// Certain if every key is in the JSON or YAML value, near if some are.
    pub fn require(&self, keys: &[&str]) -> Match {
        let Some(sketch) = self.tree() else {
            return Match::No;
        };
        let (found, missing): (Vec<&str>, Vec<&str>) = keys.iter().partition(|key| sketch.has(key));
        if missing.is_empty() {
            Match::Certain
        } else if found.is_empty() {
            Match::No
        } else {
            Match::Near(format!(
                "has {} but not {}",
                quoted(&found),
                quoted(&missing)
            ))
        }
    }

    /// What the document looks like, for people.
    pub fn describe(&self) -> String {
        match self.shape {
            Shape::Json(sketch) => with_keys("JSON", sketch),
            Shape::JsonStream(sketch) => with_keys("a stream of JSON values", sketch),
            Shape::Yaml(sketch) => with_keys("YAML", sketch),
            Shape::Xml { root, .. } => format!("XML with the root `{root}`"),
            Shape::Text if self.bytes.is_empty() => "an empty file".to_owned(),
            Shape::Text => "plain text".to_owned(),
            Shape::Binary => "a binary file".to_owned(),
        }
    }
}

fn quoted(keys: &[&str]) -> String {
    keys.iter()
        .map(|key| format!("`{key}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn with_keys(what: &str, sketch: &Sketch) -> String {
    let keys: Vec<_> = sketch
        .paths()
        .filter(|path| !path.trim_start_matches("[].").contains('.') && !path.is_empty())
        .take(5)
        .collect();
    if keys.is_empty() {
        format!("{what} without keys")
    } else {
        format!("{what} with the keys {}", quoted(&keys))
    }
}

/// Finds out the outer form of a text. `whole` tells whether `bytes` is all of it.
pub(crate) fn shape_of(bytes: &[u8], whole: bool) -> Shape {
    let start = bytes
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())
        .unwrap_or(bytes.len());
    let text = bytes.get(start..).unwrap_or_default();
    match text.first() {
        None => Shape::Text,
        Some(b'{' | b'[') => json_shape(text, whole),
        Some(b'<') => xml_shape(text).unwrap_or(Shape::Text),
        Some(_) => {
            let prefix = bytes.get(..bytes.len().min(8192)).unwrap_or(bytes);
            if prefix.contains(&0) {
                return Shape::Binary;
            }
            let prefix = bytes.get(..bytes.len().min(1 << 20)).unwrap_or(bytes);
            let text = String::from_utf8_lossy(prefix);
            if looks_like_yaml(&text) {
                Shape::Yaml(Sketch::of_yaml(&text))
            } else {
                Shape::Text
            }
        }
    }
}

fn json_shape(text: &[u8], whole: bool) -> Shape {
    let sketch = Sketch::of_json(text);
    let rest = sketch
        .closed_at
        .and_then(|end| text.get(end..))
        .unwrap_or_default();
    let follows = rest
        .iter()
        .find(|byte| !byte.is_ascii_whitespace())
        .is_some_and(|byte| matches!(byte, b'{' | b'['));
    // A head that ends right behind the first value of a longer file is the start of a stream.
    if follows || !whole && sketch.closed_at.is_some() {
        Shape::JsonStream(sketch)
    } else {
        Shape::Json(sketch)
    }
}

fn xml_shape(text: &[u8]) -> Option<Shape> {
    let head = String::from_utf8_lossy(text.get(..text.len().min(16_384))?);
    let mut rest = head.as_ref();
    loop {
        rest = rest.get(rest.find('<')?..)?;
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.get(comment.find("-->")?..)?;
        } else if rest.starts_with("<?") || rest.starts_with("<!") {
            rest = rest.get(2..)?;
        } else {
            break;
        }
    }
    let tag = rest.get(1..rest.find('>').unwrap_or(rest.len()))?;
    let name = tag.split([' ', '\t', '\r', '\n', '/']).next()?;
    if !name.starts_with(|first: char| first.is_alphabetic()) {
        return None;
    }
    let namespace = tag
        .split_once("xmlns=")
        .and_then(|(_, value)| value.get(1..)?.split(['"', '\'']).next())
        .unwrap_or_default();
    Some(Shape::Xml {
        root: name.rsplit(':').next().unwrap_or(name).to_owned(),
        namespace: namespace.to_owned(),
    })
}

/// Whether the first line with content reads as a YAML mapping, sequence or document start.
fn looks_like_yaml(text: &str) -> bool {
    let first = text
        .lines()
        .map(str::trim_end)
        .find(|line| !line.is_empty() && !line.trim_start().starts_with('#'));
    let Some(line) = first else {
        return false;
    };
    if line == "---" || line.starts_with("--- ") || line.starts_with("%YAML") {
        return true;
    }
    let entry = line.strip_prefix("- ").unwrap_or(line);
    entry.split_once(':').is_some_and(|(key, rest)| {
        !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_alphanumeric() || "_-./$\"' ".contains(c))
            && (rest.is_empty() || rest.starts_with(' '))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> &'static str {
        match shape_of(text.as_bytes(), true) {
            Shape::Json(_) => "json",
            Shape::JsonStream(_) => "stream",
            Shape::Yaml(_) => "yaml",
            Shape::Xml { .. } => "xml",
            Shape::Text => "text",
            Shape::Binary => "binary",
        }
    }

    #[test]
    fn shapes_by_content() {
        assert_eq!(kind(" {\"a\":1}\n"), "json");
        assert_eq!(kind("{\"a\":1}\n{\"b\":2}\n"), "stream");
        assert_eq!(kind("{\"a\":1"), "json");
        assert_eq!(kind("a: 1\nb: 2\n"), "yaml");
        assert_eq!(kind("- a: 1\n"), "yaml");
        assert_eq!(kind("* @acme/team\n"), "text");
        assert_eq!(kind("cve,epss,percentile\n"), "text");
        assert_eq!(kind("MZ\0\0"), "binary");
        assert_eq!(kind(""), "text");
        assert_eq!(
            shape_of(
                b"<?xml version='1'?><!-- <x> --><c:bom xmlns=\"http://n/1.4\" a='b'>",
                true
            ),
            Shape::Xml {
                root: "bom".into(),
                namespace: "http://n/1.4".into()
            }
        );
    }
}
