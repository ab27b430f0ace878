//! What it costs to open a document, to read a page's text layer, and to get a page's picture.

#![expect(clippy::expect_used, reason = "a benchmark stops at the first surprise")]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use ocriva::decode::{self, Document, Limits};
use ocriva::domain::format;
use ocriva::domain::layout;

const LIMITS: Limits = Limits {
    max_pages: 500,
    max_pixels: 64_000_000,
    max_inflated_bytes: 512 << 20,
    max_text_bytes: 8 << 20,
    page_timeout: Duration::from_secs(30),
    raster_dpi: 200,
};

fn content(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name);
    std::fs::read(path).expect("a fixture can be read").into()
}

fn open(content: &Bytes) -> Document {
    let format = format::sniff(content, "").expect("a fixture's format is known");
    decode::open(content.clone(), format, None, LIMITS).expect("a fixture can be opened")
}

fn text_layer(criterion: &mut Criterion) {
    let invoice = content("invoice.pdf");
    criterion.bench_function("open invoice.pdf", |bencher| {
        bencher.iter(|| open(black_box(&invoice)).page_count())
    });
    let document = open(&invoice);
    criterion.bench_function("text layer of invoice.pdf", |bencher| {
        bencher.iter(|| document.text_layer(black_box(0)).expect("the page can be read"));
    });
    let size = document.page_size(0).expect("the page has a size");
    let segments = document.text_layer(0).expect("the page can be read").expect("its text is trusted");
    criterion.bench_function("arrange invoice.pdf", |bencher| {
        bencher.iter(|| layout::arrange(black_box(segments.clone()), size));
    });
}

fn raster(criterion: &mut Criterion) {
    for name in ["invoice.pdf", "scan.pdf", "receipt.jpg", "receipt.webp", "receipt_three_pages.tif"] {
        let document = open(&content(name));
        criterion.bench_function(&format!("raster of {name}"), |bencher| {
            bencher.iter(|| document.raster(black_box(0)).expect("the page can be decoded"));
        });
    }
}

criterion_group!(benches, text_layer, raster);
criterion_main!(benches);
