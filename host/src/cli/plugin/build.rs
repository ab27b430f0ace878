//! `ocriva plugin build`: from a project's sources to the one file that is shipped.
//!
//! Rust and C are compiled to a core module and wrapped here; the tools of other languages make components themselves. None
//! of it runs in a server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use ocriva::plugins::manifest::Capabilities;
use ocriva_plugin_build::{NATIVE_VARIABLES, TARGET, declare_in_c, embed, encode, has_target};
use serde::Deserialize;

use super::project::{Language, Project};
use super::vendored;

/// World of components that other languages' tools make.
const WORLD: &str = "asked";

/// Builds a project; returns what there is to say of it.
///
/// # Errors
/// A tool that is missing or fails, or a component that cannot be made of what it gave.
pub fn build(project: &Project) -> anyhow::Result<String> {
    let since = Instant::now();
    vendored::ensure(project)?;
    let component = match project.language {
        Language::Rust => rust(project)?,
        Language::Js => javascript(project)?,
        Language::C => c(project)?,
        Language::Python => python(project)?,
    };
    let component = embed(&component, &project.manifest_text);
    let file = project.component();
    // A server that watches the file's folder never sees half of it.
    let unfinished = file.with_extension("wasm.new");
    let kept = fs::write(&unfinished, &component).and_then(|()| fs::rename(&unfinished, &file));
    kept.with_context(|| format!("`{}` cannot be written", file.display()))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!(
        "built {name}: {} KiB in {:.1} s\n",
        component.len().div_ceil(1024),
        since.elapsed().as_secs_f64()
    ))
}

/// A line of what cargo says about a build.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The component that a command works on: the one given, or the project's, which is built for it.
///
/// # Errors
/// As [`build`].
pub fn component(project: &Project, given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    crate::cli::print(&build(project)?)?;
    Ok(project.component())
}

fn rust(project: &Project) -> anyhow::Result<Vec<u8>> {
    if !has_target(&project.root)? {
        bail!("Rust cannot compile for {TARGET} yet; add it, once: `rustup target add {TARGET}`");
    }
    let mut cargo = Command::new("cargo");
    cargo
        .args([
            "build",
            "--release",
            "--lib",
            "--target",
            TARGET,
            "--message-format",
            "json-render-diagnostics",
        ])
        // Names stay, because traps are told by them; the rest of the debug information is most of the size.
        .env("CARGO_PROFILE_RELEASE_STRIP", "debuginfo")
        .current_dir(&project.root);
    for variable in NATIVE_VARIABLES {
        cargo.env_remove(variable);
    }
    let said = output(&mut cargo)?;
    let manifest = project.root.join("Cargo.toml").canonicalize()?;
    let is_own = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == manifest);
    let messages =
        said.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let modules = messages
        .filter(|message| {
            message.reason == "compiler-artifact" && message.manifest_path.as_ref().is_some_and(is_own)
        })
        .flat_map(|message| message.filenames)
        .find(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    let module = modules.context(
        "cargo made no module: `Cargo.toml` needs `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]`",
    )?;
    let bytes = fs::read(&module).with_context(|| format!("`{}` cannot be read", module.display()))?;
    encode(&bytes).context("the crate is no plugin: `src/lib.rs` needs `ocriva_plugin_sdk::register!(…)`")
}

fn javascript(project: &Project) -> anyhow::Result<Vec<u8>> {
    let tool = project.root.join("node_modules/.bin/componentize-js");
    ensure!(
        tool.is_file(),
        "`componentize-js` is not installed here; type `npm install` in `{}`",
        project.root.display()
    );
    made(project, |contract, component| {
        let mut command = Command::new(&tool);
        command.args(["extractor.js", "--world-name", WORLD, "--wit"]).arg(contract);
        // No system interface: what a plugin may do, it does by the contract.
        for feature in ["stdio", "random", "clocks", "http", "fetch-event"] {
            command.args(["--disable", feature]);
        }
        command.arg("--out").arg(component);
        Ok(command)
    })
}

