//! Sorted symbol tables and the pool of string values.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::{StrId, StringIds, Strings};

/// Names in byte order; the id of a name is its rank.
#[derive(Debug, Clone, Default)]
pub(crate) struct Symbols {
    names: Box<[Arc<str>]>,
    /// Names are looked for once a row by joins and conditions.
    ids: FxHashMap<Arc<str>, u32>,
}

impl Symbols {
    /// Sorts and deduplicates `names`.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let names: Box<[Arc<str>]> = names.into_iter().map(Arc::from).collect();
        let ids = names.iter().cloned().zip(0..).collect();
        Symbols { names, ids }
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.ids.get(name).copied()
    }

    pub(crate) fn name(&self, id: u32) -> &str {
        &self.names[id as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

/// Sorted, unique texts in one buffer; used for stable ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextPool {
    bytes: Box<str>,
    ends: Box<[u32]>,
}

impl TextPool {
    /// Takes texts that are already sorted and unique.
    pub(crate) fn from_sorted<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut bytes = String::new();
        let mut ends = Vec::new();
        for text in texts {
            bytes.push_str(text);
            ends.push(bytes.len() as u32);
        }
        TextPool {
            bytes: bytes.into_boxed_str(),
            ends: ends.into_boxed_slice(),
        }
    }

    pub(crate) fn get(&self, idx: u32) -> &str {
        let idx = idx as usize;
        let start = if idx == 0 {
            0
        } else {
            self.ends[idx - 1] as usize
        };
        &self.bytes[start..self.ends[idx] as usize]
    }

    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        self.place(text).ok()
    }

    /// Where a text is, or where it would be.
    pub(crate) fn place(&self, text: &str) -> Result<u32, u32> {
        let mut low = 0;
        let mut high = self.ends.len() as u32;
        while low < high {
            let mid = low + (high - low) / 2;
            match self.get(mid).cmp(text) {
                std::cmp::Ordering::Less => low = mid + 1,
                std::cmp::Ordering::Greater => high = mid,
                std::cmp::Ordering::Equal => return Ok(mid),
            }
        }
        Err(low)
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }
}

/// String values of columns: interned while building, shared pointers afterwards so that reading a
/// property copies a pointer and not the text. Each text is there once.
#[derive(Debug, Clone, Default)]
pub(crate) struct StringValues {
    texts: Box<[Arc<str>]>,
    ids: StringIds,
}

impl StringValues {
    pub(crate) fn new(strings: Strings) -> Self {
        let (texts, ids) = strings.into_shared::<Arc<str>>();
        StringValues {
            texts: texts.into_boxed_slice(),
            ids,
        }
    }

    /// These texts under their ids, and room for more.
    pub(crate) fn grow(&self) -> GrowingStrings {
        GrowingStrings {
            texts: self.texts.to_vec(),
            ids: self.ids.clone(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn get(&self, id: StrId) -> Arc<str> {
        Arc::clone(&self.texts[id.0 as usize])
    }

    pub(crate) fn text(&self, id: StrId) -> &str {
        &self.texts[id.0 as usize]
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let texts = self.texts.iter().map(|text| text.len() + 32).sum::<usize>();
        texts + self.ids.heap_bytes()
    }
}

/// String values to which others are added.
#[derive(Debug)]
pub(crate) struct GrowingStrings {
    texts: Vec<Arc<str>>,
    ids: StringIds,
}

impl GrowingStrings {
    /// The id of a text, which is added if it is new.
    pub(crate) fn intern(&mut self, text: &str) -> StrId {
        self.ids.intern(&mut self.texts, text)
    }

    pub(crate) fn finish(self) -> StringValues {
        StringValues {
            texts: self.texts.into_boxed_slice(),
            ids: self.ids,
        }
    }
}
