//! Components built for WASI: they run, and find nothing there.

use std::borrow::Cow;
use std::time::Duration;

use ocriva::config;
use ocriva::domain::capability::Capability;
use ocriva::plugins::manifest;
use ocriva_plugin_build::embed;
use serde_json::{Value, json};
use support::guest;

use super::{call, engine, load};

/// What the guest sees.
async fn seen(adjust: impl FnOnce(&mut config::Plugins), component: Vec<u8>) -> Vec<String> {
    let engine = engine(adjust);
    let plugin = engine.load(Cow::Owned(component)).await.expect("the guest is taken");
    let output = call(&engine, &plugin, json!({})).await.result.unwrap();
    output.warnings.into_iter().map(|warning| warning.message).collect()
}

#[tokio::test]
async fn a_guest_of_wasi_finds_no_files_no_variables_no_network_and_no_time() {
    let seen = seen(|_| {}, guest("wasi")).await;
    insta::assert_debug_snapshot!(seen);
}

#[tokio::test]
async fn clock_and_random_numbers_are_real_where_they_are_granted() {
    let component = asking(&guest("wasi"), "clock = true\nrandom = true\n");
    let granted = |settings: &mut config::Plugins| {
        settings.grants.insert("wasi".to_owned(), vec![Capability::Clock, Capability::Random]);
    };
    let (first, second) = (seen(granted, component.clone()).await, seen(granted, component.clone()).await);
    assert_ne!(first[3], "0 s");
    assert_ne!(first[5], second[5], "random bytes are never the same");
    // What is asked for and not granted stays as it is.
    assert_eq!(seen(|_| {}, component).await[3], "0 s");
}

#[tokio::test]
async fn wasi_is_there_only_for_a_manifest_that_says_so() {
    let engine = engine(|_| {});
    let report = engine.check(without_manifest(&guest("wasi"))).await;
    let [problem] = report.problems.as_slice() else { panic!("{:?}", report.problems) };
    assert!(problem.problem.contains("wasi:cli/stdout@0.2.0"), "{problem:?}");
    assert!(problem.remedy.contains("`wasi = true`"), "{problem:?}");
}

#[tokio::test]
async fn what_is_printed_goes_to_the_log_within_its_limits() {
    let engine = engine(|settings| settings.log_lines = 50);
    let plugin = load(&engine, "wasi").await;
    let called = call(&engine, &plugin, json!({})).await;
    let lines: Vec<&str> = called.logs.lines.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(lines, ["hello from WASI", "without an end"]);
    let called = call(&engine, &plugin, json!({ "floods": true })).await;
    assert!(called.result.is_ok(), "{:?}", called.result);
    assert_eq!((called.logs.lines.len(), called.logs.lines.len() as u32 + called.logs.dropped), (50, 5001));
}

#[tokio::test]
async fn calls_of_wasi_are_calls_to_the_host() {
    let flood = async |host_calls: u64| {
        let engine = engine(|settings| settings.host_calls = host_calls);
        let plugin = load(&engine, "wasi").await;
        call(&engine, &plugin, json!({ "floods": true })).await
    };
    let called = flood(100_000).await;
    assert!(called.result.is_ok() && called.usage.host_calls.used > 5000, "{:?}", called.usage.host_calls);
    let stopped = flood(1000).await.result.unwrap_err();
    assert_eq!(stopped.code(), "plugin.denied");
    assert!(stopped.to_string().contains("host_calls"), "{stopped}");
}

#[tokio::test]
async fn only_a_guest_with_a_clock_can_sleep_and_until_its_limit() {
    let slept = async |grants: &[Capability]| {
        let engine = engine(|settings| {
            settings.wall_ms = 500;
            settings.grants.insert("wasi".to_owned(), grants.to_vec());
        });
        let component = Cow::Owned(asking(&guest("wasi"), "clock = true\n"));
        let plugin = engine.load(component).await.expect("the guest is taken");
        let started_at = std::time::Instant::now();
        let called = call(&engine, &plugin, json!({ "sleepMs": 60_000 })).await;
        assert!(started_at.elapsed() < Duration::from_secs(5));
        called.result.map(drop).map_err(|error| error.code().to_owned())
    };
    assert_eq!(slept(&[]).await, Ok(()));
    assert_eq!(slept(&[Capability::Clock]).await, Err("plugin.timeout_wall".to_owned()));
}

#[tokio::test]
async fn a_guest_of_wasi_is_stopped_like_any_other() {
    let stopped = async |config: Value| {
        let engine = engine(|settings| settings.handles = 100);
        let plugin = load(&engine, "wasi").await;
        call(&engine, &plugin, config).await.result.unwrap_err()
    };
    assert_eq!(stopped(json!({ "hoards": true })).await.code(), "plugin.denied");
    let ended = stopped(json!({ "exits": true })).await;
    assert_eq!(ended.to_string(), "plugin `wasi` stopped: it ended itself with the status 1");
}

/// The component with a manifest that asks for capabilities.
fn asking(component: &[u8], capabilities: &str) -> Vec<u8> {
    let head = "name = \"wasi\"\nversion = \"1.0.0\"\nwasi = true\n[capabilities]\n";
    embed(&without_manifest(component), &format!("{head}{capabilities}"))
}

/// The component as it was before its manifest was put at its end.
fn without_manifest(component: &[u8]) -> Vec<u8> {
    let manifest = manifest::embedded(component).unwrap().expect("it has a manifest");
    let bare = component.len() - (embed(b"", manifest).len());
    component[..bare].to_vec()
}
