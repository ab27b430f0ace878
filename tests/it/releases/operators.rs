//! What an operator installs beside a running server is everybody's.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use support::api::answer;
use support::database::Engine;
use support::server::{Installation, Server};
use support::{broken_guest, lines_guest, over_http, program};

use super::until;

over_http!(installation =>
    an_installed_plugin_is_everybodys_and_is_swapped_while_the_server_runs,
);

async fn installation(engine: Engine) -> Option<Installation> {
    Installation::new(engine).await
}

/// Runs `ocriva admin`: whether it was done, and what it said.
fn admin(installation: &Installation, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(program());
    command.arg("admin").args(arguments).arg("--data").arg(installation.data());
    command.env("OCRIVA__STORAGE__DATABASE_URL", installation.database_url());
    let output = command.env("OCRIVA__LOG__FILTER", "warn").output().expect("the program starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("it speaks text"))
}

async fn until_active(server: &Server<'_>, version: Option<&str>) -> Value {
    until("that the server takes it over", async || {
        let path = "/plugins/parts";
        let plugin = answer(server.request(Method::GET, path)).await.body;
        let is_current = plugin["replicas"][0]["state"] == "current";
        (plugin["version"].as_str() == version && is_current).then_some(plugin)
    })
    .await
}

async fn an_installed_plugin_is_everybodys_and_is_swapped_while_the_server_runs(installation: Installation) {
    let server = installation.start();
    let file = |name: &str, component: Vec<u8>| {
        let path = installation.data().join(name);
        std::fs::write(&path, component).expect("a file can be written");
        path.display().to_string()
    };
    let (old, new) = (file("old", lines_guest("parts", "1.2.0")), file("new", lines_guest("parts", "1.3.0")));
    let other = file("other", broken_guest("parts", "1.2.0"));
    let done = |arguments: &[&str]| {
        let (is_done, said) = admin(&installation, arguments);
        assert!(is_done, "{arguments:?}: {said}");
        said
    };
    let refused = |arguments: &[&str], told: &str| {
        let (is_done, said) = admin(&installation, arguments);
        assert!(!is_done && said.contains(told), "{arguments:?}: {said}");
    };
    done(&["install-plugin", &old]);
    let plugin = until_active(&server, Some("1.2.0")).await;
    assert_eq!((&plugin["origin"], &plugin["serves"]), (&json!("installed"), &json!(true)));
    let template = server.create_template(json!({"name": "Parts", "extractor": {"plugin": "parts"}})).await;
    let record = server.finished(&server.upload("text.pdf", Some(&template)).await).await;
    assert_eq!(record["extractor"]["version"], "1.2.0", "{record}");
    refused(&["install-plugin", &other], "never changes");
    refused(&["retire-plugin", "parts", "1.2.0"], &template);

    done(&["install-plugin", &new]);
    until_active(&server, Some("1.3.0")).await;
    done(&["roll-back-plugin", "parts"]);
    until_active(&server, Some("1.2.0")).await;
    refused(&["remove-plugin", "parts", "1.2.0"], "active");
    done(&["activate-plugin", "parts", "1.3.0", "--percent", "10"]);
    until("that it is tried", async || {
        (server.get("/plugins/parts").await["canary"]["percent"] == 10).then_some(())
    })
    .await;
    done(&["roll-back-plugin", "parts"]);
    done(&["remove-plugin", "parts", "1.3.0"]);
    assert!(!done(&["plugins"]).contains("1.3.0"));
    refused(&["activate-plugin", "parts", "1.3.0"], "no version 1.3.0");
    // The operator's plugins are not for organizations to change.
    let taken = answer(server.request(Method::POST, "/plugins/parts/rollback")).await;
    taken.assert_error(404, "plugin.unknown");
    assert!(server.terminate().await);
}
