//! The logical export: every record in one sealed file, readable without the database.

use super::Row;
use crate::store::error::{Result, StoreError};
use crate::store::sealed::{self, FileKind};

const EXPORT: FileKind = FileKind {
    magic: *b"FHRECOR\0",
    version: 1,
};

pub(in crate::store) fn encode_export(rows: &[Row]) -> Result<Vec<u8>> {
    let body = postcard::to_stdvec(rows).map_err(|error| StoreError::Records {
        reason: error.to_string(),
    })?;
    Ok(sealed::seal(EXPORT, &body))
}

pub(in crate::store) fn decode_export(name: &str, bytes: &[u8]) -> Result<Vec<Row>> {
    let body = sealed::unseal(EXPORT, name, bytes)?;
    postcard::from_bytes(body).map_err(|_| StoreError::Damaged {
        name: name.to_owned(),
        reason: "its content cannot be decoded",
    })
}
