//! The outline of a JSON or YAML text: its first keys, found by a scan that cannot fail.

/// How many keys are kept.
const MAX_ENTRIES: usize = 1024;
/// How many bytes of a scalar are kept.
const MAX_SCALAR: usize = 256;
/// How deep containers are looked into; below they are skipped.
const MAX_NESTING: u8 = 4;
/// How many levels of keys are kept.
const MAX_KEYS: u8 = 2;

/// The outline of one value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Paths of keys and the text of scalars: `kind`, `metadata.name`, `runs[].tool`.
    entries: Vec<(String, Option<String>)>,
    /// Whether the value ends within the text.
    pub(crate) closed_at: Option<usize>,
}

impl Sketch {
    /// Outlines the first JSON value of `text`.
    pub(crate) fn of_json(text: &[u8]) -> Self {
        let mut scan = Scan {
            text,
            pos: 0,
            sketch: Sketch::default(),
        };
        if scan.value("", 0, 0).is_some() {
            scan.sketch.closed_at = Some(scan.pos);
        }
        scan.sketch
    }

    /// Outlines the first YAML document of `text` line by line: block mappings only.
    pub(crate) fn of_yaml(text: &str) -> Self {
        let mut sketch = Sketch::default();
        let mut top = String::new();
        let mut child_indent = None;
        let mut item_indent = None;
        let mut n_items = 0;
        for line in text.lines().take(20_000) {
            let trimmed = line.trim_start();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            if line.starts_with("---") || line.starts_with("...") {
                if sketch.entries.is_empty() {
                    continue;
                }
                break;
            }
            let mut indent = line.len() - trimmed.len();
            let mut entry = trimmed;
            if indent == 0
                && let Some(item) = trimmed.strip_prefix("- ")
            {
                n_items += 1;
                if n_items > 1 {
                    break;
                }
                entry = item.trim_start();
                indent = line.len() - entry.len();
                item_indent = Some(indent);
            }
            let Some((key, scalar)) = yaml_entry(entry) else {
                continue;
            };
            if item_indent == Some(indent) {
                sketch.push(format!("[].{key}"), scalar);
            } else if indent == 0 {
                key.clone_into(&mut top);
                child_indent = None;
                sketch.push(key.to_owned(), scalar);
            } else if item_indent.is_none() && !top.is_empty() {
                if child_indent.is_none() {
                    child_indent = Some(indent);
                }
                if child_indent == Some(indent) {
                    sketch.push(format!("{top}.{key}"), scalar);
                }
            }
        }
        sketch
    }

    fn push(&mut self, path: String, scalar: Option<String>) {
        if self.entries.len() < MAX_ENTRIES {
            self.entries.push((path, scalar));
        }
    }

    /// Whether the key is there.
    pub fn has(&self, path: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == path)
    }

    /// The text of a scalar.
    pub fn scalar(&self, path: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|(known, _)| known == path)
            .and_then(|(_, scalar)| scalar.as_deref())
    }

    /// The keys of the first level, in order.
    pub fn top_keys(&self) -> impl Iterator<Item = &str> {
        self.entries
            .iter()
            .map(|(path, _)| path.as_str())
            .filter(|path| !path.contains('.') && !path.ends_with("[]"))
    }

    /// All paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(path, _)| path.as_str())
    }
}

/// Splits `key: scalar`; `None` for anything else.
fn yaml_entry(entry: &str) -> Option<(&str, Option<String>)> {
    let (key, rest) = entry.split_once(':')?;
    let key = key.trim_end().trim_matches(['"', '\'']);
    if key.is_empty() || key.len() > 128 || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let scalar = rest.trim();
    let scalar = scalar.split(" #").next().unwrap_or(scalar).trim();
    let scalar = scalar.trim_matches(['"', '\'']);
    let kept = (!scalar.is_empty()).then(|| scalar.chars().take(MAX_SCALAR).collect());
    Some((key, kept))
}

struct Scan<'a> {
    text: &'a [u8],
    pos: usize,
    sketch: Sketch,
}

