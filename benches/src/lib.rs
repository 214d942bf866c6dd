//! Benchmarks of Foothold: the library part holds what several benches share.

pub mod change;
pub mod estate;
pub mod frontend;
pub mod process;
pub mod query;
