//! The attack model: what can be done to the assets, evaluated from configuration.

pub mod network;
pub mod permission;
