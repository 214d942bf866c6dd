//! What a document does not say about itself but its reader must know: which repository a
//! CODEOWNERS file belongs to, which cluster a dump was taken from.

use std::sync::Arc;

use serde::Deserialize;

/// The name of the file that states the context of its folder and what lies below.
pub const CONTEXT_FILE: &str = "foothold.yaml";

/// What the surroundings of a document say. A `foothold.yaml` in a folder sets it for the folder
/// and everything below; a nearer file wins, key by key.
///
/// ```yaml
/// repository: repo://github.com/acme/checkout
/// image: registry.example/acme/checkout:1.4
/// cluster: prod
/// account: "111122223333"
/// service: checkout
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
        }
    }

    /// The cluster's name, `default` where nobody says.
    pub fn cluster(&self) -> &str {
        self.cluster.as_deref().unwrap_or("default")
    }
}
