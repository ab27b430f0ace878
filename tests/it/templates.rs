//! Templates over HTTP.

mod preview;
mod reference;
mod versions;

use ocriva::domain::token::TokenScope;
use reqwest::Method;
use serde_json::{Value, json};
use support::api::{TestApi, text};
use support::over_http;

over_http!(
    a_template_is_made_listed_shown_changed_and_deleted,
    a_flat_map_of_fields_becomes_a_json_schema,
    a_template_that_does_not_fit_is_refused_with_what_is_wrong,
    a_change_leaves_what_it_does_not_name,
    a_projects_token_needs_no_project,
    export_settings_are_kept_and_name_fields_that_there_are,
    an_extractors_version_may_be_a_range,
    an_extractors_settings_are_checked_against_what_it_takes,
);

fn receipt(api: &TestApi) -> Value {
    json!({
        "name": "Receipt",
        "projectId": api.project(),
        "templateSchema": {"type": "object", "properties": {"total": {"type": "number"}}},
    })
}

async fn a_template_is_made_listed_shown_changed_and_deleted(api: TestApi) {
    for prefix in ["", "/v1/openapi"] {
        let made = api.post(&format!("{prefix}/templates"), &api.token, &receipt(&api)).await;
        assert_eq!(made.status, 201);
        assert_eq!(made.body["id"], made.body["templateId"]);
        assert_eq!(
            (&made.body["resultFormat"], &made.body["extractionMode"]),
            (&json!("json"), &json!("structured"))
        );
        let path = format!("{prefix}/templates/{}", text(&made.body["id"]));
        assert_eq!(api.get(&path, &api.token).await.body, made.body);
        let listed = api.get(&format!("{prefix}/templates?projectId={}", api.project()), &api.token).await;
        assert_eq!(listed.body, json!([made.body]));
        let changed =
            api.send(Method::PATCH, &path, &api.token, &json!({"name": "Bill", "isActive": false})).await;
        assert_eq!((&changed.body["name"], &changed.body["isActive"]), (&json!("Bill"), &json!(false)));
        assert_eq!(api.send(Method::DELETE, &path, &api.token, &json!({})).await.status, 204);
        api.get(&path, &api.token).await.assert_error(404, "template.unknown");
    }
}

async fn a_flat_map_of_fields_becomes_a_json_schema(api: TestApi) {
    let mut body = receipt(&api);
    body["templateSchema"] = json!({"day": {"type": "date", "description": "Day of purchase"}});
    let made = api.post("/templates", &api.token, &body).await;
    assert_eq!(
        made.body["templateSchema"],
        json!({
            "type": "object",
            "properties": {"day": {"type": "string", "format": "date", "description": "Day of purchase"}},
        })
    );
}

async fn a_template_that_does_not_fit_is_refused_with_what_is_wrong(api: TestApi) {
    let check = async |member: &str, value: Value, status: u16, code: &str, told: &str| {
        let mut body = receipt(&api);
        body[member] = value;
        let refused = api.post("/templates", &api.token, &body).await;
        refused.assert_error(status, code);
        let message = refused.body["message"].to_string();
        assert!(message.contains(told), "{message}");
    };
    let schema = "template.schema";
    check("templateSchema", json!({"a": {"type": "colour"}}), 422, schema, "`a`: unknown type `colour`")
        .await;
    check("templateSchema", json!({"type": "array"}), 422, schema, "has to be").await;
    check("templateSchema", json!({}), 422, schema, "no fields").await;
    check("templateSchema", json!("text"), 422, schema, "JSON object").await;
    let anchored = json!({"properties": {"a": {"$ref": "#nowhere"}}});
    check("templateSchema", anchored, 422, schema, "nowhere").await;
    check("templateSchema", Value::Null, 400, "request.invalid", "`templateSchema` is missing").await;
    check("extractor", json!({"plugin": "nope"}), 422, "template.extractor", "`nope` does not exist").await;
    check("extractor", json!({}), 400, "request.invalid", "plugin").await;
    check("extractionMode", json!("magic"), 400, "request.invalid", "`free_text`").await;
    check("resultFormat", json!("doc"), 400, "request.invalid", "`docx`").await;
    check("name", json!(" "), 400, "request.invalid", "`name`").await;
    check("name", json!(3), 400, "request.invalid", "`name`: invalid type").await;
    check("name", json!("a\u{0}b"), 400, "request.invalid", "NUL").await;
    check("projectId", json!("x"), 400, "request.invalid", "`x` is not an id").await;
}

