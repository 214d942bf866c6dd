//! YAML within a budget that grows with the input, so that an alias bomb stays small and a long
//! honest list passes.

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Options};

use crate::error::{LoadError, Place};
use crate::limits::Limits;

use super::plain_message;

/// Decodes every document of a YAML text; empty ones are left out.
pub(crate) fn documents<T: DeserializeOwned>(
    text: &str,
    limits: &Limits,
) -> Result<Vec<T>, LoadError> {
    serde_saphyr::from_multiple_with_options(text, options(text.len(), limits))
        .map_err(|error| malformed(&error))
}

fn options(n_bytes: usize, limits: &Limits) -> Options {
    // No node takes less than one byte of input; what aliases add is counted against the same
    // sum, so expansion is at most a small multiple of the input.
    let n_nodes = n_bytes.saturating_add(10_000);
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: limits.max_depth.min(64),
            max_nodes: n_nodes,
            max_events: n_nodes.saturating_mul(3),
            max_documents: limits.max_entries,
            max_aliases: 10_000,
            max_anchors: 10_000,
            max_total_scalar_bytes: n_bytes.saturating_mul(4).saturating_add(1 << 20),
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: n_nodes.saturating_mul(2),
        },
        with_snippet: false,
        strict_booleans: true,
        ignore_binary_tag_for_string: true,
    }
}

fn malformed(error: &Error) -> LoadError {
    let place = match error.without_snippet().location() {
        Some(location) if location.line() > 0 => Place::line(location.line(), location.column()),
        _ => Place::default(),
    };
    let rendered = error.render();
    let message = rendered
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("not valid YAML");
    // The renderer starts or ends with the place, which is kept apart.
    let message = message
        .strip_prefix("error: ")
        .unwrap_or(message)
        .trim_start_matches(|c: char| c.is_ascii_digit() || c == ':')
        .trim();
    // Under an alias the cause is text inside another error, so it is known by its words.
    let message = if message.contains("budget breached") {
        "this takes more nesting or aliases than a document of its size may; write it out, or split it"
            .to_owned()
    } else {
        plain_message(message)
    };
    LoadError::Malformed { place, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Tree;
    use std::fmt::Write;

    fn trees(text: &str) -> Result<Vec<Tree>, LoadError> {
        documents(text, &Limits::default())
    }

    #[test]
    fn several_documents() {
        let found = trees("# none\n---\na: 1\n---\n---\nb: on\n").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].0, serde_json::json!({"b": "on"}));
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let below = level - 1;
            let aliases = vec![format!("*a{below}"); 9].join(", ");
            let _ = writeln!(text, "a{level}: &a{level} [{aliases}]");
        }
        let error = trees(&text).unwrap_err().to_string();
        assert!(error.starts_with("line "), "{error}");
        assert!(error.ends_with("write it out, or split it"), "{error}");
        // An alias that names nothing is no bomb.
        let error = trees("a: *b\n").unwrap_err().to_string();
        assert!(!error.contains("split"), "{error}");
    }

    #[test]
    fn a_long_honest_list_passes() {
        let text = "- a\n".repeat(400_000);
        assert_eq!(
            trees(&text).unwrap()[0].0.as_array().unwrap().len(),
            400_000
        );
    }

    #[test]
    fn deep_nesting_and_a_key_twice_are_refused_with_a_place() {
        let deep = trees(&"[".repeat(200_000)).unwrap_err().to_string();
        assert!(deep.starts_with("line 1 column"), "{deep}");
        let twice = trees("a: 1\nb: 2\na: 3\n").unwrap_err().to_string();
        assert!(twice.starts_with("line 3 column 1: "), "{twice}");
    }
}
