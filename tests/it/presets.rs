//! Presets of templates: each makes a template, and reads a document of its kind.

mod samples;

use ocriva::presets;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{Answer, TestApi, text};
use support::over_http;

use crate::decode::generated::pdf;
use samples::SAMPLES;

over_http!(
    presets_are_listed_and_shown,
    every_preset_makes_a_template,
    every_preset_reads_a_document_of_its_kind,
    what_is_given_takes_the_place_of_what_a_preset_says,
    a_preset_that_is_not_there_is_told_with_those_that_are,
);

async fn presets_are_listed_and_shown(api: TestApi) {
    for prefix in ["", "/v1/openapi"] {
        let listed = api.get(&format!("{prefix}/templates/presets"), &api.token).await;
        let listed = listed.body.as_array().expect("it is a list").clone();
        assert!(listed.len() >= 21);
        let shown = api.get(&format!("{prefix}/templates/presets/invoice"), &api.token).await.body;
        assert_eq!(listed.iter().find(|preset| preset["preset"] == "invoice"), Some(&shown));
        assert_eq!(shown["templateSchema"]["properties"]["dueDate"]["format"], "date");
    }
}

async fn every_preset_makes_a_template(api: TestApi) {
    for preset in presets::all() {
        let request = json!({"preset": preset.name, "projectId": api.project()});
        let made = api.post("/templates", &api.token, &request).await;
        assert_eq!(made.status, 201, "{}: {made:?}", preset.name);
        assert_eq!(made.body["name"], preset.content.name.as_str());
        assert_eq!(made.body["templateSchema"], preset.content.template_schema.clone().unwrap());
    }
}

async fn every_preset_reads_a_document_of_its_kind(api: TestApi) {
    let mut missed = Vec::new();
    for preset in presets::all() {
        let samples: Vec<_> = SAMPLES.iter().filter(|sample| sample.preset == preset.name).collect();
        assert!(!samples.is_empty(), "there is no sample of `{}`", preset.name);
        for sample in samples {
            let answer = preview(&api, preset.name, typeset(sample.text)).await;
            assert_eq!(answer.status, 200, "{}: {answer:?}", preset.name);
            let expected: Value = serde_json::from_str(sample.expected).expect("the sample is JSON");
            let found = &answer.body["result"]["data"];
            for (name, value) in expected.as_object().expect("the sample is an object") {
                if !same(&found[name], value) {
                    missed.push(format!("{}.{name}: {} instead of {value}", preset.name, found[name]));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

async fn what_is_given_takes_the_place_of_what_a_preset_says(api: TestApi) {
    let request = json!({
        "preset": "invoice",
        "projectId": api.project(),
        "name": "Rechnungen",
        "resultFormat": "csv",
        "export": {"rows": "record"},
    });
    let made = api.post("/templates", &api.token, &request).await.body;
    assert_eq!((&made["name"], &made["resultFormat"]), (&json!("Rechnungen"), &json!("csv")));
    assert_eq!(made["export"]["columns"], json!([]));
    assert_eq!(made["extractor"]["plugin"], "fields");
    assert!(text(&made["description"]).starts_with("Invoices"));
}

async fn a_preset_that_is_not_there_is_told_with_those_that_are(api: TestApi) {
    let unknown = api.get("/templates/presets/love_letter", &api.token).await;
    unknown.assert_error(404, "template.preset_unknown");
    assert!(text(&unknown.body["message"]).contains("`invoice`"));
    let request = json!({"preset": "love_letter", "projectId": api.project()});
    api.post("/templates", &api.token, &request).await.assert_error(400, "request.invalid");
}

async fn preview(api: &TestApi, preset: &str, document: Vec<u8>) -> Answer {
    let form = Form::new()
        .text("template", json!({"preset": preset}).to_string())
        .part("file", Part::bytes(document).file_name("sample.pdf"));
    api.submit("/templates/preview", &api.token, form).await
}

/// Whether a value is the one expected; numbers may be written either way, and objects may say more.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len() && found.iter().zip(expected).all(|(left, right)| same(left, right))
        }
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().all(|(name, expected)| found.get(name).is_some_and(|found| same(found, expected)))
        }
        _ => match (found.as_f64(), expected.as_f64()) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-9,
            _ => found == expected,
        },
    }
}

/// A page with a text layer: pieces of a row that two or more spaces part stand in columns of their own.
pub fn typeset(text: &str) -> Vec<u8> {
    let mut content = String::from("BT /F1 9 Tf\n");
    for (row, line) in text.lines().enumerate() {
        let y = 750.0 - 15.0 * row as f32;
        let mut rest = line;
        while !rest.trim().is_empty() {
            let piece = rest.trim_start();
            let end = piece.find("  ").unwrap_or(piece.len());
            let column = line.chars().count() - piece.chars().count();
            let x = 40.0 + 6.0 * column as f32;
            content += &format!("1 0 0 1 {x} {y} Tm ({}) Tj\n", escaped(&piece[..end]));
            rest = &piece[end..];
        }
    }
    content += "ET";
    pdf(&content)
}

/// A text in the font's encoding, which is Latin 1 but for what stands between 128 and 159.
fn escaped(text: &str) -> String {
    let escape = |character: char| match character {
        '(' | ')' | '\\' => format!("\\{character}"),
        ' '..='~' => character.to_string(),
        '\u{a0}'..='\u{ff}' => format!("\\{:o}", u32::from(character)),
        other => panic!("the font has no `{other}`"),
    };
    text.chars().map(escape).collect()
}
