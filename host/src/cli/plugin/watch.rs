//! `ocriva plugin watch`: builds and tests again whenever a source or a document changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;
use ocriva::config::Config;

use super::cases::{self, Grants, Runner};
use super::project::Project;
use super::{build, test};

/// How often the files are looked at. A project has some dozens of them: looking costs less than a millisecond.
const INTERVAL: Duration = Duration::from_millis(300);

/// Folders with what is made, not written. Hidden ones are left out as well.
const MADE: [&str; 3] = ["target", "node_modules", "__pycache__"];

#[derive(Debug, Args)]
pub struct Watch {
    /// Folder of the project.
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
    #[command(flatten)]
    grants: Grants,
}

/// Files with the time and size by which a change is known.
type Files = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl Watch {
    /// Builds and tests until it is interrupted.
    ///
    /// # Errors
    /// No project.
    pub fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let root = Project::find(&self.project)?.root;
        let runtime = crate::cli::runtime()?;
        let mut seen = Files::new();
        loop {
            let now = files(&root);
            if now == seen {
                std::thread::sleep(INTERVAL);
                continue;
            }
            // What is wrong now may be mended by the next change.
            if let Err(error) = round(config, &root, &runtime, &self.grants) {
                eprintln!("error: {error:#}");
            }
            // What changed while it was built is built again; what building itself wrote is not.
            seen = if files(&root) == now { now } else { settled(&root, now) };
            crate::cli::print("watching for changes; Ctrl-C ends it\n\n")?;
        }
    }
}

fn round(
    config: &Config,
    root: &Path,
    runtime: &tokio::runtime::Runtime,
    grants: &Grants,
) -> anyhow::Result<()> {
    let project = Project::find(root)?;
    crate::cli::print(&build::build(&project)?)?;
    let tests = project.tests();
    let cases = cases::find(&tests)?;
    runtime.block_on(async {
        let runner = Runner::new(config, &project.component(), &tests, grants).await?;
        test::run(&runner, &cases, false).await
    })?;
    Ok(())
}

/// The files as they are, where only a lock file changed since `before`; else as they were, so that they differ.
fn settled(root: &Path, before: Files) -> Files {
    let now = files(root);
    let is_lock = |file: &Path| file.extension().is_some_and(|extension| extension == "lock");
    let sources = |files: &Files| -> Files {
        files.iter().filter(|(file, _)| !is_lock(file)).map(|(file, state)| (file.clone(), *state)).collect()
    };
    if sources(&now) == sources(&before) { now } else { before }
}

/// The files that a build or a test reads.
fn files(root: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let is_component = name.ends_with(".wasm") || name.ends_with(".wasm.new");
            if name.starts_with('.') || MADE.contains(&name.as_str()) || is_component {
                continue;
            }
            let Ok(state) = entry.metadata() else { continue };
            match state.is_dir() {
                true => folders.push(path),
                false => {
                    files.insert(path, (state.modified().ok(), state.len()));
                }
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_written_is_watched_and_what_is_made_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for made in ["target/a.rs", "node_modules/x/a.js", ".ocriva/sdk/lib.rs", "note.wasm"] {
            let file = folder.path().join(made);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "1").unwrap();
        }
        assert!(files(folder.path()).is_empty());
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/lib.rs"), "1").unwrap();
        let before = files(folder.path());
        assert_eq!(before.len(), 1);
        fs::write(folder.path().join("src/lib.rs"), "12").unwrap();
        assert_ne!(files(folder.path()), before);
        assert_eq!(settled(folder.path(), before.clone()), before, "a source that changed is built again");
        let now = files(folder.path());
        fs::write(folder.path().join("Cargo.lock"), "1").unwrap();
        assert_ne!(settled(folder.path(), now.clone()), now, "a lock file is not");
    }
}
