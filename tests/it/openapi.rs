//! The API's description is what is checked in, and what the contract names.

use serde_json::Value;
use support::contract::DESCRIPTION;
use support::repository;

#[test]
fn the_description_is_the_one_that_is_checked_in() {
    let path = repository().join("host/openapi.json");
    let checked_in = std::fs::read_to_string(path).expect("`host/openapi.json` can be read");
    let current = serde_json::to_string_pretty(&ocriva::api::openapi()).expect("it is JSON");
    assert!(checked_in.trim_end() == current.trim_end(), "type `cargo xtask openapi` and read what changed");
}

#[test]
fn every_operation_is_described_in_full() {
    let document = &DESCRIPTION.document;
    let tags: Vec<&Value> = members(&document["tags"]).map(|(_, tag)| &tag["name"]).collect();
    let mut ids = Vec::new();
    for operation in DESCRIPTION.operations() {
        let (told, described) =
            (format!("{} {}", operation.method, operation.path), DESCRIPTION.operation(&operation));
        ids.push(described["operationId"].as_str().unwrap_or_else(|| panic!("{told} has no id")).to_owned());
        for text in ["summary", "description"] {
            assert!(described[text].as_str().is_some_and(|text| !text.is_empty()), "{told} has no {text}");
        }
        let tag = &described["tags"][0];
        assert!(tags.contains(&tag), "{told}: the tag {tag} is not among those of `api/docs/description.rs`");
        assert!(described["security"].is_array(), "{told} does not say who may call it");
        for (_, parameter) in members(&described["parameters"]) {
            let parameter = DESCRIPTION.resolved(parameter);
            assert!(
                parameter["schema"]["type"].is_string() || parameter["schema"].is_object(),
                "{told}: {parameter}"
            );
            let is_clear = parameter["in"] == "path" || parameter["description"].is_string();
            assert!(is_clear, "{told}: {} has no description", parameter["name"]);
        }
        for (media_type, content) in members(&described["requestBody"]["content"]) {
            assert!(content["schema"].is_object(), "{told}: {media_type}: {content}");
        }
        let (mut successes, mut errors) = (0, 0);
        for (status, response) in members(&described["responses"]) {
            let response = DESCRIPTION.resolved(response);
            assert!(
                response["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{told}: {status}"
            );
            if status.starts_with(['4', '5']) {
                errors += 1;
                let content = &response["content"]["application/json"];
                assert_eq!(
                    content["schema"]["$ref"], "#/components/schemas/ErrorResponse",
                    "{told}: {status}"
                );
                assert!(members(&content["examples"]).count() > 0, "{told}: {status} has no example");
            } else {
                successes += 1;
            }
        }
        assert!(successes > 0 && errors > 0, "{told} has {successes} answers and {errors} errors");
        assert!(described["responses"]["default"].is_null(), "{told} does not name its errors");
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn every_json_request_has_an_example_and_every_example_is_valid() {
    let mut wrong = Vec::new();
    for operation in DESCRIPTION.operations() {
        let content = &DESCRIPTION.operation(&operation)["requestBody"]["content"]["application/json"];
        if !content.is_object() {
            continue;
        }
        let told = format!("{} {}", operation.method, operation.path);
        if content["example"].is_null() {
            wrong.push(format!("{told}: give its request type an `#[schema(example = json!(…))]`"));
        }
        let pointer = operation.pointer() + "/requestBody/content/application~1json/schema";
        let violations = DESCRIPTION.violations(&pointer, &content["example"]);
        wrong.extend(violations.into_iter().map(|violation| format!("{told}: its example: {violation}")));
    }
    let schemas = &DESCRIPTION.document["components"]["schemas"];
    for (name, schema) in members(schemas) {
        check_example(&format!("/components/schemas/{name}"), schema, &mut wrong);
        for (field, schema) in members(&schema["properties"]) {
            check_example(&format!("/components/schemas/{name}/properties/{field}"), schema, &mut wrong);
        }
    }
    for (name, response) in members(&DESCRIPTION.document["components"]["responses"]) {
        for (_, example) in members(&response["content"]["application/json"]["examples"]) {
            let violations = DESCRIPTION.violations("/components/schemas/ErrorResponse", &example["value"]);
            wrong.extend(violations.into_iter().map(|violation| format!("{name}: {violation}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn check_example(pointer: &str, schema: &Value, wrong: &mut Vec<String>) {
    if !schema["example"].is_null() {
        let violations = DESCRIPTION.violations(pointer, &schema["example"]);
        wrong.extend(violations.into_iter().map(|violation| format!("{pointer}: {violation}")));
    }
}

/// The members of an object, or the items of a list with their numbers.
fn members(value: &Value) -> Box<dyn Iterator<Item = (String, &Value)> + '_> {
    match value {
        Value::Object(members) => Box::new(members.iter().map(|(name, value)| (name.clone(), value))),
        Value::Array(items) => {
            Box::new(items.iter().enumerate().map(|(index, value)| (index.to_string(), value)))
        }
        _ => Box::new(std::iter::empty()),
    }
}

#[test]
fn a_record_has_the_fields_of_the_contract() {
    const RECORD: &str = "id uploadId projectId organizationId userId batchId fileName fileUrl filePath fileSize \
        mimeType pageCount status priority progress templateId templateName extractor result confidence error attempts \
        metadata createdAt startedAt completedAt processingTimeMs";
    let description = &DESCRIPTION.document;
    let properties = &description["components"]["schemas"]["ProcessingRecord"]["properties"];
    let names: Vec<&str> =
        properties.as_object().into_iter().flat_map(|names| names.keys()).map(String::as_str).collect();
    assert_eq!(names, RECORD.split_whitespace().collect::<Vec<_>>());
    assert!(matches!(description["components"]["schemas"]["Extraction"], Value::Object(_)));
}
