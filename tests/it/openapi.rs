//! The API's description is what is checked in, and what the contract names.

use serde_json::Value;
use support::repository;

#[test]
fn the_description_is_the_one_that_is_checked_in() {
    let path = repository().join("host/openapi.json");
    let checked_in = std::fs::read_to_string(path).expect("`host/openapi.json` can be read");
    let current = ocriva::api::openapi().to_pretty_json().expect("the description is JSON");
    assert!(checked_in.trim_end() == current.trim_end(), "type `cargo xtask openapi` and read what changed");
}

#[test]
fn every_operation_has_an_id_of_its_own_a_summary_and_an_error() {
    let description = serde_json::to_value(ocriva::api::openapi()).expect("the description is JSON");
    let mut ids = Vec::new();
    for (path, item) in description["paths"].as_object().expect("there are paths") {
        for (method, operation) in item.as_object().expect("a path has operations") {
            let told = format!("{method} {path}");
            ids.push(
                operation["operationId"].as_str().unwrap_or_else(|| panic!("{told} has no id")).to_owned(),
            );
            assert!(operation["summary"].is_string(), "{told} has no summary");
            let error = &operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(error, "#/components/schemas/ErrorResponse", "{told}");
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn a_record_has_the_fields_of_the_contract() {
    const RECORD: &str = "id uploadId projectId organizationId userId batchId fileName fileUrl filePath fileSize \
        mimeType pageCount status priority progress templateId templateName extractor result confidence error attempts \
        metadata createdAt startedAt completedAt processingTimeMs";
    let description = serde_json::to_value(ocriva::api::openapi()).expect("the description is JSON");
    let properties = &description["components"]["schemas"]["ProcessingRecord"]["properties"];
    let names: Vec<&str> =
        properties.as_object().into_iter().flat_map(|names| names.keys()).map(String::as_str).collect();
    assert_eq!(names, RECORD.split_whitespace().collect::<Vec<_>>());
    assert!(matches!(description["components"]["schemas"]["Extraction"], Value::Object(_)));
}
