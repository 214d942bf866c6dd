//! The known labels, edge kinds and properties.
//!
//! Any label, kind or property may occur in a graph; this table names those that loaders emit and
//! rules read, so that both sides, the documentation and completion agree on one spelling.

mod kinds;
mod labels;
mod supply_kinds;
mod supply_labels;

use kinds::KINDS;
use labels::LABELS;
use supply_kinds::SUPPLY_KINDS;
use supply_labels::SUPPLY_LABELS;

/// The type of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyType {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Text.
    Str,
    /// A list of text.
    StrList,
}

/// A property of a label or kind.
#[derive(Debug, Clone, Copy)]
pub struct PropertySpec {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: PropertyType,
    /// What it means.
    pub doc: &'static str,
}

/// A known label.
#[derive(Debug, Clone, Copy)]
pub struct LabelSpec {
    /// The label.
    pub name: &'static str,
    /// The shape of the ids of such nodes.
    pub id: &'static str,
    /// What such a node is.
    pub doc: &'static str,
    /// Properties that rules and correlation read.
    pub properties: &'static [PropertySpec],
}

/// A known edge kind.
#[derive(Debug, Clone, Copy)]
pub struct KindSpec {
    /// The kind.
    pub name: &'static str,
    /// Start label, or several joined by `|`.
    pub from: &'static str,
    /// End label, or several joined by `|`.
    pub to: &'static str,
    /// What such an edge says.
    pub doc: &'static str,
    /// Properties that rules read.
    pub properties: &'static [PropertySpec],
}

const fn p(name: &'static str, ty: PropertyType, doc: &'static str) -> PropertySpec {
    PropertySpec { name, ty, doc }
}

/// The id of the one node that stands for the internet.
pub const INTERNET_ID: &str = "net://internet";

/// Every known label.
pub fn labels() -> impl Iterator<Item = &'static LabelSpec> {
    LABELS.iter().chain(SUPPLY_LABELS)
}

/// Every known edge kind.
pub fn kinds() -> impl Iterator<Item = &'static KindSpec> {
    KINDS.iter().chain(SUPPLY_KINDS)
}

/// The specification of a known label.
pub fn label(name: &str) -> Option<&'static LabelSpec> {
    labels().find(|spec| spec.name == name)
}

/// The specification of a known kind.
pub fn kind(name: &str) -> Option<&'static KindSpec> {
    kinds().find(|spec| spec.name == name)
}

/// What no loader of this release states: labels and kinds, and as `Label.property` or
/// `Label-[:KIND]` what is known of other labels only. It comes in through the generic formats
/// alone (JSON lines, OpenGraph); rules that need it are silent without such a file.
pub const NOT_LOADED: &[&str] = &[
    "AppAccount",
    "DnsRecord",
    "Agent",
    "Tool",
    "Container",
    "CustomResourceDefinition",
    "TRUSTS_DOMAIN",
    "SIGNS_IN_TO",
    "ASSIGNED_TO",
    "ADMINISTERS",
    "CAN_CREATE",
    "READS",
    "HAS_TOOL",
    "PART_OF",
    "RECONCILES",
    "BUILT_FROM",
    "Action.malicious",
    "Package.internal",
    "Node-[:CONTAINS]",
    "Service-[:HAS_FINDING]",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = labels().map(|spec| spec.name).collect();
        assert_eq!(names.len(), labels().count());
        let names: BTreeSet<_> = kinds().map(|spec| spec.name).collect();
        assert_eq!(names.len(), kinds().count());
    }

    #[test]
    fn ends_of_kinds_are_known_labels() {
        for kind in kinds() {
            for end in kind.from.split('|').chain(kind.to.split('|')) {
                assert!(
                    end == "*" || label(end).is_some(),
                    "{} names {end}",
                    kind.name
                );
            }
        }
    }
}
