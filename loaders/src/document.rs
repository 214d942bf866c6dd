//! One document: its name, its content and what surrounds it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use flate2::bufread::MultiGzDecoder;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::decode::{json, yaml};
use crate::error::LoadError;
use crate::head::{Head, Shape, shape_of};
use crate::limits::{Counted, Guarded, Limits};

/// How much of a document is looked at before it is known how to read it.
const HEAD_BYTES: usize = 1 << 20;

/// One document to be read.
#[derive(Debug)]
pub struct Document {
    name: Arc<str>,
    origin: Origin,
    content: OnceLock<Vec<u8>>,
    head: Vec<u8>,
    shape: Shape,
    context: Context,
    limits: Limits,
}

#[derive(Debug)]
enum Origin {
    Memory,
    File(PathBuf),
    Gzip(PathBuf),
}

impl Document {
    /// Opens a file, which may be compressed with gzip.
    pub fn open(
        name: Arc<str>,
        path: &Path,
        context: Context,
        limits: Limits,
    ) -> Result<Self, LoadError> {
        let mut magic = [0; 2];
        let n_magic = read_up_to(&mut File::open(path)?, &mut magic)?;
        let origin = if n_magic == 2 && magic == [0x1f, 0x8b] {
            Origin::Gzip(path.to_owned())
        } else {
            Origin::File(path.to_owned())
        };
        let mut head = Vec::new();
        let mut reader = open_reader(&origin, limits)?;
        (&mut reader)
            .take(HEAD_BYTES as u64)
            .read_to_end(&mut head)?;
        let whole = reader.fill_buf()?.is_empty();
        Self::assemble(name, origin, head, whole, context, limits)
    }

    /// A document whose bytes are in memory; gzip is undone.
    pub fn from_bytes(
        name: Arc<str>,
        bytes: Vec<u8>,
        context: Context,
        limits: Limits,
    ) -> Result<Self, LoadError> {
        let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut plain = Vec::new();
            gunzip(&bytes[..], limits).read_to_end(&mut plain)?;
            plain
        } else {
            bytes
        };
        Self::assemble(name, Origin::Memory, bytes, true, context, limits)
    }

    /// `head` is the start of the content, all of it if `whole`.
    fn assemble(
        name: Arc<str>,
        origin: Origin,
        head: Vec<u8>,
        whole: bool,
        context: Context,
        limits: Limits,
    ) -> Result<Self, LoadError> {
        let mut document = Self {
            name,
            origin,
            content: OnceLock::new(),
            head: Vec::new(),
            shape: Shape::Text,
            context,
            limits,
        };
        if whole {
            let content = decode_utf16(head);
            document.shape = shape_of(without_mark(&content), true);
            let _ = document.content.set(content);
            return Ok(document);
        }
        document.shape = shape_of(without_mark(&head), false);
        document.head = head;
        // Streams are read as they come; of anything else the outline needs the whole.
        if !matches!(document.shape, Shape::JsonStream(_) | Shape::Binary) {
            document.shape = shape_of(document.bytes()?, true);
            document.head = Vec::new();
        }
        Ok(document)
    }

    /// The name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What the surroundings say.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The limits to hold.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The outer form.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// What loaders detect by.
    pub fn head(&self) -> Head<'_> {
        let bytes = match self.content.get() {
            Some(content) => without_mark(content),
            None => without_mark(&self.head),
        };
        Head {
            name: &self.name,
            bytes: bytes.get(..bytes.len().min(65_536)).unwrap_or(bytes),
            shape: &self.shape,
        }
    }

    /// The whole content without a byte order mark. Kept in memory once asked for.
    pub fn bytes(&self) -> Result<&[u8], LoadError> {
        if let Some(content) = self.content.get() {
            return Ok(without_mark(content));
        }
        let mut content = Vec::new();
        open_reader(&self.origin, self.limits)?.read_to_end(&mut content)?;
        Ok(without_mark(
            self.content.get_or_init(|| decode_utf16(content)),
        ))
    }

    /// The whole content as text.
    pub fn text(&self) -> Result<&str, LoadError> {
        std::str::from_utf8(self.bytes()?).map_err(|error| LoadError::Encoding {
            offset: error.valid_up_to(),
        })
    }

    /// The content as a reader; of a stream only a buffer is in memory.
    pub fn reader(&self) -> Result<Box<dyn BufRead + Send + '_>, LoadError> {
        match self.content.get() {
            Some(content) => Ok(Box::new(without_mark(content))),
            None => Ok(Box::new(open_reader(&self.origin, self.limits)?)),
        }
    }

    /// The one JSON value or YAML document that the content holds.
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, LoadError> {
        if !matches!(self.shape, Shape::Yaml(_)) {
            return json::from_slice(self.bytes()?);
        }
        let mut documents = yaml::documents(self.text()?, &self.limits)?;
        match documents.len() {
            1 => Ok(documents.remove(0)),
            n_documents => Err(LoadError::at(
                "",
                format!("{n_documents} YAML documents where one is expected"),
            )),
        }
    }

    /// Every JSON value of a stream or every document of a YAML text, in order.
    pub fn values<T: DeserializeOwned>(&self) -> Result<Vec<T>, LoadError> {
        if matches!(self.shape, Shape::Yaml(_)) {
            return yaml::documents(self.text()?, &self.limits);
        }
        let mut values = Vec::new();
        json::each_value(self.bytes()?, |_, value| {
            values.push(value);
            Ok(())
        })?;
        Ok(values)
    }

    /// Reads a part of a value obtained from this document; `pointer` says where it lies.
    pub fn part<T: DeserializeOwned>(
        &self,
        value: serde_json::Value,
        pointer: &str,
    ) -> Result<T, LoadError> {
        json::from_value(value, pointer)
    }

    /// `sha256:<hex>` of the content.
    pub(crate) fn digest(&self) -> Result<String, LoadError> {
        let mut hasher = Sha256::new();
        let mut reader = self.reader()?;
        loop {
            let chunk = reader.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            hasher.update(chunk);
            let n_read = chunk.len();
            reader.consume(n_read);
        }
        let mut text = String::from("sha256:");
        for byte in hasher.finalize() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        Ok(text)
    }
}

