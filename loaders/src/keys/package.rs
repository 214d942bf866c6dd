//! Packages: one id for a package version, whichever tool names it.

use std::str::FromStr;

use foothold_engine::model::{FactRef, Facts, IdError};
use packageurl::PackageUrl;

/// A package version, normalised by the rules of its ecosystem.
///
/// The id keeps type, namespace, name, version and an RPM epoch. Other qualifiers (architecture,
/// distribution release, download address, the generator's own ids) differ from tool to tool for
/// one and the same package and are left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageKey {
    /// The node id, a package URL.
    pub id: String,
    /// Package URL type.
    pub ecosystem: String,
    /// Namespace, where there is one.
    pub namespace: Option<String>,
    /// Name without namespace.
    pub name: String,
    /// Version, where there is one.
    pub version: Option<String>,
}

impl PackageKey {
    /// Reads a package URL; `None` where the text is none.
    pub fn parse(purl: &str) -> Option<Self> {
        // Some generators write an npm scope with a bare `@`, which is legal only encoded.
        let purl = purl.trim();
        let parsed = match PackageUrl::from_str(purl) {
            Ok(parsed) => parsed,
            Err(_) => PackageUrl::from_str(&purl.replacen("npm/@", "npm/%40", 1)).ok()?,
        };
        Self::of(&parsed)
    }

    /// Builds the key of a package that a tool names by parts.
    pub fn from_parts(
        ecosystem: &str,
        namespace: Option<&str>,
        name: &str,
        version: Option<&str>,
    ) -> Option<Self> {
        let mut purl = PackageUrl::new(ecosystem.to_owned(), name.to_owned()).ok()?;
        if let Some(namespace) = namespace.filter(|text| !text.is_empty()) {
            purl.with_namespace(namespace.to_owned()).ok()?;
        }
        if let Some(version) = version.filter(|text| !text.is_empty()) {
            purl.with_version(version.to_owned()).ok()?;
        }
        Self::of(&purl)
    }

    /// Builds the key from a name as its ecosystem writes it: `@scope/name`, `group:artifact`,
    /// `vendor/name`.
    pub fn from_name(ecosystem: &str, full_name: &str, version: Option<&str>) -> Option<Self> {
        let (namespace, name) = match ecosystem {
            "maven" => split_last(full_name, ':').or_else(|| split_last(full_name, '/')),
            "npm" | "composer" | "golang" | "github" | "swift" => split_last(full_name, '/'),
            _ => None,
        }
        .map_or((None, full_name), |(namespace, name)| {
            (Some(namespace), name)
        });
        Self::from_parts(ecosystem, namespace, name, version)
    }

    fn of(purl: &PackageUrl<'_>) -> Option<Self> {
        let ecosystem = purl.ty().to_owned();
        let mut namespace = purl.namespace().and_then(clean_namespace);
        let mut name = purl.name().to_owned();
        let mut version = purl
            .version()
            .filter(|text| !text.is_empty())
            .map(str::to_owned);
        let lower_name = matches!(
            ecosystem.as_str(),
            "golang" | "nuget" | "apk" | "deb" | "npm" | "pypi" | "composer"
        );
        if lower_name {
            name = name.to_lowercase();
            namespace = namespace.map(|text| text.to_lowercase());
        }
        match ecosystem.as_str() {
            "pypi" => name = name.replace(['_', '.'], "-"),
            "golang" => version = version.map(|text| go_version(&text)),
            "composer" => version = version.map(|text| without_v(&text)),
            "rpm" if namespace.as_deref() == Some("rhel") => namespace = Some("redhat".to_owned()),
            _ => {}
        }
        let mut id = PackageUrl::new(ecosystem.clone(), name.clone()).ok()?;
        if let Some(namespace) = &namespace {
            id.with_namespace(namespace.clone()).ok()?;
        }
        if let Some(version) = &version {
            // A slash behind the `@` would read as part of a scoped name.
            id.with_version(version.replace('/', "-")).ok()?;
        }
        let epoch = purl.qualifiers().get("epoch").map(AsRef::as_ref);
        if ecosystem == "rpm"
            && let Some(epoch) = epoch.filter(|epoch| *epoch != "0")
        {
            id.add_qualifier("epoch", epoch.to_owned()).ok()?;
        }
        Some(Self {
            id: id.to_string(),
            ecosystem,
            namespace,
            name,
            version,
        })
    }

