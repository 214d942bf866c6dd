//! What runs in clusters.

pub(crate) mod kubernetes;
