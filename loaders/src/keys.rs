//! Natural keys that several formats share: one thing gets one id, whichever tool names it.

mod image;

pub use image::ImageRef;
