//! Searchable PDF: words lie where they stand in the picture, and the picture stays as it was.

use std::io::Cursor;

use bytes::Bytes;
use hayro_interpret::kurbo::Rect as Area;
use ocriva::config::Config;
use ocriva::decode::{self, Limits};
use ocriva::domain::extraction::{Extraction, PageRecord};
use ocriva::domain::format::Format;
use ocriva::domain::geometry::{Rect, Turn};
use ocriva::domain::page::{TextSource, Unit};
use ocriva::domain::raster::Raster;
use support::api::TestApi;
use support::database::Engine;
use support::{fixture, over_http};

use super::export;
use super::invisible::pieces;
use super::results::{finish, page, upload_file};

over_http!(
    words_lie_where_they_stand_in_the_picture,
    words_of_every_script_can_be_found,
    a_jpeg_stays_the_jpeg_it_is,
    a_pdf_with_a_text_layer_leaves_as_it_came,
    pages_are_pictures_upright_and_in_order,
);

fn read(pages: Vec<PageRecord>) -> Extraction {
    Extraction { pages, ..Extraction::default() }
}

async fn pdf(api: &TestApi, name: &str, result: Extraction) -> Vec<u8> {
    let id = upload_file(api, name, fixture(name), None).await;
    finish(api, &[(&id, result)]).await;
    let file = export(api, &format!("/processing-history/{id}/export?format=pdf")).await;
    assert_eq!(file.media_type, "application/pdf");
    file.bytes
}

fn raster(file: Vec<u8>, format: Format, index: u32) -> Raster {
    let limits = Limits::from(&Config::default().decode);
    decode::open(Bytes::from(file), format, None, limits).unwrap().raster(index).unwrap()
}

/// How much of what two boxes cover is common to both.
fn overlap(one: Area, other: Area) -> f64 {
    let common = one.intersect(other).area();
    common / (one.area() + other.area() - common)
}

/// Mean difference of samples between two pictures of the same content, on a grid of points.
fn difference(one: &Raster, other: &Raster) -> f64 {
    const GRID: u32 = 200;
    let sample = |raster: &Raster, x: u32, y: u32| {
        let column = (f64::from(x) + 0.5) / f64::from(GRID) * f64::from(raster.width);
        let row = (f64::from(y) + 0.5) / f64::from(GRID) * f64::from(raster.height);
        // The mean of a few neighbours: resolutions differ.
        let mut sum = 0.0;
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let column = (column as u32 + dx).min(raster.width - 1);
            let row = (row as u32 + dy).min(raster.height - 1);
            sum += f64::from(raster.pixels[((row * raster.width + column) * 3) as usize]) / 4.0;
        }
        sum
    };
    let points = (0..GRID).flat_map(|y| (0..GRID).map(move |x| (x, y)));
    let sum: f64 = points.map(|(x, y)| (sample(one, x, y) - sample(other, x, y)).abs()).sum();
    sum / f64::from(GRID * GRID)
}

