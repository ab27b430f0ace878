//! ZIP files: parts of office documents, and archives of documents. What is inflated is counted against the limits;
//! nothing is ever written to a path that an archive names.

use std::io::{Cursor, Read};

use bytes::Bytes;
use zip::ZipArchive;
use zip::result::ZipError;

use super::{Error, Limits, charset, markup};

/// Most files in an archive: an office document has some for each picture and slide.
const MAX_FILES: usize = 10_000;

/// How many bytes of markup there may be for a byte of text.
const MARKUP_PER_TEXT: u64 = 16;

/// How much is inflated at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// An opened ZIP file.
pub(super) struct Package {
    archive: ZipArchive<Cursor<Bytes>>,
    format: &'static str,
    limits: Limits,
    /// Bytes inflated so far.
    inflated: u64,
}

impl Package {
    /// Opens a document of parts; `format` names it in errors.
    pub(super) fn open(content: Bytes, format: &'static str, limits: Limits) -> Result<Self, Error> {
        let archive = ZipArchive::new(Cursor::new(content)).map_err(|error| damaged(format, &error))?;
        if archive.len() > MAX_FILES {
            return Err(Error::Damaged {
                format,
                reason: format!("it has {} parts, more than {MAX_FILES}", archive.len()),
            });
        }
        Ok(Self { archive, format, limits, inflated: 0 })
    }

    /// Bytes inflated so far.
    pub(super) fn inflated(&self) -> u64 {
        self.inflated
    }

    /// The text of an XML part; `None` where there is no such part.
    pub(super) fn xml(&mut self, name: &str) -> Result<Option<String>, Error> {
        let mut bytes = Vec::new();
        let is_there = self.inflate(name, |piece| bytes.extend_from_slice(piece))?;
        Ok(is_there.then(|| charset::xml(&bytes)))
    }

    /// Inflates every part that `is_wanted` without keeping any, so that a library may read them afterwards.
    ///
    /// # Errors
    /// A part that is damaged, or more bytes than the limits allow.
    pub(super) fn check_parts(&mut self, is_wanted: impl Fn(&str) -> bool) -> Result<(), Error> {
        for name in self.names().iter().filter(|name| is_wanted(name)) {
            self.inflate(name, |_| {})?;
        }
        Ok(())
    }

    /// Names of all parts.
    fn names(&self) -> Vec<String> {
        self.archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect()
    }

    /// Inflates a part piece by piece; `false` where there is no such part.
    fn inflate(&mut self, name: &str, mut take: impl FnMut(&[u8])) -> Result<bool, Error> {
        let format = self.format;
        let part_limit = self.limits.max_text_bytes.saturating_mul(MARKUP_PER_TEXT);
        let mut part = match self.archive.by_name(name) {
            Ok(part) => part,
            Err(ZipError::FileNotFound) => return Ok(false),
            Err(error) => return Err(damaged(format, &error)),
        };
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut bytes = 0_u64;
        loop {
            let length = part.read(&mut buffer).map_err(|error| Error::Damaged {
                format,
                reason: format!("its part `{name}` cannot be inflated: {error}"),
            })?;
            bytes += length as u64;
            if bytes > part_limit {
                return Err(markup::too_large(part_limit, "decode.max_text_mib"));
            }
            if length == 0 {
                break;
            }
            take(buffer.get(..length).unwrap_or_default());
        }
        drop(part);
        self.count(bytes)?;
        Ok(true)
    }

    fn count(&mut self, bytes: u64) -> Result<(), Error> {
        self.inflated = self.inflated.saturating_add(bytes);
        if self.inflated <= self.limits.max_inflated_bytes {
            return Ok(());
        }
        Err(Error::LimitExceeded {
            what: "bytes or more after decompression".into(),
            found: self.inflated,
            limit: self.limits.max_inflated_bytes,
            setting: "decode.max_inflated_mib",
        })
    }
}

fn damaged(format: &'static str, error: &ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(text) if *text == ZipError::PASSWORD_REQUIRED => Error::EncryptedOffice,
        error => Error::Damaged { format, reason: error.to_string() },
    }
}
