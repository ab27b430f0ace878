//! Reading a scanned receipt, step by step as far as the engine's border shows them.

#![expect(clippy::expect_used, reason = "a benchmark stops at the first surprise")]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use ocriva::assets;
use ocriva::config::{Config, OcrMode};
use ocriva::decode::{self, Limits};
use ocriva::domain::format::Format;
use ocriva::domain::geometry::{Rect, Turn};
use ocriva::domain::raster::Raster;
use ocriva::ocr::{self, Engine};

fn receipt() -> Raster {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/receipt.jpg");
    let content = std::fs::read(path).expect("the fixture is there");
    let limits = Limits::from(&Config::default().decode);
    let document = decode::open(content.into(), Format::Jpeg, None, limits).expect("the fixture is a JPEG");
    document.raster(0).expect("the fixture has a page")
}

fn reading(criterion: &mut Criterion) {
    let raster = receipt();
    let engine = Engine::new(&Config::default().ocr, assets::model);
    let page = engine.read(&raster, OcrMode::Accurate).expect("the page can be read");
    let line = page.segments.first().map_or(Rect::new(0.0, 0.0, 100.0, 40.0), |segment| segment.bbox);
    let upside_down = ocr::upright(raster.clone(), Turn::Half, 0.0);
    let blank = Raster { pixels: vec![255; raster.pixels.len()], ..raster.clone() };

    let mut group = criterion.benchmark_group("ocr");
    group.sample_size(10);
    group.bench_function("page, accurate", |bencher| {
        bencher.iter(|| engine.read(black_box(&raster), OcrMode::Accurate));
    });
    group.bench_function("page, fast", |bencher| {
        bencher.iter(|| engine.read(black_box(&raster), OcrMode::Fast));
    });
    group.bench_function("page upside down, accurate", |bencher| {
        bencher.iter(|| engine.read(black_box(&upside_down), OcrMode::Accurate));
    });
    group.bench_function("one line of a page", |bencher| {
        bencher.iter(|| engine.read_area(black_box(&raster), line, OcrMode::Accurate));
    });
    group.bench_function("blank page: orientation and preparation only", |bencher| {
        bencher.iter(|| engine.read(black_box(&blank), OcrMode::Accurate));
    });
    group.bench_function("straightening by two degrees", |bencher| {
        bencher.iter(|| ocr::upright(black_box(raster.clone()), Turn::None, 2.0));
    });
    group.bench_function("first page of a fresh engine", |bencher| {
        bencher.iter(|| {
            Engine::new(&Config::default().ocr, assets::model).read(black_box(&raster), OcrMode::Accurate)
        });
    });
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
