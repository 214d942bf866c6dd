//! References to container images.

/// A parsed reference, with what its short forms leave out filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRef {
    /// Registry host, `docker.io` where none is named.
    pub registry: String,
    /// Repository path, `library/nginx` for `nginx`.
    pub repository: String,
    /// Tag; `latest` where neither tag nor digest is named.
    pub tag: Option<String>,
    /// `sha256:..`
    pub digest: Option<String>,
}

impl ImageRef {
    /// Reads `nginx`, `acme/web:1.2`, `registry.example:5000/web@sha256:..`; `None` where the text
    /// is no reference (an unfilled template, for instance).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // Container statuses write `docker-pullable://nginx@sha256:..`.
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        if text.is_empty()
            || text.len() > 1024
            || text
                .contains(|c: char| c.is_whitespace() || c.is_control() || "{}$<>\"'".contains(c))
        {
            return None;
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) if is_digest(digest) => (name, Some(digest.to_owned())),
            Some(_) => return None,
            None if is_digest(text) => {
                return Some(Self {
                    registry: String::new(),
                    repository: String::new(),
                    tag: None,
                    digest: Some(text.to_owned()),
                });
            }
            None => (text, None),
        };
        let path_start = name.rfind('/').map_or(0, |slash| slash + 1);
        let (path, tag) = match name.get(path_start..)?.split_once(':') {
            Some((last, tag)) if !tag.is_empty() => {
                (name.get(..path_start + last.len())?, Some(tag.to_owned()))
            }
            Some(_) => return None,
            None => (name, None),
        };
        let (registry, repository) = match path.split_once('/') {
            Some((first, rest))
                if first.contains(['.', ':']) || first == "localhost" || first.is_empty() =>
            {
                (first, rest.to_owned())
            }
            Some(_) => ("docker.io", path.to_owned()),
            None => ("docker.io", format!("library/{path}")),
        };
        let registry = match registry {
            "index.docker.io" | "registry-1.docker.io" => "docker.io",
            other => other,
        };
        let repository = match repository.split_once('/') {
            None if registry == "docker.io" => format!("library/{repository}"),
            _ => repository,
        };
        if registry.is_empty() || repository.is_empty() || repository.ends_with('/') {
            return None;
        }
        let tag = match (&tag, &digest) {
            (None, None) => Some("latest".to_owned()),
            _ => tag,
        };
        Some(Self {
            registry: registry.to_ascii_lowercase(),
            repository,
            tag,
            digest,
        })
    }

    /// The node id: by digest where one is known, since tags move.
    pub fn id(&self) -> String {
        match &self.digest {
            Some(digest) => format!("image://{digest}"),
            None => self.tag_id().unwrap_or_default(),
        }
    }

    /// The id by registry, repository and tag, where there is a tag.
    pub fn tag_id(&self) -> Option<String> {
        let tag = self.tag.as_deref()?;
        Some(format!(
            "image://{}/{}:{tag}",
            self.registry, self.repository
        ))
    }
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        matches!(algorithm, "sha256" | "sha384" | "sha512")
            && hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(text: &str) -> Option<String> {
        ImageRef::parse(text).map(|image| image.id())
    }

    #[test]
    fn short_forms_are_filled_in() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for (text, expected) in [
            ("nginx", "image://docker.io/library/nginx:latest"),
            ("acme/web:1.2", "image://docker.io/acme/web:1.2"),
            (
                "index.docker.io/nginx:1",
                "image://docker.io/library/nginx:1",
            ),
            ("Quay.io/a/b/c:x", "image://quay.io/a/b/c:x"),
            ("localhost/web", "image://localhost/web:latest"),
            ("r.example:5000/web", "image://r.example:5000/web:latest"),
            (&format!("web@{digest}"), &format!("image://{digest}")),
            (&format!("web:1@{digest}"), &format!("image://{digest}")),
            (
                &format!("docker-pullable://web@{digest}"),
                &format!("image://{digest}"),
            ),
            (&digest, &format!("image://{digest}")),
        ] {
            assert_eq!(id(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            " ",
            "{{ .Values.image }}",
            "web@sha256:xyz",
            "web:",
            "/web",
            "r.example/",
            "${IMAGE}",
        ] {
            assert_eq!(id(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_reference_gives_a_qualified_id(text in "\\PC*") {
            if let Some(id) = id(&text) {
                prop_assert!(foothold_engine::model::validate_id(&id).is_ok(), "{}", id);
            }
        }
    }
}
