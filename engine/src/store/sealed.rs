//! The envelope of everything that is persisted: magic, format version, length, checksum.
//!
//! ```text
//! 0   8 bytes  magic, one per kind of file
//! 8   u32      format version, little endian
//! 12  u64      length of the body
//! 20  u32      CRC-32 of the 20 bytes before and the body after
//! 24  ..       body
//! ```

use super::error::{Result, StoreError};

/// Bytes before the body.
pub(super) const HEADER_BYTES: usize = 24;

/// One kind of file: its magic and the version this release writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileKind {
    pub(super) magic: [u8; 8],
    pub(super) version: u32,
}

/// Wraps `body` in an envelope.
pub(super) fn seal(kind: FileKind, body: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEADER_BYTES + body.len());
    sealed.extend_from_slice(&kind.magic);
    sealed.extend_from_slice(&kind.version.to_le_bytes());
    sealed.extend_from_slice(&(body.len() as u64).to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&sealed);
    crc.update(body);
    sealed.extend_from_slice(&crc.finalize().to_le_bytes());
    sealed.extend_from_slice(body);
    sealed
}

/// The body of an envelope, once magic, version, length and checksum are as they must be.
pub(super) fn unseal<'a>(kind: FileKind, name: &str, bytes: &'a [u8]) -> Result<&'a [u8]> {
    let damaged = |reason| StoreError::Damaged {
        name: name.to_owned(),
        reason,
    };
    let (header, body) = bytes
        .split_at_checked(HEADER_BYTES)
        .ok_or_else(|| damaged("it is cut short"))?;
    let (checked, crc) = header.split_at(HEADER_BYTES - 4);
    let (magic, rest) = checked.split_at(8);
    let (version, length) = rest.split_at(4);
    if magic != kind.magic {
        return Err(damaged("it does not start with the expected magic"));
    }
    let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
    if length != body.len() as u64 {
        return Err(damaged("its length is not the recorded one"));
    }
    let mut actual = crc32fast::Hasher::new();
    actual.update(checked);
    actual.update(body);
    if actual.finalize().to_le_bytes() != crc {
        return Err(StoreError::ChecksumMismatch {
            name: name.to_owned(),
        });
    }
    // Only a version whose checksum holds is a version; a flipped bit must not read as "too new".
    let version = u32::from_le_bytes(version.try_into().unwrap_or_default());
    if version > kind.version {
        return Err(StoreError::FormatTooNew {
            name: name.to_owned(),
            found: version,
            supported: kind.version,
        });
    }
    if version != kind.version {
        return Err(damaged("its format version was never released"));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: FileKind = FileKind {
        magic: *b"FHTEST\0\0",
        version: 2,
    };

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let sealed = seal(KIND, b"some content worth keeping");
        assert_eq!(
            unseal(KIND, "t", &sealed).unwrap(),
            b"some content worth keeping"
        );
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut flipped = sealed.clone();
                flipped[at] ^= 1 << bit;
                assert!(unseal(KIND, "t", &flipped).is_err(), "byte {at} bit {bit}");
            }
            assert!(unseal(KIND, "t", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_newer_version_is_refused_by_name() {
        let newer = FileKind { version: 3, ..KIND };
        let error = unseal(KIND, "manifest", &seal(newer, b"")).unwrap_err();
        assert_eq!(error.code(), "store.format_too_new");
    }
}
