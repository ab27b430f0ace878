//! An author's project: a folder with a `plugin.toml`, in one of the languages that a plugin can be written in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use ocriva::plugins::Manifest;

/// The file that makes a folder a project.
pub const MANIFEST: &str = "plugin.toml";

/// What a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust, on the SDK.
    Rust,
    /// JavaScript, by `componentize-js` from npm.
    Js,
    /// C, by the compiler of `ziglang` from PyPI.
    C,
    /// Python, by `componentize-py` from PyPI.
    Python,
}

impl Language {
    /// C before Python: both have a `requirements.txt`.
    const ALL: [Self; 4] = [Self::Rust, Self::Js, Self::C, Self::Python];

    /// Its folder among the projects that the program holds.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::C => "c",
            Self::Python => "python",
        }
    }

    /// The file by which a project of this language is known.
    fn mark(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Js => "package.json",
            Self::C => "extractor.c",
            Self::Python => "requirements.txt",
        }
    }
}

/// A project.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its folder.
    pub root: PathBuf,
    /// What its `plugin.toml` says.
    pub manifest: Manifest,
    /// Content of its `plugin.toml`.
    pub manifest_text: String,
    /// What it is written in.
    pub language: Language,
}

impl Project {
    /// The project that a folder lies in.
    ///
    /// # Errors
    /// None there, a manifest that cannot be used, or one of no known language.
    pub fn find(folder: &Path) -> anyhow::Result<Self> {
        let folder =
            folder.canonicalize().with_context(|| format!("`{}` cannot be opened", folder.display()))?;
        let Some(root) = folder.ancestors().find(|root| root.join(MANIFEST).is_file()) else {
            bail!(
                "there is no `{MANIFEST}` in `{}` or above it; `ocriva plugin new NAME` makes a project",
                folder.display()
            );
        };
        let file = root.join(MANIFEST);
        let manifest_text =
            fs::read_to_string(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
        let manifest = Manifest::parse(&manifest_text)
            .with_context(|| format!("`{}` is no manifest", file.display()))?;
        let language = Language::ALL.into_iter().find(|language| root.join(language.mark()).is_file());
        let language = language.with_context(|| {
            format!(
                "`{}` holds neither `Cargo.toml` (Rust) nor `package.json` (JavaScript) nor `extractor.c` (C) nor \
                 `requirements.txt` (Python)",
                root.display()
            )
        })?;
        Ok(Self { root: root.to_owned(), manifest, manifest_text, language })
    }

    /// The file that `build` makes: the one that is shipped.
    pub fn component(&self) -> PathBuf {
        self.root.join(format!("{}.wasm", self.manifest.name))
    }

    /// The folder of its test documents.
    pub fn tests(&self) -> PathBuf {
        self.root.join("tests")
    }
}
