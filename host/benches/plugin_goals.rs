//! What the sandbox is to cost, against what it costs: a call, a load from the cache, a page's words as columns, fifty
//! plugins in memory, and what callers notice of a guest beside them that misbehaves.
//!
//! Needs the guests that `cargo xtask setup` prepares. Prints tables; nothing is judged, since other work on the same
//! machine is in every figure but processor time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops at the first surprise")]

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ocriva::assets;
use ocriva::clock::thread_time;
use ocriva::config::{self, Config};
use ocriva::domain::capability::Capability;
use ocriva::plugins::{BundledPlugin, DocumentSource, Engine, Plugin, Request};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

#[path = "support/page.rs"]
mod page;

use page::OnePage;

/// Calls of each measurement.
const CALLS: usize = 2000;

/// How often a caller asks who is watched while another misbehaves.
const PAUSE: Duration = Duration::from_millis(1);

/// Plugins that are loaded at one time.
const LOADED: usize = 50;

fn main() {
    let cache = tempfile::tempdir().unwrap();
    loads(cache.path());
    memory(cache.path());
    calls(cache.path());
    neighbours(cache.path());
}

fn engine(cache: &Path) -> Arc<Engine> {
    Arc::new(Engine::new(&settings(), cache.to_owned()).unwrap())
}

/// The default settings, by which all bundled plugins are taken.
fn settings() -> config::Plugins {
    let mut settings = Config::default().plugins;
    settings.compile.program = env!("CARGO_BIN_EXE_ocriva").to_owned();
    settings.llm.base_url = "http://127.0.0.1:9".to_owned();
    settings.grants.entry("llm".to_owned()).or_default().push(Capability::Llm);
    settings
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn bundled(name: &str) -> &'static [u8] {
    assets::bundled_plugins().iter().find(|bundled| bundled.name == name).unwrap().component
}

fn guest(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.build/guests").join(format!("{name}.wasm"));
    std::fs::read(&file)
        .unwrap_or_else(|_| panic!("`{}` is missing: type `cargo xtask setup`", file.display()))
}

/// The same component with another digest: a custom section at its end makes no difference.
fn copy(component: &[u8], number: usize) -> Vec<u8> {
    let mut copy = component.to_vec();
    copy.extend([0, 2, 1, u8::try_from(number).unwrap()]);
    copy
}

/// From the compiled code on disk to a plugin that was asked who it is: by its digest, as those of the program and those
/// that were uploaded are loaded, and by its bytes, as files of the folder are.
fn loads(cache: &Path) {
    println!("load from the compiled cache (goal 1 ms), p50    by digest     by bytes");
    let runtime = one_thread();
    for BundledPlugin { name, component, digest } in assets::bundled_plugins() {
        runtime.block_on(engine(cache).load(Cow::Borrowed(component))).unwrap();
        let engine = engine(cache);
        let by_digest = measured(|| {
            runtime.block_on(engine.load_compiled(None, digest)).unwrap().unwrap();
        });
        let by_bytes = measured(|| {
            runtime.block_on(engine.load(Cow::Borrowed(component))).unwrap();
        });
        println!("  {name:<42} {by_digest:>12} {by_bytes:>12}");
    }
}

/// The middle of a hundred times.
fn measured(mut work: impl FnMut()) -> String {
    let mut times: Vec<Duration> = (0..100)
        .map(|_| {
            let since = Instant::now();
            work();
            since.elapsed()
        })
        .collect();
    shown(at(&mut times, 0.5))
}

/// What plugins take that nobody calls: copies of the bundled ones, each compiled for itself.
fn memory(cache: &Path) {
    let runtime = one_thread();
    let all = || {
        let components = assets::bundled_plugins().iter().map(|bundled| bundled.component).cycle();
        components.take(LOADED).enumerate().map(|(number, component)| copy(component, number))
    };
    {
        let engine = engine(cache);
        for component in all() {
            runtime.block_on(engine.load(component.into())).unwrap();
        }
    }
    let engine = engine(cache);
    let before = resident_bytes();
    let loaded: Vec<Plugin> =
        all().map(|component| runtime.block_on(engine.load(component.into())).unwrap()).collect();
    let grown = resident_bytes().saturating_sub(before);
    println!("\n{} plugins loaded: {:.1} MB more in memory", loaded.len(), grown as f64 / 1e6);
}