    /// States the package's node.
    pub fn state(&self, facts: &mut Facts) -> Result<FactRef, IdError> {
        let fact = facts.node(&self.id, &["Package"])?;
        facts.set(fact, "name", self.name.as_str());
        facts.set_opt(fact, "version", self.version.as_deref());
        facts.set(fact, "ecosystem", self.ecosystem.as_str());
        facts.set(fact, "purl", self.id.as_str());
        Ok(fact)
    }
}

fn split_last(text: &str, separator: char) -> Option<(&str, &str)> {
    let (namespace, name) = text.rsplit_once(separator)?;
    (!namespace.is_empty() && !name.is_empty()).then_some((namespace, name))
}

/// The namespace without empty segments, which have no place in a package URL.
fn clean_namespace(namespace: &str) -> Option<String> {
    let segments: Vec<_> = namespace
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "." | ".."))
        .collect();
    (!segments.is_empty()).then(|| segments.join("/"))
}

/// Go versions carry a `v`; the standard library's come as `1.21.3`, `v1.21.3` or `go1.21.3`.
fn go_version(version: &str) -> String {
    let version = version.strip_prefix("go").unwrap_or(version);
    if version.starts_with(|first: char| first.is_ascii_digit()) {
        format!("v{version}")
    } else {
        version.to_owned()
    }
}

fn without_v(version: &str) -> String {
    match version.strip_prefix('v') {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_digit()) => rest.to_owned(),
        _ => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tools_agree_on_one_id() {
        for (purl, id) in [
            (
                "pkg:apk/alpine/libcrypto3@3.0.7-r0?arch=x86_64&distro=3.17.0",
                "pkg:apk/alpine/libcrypto3@3.0.7-r0",
            ),
            ("pkg:npm/%40babel/core@7.1.0", "pkg:npm/%40babel/core@7.1.0"),
            ("pkg:npm/@babel/core@7.1.0", "pkg:npm/%40babel/core@7.1.0"),
            (
                "pkg:golang/github.com/ProtonMail/Bridge@1.6.3",
                "pkg:golang/github.com/protonmail/bridge@v1.6.3",
            ),
            ("pkg:golang/stdlib@go1.21.3", "pkg:golang/stdlib@v1.21.3"),
            ("pkg:pypi/Jinja2_Time@1.0", "pkg:pypi/jinja2-time@1.0"),
            (
                "pkg:rpm/rhel/openssl@1.1.1k-7.el8?arch=x86_64&epoch=1",
                "pkg:rpm/redhat/openssl@1.1.1k-7.el8?epoch=1",
            ),
            (
                "pkg:composer/laravel/framework@v7.12.0",
                "pkg:composer/laravel/framework@7.12.0",
            ),
            ("pkg:maven/org.A/B@1?type=jar", "pkg:maven/org.A/B@1"),
        ] {
            assert_eq!(PackageKey::parse(purl).unwrap().id, id, "{purl}");
        }
        for text in ["", "pkg:", "express@4", "pkg:npm/", "http://x/y"] {
            assert_eq!(PackageKey::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_as_ecosystems_write_them() {
        for (ecosystem, name, id) in [
            (
                "maven",
                "org.apache.logging.log4j:log4j-core",
                "pkg:maven/org.apache.logging.log4j/log4j-core@2",
            ),
            ("npm", "@babel/core", "pkg:npm/%40babel/core@2"),
            (
                "golang",
                "golang.org/x/net",
                "pkg:golang/golang.org/x/net@v2",
            ),
            ("deb", "openssl", "pkg:deb/openssl@2"),
        ] {
            assert_eq!(
                PackageKey::from_name(ecosystem, name, Some("2"))
                    .unwrap()
                    .id,
                id
            );
        }
    }

    proptest! {
        #[test]
        fn ids_are_qualified_and_normalising_twice_changes_nothing(
            ecosystem in "npm|pypi|golang|maven|deb|rpm|nuget|gem|weird",
            namespace in proptest::option::of("[a-zA-Z@][a-zA-Z0-9@._/-]{0,12}"),
            name in "[ -~]{1,16}",
            version in proptest::option::of("[ -~]{0,12}"),
        ) {
            if let Some(key) = PackageKey::from_parts(&ecosystem, namespace.as_deref(), &name, version.as_deref()) {
                prop_assert!(foothold_engine::model::validate_id(&key.id).is_ok(), "{}", key.id);
                let again = PackageKey::parse(&key.id);
                prop_assert_eq!(again.map(|again| again.id), Some(key.id));
            }
        }
    }
}
