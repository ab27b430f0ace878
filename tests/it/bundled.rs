//! The bundled plugins on their own documents, through the real pipeline and the real sandbox: what their authors see by
//! `ocriva plugin test`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{program, repository};

/// Asks a language model, which `tests/it/llm.rs` is for it.
const ASKS_A_MODEL: &str = "llm";

/// The folders of the bundled plugins, by name.
fn plugins() -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join("plugins")).unwrap();
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("plugin.toml").is_file())
        .collect();
    folders.sort();
    folders
}

fn name(plugin: &Path) -> String {
    plugin.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_bundled_plugin_has_documents_with_what_is_expected_of_them_and_a_page_that_describes_it() {
    for plugin in plugins() {
        let expectations = fs::read_dir(plugin.join("tests")).map(|entries| {
            entries
                .filter(|entry| entry.as_ref().unwrap().path().to_str().unwrap().ends_with(".expected.json"))
                .count()
        });
        assert!(expectations.unwrap_or(0) > 0, "`{}/tests` has none", name(&plugin));
        assert!(plugin.join("README.md").is_file(), "`{}` has no README.md", name(&plugin));
    }
}

#[test]
fn documents_of_bundled_plugins_give_what_is_expected() {
    let mut failed = Vec::new();
    for plugin in plugins().into_iter().filter(|plugin| name(plugin) != ASKS_A_MODEL) {
        let component = repository().join(".build/plugins").join(name(&plugin)).with_extension("wasm");
        let mut command = Command::new(program());
        command.args(["plugin", "test", "--component"]).arg(component).arg("--project").arg(&plugin);
        let output = command.output().unwrap();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            failed.push(format!("{}: {said}", name(&plugin)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
