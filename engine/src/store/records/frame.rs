//! The frame of one value: a byte of version, four of CRC-32 over version and body, the body.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::error::{Result, StoreError};

const HEADER_BYTES: usize = 5;

pub(in crate::store) fn seal<T: Serialize>(version: u8, value: &T) -> Result<Vec<u8>> {
    let body = postcard::to_stdvec(value).map_err(|error| StoreError::Records {
        reason: error.to_string(),
    })?;
    let mut framed = Vec::with_capacity(HEADER_BYTES + body.len());
    framed.push(version);
    framed.extend_from_slice(&checksum(version, &body).to_le_bytes());
    framed.extend_from_slice(&body);
    Ok(framed)
}

pub(in crate::store) fn open<T: DeserializeOwned>(version: u8, framed: &[u8]) -> Result<T> {
    let (found, body) = check_frame(framed)?;
    if found != version {
        return Err(StoreError::FormatTooNew {
            name: "a record".to_owned(),
            found: u32::from(found),
            supported: u32::from(version),
        });
    }
    postcard::from_bytes(body).map_err(|_| damaged("its content cannot be decoded"))
}

/// The version and the body of a frame whose checksum holds.
pub(in crate::store) fn check_frame(framed: &[u8]) -> Result<(u8, &[u8])> {
    let (header, body) = framed
        .split_at_checked(HEADER_BYTES)
        .ok_or_else(|| damaged("it is cut short"))?;
    let [version, crc @ ..] = header else {
        return Err(damaged("it is cut short"));
    };
    if checksum(*version, body).to_le_bytes() != crc {
        return Err(StoreError::ChecksumMismatch {
            name: "a record".to_owned(),
        });
    }
    Ok((*version, body))
}

fn checksum(version: u8, body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&[version]);
    crc.update(body);
    crc.finalize()
}

fn damaged(reason: &'static str) -> StoreError {
    StoreError::Damaged {
        name: "a record".to_owned(),
        reason,
    }
}
