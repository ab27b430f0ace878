//! What a plugin call costs beside the plugin's own work: a fresh instance of the bundled `text`, which fetches the
//! words of every page.

#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::borrow::Cow;
use std::hint::black_box;
use std::sync::Arc;

use async_trait::async_trait;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ocriva::assets;
use ocriva::config::Config;
use ocriva::domain::barcode::Barcode;
use ocriva::domain::geometry::{Rect, Turn};
use ocriva::domain::page::{Line, PageSize, PageText, TextSource, Unit, Word};
use ocriva::domain::raster::Raster;
use ocriva::plugins::{DocumentSource, Engine, Request, SourceError};

/// Words of a line.
const LINE_WORDS: u32 = 8;

/// A document of one page that has been read.
struct OnePage(Arc<PageText>);

#[async_trait]
impl DocumentSource for OnePage {
    fn page_count(&self) -> u32 {
        1
    }

    fn file_name(&self) -> &str {
        "page.pdf"
    }

    fn media_type(&self) -> &str {
        "application/pdf"
    }

    fn page_number(&self, index: u32) -> u32 {
        index + 1
    }

    async fn size(&self, _index: u32) -> Result<PageSize, SourceError> {
        Ok(self.0.size)
    }

    async fn text(&self, _index: u32) -> Result<Arc<PageText>, SourceError> {
        Ok(Arc::clone(&self.0))
    }

    async fn raster(&self, _index: u32) -> Result<Arc<Raster>, SourceError> {
        Ok(Arc::new(Raster { width: 1, height: 1, pixels: vec![0; 3] }))
    }

    async fn recognize(&self, _index: u32, _area: Rect) -> Result<Vec<Word>, SourceError> {
        Ok(Vec::new())
    }

    async fn barcodes(&self, _index: u32) -> Result<Arc<Vec<Barcode>>, SourceError> {
        Ok(Arc::default())
    }
}

fn page(word_count: u32) -> PageText {
    let word = |index| Word {
        text: format!("word{index}"),
        bbox: Rect::new(10.0, 10.0, 60.0, 20.0),
        confidence: 0.9,
        line: index / LINE_WORDS,
        block: 0,
    };
    let line = |index| Line {
        bbox: Rect::new(10.0, 10.0, 500.0, 20.0),
        first_word: index * LINE_WORDS,
        word_count: LINE_WORDS,
        block: 0,
    };
    PageText {
        size: PageSize { width: 595.0, height: 842.0, unit: Unit::Point },
        turn: Turn::None,
        skew_degrees: 0.0,
        source: TextSource::TextLayer,
        words: (0..word_count).map(word).collect(),
        lines: (0..word_count / LINE_WORDS).map(line).collect(),
    }
}

fn instantiate_and_call(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let engine = Arc::new(Engine::new(&Config::default().plugins, cache.path().to_owned()).unwrap());
    let (_, component) = assets::bundled_plugins().iter().find(|(name, _)| *name == "text").unwrap();
    let plugin = runtime.block_on(engine.load(Cow::Borrowed(component))).unwrap();
    let request = Request { today: "2026-01-31".to_owned(), ..Request::default() };
    let mut group = criterion.benchmark_group("plugin_call");
    for word_count in [0, 400, 24_000] {
        let document: Arc<dyn DocumentSource> = Arc::new(OnePage(Arc::new(page(word_count))));
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