async fn a_change_leaves_what_it_does_not_name(api: TestApi) {
    let mut body = receipt(&api);
    body["description"] = json!("Of a shop");
    let made = api.post("/templates", &api.token, &body).await.body;
    let path = format!("/templates/{}", text(&made["id"]));
    let changed =
        api.send(Method::PATCH, &path, &api.token, &json!({"instructions": "Look closely"})).await.body;
    assert_eq!(
        (&changed["description"], &changed["templateSchema"]),
        (&made["description"], &made["templateSchema"])
    );
    let cleared = api.send(Method::PATCH, &path, &api.token, &json!({"description": null})).await.body;
    assert_eq!((&cleared["description"], &cleared["instructions"]), (&Value::Null, &json!("Look closely")));
    let schemaless = api.send(Method::PATCH, &path, &api.token, &json!({"templateSchema": null})).await;
    schemaless.assert_error(400, "request.invalid");
}

async fn a_projects_token_needs_no_project(api: TestApi) {
    let bound = api.token_with(&api.organization(), Some(&api.project()), TokenScope::ALL).await;
    let mut body = receipt(&api);
    body["projectId"] = Value::Null;
    let made = api.post("/v1/openapi/templates", &bound, &body).await;
    assert_eq!((made.status.as_u16(), &made.body["projectId"]), (201, &json!(api.project())));
    api.post("/templates", &api.token, &body).await.assert_error(400, "request.invalid");
}

async fn export_settings_are_kept_and_name_fields_that_there_are(api: TestApi) {
    let mut body = receipt(&api);
    body["templateSchema"]["properties"]["lines"] =
        json!({"type": "array", "items": {"properties": {"sku": {"type": "string"}}}});
    let made = api.post("/templates", &api.token, &body).await.body;
    assert_eq!(
        made["export"],
        json!({"columns": [], "rows": "record", "decimal": "point", "dates": "YYYY-MM-DD"})
    );
    let export = json!({
        "columns": [{"field": "lines.sku", "title": "Article"}, {"field": "@fileName", "title": null}],
        "rows": "lines",
        "decimal": "comma",
        "dates": "DD.MM.YYYY",
    });
    let path = format!("/templates/{}", text(&made["id"]));
    let changed = api.send(Method::PATCH, &path, &api.token, &json!({"export": export})).await.body;
    assert_eq!((&changed["export"], &changed["version"]), (&export, &json!(2)));
    assert_eq!(api.get(&path, &api.token).await.body, changed);
    let check = async |export: Value, status: u16, code: &str, told: &str| {
        let refused = api.send(Method::PATCH, &path, &api.token, &json!({"export": export})).await;
        refused.assert_error(status, code);
        let message = refused.body["message"].to_string();
        assert!(message.contains(told), "{message}");
    };
    check(json!({"columns": [{"field": "sum"}]}), 422, "template.export", "known are `total`, `lines`").await;
    check(json!({"rows": "total"}), 422, "template.export", "not a list").await;
    check(json!({"decimal": "dot"}), 400, "request.invalid", "`export.decimal`").await;
    check(json!({"columns": [{"title": "A"}]}), 400, "request.invalid", "field").await;
    let cleared = api.send(Method::PATCH, &path, &api.token, &json!({"export": null})).await.body;
    assert_eq!(cleared["export"], made["export"]);
}

async fn an_extractors_version_may_be_a_range(api: TestApi) {
    let mut body = receipt(&api);
    let plugins = api.get("/plugins", &api.token).await.body;
    let version = plugins.as_array().unwrap().iter().find(|plugin| plugin["name"] == "receipt").unwrap();
    let version = text(&version["version"]);
    let mut made = async |version: &str| {
        body["extractor"] = json!({"plugin": "receipt", "version": version});
        api.post("/templates", &api.token, &body).await
    };
    for version in [version.as_str(), &format!("^{version}"), ">=0.1, <99", "*"] {
        assert_eq!(made(version).await.body["extractor"]["version"], version);
    }
    for (version, told) in [("99.0.0", "known: `"), ("^99", "known: `"), ("^one", "not a range")] {
        let refused = made(version).await;
        refused.assert_error(422, "template.extractor");
        assert!(text(&refused.body["message"]).contains(told), "{refused:?}");
    }
}

async fn an_extractors_settings_are_checked_against_what_it_takes(api: TestApi) {
    let mut body = receipt(&api);
    let mut made = async |config: Value| {
        body["extractor"] = json!({"plugin": "invoice", "config": config});
        api.post("/templates", &api.token, &body).await
    };
    let lookup = json!({"table": "suppliers", "match": [{"field": "iban", "column": "iban"}],
        "fill": {"supplierName": "name"}});
    let good = made(json!({"lookups": [lookup]})).await;
    assert_eq!(good.body["extractor"]["config"]["lookups"], json!([lookup]), "{good:?}");
    let refused = made(json!({"lookups": [lookup, {"table": 3}], "speed": 9})).await;
    refused.assert_error(422, "template.extractor");
    let told = refused.body["message"].to_string();
    assert!(told.contains("`/lookups/1/table`") && told.contains("speed"), "{told}");
}
