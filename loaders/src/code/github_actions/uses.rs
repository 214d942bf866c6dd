//! Actions and reusable workflows that a job takes from elsewhere.

/// What stands behind `uses`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Uses<'a> {
    /// `./..`, of the own repository.
    Local,
    /// `owner/name[/path]@ref`.
    Repository {
        /// `owner` in lower case.
        owner: String,
        /// `name` in lower case.
        name: String,
        /// The version as written.
        version: &'a str,
    },
    /// `docker://image`.
    Image {
        /// Without the scheme.
        reference: &'a str,
    },
    /// Nothing of it.
    Unreadable,
}

/// Publishers that run the machines of the jobs as well: whoever controls them needs no action.
const OF_THE_HOST: [&str; 2] = ["actions", "github"];

impl<'a> Uses<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let text = text.trim();
        if text.starts_with("./") || text.starts_with("../") {
            return Uses::Local;
        }
        if let Some(reference) = text.strip_prefix("docker://") {
            return Uses::Image { reference };
        }
        let Some((path, version)) = text.split_once('@') else {
            return Uses::Unreadable;
        };
        let mut parts = path.split('/');
        let is_name = |part: &&str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        match (parts.next().filter(is_name), parts.next().filter(is_name)) {
            (Some(owner), Some(name)) if !version.is_empty() => Uses::Repository {
                owner: owner.to_lowercase(),
                name: name.to_lowercase(),
                version,
            },
            _ => Uses::Unreadable,
        }
    }
}

/// Whether a version is a commit: nothing else of 40 (or, with SHA-256, 64) hexadecimal digits can
/// be made to mean another one.
pub(super) fn is_commit(version: &str) -> bool {
    matches!(version.len(), 40 | 64) && version.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether the publisher is the code host itself.
pub(super) fn is_of_the_host(owner: &str) -> bool {
    OF_THE_HOST.contains(&owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_an_action_comes_from() {
        let of = |owner: &str, name: &str, version| Uses::Repository {
            owner: owner.to_owned(),
            name: name.to_owned(),
            version,
        };
        for (text, expected) in [
            ("actions/checkout@v4", of("actions", "checkout", "v4")),
            (
                "GitHub/CodeQL-Action/init@v3",
                of("github", "codeql-action", "v3"),
            ),
            (
                "o/r/.github/workflows/x.yml@refs/heads/main",
                of("o", "r", "refs/heads/main"),
            ),
            ("./.github/actions/x", Uses::Local),
            ("./.github/workflows/x.yml@v1", Uses::Local),
            (
                "docker://alpine:3.8",
                Uses::Image {
                    reference: "alpine:3.8",
                },
            ),
            ("actions/checkout", Uses::Unreadable),
            ("actions@v4", Uses::Unreadable),
            ("a/b@", Uses::Unreadable),
            ("a b/c@v1", Uses::Unreadable),
            ("${{ matrix.action }}", Uses::Unreadable),
            ("", Uses::Unreadable),
        ] {
            assert_eq!(Uses::of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_commit_has_forty_digits() {
        assert!(is_commit(&"0a".repeat(20)));
        assert!(is_commit(&"0A".repeat(32)));
        for version in ["v4", "main", "0a0a0a0", &"0g".repeat(20), &"0a".repeat(21)] {
            assert!(!is_commit(version), "{version}");
        }
    }
}