async fn words_lie_where_they_stand_in_the_picture(api: TestApi) {
    let size = raster(fixture("receipt.jpg"), Format::Jpeg, 0);
    let (width, height) = (size.width as f32, size.height as f32);
    let scale = 841.89 / f64::from(width.max(height));
    let (total, amount) = (Rect::new(20.0, 30.0, 120.0, 50.0), Rect::new(140.0, 28.0, 200.0, 52.0));
    // Where a box of the upright page lies in the picture, for each way in which the page may lie.
    type Place = fn(Rect, f32, f32) -> Rect;
    let places: [(Turn, Place); 4] = [
        (Turn::None, |bbox, _, _| bbox),
        (Turn::Clockwise90, |bbox, _, height| {
            Rect::new(bbox.y0, height - bbox.x0, bbox.y1, height - bbox.x1)
        }),
        (Turn::Half, |bbox, width, height| {
            Rect::new(width - bbox.x0, height - bbox.y0, width - bbox.x1, height - bbox.y1)
        }),
        (Turn::Clockwise270, |bbox, width, _| Rect::new(width - bbox.y0, bbox.x0, width - bbox.y1, bbox.x1)),
    ];
    for (rotation, place) in places {
        let upright = if rotation.swaps_sides() { (height, width) } else { (width, height) };
        let lines = vec![vec![("TOTAL", total), ("80.90", amount)]];
        let result = read(vec![PageRecord { rotation, ..page(1, upright, lines) }]);
        let found = pieces(pdf(&api, "receipt.jpg", result).await, 0);
        let texts: Vec<&str> = found.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, ["TOTAL", " ", "80.90"]);
        for (piece, bbox) in [(&found[0], total), (&found[2], amount)] {
            let Rect { x0, y0, x1, y1 } = place(bbox, width, height);
            let [x0, y0, x1, y1] = [x0, y0, x1, y1].map(|side| f64::from(side) * scale);
            let expected = Area::new(x0, y0, x1, y1);
            assert!(overlap(piece.bbox, expected) > 0.95, "{rotation:?}: {:?}, {expected:?}", piece.bbox);
        }
    }
}

async fn words_of_every_script_can_be_found(api: TestApi) {
    let words = ["Größe", "€12", "ใบเสร็จ", "発票", "Итого", "𝒜😀", "שלום"];
    let row = |index: usize| Rect::new(10.0, 20.0 * index as f32, 90.0, 20.0 * index as f32 + 15.0);
    let lines = words.iter().enumerate().map(|(index, word)| vec![(*word, row(index))]).collect();
    let found = pieces(pdf(&api, "receipt.jpg", read(vec![page(1, (600.0, 1000.0), lines)])).await, 0);
    let texts: Vec<&str> = found.iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(texts[..6], words[..6]);
    // As it stands on the page, from left to right.
    assert_eq!(texts[6], "םולש");
}

async fn a_jpeg_stays_the_jpeg_it_is(api: TestApi) {
    for name in ["receipt.jpg", "receipt_exif_orientation.jpg"] {
        let original = fixture(name);
        let written = pdf(&api, name, read(vec![page(1, (600.0, 1000.0), vec![])])).await;
        let samples = &original[original.len() / 2..original.len() / 2 + 1000];
        assert!(written.windows(1000).any(|window| window == samples), "{name}: the samples are not there");
        let before = raster(original, Format::Jpeg, 0);
        let after = raster(written, Format::Pdf, 0);
        let (wanted, found) =
            (before.width as f64 / before.height as f64, after.width as f64 / after.height as f64);
        assert!((wanted / found - 1.0).abs() < 0.01, "{name}: {wanted} became {found}");
        assert!(difference(&before, &after) < 8.0, "{name}: {}", difference(&before, &after));
    }
}

async fn a_pdf_with_a_text_layer_leaves_as_it_came(api: TestApi) {
    let record =
        PageRecord { source: TextSource::TextLayer, unit: Unit::Point, ..page(1, (595.0, 842.0), vec![]) };
    assert_eq!(pdf(&api, "invoice.pdf", read(vec![record])).await, fixture("invoice.pdf"));
}

