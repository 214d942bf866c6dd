//! The demo estate and the seeded generators.
//!
//! | what | where |
//! |---|---|
//! | a fictional payments company, in the files its tools wrote | `demo/` (data, with its story in `demo/README.md`) |
//! | a synthetic estate of any size | [`estate`] |
//!
//! ```
//! use foothold_datasets::estate::{EstateConfig, generate};
//! let config = EstateConfig::new(0.002, 7).unwrap();
//! let mut lines = Vec::new();
//! let totals = generate(&config, &mut lines).unwrap();
//! let n_lines = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
//! assert_eq!(n_lines, totals.nodes + totals.edges);
//! ```
//!
//! Same configuration, same bytes: nothing here reads a clock or the machine's randomness.

pub mod attack_graph;
pub mod estate;
