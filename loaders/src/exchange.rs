//! Graphs as such: generic node and edge lines, other graph tools, and the user's own words.

pub(crate) mod criticality;
pub(crate) mod jsonl;
pub(crate) mod opengraph;
