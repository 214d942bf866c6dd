//! Who can send packets to whom.
//!
//! [`policy`] reads Kubernetes policies, [`evaluate`] decides exactly which [`ports`] one place may
//! reach on another, [`address`] cuts the address space so that blocks are answered exactly too,
//! and [`exposure`] says what the internet can reach.

pub mod address;
pub mod evaluate;
pub mod exposure;
pub mod policy;
pub mod ports;
pub mod selector;

pub use address::AddressRange;
pub use evaluate::{Applied, Endpoint, Peer, Policies, Sight};
pub use exposure::Exposure;
pub use policy::{AdminPolicy, NetworkPolicy};
pub use ports::{Connections, Protocol};
pub use selector::{LabelSelector, Labels};

/// A policy document that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("network policy `{name}` cannot be read")]
pub struct PolicyError {
    /// The policy.
    pub name: String,
    /// What was wrong in it.
    #[source]
    pub source: serde_json::Error,
}
