//! The operator's folder: what is put there is taken without a restart.

use std::path::Path;

use serde_json::{Value, json};
use support::api::{TestApi, text};
use support::{lines_guest, over_http};

use super::{preview, until, version_of};

over_http!(
    a_file_is_taken_changed_and_dropped_while_the_server_runs,
    a_broken_file_leaves_what_serves_serving_and_says_why,
);

/// Renames a file into place, as careful operators do.
fn put(folder: &Path, name: &str, content: &[u8]) {
    std::fs::create_dir_all(folder).unwrap();
    let coming = folder.join(format!("{name}.coming"));
    std::fs::write(&coming, content).unwrap();
    std::fs::rename(coming, folder.join(name)).unwrap();
}

/// The plugins with this name that are listed.
async fn listed(api: &TestApi, name: &str) -> Vec<Value> {
    let plugins = api.get("/plugins", &api.token).await.body;
    plugins.as_array().unwrap().iter().filter(|plugin| plugin["name"] == name).cloned().collect()
}

async fn until_served(api: &TestApi, version: &str) {
    until("that the file is taken", async || {
        let plugins = listed(api, "parts").await;
        plugins.iter().any(|plugin| plugin["version"] == version && plugin["serves"] == true).then_some(())
    })
    .await;
}

async fn a_file_is_taken_changed_and_dropped_while_the_server_runs(api: TestApi) {
    let folder = api.plugin_folder();
    assert!(listed(&api, "parts").await.is_empty());
    put(&folder, "mine.wasm", &lines_guest("parts", "1.2.0"));
    until_served(&api, "1.2.0").await;
    assert_eq!(version_of(&api, json!({"plugin": "parts"})).await, "1.2.0");
    let (_, foreign) = api.foreign_token().await;
    assert_eq!(api.get("/plugins/parts", &foreign).await.body["origin"], "file");
    put(&folder, "mine.wasm", &lines_guest("parts", "1.3.0"));
    until_served(&api, "1.3.0").await;
    // An older one in its place is what is there now.
    put(&folder, "mine.wasm", &lines_guest("parts", "1.1.0"));
    until_served(&api, "1.1.0").await;
    std::fs::remove_file(folder.join("mine.wasm")).unwrap();
    until("that the plugin is dropped", async || listed(&api, "parts").await.is_empty().then_some(())).await;
    let gone = preview(&api, &api.url, &json!({"plugin": "parts"})).await;
    gone.assert_error(422, "template.extractor");
}

async fn a_broken_file_leaves_what_serves_serving_and_says_why(api: TestApi) {
    let folder = api.plugin_folder();
    put(&folder, "parts.wasm", &lines_guest("parts", "1.2.0"));
    until_served(&api, "1.2.0").await;
    put(&folder, "parts.wasm", b"not a component");
    let broken = until("that the file is found broken", async || {
        listed(&api, "parts").await.into_iter().find(|plugin| plugin["status"] == "broken")
    })
    .await;
    assert!(text(&broken["error"]).contains("not WebAssembly"), "{broken}");
    assert_eq!(version_of(&api, json!({"plugin": "parts"})).await, "1.2.0");
    put(&folder, "parts.wasm", &lines_guest("parts", "1.4.0"));
    until_served(&api, "1.4.0").await;
    assert_eq!(listed(&api, "parts").await.len(), 1);
}
