//! Downloads of files, and the pages that describe the API.

use reqwest::Method;
use serde_json::json;
use support::api::{TestApi, png, text};
use support::over_http;

over_http!(
    a_file_comes_back_as_it_was_uploaded,
    a_file_that_is_gone_is_not_there,
    the_description_and_its_page_come_from_the_server_itself,
    plugins_are_listed,
    health_needs_no_credential,
);

async fn a_file_comes_back_as_it_was_uploaded(api: TestApi) {
    let uploaded = api.upload("ใบเสร็จ \"1\".png").await;
    let url = text(&uploaded["fileUrl"]);
    let path = url.strip_prefix(&api.url).unwrap();
    let file = api.request(Method::GET, path).bearer_auth(&api.token).send().await.unwrap();
    let header = |name: &str| file.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (header("content-type").as_str(), header("x-content-type-options").as_str()),
        ("image/png", "nosniff")
    );
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"_______ _1_.png\"; \
         filename*=UTF-8''%E0%B9%83%E0%B8%9A%E0%B9%80%E0%B8%AA%E0%B8%A3%E0%B9%87%E0%B8%88%20%221%22.png"
    );
    assert_eq!(file.bytes().await.unwrap(), png());
    api.get(path, "").await.assert_error(401, "auth.credential_missing");
    let (_, foreign) = api.foreign_token().await;
    api.get(path, &foreign).await.assert_error(404, "file.unknown");
}

async fn a_file_that_is_gone_is_not_there(api: TestApi) {
    let id = text(&api.upload("a.png").await["id"]);
    for blob in api.blobs() {
        std::fs::remove_file(blob).unwrap();
    }
    api.get(&format!("/files/{id}"), &api.token).await.assert_error(404, "file.unknown");
}

async fn the_description_and_its_page_come_from_the_server_itself(api: TestApi) {
    let document = api.get("/openapi.json", "").await;
    assert_eq!(document.body["info"]["title"], "Ocriva");
    for path in ["/docs", "/docs/"] {
        let page = api.request(Method::GET, path).send().await.unwrap();
        assert_eq!(page.status(), 200);
        let page = page.text().await.unwrap();
        assert!(!page.contains("//cdn") && !page.contains("https://unpkg"), "{page}");
    }
    let script = api.request(Method::GET, "/docs/swagger-initializer.js").send().await.unwrap();
    assert!(script.text().await.unwrap().contains("../openapi.json"));
    assert_eq!(api.request(Method::GET, "/docs/swagger-ui.css").send().await.unwrap().status(), 200);
    api.get("/docs/nothing.js", "").await.assert_error(404, "route.unknown");
}

async fn plugins_are_listed(api: TestApi) {
    let plugins = api.get("/plugins", &api.token).await;
    assert_eq!(plugins.status, 200);
    let plugins = plugins.body.as_array().unwrap().clone();
    let text = plugins.iter().find(|plugin| plugin["name"] == "text").expect("`text` is bundled");
    assert_eq!((&text["status"], &text["origin"]), (&json!("active"), &json!("bundled")));
    assert_eq!(text["defaultFor"], json!(["free_text"]));
}

async fn health_needs_no_credential(api: TestApi) {
    for path in ["/health/live", "/health/ready"] {
        let health = api.get(path, "").await;
        assert_eq!((health.status.as_u16(), health.body), (200, json!({"status": "ok"})));
    }
}
