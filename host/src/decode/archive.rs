//! ZIP archives of documents: what is in them, read file by file. Names are for people: nothing is written under them.

use std::io::{Read, Seek};

use bytes::Bytes;
use zip::ZipArchive;
use zip::result::ZipError;

use super::Error;
use crate::domain::format::Format;

/// Most files that the directory of an archive may list, folders and what is left out included.
const MAX_LISTED: usize = 10_000;

/// How much is inflated at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Folders and files that systems add for themselves.
const LEFT_OUT: [&str; 3] = ["__MACOSX", "Thumbs.db", "desktop.ini"];

/// An opened archive.
pub struct Archive<R> {
    zip: ZipArchive<R>,
}

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands in the archive's directory.
    pub index: usize,
    /// Its path, as the archive has it; untrusted.
    pub path: String,
}

/// Why a file of an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// It needs a password.
    #[error("file is encrypted in the archive; put it in without a password")]
    Encrypted,
    /// The archive's files inflate to more than is allowed, this one included.
    #[error("files of the archive inflate to more than is allowed (setting `decode.max_inflated_mib`)")]
    TooLarge,
    /// It is damaged, or compressed in a way that is not read.
    #[error("file cannot be read from the archive: {0}")]
    Damaged(String),
}

impl<R: Read + Seek> Archive<R> {
    /// Reads an archive's directory.
    ///
    /// # Errors
    /// A damaged archive, or one with too many entries.
    pub fn open(reader: R) -> Result<Self, Error> {
        let format = Format::Zip.name();
        let zip =
            ZipArchive::new(reader).map_err(|error| Error::Damaged { format, reason: error.to_string() })?;
        if zip.len() > MAX_LISTED {
            let reason = format!("it lists {} files, more than {MAX_LISTED}", zip.len());
            return Err(Error::Damaged { format, reason });
        }
        Ok(Self { zip })
    }

    /// The files that may be documents, in the archive's order: no folders, and nothing that is hidden or that systems
    /// add for themselves.
    pub fn entries(&self) -> Vec<Entry> {
        let named = (0..self.zip.len()).filter_map(|index| {
            let path = self.zip.name_for_index(index)?.ok()?.into_owned();
            Some(Entry { index, path })
        });
        named.filter(|entry| is_file(&entry.path)).collect()
    }

    /// Inflates a file piece by piece, until `take` answers `false`.
    ///
    /// # Errors
    /// An encrypted or damaged file.
    pub fn read(&mut self, index: usize, mut take: impl FnMut(Bytes) -> bool) -> Result<(), EntryError> {
        let mut file = self.zip.by_index(index).map_err(|error| match error {
            ZipError::UnsupportedArchive(text) if text == ZipError::PASSWORD_REQUIRED => {
                EntryError::Encrypted
            }
            error => EntryError::Damaged(error.to_string()),
        })?;
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            let length = file.read(&mut buffer).map_err(|error| EntryError::Damaged(error.to_string()))?;
            let piece = buffer.get(..length).unwrap_or_default();
            if piece.is_empty() || !take(Bytes::copy_from_slice(piece)) {
                return Ok(());
            }
        }
    }
}

fn is_file(path: &str) -> bool {
    let mut parts = path.split(['/', '\\']);
    !path.ends_with(['/', '\\'])
        && !parts
            .any(|part| LEFT_OUT.contains(&part) || (part.starts_with('.') && part != "." && part != ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_what_systems_add_are_no_files() {
        for path in ["a/", "__MACOSX/._a.pdf", "a/.DS_Store", ".hidden/b.pdf", "Thumbs.db"] {
            assert!(!is_file(path), "{path}");
        }
        for path in ["a.pdf", "sub/a.pdf", "../../etc/a.pdf", "C:\\scans\\a.pdf"] {
            assert!(is_file(path), "{path}");
        }
    }
}
