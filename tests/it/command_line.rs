//! The program on the command line, as scripts and operators call it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::{fixture_path, program, repository};

fn ocriva(arguments: &[&str], files: &[&Path]) -> Output {
    Command::new(program()).args(arguments).args(files).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_file_becomes_a_line_of_json_with_the_whole_result() {
    let path = fixture_path("invoice.pdf");
    let output = ocriva(&["extract", "--plugin", "invoice"], &[&path]);
    assert!(output.status.success(), "{output:?}");
    let found = lines(&output);
    let [line] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(line["file"], path.display().to_string());
    assert_eq!(line["status"], "completed");
    assert_eq!(line["error"], Value::Null);
    assert_eq!(line["data"]["total"], 571.04);
    assert_eq!(line["fields"]["total"]["page"], 1);
    assert!(line["timings"]["totalMs"].as_f64().unwrap() > 0.0);
    assert!(line["text"].as_str().unwrap().contains("RE-20201121/508"));
    for key in ["tables", "pages", "warnings", "pageCount", "confidence", "extractor"] {
        assert!(!line[key].is_null(), "`{key}` is missing");
    }
}

#[test]
fn a_template_file_may_be_a_flat_map_of_fields() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.json");
    let fields = json!({"invoice_number": {"type": "string"}, "due_date": {"type": "date"}, "color": {"type": "string"}});
    std::fs::write(&template, fields.to_string()).unwrap();
    let output =
        ocriva(&["extract", "--template", template.to_str().unwrap()], &[&fixture_path("invoice.pdf")]);
    let found = lines(&output);
    assert_eq!(
        found[0]["data"],
        json!({"invoice_number": "RE-20201121/508", "due_date": "2020-12-12", "color": null})
    );
}

#[test]
fn folders_are_walked_and_what_is_no_document_is_skipped_there() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("below")).unwrap();
    std::fs::copy(fixture_path("invoice.pdf"), folder.path().join("below/a.pdf")).unwrap();
    std::fs::write(folder.path().join("notes.json"), "{}").unwrap();
    std::fs::write(folder.path().join(".hidden.pdf"), "%PDF-").unwrap();
    let output = ocriva(&["extract"], &[folder.path()]);
    assert!(output.status.success(), "what is skipped is no failure: {output:?}");
    let states: Vec<_> = lines(&output).iter().map(|line| line["status"].clone()).collect();
    assert_eq!(states, ["completed", "skipped"]);
}

#[test]
fn a_file_that_cannot_be_read_is_reported_and_shows_in_the_exit_status() {
    let bad =
        ["encrypted_aes256.pdf", "header_only.pdf", "bomb_header.png", "program_named.pdf"].map(fixture_path);
    let good = fixture_path("text.pdf");
    let files: Vec<&Path> = bad.iter().chain([&good]).map(AsRef::as_ref).collect();
    let output = ocriva(&["extract"], &files);
    assert!(!output.status.success());
    let found = lines(&output);
    let codes: Vec<_> = found.iter().map(|line| line["error"]["code"].clone()).collect();
    assert_eq!(
        codes,
        [
            json!("decode.encrypted"),
            json!("decode.damaged"),
            json!("decode.limit_exceeded"),
            json!("decode.unsupported"),
            Value::Null
        ]
    );
}

#[test]
fn a_password_opens_an_encrypted_document_only_if_it_is_right() {
    let path = fixture_path("encrypted_aes256.pdf");
    let wrong = ocriva(&["extract", "--password", "no"], &[&path]);
    assert_eq!(lines(&wrong)[0]["error"]["code"], "decode.encrypted");
    let right = ocriva(&["extract", "--password", "open-sesame"], &[&path]);
    assert_eq!(lines(&right)[0]["status"], "completed");
}

#[test]
fn an_unknown_plugin_or_setting_is_refused_with_the_known_ones() {
    let output = ocriva(&["extract", "--plugin", "nosuch"], &[&fixture_path("text.pdf")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("`nosuch`") && said.contains("`invoice`"), "{said}");

    let output = Command::new(program()).arg("config").env("OCRIVA__OCR__SPEED", "9").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("ocr.speed") && said.contains("`mode`"), "{said}");
}

#[test]
fn plugins_are_listed_and_checked() {
    let listed = String::from_utf8(ocriva(&["plugin", "list"], &[]).stdout).unwrap();
    for name in [
        "bank-statement",
        "barcode",
        "fields",
        "form",
        "id-document",
        "invoice",
        "llm",
        "receipt",
        "rules",
        "table",
        "text",
    ] {
        assert!(listed.contains(name), "{listed}");
    }
    let good = repository().join(".build/guests/lines.wasm");
    let output = ocriva(&["plugin", "check"], &[&good]);
    assert!(output.status.success(), "{output:?}");
    let output = ocriva(&["plugin", "check"], &[&fixture_path("text.pdf")]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("problem"), "{said}");
}
