//! The parts of a CycloneDX document that are read.

use serde::{Deserialize, Deserializer};

use crate::decode::or_default;

/// A bill of materials.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Bom {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) components: Vec<Component>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) services: Vec<Service>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) dependencies: Vec<Dependency>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) vulnerabilities: Vec<Vulnerability>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Metadata {
    #[serde(default)]
    pub(crate) timestamp: Option<String>,
    #[serde(default)]
    pub(crate) tools: Tools,
    #[serde(default)]
    pub(crate) component: Option<Component>,
}

/// A list of tools up to 1.4, an object of components and services since.
#[derive(Debug, Default)]
pub(crate) struct Tools(pub(crate) Vec<(String, Option<String>)>);

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Component {
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    #[serde(rename = "bom-ref", default)]
    pub(crate) bom_ref: Option<String>,
    #[serde(default)]
    pub(crate) group: Option<String>,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) version: Option<String>,
    #[serde(default)]
    pub(crate) purl: Option<String>,
    #[serde(default)]
    pub(crate) scope: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) licenses: Vec<LicenseChoice>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) properties: Vec<Property>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) components: Vec<Component>,
}

impl Component {
    /// The value of a generator's own property.
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|property| property.name == name)
            .and_then(|property| property.value.as_deref())
    }
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct LicenseChoice {
    #[serde(default)]
    pub(crate) license: Option<License>,
    #[serde(default)]
    pub(crate) expression: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct License {
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Property {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Service {
    #[serde(rename = "bom-ref", default)]
    pub(crate) bom_ref: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) services: Vec<Service>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dependency {
    #[serde(rename = "ref", default)]
    pub(crate) reference: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) depends_on: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) provides: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Vulnerability {
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(rename = "bom-ref", default)]
    pub(crate) bom_ref: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) references: Vec<Reference>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) ratings: Vec<Rating>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) cwes: Vec<u32>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) recommendation: Option<String>,
    #[serde(default)]
    pub(crate) analysis: Option<Analysis>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) affects: Vec<Affects>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Reference {
    #[serde(default)]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Rating {
    #[serde(default)]
    pub(crate) source: Option<Source>,
    #[serde(default)]
    pub(crate) score: Option<f64>,
    #[serde(default)]
    pub(crate) severity: Option<String>,
    #[serde(default)]
    pub(crate) vector: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Source {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Analysis {
    #[serde(default)]
    pub(crate) state: Option<String>,
    #[serde(default)]
    pub(crate) justification: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Affects {
    #[serde(rename = "ref", default)]
    pub(crate) reference: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) versions: Vec<AffectedVersion>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct AffectedVersion {
    #[serde(default)]
    pub(crate) status: Option<String>,
}

impl Bom {
    /// The generators, last in the chain first: a scanner that adds to another tool's document
    /// comes after it.
    pub(crate) fn tools(&self) -> Vec<(&str, Option<&str>)> {
        self.metadata
            .tools
            .0
            .iter()
            .rev()
            .map(|(name, version)| (name.as_str(), version.as_deref()))
            .collect()
    }
}

impl<'de> Deserialize<'de> for Tools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Tool {
            #[serde(default)]
            name: Option<String>,
            #[serde(default)]
            version: Option<String>,
        }
        #[derive(Deserialize)]
        struct Grouped {
            #[serde(default)]
            components: Vec<Tool>,
            #[serde(default)]
            services: Vec<Tool>,
        }
        struct ToolsVisitor;
        impl<'de> serde::de::Visitor<'de> for ToolsVisitor {
            type Value = Vec<Tool>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of tools or an object with `components`")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut access: A,
            ) -> Result<Self::Value, A::Error> {
                let mut tools = Vec::new();
                while let Some(tool) = access.next_element()? {
                    tools.push(tool);
                }
                Ok(tools)
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                access: A,
            ) -> Result<Self::Value, A::Error> {
                let grouped =
                    Grouped::deserialize(serde::de::value::MapAccessDeserializer::new(access))?;
                let mut tools = grouped.components;
                tools.extend(grouped.services);
                Ok(tools)
            }
        }
        let tools = deserializer.deserialize_any(ToolsVisitor)?;
        Ok(Tools(
            tools
                .into_iter()
                .filter_map(|tool| Some((tool.name?, tool.version)))
                .collect(),
        ))
    }
}
