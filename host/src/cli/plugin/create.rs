//! `ocriva plugin new`: a project that builds and passes its tests at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use ocriva::assets;

use super::project::Language;
use super::vendored;

/// Longest name of a plugin.
const NAME_LENGTH: usize = 64;

/// End of the names of files that are named otherwise in a project, because tools would take them for their own here.
const RENAMED: &str = ".in";

#[derive(Debug, Args)]
pub struct New {
    /// Name of the plugin: lower case letters, digits and `-`.
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
    /// What it is written in.
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// Folder of the project, which must not exist; the plugin's name unless said.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Folder of the SDK to take, instead of a copy inside of the project (Rust only).
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

impl New {
    /// Makes the project.
    ///
    /// # Errors
    /// A folder that exists, or cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let folder = self.folder.clone().unwrap_or_else(|| PathBuf::from(&self.name));
        ensure!(!folder.exists(), "`{}` exists already", folder.display());
        let sdk = match &self.sdk {
            Some(_) if self.lang != Language::Rust => bail!("`--sdk` is for `--lang rust`"),
            Some(sdk) => sdk
                .canonicalize()
                .with_context(|| format!("`{}` cannot be opened", sdk.display()))?
                .display()
                .to_string(),
            None => format!("{}/sdk", vendored::FOLDER),
        };
        let written = self.write(&folder, &sdk);
        if written.is_err() {
            // Half a project would only stand in the way of the next try.
            let _ = fs::remove_dir_all(&folder);
        }
        written?;
        let (shown, install) = (folder.display(), install(self.lang));
        crate::cli::print(&format!(
            "made `{shown}`\n\n    cd {shown}{install}\n    ocriva plugin test      # builds it, and runs it on the documents in tests/\n    \
             ocriva plugin watch     # the same again after each change\n\nREADME.md says more.\n"
        ))?;
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self, folder: &Path, sdk: &str) -> anyhow::Result<()> {
        let replaced =
            [("{{name}}", self.name.as_str()), ("{{Type}}", &type_name(&self.name)), ("{{sdk}}", sdk)];
        for (path, content) in assets::projects() {
            let Some(path) = path.strip_prefix(self.lang.folder()).and_then(|path| path.strip_prefix('/'))
            else {
                continue;
            };
            let content = std::str::from_utf8(content)?;
            let content = replaced.iter().fold(content.to_owned(), |text, (from, to)| text.replace(from, to));
            let file = folder.join(path.strip_suffix(RENAMED).unwrap_or(path));
            let written =
                file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, content));
            written.with_context(|| format!("`{}` cannot be written", file.display()))?;
        }
        if self.lang == Language::Rust {
            fs::write(folder.join("Cargo.lock"), vendored::lock_file(&format!("{}-plugin", self.name))?)?;
        }
        if self.sdk.is_none() {
            vendored::write(folder, self.lang)?;
        }
        Ok(())
    }
}

/// What has to be typed before the first build.
fn install(language: Language) -> &'static str {
    match language {
        Language::Rust => "",
        Language::Js => "\n    npm install",
        Language::C | Language::Python => {
            "\n    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    let is_name = text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.len() <= NAME_LENGTH
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    match is_name {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "expected lower case letters, digits and `-`, a letter first, at most {NAME_LENGTH}, such as `delivery-note`"
        )),
    }
}

/// `DeliveryNote` for `delivery-note`.
fn type_name(name: &str) -> String {
    name.split('-')
        .filter_map(|part| part.split_at_checked(1))
        .map(|(first, rest)| first.to_uppercase() + rest)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_contract_allows() {
        for good in ["a", "delivery-note", "form-1040"] {
            assert_eq!(name(good).as_deref(), Ok(good));
        }
        for bad in ["", "Note", "1040", "-a", "a b", "../a", &"a".repeat(65)] {
            assert!(name(bad).is_err(), "{bad}");
        }
        assert_eq!(type_name("delivery-note-2"), "DeliveryNote2");
    }
}
