//! What a document does not say about itself but its reader must know: which repository a
//! CODEOWNERS file belongs to, which cluster a dump was taken from.

use std::collections::BTreeMap;
use std::sync::Arc;

use foothold_engine::model::Facts;
use serde::Deserialize;

/// The name of the file that states the context of its folder and what lies below.
pub const CONTEXT_FILE: &str = "foothold.yaml";

/// What the surroundings of a document say. A `foothold.yaml` in a folder sets it for the folder
/// and everything below; a nearer file wins, key by key. Under `documents` stands what holds for
/// some files of that folder alone.
///
/// ```yaml
/// repository: repo://github.com/acme/checkout
/// image: registry.example/acme/checkout:1.4
/// cluster: prod
/// account: "111122223333"
/// service: checkout
/// documents:
///   "*-relevant.json":
///     runtime: loaded
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping of context keys")]
pub struct Context {
    /// Id of the repository that code findings, manifests and owners belong to.
    pub repository: Option<Arc<str>>,
    /// Reference of the image that a bill of materials or scan describes, where it names none.
    pub image: Option<Arc<str>>,
    /// Name of the Kubernetes cluster.
    pub cluster: Option<Arc<str>>,
    /// Cloud account.
    pub account: Option<Arc<str>>,
    /// Name of the service that an API description belongs to.
    pub service: Option<Arc<str>>,
    /// What was seen at run time of everything that the document says is contained or affected,
    /// where the document itself does not say.
    pub runtime: Option<Runtime>,
    /// What holds for the files of this folder with such a name; `*` stands for any text. Of
    /// several names that fit, the first in byte order wins, key by key.
    #[serde(default)]
    pub documents: BTreeMap<Arc<str>, Context>,
}

/// What a document that was filtered by observation at run time says of all its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// It was seen loaded.
    Loaded,
    /// It was seen executed.
    Executed,
}

impl Runtime {
    /// The place in the reachability lattice.
    fn reachability(self) -> &'static str {
        match self {
            Runtime::Loaded => "loaded",
            Runtime::Executed => "executed",
        }
    }

    /// Says it of what the document contains and is affected by.
    pub(crate) fn mark(self, facts: &mut Facts) {
        facts.set_on_edges(
            &["CONTAINS", "AFFECTED_BY"],
            "reachability",
            self.reachability(),
        );
    }
}

impl Context {
    /// This context with the gaps filled from `outer`.
    #[must_use]
    pub fn within(&self, outer: &Context) -> Context {
        let pick = |inner: &Option<Arc<str>>, outer: &Option<Arc<str>>| {
            inner.clone().or_else(|| outer.clone())
        };
        Context {
            repository: pick(&self.repository, &outer.repository),
            image: pick(&self.image, &outer.image),
            cluster: pick(&self.cluster, &outer.cluster),
            account: pick(&self.account, &outer.account),
            service: pick(&self.service, &outer.service),
            runtime: self.runtime.or(outer.runtime),
            // Names are of one folder.
            documents: self.documents.clone(),
        }
    }

    /// What holds for one file of the folder that this is the context of.
    #[must_use]
    pub fn of_file(&self, name: &str) -> Context {
        let fits = self
            .documents
            .iter()
            .filter(|(pattern, _)| glob(pattern, name));
        let mut own = Context::default();
        for (_, stated) in fits {
            own = own.within(stated);
        }
        own = own.within(self);
        own.documents.clear();
        own
    }

    /// The cluster's name, `default` where nobody says.
    pub fn cluster(&self) -> &str {
        self.cluster.as_deref().unwrap_or("default")
    }
}

/// Whether `*` in the pattern can stand for such texts that it becomes the name.
fn glob(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        // The earliest place leaves the most for the parts behind.
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_stars() {
        for (pattern, name, fits) in [
            ("a.json", "a.json", true),
            ("a.json", "b.json", false),
            ("*.json", "a.json", true),
            ("nginx*", "nginx-1.json", true),
            ("*-relevant*.json", "nginx-relevant-2.json", true),
            ("*-relevant*.json", "nginx.json", false),
            ("ab*b", "ab", false),
            ("*a*a*", "a", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn a_file_has_what_its_name_says_and_then_what_its_folder_says() {
        let context: Context = serde_json::from_str(
            r#"{"cluster": "prod", "service": "shop", "documents": {
                "*-relevant.json": {"runtime": "loaded", "cluster": "test"},
                "nginx-*": {"image": "nginx:1", "cluster": "later"}}}"#,
        )
        .unwrap();
        let own = context.of_file("nginx-relevant.json");
        assert_eq!(own.runtime, Some(Runtime::Loaded));
        assert_eq!(own.cluster(), "test");
        assert_eq!(own.image.as_deref(), Some("nginx:1"));
        assert_eq!(own.service.as_deref(), Some("shop"));
        let other = context.of_file("other.json");
        assert_eq!((other.runtime, other.cluster()), (None, "prod"));
    }

    #[test]
    fn an_unknown_observation_is_an_error_that_names_the_known_ones() {
        let error = serde_json::from_str::<Context>(r#"{"runtime": "maybe"}"#).unwrap_err();
        assert!(
            error.to_string().contains("`loaded` or `executed`"),
            "{error}"
        );
    }
}
