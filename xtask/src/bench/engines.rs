//! The engines of `cargo xtask bench reading`: where they come from, and how each reads a list of pictures.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace::{Workspace, find_program};
use crate::{process, usage};

/// The largest brings about 200 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(900);

/// An engine that reads pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Engine {
    /// This program in its most accurate mode.
    Ocriva,
    /// This program in its fast mode.
    OcrivaFast,
    /// RapidOCR on ONNX Runtime, as it comes.
    Rapidocr,
    /// faster-paddle with its `small` models.
    FasterPaddle,
    /// faster-paddle with its `tiny` models.
    FasterPaddleTiny,
    /// Tesseract from the system, English.
    Tesseract,
    /// kreuzberg with Tesseract, English.
    Kreuzberg,
}

impl Engine {
    /// Its name, as on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ocriva => "ocriva",
            Self::OcrivaFast => "ocriva-fast",
            Self::Rapidocr => "rapidocr",
            Self::FasterPaddle => "faster-paddle",
            Self::FasterPaddleTiny => "faster-paddle-tiny",
            Self::Tesseract => "tesseract",
            Self::Kreuzberg => "kreuzberg",
        }
    }

    /// The Python packages it is, in exact versions; none for programs.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Rapidocr => &["rapidocr==3.10.0", "onnxruntime==1.32.0"],
            Self::FasterPaddle | Self::FasterPaddleTiny => &["faster-paddle==1.0.4"],
            Self::Kreuzberg => &["kreuzberg==4.10.4"],
            Self::Ocriva | Self::OcrivaFast | Self::Tesseract => &[],
        }
    }

    /// Makes it ready to run.
    ///
    /// # Errors
    /// What is missing, and cannot be fetched.
    pub(crate) fn prepare(self, workspace: &Workspace, program: &Path) -> Result<Prepared> {
        let extract = |mode: &str| {
            let arguments = ["extract", "--format", "json", "--plugin", "text", "--mode", mode];
            (program.to_owned(), arguments.map(str::to_owned).to_vec())
        };
        let (program, arguments) = match self {
            Self::Ocriva => extract("accurate"),
            Self::OcrivaFast => extract("fast"),
            Self::Tesseract
            | Self::Rapidocr
            | Self::FasterPaddle
            | Self::FasterPaddleTiny
            | Self::Kreuzberg => {
                if self == Self::Tesseract {
                    find_program("tesseract", &[])
                        .context("it is not installed (Debian: `apt-get install tesseract-ocr`)")?;
                }
                let script = workspace.root().join("xtask/engines/read.py");
                (self.python(workspace)?, vec![script.display().to_string(), self.name().to_owned()])
            }
        };
        Ok(Prepared { engine: self, program, arguments })
    }

    /// The Python that has the engine's packages, in an environment of their own.
    fn python(self, workspace: &Workspace) -> Result<PathBuf> {
        let system = || {
            find_program("python3", &[]).context("Python is missing (Debian: `apt-get install python3-venv`)")
        };
        let packages = self.packages();
        let Some(first) = packages.first() else { return system() };
        let folder = workspace.prepared("engines").join(first.replace("==", "-"));
        let python = folder.join("bin/python");
        // Written last: an installation that was broken off is made again.
        let stamp = folder.join("installed");
        if !stamp.is_file() {
            println!("bench: installing {}, once", packages.join(" and "));
            let mut venv = Command::new(system()?);
            process::run_within(venv.args(["-m", "venv", "--clear"]).arg(&folder), INSTALL_LIMIT)
                .context("Python makes no environment (Debian: `apt-get install python3-venv`)")?;
            let mut pip = Command::new(folder.join("bin/pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
            process::run_within(pip.args(packages), INSTALL_LIMIT)?;
            std::fs::write(&stamp, packages.join("\n"))?;
        }
        Ok(python)
    }
}

/// An engine that can be run.
pub(crate) struct Prepared {
    /// Which one.
    pub(crate) engine: Engine,
    program: PathBuf,
    arguments: Vec<String>,
}

/// What one run read and used.
pub(crate) struct Run {
    /// What was read of each picture, in their order.
    pub(crate) pictures: Vec<Picture>,
    /// From start to end of the process.
    pub(crate) wall: Duration,
    /// Processor time of the process and of those it started.
    pub(crate) cpu: Duration,
    /// The most memory that was resident at one time, in bytes, of the largest process.
    pub(crate) peak_memory_bytes: u64,
}

/// What was read of one picture.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Picture {
    /// The text; `None` where the engine failed.
    pub(crate) text: Option<String>,
    /// Words and their confidences from 0 to 1, where the engine tells.
    pub(crate) words: Vec<(String, f64)>,
}

/// A line of output: of `ocriva extract` or of our script for the others.
#[derive(Deserialize)]
struct Line {
    file: String,
    text: Option<String>,
    #[serde(default)]
    pages: Vec<PageLine>,
}

#[derive(Deserialize)]
struct PageLine {
    lines: Vec<TextLine>,
}

#[derive(Deserialize)]
struct TextLine {
    words: Vec<WordLine>,
}

#[derive(Deserialize)]
struct WordLine {
    text: String,
    confidence: f64,
}

impl Prepared {
    /// Reads the pictures in a process of its own, on the given cores where some are named (`0` or `0,1`).
    pub(crate) fn read(&self, pictures: &[PathBuf], cores: Option<&str>) -> Result<Run> {
        let mut command = match cores {
            Some(cores) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", cores]).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        let started = Instant::now();
        let mut child = command
            .args(&self.arguments)
            .args(pictures)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start `{}`", self.engine.name()))?;
        let output = child.stdout.take().context("the program has no output")?;
        // Its exit status is not asked: each picture says whether it was read.
        let lines = io::read_to_string(output)?;
        let used = usage::wait(child)?;
        Ok(Run {
            wall: started.elapsed(),
            cpu: used.cpu,
            peak_memory_bytes: used.peak_memory_bytes,
            pictures: parsed(&lines, pictures)?,
        })
    }
}

/// What was read of each picture; an engine may write other lines between its answers, and leave pictures out.
fn parsed(lines: &str, pictures: &[PathBuf]) -> Result<Vec<Picture>> {
    let mut found: Vec<Picture> = pictures.iter().map(|_| Picture::default()).collect();
    for line in lines.lines().filter(|line| line.starts_with('{')) {
        let line: Line = serde_json::from_str(line).context("a line of output is not as expected")?;
        let Some(index) = pictures.iter().position(|picture| picture.as_path() == Path::new(&line.file))
        else {
            continue;
        };
        let words = line.pages.into_iter().flat_map(|page| page.lines).flat_map(|line| line.words);
        let words = words.map(|word| (word.text, word.confidence)).collect();
        found[index] = Picture { text: line.text, words };
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_an_engine_leaves_out_or_fails_on_have_no_text() {
        let pictures = ["a.png", "b.png", "c.png"].map(PathBuf::from);
        let output = "[INFO] loading\n{\"file\":\"c.png\",\"text\":\"Total 9.00\"}\n{\"file\":\"a.png\",\"error\":\"no\"}";
        let read = parsed(output, &pictures).unwrap();
        let texts: Vec<Option<&str>> = read.iter().map(|picture| picture.text.as_deref()).collect();
        assert_eq!(texts, [None, None, Some("Total 9.00")]);
    }
}
