//! The `foothold` program.

fn main() {}
