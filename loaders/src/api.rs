//! What describes APIs.

pub(crate) mod openapi;
