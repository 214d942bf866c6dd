//! The parts of Trivy's reports that are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::decode::or_default;

/// A report about one artifact.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Report {
    pub(super) trivy: TrivyTool,
    pub(super) created_at: Option<String>,
    pub(super) artifact_name: String,
    pub(super) artifact_type: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    pub(super) results: Vec<ScanResult>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TrivyTool {
    pub(super) version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Metadata {
    #[serde(rename = "OS")]
    pub(super) os: Option<Os>,
    #[serde(rename = "ImageID")]
    pub(super) image_id: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) repo_tags: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) repo_digests: Vec<String>,
    #[serde(rename = "RepoURL")]
    pub(super) repo_url: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) image_config: ImageConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Os {
    pub(super) family: String,
    pub(super) name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ImageConfig {
    #[serde(deserialize_with = "or_default")]
    pub(super) config: RunConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RunConfig {
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
}

/// A report about a cluster.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ClusterReport {
    pub(super) cluster_name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) resources: Vec<Resource>,
    #[serde(deserialize_with = "or_default")]
    pub(super) vulnerabilities: Vec<Resource>,
    #[serde(deserialize_with = "or_default")]
    pub(super) misconfigurations: Vec<Resource>,
    #[serde(deserialize_with = "or_default")]
    pub(super) findings: Vec<Resource>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Resource {
    pub(super) namespace: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) metadata: MetadataList,
    #[serde(deserialize_with = "or_default")]
    pub(super) results: Vec<ScanResult>,
}

/// One metadata object, or since 0.51 a list with one for each image.
#[derive(Debug, Default)]
pub(super) struct MetadataList(pub(super) Vec<Metadata>);

impl<'de> Deserialize<'de> for MetadataList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> serde::de::Visitor<'de> for ListVisitor {
            type Value = Vec<Metadata>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("metadata or a list of it")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut access: A,
            ) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(metadata) = access.next_element()? {
                    list.push(metadata);
                }
                Ok(list)
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                access: A,
            ) -> Result<Self::Value, A::Error> {
                let access = serde::de::value::MapAccessDeserializer::new(access);
                Ok(vec![Metadata::deserialize(access)?])
            }
        }
        deserializer.deserialize_any(ListVisitor).map(MetadataList)
    }
}

/// What was found in one target: a file, a package list, a configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ScanResult {
    pub(super) target: String,
    pub(super) class: Option<String>,
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) packages: Vec<Package>,
    #[serde(deserialize_with = "or_default")]
    pub(super) vulnerabilities: Vec<Vulnerability>,
    #[serde(deserialize_with = "or_default")]
    pub(super) misconfigurations: Vec<Misconfiguration>,
    #[serde(deserialize_with = "or_default")]
    pub(super) secrets: Vec<Secret>,
    #[serde(deserialize_with = "or_default")]
    pub(super) licenses: Vec<serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Package {
    #[serde(rename = "ID")]
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) version: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) identifier: Identifier,
    #[serde(deserialize_with = "or_default")]
    pub(super) licenses: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) depends_on: Vec<String>,
    pub(super) relationship: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Identifier {
    #[serde(rename = "PURL")]
    pub(super) purl: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Vulnerability {
    #[serde(rename = "VulnerabilityID")]
    pub(super) id: String,
    pub(super) pkg_name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) pkg_identifier: Identifier,
    pub(super) pkg_path: Option<String>,
    pub(super) installed_version: String,
    pub(super) fixed_version: Option<String>,
    pub(super) status: Option<String>,
    pub(super) title: Option<String>,
    pub(super) severity: String,
    #[serde(rename = "CweIDs", deserialize_with = "or_default")]
    pub(super) cwe_ids: Vec<String>,
    #[serde(rename = "CVSS", deserialize_with = "or_default")]
    pub(super) cvss: BTreeMap<String, Cvss>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Cvss {
    #[serde(rename = "V2Vector")]
    pub(super) v2_vector: Option<String>,
    #[serde(rename = "V3Vector")]
    pub(super) v3_vector: Option<String>,
    #[serde(rename = "V40Vector")]
    pub(super) v40_vector: Option<String>,
    #[serde(rename = "V2Score")]
    pub(super) v2_score: Option<f64>,
    #[serde(rename = "V3Score")]
    pub(super) v3_score: Option<f64>,
    #[serde(rename = "V40Score")]
    pub(super) v40_score: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Misconfiguration {
    #[serde(rename = "ID")]
    pub(super) id: String,
    pub(super) title: String,
    pub(super) message: String,
    pub(super) severity: String,
    pub(super) status: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) cause_metadata: Cause,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Cause {
    pub(super) resource: String,
    pub(super) start_line: i64,
}

/// A secret. Its text (`Match`, `Code`) is never read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Secret {
    #[serde(rename = "RuleID")]
    pub(super) rule_id: String,
    pub(super) title: String,
    pub(super) severity: String,
    pub(super) start_line: i64,
}