fn open_reader(
    origin: &Origin,
    limits: Limits,
) -> Result<BufReader<Box<dyn Read + Send>>, LoadError> {
    let reader: Box<dyn Read + Send> = match origin {
        Origin::Memory => Box::new(std::io::empty()),
        Origin::File(path) => Box::new(Guarded::new(File::open(path)?, None, limits)),
        Origin::Gzip(path) => Box::new(gunzip(File::open(path)?, limits)),
    };
    Ok(BufReader::with_capacity(1 << 18, reader))
}

fn gunzip<'a>(reader: impl Read + Send + 'a, limits: Limits) -> impl Read + Send + 'a {
    let (counted, count) = Counted::new(reader);
    let decoder = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, counted));
    Guarded::new(decoder, Some(count), limits)
}

fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize, LoadError> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..)
        && !rest.is_empty()
    {
        match reader.read(rest)? {
            0 => break,
            n_read => filled += n_read,
        }
    }
    Ok(filled)
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Turns UTF-16 with a byte order mark, as some shells write redirected output, into UTF-8.
fn decode_utf16(bytes: Vec<u8>) -> Vec<u8> {
    let unit: fn([u8; 2]) -> u16 = match bytes.get(..2) {
        Some([0xff, 0xfe]) => u16::from_le_bytes,
        Some([0xfe, 0xff]) => u16::from_be_bytes,
        _ => return bytes,
    };
    let units = bytes
        .chunks_exact(2)
        .skip(1)
        .filter_map(|pair| pair.try_into().ok().map(unit));
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect::<String>()
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn document(bytes: &[u8]) -> Result<Document, LoadError> {
        Document::from_bytes(
            "x".into(),
            bytes.to_vec(),
            Context::default(),
            Limits::default(),
        )
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_and_byte_order_marks_are_undone() {
        let plain = b"{\"a\": \"\xc3\xa4\"}";
        let mut wide = vec![0xff, 0xfe];
        wide.extend("{\"a\": \"ä\"}".encode_utf16().flat_map(u16::to_le_bytes));
        let mut marked = b"\xef\xbb\xbf".to_vec();
        marked.extend(plain);
        for bytes in [plain.to_vec(), gzip(plain), wide, marked] {
            assert_eq!(document(&bytes).unwrap().bytes().unwrap(), plain);
        }
    }

    #[test]
    fn a_gzip_bomb_is_refused() {
        let bomb = gzip(&vec![b' '; 64 << 20]);
        let error = document(&bomb).unwrap_err();
        assert_eq!(
            error.to_string(),
            "compression ratio exceeds the limit of 200; if you trust it, unpack it and import what \
             was inside"
        );
    }

    #[test]
    fn a_file_is_read_like_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big.json");
        let mut text = String::from("{\"pad\": \"");
        text.push_str(&"x".repeat(3 << 20));
        text.push_str("\", \"kind\": \"late\"}");
        std::fs::write(&path, gzip(text.as_bytes())).unwrap();
        let document = Document::open(
            "x".into(),
            &path,
            Context::default(),
            Limits {
                max_ratio: 100_000,
                ..Limits::default()
            },
        )
        .unwrap();
        assert_eq!(document.head().json().unwrap().scalar("kind"), Some("late"));
        assert_eq!(document.bytes().unwrap(), text.as_bytes());
    }
}