fn python(project: &Project) -> anyhow::Result<Vec<u8>> {
    let own = project.root.join(".venv/bin/componentize-py");
    let tool = if own.is_file() { own } else { PathBuf::from("componentize-py") };
    let is_there = Command::new(&tool).arg("--version").output().is_ok_and(|asked| asked.status.success());
    ensure!(
        is_there,
        "`componentize-py` is not installed; type `python3 -m venv .venv && .venv/bin/pip install -r \
         requirements.txt` in `{}`",
        project.root.display()
    );
    made(project, |contract, component| {
        let mut command = Command::new(&tool);
        command.args(["--quiet", "--world", WORLD, "--wit-path"]).arg(contract);
        command.args(["componentize", "extractor", "--stub-wasi", "--output"]).arg(component);
        Ok(command)
    })
}

/// The compiler's own stack has 16 MiB, which each call would have to make.
const STACK: &str = "-Wl,-z,stack-size=262144";

fn c(project: &Project) -> anyhow::Result<Vec<u8>> {
    let python = project.root.join(".venv/bin/python");
    ensure!(
        python.is_file(),
        "the C compiler is not installed here; type `python3 -m venv .venv && .venv/bin/pip install -r \
         requirements.txt` in `{}`",
        project.root.display()
    );
    let declared = project.root.join(vendored::FOLDER).join("c");
    fs::create_dir_all(&declared)?;
    let mut sources = Vec::new();
    for entry in fs::read_dir(&project.root)? {
        sources
            .extend(Some(entry?.path()).filter(|path| path.extension().is_some_and(|ending| ending == "c")));
    }
    sources.sort();
    let module = made(project, |contract, module| {
        for (name, content) in declare_in_c(contract, WORLD)? {
            fs::write(declared.join(&name), content)?;
            // The header is for the sources, the rest becomes part of the module.
            sources.extend(
                Some(declared.join(name)).filter(|file| file.extension().is_some_and(|ending| ending != "h")),
            );
        }
        let mut command = Command::new(&python);
        command.args(["-m", "ziglang", "cc", "-target", "wasm32-wasi", "-mexec-model=reactor", "-Os"]);
        // Of a system, even the random number that guards the stack would be one wish too many.
        command.args(["-fno-stack-protector", STACK, "-Wall", "-I"]).arg(&declared);
        command.args(&sources).arg("-o").arg(module);
        Ok(command)
    })?;
    encode(&module).context(
        "what was compiled is no plugin; where `wasi_snapshot_preview1` is named, it uses files, `printf` or a clock, and \
         there are none",
    )
}

/// Runs a tool that writes a component, or a module, of this project's world.
fn made(
    project: &Project,
    tool: impl FnOnce(&Path, &Path) -> anyhow::Result<Command>,
) -> anyhow::Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let contract = folder.path().join("wit");
    fs::create_dir(&contract)?;
    let vendored = project.root.join(vendored::FOLDER).join("wit");
    for entry in
        fs::read_dir(&vendored).with_context(|| format!("`{}` cannot be read", vendored.display()))?
    {
        let entry = entry?;
        fs::copy(entry.path(), contract.join(entry.file_name()))?;
    }
    fs::write(contract.join("world.wit"), world(&project.manifest.capabilities))?;
    let component = folder.path().join("component.wasm");
    output(tool(&contract, &component)?.current_dir(&project.root))?;
    Ok(fs::read(&component)?)
}

/// The contract with the optional interfaces that a plugin asks for, and no other: these tools import all of a world,
/// and what a component imports has to be granted.
fn world(asked: &Capabilities) -> String {
    let optional = [
        ("clock", asked.clock),
        ("random", asked.random),
        ("kv", asked.kv),
        ("lookup", asked.lookup),
        ("http", asked.http.is_some()),
        ("llm", asked.llm.is_some()),
    ];
    let imports = ["log", "config", "document", "barcodes"].into_iter();
    let imports = imports.chain(optional.into_iter().filter(|(_, is_asked)| *is_asked).map(|(name, _)| name));
    let imports: String = imports.map(|name| format!("    import {name};\n")).collect();
    format!("world {WORLD} {{\n{imports}    export extractor;\n}}\n")
}

/// Runs a command to its end and gives what it wrote to its standard output; what it says else is for the author.
fn output(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("`{name}` cannot be started"))?;
    ensure!(output.status.success(), "`{name}` failed ({})", output.status);
    Ok(output.stdout)
}
