//! Embeds what `cargo xtask setup` prepared in `.build/`, OCR models and bundled plugins, the presets of templates, and
//! what authors of plugins start from: the SDK's sources, the contract, and projects to begin with.
#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts by the environment")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest as _, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    let home = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let prepared = home.join("../.build");
    let mut code = String::new();
    embed(&mut code, "MODELS", &prepared.join("models"), &["onnx", "txt", "traineddata"])?;
    embed(&mut code, "PLUGINS", &prepared.join("plugins"), &["wasm"])?;
    embed(&mut code, "PRESETS", &home.join("presets"), &["json"])?;
    let root = home.join("..");
    embed_tree(
        &mut code,
        "SDK",
        &root,
        &[
            "plugin-sdk/src",
            "plugin-sdk/README.md",
            "plugin-sdk/Cargo.toml",
            "wit",
            "Cargo.toml",
            "Cargo.lock",
        ],
    )?;
    embed_tree(&mut code, "PROJECTS", &home.join("projects"), &["rust", "js", "c", "python"])?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("assets.rs"), code)?;
    Ok(())
}

/// Adds a constant with the files of a folder, sorted: models by file name, the others by their name alone, and plugins
/// with their SHA-256 in hexadecimal, so that no start of the program has to find it out.
fn embed(
    code: &mut String,
    constant: &str,
    folder: &Path,
    extensions: &[&str],
) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let advice = || format!("`{}` is missing or empty: run `cargo xtask setup` first", folder.display());
    let entries = fs::read_dir(folder).map_err(|_| advice())?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)))
        .collect();
    if files.is_empty() {
        return Err(advice().into());
    }
    files.sort();
    let has_digests = constant == "PLUGINS";
    let kind = if has_digests { "BundledPlugin" } else { "(&str, &[u8])" };
    writeln!(code, "static {constant}: &[{kind}] = &[")?;
    for file in files {
        let file = file.canonicalize()?;
        println!("cargo::rerun-if-changed={}", file.display());
        let name = if constant == "MODELS" { file.file_name() } else { file.file_stem() };
        let name = name.unwrap_or_default().to_string_lossy();
        if has_digests {
            let digest = hex::encode(Sha256::digest(fs::read(&file)?));
            writeln!(
                code,
                "    BundledPlugin {{ name: {name:?}, component: include_bytes!({file:?}), digest: {digest:?} }},"
            )?;
        } else {
            writeln!(code, "    ({name:?}, include_bytes!({file:?})),")?;
        }
    }
    code.push_str("];\n");
    Ok(())
}

/// Adds a constant with all files below some places of a folder, by their paths in it.
fn embed_tree(
    code: &mut String,
    constant: &str,
    folder: &Path,
    places: &[&str],
) -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    for place in places {
        println!("cargo::rerun-if-changed={}", folder.join(place).display());
        files_below(folder, place, &mut files)?;
    }
    files.sort();
    writeln!(code, "static {constant}: &[(&str, &[u8])] = &[")?;
    for file in files {
        writeln!(code, "    ({file:?}, include_bytes!({:?})),", folder.join(&file).canonicalize()?)?;
    }
    code.push_str("];\n");
    Ok(())
}

fn files_below(folder: &Path, place: &str, files: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    if folder.join(place).is_file() {
        files.push(place.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(folder.join(place))? {
        files_below(folder, &format!("{place}/{}", entry?.file_name().to_string_lossy()), files)?;
    }
    Ok(())
}
