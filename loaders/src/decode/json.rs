//! JSON, at most 128 levels deep.

use serde::de::DeserializeOwned;

use crate::error::{LoadError, Place};

use super::plain_message;

/// Decodes one JSON value that fills `text`.
pub(crate) fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, LoadError> {
    match serde_json::from_slice(text) {
        Ok(value) => Ok(value),
        Err(error) => Err(malformed(&error, pointer_of_error::<T>(text))),
    }
}

/// Decodes a JSON value that is a part of a document, at `pointer`.
pub(crate) fn from_value<T: DeserializeOwned>(
    value: serde_json::Value,
    pointer: &str,
) -> Result<T, LoadError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inside = render_pointer(error.path());
        LoadError::Malformed {
            place: Place::pointer(format!("{pointer}{inside}")),
            message: plain_message(&error.inner().to_string()),
        }
    })
}

/// Calls `each` with every JSON value of a text that holds several, one after the other.
pub(crate) fn each_value<T: DeserializeOwned>(
    text: &[u8],
    mut each: impl FnMut(usize, T) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    let stream = serde_json::Deserializer::from_slice(text).into_iter::<T>();
    for (index, value) in stream.enumerate() {
        match value {
            Ok(value) => each(index, value)?,
            Err(error) => return Err(malformed(&error, None)),
        }
    }
    Ok(())
}

pub(crate) fn malformed(error: &serde_json::Error, pointer: Option<String>) -> LoadError {
    let line_column = (error.line() > 0).then(|| (error.line() as u64, error.column() as u64));
    LoadError::Malformed {
        place: Place {
            line_column,
            pointer: pointer.filter(|pointer| !pointer.is_empty()),
        },
        message: plain_message(&error.to_string()),
    }
}

/// Decodes again, this time tracking the path: only documents that fail pay for it.
fn pointer_of_error<T: DeserializeOwned>(text: &[u8]) -> Option<String> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => None,
        Err(error) => Some(render_pointer(error.path())),
    }
}

fn render_pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    use std::fmt::Write;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                let _ = write!(pointer, "/{index}");
            }
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[allow(dead_code, reason = "only its errors matter")]
        items: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[allow(dead_code, reason = "only its errors matter")]
        name: String,
    }

    fn message(text: &str) -> String {
        from_slice::<Outer>(text.as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn errors_name_place_and_expectation() {
        assert_eq!(
            message("{\"items\": [\n {\"name\": \"a\"},\n {\"name\": 3}]}"),
            "line 3 column 11 at `/items/1/name`: invalid type: integer `3`, expected a string"
        );
        assert_eq!(
            message("{\"items\": [{\"name\": \"a\"}"),
            "line 1 column 24 at `/items`: the document ends inside a list"
        );
        assert_eq!(
            message("{\"items\": 3}"),
            "line 1 column 11 at `/items`: invalid type: integer `3`, expected a sequence"
        );
        assert_eq!(
            message("{\"items\": [], \"items\": []}"),
            "line 1 column 21: duplicate field `items`"
        );
        assert!(message(&"[".repeat(200_000)).contains("line 1"));
    }
}
