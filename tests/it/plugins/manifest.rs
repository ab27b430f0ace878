//! The manifest in a component: read, shown, and held against what the component is.

use ocriva_plugin_build::embed;
use serde_json::json;
use support::guest;

use super::{call, engine, load};

/// What is said of the guest `witness`, which uses the reference files, with this manifest.
async fn problems(manifest: &str) -> Vec<String> {
    let report = engine(|_| {}).check(embed(&guest("witness"), manifest)).await;
    report.problems.into_iter().map(|problem| format!("{}; {}", problem.problem, problem.remedy)).collect()
}

const WHO: &str = "name = \"witness\"\nversion = \"0.1.0\"\n";

#[tokio::test]
async fn a_report_shows_the_manifest_of_a_component_that_has_one() {
    let component = embed(&guest("witness"), &format!("{WHO}[capabilities]\nlookup = true\n"));
    let report = engine(|_| {}).check(component).await;
    assert_eq!(report.problems, []);
    assert!(report.manifest.unwrap().capabilities.lookup);
    assert_eq!(engine(|_| {}).check(guest("witness")).await.manifest, None);
}

#[tokio::test]
async fn a_component_that_uses_what_its_manifest_does_not_ask_for_is_refused() {
    insta::assert_debug_snapshot!(problems(WHO).await);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_used_says_why() {
    let another = WHO.replace("witness", "another") + "[capabilities]\nlookup = true\n";
    let twice = embed(&embed(&guest("witness"), WHO), WHO);
    let mut said = Vec::new();
    said.extend(problems(&another).await);
    said.extend(problems(&format!("{WHO}[capability]\nlookup = true\n")).await);
    said.extend(problems(&format!("{WHO}[capabilities]\nlookup = \"yes\"\n")).await);
    said.extend(engine(|_| {}).check(twice).await.problems.into_iter().map(|problem| problem.problem));
    insta::assert_debug_snapshot!(said);
}

#[tokio::test]
async fn a_call_has_the_limits_that_the_manifest_asks_for_up_to_the_operators_maximum() {
    let engine = engine(|settings| {
        settings.maximum.memory_mib = 100;
        settings.maximum.handles = 5000;
    });
    let asks = "name = \"lines\"\nversion = \"1.2.0\"\n\
        [limits]\ncpu_ms = 700\nmemory_mib = 1000\nhandles = 4999\nlog_lines = 3\n";
    let component = embed(&guest("lines"), asks);
    let plugin = engine.load(component.into()).await.expect("it is taken");
    let usage = call(&engine, &plugin, json!({})).await.usage;
    assert_eq!(
        (usage.cpu_ms.allowed, usage.memory_bytes.allowed, usage.handles.allowed, usage.log_lines.allowed),
        (700, 100 << 20, 4999, 3)
    );
    // What it does not ask for is as usual.
    let usual = call(&engine, &load(&engine, "lines").await, json!({})).await.usage;
    assert_eq!((usage.wall_ms.allowed, usual.cpu_ms.allowed), (usual.wall_ms.allowed, 1000));
}

#[tokio::test]
async fn a_limit_that_is_asked_for_stops_the_call_and_is_named() {
    let engine = engine(|_| {});
    let asks = "name = \"witness\"\nversion = \"0.1.0\"\n\
        [capabilities]\nlookup = true\n[limits]\nhandles = 10\n";
    let plugin = engine.load(embed(&guest("witness"), asks).into()).await.expect("it is taken");
    let error = call(&engine, &plugin, json!({ "leak": true })).await.result.unwrap_err();
    assert_eq!(error.to_string(), "plugin `witness` asked for more than 10 handles (limit `handles`)");
}

#[tokio::test]
async fn a_large_component_is_taken_where_its_manifest_asks_for_the_room() {
    let engine = engine(|settings| settings.component_mib = 1);
    let mut large = guest("lines");
    // A custom section named `x` of 1 MiB: its length in five bytes of LEB128.
    large.extend([0, 0x82, 0x80, 0xc0, 0x80, 0x00, 1, b'x']);
    large.extend(vec![0; 1 << 20]);
    let told = engine.load(large.clone().into()).await.err().unwrap().to_string();
    assert!(told.contains("the limit is 1048576 (limit `component_mib`)"), "{told}");
    let asks = "name = \"lines\"\nversion = \"1.2.0\"\n[limits]\ncomponent_mib = 2\n";
    assert!(engine.load(embed(&large, asks).into()).await.is_ok());
}
