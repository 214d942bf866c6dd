//! The demo estate and the seeded generators.
