//! Keeps what was read from a page on disk, keyed by its pixels and the models that read them.
//!
//! A cache may be deleted at any time: whatever cannot be read back is read from the page again.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::domain::page::PageText;
use crate::domain::raster::Raster;

/// Shrinking stops at this share of the limit, so that it does not run again with the next page.
const SHRINK_TO: f64 = 0.8;

/// Readings of pages, at most `max_bytes` of them.
pub struct PageCache {
    folder: PathBuf,
    max_bytes: u64,
    bytes: AtomicU64,
    shrinking: Mutex<()>,
}

impl PageCache {
    /// Opens the cache in `folder`, making it where it is missing. `max_bytes` is the size on disk above which
    /// the oldest readings go.
    ///
    /// # Errors
    /// The folder cannot be made or listed.
    pub fn open(folder: PathBuf, max_bytes: u64) -> std::io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let bytes = entries(&folder)?.iter().map(|entry| entry.bytes).sum();
        Ok(Self { folder, max_bytes, bytes: AtomicU64::new(bytes), shrinking: Mutex::new(()) })
    }

    /// The key of a page: its pixels and the fingerprint of models and method.
    pub fn key(raster: &Raster, fingerprint: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(raster.width.to_le_bytes());
        hash.update(raster.height.to_le_bytes());
        hash.update(&raster.pixels);
        hash.update(fingerprint.as_bytes());
        hex::encode(hash.finalize())
    }

    /// The reading kept under `key`, if there is one that can be read.
    pub fn get(&self, key: &str) -> Option<PageText> {
        let content = fs::read(self.path(key)).ok()?;
        serde_json::from_slice(&content).ok()
    }

    /// Keeps a reading. A failure to write is logged and otherwise harmless.
    pub fn put(&self, key: &str, text: &PageText) {
        match self.write(key, text) {
            Ok(written) => {
                let bytes = self.bytes.fetch_add(written, Ordering::Relaxed) + written;
                if bytes > self.max_bytes {
                    self.shrink();
                }
            }
            Err(error) => tracing::warn!(%error, "page cache cannot be written"),
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }

    fn write(&self, key: &str, text: &PageText) -> std::io::Result<u64> {
        let content = serde_json::to_vec(text)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&content)?;
        file.persist(self.path(key))?;
        Ok(content.len() as u64)
    }

    fn shrink(&self) {
        let Ok(_only_one) = self.shrinking.try_lock() else { return };
        let Ok(mut kept) = entries(&self.folder) else { return };
        kept.sort_by_key(|entry| entry.modified);
        let mut bytes: u64 = kept.iter().map(|entry| entry.bytes).sum();
        let target = (self.max_bytes as f64 * SHRINK_TO) as u64;
        for entry in kept {
            if bytes <= target {
                break;
            }
            if fs::remove_file(&entry.path).is_ok() {
                bytes -= entry.bytes;
            }
        }
        self.bytes.store(bytes, Ordering::Relaxed);
    }
}

struct Entry {
    path: PathBuf,
    bytes: u64,
    modified: Option<std::time::SystemTime>,
}

fn entries(folder: &Path) -> std::io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else { continue };
        found.push(Entry { path: entry.path(), bytes: metadata.len(), modified: metadata.modified().ok() });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::geometry::{Rect, Turn};
    use crate::domain::page::{Line, PageSize, TextSource, Unit, Word};

    fn page(text: &str) -> PageText {
        PageText {
            size: PageSize { width: 10.0, height: 20.0, unit: Unit::Pixel },
            turn: Turn::Half,
            skew_degrees: 0.5,
            source: TextSource::Ocr,
            words: vec![Word {
                text: text.to_owned(),
                bbox: Rect::new(1.0, 2.0, 3.0, 4.0),
                confidence: 0.75,
                line: 0,
                block: 0,
            }],
            lines: vec![Line { bbox: Rect::new(1.0, 2.0, 3.0, 4.0), first_word: 0, word_count: 1, block: 0 }],
        }
    }

    #[test]
    fn a_reading_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PageCache::open(folder.path().join("pages"), 1 << 20).unwrap();
        assert_eq!(cache.get("a"), None);
        cache.put("a", &page("TOTAL"));
        assert_eq!(cache.get("a"), Some(page("TOTAL")));
    }

    #[test]
    fn a_damaged_entry_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PageCache::open(folder.path().to_owned(), 1 << 20).unwrap();
        cache.put("a", &page("TOTAL"));
        fs::write(folder.path().join("a.json"), b"{").unwrap();
        assert_eq!(cache.get("a"), None);
    }

    #[test]
    fn the_cache_stays_within_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PageCache::open(folder.path().to_owned(), 2000).unwrap();
        for number in 0..50 {
            cache.put(&number.to_string(), &page("TOTAL"));
        }
        let bytes: u64 = entries(folder.path()).unwrap().iter().map(|entry| entry.bytes).sum();
        assert!(bytes <= 2000, "{bytes}");
        assert!(bytes > 0);
    }

    #[test]
    fn the_key_depends_on_pixels_size_and_models() {
        let raster = Raster { width: 2, height: 1, pixels: vec![0; 6] };
        let turned = Raster { width: 1, height: 2, pixels: vec![0; 6] };
        let keys = [
            PageCache::key(&raster, "m"),
            PageCache::key(&turned, "m"),
            PageCache::key(&raster, "n"),
            PageCache::key(&Raster { pixels: vec![1; 6], ..raster.clone() }, "m"),
        ];
        assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}