impl Scan<'_> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.get(self.pos) {
            if !byte.is_ascii_whitespace() {
                return Some(byte);
            }
            self.pos += 1;
        }
        None
    }

    /// Scans a value, keeping its keys; `None` where the text ends or is no JSON.
    fn value(&mut self, path: &str, keys: u8, nesting: u8) -> Option<()> {
        let first = self.peek()?;
        if nesting >= MAX_NESTING || keys >= MAX_KEYS && matches!(first, b'{' | b'[') {
            return self.skip();
        }
        match first {
            b'{' => self.object(path, keys, nesting),
            b'[' => {
                self.pos += 1;
                if self.peek()? == b']' {
                    self.pos += 1;
                    return Some(());
                }
                self.value(&format!("{path}[]"), keys, nesting + 1)?;
                loop {
                    match self.peek()? {
                        b']' => {
                            self.pos += 1;
                            return Some(());
                        }
                        b',' => {
                            self.pos += 1;
                            self.skip()?;
                        }
                        _ => return None,
                    }
                }
            }
            _ => {
                let start = self.pos;
                self.skip()?;
                let raw = self.text.get(start..self.pos)?;
                let raw = raw.get(..raw.len().min(MAX_SCALAR)).unwrap_or(raw);
                let scalar = String::from_utf8_lossy(raw).trim_matches('"').to_owned();
                match self.sketch.entries.last_mut() {
                    Some((known, value)) if known == path => *value = Some(scalar),
                    _ => self.sketch.push(path.to_owned(), Some(scalar)),
                }
                Some(())
            }
        }
    }

    fn object(&mut self, path: &str, keys: u8, nesting: u8) -> Option<()> {
        self.pos += 1;
        loop {
            match self.peek()? {
                b'}' => {
                    self.pos += 1;
                    return Some(());
                }
                b',' => self.pos += 1,
                b'"' => {
                    let start = self.pos + 1;
                    self.skip()?;
                    let raw = self.text.get(start..self.pos.saturating_sub(1))?;
                    let key = String::from_utf8_lossy(raw.get(..raw.len().min(128)).unwrap_or(raw));
                    if self.peek()? != b':' {
                        return None;
                    }
                    self.pos += 1;
                    let child = if path.is_empty() {
                        key.into_owned()
                    } else {
                        format!("{path}.{key}")
                    };
                    self.sketch.push(child.clone(), None);
                    self.value(&child, keys + 1, nesting + 1)?;
                }
                _ => return None,
            }
        }
    }

    /// Steps over one value of any depth without recursion.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.pos += 1;
                    self.string()?;
                }
                b'{' | b'[' => {
                    self.pos += 1;
                    depth += 1;
                }
                b'}' | b']' => {
                    self.pos += 1;
                    depth = depth.checked_sub(1)?;
                }
                b',' | b':' if depth > 0 => self.pos += 1,
                b',' | b':' => return None,
                _ => {
                    while self.text.get(self.pos).is_some_and(|byte| {
                        !byte.is_ascii_whitespace() && !b",:]}[{\"".contains(byte)
                    }) {
                        self.pos += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Steps over the rest of a string, whose opening quote is behind.
    fn string(&mut self) -> Option<()> {
        loop {
            match self.text.get(self.pos)? {
                b'"' => {
                    self.pos += 1;
                    return Some(());
                }
                b'\\' => self.pos += 2,
                _ => self.pos += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keys_of_two_levels_and_first_elements() {
        let sketch = Sketch::of_json(
            br#"{"a": {"b": 1, "c": {"d": 2}}, "r": [{"t": "x"}, {"u": 1}], "z": "q\"w"} tail"#,
        );
        assert_eq!(
            sketch.paths().collect::<Vec<_>>(),
            ["a", "a.b", "a.c", "r", "r[].t", "z"]
        );
        assert_eq!(sketch.scalar("a.b"), Some("1"));
        assert_eq!(sketch.scalar("r[].t"), Some("x"));
        assert_eq!(sketch.closed_at, Some(72));
    }

    #[test]
    fn cut_off_and_hostile_json_end_quietly() {
        for text in [
            "{",
            "{\"a\"",
            "{\"a\":",
            "[[[[[[[[[",
            "",
            "}",
            "{]",
            "\"\\",
            "{\"a\":1,,}",
            ":",
        ] {
            let _ = Sketch::of_json(text.as_bytes());
        }
        assert!(
            Sketch::of_json("[".repeat(1_000_000).as_bytes())
                .closed_at
                .is_none()
        );
    }

    #[test]
    fn yaml_keys_of_the_first_document() {
        let sketch = Sketch::of_yaml(
            "# c\n---\napiVersion: v1 # x\nkind: \"List\"\nmetadata:\n  name: a\n  labels:\n    x: y\n---\nother: 1\n",
        );
        assert_eq!(
            sketch.paths().collect::<Vec<_>>(),
            [
                "apiVersion",
                "kind",
                "metadata",
                "metadata.name",
                "metadata.labels"
            ]
        );
        assert_eq!(sketch.scalar("kind"), Some("List"));
        let items = Sketch::of_yaml("- match: a\n  value: 3\n- match: b\n  other: 3\n");
        assert_eq!(items.paths().collect::<Vec<_>>(), ["[].match", "[].value"]);
    }
}
