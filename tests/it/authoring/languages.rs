//! Plugins in JavaScript, C and Python: a new project of each, built with its language's own tools, tested by the program
//! and run by a server.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use support::api::{TestApi, answer, bearer};
use support::database::Engine;
use support::repository;

use super::{Project, said};

/// Set to anything, it lets the tests pass without the tools.
const WITHOUT_LANGUAGES: &str = "OCRIVA_TESTS_WITHOUT_LANGUAGES";

/// Where `cargo xtask setup --languages` put a language's tools; `None` where the environment says that they may be
/// missing.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the program")]
fn tools(language: &str) -> Option<PathBuf> {
    let folder = repository().join(".build/languages").join(language);
    if folder.join("made-from").is_file() {
        return Some(folder);
    }
    assert!(
        std::env::var_os(WITHOUT_LANGUAGES).is_some(),
        "`{}` is missing: type `cargo xtask setup --languages` or, to go without, set {WITHOUT_LANGUAGES}=1",
        folder.display()
    );
    eprintln!("WARNING: no tools for `{language}` and {WITHOUT_LANGUAGES} is set: its test DOES NOT RUN");
    None
}

/// Makes a project, has the program build and test it with the tools, and a server run it.
async fn passes_its_tests_and_runs_in_a_server(name: &'static str, language: &str, installed: &str) {
    let Some(tools) = tools(language) else { return };
    let project = Project::new(name, &["--lang", language]);
    symlink(tools.join(installed), project.path(installed)).unwrap();
    let tested = project.run(&["test"]);
    assert!(tested.status.success(), "{}", said(&tested));
    assert!(said(&tested).contains("sample.txt ... ok"), "{}", said(&tested));

    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let component = std::fs::read(project.path(&format!("{name}.wasm"))).unwrap();
    let made = api.install(component, &api.token).await;
    assert_eq!((&made["state"], &made["origin"]), (&json!("active"), &json!("organization")));
    let sample = std::fs::read(project.path("tests/sample.txt")).unwrap();
    let template = json!({"name": "Preview", "extractor": {"plugin": name}});
    let form = Form::new()
        .part("file", Part::bytes(sample).file_name("sample.txt"))
        .text("template", template.to_string());
    let asked = bearer(api.request(Method::POST, "/templates/preview"), &api.token).multipart(form);
    let read = answer(asked).await;
    assert_eq!(read.status, 200, "{read:?}");
    let fields = &read.body["result"]["fields"];
    assert_eq!(
        (&fields["number"]["value"], &fields["date"]["value"]),
        (&json!("2026-117"), &json!("2026-03-14"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_in_javascript_passes_its_tests_and_runs_in_a_server() {
    passes_its_tests_and_runs_in_a_server("scripted", "js", "node_modules").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_in_c_passes_its_tests_and_runs_in_a_server() {
    passes_its_tests_and_runs_in_a_server("compiled", "c", ".venv").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_in_python_passes_its_tests_and_runs_in_a_server() {
    passes_its_tests_and_runs_in_a_server("pythonic", "python", ".venv").await;
}
