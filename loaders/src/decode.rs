//! Bounded decoders: JSON and YAML with places in errors, streams line by line.

pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod tree;
pub(crate) mod yaml;

pub use tree::Tree;

/// Reads `null` as absence, for fields that some tools write as `null`.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de> + Default,
{
    let value: Option<T> = serde::Deserialize::deserialize(deserializer)?;
    Ok(value.unwrap_or_default())
}

/// Rewrites a decoder's message for people: no Rust type names, no place (kept apart), user text
/// in backticks.
fn plain_message(message: &str) -> String {
    let message = match message.rfind(" at line ") {
        Some(end) => &message[..end],
        None => message,
    };
    if let Some(inside) = message.strip_prefix("EOF while parsing ") {
        return format!("the document ends inside {inside}");
    }
    let mut words = Vec::new();
    let mut rest = message.split(' ').peekable();
    while let Some(word) = rest.next() {
        if word == "struct" && rest.peek().is_some() {
            rest.next();
            words.push("an object");
        } else {
            words.push(word);
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::plain_message;

    #[test]
    fn messages_name_no_types() {
        assert_eq!(
            plain_message("invalid type: string \"x\", expected struct Bom at line 3 column 4"),
            "invalid type: string \"x\", expected an object"
        );
    }
}
