//! What a plugin call costs beside the plugin's own work: a fresh instance of the bundled `text`, which fetches the
//! words of every page.

#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ocriva::assets;
use ocriva::config::Config;
use ocriva::plugins::{DocumentSource, Engine, Request};

#[path = "support/page.rs"]
mod page;

use page::OnePage;

fn instantiate_and_call(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let mut settings = Config::default().plugins;
    settings.compile.program = env!("CARGO_BIN_EXE_ocriva").to_owned();
    let engine = Arc::new(Engine::new(&settings, cache.path().to_owned()).unwrap());
    let bundled = assets::bundled_plugins().iter().find(|bundled| bundled.name == "text").unwrap();
    let plugin = runtime.block_on(engine.load(Cow::Borrowed(bundled.component))).unwrap();
    let request = Request { today: "2026-01-31".to_owned(), ..Request::default() };
    let mut group = criterion.benchmark_group("plugin_call");
    for word_count in [0, 400, 24_000] {
        let document: Arc<dyn DocumentSource> = Arc::new(OnePage::new(word_count));
        group.bench_with_input(BenchmarkId::new("words", word_count), &document, |bencher, document| {
            bencher.to_async(&runtime).iter(|| async {
                let called = engine.call(&plugin, Arc::clone(document), &request).await;
                black_box(called.result.unwrap());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, instantiate_and_call);
criterion_main!(benches);
