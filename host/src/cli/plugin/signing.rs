//! `ocriva plugin keygen` and `sign`: keys, and signatures that lie beside components.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use ocriva::plugins::signature::SigningKey;

/// Draws a key, writes its secret to a new file that only its owner can read, and prints the public one.
///
/// # Errors
/// The file exists or cannot be written.
pub fn keygen(file: &Path) -> anyhow::Result<ExitCode> {
    let (secret, key) = SigningKey::generate()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written =
        options.open(file).with_context(|| format!("`{}` cannot be written anew", file.display()))?;
    writeln!(written, "{secret}").with_context(|| format!("`{}` cannot be written", file.display()))?;
    super::super::print(&format!(
        "secret key in `{}`: keep it to yourself\npublic key, for the setting `plugins.trusted_keys`:\n{}\n",
        file.display(),
        key.public_key()
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Signs a component: writes `FILE.wasm.sig` beside it.
///
/// # Errors
/// The key or the component cannot be read, or the signature cannot be written.
pub fn sign(component: &Path, key: &Path) -> anyhow::Result<ExitCode> {
    let secret =
        std::fs::read_to_string(key).with_context(|| format!("`{}` cannot be read", key.display()))?;
    let key = SigningKey::parse(&secret).with_context(|| format!("`{}`", key.display()))?;
    let bytes =
        std::fs::read(component).with_context(|| format!("`{}` cannot be read", component.display()))?;
    let signature = place(component);
    std::fs::write(&signature, format!("{}\n", key.sign(&bytes)))
        .with_context(|| format!("`{}` cannot be written", signature.display()))?;
    super::super::print(&format!("signature in `{}`, by {}\n", signature.display(), key.public_key()))?;
    Ok(ExitCode::SUCCESS)
}

/// The signature that lies beside a component, if there is one.
///
/// # Errors
/// It cannot be read.
pub fn beside(component: &Path) -> anyhow::Result<Option<String>> {
    let file = place(component);
    match std::fs::read_to_string(&file) {
        Ok(signature) => Ok(Some(signature)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be read", file.display())),
    }
}

fn place(component: &Path) -> PathBuf {
    let mut name = component.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}
