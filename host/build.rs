//! Embeds what `cargo xtask setup` prepared in `.build/`: OCR models and bundled plugins.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap()).join("..");
    let prepared = root.join(".build");
    let mut code = String::new();
    embed(&mut code, "MODELS", &prepared.join("models"), &["onnx", "txt"]);
    embed(&mut code, "PLUGINS", &prepared.join("plugins"), &["wasm"]);
    let out = PathBuf::from(env::var("OUT_DIR").unwrap()).join("assets.rs");
    fs::write(out, code).unwrap();
}

fn embed(code: &mut String, constant: &str, folder: &Path, extensions: &[&str]) {
    println!("cargo::rerun-if-changed={}", folder.display());
    let Ok(entries) = fs::read_dir(folder) else {
        println!("cargo::error=`{}` is missing: run `cargo xtask setup` first", folder.display());
        return;
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)))
        .collect();
    files.sort();
    if files.is_empty() {
        println!("cargo::error=`{}` is empty: run `cargo xtask setup` first", folder.display());
    }
    writeln!(code, "static {constant}: &[(&str, &[u8])] = &[").unwrap();
    for file in files {
        let file = file.canonicalize().unwrap();
        println!("cargo::rerun-if-changed={}", file.display());
        let name = match constant {
            "PLUGINS" => file.file_stem(),
            _ => file.file_name(),
        };
        writeln!(code, "    ({:?}, include_bytes!({:?})),", name.unwrap().to_str().unwrap(), file).unwrap();
    }
    code.push_str("];\n");
}
