//! Reference files, and what extractors make of them.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{Answer, TestApi, text};
use support::over_http;

use super::receipt;
use crate::decode::generated::pdf;

over_http!(
    a_reference_file_is_added_listed_replaced_and_taken_away,
    each_change_of_the_reference_files_is_a_version,
    a_supplier_list_corrects_and_completes_what_was_read,
    a_product_list_completes_the_lines,
    a_file_that_is_no_table_is_refused_with_what_is_wrong,
    reference_files_are_nobody_elses,
    a_copy_in_another_project_has_the_files_too,
);

const SUPPLIERS: &str = "\
name;vat;iban
Acme Trading Ltd;GB 123 4567 89;GB82WEST12345698765432
Zenith Verlag;DE 987654321;DE89370400440532013000
";

const INVOICE: &str = "BT /F1 11 Tf
1 0 0 1 60 740 Tm (Acme Tradlng Ltd) Tj
1 0 0 1 60 725 Tm (12 Harbour Road, Bristol BS1 4ND) Tj
1 0 0 1 60 690 Tm (Invoice number: INV-2041) Tj
1 0 0 1 60 675 Tm (Invoice date: 14 March 2026) Tj
1 0 0 1 60 660 Tm (VAT no.: GB123456789) Tj
1 0 0 1 60 620 Tm (Code) Tj 1 0 0 1 160 620 Tm (Description) Tj 1 0 0 1 330 620 Tm (Quantity) Tj
1 0 0 1 420 620 Tm (Unit price) Tj 1 0 0 1 520 620 Tm (Amount) Tj
1 0 0 1 60 605 Tm (A-100) Tj 1 0 0 1 160 605 Tm (Bolt) Tj 1 0 0 1 330 605 Tm (100) Tj
1 0 0 1 420 605 Tm (0.25) Tj 1 0 0 1 520 605 Tm (25.00) Tj
1 0 0 1 420 570 Tm (Total GBP) Tj 1 0 0 1 520 570 Tm (25.00) Tj ET";

