//! Compiled components on disk, so that a restart does not compile.
//!
//! Loading machine code is trusting it. The folder is private to the user that runs the program, files are named
//! by the component's digest and by what the engine's code depends on, and each carries its own digest against
//! damage. Nothing here is ever taken from outside.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

/// Length of the digest that stands before the code.
const DIGEST_BYTES: usize = 32;

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
        let content = match fs::read(&file) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "compiled plugin cannot be read");
                return None;
            }
        };
        let component = intact_code(&content).and_then(|code| deserialize(engine, code).ok());
        if component.is_none() {
            tracing::warn!(file = %file.display(), "compiled plugin cannot be used and is made anew");
        }
        component
    }

    /// Keeps compiled code. That it cannot be kept is no failure: it is made again the next time.
    pub(super) fn keep(&self, digest: &str, code: &[u8]) {
        if let Err(error) = self.write(digest, code) {
            tracing::warn!(folder = %self.folder.display(), %error, "compiled plugin cannot be kept");
        }
    }

    fn write(&self, digest: &str, code: &[u8]) -> io::Result<()> {
        make_private(&self.folder)?;
        self.prune(code.len() as u64)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&Sha256::digest(code))?;
        file.write_all(code)?;
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

/// The code of a file whose digest is right.
fn intact_code(content: &[u8]) -> Option<&[u8]> {
    let (digest, code) = content.split_at_checked(DIGEST_BYTES)?;
    (Sha256::digest(code).as_slice() == digest).then_some(code)
}

#[expect(unsafe_code, reason = "machine code cannot be loaded otherwise")]
fn deserialize(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes were made by `Component::serialize` of this program. They come from a folder that only
    // its user can write to, under a name that only `Cache::write` gives, and their digest shows that they
    // are as they were written. Another version's or engine's code is refused by wasmtime itself.
    unsafe { Component::deserialize(engine, code) }
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
