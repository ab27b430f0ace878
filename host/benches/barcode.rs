//! Finding the bar codes of a page: of one that has some, and of one that has none.

#![expect(clippy::expect_used, reason = "a benchmark stops at the first surprise")]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use ocriva::barcode;
use ocriva::config::Config;
use ocriva::decode::{self, Limits};
use ocriva::domain::format;

fn pages(criterion: &mut Criterion) {
    let limits = Limits::from(&Config::default().decode);
    let mut group = criterion.benchmark_group("barcode");
    group.sample_size(10);
    for name in ["barcodes.pdf", "barcodes_scan.jpg", "invoice.pdf", "receipt.jpg"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name);
        let content = std::fs::read(path).expect("a fixture can be read");
        let format = format::sniff(&content, "").expect("a fixture's format is known");
        let document = decode::open(content.into(), format, None, limits).expect("a fixture can be opened");
        let page = document.raster(0).expect("the page can be drawn");
        group.bench_function(name, |bencher| bencher.iter(|| barcode::read(black_box(&page))));
    }
    group.finish();
}

criterion_group!(benches, pages);
criterion_main!(benches);
