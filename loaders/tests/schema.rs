//! The table of names that no loader states is true of the loaders' sources.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::Path;

use foothold_engine::model::schema::{self, NOT_LOADED};

/// The sources under a folder, without their tests.
fn sources(folder: &Path, text: &mut String) {
    let entries = std::fs::read_dir(folder).expect("a folder of sources");
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            let source = std::fs::read_to_string(&path).expect("a source");
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            text.push_str(code);
        }
    }
}

/// Whether the code states the name: as a label in a list, as the value of a property that is set,
/// or, for kinds, at all.
fn states(code: &str, name: &str) -> bool {
    let words: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((_, property)) = name.split_once('.') {
        let literal = format!("\"{property}\"");
        return words.match_indices(&literal).any(|(at, _)| {
            let before: Vec<char> = words[..at].chars().rev().take(24).collect();
            before.iter().rev().collect::<String>().contains(".set")
        });
    }
    let is_kind = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    if is_kind {
        return words.contains(&format!("\"{name}\""));
    }
    let in_list = [format!("[\"{name}\""), format!("\"{name}\"]")];
    in_list.iter().any(|literal| words.contains(literal))
}

#[test]
fn what_no_loader_states_is_in_no_loader() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut loaders = String::new();
    sources(&root.join("src"), &mut loaders);
    // The look itself sees labels, kinds and properties that are stated.
    for name in ["Image", "CONTAINS", "Finding.class"] {
        assert!(states(&loaders, name), "{name}");
    }
    let mut correlation = String::new();
    sources(
        &root.join("../engine/src/build/correlate"),
        &mut correlation,
    );
    for name in NOT_LOADED {
        assert!(!states(&loaders, name), "{name} is loaded");
    }
    // And of the names that came with the supply chain, the others are stated somewhere.
    for name in ["RegistryRepository", "HOLDS", "REVEALS", "SYNCED_TO"] {
        let literal = format!("\"{name}\"");
        assert!(!NOT_LOADED.contains(&name));
        assert!(
            loaders.contains(&literal) || correlation.contains(&literal),
            "{name} is stated nowhere"
        );
    }
}

#[test]
fn what_no_loader_states_is_known_to_the_schema() {
    for name in NOT_LOADED {
        let known = |name: &str| schema::label(name).is_some() || schema::kind(name).is_some();
        let is_known = match (name.split_once('.'), name.split_once("-[:")) {
            (Some((label, property)), _) => schema::label(label)
                .is_some_and(|spec| spec.properties.iter().any(|one| one.name == property)),
            (_, Some((label, kind))) => known(label) && known(kind.trim_end_matches(']')),
            _ => known(name),
        };
        assert!(is_known, "{name}");
    }
}
