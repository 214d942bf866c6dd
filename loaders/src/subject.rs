//! What a bill of materials or a scan is about: an image, a repository, or an application.

use foothold_engine::model::{Facts, IdError};

use crate::document::Document;
use crate::keys::{ImageRef, repository_id};

/// What a document says about one image.
#[derive(Debug, Clone, Default)]
pub(crate) struct ImageSubject {
    /// References to it, by digest or tag.
    pub(crate) references: Vec<ImageRef>,
    /// The name as written.
    pub(crate) name: Option<String>,
    /// Distribution and release.
    pub(crate) os: Option<String>,
    /// Value of `org.opencontainers.image.source`.
    pub(crate) source_repository: Option<String>,
    /// Value of `org.opencontainers.image.revision`.
    pub(crate) revision: Option<String>,
}

impl ImageSubject {
    /// An image known by whatever of `texts` is a reference.
    pub(crate) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut subject = Self::default();
        for text in texts {
            if let Some(reference) = ImageRef::parse(text) {
                subject.name.get_or_insert_with(|| text.to_owned());
                if !subject.references.contains(&reference) {
                    subject.references.push(reference);
                }
            }
        }
        subject
    }

    /// States a node for the digest and one for each tag, joined by `SAME_AS`. Returns the id
    /// that the rest of the document should use: the digest's if there is one. `None` without any
    /// reference.
    pub(crate) fn state(&self, facts: &mut Facts) -> Result<Option<String>, IdError> {
        let digest = self
            .references
            .iter()
            .find(|reference| reference.digest.is_some());
        let mut tags: Vec<&ImageRef> = self
            .references
            .iter()
            .filter(|reference| reference.tag.is_some())
            .collect();
        tags.sort_by_key(|reference| reference.tag_id());
        tags.dedup_by_key(|reference| reference.tag_id());
        let Some(primary) = digest.or_else(|| tags.first().copied()) else {
            return Ok(None);
        };
        // A digest alone names no repository; another reference may.
        let named = self
            .references
            .iter()
            .find(|reference| !reference.repository.is_empty());
        let id = primary.id();
        let fact = facts.node(&id, &["Image"])?;
        facts.set_opt(fact, "name", self.name.as_deref());
        facts.set_opt(fact, "digest", primary.digest.as_deref());
        if let Some(named) = named {
            facts.set(fact, "registry", named.registry.as_str());
            facts.set(fact, "repository", named.repository.as_str());
        }
        facts.set_opt(fact, "tag", tags.first().and_then(|tag| tag.tag.as_deref()));
        facts.set_opt(fact, "os", self.os.as_deref());
        facts.set_opt(fact, "source_repository", self.source_repository.as_deref());
        facts.set_opt(fact, "revision", self.revision.as_deref());
        for tag in tags {
            let Some(tag_id) = tag.tag_id().filter(|tag_id| *tag_id != id) else {
                continue;
            };
            let fact = facts.node(&tag_id, &["Image"])?;
            facts.set_opt(fact, "name", self.name.as_deref());
            facts.set(fact, "registry", tag.registry.as_str());
            facts.set(fact, "repository", tag.repository.as_str());
            facts.set_opt(fact, "tag", tag.tag.as_deref());
            if primary.digest.is_some() {
                facts.edge(&id, "SAME_AS", &tag_id)?;
            }
        }
        Ok(Some(id))
    }
}

/// States the image and the repository that the surroundings of the document name, and returns
/// their ids.
pub(crate) fn surroundings(document: &Document, facts: &mut Facts) -> Result<Vec<String>, IdError> {
    let mut ids = Vec::new();
    if let Some(text) = &document.context().image {
        ids.extend(ImageSubject::of([text.as_ref()]).state(facts)?);
    }
    ids.extend(surrounding_repository(document, facts)?);
    Ok(ids)
}

/// States the repository that the surroundings name.
pub(crate) fn surrounding_repository(
    document: &Document,
    facts: &mut Facts,
) -> Result<Option<String>, IdError> {
    let address = document.context().repository.as_deref();
    let Some(id) = address.and_then(repository_id) else {
        return Ok(None);
    };
    state_repository(&id, facts)?;
    Ok(Some(id))
}

/// States a repository's node.
pub(crate) fn state_repository(id: &str, facts: &mut Facts) -> Result<(), IdError> {
    let fact = facts.node(id, &["Repository"])?;
    let name = id.rsplit('/').next().unwrap_or(id);
    facts.set(fact, "name", name);
    Ok(())
}

/// The file name of a document without folders and extensions, for subjects that no one names.
pub(crate) fn stem(document: &Document) -> String {
    let name = document.name();
    let file = name.rsplit(['/', '!']).next().unwrap_or(name);
    let stem = file.split('.').find(|part| !part.is_empty());
    stem.unwrap_or("unnamed").to_owned()
}

/// Whether the text names an image saved to a file, which is no reference.
pub(crate) fn is_archive(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    [".tar", ".tar.gz", ".tgz"]
        .iter()
        .any(|suffix| lower.ends_with(suffix))
}
