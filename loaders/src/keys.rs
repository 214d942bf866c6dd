//! Natural keys that several formats share: one thing gets one id, whichever tool names it.

mod image;
mod package;
mod repository;

pub use image::ImageRef;
pub use package::PackageKey;
pub use repository::{repository_id, team_id};
