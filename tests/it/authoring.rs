//! An author's way from an empty folder to a component, by the program's own commands.

mod languages;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use support::{program, repository};

/// A project in a folder of its own, under a name of its own: all of them compile into one folder, so that the SDK's
/// dependencies compile once.
struct Project {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl Project {
    /// Makes a project in Rust that takes the SDK from the repository, or from a copy in itself.
    fn new(name: &'static str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = ocriva(folder.path(), &[&["plugin", "new", name], arguments].concat());
        assert!(made.status.success(), "{}", said(&made));
        Self { folder, name }
    }

    fn on_the_repository(name: &'static str) -> Self {
        let sdk = repository().join("plugin-sdk");
        Self::new(name, &["--sdk", sdk.to_str().unwrap()])
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(self.name).join(file)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        ocriva(&self.path(""), &[&["plugin"], arguments].concat())
    }

    fn replace(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.path(file), text.replace(from, to)).unwrap();
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    let built = program().parent().unwrap().join("authoring");
    // What the SDK needs was downloaded with the workspace.
    command.env("CARGO_TARGET_DIR", built).env("CARGO_NET_OFFLINE", "true");
    command.args(arguments).current_dir(folder);
    command
}

fn ocriva(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_new_project_passes_its_tests_with_the_sdk_that_the_program_brings() {
    let project = Project::new("note", &[]);
    let tested = project.run(&["test"]);
    assert!(tested.status.success(), "{}", said(&tested));
    assert!(said(&tested).contains("sample.txt ... ok"), "{}", said(&tested));
    let component = fs::read(project.path("note.wasm")).unwrap();
    assert!(
        component.windows(13).any(|bytes| bytes == b"name = \"note\""),
        "the manifest is in the component"
    );
    assert!(!component.windows(11).any(|bytes| bytes == b".debug_info"), "debug information is left out");
}

#[test]
fn what_differs_is_told_field_by_field_until_it_is_blessed() {
    let project = Project::on_the_repository("differing");
    project.replace("tests/sample.txt", "52.00 EUR", "1,053.00 EUR");
    let tested = project.run(&["test"]);
    assert!(!tested.status.success());
    let text = said(&tested);
    assert!(text.contains("sample.txt ... 2 differences\n    total\n      - 52.0\n      + 1053.0    page 1, read `1,053.00 EUR`"), "{text}");

    assert!(project.run(&["test", "--bless"]).status.success());
    let expected: Value =
        serde_json::from_slice(&fs::read(project.path("tests/sample.expected.json")).unwrap()).unwrap();
    assert_eq!(expected["data"], json!({"number": "2026-117", "date": "2026-03-14", "total": 1053.0}));
    assert_eq!(expected["fields"], json!({"total": {"page": 1, "text": "1,053.00 EUR"}}));
    assert_eq!(expected["today"], "2026-03-20");
    assert!(project.run(&["test"]).status.success());

    fs::write(project.path("tests/other.txt"), "nothing here").unwrap();
    let tested = project.run(&["test"]);
    assert!(!tested.status.success());
    assert!(said(&tested).contains("there is no `other.expected.json`"), "{}", said(&tested));
}

#[test]
fn a_template_and_reference_files_beside_a_document_reach_the_plugin() {
    let project = Project::on_the_repository("asked");
    let body = "let rows = document.look_up(&ocriva_plugin_sdk::lookup::Query {
            table: \"suppliers\".into(), column: \"name\".into(),
            value: request.config[\"name\"].as_str().unwrap_or_default().into(), ..Default::default() })?;
        ocriva_plugin_sdk::log::info(&request.today);
        let value = rows.first().map(|found| found.row[\"iban\"].clone()).unwrap_or_default();
        return Ok(Output::default().with(\"iban\", ocriva_plugin_sdk::Field::computed(value, 1.0)));
        #[allow(unreachable_code)]
        let pages = document.pages()?;";
    project.replace("src/lib.rs", "let pages = document.pages()?;", body);
    project.replace("src/lib.rs", "_request", "request");
    project.replace("plugin.toml", "# lookup = true", "lookup = true");
    fs::create_dir(project.path("tests/references")).unwrap();
    fs::write(project.path("tests/references/suppliers.csv"), "name,iban\nBright Paper,DE89\n").unwrap();
    let template = json!({"extractor": {"plugin": "asked", "config": {"name": "bright paper"}}});
    fs::write(project.path("tests/template.json"), template.to_string()).unwrap();
    let expected = json!({"today": "2020-02-02", "data": {"iban": "DE89"}});
    fs::write(project.path("tests/sample.expected.json"), expected.to_string()).unwrap();
    let tested = project.run(&["test"]);
    assert!(tested.status.success(), "{}", said(&tested));
    assert!(said(&tested).contains("log: 2020-02-02"), "{}", said(&tested));
}

#[test]
fn what_a_plugin_keeps_is_there_for_the_next_document_and_gone_with_the_run() {
    let project = Project::on_the_repository("keeping");
    let body = "let values = document.values();
        let seen = values.get(\"seen\")?.map(|seen| String::from_utf8_lossy(&seen).into_owned());
        values.set(\"seen\", request.file_name.as_bytes())?;
        return Ok(Output::default().with(\"before\", ocriva_plugin_sdk::Field::computed(seen, 1.0)));
        #[allow(unreachable_code)]
        let pages = document.pages()?;";
    project.replace("src/lib.rs", "let pages = document.pages()?;", body);
    project.replace("src/lib.rs", "_request", "request");
    project.replace("plugin.toml", "# lookup = true", "kv = true");
    fs::write(project.path("tests/zebra.txt"), "stripes").unwrap();
    for (name, before) in [("sample", Value::Null), ("zebra", json!("sample.txt"))] {
        let expected = json!({"data": {"before": before}}).to_string();
        fs::write(project.path(&format!("tests/{name}.expected.json")), expected).unwrap();
    }
    for arguments in [&["test"] as &[&str], &["test", "--component", "keeping.wasm"]] {
        let tested = project.run(arguments);
        assert!(tested.status.success(), "{}", said(&tested));
    }
    assert!(project.run(&["bench", "--calls", "2", "--component", "keeping.wasm"]).status.success());
}

#[test]
fn a_failure_can_be_what_is_expected() {
    let project = Project::on_the_repository("failing");
    project.replace("src/lib.rs", "let pages = document.pages()?;", "let pages = document.pages()?;\n        if pages[0].words.len() > 3 { return Err(Failure::new(\"too_long\", \"too many words\")); }");
    fs::write(project.path("tests/sample.expected.json"), json!({"error": "too_long"}).to_string()).unwrap();
    let tested = project.run(&["test"]);
    assert!(tested.status.success(), "{}", said(&tested));
}

#[test]
fn a_measurement_has_a_row_for_each_document() {
    let project = Project::on_the_repository("measured");
    let measured = project.run(&["bench", "--calls", "5"]);
    assert!(measured.status.success(), "{}", said(&measured));
    let text = said(&measured);
    let row: Vec<&str> =
        text.lines().find(|line| line.starts_with("sample.txt")).unwrap().split_whitespace().collect();
    assert_eq!(row[1], "5", "{text}");
    assert!(row[2].parse::<f64>().unwrap() > 0.0 && row[6].parse::<f64>().unwrap() > 0.5, "{text}");
}

#[test]
fn a_change_is_built_and_tested_again_while_it_is_watched() {
    struct Watching(Child);
    impl Drop for Watching {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
    let project = Project::on_the_repository("watched");
    let mut watching =
        Watching(command(&project.path(""), &["plugin", "watch"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(watching.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("sample.txt ... ok")));
    assert!(lines.any(|line| line.starts_with("watching")));
    project.replace("tests/sample.txt", "52.00 EUR", "53.00 EUR");
    assert!(lines.any(|line| line.contains("+ 53.0 ")), "the difference is told");
}

#[test]
fn a_schema_that_is_none_and_a_version_that_differs_are_told() {
    let project = Project::on_the_repository("described");
    project.replace(
        "src/lib.rs",
        "date and total of an invoice\")\n",
        "date and total of an invoice\")\n            .with_config_schema(ocriva_plugin_sdk::serde_json::json!({\"type\": \"table\"}))\n",
    );
    assert!(project.run(&["build"]).status.success());
    let checked = project.run(&["check"]);
    assert!(!checked.status.success());
    assert!(said(&checked).contains("`configSchema` is no JSON Schema"), "{}", said(&checked));

    project.replace("plugin.toml", "version = \"0.1.0\"", "version = \"0.2.0\"");
    assert!(project.run(&["build"]).status.success());
    let checked = said(&project.run(&["check"]));
    assert!(
        checked.contains("0.2.0") && checked.contains("0.1.0") && checked.contains("problem"),
        "{checked}"
    );
}

#[cfg(unix)]
#[test]
fn a_compiler_without_the_target_says_how_to_add_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let project = Project::on_the_repository("targetless");
    let tools = tempfile::tempdir().unwrap();
    let rustc = tools.path().join("rustc");
    fs::write(&rustc, format!("#!/bin/sh\necho {}\n", tools.path().display())).unwrap();
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).unwrap();
    let built = command(&project.path(""), &["plugin", "build"]).env("PATH", tools.path()).output().unwrap();
    assert!(!built.status.success());
    assert!(said(&built).contains("`rustup target add wasm32-unknown-unknown`"), "{}", said(&built));
}

#[test]
fn other_languages_say_what_to_install() {
    for (language, tool) in [("js", "npm install"), ("c", "pip install"), ("python", "pip install")] {
        let project = Project::new("foreign", &["--lang", language]);
        let built = command(&project.path(""), &["plugin", "build"]).env("PATH", "").output().unwrap();
        assert!(!built.status.success());
        assert!(said(&built).contains(tool), "{}", said(&built));
        assert!(!project.path("foreign.wasm").exists());
    }
}

#[test]
fn a_project_needs_a_name_and_a_folder_that_is_free() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("taken")).unwrap();
    for (name, reason) in [("Taken", "lower case"), ("../up", "lower case"), ("taken", "exists already")] {
        let made = ocriva(folder.path(), &["plugin", "new", name]);
        assert!(!made.status.success());
        assert!(said(&made).contains(reason), "{}", said(&made));
    }
    let built = ocriva(folder.path(), &["plugin", "build"]);
    assert!(said(&built).contains("`ocriva plugin new NAME` makes a project"), "{}", said(&built));
}