async fn pages_are_pictures_upright_and_in_order(api: TestApi) {
    let name = "receipt_three_pages.tif";
    let pages = [Turn::None, Turn::Half, Turn::None].into_iter().zip(1..);
    let pages = pages.map(|(rotation, number)| PageRecord { rotation, ..page(number, (1.0, 1.0), vec![]) });
    let id = upload_file(&api, name, fixture(name), None).await;
    finish(&api, &[(&id, read(pages.collect()))]).await;
    let path = format!("/processing-history/{id}/export?format=image");
    let file = export(&api, &path).await;
    assert_eq!(file.media_type, "application/zip");
    let archive = zip::ZipArchive::new(Cursor::new(file.bytes)).unwrap();
    let names: Vec<_> = archive.file_names().map(Result::unwrap).collect();
    assert_eq!(names, ["page-001.png", "page-002.png", "page-003.png"]);
    let second = export(&api, &format!("{path}&page=2")).await;
    assert_eq!(second.media_type, "image/png");
    let first = export(&api, &format!("{path}&page=1")).await;
    let pictures = [first, second].map(|picture| raster(picture.bytes, Format::Png, 0));
    assert!(difference(&pictures[0], &pictures[1]) < 12.0, "the second page was upside down");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scanned_pages_of_a_pdf_are_embedded_as_they_are() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    for name in ["scan.pdf", "scan_rotated.pdf", "hidden_text_lies.pdf"] {
        let before = raster(fixture(name), Format::Pdf, 0);
        let limits = Limits::from(&Config::default().decode);
        let document = decode::open(Bytes::from(fixture(name)), Format::Pdf, None, limits).unwrap();
        let size = document.page_size(0).unwrap();
        let word = Rect::new(size.width * 0.2, size.height * 0.1, size.width * 0.5, size.height * 0.13);
        let record = PageRecord {
            unit: Unit::Point,
            ..page(1, (size.width, size.height), vec![vec![("RECEIPT", word)]])
        };
        let written = pdf(&api, name, read(vec![record])).await;
        let found = pieces(written.clone(), 0);
        let texts: Vec<&str> = found.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, ["RECEIPT"], "{name}");
        let [x0, y0, x1, y1] = <[f32; 4]>::from(word).map(f64::from);
        assert!(overlap(found[0].bbox, Area::new(x0, y0, x1, y1)) > 0.95, "{name}: {:?}", found[0].bbox);
        let after = raster(written, Format::Pdf, 0);
        assert!(difference(&before, &after) < 4.0, "{name}: {}", difference(&before, &after));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_of_a_skewed_page_are_level_where_they_stand() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let size = raster(fixture("receipt.jpg"), Format::Jpeg, 0);
    let (width, height) = (size.width as f32, size.height as f32);
    let scale = 841.89 / f64::from(width.max(height));
    let (sin, cos) = 5_f32.to_radians().sin_cos();
    let (canvas_width, canvas_height) = (width * cos + height * sin, width * sin + height * cos);
    let word = |right: f32, down: f32| {
        let (x, y) = (canvas_width / 2.0 + right, canvas_height / 2.0 + down);
        Rect::new(x - 30.0, y - 10.0, x + 30.0, y + 10.0)
    };
    let lines = vec![vec![("left", word(-100.0, 0.0)), ("right", word(100.0, 0.0))]];
    let record = PageRecord { skew: 5.0, ..page(1, (canvas_width, canvas_height), lines) };
    let found = pieces(pdf(&api, "receipt.jpg", read(vec![record])).await, 0);
    for (piece, right) in [(&found[0], -100.0), (&found[2], 100.0)] {
        // A line that runs downhill by five degrees through the middle of the picture.
        let (x, y) = (width / 2.0 + right * cos, height / 2.0 + right * sin);
        let [x0, y0, x1, y1] = [x - 30.0, y - 10.0, x + 30.0, y + 10.0].map(|side| f64::from(side) * scale);
        assert!(overlap(piece.bbox, Area::new(x0, y0, x1, y1)) > 0.95, "{piece:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_touch_stay_words_of_their_own() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let (left, right) = (Rect::new(20.0, 30.0, 120.0, 50.0), Rect::new(118.0, 30.0, 200.0, 50.0));
    let lines = vec![vec![("NO.", left), ("122", right)]];
    let result = read(vec![page(1, (600.0, 1000.0), lines)]);
    let found = pieces(pdf(&api, "receipt.jpg", result).await, 0);
    let texts: Vec<&str> = found.iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(texts, ["NO.", " ", "122"]);
    assert!(found[0].bbox.x1 < found[2].bbox.x0, "{found:?}");
}
