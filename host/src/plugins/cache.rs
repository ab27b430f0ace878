//! Compiled components on disk, so that a restart does not compile.
//!
//! Loading machine code is trusting it. The folder is private to the user that runs the program, files are named
//! by the component's digest and by what the engine's code depends on, and each carries a checksum against damage.
//! Nothing here is ever taken from outside. A file is mapped, not read: of fifty plugins only what runs takes memory.
//!
//! A file is the code, the component's outline as JSON, the outline's length, and the checksum of all before it. With
//! both in one file, a component that was compiled once is loaded without its bytes.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use wasmtime::component::Component;

use super::component::Outline;

/// Length of the checksum (CRC-32) that a file ends with.
const CHECKSUM_BYTES: u64 = 4;

/// Length of what stands behind code and outline: the outline's length, and the checksum.
const END_BYTES: u64 = 8;

/// Longest outline: a manifest, and the names of what a component imports and exports.
const OUTLINE_BYTES: u32 = 1 << 20;

/// Bytes of a file that are read at one time.
const CHUNK_BYTES: usize = 64 << 10;

/// Counts the layouts that files have had: those of another are not looked at.
const LAYOUT: u32 = 2;

/// All files together; beyond it the oldest go.
const CACHE_BYTES: u64 = 512 << 20;

/// The folder of compiled components.
pub(super) struct Cache {
    folder: PathBuf,
    /// Hash of the engine's version and settings and of the processor's features: code made under others is not
    /// looked at.
    compatibility: u64,
}

impl Cache {
    pub(super) fn new(folder: PathBuf, engine: &wasmtime::Engine) -> Self {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        LAYOUT.hash(&mut hasher);
        Self { folder, compatibility: hasher.finish() }
    }

    /// The compiled component of this digest, with its outline. A file that cannot be used is reported and is as good as
    /// none.
    pub(super) fn load(&self, engine: &wasmtime::Engine, digest: &str) -> Option<(Component, Outline)> {
        let path = self.file(digest);
        let loaded = match File::open(&path).and_then(|mut file| read_outline(&mut file)) {
            Ok(outline) => outline.and_then(|outline| Some((map(engine, &path).ok()?, outline))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "compiled plugin cannot be read");
                return None;
            }
        };
        if loaded.is_none() {
            tracing::warn!(file = %path.display(), "compiled plugin cannot be used and is made anew");
        }
        loaded
    }

    /// Whether a component of this digest was compiled before.
    pub(super) fn has(&self, digest: &str) -> bool {
        self.file(digest).is_file()
    }

    /// Keeps compiled code, and loads it: from the file, which is mapped and not copied. That it cannot be kept is no
    /// failure: it is made again the next time.
    pub(super) fn keep(
        &self,
        engine: &wasmtime::Engine,
        digest: &str,
        code: &[u8],
        outline: &Outline,
    ) -> wasmtime::Result<Component> {
        match self.write(digest, code, outline) {
            Ok(()) => {
                if let Some((component, _)) = self.load(engine, digest) {
                    return Ok(component);
                }
            }
            Err(error) => {
                tracing::warn!(folder = %self.folder.display(), %error, "compiled plugin cannot be kept");
            }
        }
        deserialize(engine, code)
    }

    fn write(&self, digest: &str, code: &[u8], outline: &Outline) -> io::Result<()> {
        let outline = serde_json::to_vec(outline)?;
        let length = u32::try_from(outline.len()).map_err(io::Error::other)?.to_le_bytes();
        make_private(&self.folder)?;
        self.prune((code.len() + outline.len()) as u64 + END_BYTES)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        let mut hasher = crc32fast::Hasher::new();
        for part in [code, &outline, &length] {
            file.write_all(part)?;
            hasher.update(part);
        }
        file.write_all(&hasher.finalize().to_le_bytes())?;
        file.persist(self.file(digest)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Makes room for `coming` bytes: what was not loaded for the longest time goes first, as far as the file system
    /// keeps that.
    fn prune(&self, coming: u64) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                let used = metadata.accessed().into_iter().chain(metadata.modified()).max();
                files.push((used.unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), entry.path()));
            }
        }
        files.sort();
        let mut total = coming + files.iter().map(|(_, size, _)| size).sum::<u64>();
        for (_, size, path) in files {
            if total <= CACHE_BYTES {
                break;
            }
            fs::remove_file(path)?;
            total -= size;
        }
        Ok(())
    }

    fn file(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{:016x}.cwasm", self.compatibility))
    }
}

/// The outline in a file that is as it was written; `None` for another. The file is read and not mapped: what is looked at
/// in a mapping stays in memory.
fn read_outline(file: &mut File) -> io::Result<Option<Outline>> {
    let length = file.metadata()?.len();
    let mut hasher = crc32fast::Hasher::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let Some(checked) = length.checked_sub(CHECKSUM_BYTES) else { return Ok(None) };
    let mut content = Read::by_ref(file).take(checked);
    loop {
        match content.read(&mut chunk)? {
            0 => break,
            read => hasher.update(chunk.get(..read).unwrap_or_default()),
        }
    }
    let mut checksum = [0; 4];
    file.read_exact(&mut checksum)?;
    if hasher.finalize() != u32::from_le_bytes(checksum) {
        return Ok(None);
    }
    let mut number = [0; 4];
    let Some(number_at) = length.checked_sub(END_BYTES) else { return Ok(None) };
    file.seek(SeekFrom::Start(number_at))?;
    file.read_exact(&mut number)?;
    let outline_bytes = u32::from_le_bytes(number).min(OUTLINE_BYTES);
    let Some(outline_at) = number_at.checked_sub(outline_bytes.into()) else { return Ok(None) };
    file.seek(SeekFrom::Start(outline_at))?;
    let mut outline = vec![0; outline_bytes as usize];
    file.read_exact(&mut outline)?;
    Ok(serde_json::from_slice(&outline).ok())
}

#[expect(unsafe_code, reason = "machine code cannot be loaded otherwise")]
fn map(engine: &wasmtime::Engine, file: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file was made by the compiler of this program. It lies in a folder that only its user can write to,
    // under a name that only `Cache::write` gives, which never writes to a file that is there, and its checksum shows
    // that it is as it was written. Another version's or engine's code is refused by wasmtime itself.
    unsafe { Component::deserialize_file(engine, file) }
}

#[expect(unsafe_code, reason = "machine code cannot be loaded otherwise")]
fn deserialize(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the code was made by the compiler of this program, just now.
    unsafe { Component::deserialize(engine, code) }
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
