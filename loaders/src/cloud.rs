//! What clouds say of themselves.

pub(crate) mod arn;
pub(crate) mod aws_describe;
pub(crate) mod aws_iam;
mod principal;
mod statement;
