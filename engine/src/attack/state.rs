//! States: what an attacker holds over one asset.

use std::fmt;

use crate::graph::NodeId;

/// What an attacker can hold over an asset.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// Network access.
    Reach,
    /// Code execution.
    Exec,
    /// Control of a machine.
    Root,
    /// Acting as an identity.
    As,
    /// Changing code, a pipeline or an artifact.
    Write,
    /// Reading data.
    Read,
    /// Changing or destroying data.
    Tamper,
    /// Knowing a secret.
    Know,
    /// Controlling a cluster, account or organisation.
    Admin,
}

impl Capability {
    /// Every capability, in the order of the model.
    pub const ALL: [Capability; 9] = [
        Capability::Reach,
        Capability::Exec,
        Capability::Root,
        Capability::As,
        Capability::Write,
        Capability::Read,
        Capability::Tamper,
        Capability::Know,
        Capability::Admin,
    ];

    /// The word of the language.
    pub fn name(self) -> &'static str {
        match self {
            Capability::Reach => "reach",
            Capability::Exec => "exec",
            Capability::Root => "root",
            Capability::As => "as",
            Capability::Write => "write",
            Capability::Read => "read",
            Capability::Tamper => "tamper",
            Capability::Know => "know",
            Capability::Admin => "admin",
        }
    }

    /// The capability of this word, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// An asset and what is held over it; a node of the attack graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    /// The asset.
    pub asset: NodeId,
    /// What is held.
    pub capability: Capability,
}
