//! How much one untrusted document may ask for, and readers that hold it to that.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::LimitReached;

/// What one document may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest document in bytes, after decompression.
    pub max_document_bytes: u64,
    /// How many bytes one compressed byte may become, counted after `ratio_from_bytes`.
    pub max_ratio: u64,
    /// Output size from which the ratio is watched; small files compress well.
    pub ratio_from_bytes: u64,
    /// How many files an archive or a folder may hold.
    pub max_entries: usize,
    /// How deep folders, archives and values may nest.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_document_bytes: 2 << 30,
            max_ratio: 200,
            ratio_from_bytes: 10 << 20,
            max_entries: 200_000,
            max_depth: 128,
        }
    }
}

/// Counts the bytes that pass, for the other side of a decompressor to see.
pub(crate) struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    pub(crate) fn new(inner: R) -> (Self, Arc<AtomicU64>) {
        let count = Arc::new(AtomicU64::new(0));
        let counted = Self {
            inner,
            count: Arc::clone(&count),
        };
        (counted, count)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Stops a reader that yields more than the limits allow.
pub(crate) struct Guarded<R> {
    inner: R,
    read: u64,
    compressed: Option<Arc<AtomicU64>>,
    limits: Limits,
}

impl<R> Guarded<R> {
    /// `compressed` counts the bytes that went into the decompressor behind `inner`, if any.
    pub(crate) fn new(inner: R, compressed: Option<Arc<AtomicU64>>, limits: Limits) -> Self {
        Self {
            inner,
            read: 0,
            compressed,
            limits,
        }
    }
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read += read as u64;
        if self.read > self.limits.max_document_bytes {
            return Err(io::Error::other(LimitReached {
                what: "document size in bytes",
                limit: self.limits.max_document_bytes,
            }));
        }
        if let Some(compressed) = &self.compressed
            && self.read > self.limits.ratio_from_bytes
        {
            let input = compressed.load(Ordering::Relaxed).max(1);
            if self.read / input > self.limits.max_ratio {
                return Err(io::Error::other(LimitReached {
                    what: "compression ratio",
                    limit: self.limits.max_ratio,
                }));
            }
        }
        Ok(read)
    }
}