/// Processor time of calls.
fn calls(cache: &Path) {
    println!("\nprocessor time of a call                            p50          p99");
    let runtime = one_thread();
    let engine = engine(cache);
    let text = runtime.block_on(engine.load(Cow::Borrowed(bundled("text")))).unwrap();
    let witness = runtime.block_on(engine.load(guest("witness").into())).unwrap();
    let columns = json!({ "columns": true });
    for (what, plugin, words, config) in [
        ("`text` on an empty page (goal 30 µs)", &text, 0, json!({})),
        ("`text` on 400 words", &text, 400, json!({})),
        ("a page of 24,000 words as columns (goal 1 ms)", &witness, 24_000, columns),
    ] {
        let document: Arc<dyn DocumentSource> = Arc::new(OnePage::new(words));
        let mut times: Vec<Duration> = (0..CALLS)
            .map(|_| {
                let before = thread_time();
                runtime.block_on(call(&engine, plugin, &document, &config));
                thread_time() - before
            })
            .collect();
        println!("  {what:<46} {:>9} {:>12}", shown(at(&mut times, 0.5)), shown(at(&mut times, 0.99)));
    }
}

/// What a caller waits for its answer, alone and while others misbehave.
fn neighbours(cache: &Path) {
    println!(
        "\nlatency of a call                                   p50          p99    slower (p99, goal 1.5)"
    );
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let engine = engine(cache);
    let honest = runtime.block_on(engine.load(guest("lines").into())).unwrap();
    let hostile = Arc::new(runtime.block_on(engine.load(guest("misbehaving").into())).unwrap());
    let document: Arc<dyn DocumentSource> = Arc::new(OnePage::new(400));
    let watched = || {
        let mut times = runtime.block_on(async {
            let mut times = Vec::with_capacity(CALLS);
            for _ in 0..CALLS {
                tokio::time::sleep(PAUSE).await;
                let since = Instant::now();
                call(&engine, &honest, &document, &json!({})).await;
                times.push(since.elapsed());
            }
            times
        });
        (at(&mut times, 0.5), at(&mut times, 0.99))
    };
    let told = |what: &str, (p50, p99): (Duration, Duration), alone: Duration| {
        let slower = p99.as_secs_f64() / alone.as_secs_f64();
        println!("  {what:<46} {:>9} {:>12} {slower:>8.2}", shown(p50), shown(p99));
    };
    watched();
    let alone = watched();
    told("alone", alone, alone.1);
    for (behaviour, count) in [
        ("endless_loop", 1),
        ("endless_loop", 4),
        ("endless_host_calls", 1),
        ("memory_bomb", 1),
        ("recursion", 1),
        ("log_flood", 1),
        ("too_much_output", 1),
    ] {
        let tasks: Vec<_> = (0..count)
            .map(|_| {
                let (engine, hostile, document) =
                    (Arc::clone(&engine), Arc::clone(&hostile), Arc::clone(&document));
                runtime.spawn(async move {
                    loop {
                        let request = request(&json!({ "behaviour": behaviour }));
                        let _ = engine.call(&hostile, Arc::clone(&document), &request).await;
                        // As a worker does between two documents.
                        tokio::time::sleep(PAUSE).await;
                    }
                })
            })
            .collect();
        told(&format!("beside {count} × {behaviour}"), watched(), alone.1);
        tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

async fn call(engine: &Engine, plugin: &Plugin, document: &Arc<dyn DocumentSource>, config: &Value) {
    engine.call(plugin, Arc::clone(document), &request(config)).await.result.unwrap();
}

fn request(config: &Value) -> Request {
    let config = config.as_object().unwrap().clone();
    Request { config, today: "2026-01-31".to_owned(), ..Request::default() }
}

fn at(times: &mut [Duration], part: f64) -> Duration {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * part) as usize]
}

fn shown(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

/// Memory of this process that is in the machine's, in bytes; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) << 10
}
