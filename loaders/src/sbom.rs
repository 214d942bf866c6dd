//! Bills of materials.

pub(crate) mod cyclonedx;
