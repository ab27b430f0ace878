//! The plugin platform through its border: components of `tests/guests` on documents made up here.

mod breaches;
mod capabilities;
mod limits;
mod loading;
mod made_up;
mod manifest;
mod modules;
mod registry;
mod signatures;
mod wasi;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use guest_lines::Lines;
use made_up::MadeUp;
use ocriva::config;
use ocriva::domain::reference::{LookupTable, NamedTable, ReferenceTable};
use ocriva::plugins::{Call, Engine, Plugin, Request};
use ocriva_plugin_sdk::Fixture;
use serde_json::{Value, json};
use support::{guest, program};

const RECEIPT: &str = "\
Corner Shop     2026-11-03
Bread                 2.40
Milk                  1.10

TOTAL                 3.50
";

/// An engine with the default settings changed by `adjust`. Its cache is shared by all tests: compiling takes longer
/// than any of them.
fn engine(adjust: impl FnOnce(&mut config::Plugins)) -> Arc<Engine> {
    engine_with_cache(Path::new(env!("CARGO_TARGET_TMPDIR")), adjust)
}

/// The same with a cache of its own in `folder`.
fn engine_with_cache(folder: &Path, adjust: impl FnOnce(&mut config::Plugins)) -> Arc<Engine> {
    let mut settings = config::Config::default().plugins;
    // A few places are enough, and each reserves address space.
    settings.max_concurrent_calls = 16;
    settings.compile.program = program().display().to_string();
    adjust(&mut settings);
    Arc::new(Engine::new(&settings, folder.join("plugins")).expect("the engine starts"))
}

async fn load(engine: &Arc<Engine>, name: &str) -> Plugin {
    engine.load(Cow::Owned(guest(name))).await.expect("the guest is taken")
}

/// Calls a plugin on the receipt, with these settings.
async fn call(engine: &Engine, plugin: &Plugin, config: Value) -> Call {
    call_on(engine, plugin, MadeUp::from_text(RECEIPT), config).await
}

async fn call_on(engine: &Engine, plugin: &Plugin, document: MadeUp, config: Value) -> Call {
    let config = config.as_object().expect("settings are an object").clone();
    let shops = ReferenceTable {
        columns: vec!["name".to_owned(), "number".to_owned()],
        rows: vec![vec![json!("Corner Shop"), json!(7)], vec![json!("Kiosk"), json!(null)]],
    };
    let references = vec![NamedTable { name: "shops".to_owned(), table: Arc::new(LookupTable::new(shops)) }];
    let request = Request { config, references, today: "2026-11-23".to_owned(), ..Request::default() };
    engine.call(plugin, Arc::new(document), &request).await
}

#[tokio::test]
async fn a_component_answers_as_its_source_does_natively() {
    let engine = engine(|_| {});
    let plugin = load(&engine, "lines").await;
    let answer = call(&engine, &plugin, json!({})).await.result.unwrap();
    let native = Fixture::from_text(RECEIPT).extract::<Lines>(json!({})).unwrap();
    assert_eq!(native.fields.len(), 4);
    assert_eq!(serde_json::to_value(answer).unwrap(), serde_json::to_value(native).unwrap());
}

#[tokio::test]
async fn every_function_of_the_contract_gives_what_the_document_has() {
    let engine = engine(|_| {});
    let plugin = load(&engine, "witness").await;
    let called = call(&engine, &plugin, json!({ "colour": "blue" })).await;
    let seen: Vec<String> = called
        .result
        .unwrap()
        .warnings
        .into_iter()
        .map(|warning| format!("{}: {}", warning.code, warning.message))
        .collect();
    insta::assert_snapshot!(seen.join("\n"));
    assert_eq!(called.logs.lines.len(), 1);
    assert_eq!((called.usage.ocr_calls.used, called.usage.lookups.used), (1, 5));
    assert!(called.usage.output_bytes.used > 500, "{:?}", called.usage);
}

#[tokio::test]
async fn a_page_that_cannot_be_read_fails_the_call_with_its_own_code() {
    let engine = engine(|_| {});
    let plugin = load(&engine, "lines").await;
    let error = call_on(&engine, &plugin, MadeUp::damaged(), json!({})).await.result.unwrap_err();
    assert_eq!((error.code(), error.is_transient()), ("decode.damaged", false));
}

#[tokio::test]
async fn nothing_of_a_call_is_seen_by_the_next() {
    let engine = engine(|settings| settings.max_concurrent_calls = 1);
    let plugin = load(&engine, "misbehaving").await;
    call(&engine, &plugin, json!({ "behaviour": "panic" })).await.result.unwrap_err();
    let called = call(&engine, &plugin, json!({ "behaviour": "log_flood" })).await;
    assert!(called.result.is_ok(), "{:?}", called.result);
    assert!(called.logs.lines.iter().all(|line| line.level < 5));
}
