//! `ocriva plugin push` at a server.

use ocriva::domain::token::TokenScope;
use serde_json::json;
use support::api::TestApi;
use support::{guest, lines_guest, over_http, program};
use tokio::process::Command;

over_http!(
    a_component_is_pushed_as_a_draft_and_activated_where_that_is_asked_for,
    a_refusal_is_told_in_the_servers_words,
);

/// Pushes a component with a token: whether it went well, and what was said.
async fn push(url: &str, token: &str, component: &[u8], arguments: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let (file, token_file) = (folder.path().join("parts.wasm"), folder.path().join("token"));
    std::fs::write(&file, component).unwrap();
    std::fs::write(&token_file, format!("{token}\n")).unwrap();
    let mut command = Command::new(program());
    command
        .args(["plugin", "push", "--server", url, "--token-file"])
        .arg(&token_file)
        .args(arguments)
        .arg(&file);
    let output = command.env_remove("OCRIVA_TOKEN").output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), said + &String::from_utf8_lossy(&output.stderr))
}

async fn a_component_is_pushed_as_a_draft_and_activated_where_that_is_asked_for(api: TestApi) {
    let url = format!("{}/", api.url);
    let (done, said) = push(&url, &api.token, &lines_guest("parts", "1.2.0"), &[]).await;
    assert!(done && said == format!("parts 1.2.0 is draft on {url}\n"), "{said}");
    assert_eq!(api.get("/plugins/parts", &api.token).await.body["version"], json!(null));
    let (done, said) = push(&url, &api.token, &lines_guest("parts", "1.3.0"), &["--activate"]).await;
    assert!(done && said == format!("parts 1.3.0 is active on {url}\n"), "{said}");
    assert_eq!(api.get("/plugins/parts", &api.token).await.body["version"], "1.3.0");
}

async fn a_refusal_is_told_in_the_servers_words(api: TestApi) {
    let component = lines_guest("parts", "1.2.0");
    let reader = api.token_with(&api.organization(), None, &[TokenScope::PluginsRead]).await;
    let (done, said) = push(&api.url, &reader, &component, &[]).await;
    assert!(!done && said.contains("(403)") && said.contains("plugins:write"), "{said}");
    let (done, said) = push(&api.url, "nonsense", &component, &[]).await;
    assert!(!done && said.contains("(401)"), "{said}");
    let mut cut = guest("lines");
    cut.truncate(5000);
    let (done, said) = push(&api.url, &api.token, &cut, &["--activate"]).await;
    assert!(!done && said.contains("(422): component is not valid"), "{said}");
    let (done, said) = push(&format!("{}/elsewhere", api.url), &api.token, &component, &[]).await;
    assert!(!done && said.contains("(404)"), "{said}");
    let (done, said) = push("http://127.0.0.1:1", &api.token, &component, &[]).await;
    assert!(!done && said.contains("`http://127.0.0.1:1` cannot be reached"), "{said}");
    api.get("/plugins/parts", &api.token).await.assert_error(404, "plugin.unknown");
}