async fn make(api: &TestApi, extractor: Value) -> String {
    let mut body = receipt(api);
    body["templateSchema"] = Value::Null;
    body["extractor"] = extractor;
    let made = api.post("/templates", &api.token, &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    format!("/templates/{}", text(&made.body["id"]))
}

async fn add(api: &TestApi, template: &str, file_name: &str, content: &str) -> Answer {
    let file = Part::bytes(content.as_bytes().to_vec()).file_name(file_name.to_owned());
    api.submit(&format!("{template}/reference"), &api.token, Form::new().part("file", file)).await
}

async fn read(api: &TestApi, template: &str) -> Value {
    let id = template.rsplit('/').next().expect("the path ends with an id").to_owned();
    let form =
        Form::new().text("templateId", id).part("file", Part::bytes(pdf(INVOICE)).file_name("invoice.pdf"));
    let tried = api.submit("/templates/preview", &api.token, form).await;
    assert_eq!(tried.status, 200, "{tried:?}");
    tried.body["result"].clone()
}

async fn a_reference_file_is_added_listed_replaced_and_taken_away(api: TestApi) {
    for prefix in ["", "/v1/openapi"] {
        let template = format!("{prefix}{}", make(&api, json!({"plugin": "invoice"})).await);
        let added = add(&api, &template, "suppliers.2026.csv", SUPPLIERS).await;
        assert_eq!(added.status, 201, "{added:?}");
        assert_eq!(
            (&added.body["name"], &added.body["columns"], &added.body["rowCount"]),
            (&json!("suppliers"), &json!(["name", "vat", "iban"]), &json!(2))
        );
        let path = format!("{template}/reference");
        assert_eq!(api.get(&path, &api.token).await.body, json!([added.body]));
        let replaced = add(&api, &template, "suppliers.json", r#"[{"name": "Acme"}]"#).await;
        assert_eq!(api.get(&path, &api.token).await.body, json!([replaced.body]));
        let name = format!("{path}/suppliers");
        assert_eq!(api.send(Method::DELETE, &name, &api.token, &json!({})).await.status, 204);
        assert_eq!(api.get(&path, &api.token).await.body, json!([]));
        let again = api.send(Method::DELETE, &name, &api.token, &json!({})).await;
        again.assert_error(404, "template.reference_unknown");
    }
}

async fn each_change_of_the_reference_files_is_a_version(api: TestApi) {
    let template = make(&api, json!({"plugin": "invoice"})).await;
    add(&api, &template, "suppliers.csv", SUPPLIERS).await;
    api.send(Method::DELETE, &format!("{template}/reference/suppliers"), &api.token, &json!({})).await;
    let versions = api.get(&format!("{template}/versions"), &api.token).await.body;
    let files: Vec<&Value> =
        versions["data"].as_array().unwrap().iter().map(|version| &version["referenceFiles"]).collect();
    assert_eq!(files, [&json!([]), &json!(["suppliers"]), &json!([])]);
    let restored = api.post(&format!("{template}/versions/2/restore"), &api.token, &json!({})).await;
    assert_eq!(restored.body["referenceFiles"], json!(["suppliers"]));
    let listed = api.get(&format!("{template}/reference"), &api.token).await.body;
    assert_eq!(listed[0]["rowCount"], 2);
}

async fn a_supplier_list_corrects_and_completes_what_was_read(api: TestApi) {
    let lookup = json!({
        "table": "suppliers",
        "match": [
            {"field": "supplierTaxId", "column": "vat"},
            {"field": "supplierName", "column": "name", "fuzzy": true},
        ],
        "fill": {"supplierName": "name", "iban": "iban"},
    });
    let template = make(&api, json!({"plugin": "invoice", "config": {"lookups": [lookup]}})).await;
    let without = read(&api, &template).await;
    assert_eq!(without["data"]["supplierName"], "Acme Tradlng Ltd");
    assert_eq!(without["warnings"][0]["code"], "reference_unavailable");
    add(&api, &template, "suppliers.csv", SUPPLIERS).await;
    let result = read(&api, &template).await;
    let name = &result["fields"]["supplierName"];
    assert_eq!(
        (&name["value"], &name["source"], &name["text"]),
        (&json!("Acme Trading Ltd"), &json!("reference"), &json!("Acme Tradlng Ltd"))
    );
    let iban = &result["fields"]["iban"];
    assert_eq!((&iban["value"], &iban["source"]), (&json!("GB82WEST12345698765432"), &json!("reference")));
    assert!(iban["confidence"].as_f64().unwrap() > 0.9, "{iban}");
    let corrected: Vec<&Value> = result["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|warning| warning["code"] == "reference_corrected")
        .map(|warning| &warning["field"])
        .collect();
    assert_eq!(corrected, [&json!("supplierName")]);
}

async fn a_product_list_completes_the_lines(api: TestApi) {
    let lookup = json!({
        "table": "products",
        "rows": "lineItems",
        "match": [{"field": "code", "column": "sku"}],
        "fill": {"description": "name", "unit": "unit"},
    });
    let template = make(&api, json!({"plugin": "invoice", "config": {"lookups": [lookup]}})).await;
    let products =
        r#"[{"sku": "a 100", "name": "Steel bolt M8", "unit": "pc"}, {"sku": "B-1", "name": "Nut"}]"#;
    add(&api, &template, "products.json", products).await;
    let result = read(&api, &template).await;
    let line = &result["data"]["lineItems"][0];
    assert_eq!((&line["description"], &line["unit"]), (&json!("Steel bolt M8"), &json!("pc")), "{result}");
}

async fn a_file_that_is_no_table_is_refused_with_what_is_wrong(api: TestApi) {
    let template = make(&api, json!({"plugin": "invoice"})).await;
    let check = async |file_name: &str, content: &str, status: u16, code: &str, told: &str| {
        let refused = add(&api, &template, file_name, content).await;
        refused.assert_error(status, code);
        let message = refused.body["message"].to_string();
        assert!(message.contains(told), "{message}");
    };
    check("a.csv", "name,name\na,b\n", 422, "template.reference", "the only one of its name").await;
    check("a.json", "{\"name\": \"a\"}", 422, "template.reference", "array of objects").await;
    check("a.csv", "", 400, "file.empty", "empty").await;
    check("a b.csv", "name\na\n", 400, "request.invalid", "`name` is `a b`").await;
    check("a.csv", &"x\n".repeat(20_002), 422, "template.reference", "more than 20000 rows").await;
    check("a.csv", &"x".repeat((4 << 20) + 1), 413, "file.too_large", "4 MiB").await;
    for number in 0..10 {
        let added = add(&api, &template, &format!("file{number}.csv"), "name\na\n").await;
        assert_eq!(added.status, 201);
    }
    check("eleventh.csv", "name\na\n", 422, "template.reference", "10 reference files already").await;
    let versions = api.get(&format!("{template}/versions"), &api.token).await.body;
    assert_eq!(versions["pagination"]["total"], 11);
}

async fn reference_files_are_nobody_elses(api: TestApi) {
    let template = make(&api, json!({"plugin": "invoice"})).await;
    add(&api, &template, "suppliers.csv", SUPPLIERS).await;
    let (_, stranger) = api.foreign_token().await;
    let path = format!("{template}/reference");
    api.get(&path, &stranger).await.assert_error(404, "template.unknown");
    let file = Form::new().part("file", Part::bytes(b"name\na\n".to_vec()).file_name("suppliers.csv"));
    api.submit(&path, &stranger, file).await.assert_error(404, "template.unknown");
    let removed = api.send(Method::DELETE, &format!("{path}/suppliers"), &stranger, &json!({})).await;
    removed.assert_error(404, "template.unknown");
}

async fn a_copy_in_another_project_has_the_files_too(api: TestApi) {
    let template = make(&api, json!({"plugin": "invoice"})).await;
    let added = add(&api, &template, "suppliers.csv", SUPPLIERS).await;
    let project = api.post("/projects", &api.token, &json!({"name": "Other"})).await.body;
    let request = json!({"projectId": project["id"]});
    let copy = api.post(&format!("{template}/duplicate"), &api.token, &request).await.body;
    let listed = api.get(&format!("/templates/{}/reference", text(&copy["id"])), &api.token).await.body;
    assert_eq!((&listed[0]["name"], &listed[0]["columns"]), (&added.body["name"], &added.body["columns"]));
}
