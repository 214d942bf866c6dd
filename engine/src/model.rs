//! What the graph is made of before it is a graph: values, symbols, facts and their provenance,
//! the natural keys of things, and the schema of known labels, kinds and properties.

mod fact;
mod key;
pub mod schema;
mod strings;
mod value;

pub use fact::{CERTAIN, EdgeFact, FactRef, Facts, NodeFact, Origin, PropRange, SourceInfo};
pub use key::{IdError, MAX_ID_BYTES, validate_id};
pub(crate) use strings::StringIds;
pub use strings::{StrId, Strings};
pub use value::Value;
