//! Compiled components on disk, so that a restart does not compile.
//!
//! Loading machine code is trusting it. The folder is private to the user that runs the program, files are named
//! by the component's digest and by what the engine's code depends on, and each carries a checksum against damage.
//! Nothing here is ever taken from outside. A file is mapped, not read: of fifty plugins only what runs takes memory.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use wasmtime::component::Component;

/// Length of the checksum (CRC-32) that stands behind the code.
const CHECKSUM_BYTES: usize = 4;

/// Bytes of a file that are read at one time.
const CHUNK_BYTES: usize = 64 << 10;

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
        Self { folder, compatibility: hasher.finish() }
    }

    /// The compiled component of this digest. A file that cannot be used is reported and is as good as none.
    pub(super) fn load(&self, engine: &wasmtime::Engine, digest: &str) -> Option<Component> {
        let file = self.file(digest);
        let component = match is_intact(&file) {
            Ok(true) => map(engine, &file).ok(),
            Ok(false) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "compiled plugin cannot be read");
                return None;
            }
        };
        if component.is_none() {
            tracing::warn!(file = %file.display(), "compiled plugin cannot be used and is made anew");
        }
        component
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
    ) -> wasmtime::Result<Component> {
        match self.write(digest, code) {
            Ok(()) => {
                if let Some(component) = self.load(engine, digest) {
                    return Ok(component);
                }
            }
            Err(error) => {
                tracing::warn!(folder = %self.folder.display(), %error, "compiled plugin cannot be kept");
            }
        }
        deserialize(engine, code)
    }

    fn write(&self, digest: &str, code: &[u8]) -> io::Result<()> {
        make_private(&self.folder)?;
        self.prune(code.len() as u64)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(code)?;
        file.write_all(&crc32fast::hash(code).to_le_bytes())?;
        file.persist(self.file(digest)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Makes room for `coming` bytes.
    fn prune(&self, coming: u64) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                files.push((metadata.modified()?, metadata.len(), entry.path()));
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

/// Whether a file is as it was written. It is read and not mapped: what is looked at in a mapping stays in memory.
fn is_intact(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let Some(code_bytes) = file.metadata()?.len().checked_sub(CHECKSUM_BYTES as u64) else {
        return Ok(false);
    };
    let mut hasher = crc32fast::Hasher::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut code = (&mut file).take(code_bytes);
    loop {
        match code.read(&mut chunk)? {
            0 => break,
            read => hasher.update(chunk.get(..read).unwrap_or_default()),
        }
    }
    let mut checksum = [0; CHECKSUM_BYTES];
    file.read_exact(&mut checksum)?;
    Ok(hasher.finalize() == u32::from_le_bytes(checksum))
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
