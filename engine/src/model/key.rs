//! Natural keys. A node id names one thing in the world and says which world: `scheme:rest`.

use thiserror::Error;

/// The longest node id that is accepted, in bytes.
pub const MAX_ID_BYTES: usize = 4096;

/// Why a node id was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdError {
    /// The id has no scheme, so the same name in two tenants would be one node; qualify it, for
    /// example `repo://github.com/acme/shop` or `pkg:npm/express@4.18.2`.
    #[error("id `{0}` has no scheme; write `scheme:rest`")]
    Bare(String),
    /// The id is longer than 4,096 bytes.
    #[error("id of {0} bytes is longer than 4096")]
    TooLong(usize),
    /// The id holds control characters.
    #[error("id holds control characters")]
    Control,
}

/// Checks that `id` is qualified: a scheme of letters, digits, `+`, `-`, `.` that starts with a
/// letter, a colon, and a rest that is not empty.
pub fn validate_id(id: &str) -> Result<(), IdError> {
    if id.len() > MAX_ID_BYTES {
        return Err(IdError::TooLong(id.len()));
    }
    if id.chars().any(char::is_control) {
        return Err(IdError::Control);
    }
    let qualified = id.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && !rest.is_empty()
    });
    if qualified {
        Ok(())
    } else {
        Err(IdError::Bare(id.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn qualified_ids_pass_and_bare_names_do_not() {
        for id in [
            "pkg:npm/a@1",
            "arn:aws:s3:::b",
            "k8s://c/ns/Pod/p",
            "vuln:CVE-2021-44228",
        ] {
            assert_eq!(validate_id(id), Ok(()), "{id}");
        }
        for id in ["", "web", ":x", "1a:x", "a b:x", "x:", "näh:x"] {
            assert!(matches!(validate_id(id), Err(IdError::Bare(_))), "{id}");
        }
        assert_eq!(validate_id("a:\u{7}"), Err(IdError::Control));
        assert_eq!(
            validate_id(&format!("a:{}", "x".repeat(5000))),
            Err(IdError::TooLong(5002))
        );
    }

    proptest! {
        #[test]
        fn a_name_without_a_colon_never_passes(name in "[^:]*") {
            prop_assert!(validate_id(&name).is_err());
        }
    }
}
